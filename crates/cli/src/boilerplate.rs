//! `samestory boilerplate`: the list of passages that say nothing of a story.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use samestory::{boilerplate::BoilerplateList, report::sanitize_line, story::Corpus};

use super::{
    Outcome,
    args::{BoilerplateArgs, BoilerplateCommand},
    bars::{Bars, catch_ctrl_c},
    outputs, sink, stories,
};
use crate::error::{CliError, Result};

/// Runs the command.
pub fn run(args: &BoilerplateArgs) -> Result<Outcome> {
    match &args.command {
        BoilerplateCommand::Learn { paths, file, input } => {
            catch_ctrl_c();
            outputs::check(paths, &[("--file", Some(file))])?;
            let ingested = stories::read(paths, &stories::options(input)?, &Bars::new(false))?;
            let bad_input = !ingested.notices.is_empty();
            let learned = BoilerplateList::learn(&Corpus::new(ingested.stories));
            let found = learned.passages.len();
            let mut list = if file.exists() { read(file)? } else { BoilerplateList::default() };
            list.merge(learned);
            let text = format!("{HEAD}{}", list.to_toml()?);
            sink::write_to(Some(file), |out| out.write_all(text.as_bytes()))?;
            say!(
                "{found} learned, {} in {}",
                list.passages.len(),
                sanitize_line(&file.display().to_string(), 400)
            );
            if bad_input && input.strict {
                return Ok(Outcome::BadInput);
            }
        }
        BoilerplateCommand::List { file } => {
            let list = read(file)?;
            sink::write_to(None, |out| {
                for entry in &list.passages {
                    let state = if entry.exclude { "left out" } else { "kept" };
                    let source = entry.source.as_deref().unwrap_or("–");
                    let (source, place) = (sanitize_line(source, 24), sanitize_line(&entry.place, 8));
                    writeln!(out, "{:>6} stories  {state:<8}  {place:<6}  {source}", entry.stories)?;
                    writeln!(out, "       {}", sanitize_line(&entry.text, 110))?;
                }
                Ok(())
            })?;
        }
        BoilerplateCommand::Edit { file } => edit(file)?,
    }
    Ok(Outcome::Done)
}

/// What the file says of itself.
const HEAD: &str = "# Passages that samestory leaves out of coverage. Set exclude = false for what belongs to stories,\n\
                    # or add a [[passage]] with its text. `samestory boilerplate learn` keeps what is set here.\n\n";

/// Reads the list in `file`.
pub fn read(file: &Path) -> Result<BoilerplateList> {
    let text = fs::read_to_string(file).map_err(CliError::io("read", file))?;
    Ok(BoilerplateList::from_toml(&file.display().to_string(), &text)?)
}

/// Opens `file` in the user's editor, then checks it.
fn edit(file: &Path) -> Result<()> {
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
    let refuse = |message: String| CliError::Usage {
        option: "boilerplate edit".into(),
        message,
        hint: format!("set EDITOR, or open {} yourself", file.display()),
    };
    let editor = editor.ok_or_else(|| refuse("neither VISUAL nor EDITOR is set".into()))?;
    let mut words = editor.split_whitespace();
    let program = words.next().ok_or_else(|| refuse("EDITOR is empty".into()))?;
    let status = Command::new(program)
        .args(words)
        .arg(file)
        .stdin(Stdio::inherit())
        .status()
        .map_err(|e| refuse(format!("{program} cannot be started: {e}")))?;
    if !status.success() {
        return Err(refuse(format!("{program} ended with {status}")));
    }
    let list = read(file)?;
    say!("{} passages, {} left out", list.passages.len(), list.passages.iter().filter(|e| e.exclude).count());
    Ok(())
}

//! `samestory boilerplate`: the list of passages that say nothing of a story.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::{Args, Subcommand};
use samestory::{boilerplate::BoilerplateList, report::sanitize_line, story::Corpus};

use super::Outcome;
use crate::{
    env,
    error::{CliError, Result},
    input,
    options::InputArgs,
    output, output_paths,
    progress::ProgressBars,
    signals::{stop_at_safe_points, with_defaults},
};

const EXAMPLES: &str = "\
Examples:
  samestory boilerplate learn news.jsonl
  samestory boilerplate list
  samestory dedup news.jsonl --boilerplate boilerplate.toml";

/// The arguments of `samestory boilerplate`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct BoilerplateArgs {
    #[command(subcommand)]
    pub command: BoilerplateCommand,
}

#[derive(Subcommand)]
pub enum BoilerplateCommand {
    /// Find what recurs in unrelated stories, and add it to the list
    Learn {
        /// Files and folders; `-` is standard input
        #[arg(required = true, value_name = "PATHS")]
        paths: Vec<PathBuf>,
        /// The list
        #[arg(long, value_name = "FILE", default_value = "boilerplate.toml")]
        file: PathBuf,
        #[command(flatten)]
        input: InputArgs,
    },
    /// Show the list
    List {
        /// The list
        #[arg(long, value_name = "FILE", default_value = "boilerplate.toml")]
        file: PathBuf,
    },
    /// Open the list in $VISUAL or $EDITOR, and check it
    Edit {
        /// The list
        #[arg(long, value_name = "FILE", default_value = "boilerplate.toml")]
        file: PathBuf,
    },
}

/// Runs the command.
pub fn run(args: &BoilerplateArgs) -> Result<Outcome> {
    match &args.command {
        BoilerplateCommand::Learn { paths, file, input } => {
            stop_at_safe_points();
            output_paths::check(paths, &[("--file", Some(file))])?;
            let ingested = input::read(paths, &input::options(input, false)?, &ProgressBars::new(false))?;
            let bad_input = !ingested.notices.is_empty();
            let learned = BoilerplateList::learn(&Corpus::new(ingested.stories));
            let found = learned.passages.len();
            let mut list = if file.exists() { read_list(file)? } else { BoilerplateList::default() };
            list.merge(learned);
            let text = format!("{HEAD}{}", list.to_toml()?);
            output::write_to(Some(file), |out| out.write_all(text.as_bytes()))?;
            status!("{found} learned, {} in {}", list.passages.len(), output::printable_path(file));
            if bad_input && input.strict {
                return Ok(Outcome::BadInput);
            }
        }
        BoilerplateCommand::List { file } => {
            let list = read_list(file)?;
            output::write_to(None, |out| {
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
pub fn read_list(file: &Path) -> Result<BoilerplateList> {
    let text = fs::read_to_string(file).map_err(CliError::io("read", file))?;
    Ok(BoilerplateList::from_toml(&file.display().to_string(), &text)?)
}

/// Opens `file` in the user's editor, then checks it.
fn edit(file: &Path) -> Result<()> {
    let refuse = |message: String| CliError::Usage {
        option: "boilerplate edit".into(),
        message,
        hint: format!("set EDITOR, or open {} yourself", file.display()),
    };
    let editor = env::editor().ok_or_else(|| refuse("neither VISUAL nor EDITOR is set".into()))?;
    let mut words = editor.split_whitespace();
    let program = words.next().ok_or_else(|| refuse("EDITOR is empty".into()))?;
    let mut command = Command::new(program);
    command.args(words).arg(file).stdin(Stdio::inherit());
    let started = with_defaults(|| command.spawn());
    let status = started
        .and_then(|mut editor| editor.wait())
        .map_err(|e| refuse(format!("{program} cannot be started: {e}")))?;
    if !status.success() {
        return Err(refuse(format!("{program} ended with {status}")));
    }
    let list = read_list(file)?;
    status!(
        "{} passages, {} left out",
        list.passages.len(),
        list.passages.iter().filter(|e| e.exclude).count()
    );
    Ok(())
}

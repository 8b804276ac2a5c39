//! `samestory explain`: two stories side by side, and why they are judged as they are.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use samestory::{
    Deduplicator, Error,
    archive::{Archive, ArchiveOptions},
    compare::{self, Explanation, PassageChange, PassageDiff, Relation},
    dedup::DedupInput,
    report::{json_pretty, sanitize_line},
    store::Store,
    story::{Story, StoryId},
    words::diff_tokens,
};

use super::{Outcome, boilerplate::read_list};
use crate::{
    env,
    error::{CliError, Result},
    input::{self, InputOptions},
    options::{ComputeArgs, InputArgs, StoreArgs},
    output,
    progress::ProgressBars,
    runtime::{Runtime, print_index_warnings},
    signals::stop_at_safe_points,
    store,
};

const EXAMPLES: &str = "\
Examples:
  samestory explain hw-101 nd-330 --in news.jsonl
  samestory explain first.txt second.txt
  samestory explain a.jsonl#3 b.jsonl#7 --format json";

/// The arguments of `samestory explain`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The first story: its id, a file, or file#n for the nth story of a file
    pub a: String,
    /// The second story: as the first
    pub b: String,
    /// The files and folders that hold the ids; they also determine which words are common
    #[arg(long = "in", value_name = "PATHS", num_args = 1..)]
    pub paths: Vec<PathBuf>,
    /// A list of boilerplate that `samestory boilerplate learn` wrote
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For people
    Text,
    /// One object
    Json,
}

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let progress = ProgressBars::new(args.compute.quiet);
    let mut runtime = Runtime::new(&args.compute)?;
    let is_id = |name: &String| !Path::new(name.rsplit_once('#').map_or(&**name, |(file, _)| file)).is_file();
    let needs_store = args.paths.is_empty() && [&args.a, &args.b].into_iter().any(is_id);
    store::open_or_find(&args.store, needs_store && store::folder(None)?.is_some(), &mut runtime)?;
    let options = input::options(&args.input, args.compute.quiet)?;
    if args.paths.is_empty()
        && let Some(explanation) = explain_stored(args, &runtime)?
    {
        return write(args, &explanation, false);
    }
    let (mut all, mut bad_input): (Vec<Story>, bool) = (Vec::new(), false);
    if !args.paths.is_empty() || runtime.store.is_some() {
        let ingested = store::read(&runtime, &args.paths, &options, &progress)?;
        bad_input = !ingested.notices.is_empty();
        all = ingested.stories;
    }
    let [a, b] = [&args.a, &args.b].map(|name| find_story(name, &mut all, &options, &progress));
    let (a, b) = (a?, b?);
    let boilerplate = args.boilerplate.as_deref().map(read_list).transpose()?.unwrap_or_default();
    let deduplicator =
        Deduplicator::builder().embedder(runtime.embedder.clone()).boilerplate(boilerplate).build()?;
    let input = DedupInput::new(all).known_vectors(runtime.known_vectors());
    write(args, &deduplicator.explain_pair(input, (a, b), &progress)?, bad_input)
}

/// Explains two stories of the store, as the store knows them; `None` if it does not have both.
fn explain_stored(args: &ExplainArgs, runtime: &Runtime) -> Result<Option<Explanation>> {
    let Some(store) = &runtime.store else { return Ok(None) };
    let store = Store::open(store.folder())?;
    let reader = store.reader();
    let (Some(a), Some(b)) = (reader.story_number(&args.a)?, reader.story_number(&args.b)?) else {
        return Ok(None);
    };
    let boilerplate = args.boilerplate.as_deref().map(read_list).transpose()?.unwrap_or_default();
    let compare = compare::Options { boilerplate, ..compare::Options::default() };
    let options = ArchiveOptions { compare, ..ArchiveOptions::default() };
    let archive = Archive::builder().options(options).build(store)?;
    print_index_warnings(&archive);
    Ok(archive.explain(a, b)?)
}

fn write(args: &ExplainArgs, explanation: &Explanation, bad_input: bool) -> Result<Outcome> {
    output::write_to(None, |out| match args.format {
        ExplainFormat::Json => json_pretty(explanation, out),
        ExplainFormat::Text => text(explanation, &Paint::detect(), out),
    })?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// The story that `name` stands for: an id among `all`, or a file, of which `#n` takes the nth story.
pub fn find_story(
    name: &str,
    all: &mut Vec<Story>,
    options: &InputOptions,
    progress: &ProgressBars,
) -> Result<StoryId> {
    if let Some(at) = all.iter().position(|s| s.id == name) {
        return Ok(StoryId(at as u32));
    }
    let numbered = name.rsplit_once('#').and_then(|(file, n)| Some((file, n.parse::<usize>().ok()?)));
    let (file, number) = match numbered {
        Some((file, number)) if !Path::new(name).is_file() => (file, number),
        _ => (name, 1),
    };
    let unknown = |hint: String| CliError::hinted(Error::UnknownStory { id: name.into() }, hint);
    if !Path::new(file).is_file() {
        let hint = "give an id from the report with --in PATHS, a file, or file#n for its nth story";
        return Err(unknown(hint.into()));
    }
    let mut read = input::read(&[file.into()], &options.for_other_input(), progress)?.stories;
    if number == 0 || number > read.len() {
        return Err(unknown(format!("{file} holds {} stories, the first is {file}#1", read.len())));
    }
    all.push(read.swap_remove(number - 1));
    Ok(StoryId(all.len() as u32 - 1))
}

/// Escape codes; none where standard output takes no colours.
struct Paint(bool);

impl Paint {
    fn detect() -> Self {
        Paint(env::takes_colour())
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

fn text(e: &Explanation, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let f = &e.features;
    writeln!(out, "{}  and  {}", sanitize_line(&e.a, 60), sanitize_line(&e.b, 60))?;
    writeln!(out, "{}: {}", paint.paint("1", e.relation.name()), e.rule.message())?;
    writeln!(
        out,
        "{:.0} % of the first is in the second, {:.0} % of the second in the first; cosine {:.2}; longest common run {} words",
        f.coverage_ab * 100.0,
        f.coverage_ba * 100.0,
        f.cosine,
        f.longest_run
    )?;
    writeln!(
        out,
        "numbers shared {:.0} % of {}, names {:.0} % of {}",
        f.numbers_shared * 100.0,
        f.numbers,
        f.names_shared * 100.0,
        f.names
    )?;
    if matches!(e.relation, Relation::Rewrite | Relation::Quote) {
        writeln!(
            out,
            "passages with the same meaning {:.0} % and {:.0} %, in the same order {:.0} %; rare names and numbers in common \
             {:.0} % and {:.0} %; of the shared wording {:.0} % is quoted",
            f.meaning_ab * 100.0,
            f.meaning_ba * 100.0,
            f.same_order * 100.0,
            f.rare_facts_lower * 100.0,
            f.rare_facts_higher * 100.0,
            f.quoted * 100.0
        )?;
    }
    let evidence: Vec<String> =
        e.evidence.iter().map(|part| format!("{} {:+.1}", part.evidence, part.log_odds)).collect();
    writeln!(out, "probability of one origin {:.2}; log-odds: {}", e.probability, evidence.join(", "))?;
    writeln!(out)?;
    e.passages.iter().try_for_each(|part| show(part, paint, out))?;
    if !e.counterfactuals.is_empty() {
        writeln!(out, "\nWhat would have changed the verdict, one figure at a time")?;
    }
    for change in &e.counterfactuals {
        writeln!(
            out,
            "  {:<38} {:>6} → {:<6} {}",
            change.feature,
            figure(change.actual),
            figure(change.nearest),
            change.relation.name()
        )?;
    }
    Ok(())
}

/// Whole numbers as such, shares with two decimals.
fn figure(value: f32) -> String {
    if value > 1.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn show(part: &PassageDiff, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    const RED: &str = "31";
    const GREEN: &str = "32";
    const YELLOW: &str = "33";
    const GREY: &str = "2";
    let (mark, name, colour) = match part.kind {
        PassageChange::Identical => ("=", "identical", "0"),
        PassageChange::Changed => ("~", "changed", YELLOW),
        PassageChange::Cut => ("-", "only in the first", RED),
        PassageChange::Added => ("+", "only in the second", GREEN),
        PassageChange::Boilerplate => (".", "boilerplate", GREY),
    };
    let head = format!("{mark} {name} ({:.0} % found)", part.coverage * 100.0);
    writeln!(out, "{}", paint.paint(colour, &head))?;
    let text = sanitize_line(if part.a.is_empty() { &part.b } else { &part.a }, 2000);
    match part.kind {
        PassageChange::Changed => writeln!(out, "  {}", diff(&part.a, &part.b, paint)),
        PassageChange::Boilerplate => writeln!(out, "  {}", paint.paint(GREY, &text)),
        PassageChange::Cut => writeln!(out, "  {}", paint.paint(RED, &text)),
        PassageChange::Added => writeln!(out, "  {}", paint.paint(GREEN, &text)),
        PassageChange::Identical => writeln!(out, "  {text}"),
    }
}

/// The second text with what was cut in `[-…-]` and what was added in `{+…+}`, word by word.
fn diff(a: &str, b: &str, paint: &Paint) -> String {
    let (a, b) = (sanitize_line(a, 4000), sanitize_line(b, 4000));
    let (a, b) = (diff_tokens(&a), diff_tokens(&b));
    let diff = similar::TextDiff::from_slices(&a, &b);
    let mut runs: Vec<(similar::ChangeTag, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        match runs.last_mut() {
            Some((tag, text)) if *tag == change.tag() => text.push_str(change.value()),
            _ => runs.push((change.tag(), change.value().into())),
        }
    }
    let dressed = runs.iter().map(|(tag, text)| match tag {
        similar::ChangeTag::Equal => text.clone(),
        similar::ChangeTag::Delete => paint.paint("31", &format!("[-{text}-]")),
        similar::ChangeTag::Insert => paint.paint("32", &format!("{{+{text}+}}")),
    });
    dressed.collect()
}

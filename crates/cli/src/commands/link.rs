//! `samestory link`: related stories and the storylines that they make.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use samestory::{
    Deduplicator, Linker,
    dedup::{DedupInput, VerdictScope},
    report::{Manifest, Page, RelatedFormat, write_html, write_related},
    story::Corpus,
};

use super::{Outcome, boilerplate::read_list};
use crate::{
    decisions,
    error::Result,
    input::{self, Counts},
    options::{GroupSourceArgs, OutArgs, parse_hours},
    output, output_paths,
    progress::ProgressBars,
    runtime::Runtime,
    signals::stop_at_safe_points,
    store,
};

const EXAMPLES: &str = "\
Examples:
  samestory link news.jsonl
  samestory link news.jsonl --format graphml --out storylines.graphml
  samestory link --half-life 72 --html storylines.html";

/// The arguments of `samestory link`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct LinkArgs {
    #[command(flatten)]
    pub source: GroupSourceArgs,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = LinkFormat::Table)]
    pub format: LinkFormat,
    #[command(flatten)]
    pub output: OutArgs,
    /// Write the review page: storylines, groups, each difference, and room for decisions
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Decisions to apply, as the review page exports them: pairs that are one story or two, stories to keep
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Hours between two stories that halve the score of their link
    #[arg(long, value_name = "HOURS", default_value_t = 36.0, value_parser = parse_hours)]
    pub half_life: f32,
    /// The nearest earlier stories that each is linked to, at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub neighbours: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LinkFormat {
    /// For people: one block a storyline
    Table,
    /// One object a storyline, then one a link
    Jsonl,
    /// One row a link
    Csv,
    /// One object a story: id, and the number of its storyline as group
    Groups,
    /// A graph, for Gephi, yEd, NetworkX and others
    Graphml,
    /// A graph, for Graphviz
    Dot,
}

impl From<LinkFormat> for RelatedFormat {
    fn from(format: LinkFormat) -> Self {
        match format {
            LinkFormat::Table => RelatedFormat::Table,
            LinkFormat::Jsonl => RelatedFormat::Jsonl,
            LinkFormat::Csv => RelatedFormat::Csv,
            LinkFormat::Groups => RelatedFormat::Groups,
            LinkFormat::Graphml => RelatedFormat::Graphml,
            LinkFormat::Dot => RelatedFormat::Dot,
        }
    }
}

/// Runs the command.
pub fn run(args: &LinkArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let source = &args.source;
    let read = [&args.decisions, &source.boilerplate].into_iter().flatten();
    let read: Vec<PathBuf> = source.paths.iter().chain(read).cloned().collect();
    output_paths::check(&read, &[("--out", args.output.out.as_deref()), ("--html", args.html.as_deref())])?;
    let progress = ProgressBars::new(source.compute.quiet);
    let ingest_options = input::options(&source.input, source.compute.quiet)?;
    let mut builder = Deduplicator::builder();
    if let Some(file) = &source.boilerplate {
        builder = builder.boilerplate(read_list(file)?);
    }
    if args.html.is_none() {
        builder = builder.verdicts(VerdictScope::Related);
    }
    let linker =
        Linker::builder().half_life_hours(args.half_life).neighbours(usize::from(args.neighbours)).build()?;
    let mut runtime = Runtime::new(&source.compute)?;
    store::open_or_find(&source.store, source.paths.is_empty(), &mut runtime)?;
    let deduplicator = builder.embedder(runtime.embedder.clone()).build()?;

    let ingested = store::read(&runtime, &source.paths, &ingest_options, &progress)?;
    let bad_input = !ingested.notices.is_empty();
    let counts = Counts::of(&ingested);
    let corpus = Corpus::new(ingested.stories);
    let constraints = decisions::resolve(args.decisions.as_deref(), &runtime, &corpus)?;
    let known = runtime.known_vectors();
    let input = DedupInput::of_corpus(corpus).decisions(constraints).known_vectors(known);
    let outcome = deduplicator.run_with(input, &progress)?;
    let evidence = args.html.as_ref().map(|_| outcome.evidence(&progress)).transpose()?;
    if !source.compute.quiet {
        print_undated(outcome.corpus());
    }
    let links = linker.run_with(&outcome, known, &progress)?;
    let related = links.related();
    output::write_to(args.output.out.as_deref(), |out| write_related(args.format.into(), &related, out))?;
    if let (Some(path), Some(evidence)) = (&args.html, &evidence) {
        let manifest = Manifest { stages: progress.stage_times(), ..counts.manifest(outcome.manifest()) };
        let page = Page {
            command: "link",
            corpus: outcome.corpus(),
            groups: outcome.grouping(),
            decided: outcome.decisions(),
            evidence,
            manifest: &manifest,
            related: Some(&related),
        };
        output::write_to(Some(path), |out| write_html(&page, out))?;
    }
    if !source.compute.quiet {
        status!(
            "{} stories, {} without their copies; {} storylines, {} links; {}; {}, {} threads",
            outcome.corpus().stories.len(),
            links.nodes().len(),
            related.storylines.len(),
            related.links.len(),
            progress.summary(),
            runtime.embedder.describe_device(),
            runtime.embedder.threads()
        );
    }
    Ok(if bad_input && source.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// Warns of stories without a date.
fn print_undated(corpus: &Corpus) {
    let undated = corpus.stories.iter().filter(|story| story.published.is_none()).count();
    if undated > 0 {
        status!(
            "samestory: {undated} of {} stories have no date: they come last, in the order of the input, and their links \
             do not fade with time",
            corpus.stories.len()
        );
    }
}

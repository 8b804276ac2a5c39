//! `samestory dedup`: from files to groups, reports and the records that survive.

mod against_store;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use flate2::{Compression, write::GzEncoder};
use samestory::{
    Deduplicator,
    dedup::{DedupInput, DeduplicatorBuilder, VerdictScope},
    group::{Groups, Keep, Publishers},
    ingest::{self, FileFormat, IngestOptions, RecordFormat, RecordSource},
    report::{self, Format, Manifest, Page, json_pretty, write_html},
    search::IndexChoice,
    story::{Corpus, Origin, StoryId},
};

use super::{Outcome, boilerplate::read_list, calibrate::read_rules};
use crate::{
    decisions,
    error::Result,
    input::{self, Counts},
    notices,
    options::{ComputeArgs, InputArgs, OutArgs, StoreArgs},
    output, output_paths,
    progress::ProgressBars,
    runtime::Runtime,
    signals::stop_at_safe_points,
    store,
};

const EXAMPLES: &str = "\
Examples:
  samestory dedup news.jsonl
  samestory dedup news.jsonl --kept clean.jsonl --html report.html
  samestory dedup archive/ --format csv --out duplicates.csv --keep source:Reuters,AP";

/// The arguments of `samestory dedup`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct DedupArgs {
    /// Files and folders; `-` is standard input
    #[arg(required_unless_present = "store", value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = DedupFormat::Table)]
    pub format: DedupFormat,
    #[command(flatten)]
    pub output: OutArgs,
    /// Write the records that survive, in their order: untouched, or converted where the name of the file says another
    /// format than that of the input (.jsonl, .json, .csv, .tsv, .parquet, also .gz)
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub kept: Option<PathBuf>,
    /// Write the removed stories, with what is kept for each, in the format that the name of the file says (as for --kept)
    #[arg(long, value_name = "FILE")]
    pub removed: Option<PathBuf>,
    /// Write every compared pair with its features, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,
    /// Classify and group again from the pairs that `--pairs` wrote of the same input: nothing is searched or compared again
    #[arg(long, value_name = "FILE", conflicts_with = "html")]
    pub reuse_pairs: Option<PathBuf>,
    /// Write the figures of the run as JSON
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Write the review page: all groups, each difference, and room for decisions
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Decisions to apply, as the review page exports them: pairs that are one story or two, stories to keep
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Which story of a group is kept: origin (the likely one, by credits, time and text), earliest, latest, longest, first
    /// (as read), or source:A,B,… (publishers in the order you trust them)
    #[arg(long, value_name = "POLICY", default_value = "origin")]
    pub keep: String,
    /// The relations to the kept story that are removed, with commas: identical, copy, excerpt, update, rewrite
    #[arg(long, value_name = "LIST", default_value = "identical,copy,excerpt,update")]
    pub remove: String,
    /// A list of boilerplate that `samestory boilerplate learn` wrote [default: only what the stories themselves show]
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    /// A rule table that `samestory calibrate` wrote [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The coverage from which a story is a copy, between 0 and 1 [default: the rule table's]
    #[arg(long, value_name = "SHARE")]
    pub min_coverage: Option<f32>,
    /// How neighbours are searched
    #[arg(long, value_enum, default_value_t = IndexOption::Auto)]
    pub index: IndexOption,
    /// End with exit code 1 if any duplicate was found
    #[arg(long)]
    pub fail_on_duplicates: bool,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// Print the figures of index, model and stages with the summary
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DedupFormat {
    /// For people: one block a group
    Table,
    /// One object a story
    Jsonl,
    /// One row a story
    Csv,
    /// One object a story: id and group
    Groups,
    /// The columns of the JSON lines
    Parquet,
    /// One array of the objects of the JSON lines
    Json,
    /// As csv, with tabs
    Tsv,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IndexOption {
    /// Exact as far as exact is faster
    Auto,
    /// Every passage against every other
    Exact,
    /// An approximate graph
    Hnsw,
}

impl From<DedupFormat> for Format {
    fn from(format: DedupFormat) -> Self {
        match format {
            DedupFormat::Table => Format::Table,
            DedupFormat::Jsonl => Format::Jsonl,
            DedupFormat::Csv => Format::Csv,
            DedupFormat::Groups => Format::Groups,
            DedupFormat::Parquet => Format::Parquet,
            DedupFormat::Json => Format::Json,
            DedupFormat::Tsv => Format::Tsv,
        }
    }
}

impl From<IndexOption> for IndexChoice {
    fn from(index: IndexOption) -> Self {
        match index {
            IndexOption::Auto => IndexChoice::Auto,
            IndexOption::Exact => IndexChoice::Exact,
            IndexOption::Hnsw => IndexChoice::Hnsw,
        }
    }
}

/// Runs the command.
pub fn run(args: &DedupArgs) -> Result<Outcome> {
    stop_at_safe_points();
    check_outputs(args)?;
    if args.store.store.is_some() && !args.paths.is_empty() {
        return against_store::run(args);
    }
    let progress = ProgressBars::new(args.compute.quiet);
    let ingest_options = input::options(&args.input, args.compute.quiet)?;
    let builder = builder(args)?;
    let rereads = args.kept.is_some();
    let (sources, _spool) = input::spool(&args.paths, rereads)?;
    let mut runtime = Runtime::new(&args.compute)?;
    store::open(&args.store, &mut runtime)?;
    let deduplicator = builder.embedder(runtime.embedder.clone()).build()?;

    let ingested = if rereads {
        input::read_spooled(&sources, &ingest_options, &progress)?
    } else {
        store::read(&runtime, &args.paths, &ingest_options, &progress)?
    };
    let bad_input = !ingested.notices.is_empty();
    let counts = Counts::of(&ingested);
    let corpus = Corpus::new(ingested.stories);
    let keep: Keep = args.keep.parse()?;
    if keep.names_sources() {
        notices::show_unknown_sources(&keep, &Publishers::new(corpus.stories.iter()));
    }
    let constraints = decisions::resolve(args.decisions.as_deref(), &runtime, &corpus)?;
    let input = DedupInput::of_corpus(corpus).decisions(constraints).known_vectors(runtime.known_vectors());
    let outcome = match &args.reuse_pairs {
        Some(file) => deduplicator.run_from_pairs(input, file, &progress)?,
        None => deduplicator.run_with(input, &progress)?,
    };
    let evidence = args.html.as_ref().map(|_| outcome.evidence(&progress)).transpose()?;
    let access = access(outcome.corpus());
    if let Some(path) = &args.pairs {
        output::write_as(Some(path), &access, |out| outcome.write_pairs(out))?;
    }
    write_groups(args, &sources, &ingest_options.ingest, outcome.corpus(), outcome.grouping())?;
    let manifest = Manifest { stages: progress.stage_times(), ..counts.manifest(outcome.manifest()) };
    if let (Some(path), Some(evidence)) = (&args.html, &evidence) {
        let page = Page {
            command: "dedup",
            corpus: outcome.corpus(),
            groups: outcome.grouping(),
            decided: outcome.decisions(),
            evidence,
            manifest: &manifest,
            related: None,
        };
        output::write_as(Some(path), &access, |out| write_html(&page, out))?;
    }
    write_manifest(args, &manifest)?;
    Ok(end(args, bad_input, outcome.grouping()))
}

/// How the command ends.
fn end(args: &DedupArgs, bad_input: bool, groups: &Groups) -> Outcome {
    if bad_input && args.input.strict {
        Outcome::BadInput
    } else if args.fail_on_duplicates && !groups.groups.is_empty() {
        Outcome::Duplicates
    } else {
        Outcome::Done
    }
}

fn check_outputs(args: &DedupArgs) -> Result<()> {
    let outputs = [
        ("--out", &args.output.out),
        ("--kept", &args.kept),
        ("--removed", &args.removed),
        ("--pairs", &args.pairs),
        ("--manifest", &args.manifest),
        ("--html", &args.html),
        ("--notices", &args.input.notices),
    ];
    for file in [&args.kept, &args.removed].into_iter().flatten() {
        FileFormat::from_path(file)?;
    }
    let read = [&args.decisions, &args.boilerplate, &args.rules, &args.reuse_pairs];
    let read: Vec<PathBuf> = args.paths.iter().chain(read.into_iter().flatten()).cloned().collect();
    output_paths::check(&read, &outputs.map(|(option, file)| (option, file.as_deref())))
}

/// How stories are compared and grouped, without the model.
fn builder(args: &DedupArgs) -> Result<DeduplicatorBuilder> {
    // Only the file of pairs and the page show pairs that have no relation.
    let all = args.pairs.is_some() || args.html.is_some();
    let mut builder = Deduplicator::builder()
        .index(args.index.into())
        .keep(args.keep.parse()?)
        .remove(args.remove.parse()?)
        .verdicts(if all { VerdictScope::All } else { VerdictScope::Related });
    if let Some(file) = &args.boilerplate {
        builder = builder.boilerplate(read_list(file)?);
    }
    if let Some(file) = &args.rules {
        builder = builder.rules(read_rules(file)?);
    }
    if let Some(share) = args.min_coverage {
        builder = builder.min_coverage(share);
    }
    Ok(builder)
}

/// Writes the manifest and the summary.
fn write_manifest(args: &DedupArgs, manifest: &Manifest) -> Result<()> {
    if let Some(path) = &args.manifest {
        output::write_to(Some(path), |out| json_pretty(manifest, out))?;
    }
    if !args.compute.quiet {
        status!("{}", manifest.summary());
        if args.verbose {
            status!("{}", manifest.details());
        }
    }
    Ok(())
}

/// Writes the report, the records that are kept and the stories that are removed.
fn write_groups(
    args: &DedupArgs,
    sources: &[RecordSource],
    options: &IngestOptions,
    corpus: &Corpus,
    groups: &Groups,
) -> Result<()> {
    let access = access(corpus);
    if let Some(path) = &args.removed {
        let format = FileFormat::from_path(path)?;
        output::write_as(Some(path), &access, |out| write_removed(format, corpus, groups, out))?;
    }
    if let Some(path) = &args.kept {
        write_kept(path, &access, (sources, options), corpus, groups)?;
    }
    let format = args.format.into();
    output::write_as(args.output.out.as_deref(), &access, |out| report::write(format, corpus, groups, out))
}

/// Who may read outputs with texts of `corpus`: whoever may read its files.
fn access(corpus: &Corpus) -> output::Access {
    output::Access::of_files(corpus.stories.iter().map(|story| story.origin.path.as_path()))
}

/// Writes the removed stories.
fn write_removed(
    format: FileFormat,
    corpus: &Corpus,
    groups: &Groups,
    out: &mut dyn Write,
) -> io::Result<()> {
    let items = match format.records {
        Some(RecordFormat::Json) => Format::Json,
        Some(RecordFormat::Csv) => Format::Csv,
        Some(RecordFormat::Tsv) => Format::Tsv,
        Some(RecordFormat::Parquet) => Format::Parquet,
        _ => Format::Jsonl,
    };
    if !format.gzip {
        return report::write_removed(items, corpus, groups, out);
    }
    let mut packed = GzEncoder::new(out, Compression::default());
    report::write_removed(items, corpus, groups, &mut packed)?;
    packed.finish().map(drop)
}

fn write_kept(
    path: &Path,
    access: &output::Access,
    (sources, options): (&[RecordSource], &IngestOptions),
    corpus: &Corpus,
    groups: &Groups,
) -> Result<()> {
    let members = groups.groups.iter().flat_map(|group| &group.members);
    let removed: BTreeSet<StoryId> = members.filter(|m| m.removed).map(|m| m.story).collect();
    let kept: BTreeSet<_> = (0..corpus.stories.len() as u32)
        .map(StoryId)
        .filter(|id| !removed.contains(id))
        .map(|id| record_key(&corpus.stories[id.index()].origin))
        .collect();
    let mut failure = None;
    let format = FileFormat::from_path(path)?;
    let written = output::write_as(Some(path), access, |out| {
        let is_kept = |origin: &Origin| kept.contains(&record_key(origin));
        ingest::copy_records(sources, options, format, &is_kept, out).map_err(|error| {
            let message = error.to_string();
            failure = Some(error);
            io::Error::other(message)
        })
    });
    failure.map_or(written, |error| Err(error.into()))
}

/// The file, record and part of a story: its place in the input.
fn record_key(origin: &Origin) -> (PathBuf, u64, u32) {
    (origin.path.clone(), origin.record, origin.part)
}

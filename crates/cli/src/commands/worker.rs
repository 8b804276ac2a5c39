//! `samestory worker`: a stage of the pipeline, from an Arrow IPC stream on standard input to one on standard output.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write, stdin, stdout},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use samestory::{
    compare,
    device::Precision,
    group,
    ingest::{FieldMap, IngestOptions},
    progress::NoProgress,
    search::SearchOptions,
    worker::{self, CompareContext, Counts, JoinKind, Stream, WordTable},
};

use super::Outcome;
use crate::{
    error::{CliError, Result},
    options::ComputeArgs,
    runtime::{Runtime, isa, open_model, set_threads},
};

const EXAMPLES: &str = "\
Examples:
  samestory worker ingest < records.jsonl > stories.arrow
  samestory worker describe --stream points";

/// The arguments of `samestory worker`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct WorkerArgs {
    #[command(subcommand)]
    pub command: WorkerCommand,
}

#[derive(Subcommand)]
pub enum WorkerCommand {
    /// Records to stories with passages and shingles
    Ingest {
        /// Where a field is found in the records (repeatable): id, title, text, published, source, url
        #[arg(long = "field", value_name = "NAME=PATH")]
        fields: Vec<String>,
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Texts to vectors
    Embed {
        #[command(flatten)]
        compute: ComputeArgs,
    },
    /// Vectors of passages to the vector of their story
    Mean {
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Points, task by task, to pairs of neighbours
    Candidates {
        /// What makes two points a pair
        #[arg(long, value_enum)]
        near: JoinArg,
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Pairs of stories that share a passage to whether they share nothing else
    #[command(alias = "strangers")]
    BoilerplateVotes {
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Stories to document frequencies of their words, in parts to be summed
    Words {
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Stories and pairs, task by task, to verdicts
    Compare {
        #[command(flatten)]
        comparison: Comparison,
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Stories and pairs of one origin, task by task, to groups
    Group {
        #[command(flatten)]
        comparison: Comparison,
        /// Which story of a group is kept: origin, earliest, latest, longest, first, or source:A,B
        #[arg(long, value_name = "POLICY", default_value = "origin")]
        keep: String,
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Print the streams and settings as JSON, or an empty stream for its schema
    Describe {
        /// The stream
        #[arg(long, value_name = "NAME")]
        stream: Option<String>,
        #[command(flatten)]
        common: WorkerOptions,
    },
}

/// Options of every worker.
#[derive(Args)]
pub struct WorkerOptions {
    /// The model whose vectors are read: a folder or a Hugging Face id [default: the built-in all-MiniLM-L6-v2]
    #[arg(long, value_name = "FOLDER|ID")]
    pub model: Option<String>,
    /// The precision of these vectors
    #[arg(long, value_name = "native|int8", default_value = "native", value_parser = str::parse::<Precision>)]
    pub precision: Precision,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print no counts on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

/// Options of the workers that compare.
#[derive(Args)]
pub struct Comparison {
    /// The document frequencies of all stories: a stream of words, summed and sorted
    #[arg(long, value_name = "FILE")]
    pub words: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JoinArg {
    /// Passages above the floor
    #[value(alias = "rows")]
    Passages,
    /// The nearest stories of each story
    Stories,
}

/// Runs the command.
pub fn run(args: &WorkerArgs) -> Result<Outcome> {
    let mut from = BufReader::with_capacity(1 << 20, stdin().lock());
    let mut to = BufWriter::with_capacity(1 << 20, stdout().lock());
    let (from, out) = (&mut from as &mut dyn Read, &mut to as &mut dyn Write);
    let (quiet, name, counts) = match &args.command {
        WorkerCommand::Ingest { fields, common } => {
            let options = IngestOptions { fields: FieldMap::parse(fields)?, ..IngestOptions::default() };
            (common.quiet, "ingest", worker::ingest(&options, from, out)?)
        }
        WorkerCommand::Embed { compute } => {
            let runtime = Runtime::new(compute)?;
            let embed = |texts: &[&str]| runtime.embedder.embed(texts, &NoProgress).map(|e| e.vectors);
            (compute.quiet, "embed", worker::embed(&runtime.model().fingerprint(), &embed, from, out)?)
        }
        WorkerCommand::Mean { common } => {
            (common.quiet, "mean", worker::mean(&common.prepare()?, from, out)?)
        }
        WorkerCommand::Candidates { near, common } => {
            let kind = match near {
                JoinArg::Passages => JoinKind::Passages,
                JoinArg::Stories => JoinKind::Stories,
            };
            let options = SearchOptions { isa: isa()?, ..SearchOptions::default() };
            let model = common.prepare()?;
            (common.quiet, "candidates", worker::candidates(&model, kind, &options, &NoProgress, from, out)?)
        }
        WorkerCommand::BoilerplateVotes { common } => {
            (common.quiet, "boilerplate-votes", worker::boilerplate_votes(from, out)?)
        }
        WorkerCommand::Words { common } => (common.quiet, "words", worker::words(from, out)?),
        WorkerCommand::Compare { comparison, common } => {
            let (model, words) = (common.prepare()?, read_words(&comparison.words)?);
            let options = &compare::Options::default();
            let context = CompareContext { model: &model, words: &words, options, progress: &NoProgress };
            (common.quiet, "compare", worker::compare(&context, from, out)?)
        }
        WorkerCommand::Group { comparison, keep, common } => {
            let (model, words) = (common.prepare()?, read_words(&comparison.words)?);
            let options = &compare::Options::default();
            let grouping = group::Options { keep: keep.parse()?, ..group::Options::default() };
            let context = CompareContext { model: &model, words: &words, options, progress: &NoProgress };
            (common.quiet, "group", worker::group(&context, &grouping, from, out)?)
        }
        WorkerCommand::Describe { stream, common } => {
            describe(stream.as_deref(), &common.prepare()?, out)?;
            (true, "describe", Counts::default())
        }
    };
    to.flush().map_err(CliError::io("write", "standard output"))?;
    if !quiet {
        status!("samestory worker {name}: {} rows read, {} written", counts.read, counts.written);
    }
    Ok(Outcome::Done)
}

impl WorkerOptions {
    /// Sets the number of threads; gives the fingerprint of the model.
    fn prepare(&self) -> Result<String> {
        set_threads(self.threads)?;
        Ok(open_model(self.model.as_deref())?.with_precision(self.precision).fingerprint())
    }
}

fn read_words(path: &Path) -> Result<WordTable> {
    let file = File::open(path).map_err(CliError::io("read", path))?;
    Ok(WordTable::read(&mut BufReader::new(file))?)
}

fn describe(stream: Option<&str>, model: &str, out: &mut dyn Write) -> Result<()> {
    let Some(name) = stream else {
        let description = worker::description(model);
        return writeln!(out, "{description:#}").map_err(CliError::io("write", "standard output"));
    };
    let known = || Stream::ALL.map(Stream::name).join(", ");
    let stream = Stream::named(name).ok_or_else(|| CliError::Usage {
        option: "--stream".into(),
        message: format!("there is no stream {name:?}"),
        hint: format!("one of {}", known()),
    })?;
    Ok(worker::write_empty(stream, model, out)?)
}

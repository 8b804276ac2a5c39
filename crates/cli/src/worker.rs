//! `samestory worker`: one stage as a worker, from an Arrow IPC stream on standard input to one on standard output.

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
    worker::{self, Counts, Near, Stream, WordTable},
};

use super::{
    Outcome,
    args::Compute,
    engine::{Engine, isa_from_env, open_model, set_threads},
};
use crate::error::{CliError, Result};

#[derive(Args)]
pub struct Worker {
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
        compute: Compute,
    },
    /// Passages' vectors to the vector of their story
    Mean {
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Points, task by task, to pairs of near ones
    Candidates {
        /// What makes two points a pair
        #[arg(long, value_enum)]
        near: NearArg,
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Pairs of stories that carry one passage to whether they are strangers otherwise
    Strangers {
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Stories to how many of them have a word, in parts to be added up
    Words {
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Stories and pairs, task by task, to verdicts
    Compare {
        #[command(flatten)]
        judging: Judging,
        #[command(flatten)]
        common: WorkerOptions,
    },
    /// Stories and pairs of one origin, task by task, to groups
    Group {
        #[command(flatten)]
        judging: Judging,
        /// Which story of a group is kept: earliest, longest, first, or source:A,B
        #[arg(long, value_name = "POLICY", default_value = "earliest")]
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

/// Options of every stage.
#[derive(Args)]
pub struct WorkerOptions {
    /// The model whose vectors are read: a folder or a Hugging Face id [default: the built-in all-MiniLM-L6-v2]
    #[arg(long, value_name = "FOLDER|ID")]
    pub model: Option<String>,
    /// The precision that they were computed in
    #[arg(long, value_name = "native|int8", default_value = "native", value_parser = str::parse::<Precision>)]
    pub precision: Precision,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// No counts on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

/// Options of the stages that compare.
#[derive(Args)]
pub struct Judging {
    /// The words of all stories: a stream of words, summed and in order
    #[arg(long, value_name = "FILE")]
    pub words: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NearArg {
    /// Passages above the floor
    Rows,
    /// The nearest stories of each story
    Stories,
}

/// Runs the command.
pub fn run(args: &Worker) -> Result<Outcome> {
    let mut from = BufReader::with_capacity(1 << 20, stdin().lock());
    let mut to = BufWriter::with_capacity(1 << 20, stdout().lock());
    let (from, out) = (&mut from as &mut dyn Read, &mut to as &mut dyn Write);
    let (quiet, name, counts) = match &args.command {
        WorkerCommand::Ingest { fields, common } => {
            let options = IngestOptions { fields: FieldMap::parse(fields)?, ..IngestOptions::default() };
            (common.quiet, "ingest", worker::ingest(&options, from, out)?)
        }
        WorkerCommand::Embed { compute } => {
            let engine = Engine::new(compute)?;
            let embed = |texts: &[&str]| engine.embed_texts(texts, &NoProgress).map(|e| e.vectors);
            (compute.quiet, "embed", worker::embed(&engine.model.fingerprint(), &embed, from, out)?)
        }
        WorkerCommand::Mean { common } => {
            (common.quiet, "mean", worker::mean(&common.prepare()?, from, out)?)
        }
        WorkerCommand::Candidates { near, common } => {
            let near = match near {
                NearArg::Rows => Near::Rows,
                NearArg::Stories => Near::Stories,
            };
            let options = SearchOptions { isa: isa_from_env()?, ..SearchOptions::default() };
            let model = common.prepare()?;
            (common.quiet, "candidates", worker::candidates(&model, near, &options, &NoProgress, from, out)?)
        }
        WorkerCommand::Strangers { common } => (common.quiet, "strangers", worker::strangers(from, out)?),
        WorkerCommand::Words { common } => (common.quiet, "words", worker::words(from, out)?),
        WorkerCommand::Compare { judging, common } => {
            let (model, words) = (common.prepare()?, read_words(&judging.words)?);
            let options = compare::Options::default();
            (common.quiet, "compare", worker::compare(&model, &words, &options, &NoProgress, from, out)?)
        }
        WorkerCommand::Group { judging, keep, common } => {
            let (model, words) = (common.prepare()?, read_words(&judging.words)?);
            let grouping = group::Options { keep: keep.parse()?, ..group::Options::default() };
            let options = (&compare::Options::default(), &grouping);
            (common.quiet, "group", worker::group(&model, &words, options, &NoProgress, from, out)?)
        }
        WorkerCommand::Describe { stream, common } => {
            describe(stream.as_deref(), &common.prepare()?, out)?;
            (true, "describe", Counts::default())
        }
    };
    to.flush().map_err(CliError::io("write", "standard output"))?;
    if !quiet {
        say!("samestory worker {name}: {} rows read, {} written", counts.read, counts.written);
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
        message: format!("{name:?} is no stream"),
        hint: format!("one of {}", known()),
    })?;
    Ok(worker::write_empty(stream, model, out)?)
}

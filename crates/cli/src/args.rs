//! Every command and option.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use samestory::{
    corpus::DateOrder,
    device::{GpuName, Precision},
};

pub use super::store_args::{
    Check, Index, IndexAdd, IndexCommand, IndexDecide, IndexExport, IndexRebuild, IndexRemove, IndexUpdate,
    Log, Report,
};
pub use super::worker::Worker;

/// Finds the same story told twice, on your own machine.
#[derive(Parser)]
#[command(version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Find copies, excerpts, updates and related stories in files
    Dedup(Dedup),
    /// Look up the stories nearest to a text
    Similar(Similar),
    /// Link related stories to storylines
    Link(Link),
    /// Show how a story ran: who had it first, who carried it, what each cut and added
    Reach(Reach),
    /// Show for each publisher how much is agency copy, copied, boilerplate and its own
    Outlets(Outlets),
    /// Show two stories side by side, and why they are judged as they are
    Explain(Explain),
    /// Keep an archive of stories and their vectors
    Index(Index),
    /// Judge stories as they come, one JSON line each, against a store
    Check(Check),
    /// Show what happened to the groups of a store
    Log(Log),
    /// Write the page of a store: its groups, with every difference
    Report(Report),
    /// Write the vectors of passages
    Embed(Embed),
    /// Measure embedding: throughput, latency, parity
    Bench(Bench),
    /// Learn, list and edit the passages that say nothing of a story
    Boilerplate(BoilerplateArgs),
    /// Propose thresholds from stories with labels
    Calibrate(Calibrate),
    /// List, check and fetch models
    Model(Model),
    /// Check that everything that samestory needs is there and right
    Doctor(Doctor),
    /// Run one stage as a worker: Arrow IPC streams in and out, for Spark and other engines
    #[command(alias = "stage")]
    Worker(Worker),
    /// Write completions for a shell to standard output
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

/// Options of every command that reads stories.
#[derive(Args)]
pub struct Input {
    /// Where a field is found in JSON or CSV records (repeatable): id, title, text, published, source, url
    #[arg(long = "field", value_name = "NAME=PATH")]
    pub fields: Vec<String>,
    /// Where the list of records is in a JSON object, as in response.docs [default: found by its structure]
    #[arg(long, value_name = "PATH")]
    pub records: Option<String>,
    /// What is between the cells of a CSV file: a character, or tab [default: detected]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// CSV files have no header line; --field takes numbers of columns, as in text=3
    #[arg(long)]
    pub no_header: bool,
    /// The order of day and month in dates such as 05/06/2031: dmy or mdy [default: shown by other dates of the file]
    #[arg(long, value_name = "dmy|mdy", value_parser = str::parse::<DateOrder>)]
    pub date_order: Option<DateOrder>,
    /// End with exit code 2 if any input was bad (it is read as far as possible either way)
    #[arg(long)]
    pub strict: bool,
}

/// A delimiter is one byte.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err("give one character, as in ;, or the word tab".into()),
    }
}

/// An archive whose stories a command works on.
#[derive(Args)]
pub struct Archive {
    /// Work on the stories of a store too, which samestory index made; nothing in it is embedded again
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
}

/// Options of every command that embeds.
#[derive(Args)]
pub struct Compute {
    /// A model folder or a Hugging Face id [default: the built-in all-MiniLM-L6-v2]
    #[arg(long, value_name = "FOLDER|ID")]
    pub model: Option<String>,
    /// What computes; `auto` is the GPU that this build and machine have, else the CPU, and the summary says which
    #[arg(long, value_name = "auto|cpu|cuda[:N]|metal", default_value = "auto", value_parser = device)]
    pub device: DeviceChoice,
    /// What the model's layers compute in: `native` is bf16, f16 or f32; `int8` is faster on x86-64 processors without
    /// AMX, a little less exact, and its vectors do not mix with others
    #[arg(long, value_name = "native|int8", default_value = "native", value_parser = str::parse::<Precision>)]
    pub precision: Precision,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// No progress and no summary on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Clone, Copy)]
pub enum DeviceChoice {
    Auto,
    Cpu,
    Gpu(GpuName),
}

fn device(name: &str) -> Result<DeviceChoice, String> {
    match name {
        "auto" => Ok(DeviceChoice::Auto),
        "cpu" => Ok(DeviceChoice::Cpu),
        name => name.parse().map(DeviceChoice::Gpu).map_err(|_| "no such device".into()),
    }
}

#[derive(Args)]
pub struct Dedup {
    /// Files and folders; `-` is standard input
    #[arg(required_unless_present = "store", value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = FormatChoice::Table)]
    pub format: FormatChoice,
    /// Where the report goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the records that survive, untouched and in their order
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub kept: Option<PathBuf>,
    /// Write the removed stories, with what is kept for each, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub removed: Option<PathBuf>,
    /// Write every compared pair with its figures, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,
    /// Decide and group anew from the pairs that `--pairs` wrote of the same input: nothing is searched or compared again
    #[arg(long, value_name = "FILE", conflicts_with = "html")]
    pub reuse_pairs: Option<PathBuf>,
    /// Write the figures of the run as JSON
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Write a page for a browser: all groups, each difference, and room for decisions
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Decisions to honour, as the page exports them: pairs that are one story or two, stories to keep
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Which story of a group is kept: earliest, longest, first, or source:A,B,…
    #[arg(long, value_name = "POLICY", default_value = "earliest")]
    pub keep: String,
    /// A list of boilerplate that `samestory boilerplate learn` wrote
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    /// A rule table that `samestory calibrate` wrote
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The coverage from which a story is a copy, between 0 and 1 [default: the rule table's]
    #[arg(long, value_name = "SHARE")]
    pub min_coverage: Option<f32>,
    /// How neighbours are searched
    #[arg(long, value_enum, default_value_t = IndexArg::Auto)]
    pub index: IndexArg,
    /// End with exit code 1 if any duplicate was found
    #[arg(long)]
    pub fail_on_duplicates: bool,
    #[command(flatten)]
    pub archive: Archive,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatChoice {
    Table,
    Jsonl,
    Csv,
    Groups,
    /// The columns of the JSON lines
    Parquet,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IndexArg {
    /// Exact as far as exact is faster
    Auto,
    Exact,
    Hnsw,
}

#[derive(Args)]
pub struct Similar {
    /// A text, a file (file#n for its nth story), the id of a story that is searched, or `-` for standard input
    #[arg(value_name = "TEXT|FILE|ID|-", required_unless_present = "queries")]
    pub query: Option<String>,
    /// Answer many: JSON lines with "id" (of a story that is searched), or "text" and perhaps "title"; `-` is standard
    /// input. Each is answered by one JSON line as soon as it is read
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["query", "format"])]
    pub queries: Option<PathBuf>,
    /// The files and folders to search
    #[arg(long = "in", value_name = "PATHS", num_args = 1..)]
    pub paths: Vec<PathBuf>,
    /// How many stories to show
    #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub k: u16,
    /// Only stories published then or later: a day or a time
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Only stories published then or earlier; a day counts to its end
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Only stories of this publisher (repeatable)
    #[arg(long = "source", value_name = "NAME")]
    pub sources: Vec<String>,
    /// Only stories with at least this score, of 1 for the same text
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    pub min_score: Option<f32>,
    /// Show one story of each group of copies, with their number
    #[arg(long)]
    pub not_copies: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = SimilarFormat::Table)]
    pub format: SimilarFormat,
    /// Where the answer goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub archive: Archive,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimilarFormat {
    Table,
    /// One array
    Json,
    /// One object a line
    Jsonl,
}

#[derive(Args)]
pub struct Link {
    /// Files and folders; `-` is standard input [default: the store of SAMESTORY_STORE, or the nearest .samestory]
    #[arg(value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = LinkFormat::Table)]
    pub format: LinkFormat,
    /// Where the report goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a page for a browser: storylines, groups, each difference, and room for decisions
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Decisions to honour, as the page exports them: pairs that are one story or two, stories to keep
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Hours between two stories that halve the score of their link
    #[arg(long, value_name = "HOURS", default_value_t = 36.0, value_parser = hours)]
    pub half_life: f32,
    /// The nearest earlier stories that each is linked to, at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub neighbours: u16,
    /// A list of boilerplate that `samestory boilerplate learn` wrote
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    #[command(flatten)]
    pub archive: Archive,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

/// A number of hours that halves can be counted in.
fn finite(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| "give a number, as in 0.5".into())
}

fn hours(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(hours) if hours.is_finite() && hours > 0.0 => Ok(hours),
        _ => Err("give a number of hours above 0, as in 36".into()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LinkFormat {
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

#[derive(Args)]
pub struct Reach {
    /// Files and folders; `-` is standard input [default: the store of SAMESTORY_STORE, or the nearest .samestory]
    #[arg(value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// Only the group of this number, as dedup numbers them
    #[arg(long, value_name = "N", conflicts_with = "story", value_parser = clap::value_parser!(u32).range(1..))]
    pub group: Option<u32>,
    /// Only the group that this story is in
    #[arg(long, value_name = "ID")]
    pub story: Option<String>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = ReachFormat::Table)]
    pub format: ReachFormat,
    /// Where the report goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A list of boilerplate that `samestory boilerplate learn` wrote
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    #[command(flatten)]
    pub archive: Archive,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReachFormat {
    Table,
    /// One object a group, with the text of what was cut and added
    Jsonl,
    /// One row a story
    Csv,
}

#[derive(Args)]
pub struct Outlets {
    /// Files and folders; `-` is standard input [default: the store of SAMESTORY_STORE, or the nearest .samestory]
    #[arg(value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = OutletsFormat::Table)]
    pub format: OutletsFormat,
    /// Where the report goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A list of boilerplate that `samestory boilerplate learn` wrote
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    #[command(flatten)]
    pub archive: Archive,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutletsFormat {
    Table,
    /// One object a publisher
    Jsonl,
    /// One row a publisher
    Csv,
}

#[derive(Args)]
pub struct Explain {
    /// The first story: its id, a file, or file#n for the nth story of a file
    pub a: String,
    /// The second story, likewise
    pub b: String,
    /// The files and folders that hold the ids; they also teach which words are common
    #[arg(long = "in", value_name = "PATHS", num_args = 1..)]
    pub paths: Vec<PathBuf>,
    /// A list of boilerplate that `samestory boilerplate learn` wrote
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
    #[command(flatten)]
    pub archive: Archive,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    Text,
    Json,
}

#[derive(Args)]
pub struct Embed {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// One vector a story, of its title and text in one piece, instead of one a passage
    #[arg(long)]
    pub whole: bool,
    /// How the vectors are written
    #[arg(long, value_enum, default_value_t = EmbedFormat::Jsonl)]
    pub format: EmbedFormat,
    /// Where the vectors go [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EmbedFormat {
    /// One object a passage: story, passage, text, vector (a whole story: story, vector)
    Jsonl,
    /// One NumPy array of float32, passages (or stories) × dimensions, in the same order
    Npy,
}

#[derive(Args)]
pub struct Bench {
    /// Files and folders to embed [default: invented news, the same everywhere]
    #[arg(long, value_name = "PATHS", num_args = 1..)]
    pub corpus: Vec<PathBuf>,
    /// How many invented stories
    #[arg(long, value_name = "N", default_value_t = 2000, conflicts_with = "corpus",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub stories: u32,
    /// What to measure, in turns: amx, avx512bf16, avx512, avx2, neon, portable, candle, stock (candle-transformers as it
    /// comes), cuda, cuda:1, metal, or `all` that this machine and build have; amx+int8 and so on are the same in int8
    /// [default: the fastest CPU path]
    #[arg(long, value_name = "DEVICES", value_delimiter = ',')]
    pub devices: Vec<String>,
    /// Numbers of threads, as in 1,2 [default: all cores]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Vec<u16>,
    /// Upper edges of the passage lengths to tell apart, in tokens
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', default_value = "32,64,128,256")]
    pub lengths: Vec<usize>,
    /// How often each is measured
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Compare the vectors and the decisions of what is measured
    #[arg(long)]
    pub parity: bool,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Compare with the figures that `--json` wrote earlier
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// A model folder or a Hugging Face id [default: the built-in all-MiniLM-L6-v2]
    #[arg(long, value_name = "FOLDER|ID")]
    pub model: Option<String>,
    /// No progress on stderr
    #[arg(short, long)]
    pub quiet: bool,
    /// Embed one text and end: what the time of a cold start is taken from
    #[arg(long, hide = true)]
    pub first: bool,
    #[command(flatten)]
    pub input: Input,
}

#[derive(Args)]
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
        input: Input,
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

#[derive(Args)]
pub struct Calibrate {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// What people say of stories: JSON lines of id and group; stories of one origin have one group
    #[arg(long, value_name = "FILE", required_unless_present = "decisions", conflicts_with = "decisions")]
    pub labels: Option<PathBuf>,
    /// What people say of pairs: JSON lines of schema (1), a, b, and decision ("same" or "different")
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Where the proposed rule table goes
    #[arg(long, value_name = "FILE", default_value = "samestory.toml")]
    pub out: PathBuf,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Args)]
pub struct Doctor {
    /// The store to check [default: SAMESTORY_STORE, or the nearest .samestory above the working folder, if any]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Args)]
pub struct Model {
    #[command(subcommand)]
    pub command: ModelCommand,
}

#[derive(Subcommand)]
pub enum ModelCommand {
    /// The models at hand: built in and in the local Hugging Face cache
    List,
    /// What a model is
    Info {
        /// A model folder or a Hugging Face id [default: the built-in one]
        model: Option<String>,
    },
    /// Check a model's files against their checksums
    Verify {
        /// A model folder or a Hugging Face id [default: the built-in one]
        model: Option<String>,
    },
    /// Download a model into the local Hugging Face cache (needs a build with the feature `hub`)
    Fetch {
        /// A Hugging Face id: org/name
        id: String,
        /// The exact revision
        #[arg(long)]
        revision: Option<String>,
    },
}

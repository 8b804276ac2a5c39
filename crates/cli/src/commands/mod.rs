//! The commands: each file has the arguments of one and runs it.

pub mod bench;
pub mod boilerplate;
pub mod calibrate;
pub mod check;
pub mod dedup;
pub mod doctor;
pub mod embed;
pub mod explain;
pub mod index;
pub mod link;
pub mod log;
pub mod manual;
pub mod model;
pub mod outlets;
pub mod reach;
pub mod read;
pub mod report;
pub mod similar;
pub mod worker;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::error::Result;

/// Finds the same story told twice: near-duplicate wire copies, excerpts, updates and related stories, on your own machine
#[derive(Parser)]
#[command(name = "samestory", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Find copies, excerpts, updates and related stories in files
    Dedup(dedup::DedupArgs),
    /// Look up the stories most similar to a text
    Similar(similar::SimilarArgs),
    /// Link related stories to storylines
    Link(link::LinkArgs),
    /// Show how a story spread: who had it first, who carried it, what each cut and added
    Reach(reach::ReachArgs),
    /// Show for each publisher how much is agency copy, copied, boilerplate and its own
    Outlets(outlets::OutletsArgs),
    /// Show two stories side by side, and why they are judged as they are
    Explain(explain::ExplainArgs),
    /// Keep a store of stories and their vectors
    Index(index::IndexArgs),
    /// Judge stories as they arrive, one JSON line each, against a store
    Check(check::CheckArgs),
    /// Show what happened to the groups of a store
    Log(log::LogArgs),
    /// Write the review page of a store: its groups, with every difference
    Report(report::ReportArgs),
    /// Print stories as they are read from files: id, title, text, date, publisher
    Read(read::ReadArgs),
    /// Write the vectors of passages
    Embed(embed::EmbedArgs),
    /// Measure embedding: throughput, latency, parity
    Bench(bench::BenchArgs),
    /// Learn, list and edit boilerplate: passages that recur in unrelated stories
    Boilerplate(boilerplate::BoilerplateArgs),
    /// Propose thresholds from labelled stories
    Calibrate(calibrate::CalibrateArgs),
    /// List, check and download models
    Model(model::ModelArgs),
    /// Check the build, the device, the model and the store
    Doctor(doctor::DoctorArgs),
    /// Run one stage as a worker: Arrow IPC streams in and out, for Spark and other engines
    #[command(alias = "stage")]
    Worker(worker::WorkerArgs),
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

/// How a command ended, as an exit code.
pub enum Outcome {
    /// 0: done.
    Done,
    /// 1: duplicates were found, and `--fail-on-duplicates` was given.
    Duplicates,
    /// 1: `samestory doctor` found something wrong.
    Unhealthy,
    /// 2: done, but bad input was met, and `--strict` was given.
    BadInput,
}

impl Command {
    /// Runs the command.
    pub fn run(&self) -> Result<Outcome> {
        match self {
            Command::Dedup(args) => dedup::run(args),
            Command::Similar(args) => similar::run(args),
            Command::Link(args) => link::run(args),
            Command::Reach(args) => reach::run(args),
            Command::Outlets(args) => outlets::run(args),
            Command::Explain(args) => explain::run(args),
            Command::Read(args) => read::run(args),
            Command::Embed(args) => embed::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Index(args) => index::run(args),
            Command::Check(args) => check::run(args),
            Command::Log(args) => log::run(args),
            Command::Report(args) => report::run(args),
            Command::Boilerplate(args) => boilerplate::run(args),
            Command::Calibrate(args) => calibrate::run(args),
            Command::Model(args) => model::run(args),
            Command::Doctor(args) => doctor::run(args),
            Command::Worker(args) => worker::run(args),
            Command::Completions { shell } => manual::completions(*shell),
            Command::Man { folder } => manual::man(folder),
        }
    }
}

//! The command line: options are parsed into plain data, resolved once, then run.

#[macro_use]
mod say;

mod against;
mod ahead;
mod archive;
mod args;
mod bars;
mod bench;
mod boilerplate;
mod calibrate;
mod check;
mod dedup;
mod device;
mod doctor;
mod embed;
mod engine;
mod error;
mod explain;
mod grouped;
mod hints;
mod index;
mod judge;
mod link;
mod log;
mod manual;
mod model;
mod outlets;
mod outputs;
mod pool;
mod queries;
mod reach;
mod report;
mod similar;
mod sink;
mod store_args;
mod stories;
mod worker;

use std::process::ExitCode;

use clap::Parser;
use samestory::Error;

use args::{Cli, Command};
use error::CliError;

/// What a command comes to, as an exit code.
pub enum Outcome {
    /// 0: done.
    Done,
    /// 1: duplicates were found, and `--fail-on-duplicates` was given.
    Duplicates,
    /// 1: `samestory doctor` found something wrong.
    Unwell,
    /// 2: done, but bad input was met, and `--strict` was given.
    BadInput,
}

/// Parses the arguments, runs the command, reports an error with its hint.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Dedup(args) => dedup::run(&args),
        Command::Similar(args) => similar::run(&args),
        Command::Link(args) => link::run(&args),
        Command::Reach(args) => reach::run(&args),
        Command::Outlets(args) => outlets::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Embed(args) => embed::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Index(args) => index::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Boilerplate(args) => boilerplate::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Model(args) => model::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Worker(args) => worker::run(&args),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(&folder),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Duplicates | Outcome::Unwell) => ExitCode::from(1),
        Ok(Outcome::BadInput) => ExitCode::from(2),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            match error.library() {
                Some(Error::Interrupted | Error::Stopped { .. }) => ExitCode::from(130),
                _ => ExitCode::from(2),
            }
        }
    }
}

/// `samestory: what went wrong`, then the hint.
fn complain(error: &CliError) {
    say!("samestory: {}", printable(&error.message()));
    let hint = error.hint();
    if let Some(hint) = hint {
        say!("  hint: {}", printable(&hint));
    }
}

/// Text from the input without the characters that could steer a terminal.
fn printable(text: &str) -> String {
    samestory::report::sanitize_line(text, 2000)
}

/// A reader that went away (`| head`) wants no more, and no complaint.
fn is_broken_pipe(error: &CliError) -> bool {
    matches!(error.library(), Some(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe)
}

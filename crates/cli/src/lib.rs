//! The command line: options are parsed into plain data, resolved once, then run by the library.

#[macro_use]
mod status;

mod commands;
mod decisions;
mod env;
mod error;
mod group_source;
mod hints;
mod input;
mod line_batches;
mod notices;
mod options;
mod output;
mod output_paths;
mod progress;
mod runtime;
mod signals;
mod store;

use std::process::ExitCode;

use clap::Parser;
use samestory::{Error, report::sanitize_line};

use commands::{Cli, Outcome};
use error::CliError;

/// Parses the arguments, runs the command, reports an error with its hint.
pub fn main() -> ExitCode {
    signals::listen();
    hide_contained_panics();
    match Cli::parse().command.run() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Duplicates | Outcome::Unhealthy) => ExitCode::from(1),
        Ok(Outcome::BadInput) => ExitCode::from(2),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            match error.library() {
                Some(Error::Interrupted | Error::Stopped { .. }) => ExitCode::from(signals::exit_code()),
                _ => ExitCode::from(2),
            }
        }
    }
}

/// Panics that the library contains become notices or errors, and are not reported as panics.
fn hide_contained_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !samestory::panics::is_contained() {
            report(panic);
        }
    }));
}

/// `samestory: what went wrong`, then the hint.
fn print_error(error: &CliError) {
    // Text from the input may hold characters that control a terminal.
    let printable = |text: &str| sanitize_line(text, 2000);
    status!("samestory: {}", printable(&error.message()));
    if let Some(hint) = error.hint() {
        status!("  hint: {}", printable(&hint));
    }
}

/// Whether the reader of the output closed it (`| head`), which is no error.
fn is_broken_pipe(error: &CliError) -> bool {
    matches!(error.library(), Some(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe)
}

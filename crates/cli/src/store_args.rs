//! The options of the commands that keep a store, as clap reads them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{Compute, Input};

#[derive(Args)]
pub struct Index {
    /// The store's folder [default: SAMESTORY_STORE, or the nearest .samestory above the working folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    #[command(subcommand)]
    pub command: IndexCommand,
}

#[derive(Subcommand)]
pub enum IndexCommand {
    /// Add stories; what is there already is neither read twice nor embedded again
    Add(IndexAdd),
    /// Read the files again that stories came from: new stories, changed ones, and those that are gone
    Update(IndexUpdate),
    /// Remove stories by their ids
    Remove(IndexRemove),
    /// Show what is in the store
    Info {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Read everything and compare it with its digests
    Verify,
    /// Drop what no story uses, and give its room back
    Compact,
    /// Keep decisions that were made on the page of a report, and group by them from now on
    Decide(IndexDecide),
    /// Write all stories as JSON lines
    Export(IndexExport),
    /// Embed everything again with another model; until it is done the store serves the old one
    Rebuild(IndexRebuild),
}

#[derive(Args)]
pub struct IndexAdd {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Args)]
pub struct IndexUpdate {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Args)]
pub struct IndexRemove {
    /// The ids of the stories
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

#[derive(Args)]
pub struct IndexRebuild {
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Args)]
pub struct IndexDecide {
    /// Decisions as JSON lines, as a report's page saves them
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Args)]
pub struct IndexExport {
    /// Where the stories go [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Reads JSON lines on standard input and answers each with a line: verdict, relation, of, coverage, group,
/// novel_passages.
#[derive(Args)]
pub struct Check {
    /// The store [default: $SAMESTORY_STORE, or .samestory here or in a folder above]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// Add each story once it is judged
    #[arg(long)]
    pub learn: bool,
    /// Exit with 1 if a duplicate was found
    #[arg(long)]
    pub fail_on_duplicates: bool,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub compute: Compute,
}

/// The page that dedup --html writes, of all stories of a store.
#[derive(Args)]
pub struct Report {
    /// The store [default: $SAMESTORY_STORE, or .samestory here or in a folder above]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// Where the page goes
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
    #[command(flatten)]
    pub compute: Compute,
}

#[derive(Args)]
pub struct Log {
    /// The store [default: $SAMESTORY_STORE, or .samestory here or in a folder above]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// What happened to one group
    #[arg(long, value_name = "NUMBER")]
    pub group: Option<i64>,
    /// What happened after this event
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub after: i64,
    /// As JSON lines
    #[arg(long)]
    pub json: bool,
}

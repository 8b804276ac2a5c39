//! `samestory index`: a store of stories with their vectors and groups.

mod add;
mod writer;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use samestory::{
    archive::{Archive, Removal},
    group::Decisions,
    ingest,
    progress::{Progress, Stage},
    report::{json_pretty, json_text, sanitize_line},
    store::Store,
};

use super::Outcome;
use crate::{
    error::Result,
    options::{ComputeArgs, InputArgs},
    output, output_paths,
    progress::{CancelOnly, ProgressBars},
    runtime::Runtime,
    signals::stop_at_safe_points,
    store,
};

const EXAMPLES: &str = "\
Examples:
  samestory index add news/*.jsonl
  samestory index update
  samestory index decide decisions.jsonl
  samestory index info --json";

/// The arguments of `samestory index`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct IndexArgs {
    /// The store's folder [default: SAMESTORY_STORE, or the nearest .samestory above the working folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    #[command(subcommand)]
    pub command: IndexCommand,
}

#[derive(Subcommand)]
pub enum IndexCommand {
    /// Add stories; what is stored already is neither added nor embedded again
    Add(IndexAdd),
    /// Read the source files again: add new stories, replace changed ones, remove those that are gone
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
    /// Delete what no story uses, and shrink the file
    Compact,
    /// Store decisions that were made on the review page, and apply them from now on
    Decide(IndexDecide),
    /// Write all stories as JSON lines
    Export(IndexExport),
    /// Copy the store into one file, while others read and write it
    Backup(IndexBackup),
    /// Embed everything again with another model; the store serves the old one until it is done
    Rebuild(IndexRebuild),
}

#[derive(Args)]
pub struct IndexAdd {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

#[derive(Args)]
pub struct IndexUpdate {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
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
    pub compute: ComputeArgs,
}

#[derive(Args)]
pub struct IndexDecide {
    /// Decisions as JSON lines, as the review page exports them
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Args)]
pub struct IndexExport {
    /// Where the stories go [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct IndexBackup {
    /// The file. As archive.sqlite in a folder of its own it is a store
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs the command.
pub fn run(args: &IndexArgs) -> Result<Outcome> {
    // The others change a store in one transaction, or read it: they can end anywhere.
    if matches!(args.command, IndexCommand::Add(_) | IndexCommand::Update(_) | IndexCommand::Rebuild(_)) {
        stop_at_safe_points();
    }
    let store = args.store.as_deref();
    match &args.command {
        IndexCommand::Add(args) => add::add(store, args),
        IndexCommand::Update(args) => add::update(store, args),
        IndexCommand::Remove(args) => remove(store, args),
        IndexCommand::Info { json } => info(store, *json),
        IndexCommand::Verify => verify(store),
        IndexCommand::Compact => compact(store),
        IndexCommand::Decide(args) => decide(store, args),
        IndexCommand::Export(args) => export(store, args),
        IndexCommand::Backup(args) => backup(store, args),
        IndexCommand::Rebuild(args) => rebuild(store, args),
    }
}

fn remove(store: Option<&Path>, args: &IndexRemove) -> Result<Outcome> {
    let store = Store::open_to_write(&store::existing_folder(store)?)?;
    let mut archive = Archive::builder().build(store)?;
    archive.begin_run(store::now(), "index remove")?;
    let decisions = archive.store().reader().decision_count()?;
    let removed = archive.remove(&args.ids, Removal::ByPeople)?;
    writer::print_lost_decisions(archive.store(), decisions)?;
    status!(
        "{removed} stories removed; index update does not bring them back, index add does; index compact shrinks the \
         file"
    );
    Ok(Outcome::Done)
}

fn decide(store: Option<&Path>, args: &IndexDecide) -> Result<Outcome> {
    let decisions = Decisions::read(&args.file)?;
    let store = Store::open_to_write(&store::existing_folder(store)?)?;
    let mut archive = Archive::builder().build(store)?;
    archive.begin_run(store::now(), "index decide")?;
    let outcome = archive.apply_decisions(&decisions)?;
    let unknown = match outcome.unknown {
        0 => String::new(),
        1 => "; one story that they name is not stored yet".into(),
        n => format!("; {n} stories that they name are not stored yet"),
    };
    let others = match outcome.text_mismatches {
        0 => String::new(),
        n => format!("; {n} ignored: the store does not have the texts that they are on, or has them twice"),
    };
    let plural = if outcome.kept == 1 { "" } else { "s" };
    status!("{} decision{plural} kept{unknown}{others}", outcome.kept);
    Ok(Outcome::Done)
}

fn info(store: Option<&Path>, json: bool) -> Result<Outcome> {
    let info = Store::open(&store::existing_folder(store)?)?.info()?;
    output::write_to(None, |out| {
        if json {
            return json_pretty(&info, out);
        }
        let folder = sanitize_line(&info.folder, 400);
        writeln!(out, "{folder}: {} stories of {} files", info.stories, info.sources)?;
        writeln!(
            out,
            "{} passages; {} distinct texts with the titles, {} of them unused",
            info.passages, info.rows, info.unused_rows
        )?;
        let [model, fingerprint] = [&info.model, &info.fingerprint].map(|text| sanitize_line(text, 200));
        writeln!(out, "model {model} ({fingerprint}), {} dimensions", info.dim)?;
        let each = info.bytes / info.stories.max(1);
        writeln!(out, "{:.1} MB, {:.1} kB a story", info.bytes as f64 / 1e6, each as f64 / 1e3)
    })?;
    Ok(Outcome::Done)
}

fn verify(store: Option<&Path>) -> Result<Outcome> {
    let store = Store::open(&store::existing_folder(store)?)?;
    let health = store.verify()?.into_result(&store)?;
    match health.tables {
        0 => status!(
            "{} stories and {} rows are as they were written; a store of an earlier version has no digests of the rest, \
             which index compact adds",
            health.stories,
            health.rows
        ),
        tables => status!(
            "{} stories, {} rows and {tables} tables are as they were written",
            health.stories,
            health.rows
        ),
    }
    Ok(Outcome::Done)
}

fn compact(store: Option<&Path>) -> Result<Outcome> {
    let mut store = Store::open_to_write(&store::existing_folder(store)?)?;
    let before = store.info()?.bytes;
    let rows = store.compact()?;
    let after = store.info()?.bytes;
    status!("{rows} unused rows dropped; {:.1} MB before, {:.1} MB now", mb(before), mb(after));
    Ok(Outcome::Done)
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn export(store: Option<&Path>, args: &IndexExport) -> Result<Outcome> {
    let folder = store::existing_folder(store)?;
    output_paths::check(&[], &[("--out", args.out.as_deref())])?;
    let store = Store::open(&folder)?;
    let mut failure = None;
    let mut written = 0u64;
    output::write_to(args.out.as_deref(), |out| {
        let read = store.for_each_story(&mut |story| {
            written += 1;
            json_text(ingest::to_json_line(story), out)
        })?;
        // What is intact of a damaged store is exported.
        failure = read.err();
        Ok(())
    })?;
    if let Some(error) = failure {
        status!("samestory: {written} stories were written; what is damaged was left out");
        return Err(error.into());
    }
    Ok(Outcome::Done)
}

fn backup(store: Option<&Path>, args: &IndexBackup) -> Result<Outcome> {
    let folder = store::existing_folder(store)?;
    output_paths::check(&[], &[("FILE", Some(&args.file))])?;
    let store = Store::open(&folder)?;
    // A copy of what is damaged would take the place of one that may be whole.
    let health = store.verify()?.into_result(&store)?;
    output::make_file(&args.file, |file| store.backup(file))?;
    status!("{} stories copied to {}", health.stories, output::printable_path(&args.file));
    Ok(Outcome::Done)
}

fn rebuild(store: Option<&Path>, args: &IndexRebuild) -> Result<Outcome> {
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    let mut store = Store::open_to_write(&store::existing_folder(store)?)?;
    let to = runtime.identity();
    if store.identity() == &to {
        status!("the vectors are of {} already", sanitize_line(&to.model, 200));
        return Ok(Outcome::Done);
    }
    let (all, reused) = store.reader().row_counts()?;
    progress.begin(Stage::Embed, None);
    let embed = |texts: &[&str]| {
        let embedded = runtime.embedder.embed(texts, &CancelOnly)?;
        progress.advance(Stage::Embed, embedded.stats.tokens);
        Ok(embedded.vectors)
    };
    let embedded = store.rebuild(&to, &embed, &|| progress.cancelled())?;
    progress.end(Stage::Embed);
    if !args.compute.quiet {
        let model = sanitize_line(&to.model, 200);
        status!(
            "{embedded} of {all} passages embedded, {reused} were stored already; the vectors are of {model} now"
        );
    }
    Ok(Outcome::Done)
}

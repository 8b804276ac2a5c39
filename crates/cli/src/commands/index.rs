//! `samestory index`: an archive of stories that grows, with the vectors of what it knows.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use samestory::{
    Error,
    archive::{AddOutcome, Archive, Removal, SourceFile},
    group::Decisions,
    ingest,
    progress::{Progress, Stage},
    report::{json_pretty, json_text},
    store::{Store, StoryStatus, digest_stories},
    story::Story,
};

use super::Outcome;
use crate::{
    error::{CliError, Result},
    input,
    options::{ComputeArgs, InputArgs},
    output, output_paths,
    progress::{CancelOnly, ProgressBars, catch_ctrl_c},
    runtime::Runtime,
    store,
};

/// Stories of a transaction: a kill loses the embedding of at most so many.
const BATCH: usize = 256;

/// Ids shown one by one; the rest is counted.
const SHOWN: usize = 20;

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

/// Runs the command.
pub fn run(args: &IndexArgs) -> Result<Outcome> {
    catch_ctrl_c();
    let store = args.store.as_deref();
    match &args.command {
        IndexCommand::Add(args) => add(store, args),
        IndexCommand::Update(args) => update(store, args),
        IndexCommand::Remove(args) => remove(store, args),
        IndexCommand::Info { json } => info(store, *json),
        IndexCommand::Verify => verify(store),
        IndexCommand::Compact => compact(store),
        IndexCommand::Decide(args) => decide(store, args),
        IndexCommand::Export(args) => export(store, args),
        IndexCommand::Rebuild(args) => rebuild(store, args),
    }
}

fn add(store: Option<&Path>, args: &IndexAdd) -> Result<Outcome> {
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    // Before a store is made: what cannot be read leaves none behind.
    let ingested = input::read(&args.paths, &input::options(&args.input)?, &progress)?;
    let store = Store::open_or_create(&store::folder_to_write(store)?, &runtime.identity())?;
    let bad_input = !ingested.notices.is_empty();
    let sources = sources(store::with_stored_names(&store, ingested.stories)?);
    let mut writer = Writer::new(store, &runtime, "index add", &progress)?;
    let added = writer.put(sources, false)?;
    writer.finish(&added, 0, args.compute.quiet)?;
    Ok(match bad_input || !added.conflicting_ids.is_empty() {
        true if args.input.strict => Outcome::BadInput,
        _ => Outcome::Done,
    })
}

fn update(store: Option<&Path>, args: &IndexUpdate) -> Result<Outcome> {
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    let store = Store::open_to_write(&store::existing_folder(store)?)?;
    store.check_identity(&runtime.identity())?;
    let paths: Vec<PathBuf> =
        store.sources()?.iter().map(|name| store.source_path(name)).collect::<samestory::Result<_>>()?;
    let (there, gone): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.exists());
    for path in &gone {
        status!("samestory: {} is no longer there; its stories stay", shown(path));
    }
    if there.is_empty() {
        return Err(CliError::hinted(
            Error::NoStories { place: "the files that the store was made of".into() },
            "add files: samestory index add PATHS",
        ));
    }
    let ingested = input::read(&there, &input::options(&args.input)?, &progress)?;
    let bad_input = !ingested.notices.is_empty() || !gone.is_empty();
    let hiding = ingested.notices.iter().filter(|n| n.kind.may_lose_stories());
    let hiding: BTreeSet<PathBuf> =
        hiding.map(|n| store.source_name(&n.path)).collect::<samestory::Result<_>>()?;
    let (mut stories, mut out) = (Vec::new(), 0);
    for story in store::with_stored_names(&store, ingested.stories)? {
        match store.tombstone(&story.id)? {
            Some(_) => out += 1,
            None => stories.push(story),
        }
    }
    if out > 0 {
        status!("samestory: {out} stories that were taken out with index remove stay out");
    }
    let sources = sources(stories);
    let mut writer = Writer::new(store, &runtime, "index update", &progress)?;
    let mut vanished = 0;
    for (path, of_path) in &sources {
        let read: BTreeSet<&str> = of_path.iter().map(|s| s.id.as_str()).collect();
        let mut missing = writer.archive.store().ids_from_source(path)?;
        missing.retain(|id| !read.contains(id.as_str()));
        if hiding.contains(Path::new(path)) && !missing.is_empty() {
            // What could not be read is not gone.
            let (path, n) = (samestory::report::sanitize_line(path, 400), missing.len());
            status!("samestory: {path} was not read whole; {n} stories that were not found there stay");
            continue;
        }
        vanished += writer.archive.remove(&missing, Removal::FromSource)?;
    }
    let added = writer.put(sources, true)?;
    writer.finish(&added, vanished, args.compute.quiet)?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

fn stopped() -> Error {
    Error::Stopped { done: "what was committed is in the store".into() }
}

/// A path for the terminal.
fn shown(path: &Path) -> String {
    samestory::report::sanitize_line(&path.display().to_string(), 400)
}

/// Stories by the file that holds them, in the order they were read.
fn sources(stories: Vec<Story>) -> Vec<(String, Vec<Story>)> {
    let mut sources: Vec<(String, Vec<Story>)> = Vec::new();
    for story in stories {
        let path = story.origin.path.to_string_lossy().into_owned();
        match sources.last_mut() {
            Some((last, of_path)) if *last == path => of_path.push(story),
            _ => sources.push((path, vec![story])),
        }
    }
    sources
}

/// A run that writes.
struct Writer<'e> {
    archive: Archive,
    runtime: &'e Runtime,
    progress: &'e ProgressBars,
    /// How many decisions the store held.
    decisions: u64,
}

impl<'e> Writer<'e> {
    fn new(store: Store, runtime: &'e Runtime, command: &str, progress: &'e ProgressBars) -> Result<Self> {
        let mut archive = runtime.archive(store)?;
        archive.begin_run(store::now(), command)?;
        let decisions = archive.store().reader().decision_count()?;
        Ok(Writer { archive, runtime, progress, decisions })
    }

    /// Commits what the store does not have yet, a batch at a time; `changed` files alone if that is said, so that what
    /// people took out does not come back by itself.
    fn put(&mut self, sources: Vec<(String, Vec<Story>)>, changed: bool) -> Result<AddOutcome> {
        let progress = self.progress;
        progress.begin(Stage::Store, Some(sources.iter().map(|(_, s)| s.len() as u64).sum()));
        let mut added = AddOutcome::default();
        let mut batch: Vec<Story> = Vec::new();
        // Files whose stories are all in once the batch is.
        let mut whole = Vec::new();
        let mut unchanged = 0;
        for (path, of_path) in sources {
            let (mut digest, count) = (digest_stories(&of_path), of_path.len() as u64);
            let is_file = !input::is_stdin(Path::new(&path));
            let store = self.archive.store();
            if changed && store.source_digest(&path)?.is_some_and(|known| known == digest) {
                unchanged += count;
                progress.advance(Stage::Store, count);
                continue;
            }
            let mut unknown = Vec::new();
            for story in of_path {
                match store.status(&story)? {
                    StoryStatus::Unchanged => continue,
                    // It will be left out: with a digest that no file has, the next update looks again.
                    StoryStatus::IdConflict => digest = [0; 32],
                    StoryStatus::New | StoryStatus::Changed(_) => {}
                }
                unknown.push(story);
            }
            unchanged += count - unknown.len() as u64;
            progress.advance(Stage::Store, count - unknown.len() as u64);
            for story in unknown {
                if progress.cancelled() {
                    return Err(stopped().into());
                }
                batch.push(story);
                if batch.len() == BATCH {
                    added = added.merge(self.commit(&mut batch, &mut whole)?);
                }
            }
            if is_file {
                whole.push(SourceFile { path, digest, stories: count });
            }
        }
        added = added.merge(self.commit(&mut batch, &mut whole)?);
        progress.end(Stage::Store);
        added.unchanged += unchanged;
        Ok(added)
    }

    /// One transaction.
    fn commit(&mut self, batch: &mut Vec<Story>, whole: &mut Vec<SourceFile>) -> Result<AddOutcome> {
        let (stories, files) = (std::mem::take(batch), std::mem::take(whole));
        let n = stories.len() as u64;
        let outcome = self.archive.add_with_files(stories, &files).map_err(|error| match error {
            Error::Interrupted => stopped(),
            error => error,
        })?;
        self.progress.advance(Stage::Store, n);
        Ok(outcome)
    }

    /// Keeps the figures of the run, and tells them.
    fn finish(mut self, added: &AddOutcome, vanished: u64, quiet: bool) -> Result<()> {
        let manifest = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": self.runtime.model().name,
            "device": self.runtime.embedder.encoder().describe(),
            "threads": self.runtime.embedder.threads(),
            "added": added.added,
            "replaced": added.replaced,
            "unchanged": added.unchanged,
            "removed": vanished,
            "left_out": added.conflicting_ids.len(),
            "embedding": added.embed_stats,
            "stages": self.progress.stage_times(),
        });
        self.archive.finish_run(&manifest.to_string())?;
        self.archive.save_index()?;
        tell_forgotten(self.archive.store(), self.decisions)?;
        tell(self.archive.store(), added, vanished, quiet, self.progress);
        Ok(())
    }
}

/// Says how many decisions went with the texts that they were on; the store held `before`.
fn tell_forgotten(store: &Store, before: u64) -> Result<()> {
    let gone = match before.saturating_sub(store.reader().decision_count()?) {
        0 => return Ok(()),
        1 => "1 decision went with the text that it was on".into(),
        n => format!("{n} decisions went with the texts that they were on"),
    };
    status!(
        "samestory: {gone}: records without ids of their own have other texts now; what was decided on files holds \
         again by samestory index decide FILE"
    );
    Ok(())
}

fn tell(store: &Store, added: &AddOutcome, vanished: u64, quiet: bool, progress: &ProgressBars) {
    for id in added.conflicting_ids.iter().take(SHOWN) {
        let id = samestory::report::sanitize_line(id, 200);
        status!("samestory: {id} was left out: another story has the id");
    }
    if added.conflicting_ids.len() > SHOWN {
        status!("samestory: … and {} more were left out", added.conflicting_ids.len() - SHOWN);
    }
    if quiet {
        return;
    }
    let seconds: Vec<String> =
        progress.stage_times().iter().map(|t| format!("{} {:.2} s", t.stage, t.seconds)).collect();
    status!(
        "{}: {} stories added, {} replaced, {} unchanged, {} removed, {} left out; {} passages embedded; {}",
        samestory::report::sanitize_line(&store.folder().display().to_string(), 400),
        added.added,
        added.replaced,
        added.unchanged,
        vanished,
        added.conflicting_ids.len(),
        added.embed_stats.texts,
        seconds.join(", ")
    );
}

fn remove(store: Option<&Path>, args: &IndexRemove) -> Result<Outcome> {
    let store = Store::open_to_write(&store::existing_folder(store)?)?;
    let mut archive = Archive::builder().build(store)?;
    archive.begin_run(store::now(), "index remove")?;
    let decisions = archive.store().reader().decision_count()?;
    let removed = archive.remove(&args.ids, Removal::ByPeople)?;
    tell_forgotten(archive.store(), decisions)?;
    status!(
        "{removed} stories removed; index update does not bring them back, index add does; index compact gives back \
         their room"
    );
    Ok(Outcome::Done)
}

fn decide(store: Option<&Path>, args: &IndexDecide) -> Result<Outcome> {
    let decisions = Decisions::read(&args.file)?;
    let store = Store::open_to_write(&store::existing_folder(store)?)?;
    let mut archive = Archive::builder().build(store)?;
    archive.begin_run(store::now(), "index decide")?;
    let decided = archive.apply_decisions(&decisions)?;
    let unknown = match decided.unknown {
        0 => String::new(),
        1 => "; one story that they name is not there yet".into(),
        n => format!("; {n} stories that they name are not there yet"),
    };
    let others = match decided.text_mismatches {
        0 => String::new(),
        n => format!("; {n} left out: the store does not have the texts that they are on, or has them twice"),
    };
    let plural = if decided.kept == 1 { "" } else { "s" };
    status!("{} decision{plural} kept{unknown}{others}", decided.kept);
    Ok(Outcome::Done)
}

fn info(store: Option<&Path>, json: bool) -> Result<Outcome> {
    let info = Store::open(&store::existing_folder(store)?)?.info()?;
    output::write_to(None, |out| {
        if json {
            return json_pretty(&info, out);
        }
        let folder = samestory::report::sanitize_line(&info.folder, 400);
        writeln!(out, "{folder}: {} stories of {} files", info.stories, info.sources)?;
        writeln!(
            out,
            "{} passages; {} distinct texts with the titles, {} of them unused",
            info.passages, info.rows, info.unused_rows
        )?;
        let [model, fingerprint] =
            [&info.model, &info.fingerprint].map(|text| samestory::report::sanitize_line(text, 200));
        writeln!(out, "model {model} ({fingerprint}), {} dimensions", info.dim)?;
        let each = info.bytes / info.stories.max(1);
        writeln!(out, "{:.1} MB, {:.1} kB a story", info.bytes as f64 / 1e6, each as f64 / 1e3)
    })?;
    Ok(Outcome::Done)
}

fn verify(store: Option<&Path>) -> Result<Outcome> {
    let store = Store::open(&store::existing_folder(store)?)?;
    let health = store.verify()?.into_result(&store)?;
    status!("{} stories and {} rows are as they were written", health.stories, health.rows);
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
        // What could be read of a damaged store is worth having.
        failure = read.err();
        Ok(())
    })?;
    if let Some(error) = failure {
        status!("samestory: {written} stories were written before the damage");
        return Err(error.into());
    }
    Ok(Outcome::Done)
}

fn rebuild(store: Option<&Path>, args: &IndexRebuild) -> Result<Outcome> {
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    let mut store = Store::open_to_write(&store::existing_folder(store)?)?;
    let to = runtime.identity();
    if store.identity() == &to {
        status!("the vectors are of {} already", samestory::report::sanitize_line(&to.model, 200));
        return Ok(Outcome::Done);
    }
    let (all, there) = store.reader().row_counts()?;
    progress.begin(Stage::Embed, None);
    let embed = |texts: &[&str]| {
        let embedded = runtime.embedder.embed(texts, &CancelOnly)?;
        progress.advance(Stage::Embed, embedded.stats.tokens);
        Ok(embedded.vectors)
    };
    let embedded = store.rebuild(&to, &embed, &|| progress.cancelled())?;
    progress.end(Stage::Embed);
    if !args.compute.quiet {
        let model = samestory::report::sanitize_line(&to.model, 200);
        status!(
            "{embedded} of {all} passages embedded, {there} were there already; the vectors are of {model} now"
        );
    }
    Ok(Outcome::Done)
}

//! `samestory index`: an archive of stories that grows, with the vectors of what it knows.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use samestory::{
    Error,
    archive::{AddOutcome, Archive, Removal, SourceFile},
    group::Decisions,
    ingest,
    progress::{Progress, Stage},
    report::{json_pretty, json_text},
    store::{Identity, RunNumber, Store, StoryStatus, digest_stories},
    story::Story,
};

use super::{
    Outcome, archive,
    args::{Index, IndexAdd, IndexCommand, IndexDecide, IndexExport, IndexRebuild, IndexRemove, IndexUpdate},
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    outputs, sink, stories,
};
use crate::error::{CliError, Result};

/// Stories of a transaction: a kill loses the embedding of at most so many.
const BATCH: usize = 256;

/// Ids shown one by one; the rest is counted.
const SHOWN: usize = 20;

/// Runs the command.
pub fn run(args: &Index) -> Result<Outcome> {
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
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    // Before a store is made: what cannot be read leaves none behind.
    let ingested = stories::read(&args.paths, &stories::options(&args.input)?, &bars)?;
    let store = Store::open_or_create(&archive::folder_to_write(store)?, &Identity::of(&engine.model))?;
    let bad_input = !ingested.notices.is_empty();
    let sources = sources(archive::settled(&store, ingested.stories)?);
    let mut writer = Writer::new(store, &engine, "index add", &bars)?;
    let added = writer.put(sources, false)?;
    writer.finish(&added, 0, args.compute.quiet)?;
    Ok(match bad_input || !added.conflicting_ids.is_empty() {
        true if args.input.strict => Outcome::BadInput,
        _ => Outcome::Done,
    })
}

fn update(store: Option<&Path>, args: &IndexUpdate) -> Result<Outcome> {
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let store = Store::open_to_write(&archive::existing_folder(store)?)?;
    store.check_identity(&Identity::of(&engine.model))?;
    let paths: Vec<PathBuf> =
        store.sources()?.iter().map(|name| store.source_path(name)).collect::<samestory::Result<_>>()?;
    let (there, gone): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.exists());
    for path in &gone {
        say!("samestory: {} is no longer there; its stories stay", shown(path));
    }
    if there.is_empty() {
        return Err(CliError::hinted(
            Error::NoStories { place: "the files that the store was made of".into() },
            "add files: samestory index add PATHS",
        ));
    }
    let ingested = stories::read(&there, &stories::options(&args.input)?, &bars)?;
    let bad_input = !ingested.notices.is_empty() || !gone.is_empty();
    let hiding = ingested.notices.iter().filter(|n| n.kind.may_lose_stories());
    let hiding: BTreeSet<PathBuf> =
        hiding.map(|n| store.source_name(&n.path)).collect::<samestory::Result<_>>()?;
    let (mut stories, mut out) = (Vec::new(), 0);
    for story in archive::settled(&store, ingested.stories)? {
        match store.tombstone(&story.id)? {
            Some(_) => out += 1,
            None => stories.push(story),
        }
    }
    if out > 0 {
        say!("samestory: {out} stories that were taken out with index remove stay out");
    }
    let sources = sources(stories);
    let mut writer = Writer::new(store, &engine, "index update", &bars)?;
    let mut vanished = 0;
    for (path, of_path) in &sources {
        let read: BTreeSet<&str> = of_path.iter().map(|s| s.id.as_str()).collect();
        let mut missing = writer.archive.store().ids_from_source(path)?;
        missing.retain(|id| !read.contains(id.as_str()));
        if hiding.contains(Path::new(path)) && !missing.is_empty() {
            // What could not be read is not gone.
            let (path, n) = (samestory::report::sanitize_line(path, 400), missing.len());
            say!("samestory: {path} was not read whole; {n} stories that were not found there stay");
            continue;
        }
        vanished += writer.archive.remove(writer.run, &missing, Removal::FromSource)?;
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
    run: RunNumber,
    engine: &'e Engine,
    bars: &'e Bars,
    /// How many decisions the store held.
    decisions: u64,
}

impl<'e> Writer<'e> {
    fn new(store: Store, engine: &'e Engine, command: &str, bars: &'e Bars) -> Result<Self> {
        let mut archive = archive::judging(store, engine)?;
        let run = archive.begin_run(archive::now(), command)?;
        let decisions = archive.store().reader().decision_count()?;
        Ok(Writer { archive, run, engine, bars, decisions })
    }

    /// Commits what the store does not have yet, a batch at a time; `changed` files alone if that is said, so that what
    /// people took out does not come back by itself.
    fn put(&mut self, sources: Vec<(String, Vec<Story>)>, changed: bool) -> Result<AddOutcome> {
        let bars = self.bars;
        bars.begin(Stage::Store, Some(sources.iter().map(|(_, s)| s.len() as u64).sum()));
        let mut added = AddOutcome::default();
        let mut batch: Vec<Story> = Vec::new();
        // Files whose stories are all in once the batch is.
        let mut whole = Vec::new();
        let mut unchanged = 0;
        for (path, of_path) in sources {
            let (mut digest, count) = (digest_stories(&of_path), of_path.len() as u64);
            let is_file = !stories::is_stdin(Path::new(&path));
            let store = self.archive.store();
            if changed && store.source_digest(&path)?.is_some_and(|known| known == digest) {
                unchanged += count;
                bars.advance(Stage::Store, count);
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
            bars.advance(Stage::Store, count - unknown.len() as u64);
            for story in unknown {
                if bars.cancelled() {
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
        bars.end(Stage::Store);
        added.unchanged += unchanged;
        Ok(added)
    }

    /// One transaction.
    fn commit(&mut self, batch: &mut Vec<Story>, whole: &mut Vec<SourceFile>) -> Result<AddOutcome> {
        let (stories, files) = (std::mem::take(batch), std::mem::take(whole));
        let n = stories.len() as u64;
        let engine = self.engine;
        let embed = |texts: &[&str]| engine.embed_for_archive(texts);
        let outcome = self.archive.add(self.run, stories, &files, &embed).map_err(|error| match error {
            Error::Interrupted => stopped(),
            error => error,
        })?;
        self.bars.advance(Stage::Store, n);
        Ok(outcome)
    }

    /// Keeps the figures of the run, and tells them.
    fn finish(mut self, added: &AddOutcome, vanished: u64, quiet: bool) -> Result<()> {
        let manifest = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": self.engine.model.name,
            "device": self.engine.encoder.describe(),
            "threads": self.engine.threads,
            "added": added.added,
            "replaced": added.replaced,
            "unchanged": added.unchanged,
            "removed": vanished,
            "left_out": added.conflicting_ids.len(),
            "embedding": added.embed_stats,
            "stages": self.bars.stage_times(),
        });
        self.archive.finish_run(self.run, &manifest.to_string())?;
        self.archive.save_index()?;
        tell_forgotten(self.archive.store(), self.decisions)?;
        tell(self.archive.store(), added, vanished, quiet, self.bars);
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
    say!(
        "samestory: {gone}: records without ids of their own have other texts now; what was decided on files holds \
         again by samestory index decide FILE"
    );
    Ok(())
}

fn tell(store: &Store, added: &AddOutcome, vanished: u64, quiet: bool, bars: &Bars) {
    for id in added.conflicting_ids.iter().take(SHOWN) {
        let id = samestory::report::sanitize_line(id, 200);
        say!("samestory: {id} was left out: another story has the id");
    }
    if added.conflicting_ids.len() > SHOWN {
        say!("samestory: … and {} more were left out", added.conflicting_ids.len() - SHOWN);
    }
    if quiet {
        return;
    }
    let seconds: Vec<String> =
        bars.stage_times().iter().map(|t| format!("{} {:.2} s", t.stage, t.seconds)).collect();
    say!(
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
    let store = Store::open_to_write(&archive::existing_folder(store)?)?;
    let mut archive = Archive::open(store, samestory::archive::ArchiveOptions::default())?;
    let run = archive.begin_run(archive::now(), "index remove")?;
    let decisions = archive.store().reader().decision_count()?;
    let removed = archive.remove(run, &args.ids, Removal::ByPeople)?;
    tell_forgotten(archive.store(), decisions)?;
    say!(
        "{removed} stories removed; index update does not bring them back, index add does; index compact gives back \
         their room"
    );
    Ok(Outcome::Done)
}

fn decide(store: Option<&Path>, args: &IndexDecide) -> Result<Outcome> {
    let decisions = Decisions::read(&args.file)?;
    let store = Store::open_to_write(&archive::existing_folder(store)?)?;
    let mut archive = Archive::open(store, samestory::archive::ArchiveOptions::default())?;
    let run = archive.begin_run(archive::now(), "index decide")?;
    let decided = archive.apply_decisions(run, &decisions)?;
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
    say!("{} decision{plural} kept{unknown}{others}", decided.kept);
    Ok(Outcome::Done)
}

fn info(store: Option<&Path>, json: bool) -> Result<Outcome> {
    let info = Store::open(&archive::existing_folder(store)?)?.info()?;
    sink::write_to(None, |out| {
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
    let store = Store::open(&archive::existing_folder(store)?)?;
    let health = store.verify()?.into_result(&store)?;
    say!("{} stories and {} rows are as they were written", health.stories, health.rows);
    Ok(Outcome::Done)
}

fn compact(store: Option<&Path>) -> Result<Outcome> {
    let mut store = Store::open_to_write(&archive::existing_folder(store)?)?;
    let before = store.info()?.bytes;
    let rows = store.compact()?;
    let after = store.info()?.bytes;
    say!("{rows} unused rows dropped; {:.1} MB before, {:.1} MB now", mb(before), mb(after));
    Ok(Outcome::Done)
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn export(store: Option<&Path>, args: &IndexExport) -> Result<Outcome> {
    let folder = archive::existing_folder(store)?;
    outputs::check(&[], &[("--out", args.out.as_deref())])?;
    let store = Store::open(&folder)?;
    let mut failure = None;
    let mut written = 0u64;
    sink::write_to(args.out.as_deref(), |out| {
        let read = store.for_each_story(&mut |story| {
            written += 1;
            json_text(ingest::to_json_line(story), out)
        })?;
        // What could be read of a damaged store is worth having.
        failure = read.err();
        Ok(())
    })?;
    if let Some(error) = failure {
        say!("samestory: {written} stories were written before the damage");
        return Err(error.into());
    }
    Ok(Outcome::Done)
}

fn rebuild(store: Option<&Path>, args: &IndexRebuild) -> Result<Outcome> {
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let mut store = Store::open_to_write(&archive::existing_folder(store)?)?;
    let to = Identity::of(&engine.model);
    if store.identity() == &to {
        say!("the vectors are of {} already", samestory::report::sanitize_line(&to.model, 200));
        return Ok(Outcome::Done);
    }
    let (all, there) = store.reader().row_counts()?;
    bars.begin(Stage::Embed, None);
    let embed = |texts: &[&str]| {
        let (vectors, embed_stats) = engine.embed_for_archive(texts)?;
        bars.advance(Stage::Embed, embed_stats.tokens);
        Ok(vectors)
    };
    let embedded = store.rebuild(&to, &embed, &|| bars.cancelled())?;
    bars.end(Stage::Embed);
    if !args.compute.quiet {
        let model = samestory::report::sanitize_line(&to.model, 200);
        say!(
            "{embedded} of {all} passages embedded, {there} were there already; the vectors are of {model} now"
        );
    }
    Ok(Outcome::Done)
}

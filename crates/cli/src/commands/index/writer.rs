//! A run that writes stories to a store, a batch at a time.

use std::{mem, path::Path};

use samestory::{
    Error,
    archive::{AddOutcome, AddedCopy, Archive, SourceFile},
    compare::Relation,
    progress::{Progress, Stage},
    report::sanitize_line,
    store::{Store, StoryStatus, digest_stories},
    story::Story,
};

use crate::{error::Result, input, output::printable_path, progress::ProgressBars, runtime::Runtime, store};

/// Stories of a transaction: a kill loses the embedding of at most so many.
const BATCH: usize = 256;

/// Ids that are printed one by one; the rest is counted.
const SHOWN: usize = 20;

/// A run that writes.
pub struct Writer<'r> {
    pub archive: Archive,
    runtime: &'r Runtime,
    progress: &'r ProgressBars,
    /// How many decisions the store held.
    decisions: u64,
}

/// Stories that wait for their transaction.
#[derive(Default)]
struct Batch {
    stories: Vec<Story>,
    /// Files that are complete with these stories.
    files: Vec<SourceFile>,
}

impl<'r> Writer<'r> {
    /// Begins a run of `command`.
    pub fn new(
        store: Store,
        runtime: &'r Runtime,
        command: &str,
        progress: &'r ProgressBars,
    ) -> Result<Self> {
        let mut archive = runtime.archive(store)?;
        archive.begin_run(store::now(), command)?;
        let decisions = archive.store().reader().decision_count()?;
        Ok(Writer { archive, runtime, progress, decisions })
    }

    /// Adds what the store does not have yet, a batch at a time; with `changed_only`, files that have not changed are
    /// skipped, so that removed stories do not return by themselves.
    pub fn add(&mut self, sources: Vec<(String, Vec<Story>)>, changed_only: bool) -> Result<AddOutcome> {
        let progress = self.progress;
        progress.begin(Stage::Store, Some(sources.iter().map(|(_, s)| s.len() as u64).sum()));
        let mut added = AddOutcome::default();
        let mut batch = Batch::default();
        for (path, stories) in sources {
            added = added.merge(self.add_source(path, stories, changed_only, &mut batch)?);
        }
        added = added.merge(self.commit(&mut batch)?);
        progress.end(Stage::Store);
        Ok(added)
    }

    /// Puts the stories of a file into `batch`, and commits it when it is full.
    fn add_source(
        &mut self,
        path: String,
        stories: Vec<Story>,
        changed_only: bool,
        batch: &mut Batch,
    ) -> Result<AddOutcome> {
        let (mut digest, count) = (digest_stories(&stories), stories.len() as u64);
        let store = self.archive.store();
        if changed_only && store.source_digest(&path)?.is_some_and(|known| known == digest) {
            self.progress.advance(Stage::Store, count);
            return Ok(AddOutcome { unchanged: count, ..AddOutcome::default() });
        }
        let mut new = Vec::new();
        for story in stories {
            match store.status(&story)? {
                StoryStatus::Unchanged => continue,
                // It will be skipped: with a digest that no file has, the next update reads the file again.
                StoryStatus::IdConflict => digest = [0; 32],
                StoryStatus::New | StoryStatus::Changed(_) => {}
            }
            new.push(story);
        }
        let unchanged = count - new.len() as u64;
        self.progress.advance(Stage::Store, unchanged);
        let mut added = AddOutcome { unchanged, ..AddOutcome::default() };
        for story in new {
            if self.progress.cancelled() {
                return Err(stopped().into());
            }
            batch.stories.push(story);
            if batch.stories.len() == BATCH {
                added = added.merge(self.commit(batch)?);
            }
        }
        if !input::is_stdin(Path::new(&path)) {
            batch.files.push(SourceFile { path, digest, stories: count });
        }
        Ok(added)
    }

    /// Writes `batch` in one transaction, and empties it.
    fn commit(&mut self, batch: &mut Batch) -> Result<AddOutcome> {
        let Batch { stories, files } = mem::take(batch);
        let count = stories.len() as u64;
        let outcome = self.archive.add_with_files(stories, &files).map_err(|error| match error {
            Error::Interrupted => stopped(),
            error => error,
        })?;
        self.progress.advance(Stage::Store, count);
        Ok(outcome)
    }

    /// Keeps the figures of the run, and prints them.
    pub fn finish(mut self, added: &AddOutcome, removed: u64, quiet: bool) -> Result<()> {
        let manifest = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": self.runtime.model().name,
            "device": self.runtime.embedder.encoder().describe(),
            "threads": self.runtime.embedder.threads(),
            "added": added.added,
            "replaced": added.replaced,
            "unchanged": added.unchanged,
            "removed": removed,
            "left_out": added.conflicting_ids.len(),
            "embedding": added.embed_stats,
            "stages": self.progress.stage_times(),
        });
        self.archive.finish_run(&manifest.to_string())?;
        self.archive.save_index()?;
        print_lost_decisions(self.archive.store(), self.decisions)?;
        print_conflicts(added);
        if !quiet {
            print_copies(&added.copies);
            status!(
                "{}: {} stories added, {} replaced, {} unchanged, {removed} removed, {} left out; {} passages embedded; {}",
                printable_path(self.archive.store().folder()),
                added.added,
                added.replaced,
                added.unchanged,
                added.conflicting_ids.len(),
                added.embed_stats.texts,
                self.progress.summary()
            );
        }
        Ok(())
    }
}

fn stopped() -> Error {
    Error::Stopped { done: "what was committed is in the store".into() }
}

/// Prints how many decisions were lost with the texts that they held for; the store held `before`.
pub fn print_lost_decisions(store: &Store, before: u64) -> Result<()> {
    let lost = match before.saturating_sub(store.reader().decision_count()?) {
        0 => return Ok(()),
        1 => "1 decision was removed with the text that it held for".into(),
        n => format!("{n} decisions were removed with the texts that they held for"),
    };
    status!(
        "samestory: {lost}: records without ids of their own have other texts now; samestory index decide FILE applies \
         decisions on files again"
    );
    Ok(())
}

/// Prints which stories are of one origin with an earlier one.
fn print_copies(copies: &[AddedCopy]) {
    for AddedCopy { id, relation, of } in copies.iter().take(SHOWN) {
        let relation = match relation {
            Relation::Identical => "identical to",
            Relation::Update => "an update of",
            Relation::Excerpt => "an excerpt of",
            Relation::Rewrite => "a rewrite of",
            _ => "a copy of",
        };
        status!("{} is {relation} {}", sanitize_line(id, 200), sanitize_line(of, 200));
    }
    if copies.len() > SHOWN {
        status!(
            "… and {} more are of one origin with earlier stories: samestory log has all",
            copies.len() - SHOWN
        );
    }
}

/// Prints the stories that were not added because another story has their id.
fn print_conflicts(added: &AddOutcome) {
    for id in added.conflicting_ids.iter().take(SHOWN) {
        let id = sanitize_line(id, 200);
        status!("samestory: {id} was left out: another story has the id");
    }
    if added.conflicting_ids.len() > SHOWN {
        status!("samestory: … and {} more were left out", added.conflicting_ids.len() - SHOWN);
    }
}

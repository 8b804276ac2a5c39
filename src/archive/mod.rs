//! An archive: a store that new stories are compared with, one by one.
//!
//! A story is compared by what is known when it is added: how rare words are, what is boilerplate, which stories there
//! are. So the result depends on the order of the stories alone, not on how they were divided into batches, and an
//! interrupted run continues to the same result.

mod add;
mod builder;
mod check;
mod decisions;
mod dedup;
mod files;
mod frequencies;
mod group_numbers;
mod groups;
mod index;
mod lookup;
mod matcher;
mod missing_vectors;
mod prepare;
mod regroup;
mod remove;
mod stored_verdicts;
mod text_embedder;
mod vectors;
mod working_set;

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    Error, Result, compare, group,
    search::SearchOptions,
    store::{RunNumber, Store},
    story::Story,
};

pub use add::{AddOutcome, AddedCopy, SourceFile};
pub use builder::ArchiveBuilder;
pub use check::{CheckResult, RelatedStory};
pub use decisions::{DecisionOutcome, decisions};
pub use dedup::ArchiveDedup;
pub use frequencies::StoreFrequencies;
pub use groups::{ArchiveGroups, GroupedCorpus};
pub use lookup::{FULL_SCAN_LIMIT, LookupCandidates};
pub use remove::Removal;

use matcher::Matcher;
use prepare::PreparedStories;
use text_embedder::TextEmbedder;

/// How stories are compared and grouped.
#[derive(Debug, Clone, Default)]
pub struct ArchiveOptions {
    /// How candidates are found.
    pub search: SearchOptions,
    /// How pairs are compared.
    pub compare: compare::Options,
    /// How groups are formed.
    pub group: group::Options,
}

/// A store with all that it takes to compare stories with it.
pub struct Archive {
    store: Store,
    matcher: Matcher,
    embedder: Option<TextEmbedder>,
    /// The run that changes belong to.
    run: Option<RunNumber>,
}

impl Archive {
    /// An archive with settings.
    pub fn builder() -> ArchiveBuilder {
        ArchiveBuilder::default()
    }

    /// Opens the archive in `folder` for reading, without a model: for its groups and explanations. What checks or adds
    /// stories needs an [embedder](ArchiveBuilder::embedder).
    ///
    /// # Errors
    /// [`Error::Store`] if there is none, or it cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::builder().open(folder.as_ref())
    }

    /// Begins a run, at `at` in milliseconds since 1970 UTC: the changes that follow belong to it in the log.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be written.
    pub fn begin_run(&mut self, at: i64, command: &str) -> Result<RunNumber> {
        let transaction = self.store.begin_write()?;
        if !self.matcher.index.warnings.is_empty() {
            // Index files of another state would fit this one again if its last item happened to be theirs.
            transaction.reset_generation()?;
        }
        let run = transaction.insert_run(at, command)?;
        transaction.commit()?;
        self.run = Some(run);
        Ok(run)
    }

    /// Records the manifest of the present run, as JSON, and ends it.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be written.
    pub fn finish_run(&mut self, manifest: &str) -> Result<()> {
        let Some(run) = self.run.take() else { return Ok(()) };
        let transaction = self.store.begin_write()?;
        transaction.set_manifest(run, manifest)?;
        transaction.commit()
    }

    /// The present run; one begins now if there is none.
    fn run(&mut self) -> Result<RunNumber> {
        if let Some(run) = self.run {
            return Ok(run);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        self.begin_run(now, "library")
    }

    /// Embeds new stories, and finds their neighbours.
    fn prepare(&self, stories: Vec<Story>) -> Result<PreparedStories> {
        let embedder = self.embedder.as_ref().ok_or(Error::NoModel)?;
        self.matcher.prepare(&self.store, stories, embedder)
    }

    /// What was wrong with the index files, in words: they were rebuilt from the store. Empty for intact ones.
    pub fn index_warnings(&self) -> &[String] {
        &self.matcher.index.warnings
    }

    /// Rewrites the index files, if they lack many stories. They are caches: what they lack is read from the store.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be written, [`Error::Store`] if the store
    /// cannot be read.
    pub fn save_index(&mut self) -> Result<()> {
        self.matcher.index.save(&self.store)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// An archive can move to another thread, though it is used by one at a time.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Archive>();
};

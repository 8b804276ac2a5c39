//! An archive: a store that new stories are compared with, one by one.
//!
//! A story is compared by what is known when it is added: how rare words are, what is boilerplate, which stories there
//! are. So the result depends on the order of the stories alone, not on how they were divided into batches, and an
//! interrupted run continues to the same result.

mod add;
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
mod vectors;
mod working_set;

use crate::{Result, compare, embed::EmbedStats, group, search::SearchOptions, store::Store, vector::Matrix};

pub use add::{AddOutcome, SourceFile};
pub use check::{CheckResult, RelatedStory};
pub use decisions::{DecisionOutcome, decisions};
pub use dedup::ArchiveDedup;
pub use frequencies::StoreFrequencies;
pub use groups::{ArchiveGroups, GroupedCorpus};
pub use lookup::{FULL_SCAN_LIMIT, LookupCandidates};
pub use remove::Removal;

use matcher::Matcher;

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

/// Computes the vectors of texts: one row each, in their order, as wide as the store's
/// [`dim`](crate::store::Identity::dim), finite and of unit length. Others are refused, and nothing is changed then.
pub type Embed<'e> = dyn Fn(&[&str]) -> Result<(Matrix, EmbedStats)> + 'e;

/// A store with all that it takes to compare stories with it.
pub struct Archive {
    store: Store,
    matcher: Matcher,
}

impl Archive {
    /// Opens the index of a store.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read.
    pub fn open(store: Store, options: ArchiveOptions) -> Result<Self> {
        let matcher = Matcher::open(&store, options)?;
        Ok(Archive { store, matcher })
    }

    /// What was wrong with the index files, in words: they were rebuilt from the store. Empty for intact ones.
    pub fn index_warnings(&self) -> &[String] {
        &self.matcher.index.warnings
    }

    /// Rewrites the index files, if they lack many stories. They are caches: what they lack is read from the store.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if a file cannot be written, [`Error::Store`](crate::Error::Store) if the store
    /// cannot be read.
    pub fn save_index(&mut self) -> Result<()> {
        self.matcher.index.save(&self.store)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

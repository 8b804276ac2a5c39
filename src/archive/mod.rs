//! The judgement on stories as they come: each against all that a store holds.
//!
//! A story is judged by what is known when it comes: how rare words are, what is boilerplate, which stories there are.
//! So the result hangs on the order of the stories alone, not on how they were cut into batches, and a run that was
//! killed goes on to the same end.

mod add;
mod check;
mod decisions;
mod files;
mod frequencies;
mod groups;
mod index;
mod lookup;
mod pairs;
mod regroup;
mod texts;
mod vectors;
mod working_set;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use crate::{
    Result,
    compare::{self, TokenCache},
    embed::EmbedStats,
    group,
    search::SearchOptions,
    store::Store,
    vector::Matrix,
};

pub use add::{AddOutcome, SourceFile};
pub use check::{ArchiveDedup, CheckResult, RelatedStory};
pub use decisions::{DecisionOutcome, decisions};
pub use groups::GroupedCorpus;
pub use lookup::{FULL_SCAN_LIMIT, LookupCandidates};

pub use frequencies::StoreFrequencies;
use frequencies::Words;
use index::Index;

/// How stories are judged.
#[derive(Debug, Clone, Default)]
pub struct ArchiveOptions {
    /// How candidates are found.
    pub search: SearchOptions,
    /// How pairs are compared.
    pub compare: compare::Options,
    /// How groups are made.
    pub group: group::Options,
}

/// Gives each text its vector: one row a text, in their order, as wide as the store's [`crate::store::Identity::dim`], finite
/// and of unit length. Others are refused, and nothing is changed then.
pub type Embed<'e> = dyn Fn(&[&str]) -> Result<(Matrix, EmbedStats)> + 'e;

/// A store with all that it takes to judge stories against it.
pub struct Archive {
    store: Store,
    matcher: Matcher,
}

/// What judges, beside the store itself.
struct Matcher {
    index: Index,
    words: RefCell<Words>,
    tokens: TokenCache,
    shingles: RefCell<HashMap<u32, Rc<[u64]>>>,
    options: ArchiveOptions,
    /// What people said of passages.
    boilerplate: BTreeMap<String, bool>,
    dim: usize,
}

impl Archive {
    /// Takes a store, and reads what searching it needs.
    pub fn open(store: Store, options: ArchiveOptions) -> Result<Self> {
        let index = Index::open(&store, &options.search)?;
        let mut boilerplate: BTreeMap<String, bool> = store.reader().boilerplate()?.into_iter().collect();
        let given = options.compare.boilerplate.passages.iter();
        boilerplate.extend(given.map(|entry| (entry.text.clone(), entry.exclude)));
        let dim = store.identity().dim;
        Ok(Archive {
            store,
            matcher: Matcher {
                index,
                words: RefCell::default(),
                tokens: TokenCache::default(),
                shingles: RefCell::default(),
                options,
                boilerplate,
                dim,
            },
        })
    }

    /// What was wrong with the files that are searched, in words: they were made anew. Empty if nothing was.
    pub fn index_warnings(&self) -> &[String] {
        &self.matcher.index.rebuilt
    }

    /// Writes the files that are searched, if they have fallen behind by much. They are caches: what they lack is read
    /// from the store.
    pub fn save_index(&mut self) -> Result<()> {
        self.matcher.index.save(&self.store)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

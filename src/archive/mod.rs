//! The judgement on stories as they come: each against all that a store holds.
//!
//! A story is judged by what is known when it comes: how rare words are, what is boilerplate, which stories there are.
//! So the result hangs on the order of the stories alone, not on how they were cut into batches, and a run that was
//! killed goes on to the same end.

mod decide;
mod files;
mod grouped;
mod index;
mod judge;
mod learn;
mod near;
mod pairs;
mod regroup;
mod texts;
mod vectors;
mod words;
mod working;

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

pub use decide::{Decided, decisions};
pub use grouped::Grouped;
pub use judge::{Judged, Judgement, Kin};
pub use learn::{Learned, Whole};
pub use near::{Near, WHOLE};

use index::Index;
pub use words::Known;
use words::Words;

/// How stories are judged.
#[derive(Debug, Clone, Default)]
pub struct Options {
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
    judge: Judge,
}

/// What judges, beside the store itself.
struct Judge {
    index: Index,
    words: RefCell<Words>,
    tokens: TokenCache,
    shingles: RefCell<HashMap<u32, Rc<[u64]>>>,
    options: Options,
    /// What people said of passages.
    boilerplate: BTreeMap<String, bool>,
    dim: usize,
}

impl Archive {
    /// Takes a store, and reads what searching it needs.
    pub fn open(store: Store, options: Options) -> Result<Self> {
        let index = Index::open(&store, &options.search)?;
        let mut boilerplate: BTreeMap<String, bool> = store.view().boilerplate()?.into_iter().collect();
        let given = options.compare.boilerplate.passages.iter();
        boilerplate.extend(given.map(|entry| (entry.text.clone(), entry.exclude)));
        let dim = store.identity().dim;
        Ok(Archive {
            store,
            judge: Judge {
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
    pub fn rebuilt(&self) -> &[String] {
        &self.judge.index.rebuilt
    }

    /// Writes the files that are searched, if they have fallen behind by much. They are caches: what they lack is read
    /// from the store.
    pub fn save(&mut self) -> Result<()> {
        self.judge.index.save(&self.store)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

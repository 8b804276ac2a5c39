//! Compares stories by what the store shows: document frequencies and boilerplate of all its stories.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    ArchiveOptions, frequencies::StoreFrequencies, frequencies::Words, index::Index, stored_verdicts,
    working_set::WorkingSet,
};
use crate::{
    Result,
    compare::{Comparer, CorpusStatistics, TokenCache, Verdict},
    progress::NoProgress,
    store::{Reader, Store, StoryNumber},
    story::StoryId,
};

/// All that it takes to compare new stories with those of a store, but the store itself.
pub(super) struct Matcher {
    pub index: Index,
    /// Document frequencies that were read.
    pub words: RefCell<Words>,
    tokens: TokenCache,
    /// Shingles of stories that were read.
    pub shingles: RefCell<HashMap<u32, Arc<[u64]>>>,
    pub options: ArchiveOptions,
    /// The boilerplate list: texts of passages, and whether each is boilerplate.
    boilerplate: BTreeMap<String, bool>,
    pub dim: usize,
}

impl Matcher {
    /// Opens the index of the store, and reads the boilerplate list.
    pub fn open(store: &Store, options: ArchiveOptions) -> Result<Self> {
        let index = Index::open(store, &options.search)?;
        let mut boilerplate: BTreeMap<String, bool> = store.reader().boilerplate()?.into_iter().collect();
        let given = options.compare.boilerplate.passages.iter();
        boilerplate.extend(given.map(|entry| (entry.text.clone(), entry.exclude)));
        Ok(Matcher {
            index,
            words: RefCell::default(),
            tokens: TokenCache::default(),
            shingles: RefCell::default(),
            options,
            boilerplate,
            dim: store.identity().dim,
        })
    }

    /// An empty working set.
    pub fn working_set<'a>(&'a self, reader: Reader<'a>) -> WorkingSet<'a> {
        WorkingSet::new(reader, &self.boilerplate, self.dim)
    }

    /// Gives a comparer of the stories of `set` to `use_comparer`.
    pub fn with_comparer<T>(
        &self,
        reader: Reader<'_>,
        set: &WorkingSet<'_>,
        use_comparer: impl FnOnce(&Comparer<'_>) -> T,
    ) -> Result<T> {
        let frequencies = StoreFrequencies::new(&self.words, reader)?;
        let (vectors, boilerplate) = (set.vectors(), set.boilerplate.clone());
        let statistics = CorpusStatistics { boilerplate, frequencies: &frequencies, tokens: &self.tokens };
        let comparer = Comparer::with_statistics(&set.corpus, vectors, &self.options.compare, statistics)?;
        Ok(use_comparer(&comparer))
    }

    /// The verdicts on `pairs` of stories of `set`.
    pub fn compare_pairs(
        &self,
        reader: Reader<'_>,
        set: &WorkingSet<'_>,
        pairs: &[(StoryId, StoryId)],
    ) -> Result<Vec<Verdict>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        self.with_comparer(reader, set, |comparer| comparer.compare_all(pairs, &NoProgress))?
    }

    /// The verdict on two stories of the store, the earlier one first.
    pub fn compare_stored(
        &self,
        reader: Reader<'_>,
        a: StoryNumber,
        b: StoryNumber,
    ) -> Result<Option<Verdict>> {
        let mut set = self.working_set(reader);
        let (Some(a), Some(b)) = (set.load(a.min(b))?, set.load(a.max(b))?) else { return Ok(None) };
        Ok(self.compare_pairs(reader, &set, &[(a, b)])?.pop())
    }
}

/// The verdicts that the store has on the first `stored` stories of `set`.
pub(super) fn verdicts_in_store(
    reader: Reader<'_>,
    set: &WorkingSet<'_>,
    stored: usize,
) -> Result<Vec<Verdict>> {
    let ids: BTreeMap<StoryNumber, StoryId> =
        (0..stored).filter_map(|i| Some((set.numbers[i]?, StoryId(i as u32)))).collect();
    let mut verdicts = Vec::new();
    for number in ids.keys() {
        for pair in &reader.pairs_with_later(*number)? {
            if let (Some(a), Some(b)) = (ids.get(&pair.a), ids.get(&pair.b)) {
                let verdict = stored_verdicts::from_stored(pair, *a.min(b), *a.max(b))?;
                verdicts.push(if a <= b { verdict } else { verdict.flipped() });
            }
        }
    }
    Ok(verdicts)
}

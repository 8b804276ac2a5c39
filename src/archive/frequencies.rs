//! The document frequencies of a store: read word by word as they are needed, and cached.

use std::{cell::RefCell, collections::HashMap};

use crate::{
    Result,
    compare::{DocumentFrequencies, Field, TermStatistics},
    store::Reader,
};

/// Words that were looked up, whether the store has them or not.
pub(super) type Words = HashMap<Field, HashMap<String, Option<TermStatistics>>>;

/// The document frequencies of a store as one read transaction sees them.
pub struct StoreFrequencies<'a> {
    cache: &'a RefCell<Words>,
    reader: Reader<'a>,
    stories: u32,
}

impl<'a> StoreFrequencies<'a> {
    pub(super) fn new(cache: &'a RefCell<Words>, reader: Reader<'a>) -> Result<Self> {
        Ok(StoreFrequencies { cache, reader, stories: reader.story_count()? })
    }
}

impl DocumentFrequencies for StoreFrequencies<'_> {
    fn stories(&self) -> u32 {
        self.stories
    }

    fn get(&self, field: Field, word: &str) -> Result<Option<TermStatistics>> {
        let mut cache = self.cache.borrow_mut();
        let words = cache.entry(field).or_default();
        if let Some(known) = words.get(word) {
            return Ok(*known);
        }
        let found = self.reader.word_frequency(field.number(), word)?;
        let found = found.map(|(stories, name_votes)| TermStatistics { stories, name_votes });
        words.insert(word.into(), found);
        Ok(found)
    }
}

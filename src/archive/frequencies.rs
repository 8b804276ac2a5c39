//! How rare words are in a store: read word by word as they are asked for, and kept.

use std::{cell::RefCell, collections::HashMap};

use crate::{
    Error, Result,
    compare::{Field, Frequencies, Frequency},
    store::Reader,
};

/// Words that were asked for, known or not.
pub(super) type Words = HashMap<Field, HashMap<String, Option<Frequency>>>;

/// The words of a store as one reading sees them.
pub struct StoreFrequencies<'a> {
    words: &'a RefCell<Words>,
    reader: Reader<'a>,
    stories: u32,
    /// What went wrong first: the trait has no room for it.
    failure: RefCell<Option<Error>>,
}

impl<'a> StoreFrequencies<'a> {
    pub(super) fn new(words: &'a RefCell<Words>, reader: Reader<'a>) -> Result<Self> {
        Ok(StoreFrequencies { words, reader, stories: reader.story_count()?, failure: RefCell::default() })
    }

    /// An error if something could not be read.
    pub fn finish(self) -> Result<()> {
        self.failure.into_inner().map_or(Ok(()), Err)
    }
}

impl Frequencies for StoreFrequencies<'_> {
    fn stories(&self) -> u32 {
        self.stories
    }

    fn of(&self, field: Field, word: &str) -> Option<Frequency> {
        let mut words = self.words.borrow_mut();
        let words = words.entry(field).or_default();
        if let Some(known) = words.get(word) {
            return *known;
        }
        let found = match self.reader.word_frequency(field.number(), word) {
            Ok(found) => found.map(|(stories, name)| Frequency { stories, name }),
            Err(error) => {
                self.failure.borrow_mut().get_or_insert(error);
                None
            }
        };
        words.insert(word.into(), found);
        found
    }
}

//! How rare words are in a store: read word by word as they are asked for, and kept.

use std::{cell::RefCell, collections::HashMap};

use crate::{
    Error, Result,
    compare::{Field, Frequencies, Frequency},
    store::View,
};

/// Words that were asked for, known or not.
pub(super) type Words = HashMap<Field, HashMap<String, Option<Frequency>>>;

/// The words of a store as one reading sees them.
pub struct Known<'a> {
    words: &'a RefCell<Words>,
    view: View<'a>,
    stories: u32,
    /// What went wrong first: the trait has no room for it.
    failure: RefCell<Option<Error>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(words: &'a RefCell<Words>, view: View<'a>) -> Result<Self> {
        Ok(Known { words, view, stories: view.stories_len()?, failure: RefCell::default() })
    }

    /// An error if something could not be read.
    pub fn finish(self) -> Result<()> {
        self.failure.into_inner().map_or(Ok(()), Err)
    }
}

impl Frequencies for Known<'_> {
    fn stories(&self) -> u32 {
        self.stories
    }

    fn of(&self, field: Field, word: &str) -> Option<Frequency> {
        let mut words = self.words.borrow_mut();
        let words = words.entry(field).or_default();
        if let Some(known) = words.get(word) {
            return *known;
        }
        let found = match self.view.word(field.number(), word) {
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

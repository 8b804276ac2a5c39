//! A set of rows, one bit a row.

use crate::story::RowId;

/// A set of rows, such as the deleted ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    /// Adds a row.
    pub fn insert(&mut self, row: RowId) {
        let word = row.index() / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (row.index() % 64);
    }

    /// Whether the set holds `row`.
    pub fn contains(&self, row: RowId) -> bool {
        self.words.get(row.index() / 64).is_some_and(|word| word >> (row.index() % 64) & 1 == 1)
    }
}

impl FromIterator<RowId> for BitSet {
    fn from_iter<I: IntoIterator<Item = RowId>>(rows: I) -> Self {
        let mut set = BitSet::default();
        rows.into_iter().for_each(|row| set.insert(row));
        set
    }
}

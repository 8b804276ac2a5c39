//! Token sequences laid end to end: no padding, so no token is computed that is not there.
//!
//! ```text
//! ids      101 7592 102 | 101 2054 2003 102 | …
//! offsets  0            3                   7 …      (one more than there are sequences)
//! ```

/// Flat token ids with cumulative lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedBatch {
    ids: Vec<u32>,
    offsets: Vec<u32>,
}

impl Default for PackedBatch {
    fn default() -> Self {
        PackedBatch { ids: Vec::new(), offsets: vec![0] }
    }
}

impl PackedBatch {
    /// Sequences of these lengths, of one word over and over.
    #[cfg(test)]
    pub(super) fn of_lengths(lengths: &[usize]) -> Self {
        let mut batch = Self::default();
        lengths.iter().for_each(|&l| batch.push(&vec![7; l]));
        batch
    }

    /// Adds one sequence, special tokens included.
    pub fn push(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        self.offsets.push(self.ids.len() as u32);
    }

    /// The number of sequences.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether it holds no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of tokens.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// All ids, end to end.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Where each sequence starts, and the end of the last.
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The ids of sequence `i`.
    pub fn sequence(&self, i: usize) -> &[u32] {
        &self.ids[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }
}

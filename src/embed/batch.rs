//! Token sequences laid end to end: no padding, so no token is computed that is not there.
//!
//! ```text
//! ids      101 7592 102 | 101 2054 2003 102 | …
//! offsets  0            3                   7 …      (one more than there are sequences)
//! ```

use crate::{Error, Result, model::BertConfig};

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

    /// Refuses ids and lengths that the tables do not hold: a tokenizer of another model.
    pub(super) fn check(&self, config: &BertConfig) -> Result<()> {
        let bad =
            |expected: String, found: String| Error::Model { file: "tokenizer.json".into(), expected, found };
        if let Some(id) = self.ids().iter().find(|&&id| id as usize >= config.vocab_size) {
            return Err(bad(format!("ids below {}", config.vocab_size), format!("the id {id}")));
        }
        let longest = (0..self.len()).map(|i| self.sequence(i).len()).max().unwrap_or(0);
        if longest > config.max_position_embeddings {
            return Err(bad(
                format!("at most {} tokens", config.max_position_embeddings),
                format!("{longest}"),
            ));
        }
        if (0..self.len()).any(|i| self.sequence(i).is_empty()) {
            return Err(bad("at least one token a text".into(), "none".into()));
        }
        Ok(())
    }
}

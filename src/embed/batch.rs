//! A batch of token sequences, stored end to end without padding.
//!
//! ```text
//! ids      101 7592 102 | 101 2054 2003 102 | …
//! offsets  0            3                   7 …      (one more than there are sequences)
//! ```

use crate::{Error, Result, model::BertConfig};

/// Token ids of several sequences, with cumulative lengths.
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
    /// Sequences of these lengths that repeat one token.
    #[cfg(test)]
    pub(super) fn with_lengths(lengths: &[usize]) -> Self {
        let mut batch = Self::default();
        lengths.iter().for_each(|&l| batch.push(&vec![7; l]));
        batch
    }

    /// Appends one sequence, which includes its special tokens.
    pub fn push(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        self.offsets.push(self.ids.len() as u32);
    }

    /// The number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether it has no sequences.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of tokens.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// All ids, end to end.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Where each sequence starts, and the end of the last one: `len() + 1` values.
    #[must_use]
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The ids of sequence `i`. Panics if there is none.
    #[must_use]
    pub fn sequence(&self, i: usize) -> &[u32] {
        &self.ids[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    /// Checks ids and lengths against the model's tables: they are wrong if the tokenizer belongs to another model.
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
            return Err(bad("at least one token per text".into(), "none".into()));
        }
        Ok(())
    }
}

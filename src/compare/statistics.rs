//! Statistics of a large corpus, for comparing a few of its stories.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use super::{DocumentFrequencies, row_tokens::RowTokens};

/// What is known of the corpus that a few stories were taken from; see [`super::Comparer::with_statistics`].
pub struct CorpusStatistics<'a> {
    /// For each row of the few stories, whether it is boilerplate in the corpus.
    pub boilerplate: Vec<bool>,
    /// The document frequencies of the corpus.
    pub frequencies: &'a dyn DocumentFrequencies,
    /// The tokens of rows that were compared before.
    pub tokens: &'a TokenCache,
}

/// Tokens by the hash of their row: stories that are similar to many others are compared many times.
#[derive(Debug, Default)]
pub struct TokenCache {
    cached: RefCell<HashMap<[u8; 16], Arc<RowTokens>>>,
}

/// Rows that are cached, at about 5 kB each.
const CAPACITY: usize = 20_000;

impl TokenCache {
    pub(super) fn get(&self, hash: &[u8; 16], read: impl FnOnce() -> RowTokens) -> Arc<RowTokens> {
        let mut cached = self.cached.borrow_mut();
        if let Some(tokens) = cached.get(hash) {
            return tokens.clone();
        }
        if cached.len() >= CAPACITY {
            cached.clear();
        }
        let tokens = Arc::new(read());
        cached.insert(*hash, tokens.clone());
        tokens
    }
}

//! Statistics of a large corpus, for comparing a few of its stories.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::{DocumentFrequencies, tokens::Token};

/// What is known of the corpus that a few stories were taken from; see [`super::Comparer::with_statistics`].
pub struct CorpusStatistics<'a> {
    /// For each row of the few stories, whether it is boilerplate in the corpus.
    pub boilerplate: Vec<bool>,
    /// The document frequencies of the corpus.
    pub frequencies: &'a dyn DocumentFrequencies,
    /// The tokens of rows that were compared before.
    pub tokens: &'a TokenCache,
}

/// Tokens by the hash of their row: stories near many others are compared again and again.
#[derive(Debug, Default)]
pub struct TokenCache {
    known: RefCell<HashMap<[u8; 16], Rc<[Token]>>>,
}

/// Rows that are kept, at about 5 kB each.
const KEPT: usize = 20_000;

impl TokenCache {
    pub(super) fn get(&self, hash: &[u8; 16], read: impl FnOnce() -> Vec<Token>) -> Rc<[Token]> {
        let mut known = self.known.borrow_mut();
        if let Some(tokens) = known.get(hash) {
            return tokens.clone();
        }
        if known.len() >= KEPT {
            known.clear();
        }
        let tokens: Rc<[Token]> = read().into();
        known.insert(*hash, tokens.clone());
        tokens
    }
}

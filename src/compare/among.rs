//! What is known of the many stories that a few were taken from.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::{Frequencies, tokens::Token};

/// See [`super::Comparer::among`].
pub struct Among<'a> {
    /// For each row of the few whether it is boilerplate among the many.
    pub boilerplate: Vec<bool>,
    /// How rare words are among the many.
    pub many: &'a dyn Frequencies,
    /// Tokens of rows that were read before.
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

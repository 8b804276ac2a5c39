//! Moves a store to another model: the new vectors are kept next to the old ones, which serve until all are there.

use super::{Identity, Store};
use crate::{Error, Result, vector::Matrix};

/// Rows of a transaction: a crash loses the embedding of at most so many.
const BATCH: usize = 1024;

/// The setting that holds the fingerprint of the new model.
const KEY: &str = "rebuilding";

impl Store {
    /// Replaces the vector of every row by the one that `embed` computes of its text, and the identity by `to`; returns
    /// how many rows were embedded. An interrupted call continues where it ended, if it is for the same identity. `stop`
    /// is called after each batch. Verdicts stay as they are.
    ///
    /// # Errors
    /// [`Error::Stopped`] if `stop` returns true or `embed` was interrupted; [`Error::Store`] if the store could not be
    /// written; and the errors of `embed`. The store serves the old identity then.
    pub fn rebuild(
        &mut self,
        to: &Identity,
        embed: &dyn Fn(&[&str]) -> Result<Matrix>,
        stop: &dyn Fn() -> bool,
    ) -> Result<u64> {
        if self.reader().meta(KEY)?.as_ref() != Some(&to.fingerprint) {
            let transaction = self.begin_write()?;
            transaction.clear_rebuilt_vectors()?;
            transaction.set_meta(KEY, &to.fingerprint)?;
            transaction.commit()?;
        }
        let stopped = || Error::Stopped {
            done: "the vectors so far are kept; the store serves the old model until all are there".into(),
        };
        let mut embedded = 0;
        loop {
            let rows = self.reader().rows_to_rebuild(BATCH)?;
            if rows.is_empty() {
                break;
            }
            let texts: Vec<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
            let vectors = embed(&texts).map_err(|error| match error {
                Error::Interrupted => stopped(),
                error => error,
            })?;
            let transaction = self.begin_write()?;
            for (i, (row, _)) in rows.iter().enumerate() {
                transaction.insert_rebuilt_vector(*row, vectors.row(i))?;
            }
            transaction.commit()?;
            embedded += rows.len() as u64;
            if stop() {
                return Err(stopped());
            }
        }
        let transaction = self.begin_write()?;
        if transaction.apply_rebuilt_vectors()? {
            for (key, value) in
                [("model", &to.model), ("fingerprint", &to.fingerprint), ("dim", &to.dim.to_string())]
            {
                transaction.set_meta(key, value)?;
            }
            transaction.set_meta(KEY, "")?;
            transaction.reset_generation()?;
            transaction.commit()?;
            self.identity = to.clone();
        }
        Ok(embedded)
    }
}

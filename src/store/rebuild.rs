//! Moving a store to another model: the new vectors grow beside the old ones, which serve until all are there.

use super::{Identity, Store};
use crate::{Error, Result, vector::Matrix};

/// Rows of a transaction: a kill loses the embedding of at most so many.
const BATCH: usize = 1024;

/// The key under which the store keeps whose vectors are growing.
const KEY: &str = "rebuilding";

impl Store {
    /// Gives every row the vector that `embed` makes of its text, and the store the identity `to`. A run that was
    /// stopped goes on where it ended, if it goes to the same model. `stop` is asked after each batch. Judgements stay as they were made. Returns how many rows were embedded now.
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

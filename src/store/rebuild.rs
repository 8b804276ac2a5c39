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
        if self.view().meta(KEY)?.as_ref() != Some(&to.fingerprint) {
            let change = self.change()?;
            change.clear_rebuilt()?;
            change.put_meta(KEY, &to.fingerprint)?;
            change.commit()?;
        }
        let stopped = || Error::Stopped {
            done: "the vectors so far are kept; the store serves the old model until all are there".into(),
            hint: "run the same command again: it goes on there".into(),
        };
        let mut embedded = 0;
        loop {
            let rows = self.view().rows_to_rebuild(BATCH)?;
            if rows.is_empty() {
                break;
            }
            let texts: Vec<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
            let vectors = embed(&texts).map_err(|error| match error {
                Error::Interrupted => stopped(),
                error => error,
            })?;
            let change = self.change()?;
            for (i, (row, _)) in rows.iter().enumerate() {
                change.put_rebuilt(*row, vectors.row(i))?;
            }
            change.commit()?;
            embedded += rows.len() as u64;
            if stop() {
                return Err(stopped());
            }
        }
        let change = self.change()?;
        if change.take_rebuilt()? {
            for (key, value) in
                [("model", &to.model), ("fingerprint", &to.fingerprint), ("dim", &to.dim.to_string())]
            {
                change.put_meta(key, value)?;
            }
            change.put_meta(KEY, "")?;
            change.new_generation()?;
            change.commit()?;
            self.identity = to.clone();
        }
        Ok(embedded)
    }
}

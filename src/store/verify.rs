//! The state of a store: its figures, and whether all of it is as it was written.

use std::fs;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{DATABASE, Store, status::digest};
use crate::{Error, Result, error::StoreFault};

/// The figures of a store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreInfo {
    /// Its folder.
    pub folder: String,
    /// The model of its vectors.
    pub model: String,
    /// That model's fingerprint.
    pub fingerprint: String,
    /// Values of a vector.
    pub dim: usize,
    /// Files whose stories are all in.
    pub sources: u64,
    /// Stories.
    pub stories: u64,
    /// Passages of stories.
    pub passages: u64,
    /// Distinct passage texts, each with a vector.
    pub rows: u64,
    /// Rows that no story has any more: `compact` drops them.
    pub unused_rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// What a look at the whole store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntegrityReport {
    /// Stories that were read and compared with their digests.
    pub stories: u64,
    /// Rows that were.
    pub rows: u64,
    /// What is wrong, in words; empty for a store that is as it was written.
    pub faults: Vec<String>,
}

/// A row as it lies in the table.
struct Written<'a> {
    number: i64,
    hash: &'a [u8],
    text: &'a str,
    vector: &'a [u8],
}

/// Faults named one by one; in a file that is damaged all over, one more says nothing.
const MOST_FAULTS: usize = 100;

impl Store {
    /// The figures of the store.
    pub fn info(&self) -> Result<StoreInfo> {
        let count = |sql: &str| -> Result<u64> {
            self.db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|n| n as u64).map_err(self.failed())
        };
        let size = |name: String| fs::metadata(self.folder.join(name)).map_or(0, |m| m.len());
        Ok(StoreInfo {
            folder: self.folder.display().to_string(),
            model: self.identity.model.clone(),
            fingerprint: self.identity.fingerprint.clone(),
            dim: self.identity.dim,
            sources: count("SELECT count(*) FROM sources")?,
            stories: count("SELECT count(*) FROM stories")?,
            passages: count("SELECT count(*) FROM passages")?,
            rows: count("SELECT count(*) FROM rows")?,
            unused_rows: count(
                "SELECT count(*) FROM rows WHERE number NOT IN (SELECT row FROM passages) AND number NOT IN \
                 (SELECT title_row FROM stories WHERE title_row IS NOT NULL)",
            )?,
            bytes: size(DATABASE.into()) + size(format!("{DATABASE}-wal")),
        })
    }

    /// Reads everything and compares it with its digests.
    pub fn verify(&self) -> Result<IntegrityReport> {
        let mut health = IntegrityReport::default();
        let mut fault = |text: String| {
            if health.faults.len() < MOST_FAULTS {
                health.faults.push(text);
            }
        };
        let structure = self.texts("PRAGMA integrity_check(100)")?;
        structure.into_iter().filter(|s| s != "ok").for_each(|s| fault(format!("the file: {s}")));
        for text in self.texts("SELECT DISTINCT \"table\" FROM pragma_foreign_key_check")? {
            fault(format!("{text} has an entry that belongs to nothing"));
        }
        for id in self.texts(
            "SELECT id FROM stories, passages ON story = stories.number WHERE start > end \
             OR end > octet_length(iif(passages.title, stories.title, text)) GROUP BY id",
        )? {
            fault(format!("story {id:?} has a passage beyond its text"));
        }
        for group in self.texts(
            "SELECT CAST(number AS TEXT) FROM groups LEFT JOIN members ON grp = number GROUP BY number, canonical \
             HAVING iif(canonical IS NULL, count(story) > 0, count(story) < 2 OR max(story = canonical) = 0)",
        )? {
            fault(format!("group {group} and its members do not fit together"));
        }
        let mut stories = 0;
        self.for_each(&mut |_, story, known| {
            stories += 1;
            if digest(&story)[..] != known[..] {
                fault(format!("story {:?} is not as it was written", story.id));
            }
            Ok(())
        })?;
        let mut rows = 0;
        self.for_each_row(&mut |Written { number, hash, text, vector }| {
            rows += 1;
            if Sha256::digest(text)[..16] != *hash {
                fault(format!("the text of row {number} is not as it was written"));
            }
            let values = vector.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
            let square: f32 = values.map(|x| x * x).sum();
            // NaN is no unit vector either.
            let is_unit = (square - 1.0).abs() < 1e-3;
            if vector.len() != self.identity.dim * 4 || !is_unit {
                fault(format!("the vector of row {number} is none of {} values", self.identity.dim));
            }
        })?;
        (health.stories, health.rows) = (stories, rows);
        Ok(health)
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>> {
        let read = || {
            let mut all = self.db.prepare(sql)?;
            let texts = all.query_map([], |row| row.get(0))?;
            texts.collect::<rusqlite::Result<Vec<String>>>()
        };
        read().map_err(self.failed())
    }

    fn for_each_row(&self, each: &mut dyn FnMut(Written<'_>)) -> Result<()> {
        let mut read = || -> rusqlite::Result<()> {
            let mut all = self.db.prepare("SELECT number, hash, text, vector FROM rows ORDER BY number")?;
            let mut found = all.query([])?;
            while let Some(row) = found.next()? {
                let blob = |i| row.get_ref(i).and_then(|v| Ok(v.as_blob()?));
                // A text that is no UTF-8 has another digest.
                let text = row.get_ref(2)?.as_str().unwrap_or_default();
                each(Written { number: row.get(0)?, hash: blob(1)?, text, vector: blob(3)? });
            }
            Ok(())
        };
        read().map_err(self.failed())
    }
}

impl IntegrityReport {
    /// An error that names the faults, if there are any.
    pub fn into_result(self, store: &Store) -> Result<Self> {
        if self.faults.is_empty() {
            return Ok(self);
        }
        Err(Error::Store {
            path: store.folder.clone(),
            message: format!("it is damaged:\n  {}", self.faults.join("\n  ")),
            fault: StoreFault::Records,
        })
    }
}

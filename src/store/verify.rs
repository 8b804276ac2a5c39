//! The figures of a store, and the check that its contents are what was written.

use std::fs;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{DATABASE, RowNumber, Store, digests, status::digest};
use crate::{Error, Result, error::StoreFault};

/// The figures of a store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreInfo {
    /// Its folder.
    pub folder: String,
    /// The model of its vectors.
    pub model: String,
    /// The fingerprint of that model.
    pub fingerprint: String,
    /// The number of values of a vector.
    pub dim: usize,
    /// Files whose stories have all been added.
    pub sources: u64,
    /// Stories.
    pub stories: u64,
    /// Passages of stories.
    pub passages: u64,
    /// Distinct passage texts, each with a vector.
    pub rows: u64,
    /// Rows that no story contains any more: [`Store::compact`] removes them.
    pub unused_rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// The result of a check of the whole store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct IntegrityReport {
    /// Stories that were compared with their digests.
    pub stories: u64,
    /// Rows that were compared with theirs.
    pub rows: u64,
    /// Digests of tables that were compared with what the tables hold; 0 for a store of an earlier version, which has
    /// none.
    pub tables: u64,
    /// What is wrong, in words; empty for an intact store.
    pub faults: Vec<String>,
}

/// A row as it lies in the table.
struct RawRow<'a> {
    number: RowNumber,
    hash: &'a [u8],
    text: &'a str,
    vector: &'a [u8],
}

/// Faults that are listed. In a file that is damaged all over, more of them say nothing new.
const MAX_FAULTS: usize = 100;

/// How far the square of a vector's length may be from 1.
const UNIT_TOLERANCE: f32 = 1e-3;

impl Store {
    /// The figures of the store.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
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

    /// Reads the whole store, and compares it with its digests.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn verify(&self) -> Result<IntegrityReport> {
        // One moment of the store, whoever writes meanwhile.
        let snapshot = self.db.unchecked_transaction().map_err(self.failed())?;
        let mut report = IntegrityReport::default();
        self.verify_structure(&mut report)?;
        if self.version >= digests::SINCE {
            let (differing, tables) = digests::differing(&snapshot).map_err(self.failed())?;
            report.tables = tables;
            for name in differing {
                report.add(format!("the table of {} is not as it was written", name.replace('_', " ")));
            }
        }
        let mut stories = 0;
        self.for_each_with_digest(&mut |_, story, stored| {
            stories += 1;
            if digest(&story)[..] != stored[..] {
                report.add(format!("story {:?} is not as it was written", story.id));
            }
            Ok(())
        })?;
        let mut rows = 0;
        self.for_each_raw_row(&mut |RawRow { number, hash, text, vector }| {
            rows += 1;
            if Sha256::digest(text)[..16] != *hash {
                report.add(format!("the text of row {number} is not as it was written"));
            }
            let values = vector.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
            let square: f32 = values.map(|x| x * x).sum();
            // Written so that NaN is a fault.
            let is_unit = (square - 1.0).abs() < UNIT_TOLERANCE;
            if vector.len() != self.identity.dim * 4 || !is_unit {
                let dim = self.identity.dim;
                report.add(format!("the vector of row {number} is not a unit vector of {dim} values"));
            }
        })?;
        (report.stories, report.rows) = (stories, rows);
        Ok(report)
    }

    /// Checks the file, the references between tables, and the groups.
    fn verify_structure(&self, report: &mut IntegrityReport) -> Result<()> {
        for fault in self.texts("PRAGMA integrity_check(100)")?.iter().filter(|s| *s != "ok") {
            report.add(format!("the file: {fault}"));
        }
        for table in self.texts("SELECT DISTINCT \"table\" FROM pragma_foreign_key_check")? {
            report.add(format!("{table} has an entry that refers to nothing"));
        }
        for id in self.texts(
            "SELECT id FROM stories, passages ON story = stories.number WHERE start > end \
             OR end > octet_length(iif(passages.title, stories.title, text)) GROUP BY id",
        )? {
            report.add(format!("story {id:?} has a passage beyond its text"));
        }
        for group in self.texts(
            "SELECT CAST(number AS TEXT) FROM groups LEFT JOIN members ON grp = number GROUP BY number, canonical \
             HAVING iif(canonical IS NULL, count(story) > 0, count(story) < 2 OR max(story = canonical) = 0)",
        )? {
            report.add(format!("group {group} and its members do not fit together"));
        }
        Ok(())
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>> {
        self.reader().all(sql, [], |row| row.get(0))
    }

    fn for_each_raw_row(&self, each: &mut dyn FnMut(RawRow<'_>)) -> Result<()> {
        let mut read = || -> rusqlite::Result<()> {
            let mut all = self.db.prepare("SELECT number, hash, text, vector FROM rows ORDER BY number")?;
            let mut found = all.query([])?;
            while let Some(row) = found.next()? {
                let blob = |i| row.get_ref(i).and_then(|v| Ok(v.as_blob()?));
                // A text that is not UTF-8 has another digest.
                let text = row.get_ref(2)?.as_str().unwrap_or_default();
                each(RawRow { number: row.get(0)?, hash: blob(1)?, text, vector: blob(3)? });
            }
            Ok(())
        };
        read().map_err(self.failed())
    }
}

impl IntegrityReport {
    fn add(&mut self, fault: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    /// The report, if the store is intact.
    ///
    /// # Errors
    /// [`Error::Store`] that lists the faults.
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

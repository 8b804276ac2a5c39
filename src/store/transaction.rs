//! A change of a store: all of it is committed, or none.

use std::ops::Deref;

use rusqlite::{Transaction, params};

use super::{Reader, StoredMember, StoredPair, StoredPassage, status::digest};
use crate::{
    Result,
    story::{Row, Story},
};

/// Statements in one transaction. What is not committed when it is dropped has not happened.
pub struct WriteTransaction<'s> {
    transaction: Transaction<'s>,
    folder: &'s std::path::Path,
}

impl<'s> WriteTransaction<'s> {
    pub(super) fn new(transaction: Transaction<'s>, folder: &'s std::path::Path) -> Self {
        WriteTransaction { transaction, folder }
    }

    /// The store with the changes so far.
    pub fn reader(&self) -> Reader<'_> {
        Reader { db: &self.transaction, folder: self.folder }
    }

    pub(super) fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        let run = || self.transaction.prepare_cached(sql)?.execute(params);
        run().map_err(self.reader().failed())
    }

    /// Makes it last.
    pub fn commit(self) -> Result<()> {
        let failed = self.reader().failed();
        self.transaction.commit().map_err(failed)
    }

    /// Puts a value under `key`.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.run("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value]).map(drop)
    }

    /// Puts a row that is not there, with its vector; its number.
    pub fn insert_row(&self, row: &Row, vector: &[f32]) -> Result<i64> {
        let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
        let sql = "INSERT INTO rows (hash, text, vector) VALUES (?1, ?2, ?3)";
        self.run(sql, params![&row.hash[..], row.text, bytes])?;
        Ok(self.transaction.last_insert_rowid())
    }

    /// Puts a story with its passages; its number.
    pub fn insert_story(
        &self,
        story: &Story,
        passages: &[StoredPassage],
        title_row: Option<i64>,
    ) -> Result<i64> {
        let origin = &story.origin;
        self.run(
            "INSERT INTO stories (id, title, text, published, source, url, dateline, credit, path, line, record, \
             part, digest, title_row) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                story.id,
                story.title,
                story.text,
                story.published,
                story.source,
                story.url,
                story.dateline,
                story.credit,
                origin.path.to_string_lossy(),
                origin.line as i64,
                origin.record as i64,
                origin.part,
                &digest(story)[..],
                title_row,
            ],
        )?;
        let number = self.transaction.last_insert_rowid();
        self.run("DELETE FROM meta WHERE key = ?1", [tombstone(&story.id)])?;
        for (place, passage) in passages.iter().enumerate() {
            let (start, end) = (passage.span.start as i64, passage.span.end as i64);
            let put = "INSERT INTO passages VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            self.run(put, params![number, place as i64, passage.row, start, end, passage.title])?;
        }
        self.count_last(number)?;
        Ok(number)
    }

    /// Notes that people took the story with this id, of the file `path`, out: it comes back only when they add it
    /// themselves.
    pub fn insert_tombstone(&self, id: &str, path: &str) -> Result<()> {
        self.set_meta(&tombstone(id), path)
    }

    /// Removes a story with all that hangs on it but its rows.
    pub fn remove_story(&self, number: i64) -> Result<()> {
        self.count_without(number)?;
        self.run("DELETE FROM stories WHERE number = ?1", [number]).map(drop)
    }

    /// Adds to what is known of a word.
    pub fn add_word(&self, field: u8, word: &str, stories: i64, name: i64) -> Result<()> {
        let sql = "INSERT INTO words VALUES (?1, ?2, max(0, ?3), ?4) ON CONFLICT DO UPDATE \
                   SET stories = max(0, stories + ?3), name = name + ?4";
        self.run(sql, params![field, word, stories, name]).map(drop)
    }

    /// Puts a judgement.
    pub fn insert_pair(&self, pair: &StoredPair) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO pairs VALUES (?1, ?2, ?3, ?4, ?5)";
        self.run(sql, params![pair.a, pair.b, pair.relation, pair.rule, pair.figures]).map(drop)
    }

    /// Keeps what people said of two stories, in place of what they said before.
    pub fn set_decision(&self, a: &str, b: &str, same: bool) -> Result<()> {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        self.run("INSERT OR REPLACE INTO decisions VALUES (?1, ?2, ?3)", params![a, b, same]).map(drop)
    }

    /// Forgets what people said of the story with this id.
    pub fn remove_decisions_of(&self, id: &str) -> Result<()> {
        self.run("DELETE FROM decisions WHERE a = ?1 OR b = ?1", [id])?;
        self.run("DELETE FROM chosen WHERE id = ?1", [id]).map(drop)
    }

    /// Keeps that a story is to be kept of its group: the last one chosen is.
    pub fn set_canonical_override(&self, id: &str) -> Result<()> {
        self.run("DELETE FROM chosen WHERE id = ?1", [id])?;
        self.run("INSERT INTO chosen (id) VALUES (?1)", [id]).map(drop)
    }

    /// Makes a group; its number, which no group had before.
    pub fn insert_group(&self, canonical: i64) -> Result<i64> {
        self.run("INSERT INTO groups (canonical) VALUES (?1)", [canonical])?;
        Ok(self.transaction.last_insert_rowid())
    }

    /// Sets a group's canonical story; none if the group is no more.
    pub fn set_canonical(&self, group: i64, canonical: Option<i64>) -> Result<()> {
        self.run("UPDATE groups SET canonical = ?2 WHERE number = ?1", params![group, canonical]).map(drop)
    }

    /// Puts a story into a group, out of the one that it was in.
    pub fn set_member(&self, m: &StoredMember) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO members VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                m.story,
                m.group,
                m.relation,
                m.coverage,
                m.coverage_of_canonical,
                m.cosine,
                m.removed,
                m.reason
            ],
        )
        .map(drop)
    }

    /// Takes a story out of its group.
    pub fn remove_member(&self, story: i64) -> Result<()> {
        self.run("DELETE FROM members WHERE story = ?1", [story]).map(drop)
    }

    /// Notes what happened to a group.
    pub fn insert_event(
        &self,
        run: i64,
        kind: &str,
        group: i64,
        story: &str,
        other: Option<i64>,
    ) -> Result<()> {
        let sql = "INSERT INTO events (run, kind, grp, story, other) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.run(sql, params![run, kind, group, story, other]).map(drop)
    }

    /// Notes that a run began; its number.
    pub fn insert_run(&self, at: i64, command: &str) -> Result<i64> {
        self.run("INSERT INTO runs (at, command) VALUES (?1, ?2)", params![at, command])?;
        Ok(self.transaction.last_insert_rowid())
    }

    /// Keeps the figures of a run.
    pub fn set_manifest(&self, run: i64, manifest: &str) -> Result<()> {
        self.run("UPDATE runs SET manifest = ?2 WHERE number = ?1", params![run, manifest]).map(drop)
    }

    /// Notes that all stories of the file `path` are in.
    pub fn set_source(&self, path: &str, digest: &[u8], stories: u64) -> Result<()> {
        let set = "INSERT OR REPLACE INTO sources VALUES (?1, ?2, ?3)";
        self.run(set, params![path, digest, stories as i64]).map(drop)
    }

    /// Keeps what people said of a passage.
    pub fn set_boilerplate(&self, text: &str, exclude: bool) -> Result<()> {
        self.run("INSERT OR REPLACE INTO boilerplate VALUES (?1, ?2)", params![text, exclude]).map(drop)
    }

    /// Keeps a row's vector of the model that the store is being moved to.
    pub fn insert_rebuilt_vector(&self, row: i64, vector: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.run("INSERT OR REPLACE INTO rebuilt VALUES (?1, ?2)", params![row, bytes]).map(drop)
    }

    /// Forgets such vectors.
    pub fn clear_rebuilt_vectors(&self) -> Result<()> {
        self.run("DELETE FROM rebuilt", []).map(drop)
    }

    /// Makes the files that are searched belong to an earlier store.
    pub fn reset_generation(&self) -> Result<()> {
        self.run("UPDATE meta SET value = abs(random()) WHERE key = 'generation'", []).map(drop)
    }

    /// Puts those vectors in place of the others. False, and nothing done, while a row has none.
    pub fn apply_rebuilt_vectors(&self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM rows WHERE number NOT IN (SELECT row FROM rebuilt))";
        let lacks = || self.transaction.query_row(sql, [], |found| found.get::<_, bool>(0));
        if lacks().map_err(self.reader().failed())? {
            return Ok(false);
        }
        self.run("UPDATE rows SET vector = (SELECT vector FROM rebuilt WHERE row = number)", [])?;
        self.clear_rebuilt_vectors()?;
        Ok(true)
    }
}

/// The key of `meta` that says so of a story.
pub(super) fn tombstone(id: &str) -> String {
    format!("removed {id}")
}

impl<'s> Deref for WriteTransaction<'s> {
    type Target = Transaction<'s>;

    fn deref(&self) -> &Transaction<'s> {
        &self.transaction
    }
}

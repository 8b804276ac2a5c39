//! A write transaction: all of its changes are committed, or none.

use std::path::Path;

use rusqlite::{Transaction, params};

use super::{
    EventKind, GroupNumber, Reader, RowNumber, RunNumber, StoredMember, StoredPair, StoredPassage,
    StoryNumber, status::digest,
};
use crate::{
    Result,
    story::{Row, Story},
};

/// Changes of a store. Dropped without [`WriteTransaction::commit`], none of them happened.
///
/// The errors of every method are [`Error::Store`](crate::Error::Store): the file could not be written.
pub(crate) struct WriteTransaction<'s> {
    inner: Transaction<'s>,
    folder: &'s Path,
}

impl<'s> WriteTransaction<'s> {
    pub(super) fn new(inner: Transaction<'s>, folder: &'s Path) -> Self {
        WriteTransaction { inner, folder }
    }

    /// Reads the store with the changes so far.
    pub fn reader(&self) -> Reader<'_> {
        Reader { db: &self.inner, folder: self.folder }
    }

    /// Executes a statement; the number of rows that it changed.
    pub(super) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        let run = || self.inner.prepare_cached(sql)?.execute(params);
        run().map_err(self.reader().failed())
    }

    /// Commits the changes: from now on they survive a crash.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if they could not be written; then none of them happened.
    pub fn commit(self) -> Result<()> {
        let failed = self.reader().failed();
        self.inner.commit().map_err(failed)
    }

    pub(crate) fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value]).map(drop)
    }

    /// Inserts a new row with its vector.
    pub(crate) fn insert_row(&self, row: &Row, vector: &[f32]) -> Result<RowNumber> {
        let sql = "INSERT INTO rows (hash, text, vector) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![&row.hash[..], row.text, bytes(vector)])?;
        Ok(RowNumber(self.inner.last_insert_rowid()))
    }

    /// Inserts a story with its passages, and removes its tombstone.
    pub(crate) fn insert_story(
        &self,
        story: &Story,
        passages: &[StoredPassage],
        title_row: Option<RowNumber>,
    ) -> Result<StoryNumber> {
        let origin = &story.origin;
        self.execute(
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
        let number = StoryNumber(self.inner.last_insert_rowid());
        self.execute("DELETE FROM tombstones WHERE id = ?1", [&story.id])?;
        for (place, passage) in passages.iter().enumerate() {
            let (start, end) = (passage.span.start as i64, passage.span.end as i64);
            let insert = "INSERT INTO passages VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            self.execute(insert, params![number, place as i64, passage.row, start, end, passage.title])?;
        }
        self.count_inserted(number)?;
        Ok(number)
    }

    /// Removes a story with its passages, verdicts and membership. Its rows stay.
    pub(crate) fn remove_story(&self, number: StoryNumber) -> Result<()> {
        self.count_removed(number)?;
        self.execute("DELETE FROM stories WHERE number = ?1", [number]).map(drop)
    }

    /// Marks the story with this id, of the file `path`, as removed by people: see [`super::Store::tombstone`].
    pub(crate) fn insert_tombstone(&self, id: &str, path: &str) -> Result<()> {
        self.execute("INSERT OR REPLACE INTO tombstones VALUES (?1, ?2)", [id, path]).map(drop)
    }

    /// Adds to the counts of a word.
    pub(crate) fn add_word(&self, field: u8, word: &str, stories: i64, name: i64) -> Result<()> {
        let sql = "INSERT INTO words VALUES (?1, ?2, max(0, ?3), ?4) ON CONFLICT DO UPDATE \
                   SET stories = max(0, stories + ?3), name = name + ?4";
        self.execute(sql, params![field, word, stories, name]).map(drop)
    }

    /// Inserts the verdict on two stories.
    pub(crate) fn insert_pair(&self, pair: &StoredPair) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO pairs VALUES (?1, ?2, ?3, ?4, ?5)";
        self.execute(sql, params![pair.a, pair.b, pair.relation, pair.rule, pair.features]).map(drop)
    }

    /// Sets the decision on two stories: whether they must be in one group, or must not.
    pub(crate) fn set_decision(&self, a: &str, b: &str, same: bool) -> Result<()> {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        self.execute("INSERT OR REPLACE INTO decisions VALUES (?1, ?2, ?3)", params![a, b, same]).map(drop)
    }

    /// Removes the decisions on a story.
    pub(crate) fn remove_decisions_on(&self, id: &str) -> Result<()> {
        self.execute("DELETE FROM decisions WHERE a = ?1 OR b = ?1", [id])?;
        self.execute("DELETE FROM canonical_overrides WHERE id = ?1", [id]).map(drop)
    }

    /// Makes a story the canonical one of its group. The last such decision on a group holds.
    pub(crate) fn insert_canonical_override(&self, id: &str) -> Result<()> {
        self.execute("DELETE FROM canonical_overrides WHERE id = ?1", [id])?;
        self.execute("INSERT INTO canonical_overrides (id) VALUES (?1)", [id]).map(drop)
    }

    /// Inserts a group, whose number was never used before.
    pub(crate) fn insert_group(&self, canonical: StoryNumber) -> Result<GroupNumber> {
        self.execute("INSERT INTO groups (canonical) VALUES (?1)", [canonical])?;
        Ok(GroupNumber(self.inner.last_insert_rowid()))
    }

    /// Sets the canonical story of a group; none for a group that is dissolved.
    pub(crate) fn set_canonical(&self, group: GroupNumber, canonical: Option<StoryNumber>) -> Result<()> {
        self.execute("UPDATE groups SET canonical = ?2 WHERE number = ?1", params![group, canonical])
            .map(drop)
    }

    /// Inserts a member of a group; a story that was in another group leaves that.
    pub(crate) fn insert_member(&self, member: &StoredMember) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO members VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                member.story,
                member.group,
                member.relation,
                member.coverage,
                member.coverage_of_canonical,
                member.cosine,
                member.removed,
                member.reason
            ],
        )
        .map(drop)
    }

    /// Removes a story from its group.
    pub(crate) fn remove_member(&self, story: StoryNumber) -> Result<()> {
        self.execute("DELETE FROM members WHERE story = ?1", [story]).map(drop)
    }

    /// Appends an event to the log: `story` is the id of the story that caused it, `other` another group that has part
    /// in it.
    pub(crate) fn insert_event(
        &self,
        run: RunNumber,
        kind: EventKind,
        group: GroupNumber,
        story: &str,
        other: Option<GroupNumber>,
    ) -> Result<()> {
        let sql = "INSERT INTO events (run, kind, grp, story, other) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.execute(sql, params![run, kind.name(), group, story, other]).map(drop)
    }

    /// Inserts a run that began at `at`, in milliseconds since 1970 UTC.
    pub(crate) fn insert_run(&self, at: i64, command: &str) -> Result<RunNumber> {
        self.execute("INSERT INTO runs (at, command) VALUES (?1, ?2)", params![at, command])?;
        Ok(RunNumber(self.inner.last_insert_rowid()))
    }

    /// Sets the manifest of a run, as JSON.
    pub(crate) fn set_manifest(&self, run: RunNumber, manifest: &str) -> Result<()> {
        self.execute("UPDATE runs SET manifest = ?2 WHERE number = ?1", params![run, manifest]).map(drop)
    }

    /// Records that all stories of the file `path` are in the store.
    pub(crate) fn set_source(&self, path: &str, digest: &[u8], stories: u64) -> Result<()> {
        let set = "INSERT OR REPLACE INTO sources VALUES (?1, ?2, ?3)";
        self.execute(set, params![path, digest, stories as i64]).map(drop)
    }

    /// Makes the present index files those of an earlier state of the store.
    pub(crate) fn reset_generation(&self) -> Result<()> {
        self.execute("UPDATE meta SET value = abs(random()) WHERE key = 'generation'", []).map(drop)
    }

    /// Inserts a row's vector of the model that the store moves to.
    pub(super) fn insert_rebuilt_vector(&self, row: RowNumber, vector: &[f32]) -> Result<()> {
        self.execute("INSERT OR REPLACE INTO rebuilt_vectors VALUES (?1, ?2)", params![row, bytes(vector)])
            .map(drop)
    }

    /// Removes these vectors.
    pub(super) fn clear_rebuilt_vectors(&self) -> Result<()> {
        self.execute("DELETE FROM rebuilt_vectors", []).map(drop)
    }

    /// Replaces the vectors of all rows by these. False, and nothing is done, while a row has none.
    pub(super) fn apply_rebuilt_vectors(&self) -> Result<bool> {
        let sql = "SELECT 1 FROM rows WHERE number NOT IN (SELECT row FROM rebuilt_vectors) LIMIT 1";
        if self.reader().one(sql, [], |_| Ok(()))?.is_some() {
            return Ok(false);
        }
        self.execute("UPDATE rows SET vector = (SELECT vector FROM rebuilt_vectors WHERE row = number)", [])?;
        self.clear_rebuilt_vectors()?;
        Ok(true)
    }
}

/// A vector as little-endian f32.
fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

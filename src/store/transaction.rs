//! A write transaction: all of its changes are committed, or none.

use std::path::Path;

use rusqlite::{Params, Transaction, params, types::ValueRef};

use super::{
    EventKind, GroupNumber, Reader, RowNumber, RunNumber, StoredMember, StoredPair, StoredPassage,
    StoryNumber,
    digests::{Change, DigestChanges, SEQUENCES},
    status::digest,
};
use crate::{
    Result,
    story::{Row, Story},
};

/// Changes of a store. Dropped without [`WriteTransaction::commit`], none of them happened.
///
/// The errors of every method are [`Error::Store`](crate::Error::Store): the file could not be written.
///
/// Every method keeps the digests of the tables that it changes: see [`super::digests`].
pub(crate) struct WriteTransaction<'s> {
    inner: Transaction<'s>,
    folder: &'s Path,
    digests: DigestChanges,
}

impl<'s> WriteTransaction<'s> {
    pub(super) fn new(inner: Transaction<'s>, folder: &'s Path) -> Result<Self> {
        let transaction = WriteTransaction { inner, folder, digests: DigestChanges::default() };
        transaction.count(SEQUENCES, ("TRUE", []), Change::Removed)?;
        Ok(transaction)
    }

    /// Reads the store with the changes so far.
    pub fn reader(&self) -> Reader<'_> {
        Reader { db: &self.inner, folder: self.folder }
    }

    /// Executes a statement, whose change of the digests the caller counts; the number of rows that it changed.
    fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        let run = || self.inner.prepare_cached(sql)?.execute(params);
        run().map_err(self.reader().failed())
    }

    /// Counts rows of `table` in its digests, or takes them out.
    fn count(&self, table: &str, rows: (&str, impl Params + Clone), change: Change) -> Result<()> {
        self.digests.count(&self.inner, table, rows, change).map_err(self.reader().failed())
    }

    /// Executes a statement that changes no rows of `table` but those that satisfy a condition before or after it.
    pub(super) fn change(
        &self,
        table: &str,
        (condition, key): (&str, impl Params + Clone),
        sql: &str,
        params: impl Params,
    ) -> Result<usize> {
        self.count(table, (condition, key.clone()), Change::Removed)?;
        let changed = self.execute(sql, params)?;
        self.count(table, (condition, key), Change::Inserted)?;
        Ok(changed)
    }

    /// Deletes the rows of `table` that satisfy a condition; how many there were.
    pub(super) fn delete(&self, table: &str, condition: &str, key: impl Params + Clone) -> Result<usize> {
        self.count(table, (condition, key.clone()), Change::Removed)?;
        self.execute(&format!("DELETE FROM {table} WHERE {condition}"), key)
    }

    /// Inserts into a table whose rows have numbers; the number.
    fn insert_numbered(&self, table: &str, sql: &str, params: impl Params) -> Result<i64> {
        self.execute(sql, params)?;
        let number = self.inner.last_insert_rowid();
        self.count(table, ("number = ?1", [number]), Change::Inserted)?;
        Ok(number)
    }

    /// Commits the changes: from now on they survive a crash.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if they could not be written; then none of them happened.
    pub fn commit(self) -> Result<()> {
        self.count(SEQUENCES, ("TRUE", []), Change::Inserted)?;
        let failed = self.reader().failed();
        let WriteTransaction { inner, digests, .. } = self;
        digests.write(&inner).and_then(|()| inner.commit()).map_err(failed)
    }

    pub(crate) fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)";
        self.change("meta", ("key = ?1", [key]), sql, [key, value]).map(drop)
    }

    /// Inserts a new row with its vector.
    pub(crate) fn insert_row(&self, row: &Row, vector: &[f32]) -> Result<RowNumber> {
        let sql = "INSERT INTO rows (hash, text, vector) VALUES (?1, ?2, ?3)";
        let row = params![&row.hash[..], row.text, bytes(vector)];
        self.insert_numbered("rows", sql, row).map(RowNumber)
    }

    /// Inserts a story with its passages, and removes its tombstone.
    pub(crate) fn insert_story(
        &self,
        story: &Story,
        passages: &[StoredPassage],
        title_row: Option<RowNumber>,
    ) -> Result<StoryNumber> {
        let origin = &story.origin;
        let number = self.insert_numbered(
            "stories",
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
        let number = StoryNumber(number);
        self.delete("tombstones", "id = ?1", [&story.id])?;
        for (place, passage) in passages.iter().enumerate() {
            let (start, end) = (passage.span.start as i64, passage.span.end as i64);
            let insert = "INSERT INTO passages VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            self.execute(insert, params![number, place as i64, passage.row, start, end, passage.title])?;
        }
        self.count("passages", ("story = ?1", [number]), Change::Inserted)?;
        self.count_inserted(number)?;
        Ok(number)
    }

    /// Removes a story with its passages, verdicts and membership. Its rows stay.
    pub(crate) fn remove_story(&self, number: StoryNumber) -> Result<()> {
        self.count_removed(number)?;
        // The references between the tables would remove these rows by themselves, past the digests.
        self.delete("passages", "story = ?1", [number])?;
        self.delete("pairs", "a = ?1 OR b = ?1", [number])?;
        self.delete("members", "story = ?1", [number])?;
        let of_groups = "SELECT number FROM groups WHERE canonical = ?1";
        for group in self.reader().all(of_groups, [number], |row| row.get(0))? {
            self.set_canonical(group, None)?;
        }
        self.delete("stories", "number = ?1", [number]).map(drop)
    }

    /// Marks the story with this id, of the file `path`, as removed by people: see [`super::Store::tombstone`].
    pub(crate) fn insert_tombstone(&self, id: &str, path: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO tombstones VALUES (?1, ?2)";
        self.change("tombstones", ("id = ?1", [id]), sql, [id, path]).map(drop)
    }

    /// Adds to the counts of a word.
    pub(crate) fn add_word(&self, field: u8, word: &str, stories: i64, name: i64) -> Result<()> {
        let sql = "INSERT INTO words VALUES (?1, ?2, max(0, ?3), ?4) ON CONFLICT DO UPDATE \
                   SET stories = max(0, stories + ?3), name = name + ?4";
        if stories < 0 {
            // The count may end at zero, and so change by less.
            let key = ("field = ?1 AND word = ?2", params![field, word]);
            return self.change("words", key, sql, params![field, word, stories, name]).map(drop);
        }
        self.execute(sql, params![field, word, stories, name])?;
        let key = [ValueRef::Integer(field.into()), ValueRef::Text(word.as_bytes())];
        self.digests.add_counts("words", &key, &[stories, name]);
        Ok(())
    }

    /// Inserts the verdict on two stories.
    pub(crate) fn insert_pair(&self, pair: &StoredPair) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO pairs VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![pair.a, pair.b, pair.relation, pair.rule, pair.features];
        self.change("pairs", ("a = ?1 AND b = ?2", [pair.a, pair.b]), sql, row).map(drop)
    }

    /// Sets the decision on two stories: whether they must be in one group, or must not.
    pub(crate) fn set_decision(&self, a: &str, b: &str, same: bool) -> Result<()> {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        let sql = "INSERT OR REPLACE INTO decisions VALUES (?1, ?2, ?3)";
        self.change("decisions", ("a = ?1 AND b = ?2", [a, b]), sql, params![a, b, same]).map(drop)
    }

    /// Removes the decisions on a story.
    pub(crate) fn remove_decisions_on(&self, id: &str) -> Result<()> {
        self.delete("decisions", "a = ?1 OR b = ?1", [id])?;
        self.delete("canonical_overrides", "id = ?1", [id]).map(drop)
    }

    /// Makes a story the canonical one of its group. The last such decision on a group holds.
    pub(crate) fn insert_canonical_override(&self, id: &str) -> Result<()> {
        self.delete("canonical_overrides", "id = ?1", [id])?;
        let sql = "INSERT INTO canonical_overrides (id) VALUES (?1)";
        self.insert_numbered("canonical_overrides", sql, [id]).map(drop)
    }

    /// Inserts a group, whose number was never used before.
    pub(crate) fn insert_group(&self, canonical: StoryNumber) -> Result<GroupNumber> {
        let sql = "INSERT INTO groups (canonical) VALUES (?1)";
        self.insert_numbered("groups", sql, [canonical]).map(GroupNumber)
    }

    /// Sets the canonical story of a group; none for a group that is dissolved.
    pub(crate) fn set_canonical(&self, group: GroupNumber, canonical: Option<StoryNumber>) -> Result<()> {
        let sql = "UPDATE groups SET canonical = ?2 WHERE number = ?1";
        self.change("groups", ("number = ?1", [group]), sql, params![group, canonical]).map(drop)
    }

    /// Inserts a member of a group; a story that was in another group leaves that.
    pub(crate) fn insert_member(&self, member: &StoredMember) -> Result<()> {
        self.change(
            "members",
            ("story = ?1", [member.story]),
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
        self.delete("members", "story = ?1", [story]).map(drop)
    }

    /// Adds to the counts of a row.
    pub(super) fn add_counts(&self, row: RowNumber, occurrences: i64, unrelated: i64) -> Result<()> {
        let sql = "UPDATE rows SET occurrences = occurrences + ?2, unrelated_neighbours = unrelated_neighbours + ?3 \
                   WHERE number = ?1";
        if self.execute(sql, params![row, occurrences, unrelated])? > 0 {
            self.digests.add_counts("rows", &[ValueRef::Integer(row.0)], &[occurrences, unrelated]);
        }
        Ok(())
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
        self.insert_numbered("events", sql, params![run, kind.name(), group, story, other]).map(drop)
    }

    /// Inserts a run that began at `at`, in milliseconds since 1970 UTC.
    pub(crate) fn insert_run(&self, at: i64, command: &str) -> Result<RunNumber> {
        let sql = "INSERT INTO runs (at, command) VALUES (?1, ?2)";
        self.insert_numbered("runs", sql, params![at, command]).map(RunNumber)
    }

    /// Sets the manifest of a run, as JSON.
    pub(crate) fn set_manifest(&self, run: RunNumber, manifest: &str) -> Result<()> {
        let sql = "UPDATE runs SET manifest = ?2 WHERE number = ?1";
        self.change("runs", ("number = ?1", [run]), sql, params![run, manifest]).map(drop)
    }

    /// Records that all stories of the file `path` are in the store.
    pub(crate) fn set_source(&self, path: &str, digest: &[u8], stories: u64) -> Result<()> {
        let set = "INSERT OR REPLACE INTO sources VALUES (?1, ?2, ?3)";
        self.change("sources", ("path = ?1", [path]), set, params![path, digest, stories as i64]).map(drop)
    }

    /// Makes the present index files those of an earlier state of the store.
    pub(crate) fn reset_generation(&self) -> Result<()> {
        let sql = "UPDATE meta SET value = abs(random()) WHERE key = 'generation'";
        self.change("meta", ("key = 'generation'", []), sql, []).map(drop)
    }

    /// Inserts a row's vector of the model that the store moves to.
    pub(super) fn insert_rebuilt_vector(&self, row: RowNumber, vector: &[f32]) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO rebuilt_vectors VALUES (?1, ?2)";
        self.change("rebuilt_vectors", ("row = ?1", [row]), sql, params![row, bytes(vector)]).map(drop)
    }

    /// Removes these vectors.
    pub(super) fn clear_rebuilt_vectors(&self) -> Result<()> {
        self.delete("rebuilt_vectors", "TRUE", []).map(drop)
    }

    /// Replaces the vectors of all rows by these. False, and nothing is done, while a row has none.
    pub(super) fn apply_rebuilt_vectors(&self) -> Result<bool> {
        let sql = "SELECT 1 FROM rows WHERE number NOT IN (SELECT row FROM rebuilt_vectors) LIMIT 1";
        if self.reader().one(sql, [], |_| Ok(()))?.is_some() {
            return Ok(false);
        }
        let sql = "UPDATE rows SET vector = (SELECT vector FROM rebuilt_vectors WHERE row = number)";
        self.change("rows", ("TRUE", []), sql, [])?;
        self.clear_rebuilt_vectors()?;
        Ok(true)
    }
}

/// A vector as little-endian f32.
fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

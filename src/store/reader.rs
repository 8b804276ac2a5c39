//! Reads the stories, rows and words of a store.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::{
    DATABASE, Number, RowNumber, StoredPassage, StoredRow, StoryNumber,
    stories::{COLUMNS, story},
};
use crate::{Error, Result, story::Story};

/// Reads a store over one connection. Each call sees what was committed before it, and what this connection has changed
/// since.
#[derive(Clone, Copy)]
pub struct Reader<'c> {
    pub(super) db: &'c Connection,
    pub(super) folder: &'c Path,
}

/// The values of a stored vector: little-endian f32.
fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// The errors of every method are [`Error::Store`]: the file could not be read.
impl Reader<'_> {
    pub(super) fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        super::failed(&self.folder.join(DATABASE))
    }

    /// The first row of a result.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let find = || self.db.prepare_cached(sql)?.query_row(params, read).optional();
        find().map_err(self.failed())
    }

    /// All rows of a result.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let find = || -> rusqlite::Result<Vec<T>> {
            self.db.prepare_cached(sql)?.query_map(params, read)?.collect()
        };
        find().map_err(self.failed())
    }

    /// The value of the setting `key`.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        self.one("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
    }

    /// How many stories there are.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn story_count(&self) -> Result<u32> {
        Ok(self.one("SELECT count(*) FROM stories", [], |row| row.get(0))?.unwrap_or(0))
    }

    /// The publishers of the stories, sorted.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn publishers(&self) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT source FROM stories WHERE source IS NOT NULL ORDER BY source";
        self.all(sql, [], |row| row.get(0))
    }

    /// The number of the story with this id.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn story_number(&self, id: &str) -> Result<Option<StoryNumber>> {
        self.one("SELECT number FROM stories WHERE id = ?1", [id], |row| row.get(0))
    }

    /// The id of the story with this number.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn story_id(&self, number: StoryNumber) -> Result<Option<String>> {
        self.one("SELECT id FROM stories WHERE number = ?1", [number], |row| row.get(0))
    }

    /// The numbers below `end` that no story has, ascending.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn unused_story_numbers(&self, end: StoryNumber) -> Result<Vec<StoryNumber>> {
        // Without an order they come from an index, which is far smaller than the stories.
        let mut used: Vec<i64> =
            self.all("SELECT number FROM stories WHERE +number < ?1", [end], |row| row.get(0))?;
        used.sort_unstable();
        let mut unused = Vec::new();
        let mut next = StoryNumber::FIRST.0;
        for number in used {
            unused.extend((next..number).map(StoryNumber));
            next = next.max(number.saturating_add(1));
        }
        unused.extend((next..end.0).map(StoryNumber));
        Ok(unused)
    }

    /// The numbers of the stories from `first` on, ascending.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn story_numbers(&self, first: StoryNumber) -> Result<Vec<StoryNumber>> {
        let mut check = self.number_check("stories", first)?;
        self.all("SELECT number FROM stories WHERE number >= ?1 ORDER BY number", [first], |row| {
            check(row.get(0)?)
        })
    }

    /// Checks that the numbers of a table ascend from `first` and do not exceed the last one that was assigned. A
    /// damaged file can hold any number, and a lookup table by number would take all memory for one of them.
    fn number_check<N: Number>(
        &self,
        table: &str,
        first: N,
    ) -> Result<impl FnMut(N) -> rusqlite::Result<N> + use<N>> {
        let assigned =
            self.one("SELECT seq FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0))?;
        // Numbers have 32 bits in memory.
        let last = assigned.unwrap_or(0).min(i64::from(u32::MAX));
        let mut least = first.get().max(1);
        Ok(move |number: N| {
            let value = number.get();
            if value < least || value > last {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, value));
            }
            least = value + 1;
            Ok(number)
        })
    }

    /// The story with this number; none if it was removed.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn story(&self, number: StoryNumber) -> Result<Option<Story>> {
        self.one(&format!("SELECT {COLUMNS} FROM stories WHERE number = ?1"), [number], story)
    }

    /// Title and publisher of a story.
    pub(super) fn title_and_source(&self, number: StoryNumber) -> Result<Option<(String, Option<String>)>> {
        let sql = "SELECT title, source FROM stories WHERE number = ?1";
        self.one(sql, [number], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The SHA-256 of all fields of a story.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn story_digest(&self, number: StoryNumber) -> Result<Option<Vec<u8>>> {
        self.one("SELECT digest FROM stories WHERE number = ?1", [number], |row| row.get(0))
    }

    /// The passages of a story, in the order of its text.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn passages(&self, story: StoryNumber) -> Result<Vec<StoredPassage>> {
        let sql = "SELECT row, start, end, title FROM passages WHERE story = ?1 ORDER BY place";
        self.all(sql, [story], |row| {
            let offset = |i| row.get::<_, i64>(i).map(|n| n as usize);
            Ok(StoredPassage { row: row.get(0)?, span: offset(1)?..offset(2)?, title: row.get(3)? })
        })
    }

    /// The stories that contain a row, ascending, the first `limit` of them.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn stories_with_row(&self, row: RowNumber, limit: usize) -> Result<Vec<StoryNumber>> {
        let sql = "SELECT story FROM passages WHERE row = ?1 ORDER BY story LIMIT ?2";
        self.all(sql, params![row, limit as i64], |row| row.get(0))
    }

    /// The number of the row that has this hash.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn row_number(&self, hash: &[u8; 16]) -> Result<Option<RowNumber>> {
        self.one("SELECT number FROM rows WHERE hash = ?1", [&hash[..]], |row| row.get(0))
    }

    /// The row with this number.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn row(&self, number: RowNumber) -> Result<Option<StoredRow>> {
        let sql = "SELECT text, hash, vector, occurrences, unrelated_neighbours FROM rows WHERE number = ?1";
        self.one(sql, [number], |row| {
            let count = |i| row.get::<_, i64>(i).map(|n| n.max(0) as u64);
            Ok(StoredRow {
                text: row.get(0)?,
                hash: row.get(1)?,
                vector: floats(row.get_ref(2)?.as_blob()?),
                occurrences: count(3)?,
                unrelated_neighbours: count(4)?,
            })
        })
    }

    /// The vector of the row with this number.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn vector(&self, number: RowNumber) -> Result<Option<Vec<f32>>> {
        let sql = "SELECT vector FROM rows WHERE number = ?1";
        self.one(sql, [number], |row| Ok(floats(row.get_ref(0)?.as_blob()?)))
    }

    /// The hash of the row with this number.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn row_hash(&self, number: RowNumber) -> Result<Option<[u8; 16]>> {
        self.one("SELECT hash FROM rows WHERE number = ?1", [number], |row| row.get(0))
    }

    /// Calls `each` on the numbers and vectors of the rows from `first` on, ascending.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn for_each_vector(&self, first: RowNumber, each: &mut dyn FnMut(RowNumber, &[f32])) -> Result<()> {
        let mut check = self.number_check("rows", first)?;
        let mut read = || -> rusqlite::Result<()> {
            let mut all = self
                .db
                .prepare_cached("SELECT number, vector FROM rows WHERE number >= ?1 ORDER BY number")?;
            let mut found = all.query([first])?;
            while let Some(row) = found.next()? {
                each(check(row.get(0)?)?, &floats(row.get_ref(1)?.as_blob()?));
            }
            Ok(())
        };
        read().map_err(self.failed())
    }

    /// The first `limit` rows without a vector of the model that the store moves to: numbers, ascending, and texts.
    pub(super) fn rows_to_rebuild(&self, limit: usize) -> Result<Vec<(RowNumber, String)>> {
        let sql = "SELECT number, text FROM rows WHERE number NOT IN (SELECT row FROM rebuilt_vectors) \
                   ORDER BY number LIMIT ?1";
        self.all(sql, [limit as i64], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// How many rows there are, and how many of them have a vector of the model that the store moves to.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn row_counts(&self) -> Result<(u64, u64)> {
        let sql = "SELECT (SELECT count(*) FROM rows), (SELECT count(*) FROM rebuilt_vectors)";
        let count = |row: &SqlRow<'_>, i| row.get::<_, i64>(i).map(|n| n.max(0) as u64);
        Ok(self.one(sql, [], |row| Ok((count(row, 0)?, count(row, 1)?)))?.unwrap_or_default())
    }

    /// How many stories have `word` in `field`, and how often it is a name less how often it is none.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn word_frequency(&self, field: u8, word: &str) -> Result<Option<(u32, i32)>> {
        let sql = "SELECT stories, name FROM words WHERE field = ?1 AND word = ?2";
        self.one(sql, params![field, word], |row| Ok((row.get::<_, i64>(0)?.max(0) as u32, row.get(1)?)))
    }
}

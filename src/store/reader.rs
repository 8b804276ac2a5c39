//! What a store says of stories, rows, words, pairs and groups: one reading for readers and for changes in progress.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row as Found, params};

use super::{
    DATABASE,
    stories::{COLUMNS, story},
};
use crate::{Error, Result, story::Story};

/// The store as one connection sees it: as it was when the reading began, with the changes that the connection has
/// made itself.
#[derive(Clone, Copy)]
pub struct Reader<'c> {
    pub(super) db: &'c Connection,
    pub(super) folder: &'c Path,
}

/// A passage as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassage {
    /// The number of its row.
    pub row: i64,
    /// Bytes of the story's text, or of its title.
    pub span: std::ops::Range<usize>,
    /// Whether it lies in the title.
    pub title: bool,
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    /// The normalized text.
    pub text: String,
    /// The first 16 bytes of the text's SHA-256.
    pub hash: [u8; 16],
    /// Its vector.
    pub vector: Vec<f32>,
    /// Stories that have it.
    pub carriers: u64,
    /// Neighbours among those that have nothing else in common.
    pub strangers: u64,
}

/// A judgement as it is stored: what `b` is to `a`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPair {
    /// The earlier story's number.
    pub a: i64,
    /// The later story's number.
    pub b: i64,
    /// The relation's name.
    pub relation: String,
    /// The rule's words.
    pub rule: String,
    /// What the rules looked at, as JSON.
    pub figures: String,
}

/// A story in its group, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMember {
    /// The story's number.
    pub story: i64,
    /// The group's number.
    pub group: i64,
    /// The relation's name; `kept` for the canonical story.
    pub relation: String,
    /// See [`crate::story`]: the share of its informative words that the canonical story has.
    pub coverage: f32,
    /// The share of the canonical story's informative words that it has.
    pub coverage_of_canonical: f32,
    /// Cosine similarity to the canonical story.
    pub cosine: f32,
    /// Whether a run that keeps one story of a group leaves it out.
    pub removed: bool,
    /// Why, in words.
    pub reason: String,
}

/// Something that happened to a group.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// From 1, in the order in which things happened.
    pub number: i64,
    /// When its run began, in milliseconds since 1970 UTC.
    pub at: i64,
    /// What happened: `created`, `joined`, `left`, `merged`, `split`, `canonical` or `dissolved`.
    pub kind: String,
    /// The group.
    pub group: i64,
    /// The id of the story that it happened to or through.
    pub story: String,
    /// The other group, where there is one.
    pub other: Option<i64>,
}

/// Vectors from their bytes.
pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

impl Reader<'_> {
    pub(super) fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        super::failed(&self.folder.join(DATABASE))
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Found<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let find = || self.db.prepare_cached(sql)?.query_row(params, read).optional();
        find().map_err(self.failed())
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Found<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let find = || -> rusqlite::Result<Vec<T>> {
            self.db.prepare_cached(sql)?.query_map(params, read)?.collect()
        };
        find().map_err(self.failed())
    }

    /// The value that is kept under `key`.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        self.one("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
    }

    /// How many stories there are.
    pub fn story_count(&self) -> Result<u32> {
        Ok(self.one("SELECT count(*) FROM stories", [], |row| row.get(0))?.unwrap_or(0))
    }

    /// The number of the story with this id.
    pub fn story_number(&self, id: &str) -> Result<Option<i64>> {
        self.one("SELECT number FROM stories WHERE id = ?1", [id], |row| row.get(0))
    }

    /// The id of the story with this number.
    pub fn story_id(&self, number: i64) -> Result<Option<String>> {
        self.one("SELECT id FROM stories WHERE number = ?1", [number], |row| row.get(0))
    }

    /// The numbers from 1 up to `end`, without it, that no story has, ascending.
    pub fn missing_story_numbers(&self, end: i64) -> Result<Vec<i64>> {
        // In any order they come from an index, which is far smaller than the stories.
        let mut there: Vec<i64> =
            self.all("SELECT number FROM stories WHERE +number < ?1", [end], |row| row.get(0))?;
        there.sort_unstable();
        let mut gaps = Vec::new();
        let mut next = 1;
        for number in there {
            gaps.extend(next..number);
            next = next.max(number.saturating_add(1));
        }
        gaps.extend(next..end);
        Ok(gaps)
    }

    /// The numbers of all stories above `after`, ascending.
    pub fn story_numbers(&self, after: i64) -> Result<Vec<i64>> {
        let mut ascending = self.ascending("stories", after)?;
        self.all("SELECT number FROM stories WHERE number > ?1 ORDER BY number", [after], |row| {
            ascending(row.get(0)?)
        })
    }

    /// Passes on the numbers of a table that ascend from `after` and have been given: in a damaged file others can
    /// stand, and what is laid out by number would take all memory for one of them.
    fn ascending(&self, table: &str, after: i64) -> Result<impl FnMut(i64) -> rusqlite::Result<i64> + use<>> {
        let given = self.one("SELECT seq FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0))?;
        // Numbers are of 32 bits in memory.
        let last = given.unwrap_or(0).min(i64::from(u32::MAX));
        let mut before = after.max(0);
        Ok(move |number| {
            if number <= before || number > last {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, number));
            }
            before = number;
            Ok(number)
        })
    }

    /// The story with this number; none if it was removed.
    pub fn story(&self, number: i64) -> Result<Option<Story>> {
        self.one(&format!("SELECT {COLUMNS} FROM stories WHERE number = ?1"), [number], story)
    }

    /// Title and publisher of the story with this number.
    pub fn title_and_source(&self, number: i64) -> Result<Option<(String, Option<String>)>> {
        let sql = "SELECT title, source FROM stories WHERE number = ?1";
        self.one(sql, [number], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The ids of stories that begin like `id`, a few of them.
    pub fn ids_like(&self, id: &str, most: u32) -> Result<Vec<String>> {
        let sql = "SELECT id FROM stories WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2";
        self.all(sql, params![id, most], |row| row.get(0))
    }

    /// The passages of a story, in the order of its text.
    pub fn passages(&self, story: i64) -> Result<Vec<StoredPassage>> {
        let sql = "SELECT row, start, end, title FROM passages WHERE story = ?1 ORDER BY place";
        self.all(sql, [story], |row| {
            let place = |i| row.get::<_, i64>(i).map(|n| n as usize);
            Ok(StoredPassage { row: row.get(0)?, span: place(1)?..place(2)?, title: row.get(3)? })
        })
    }

    /// The number of the row that has this hash.
    pub fn row_number(&self, hash: &[u8; 16]) -> Result<Option<i64>> {
        self.one("SELECT number FROM rows WHERE hash = ?1", [&hash[..]], |row| row.get(0))
    }

    /// The row of a story's title, if it has one beside its text.
    pub fn title_row(&self, story: i64) -> Result<Option<i64>> {
        Ok(self.one("SELECT title_row FROM stories WHERE number = ?1", [story], |row| row.get(0))?.flatten())
    }

    /// The row with this number.
    pub fn row(&self, number: i64) -> Result<Option<StoredRow>> {
        let sql = "SELECT text, hash, vector, carriers, strangers FROM rows WHERE number = ?1";
        self.one(sql, [number], |row| {
            let count = |i| row.get::<_, i64>(i).map(|n| n.max(0) as u64);
            Ok(StoredRow {
                text: row.get(0)?,
                hash: row.get(1)?,
                vector: floats(row.get_ref(2)?.as_blob()?),
                carriers: count(3)?,
                strangers: count(4)?,
            })
        })
    }

    /// The vector of the row with this number.
    pub fn vector(&self, number: i64) -> Result<Option<Vec<f32>>> {
        let sql = "SELECT vector FROM rows WHERE number = ?1";
        self.one(sql, [number], |row| Ok(floats(row.get_ref(0)?.as_blob()?)))
    }

    /// The hash of the row with this number.
    pub fn row_hash(&self, number: i64) -> Result<Option<[u8; 16]>> {
        self.one("SELECT hash FROM rows WHERE number = ?1", [number], |row| row.get(0))
    }

    /// The digest of the story with this number.
    pub fn digest(&self, number: i64) -> Result<Option<Vec<u8>>> {
        self.one("SELECT digest FROM stories WHERE number = ?1", [number], |row| row.get(0))
    }

    /// Calls `each` on the numbers and vectors of all rows above `after`, ascending.
    pub fn row_vectors(&self, after: i64, each: &mut dyn FnMut(i64, &[f32])) -> Result<()> {
        let mut ascending = self.ascending("rows", after)?;
        let mut read = || -> rusqlite::Result<()> {
            let mut all = self
                .db
                .prepare_cached("SELECT number, vector FROM rows WHERE number > ?1 ORDER BY number")?;
            let mut found = all.query([after])?;
            while let Some(row) = found.next()? {
                each(ascending(row.get(0)?)?, &floats(row.get_ref(1)?.as_blob()?));
            }
            Ok(())
        };
        read().map_err(self.failed())
    }

    /// Rows that have no vector of the model that the store is being moved to, ascending, `most` at most.
    pub fn rows_to_rebuild(&self, most: usize) -> Result<Vec<(i64, String)>> {
        let sql = "SELECT number, text FROM rows WHERE number NOT IN (SELECT row FROM rebuilt) \
                   ORDER BY number LIMIT ?1";
        self.all(sql, [most as i64], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// How many rows there are, and how many have a vector of the model that the store is being moved to.
    pub fn row_counts(&self) -> Result<(u64, u64)> {
        let sql = "SELECT (SELECT count(*) FROM rows), (SELECT count(*) FROM rebuilt)";
        let count = |row: &Found<'_>, i| row.get::<_, i64>(i).map(|n| n.max(0) as u64);
        Ok(self.one(sql, [], |row| Ok((count(row, 0)?, count(row, 1)?)))?.unwrap_or_default())
    }

    /// The stories that have the row, ascending, `most` at most.
    pub fn stories_with_row(&self, row: i64, most: usize) -> Result<Vec<i64>> {
        let sql = "SELECT story FROM passages WHERE row = ?1 ORDER BY story LIMIT ?2";
        self.all(sql, params![row, most as i64], |row| row.get(0))
    }

    /// How many stories have `word` in `field`, and the balance of its use as a name.
    pub fn word_frequency(&self, field: u8, word: &str) -> Result<Option<(u32, i32)>> {
        let sql = "SELECT stories, name FROM words WHERE field = ?1 AND word = ?2";
        self.one(sql, params![field, word], |row| Ok((row.get::<_, i64>(0)?.max(0) as u32, row.get(1)?)))
    }

    /// What people said of passages: whether each is boilerplate.
    pub fn boilerplate(&self) -> Result<Vec<(String, bool)>> {
        self.all("SELECT text, exclude FROM boilerplate ORDER BY text", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// What people said of the story with this id and others: the other's id, and whether they are of one origin.
    pub fn decisions_of(&self, id: &str) -> Result<Vec<(String, bool)>> {
        let sql = "SELECT b, same FROM decisions WHERE a = ?1 UNION ALL SELECT a, same FROM decisions WHERE b = ?1 \
                   ORDER BY 1";
        self.all(sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Whether people said anything of a pair of stories.
    pub fn has_decisions(&self) -> Result<bool> {
        Ok(self.one("SELECT 1 FROM decisions LIMIT 1", [], |_| Ok(()))?.is_some())
    }

    /// How many decisions there are, on pairs and on stories to be kept.
    pub fn decision_count(&self) -> Result<u64> {
        let sql = "SELECT (SELECT count(*) FROM decisions) + (SELECT count(*) FROM chosen)";
        Ok(self.one(sql, [], |row| row.get::<_, i64>(0))?.unwrap_or(0).max(0) as u64)
    }

    /// All that people said of pairs of stories, in the order of their ids.
    pub fn decisions(&self) -> Result<Vec<(String, String, bool)>> {
        let sql = "SELECT a, b, same FROM decisions ORDER BY a, b";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// The ids of the stories that people chose to be kept, the first chosen first.
    pub fn canonical_overrides(&self) -> Result<Vec<String>> {
        self.all("SELECT id FROM chosen ORDER BY number", [], |row| row.get(0))
    }

    /// The judgements that a story has part in, in the order of `(a, b)`.
    pub fn pairs_of(&self, story: i64) -> Result<Vec<StoredPair>> {
        // Of a pair the first is the lower: those with the lower ones come first.
        let lower = "SELECT a, b, relation, rule, figures FROM pairs WHERE b = ?1 ORDER BY a";
        let mut pairs = self.all(lower, [story], pair)?;
        pairs.extend(self.pairs_with_later(story)?);
        Ok(pairs)
    }

    /// The judgements on a story and later ones, ascending.
    pub fn pairs_with_later(&self, story: i64) -> Result<Vec<StoredPair>> {
        self.all("SELECT a, b, relation, rule, figures FROM pairs WHERE a = ?1 ORDER BY b", [story], pair)
    }

    /// The earlier stories that a story was judged beside, ascending, with what it is to them.
    pub fn earlier_relations(&self, story: i64) -> Result<Vec<(i64, String)>> {
        self.all("SELECT a, relation FROM pairs WHERE b = ?1 ORDER BY a", [story], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// All judgements, in the order of `(a, b)`.
    pub fn pairs(&self) -> Result<Vec<StoredPair>> {
        self.all("SELECT a, b, relation, rule, figures FROM pairs ORDER BY a, b", [], pair)
    }

    /// The story's place in a group, if it is in one.
    pub fn member(&self, story: i64) -> Result<Option<StoredMember>> {
        self.one(&format!("SELECT {MEMBER} FROM members WHERE story = ?1"), [story], member)
    }

    /// The members of a group, ascending.
    pub fn members(&self, group: i64) -> Result<Vec<StoredMember>> {
        self.all(&format!("SELECT {MEMBER} FROM members WHERE grp = ?1 ORDER BY story"), [group], member)
    }

    /// The numbers of all groups and of their canonical stories, ascending.
    pub fn groups(&self) -> Result<Vec<(i64, i64)>> {
        let sql = "SELECT number, canonical FROM groups WHERE canonical IS NOT NULL ORDER BY number";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The canonical story of a group.
    pub fn canonical(&self, group: i64) -> Result<Option<i64>> {
        Ok(self.one("SELECT canonical FROM groups WHERE number = ?1", [group], |row| row.get(0))?.flatten())
    }

    /// What happened to groups after event `after`, in its order; of one group, if that is given.
    pub fn events(&self, after: i64, group: Option<i64>) -> Result<Vec<StoredEvent>> {
        let sql = "SELECT events.number, at, kind, grp, story, other FROM events JOIN runs ON run = runs.number \
                   WHERE events.number > ?1 AND (?2 IS NULL OR grp = ?2 OR other = ?2) ORDER BY events.number";
        self.all(sql, params![after, group], |row| {
            Ok(StoredEvent {
                number: row.get(0)?,
                at: row.get(1)?,
                kind: row.get(2)?,
                group: row.get(3)?,
                story: row.get(4)?,
                other: row.get(5)?,
            })
        })
    }
}

const MEMBER: &str = "story, grp, relation, coverage, coverage_of_canonical, cosine, removed, reason";

fn member(row: &Found<'_>) -> rusqlite::Result<StoredMember> {
    Ok(StoredMember {
        story: row.get(0)?,
        group: row.get(1)?,
        relation: row.get(2)?,
        coverage: row.get(3)?,
        coverage_of_canonical: row.get(4)?,
        cosine: row.get(5)?,
        removed: row.get(6)?,
        reason: row.get(7)?,
    })
}

fn pair(row: &Found<'_>) -> rusqlite::Result<StoredPair> {
    Ok(StoredPair {
        a: row.get(0)?,
        b: row.get(1)?,
        relation: row.get(2)?,
        rule: row.get(3)?,
        figures: row.get(4)?,
    })
}

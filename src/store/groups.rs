//! Reads the verdicts, groups, events and decisions of a store.

use rusqlite::{Row as SqlRow, params};

use super::{GroupNumber, Reader, StoredEvent, StoredMember, StoredPair, StoryNumber};
use crate::Result;

const PAIR: &str = "a, b, relation, rule, features";
const MEMBER: &str = "story, grp, relation, coverage, coverage_of_canonical, cosine, removed, reason";

impl Reader<'_> {
    /// The verdicts on a story and any other, in the order of `(a, b)`.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn pairs_of(&self, story: StoryNumber) -> Result<Vec<StoredPair>> {
        // `a` is the lower number of a pair, so the pairs with lower numbers come first.
        let mut pairs =
            self.all(&format!("SELECT {PAIR} FROM pairs WHERE b = ?1 ORDER BY a"), [story], pair)?;
        pairs.extend(self.pairs_with_later(story)?);
        Ok(pairs)
    }

    /// The verdicts on a story and later ones, ascending.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn pairs_with_later(&self, story: StoryNumber) -> Result<Vec<StoredPair>> {
        self.all(&format!("SELECT {PAIR} FROM pairs WHERE a = ?1 ORDER BY b"), [story], pair)
    }

    /// The earlier stories that a story has a verdict with, ascending, and the name of its relation to each.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn relations_to_earlier(&self, story: StoryNumber) -> Result<Vec<(StoryNumber, String)>> {
        self.all("SELECT a, relation FROM pairs WHERE b = ?1 ORDER BY a", [story], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// All verdicts, in the order of `(a, b)`.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn pairs(&self) -> Result<Vec<StoredPair>> {
        self.all(&format!("SELECT {PAIR} FROM pairs ORDER BY a, b"), [], pair)
    }

    /// The membership of a story, if it is in a group.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn member(&self, story: StoryNumber) -> Result<Option<StoredMember>> {
        self.one(&format!("SELECT {MEMBER} FROM members WHERE story = ?1"), [story], member)
    }

    /// The group of a story, if it is in one.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn group_of(&self, story: StoryNumber) -> Result<Option<GroupNumber>> {
        self.one("SELECT grp FROM members WHERE story = ?1", [story], |row| row.get(0))
    }

    /// The members of a group, ascending.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn members(&self, group: GroupNumber) -> Result<Vec<StoredMember>> {
        self.all(&format!("SELECT {MEMBER} FROM members WHERE grp = ?1 ORDER BY story"), [group], member)
    }

    /// The stories of a group, ascending.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn stories_in_group(&self, group: GroupNumber) -> Result<Vec<StoryNumber>> {
        self.all("SELECT story FROM members WHERE grp = ?1 ORDER BY story", [group], |row| row.get(0))
    }

    /// The numbers of all groups and of their canonical stories, ascending.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn groups(&self) -> Result<Vec<(GroupNumber, StoryNumber)>> {
        let sql = "SELECT number, canonical FROM groups WHERE canonical IS NOT NULL ORDER BY number";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The canonical story of a group.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn canonical(&self, group: GroupNumber) -> Result<Option<StoryNumber>> {
        Ok(self.one("SELECT canonical FROM groups WHERE number = ?1", [group], |row| row.get(0))?.flatten())
    }

    /// The events after number `after`, in their order; those of one group if that is given.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn events(&self, after: i64, group: Option<GroupNumber>) -> Result<Vec<StoredEvent>> {
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

    /// The entries of the boilerplate list: texts of passages, and whether each is boilerplate.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn boilerplate(&self) -> Result<Vec<(String, bool)>> {
        self.all("SELECT text, exclude FROM boilerplate ORDER BY text", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// The decisions on a story: the id of the other story of each, and whether both must be in one group.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn decisions_on(&self, id: &str) -> Result<Vec<(String, bool)>> {
        let sql = "SELECT b, same FROM decisions WHERE a = ?1 UNION ALL SELECT a, same FROM decisions WHERE b = ?1 \
                   ORDER BY 1";
        self.all(sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Whether there is a decision on any pair of stories.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn has_decisions(&self) -> Result<bool> {
        Ok(self.one("SELECT 1 FROM decisions LIMIT 1", [], |_| Ok(()))?.is_some())
    }

    /// How many decisions there are, on pairs and on canonical stories.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn decision_count(&self) -> Result<u64> {
        let sql = "SELECT (SELECT count(*) FROM decisions) + (SELECT count(*) FROM canonical_overrides)";
        Ok(self.one(sql, [], |row| row.get::<_, i64>(0))?.unwrap_or(0).max(0) as u64)
    }

    /// All decisions on pairs, in the order of their ids: two ids, and whether both must be in one group.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn decisions(&self) -> Result<Vec<(String, String, bool)>> {
        let sql = "SELECT a, b, same FROM decisions ORDER BY a, b";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// The ids of the stories that were chosen as canonical, in the order of the decisions.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be read.
    pub fn canonical_overrides(&self) -> Result<Vec<String>> {
        self.all("SELECT id FROM canonical_overrides ORDER BY number", [], |row| row.get(0))
    }
}

fn member(row: &SqlRow<'_>) -> rusqlite::Result<StoredMember> {
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

fn pair(row: &SqlRow<'_>) -> rusqlite::Result<StoredPair> {
    Ok(StoredPair {
        a: row.get(0)?,
        b: row.get(1)?,
        relation: row.get(2)?,
        rule: row.get(3)?,
        features: row.get(4)?,
    })
}

//! Counts, for each row, the stories that contain it and the neighbours among them that share only boilerplate.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{RowNumber, Store, StoryNumber, WriteTransaction};
use crate::{
    Result,
    boilerplate::{StoryText, shares_only_boilerplate},
};

/// The setting that names the version of the rule by which neighbours were counted.
const KEY: &str = "boilerplate_version";

/// The present rule, [`shares_only_boilerplate`]. Version 1 asked whether two stories have no other row in common.
const VERSION: &str = "2";

const PREVIOUS: &str = "SELECT max(story) FROM passages WHERE row = ?1 AND story < ?2";
const NEXT: &str = "SELECT min(story) FROM passages WHERE row = ?1 AND story > ?2";

/// Results by pair of stories: several rows ask about the same pair.
type Cache = BTreeMap<(StoryNumber, StoryNumber), bool>;

impl WriteTransaction<'_> {
    /// Counts the rows of a story that was inserted last.
    pub(super) fn count_inserted(&self, story: StoryNumber) -> Result<()> {
        let mut cache = Cache::new();
        for passage in self.reader().passages(story)? {
            let previous = self.neighbour(PREVIOUS, passage.row, story)?;
            self.add_counts(passage.row, 1, self.unrelated(previous, Some(story), &mut cache)?)?;
        }
        Ok(())
    }

    /// Takes a story that is about to be removed out of the counts of its rows.
    pub(super) fn count_removed(&self, story: StoryNumber) -> Result<()> {
        let mut cache = Cache::new();
        for passage in self.reader().passages(story)? {
            let previous = self.neighbour(PREVIOUS, passage.row, story)?;
            let next = self.neighbour(NEXT, passage.row, story)?;
            let mut unrelated = |x, y| self.unrelated(x, y, &mut cache);
            let before = unrelated(previous, Some(story))? + unrelated(Some(story), next)?;
            let after = unrelated(previous, next)?;
            self.add_counts(passage.row, -1, after - before)?;
        }
        Ok(())
    }

    fn neighbour(&self, sql: &str, row: RowNumber, story: StoryNumber) -> Result<Option<StoryNumber>> {
        Ok(self.reader().one(sql, params![row, story], |found| found.get(0))?.flatten())
    }

    /// 1 if two stories that share a row share only boilerplate, else 0.
    fn unrelated(&self, x: Option<StoryNumber>, y: Option<StoryNumber>, cache: &mut Cache) -> Result<i64> {
        let (Some(x), Some(y)) = (x, y) else { return Ok(0) };
        if let Some(known) = cache.get(&(x, y)) {
            return Ok(i64::from(*known));
        }
        let unrelated = match (self.content(x)?, self.content(y)?) {
            (Some(x), Some(y)) => shares_only_boilerplate(&x.borrow(), &y.borrow()),
            _ => false,
        };
        cache.insert((x, y), unrelated);
        Ok(i64::from(unrelated))
    }

    fn content(&self, story: StoryNumber) -> Result<Option<Content>> {
        let sql = "SELECT hash, text FROM rows JOIN passages ON row = number WHERE story = ?1 ORDER BY place";
        let rows = self.reader().all(sql, [story], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(self.reader().title_and_source(story)?.map(|(title, source)| Content { title, source, rows }))
    }

    /// Counts the unrelated neighbours of all rows.
    fn recount(&self) -> Result<()> {
        let sql = "SELECT row, story, lag(story) OVER (PARTITION BY row ORDER BY story) FROM passages WHERE row IN \
                   (SELECT number FROM rows WHERE occurrences > 1) ORDER BY row, story";
        let neighbours = self.reader().all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (mut counts, mut cache) = (BTreeMap::<RowNumber, i64>::new(), Cache::new());
        for (row, story, previous) in neighbours {
            *counts.entry(row).or_default() += self.unrelated(previous, Some(story), &mut cache)?;
        }
        for (row, unrelated) in counts {
            let sql = "UPDATE rows SET unrelated_neighbours = ?2 WHERE number = ?1";
            self.change("rows", ("number = ?1", [row]), sql, params![row, unrelated])?;
        }
        self.set_meta(KEY, VERSION)
    }
}

impl Store {
    /// Counts the neighbours of a store by the present rule, if they were counted by another one.
    pub(super) fn update_boilerplate_counts(&mut self) -> Result<()> {
        if self.reader().meta(KEY)?.as_deref() == Some(VERSION) {
            return Ok(());
        }
        let transaction = self.begin_write()?;
        transaction.recount()?;
        transaction.commit()
    }
}

/// What [`shares_only_boilerplate`] looks at.
struct Content {
    title: String,
    source: Option<String>,
    rows: Vec<(Vec<u8>, String)>,
}

impl Content {
    fn borrow(&self) -> StoryText<'_> {
        let rows = self.rows.iter().map(|(hash, text)| (&hash[..], text.as_str()));
        StoryText { title: &self.title, source: self.source.as_deref(), rows: rows.collect() }
    }
}

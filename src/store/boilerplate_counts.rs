//! Counting, row by row, the stories that carry it and those neighbours among them that are strangers otherwise.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Store, WriteTransaction};
use crate::{
    Result,
    boilerplate::{StoryText, shares_only_boilerplate},
};

/// The key under which a store keeps how its strangers were counted.
const KEY: &str = "strangers";

/// Strangers were first stories with no other row in common. Now they are what [`shares_only_boilerplate`] says.
const COUNTED: &str = "2";

const BEFORE: &str = "SELECT max(story) FROM passages WHERE row = ?1 AND story < ?2";
const AFTER: &str = "SELECT min(story) FROM passages WHERE row = ?1 AND story > ?2";

/// What was found of pairs of stories: several rows ask about the same ones.
type Found = BTreeMap<(i64, i64), bool>;

impl WriteTransaction<'_> {
    /// Counts the rows of a story that came last.
    pub(super) fn count_last(&self, story: i64) -> Result<()> {
        let mut found = Found::new();
        for passage in self.reader().passages(story)? {
            let before = self.neighbour(BEFORE, passage.row, story)?;
            self.count(passage.row, 1, self.strangers(before, Some(story), &mut found)?)?;
        }
        Ok(())
    }

    /// Counts the rows of a story that is about to go, without it.
    pub(super) fn count_without(&self, story: i64) -> Result<()> {
        let mut found = Found::new();
        for passage in self.reader().passages(story)? {
            let (before, after) =
                (self.neighbour(BEFORE, passage.row, story)?, self.neighbour(AFTER, passage.row, story)?);
            let mut strangers = |x, y| self.strangers(x, y, &mut found);
            let now = strangers(before, Some(story))? + strangers(Some(story), after)?;
            let then = strangers(before, after)?;
            self.count(passage.row, -1, then - now)?;
        }
        Ok(())
    }

    fn neighbour(&self, sql: &str, row: i64, story: i64) -> Result<Option<i64>> {
        let find = || self.prepare_cached(sql)?.query_row([row, story], |found| found.get(0));
        find().map_err(self.reader().failed())
    }

    /// 1 if two stories with a row in common are strangers otherwise, else 0.
    fn strangers(&self, x: Option<i64>, y: Option<i64>, found: &mut Found) -> Result<i64> {
        let (Some(x), Some(y)) = (x, y) else { return Ok(0) };
        if let Some(known) = found.get(&(x, y)) {
            return Ok(i64::from(*known));
        }
        let strangers = match (self.texts(x)?, self.texts(y)?) {
            (Some(x), Some(y)) => shares_only_boilerplate(&x.said(), &y.said()),
            _ => false,
        };
        found.insert((x, y), strangers);
        Ok(i64::from(strangers))
    }

    fn texts(&self, story: i64) -> Result<Option<Texts>> {
        let sql = "SELECT hash, text FROM rows JOIN passages ON row = number WHERE story = ?1 ORDER BY place";
        let rows = self.reader().all(sql, [story], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(self.reader().title_and_source(story)?.map(|(title, source)| Texts { title, source, rows }))
    }

    fn count(&self, row: i64, carriers: i64, strangers: i64) -> Result<()> {
        let sql = "UPDATE rows SET carriers = carriers + ?2, strangers = strangers + ?3 WHERE number = ?1";
        self.run(sql, [row, carriers, strangers]).map(drop)
    }

    /// Counts the strangers of all rows.
    fn recount(&self) -> Result<()> {
        let sql = "SELECT row, story, lag(story) OVER (PARTITION BY row ORDER BY story) FROM passages WHERE row IN \
                   (SELECT number FROM rows WHERE carriers > 1) ORDER BY row, story";
        let pairs = self.reader().all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (mut of_row, mut found) = (BTreeMap::<i64, i64>::new(), Found::new());
        for (row, story, before) in pairs {
            *of_row.entry(row).or_default() += self.strangers(before, Some(story), &mut found)?;
        }
        for (row, strangers) in of_row {
            self.run("UPDATE rows SET strangers = ?2 WHERE number = ?1", params![row, strangers])?;
        }
        self.set_meta(KEY, COUNTED)
    }
}

impl Store {
    /// Counts the strangers of a store of an earlier version as they are counted now.
    pub(super) fn count_as_now(&mut self) -> Result<()> {
        if self.reader().meta(KEY)?.as_deref() == Some(COUNTED) {
            return Ok(());
        }
        let change = self.begin_write()?;
        change.recount()?;
        change.commit()
    }
}

struct Texts {
    title: String,
    source: Option<String>,
    rows: Vec<(Vec<u8>, String)>,
}

impl Texts {
    fn said(&self) -> StoryText<'_> {
        let rows = self.rows.iter().map(|(hash, text)| (&hash[..], text.as_str()));
        StoryText { title: &self.title, source: self.source.as_deref(), rows: rows.collect() }
    }
}

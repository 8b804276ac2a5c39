//! Reads whole stories from a store, and vectors for the rows of a corpus.

use std::path::PathBuf;

use rusqlite::Row as SqlRow;

use super::{Store, StoryNumber, status::digest};
use crate::{
    Error, Result,
    error::StoreFault,
    story::{Corpus, Origin, RowId, Story},
    vector::Matrix,
};

pub(super) const COLUMNS: &str =
    "id, title, text, published, source, url, dateline, credit, path, line, record, part";

pub(super) fn story(row: &SqlRow<'_>) -> rusqlite::Result<Story> {
    Ok(Story {
        id: row.get(0)?,
        title: row.get(1)?,
        text: row.get(2)?,
        published: row.get(3)?,
        source: row.get(4)?,
        url: row.get(5)?,
        dateline: row.get(6)?,
        credit: row.get(7)?,
        origin: Origin {
            path: PathBuf::from(row.get::<_, String>(8)?),
            line: row.get::<_, i64>(9)? as u64,
            record: row.get::<_, i64>(10)? as u64,
            part: row.get(11)?,
        },
    })
}

impl Store {
    /// Calls `each` on every story with its number and digest, in the order of the numbers, until it fails.
    pub(super) fn for_each_with_digest(
        &self,
        each: &mut dyn FnMut(StoryNumber, Story, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let sql = format!("SELECT {COLUMNS}, digest, number FROM stories ORDER BY number");
        let mut all = self.db.prepare(&sql).map_err(self.failed())?;
        let mut found = all.query([]).map_err(self.failed())?;
        while let Some(row) = found.next().map_err(self.failed())? {
            let read = || Ok((row.get(13)?, story(row)?, row.get(12)?));
            let (number, story, digest) = read().map_err(self.failed())?;
            each(number, story, digest)?;
        }
        Ok(())
    }

    /// Calls `each` on every story, in the order in which they were added.
    ///
    /// # Errors
    /// The outer error is that of `each`; the inner one, [`Error::Store`], that of reading the store. Stories that differ
    /// from their digests are left out, and named by that error.
    pub fn for_each_story(
        &self,
        each: &mut dyn FnMut(&Story) -> std::io::Result<()>,
    ) -> std::io::Result<Result<()>> {
        let mut failure = None;
        let mut denied = Vec::new();
        let read = self.for_each_with_digest(&mut |_, story, stored| {
            if digest(&story)[..] != stored[..] {
                denied.push(story.id);
                return Ok(());
            }
            each(&story).map_err(|source| {
                failure = Some(source);
                Error::Interrupted
            })
        });
        match failure {
            Some(source) => Err(source),
            None => Ok(read.and_then(|()| self.refuse(&denied))),
        }
    }

    /// All stories, in the order in which they were added.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read, or a story is not as its digest says.
    pub fn stories(&self) -> Result<Vec<Story>> {
        let (mut stories, mut denied) = (Vec::new(), Vec::new());
        self.for_each_with_digest(&mut |_, story, stored| {
            match digest(&story)[..] == stored[..] {
                true => stories.push(story),
                false => denied.push(story.id),
            }
            Ok(())
        })?;
        self.refuse(&denied)?;
        Ok(stories)
    }

    /// An error that names stories which differ from their digests, if there are any.
    fn refuse(&self, ids: &[String]) -> Result<()> {
        let Some(first) = ids.first() else { return Ok(()) };
        let others = match ids.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        Err(Error::Store {
            path: self.folder().into(),
            message: format!("story {first:?}{others}: the text is not as it was written"),
            fault: StoreFault::Records,
        })
    }

    /// Copies the vectors that the store has of the rows of `corpus` into `vectors`, one row each; returns the rows that
    /// it does not have.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn vectors(&self, corpus: &Corpus, vectors: &mut Matrix) -> Result<Vec<RowId>> {
        let mut read = || -> rusqlite::Result<Vec<RowId>> {
            let mut find = self.db.prepare_cached("SELECT vector FROM rows WHERE hash = ?1")?;
            let mut unknown = Vec::new();
            for (i, row) in corpus.rows.iter().enumerate() {
                let mut found = find.query([&row.hash[..]])?;
                let bytes = match found.next()? {
                    Some(found) => found.get_ref(0)?.as_blob()?,
                    None => &[],
                };
                // A vector of another length is damage, which `verify` reports; it is computed again.
                if bytes.len() != vectors.dim() * 4 {
                    unknown.push(RowId(i as u32));
                    continue;
                }
                let values = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
                vectors.row_mut(i).iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
            }
            Ok(unknown)
        };
        read().map_err(self.failed())
    }
}

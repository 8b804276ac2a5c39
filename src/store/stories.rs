//! Reading a store: its stories, and the vectors of rows.

use std::path::PathBuf;

use rusqlite::Row as Found;

use super::Store;
use crate::{
    Error, Result,
    story::{Corpus, Origin, RowId, Story},
    vector::Matrix,
};

pub(super) const COLUMNS: &str =
    "id, title, text, published, source, url, dateline, credit, path, line, record, part";

pub(super) fn story(row: &Found<'_>) -> rusqlite::Result<Story> {
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
    /// Calls `each` on every story with its digest, in the order they were added, until that fails.
    pub(super) fn for_each(&self, each: &mut dyn FnMut(i64, Story, Vec<u8>) -> Result<()>) -> Result<()> {
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

    /// Calls `each` on every story, in the order they were added; the outer error is one of `each`, the inner one of
    /// the store.
    pub fn for_each_story(
        &self,
        each: &mut dyn FnMut(&Story) -> std::io::Result<()>,
    ) -> std::io::Result<Result<()>> {
        let mut failure = None;
        let read = self.for_each(&mut |_, story, _| {
            each(&story).map_err(|source| {
                failure = Some(source);
                Error::Interrupted
            })
        });
        match failure {
            Some(source) => Err(source),
            None => Ok(read),
        }
    }

    /// All stories, in the order they were added.
    pub fn stories(&self) -> Result<Vec<Story>> {
        let mut stories = Vec::new();
        self.for_each(&mut |_, story, _| {
            stories.push(story);
            Ok(())
        })?;
        Ok(stories)
    }

    /// Writes what is known of the vectors of `corpus`' rows into `vectors`; the rows that are not known.
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
                // One of another length is as good as none: `verify` tells of it, and it is computed again.
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

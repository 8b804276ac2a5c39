//! Putting stories into a store, a batch a transaction.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::Store;
use crate::{
    Result,
    story::{Corpus, Row, RowId, Story},
    vector::Matrix,
};

/// What became of the stories of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Added {
    /// Stories that were not there.
    pub added: u64,
    /// Stories that were there with another text, from the same file.
    pub replaced: u64,
    /// Stories that were there already.
    pub unchanged: u64,
    /// Ids of stories that were left out, because another file's story has the id.
    pub taken: Vec<String>,
    /// Rows that were not there, and so were embedded.
    pub rows: u64,
}

impl Added {
    /// Adds up two batches.
    pub fn and(mut self, other: Added) -> Added {
        self.added += other.added;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
        self.taken.extend(other.taken);
        self.rows += other.rows;
        self
    }
}

/// The SHA-256 of all that was read of a story.
pub(super) fn digest(story: &Story) -> [u8; 32] {
    let mut hash = Sha256::new();
    let texts = [Some(&story.id), Some(&story.title), Some(&story.text)];
    let optional = [&story.source, &story.url, &story.dateline, &story.credit].map(Option::as_ref);
    for text in texts.into_iter().chain(optional) {
        // Lengths first, so that no two stories give the same bytes.
        hash.update(text.map_or(u64::MAX, |t| t.len() as u64).to_le_bytes());
        hash.update(text.map_or("", String::as_str));
    }
    hash.update(story.published.unwrap_or(i64::MIN).to_le_bytes());
    hash.finalize().into()
}

/// The SHA-256 of all that was read of `stories`, in their order.
pub fn digest_of(stories: &[Story]) -> [u8; 32] {
    let mut hash = Sha256::new();
    stories.iter().for_each(|story| hash.update(digest(story)));
    hash.finalize().into()
}

/// What the store says of a story.
enum Known {
    New,
    /// There, under this number, with another text from the same file.
    Other(i64),
    Same,
    Taken,
}

impl Store {
    /// The stories of `stories` that [`Store::add`] would have to write: those that are not there as they are.
    pub fn unknown(&self, stories: Vec<Story>) -> Result<Vec<Story>> {
        let mut unknown = Vec::new();
        for story in stories {
            if !matches!(self.known(&story).map_err(self.failed())?, Known::Same) {
                unknown.push(story);
            }
        }
        Ok(unknown)
    }

    fn known(&self, story: &Story) -> rusqlite::Result<Known> {
        let mut find = self.db.prepare_cached("SELECT number, digest, path FROM stories WHERE id = ?1")?;
        let found = find
            .query_row([&story.id], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, String>(2)?))
            })
            .optional()?;
        Ok(match found {
            None => Known::New,
            Some((_, known, _)) if known == digest(story) => Known::Same,
            Some((number, _, path)) if path == story.origin.path.to_string_lossy() => Known::Other(number),
            Some(_) => Known::Taken,
        })
    }

    /// The rows of `corpus` that have no vector here.
    pub fn unknown_rows(&self, corpus: &Corpus) -> Result<Vec<RowId>> {
        let find = || -> rusqlite::Result<Vec<RowId>> {
            let mut find = self.db.prepare_cached("SELECT 1 FROM rows WHERE hash = ?1")?;
            let mut unknown = Vec::new();
            for (i, row) in corpus.rows.iter().enumerate() {
                if !find.exists([&row.hash[..]])? {
                    unknown.push(RowId(i as u32));
                }
            }
            Ok(unknown)
        };
        find().map_err(self.failed())
    }

    /// Commits the stories of `corpus` in one transaction, all of them or none. `vectors` has a row for each of
    /// `embedded`, which must hold all rows that [`Store::unknown_rows`] names.
    pub fn add(&mut self, corpus: &Corpus, embedded: &[RowId], vectors: &Matrix) -> Result<Added> {
        let known: Vec<Known> = corpus
            .stories
            .iter()
            .map(|s| self.known(s))
            .collect::<rusqlite::Result<_>>()
            .map_err(self.failed())?;
        let path = self.folder.join(super::DATABASE);
        let of_row = embedded.iter().zip(0..).map(|(row, i)| (*row, vectors.row(i))).collect();
        let mut commit = || -> rusqlite::Result<Added> {
            let change = self.db.transaction()?;
            let added = write(&change, corpus, &known, &of_row)?;
            change.commit()?;
            Ok(added)
        };
        commit().map_err(super::failed(&path))
    }
}

fn write(
    change: &Transaction,
    corpus: &Corpus,
    known: &[Known],
    vectors: &HashMap<RowId, &[f32]>,
) -> rusqlite::Result<Added> {
    let mut added = Added::default();
    let mut put_story = change.prepare_cached(
        "INSERT INTO stories (id, title, text, published, source, url, dateline, credit, path, line, record, part, \
         digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let mut put_passage = change.prepare_cached("INSERT INTO passages VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (i, (story, known)) in corpus.stories.iter().zip(known).enumerate() {
        match known {
            Known::New => added.added += 1,
            Known::Same => {
                added.unchanged += 1;
                continue;
            }
            Known::Taken => {
                added.taken.push(story.id.clone());
                continue;
            }
            Known::Other(number) => {
                added.replaced += 1;
                change.execute("DELETE FROM stories WHERE number = ?1", [number])?;
            }
        }
        let origin = &story.origin;
        put_story.execute(params![
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
        ])?;
        let number = change.last_insert_rowid();
        for (place, passage) in corpus.passages[i].iter().enumerate() {
            let (row, new) = put_row(change, &corpus.rows[passage.row.index()], vectors.get(&passage.row))?;
            added.rows += u64::from(new);
            put_passage.execute(params![
                number,
                place as i64,
                row,
                passage.span.start as i64,
                passage.span.end as i64,
                passage.title
            ])?;
        }
    }
    Ok(added)
}

/// The number of `row`, and whether it was new.
fn put_row(change: &Transaction, row: &Row, vector: Option<&&[f32]>) -> rusqlite::Result<(i64, bool)> {
    let mut find = change.prepare_cached("SELECT number FROM rows WHERE hash = ?1")?;
    if let Some(number) = find.query_row([&row.hash[..]], |row| row.get(0)).optional()? {
        return Ok((number, false));
    }
    let bytes: Option<Vec<u8>> = vector.map(|v| v.iter().flat_map(|x| x.to_le_bytes()).collect());
    let mut put = change.prepare_cached("INSERT INTO rows (hash, text, vector) VALUES (?1, ?2, ?3)")?;
    // A row without a vector is refused by the table, and with it the whole batch.
    put.execute(params![&row.hash[..], row.text, bytes])?;
    Ok((change.last_insert_rowid(), true))
}

//! Whether a store has a story already.

use rusqlite::OptionalExtension;
use sha2::{Digest, Sha256};

use super::{Store, StoryNumber};
use crate::{Result, story::Story};

/// The SHA-256 of all fields of a story but its place in a file.
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

/// The SHA-256 of `stories`, in their order.
#[must_use]
pub fn digest_stories(stories: &[Story]) -> [u8; 32] {
    let mut hash = Sha256::new();
    stories.iter().for_each(|story| hash.update(digest(story)));
    hash.finalize().into()
}

/// A story compared with the one of its id in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoryStatus {
    /// The store has no story of this id.
    New,
    /// The store has, under this number, another version of the story from the same file.
    Changed(StoryNumber),
    /// The store has the story as it is.
    Unchanged,
    /// The store has a story of this id from another file.
    IdConflict,
}

impl Store {
    /// Those of `stories` that the store does not have as they are.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store could not be read.
    pub fn new_or_changed(&self, stories: Vec<Story>) -> Result<Vec<Story>> {
        let mut found = Vec::new();
        for story in stories {
            if self.status(&story)? != StoryStatus::Unchanged {
                found.push(story);
            }
        }
        Ok(found)
    }

    /// Compares `story` with the one of its id in the store.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store could not be read.
    pub fn status(&self, story: &Story) -> Result<StoryStatus> {
        let find = || {
            let mut find =
                self.db.prepare_cached("SELECT number, digest, path FROM stories WHERE id = ?1")?;
            let read =
                |row: &rusqlite::Row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, String>(2)?));
            find.query_row([&story.id], read).optional()
        };
        Ok(match find().map_err(self.failed())? {
            None => StoryStatus::New,
            Some((_, stored, _)) if stored == digest(story) => StoryStatus::Unchanged,
            Some((number, _, path)) if path == story.origin.path.to_string_lossy() => {
                StoryStatus::Changed(number)
            }
            // Early stores have paths as they were typed.
            Some((number, _, path)) if self.source_name(&self.source_path(&path)?)? == story.origin.path => {
                StoryStatus::Changed(number)
            }
            Some(_) => StoryStatus::IdConflict,
        })
    }
}

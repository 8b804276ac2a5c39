//! What a store knows already of stories and rows that are to be added.

use rusqlite::OptionalExtension;
use sha2::{Digest, Sha256};

use super::Store;
use crate::{Result, story::Story};

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
pub fn digest_stories(stories: &[Story]) -> [u8; 32] {
    let mut hash = Sha256::new();
    stories.iter().for_each(|story| hash.update(digest(story)));
    hash.finalize().into()
}

/// What the store says of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoryStatus {
    /// Nothing: it is not there.
    New,
    /// It is there, under this number, with another text from the same file.
    Changed(i64),
    /// It is there as it is.
    Unchanged,
    /// Another file's story has its id.
    IdConflict,
}

impl Store {
    /// The stories of `stories` that are not there as they are.
    pub fn new_or_changed(&self, stories: Vec<Story>) -> Result<Vec<Story>> {
        let mut unknown = Vec::new();
        for story in stories {
            if self.status(&story)? != StoryStatus::Unchanged {
                unknown.push(story);
            }
        }
        Ok(unknown)
    }

    /// What is known of `story`.
    pub fn status(&self, story: &Story) -> Result<StoryStatus> {
        let find = || {
            let mut find =
                self.db.prepare_cached("SELECT number, digest, path FROM stories WHERE id = ?1")?;
            let read = |row: &rusqlite::Row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, String>(2)?))
            };
            find.query_row([&story.id], read).optional()
        };
        Ok(match find().map_err(self.failed())? {
            None => StoryStatus::New,
            Some((_, known, _)) if known == digest(story) => StoryStatus::Unchanged,
            Some((number, _, path)) if path == story.origin.path.to_string_lossy() => {
                StoryStatus::Changed(number)
            }
            // Files were once called as people had typed them.
            Some((number, _, path)) if self.source_name(&self.source_path(&path)?)? == story.origin.path => {
                StoryStatus::Changed(number)
            }
            Some(_) => StoryStatus::IdConflict,
        })
    }
}

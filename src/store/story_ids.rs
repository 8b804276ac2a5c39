//! Ids of stories that are new to a store, beside those that it has.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use super::Store;
use crate::{Result, corpus, story::Story};

impl Store {
    /// `stories` that were read from files, by the names that the store knows the files by, with the ids that it knows
    /// the stories by. A story that brought no id has the one that the store has for it, else one that is free. A story
    /// whose path `is_stream` says is a stream has an id that follows from its text.
    ///
    /// # Errors
    /// [`crate::Error::Store`] if the file could not be read, [`crate::Error::Io`] if there is no working folder.
    pub fn with_stored_ids(
        &self,
        mut stories: Vec<Story>,
        is_stream: impl Fn(&Path) -> bool,
    ) -> Result<Vec<Story>> {
        let mut files: BTreeMap<PathBuf, SourceIds> = BTreeMap::new();
        // The next number behind an id that several files give.
        let mut next: BTreeMap<String, u32> = BTreeMap::new();
        for story in &mut stories {
            if is_stream(&story.origin.path) {
                corpus::assign_content_id(story);
                continue;
            }
            let generated = corpus::positional_id(story);
            let source = match files.entry(story.origin.path.clone()) {
                Entry::Occupied(file) => file.into_mut(),
                Entry::Vacant(file) => {
                    let name = self.source_name(file.key())?;
                    let unclaimed = self.ids_from_source(&name.to_string_lossy())?.into_iter().collect();
                    file.insert(SourceIds { name, unclaimed })
                }
            };
            story.origin.path.clone_from(&source.name);
            let Some(id) = generated else { continue };
            story.id = match source.claim(&id) {
                Some(stored) => stored,
                None => self.free_id(&id, source, next.entry(id.clone()).or_insert(1))?,
            };
        }
        Ok(stories)
    }

    /// `id`, with a number behind it if a story of another file has it. `next` is the number to begin with.
    fn free_id(&self, id: &str, source: &SourceIds, next: &mut u32) -> Result<String> {
        loop {
            let candidate = if *next == 1 { id.to_owned() } else { format!("{id}~{next}") };
            *next += 1;
            // What was removed from this file had its id from it, and still has.
            let of_others =
                self.tombstone(&candidate)?.is_some_and(|path| *path != *source.name.to_string_lossy());
            if !of_others && self.reader().story_number(&candidate)?.is_none() {
                return Ok(candidate);
            }
        }
    }

    /// Stories that are to stand beside those of the store: one with the id of another gets a number behind it.
    ///
    /// # Errors
    /// [`crate::Error::Store`] if the file could not be read.
    pub fn with_free_ids(&self, mut stories: Vec<Story>) -> Result<Vec<Story>> {
        let mut met = BTreeSet::new();
        for story in &mut stories {
            let mut n = 1;
            let id = story.id.clone();
            while !met.insert(story.id.clone()) || self.reader().story_number(&story.id)?.is_some() {
                n += 1;
                story.id = format!("{id}~{n}");
            }
        }
        Ok(stories)
    }
}

/// A source file and the ids of its stories.
struct SourceIds {
    /// The name by which the store knows the file.
    name: PathBuf,
    /// The ids that the store has from the file and that no story read now has taken.
    unclaimed: BTreeSet<String>,
}

impl SourceIds {
    /// Takes the stored id that a story of this file with the generated `id` has: that id, or that id with a number.
    fn claim(&mut self, id: &str) -> Option<String> {
        let numbered = format!("{id}~");
        let has_number = |own: &&String| own[numbered.len()..].bytes().all(|b| b.is_ascii_digit());
        let mut of_id = self.unclaimed.range(numbered.clone()..).take_while(|own| own.starts_with(&numbered));
        let own = self.unclaimed.get(id).or_else(|| of_id.find(has_number)).cloned()?;
        self.unclaimed.remove(&own);
        Some(own)
    }
}

//! Removes stories from a store.

use super::{Archive, matcher::Matcher, regroup::GroupUpdate};
use crate::{
    Error, Result,
    corpus::{has_ordinal_id, text_digest},
    store::{EventKind, RunNumber, Store, StoryNumber},
    story::{Corpus, Row, Story, StoryId},
};

/// Who removes stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The files that they came from no longer have them.
    FromSource,
    /// People do not want them: each leaves a tombstone, see [`Store::tombstone`].
    ByPeople,
}

impl Archive {
    /// Removes the stories with these ids: all of them or none. Returns how many there were.
    ///
    /// # Errors
    /// [`Error::UnknownStory`] for an id that the store does not have, [`Error::Store`] if the store cannot be written;
    /// nothing is removed then.
    pub fn remove(&mut self, ids: &[String], removal: Removal) -> Result<u64> {
        let run = self.run()?;
        let Archive { store, matcher, .. } = self;
        let removed = matcher.remove_all(store, run, ids, removal);
        // Frequencies that were read in a transaction which failed must not stay.
        let removed = removed.inspect_err(|_| matcher.words.borrow_mut().clear())?;
        removed.iter().for_each(|number| matcher.index.stories.remove(*number));
        Ok(removed.len() as u64)
    }
}

impl Matcher {
    /// Removes the stories in one transaction; their numbers.
    fn remove_all(
        &self,
        store: &mut Store,
        run: RunNumber,
        ids: &[String],
        removal: Removal,
    ) -> Result<Vec<StoryNumber>> {
        let transaction = store.begin_write()?;
        let mut removed = Vec::new();
        for id in ids {
            let reader = transaction.reader();
            let number = reader.story_number(id)?.ok_or_else(|| Error::UnknownStory { id: id.clone() })?;
            if removal == Removal::ByPeople
                && let Some(story) = reader.story(number)?
            {
                transaction.insert_tombstone(id, &story.origin.path.to_string_lossy())?;
            }
            let update = GroupUpdate { matcher: self, transaction: &transaction, run, cause: id };
            self.remove_story(&update, number, None)?;
            removed.push(number);
        }
        transaction.commit()?;
        Ok(removed)
    }

    /// Removes a story with its words, and from its group; `successor` is the story that gets its id.
    pub fn remove_story(
        &self,
        update: &GroupUpdate<'_>,
        number: StoryNumber,
        successor: Option<&Story>,
    ) -> Result<()> {
        let transaction = update.transaction;
        let reader = transaction.reader();
        let Some(story) = reader.story(number)? else { return Ok(()) };
        let group = reader.group_of(number)?;
        let mut affected: Vec<StoryNumber> = Vec::new();
        for pair in reader.pairs_of(number)? {
            affected.push(if pair.a == number { pair.b } else { pair.a });
        }
        affected.extend(group.map(|g| reader.stories_in_group(g)).transpose()?.unwrap_or_default());
        affected.retain(|other| *other != number);
        affected.sort_unstable();
        affected.dedup();
        // A decision on a record without an id of its own is one on its text.
        if has_ordinal_id(&story) && successor.is_none_or(|new| text_digest(new) != text_digest(&story)) {
            transaction.remove_decisions_on(&story.id)?;
        }
        let id = story.id.clone();
        let corpus = Corpus::new(vec![story]);
        // By the present counts: a row may have become boilerplate since its words were counted.
        let mut set = self.working_set(reader);
        set.load(number)?;
        let flag = |row: &Row| {
            let place = set.corpus.rows.iter().position(|r| r.hash == row.hash);
            place.is_some_and(|i| set.boilerplate[i])
        };
        let boilerplate: Vec<bool> = corpus.rows.iter().map(flag).collect();
        self.count_words(transaction, (&corpus, StoryId(0)), &boilerplate, &[], -1)?;
        transaction.remove_story(number)?;
        if let Some(group) = group {
            transaction.insert_event(update.run, EventKind::Left, group, &id, None)?;
            update.regroup(&affected, &[group])?;
        }
        Ok(())
    }
}

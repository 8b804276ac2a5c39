//! Adds stories to a store.

use std::collections::BTreeSet;

use super::{
    Archive,
    check::{CheckResult, by_strength},
    matcher::Matcher,
    prepare::{Inserted, PreparedStories},
    regroup::GroupUpdate,
    stored_verdicts,
};
use crate::{
    Result,
    compare::{Relation, TermStatistics, story_terms},
    embed::EmbedStats,
    store::{RowNumber, RunNumber, Store, StoredPassage, StoryNumber, StoryStatus, WriteTransaction},
    story::{Corpus, RowId, Story, StoryId},
};

/// A file whose stories are all in the store once a batch is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name in the store: see [`Store::source_name`].
    pub path: String,
    /// The digest of its stories: see [`crate::store::digest_stories`].
    pub digest: [u8; 32],
    /// How many stories it has.
    pub stories: u64,
}

/// What became of added stories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddOutcome {
    /// Stories that were new.
    pub added: u64,
    /// Stories that replaced an earlier version from the same file.
    pub replaced: u64,
    /// Stories that the store had as they are.
    pub unchanged: u64,
    /// Ids of stories that were not added, because a story from another file has the id.
    pub conflicting_ids: Vec<String>,
    /// The added stories that are of one origin with a story before them, in the order in which they were added.
    pub copies: Vec<AddedCopy>,
    /// What the encoder saw.
    pub embed_stats: EmbedStats,
}

/// An added story that is of one origin with one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedCopy {
    /// Its id.
    pub id: String,
    /// Its relation to that story.
    pub relation: Relation,
    /// The id of that story: of several, the one with which it shares most.
    pub of: String,
}

impl AddOutcome {
    /// The outcome of two batches together.
    pub fn merge(mut self, other: AddOutcome) -> AddOutcome {
        self.added += other.added;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
        self.conflicting_ids.extend(other.conflicting_ids);
        self.copies.extend(other.copies);
        self.embed_stats = self.embed_stats.merge(other.embed_stats);
        self
    }
}

impl Archive {
    /// Compares stories with all before them, and adds them to the store and its groups: all of them or none.
    ///
    /// # Errors
    /// [`Error::NoModel`](crate::Error::NoModel) without an embedder, [`Error::Store`](crate::Error::Store) if the store
    /// cannot be read or written, and the errors of embedding; nothing is added then.
    pub fn add(&mut self, stories: Vec<Story>) -> Result<AddOutcome> {
        self.add_with_files(stories, &[])
    }

    /// As [`Archive::add`], and records that `files` are complete with these stories.
    ///
    /// # Errors
    /// As [`Archive::add`].
    pub fn add_with_files(&mut self, stories: Vec<Story>, files: &[SourceFile]) -> Result<AddOutcome> {
        let mut outcome = AddOutcome::default();
        let (mut new, mut replaced) = (Vec::new(), Vec::new());
        let mut ids = BTreeSet::new();
        for story in stories {
            let earlier = match self.store.status(&story)? {
                StoryStatus::Unchanged => {
                    outcome.unchanged += 1;
                    continue;
                }
                // Two stories of one batch can have the same id, as those of two files can.
                _ if !ids.insert(story.id.clone()) => {
                    outcome.conflicting_ids.push(story.id);
                    continue;
                }
                StoryStatus::IdConflict => {
                    outcome.conflicting_ids.push(story.id);
                    continue;
                }
                StoryStatus::New => None,
                StoryStatus::Changed(number) => Some(number),
            };
            new.push(story);
            replaced.push(earlier);
        }
        let prepared = self.prepare(new)?;
        self.insert(&prepared, &replaced, files, &mut outcome)?;
        Ok(outcome)
    }

    /// Checks one story, as [`Archive::check`] does, and adds it. Its passages are embedded once.
    ///
    /// # Errors
    /// As [`Archive::add`].
    pub fn check_and_add(&mut self, story: Story) -> Result<(CheckResult, AddOutcome)> {
        let mut outcome = AddOutcome::default();
        let status = self.store.status(&story)?;
        let id = story.id.clone();
        let prepared = self.prepare(vec![story])?;
        let result = self.matcher.check_prepared(&self.store, &prepared)?;
        match status {
            StoryStatus::Unchanged => outcome.unchanged += 1,
            StoryStatus::IdConflict => outcome.conflicting_ids.push(id),
            StoryStatus::New => self.insert(&prepared, &[None], &[], &mut outcome)?,
            StoryStatus::Changed(number) => {
                self.insert(&prepared, &[Some(number)], &[], &mut outcome)?;
            }
        }
        Ok((result, outcome))
    }

    /// Inserts prepared stories; `replaced` has, for each, the number of the version that it replaces.
    fn insert(
        &mut self,
        prepared: &PreparedStories,
        replaced: &[Option<StoryNumber>],
        files: &[SourceFile],
        outcome: &mut AddOutcome,
    ) -> Result<()> {
        let run = self.run()?;
        let Archive { store, matcher, .. } = self;
        // Frequencies that were read in a transaction which failed must not stay.
        let inserted = matcher.insert_all(store, run, prepared, replaced, files);
        let inserted = inserted.inspect_err(|_| matcher.words.borrow_mut().clear())?;
        let removed = || replaced.iter().flatten();
        for (number, vector) in &inserted.vectors {
            matcher.index.rows.push(*number, vector);
        }
        removed().for_each(|number| matcher.index.stories.remove(*number));
        for (number, id) in &inserted.stories {
            matcher.index.push_story(*number, &prepared.keys[id.index()]);
        }
        outcome.replaced = removed().count() as u64;
        outcome.added = inserted.stories.len() as u64 - outcome.replaced;
        outcome.copies = inserted.copies;
        outcome.embed_stats = prepared.embed_stats;
        Ok(())
    }
}

impl Matcher {
    /// Inserts all prepared stories in one transaction.
    fn insert_all(
        &self,
        store: &mut Store,
        run: RunNumber,
        prepared: &PreparedStories,
        replaced: &[Option<StoryNumber>],
        files: &[SourceFile],
    ) -> Result<Inserted> {
        let transaction = store.begin_write()?;
        let mut insertion =
            Insertion { matcher: self, transaction: &transaction, prepared, inserted: Inserted::default() };
        for (i, replaced) in replaced.iter().enumerate() {
            let (id, story) = (StoryId(i as u32), &prepared.corpus.stories[i]);
            let update = GroupUpdate { matcher: self, transaction: &transaction, run, cause: &story.id };
            if let Some(number) = replaced {
                self.remove_story(&update, *number, Some(story))?;
            }
            let same_origin = insertion.insert_story(id)?;
            if same_origin.len() > 1 {
                update.regroup(&same_origin, &[])?;
            }
        }
        let inserted = insertion.inserted;
        for SourceFile { path, digest, stories } in files {
            transaction.set_source(path, digest, *stories)?;
        }
        transaction.commit()?;
        Ok(inserted)
    }

    /// Adds the words of a story to the counts of the store, or subtracts them: `times` is 1 or -1. `new` are the rows
    /// that the store did not have before.
    pub fn count_words(
        &self,
        transaction: &WriteTransaction<'_>,
        (corpus, id): (&Corpus, StoryId),
        boilerplate: &[bool],
        new: &[RowId],
        times: i64,
    ) -> Result<()> {
        let mut cache = self.words.borrow_mut();
        for ((field, word), TermStatistics { stories, name_votes }) in
            story_terms(corpus, id, boilerplate, new)
        {
            transaction.add_word(field.number(), &word, times * i64::from(stories), i64::from(name_votes))?;
            // It is read again when it is needed.
            if let Some(words) = cache.get_mut(&field) {
                words.remove(&word);
            }
        }
        Ok(())
    }
}

/// Prepared stories on their way into the store.
struct Insertion<'a> {
    matcher: &'a Matcher,
    transaction: &'a WriteTransaction<'a>,
    prepared: &'a PreparedStories,
    inserted: Inserted,
}

impl Insertion<'_> {
    /// Compares a story with its candidates, and inserts it with its rows, words and verdicts. Returns its number, and
    /// those of the stories of the same origin.
    fn insert_story(&mut self, id: StoryId) -> Result<Vec<StoryNumber>> {
        let Insertion { matcher, transaction, prepared, .. } = *self;
        let (set, verdicts) =
            matcher.compare_with_candidates(transaction.reader(), prepared, id, &self.inserted)?;
        let own = set.corpus.passages.last().map(|p| &p[..]).unwrap_or_default();
        let boilerplate: Vec<bool> = own.iter().map(|p| set.boilerplate[p.row.index()]).collect();
        let closest = verdicts.iter().filter(|v| v.relation.is_origin()).min_by(|x, y| by_strength(x, y));
        if let Some(verdict) = closest {
            self.inserted.copies.push(AddedCopy {
                id: prepared.corpus.stories[id.index()].id.clone(),
                relation: verdict.flipped().relation,
                of: set.corpus.stories[verdict.a.index()].id.clone(),
            });
        }
        let numbers = set.numbers;

        let number = self.insert_text(id, &boilerplate)?;
        let mut same_origin = vec![number];
        for verdict in &verdicts {
            let Some(other) = numbers[verdict.a.index()] else { continue };
            transaction.insert_pair(&stored_verdicts::to_stored(verdict, other, number)?)?;
            if verdict.relation.is_origin() {
                same_origin.push(other);
            }
        }
        self.inserted.stories.push((number, id));
        Ok(same_origin)
    }

    /// Inserts a story with its rows and words; `boilerplate` has a flag for each of its passages.
    fn insert_text(&mut self, id: StoryId, boilerplate: &[bool]) -> Result<StoryNumber> {
        let Insertion { matcher, transaction, prepared, .. } = *self;
        let corpus = &prepared.corpus;
        let (mut new, mut passages) = (Vec::new(), Vec::new());
        for passage in &corpus.passages[id.index()] {
            let (number, is_new) = self.insert_row(passage.row)?;
            if is_new {
                new.push(passage.row);
            }
            passages.push(StoredPassage { row: number, span: passage.span.clone(), title: passage.title });
        }
        let title_row = self.insert_title(id)?;
        let number = transaction.insert_story(&corpus.stories[id.index()], &passages, title_row)?;
        let mut by_row = vec![false; corpus.rows.len()];
        for (passage, flag) in corpus.passages[id.index()].iter().zip(boilerplate) {
            by_row[passage.row.index()] = *flag;
        }
        matcher.count_words(transaction, (corpus, id), &by_row, &new, 1)?;
        Ok(number)
    }

    /// The number of a row, and whether it was inserted now.
    fn insert_row(&mut self, row: RowId) -> Result<(RowNumber, bool)> {
        if let Some(number) = self.inserted.rows.get(&row) {
            return Ok((*number, false));
        }
        let content = &self.prepared.corpus.rows[row.index()];
        let stored = self.transaction.reader().row_number(&content.hash)?;
        let number = match stored {
            Some(number) => number,
            None => {
                let vector = self.prepared.vectors.row(row.index());
                let number = self.transaction.insert_row(content, vector)?;
                self.inserted.vectors.push((number, vector.to_vec()));
                number
            }
        };
        self.inserted.rows.insert(row, number);
        Ok((number, stored.is_none()))
    }

    /// The row of the title of a story that also has a body.
    fn insert_title(&mut self, id: StoryId) -> Result<Option<RowNumber>> {
        let PreparedStories { corpus, vectors, titles, .. } = self.prepared;
        let Some(row) = &titles.of_story[id.index()] else { return Ok(None) };
        if let Some(number) = self.transaction.reader().row_number(&row.hash)? {
            return Ok(Some(number));
        }
        // A passage of a later story of the batch can have the text of the title.
        let in_corpus = corpus.rows.iter().position(|r| r.hash == row.hash);
        let missing = titles.missing.iter().position(|r| r.hash == row.hash);
        let vector = match (in_corpus, missing) {
            (Some(i), _) => vectors.row(i),
            (None, Some(i)) => titles.vectors.row(i),
            // It was in the store when the stories were prepared, and there is no other writer.
            (None, None) => return Ok(None),
        };
        let number = self.transaction.insert_row(row, vector)?;
        self.inserted.vectors.push((number, vector.to_vec()));
        Ok(Some(number))
    }
}

//! Stories that come into a store and leave it.

use super::{
    Archive, Embed, Matcher,
    check::{Batch, CheckResult, Inserted},
    pairs,
    working_set::WorkingSet,
};
use crate::{
    Error, Result,
    compare::{TermStatistics, story_terms},
    corpus::{has_ordinal_id, text_digest},
    embed::EmbedStats,
    store::{Added, Store, StoredPassage, StoryStatus, WriteTransaction},
    story::{Corpus, Row, RowId, Story, StoryId},
};

/// A file whose stories are all in once a batch is.
pub struct SourceFile {
    /// Its path.
    pub path: String,
    /// See [`crate::store::digest_stories`].
    pub digest: [u8; 32],
    /// How many stories it has.
    pub stories: u64,
}

/// What came of a batch.
#[derive(Debug, Clone, Default)]
pub struct AddOutcome {
    /// What became of the stories.
    pub added: Added,
    /// What the encoder saw.
    pub embed_stats: EmbedStats,
}

impl Archive {
    /// Notes that a run began, at `at` in milliseconds since 1970 UTC; its number.
    pub fn begin_run(&mut self, at: i64, command: &str) -> Result<i64> {
        let transaction = self.store.begin_write()?;
        if !self.matcher.index.rebuilt.is_empty() {
            // Files of another state would belong to this one again if its last item happened to be theirs.
            transaction.reset_generation()?;
        }
        let run = transaction.insert_run(at, command)?;
        transaction.commit()?;
        Ok(run)
    }

    /// Keeps the figures of a run, as JSON.
    pub fn finish_run(&mut self, run: i64, manifest: &str) -> Result<()> {
        let transaction = self.store.begin_write()?;
        transaction.set_manifest(run, manifest)?;
        transaction.commit()
    }

    /// Judges stories against all that came before them, and puts them into the store: all of them or none.
    pub fn add(
        &mut self,
        run: i64,
        stories: Vec<Story>,
        whole: &[SourceFile],
        embed: &Embed<'_>,
    ) -> Result<AddOutcome> {
        let mut learned = AddOutcome::default();
        let mut new = Vec::new();
        let mut replaced = Vec::new();
        let mut met = std::collections::BTreeSet::new();
        for story in stories {
            match self.store.status(&story)? {
                StoryStatus::Unchanged => learned.added.unchanged += 1,
                // Two stories of one batch can have one id, as those of two files can.
                _ if !met.insert(story.id.clone()) => learned.added.taken.push(story.id),
                StoryStatus::IdConflict => learned.added.taken.push(story.id),
                StoryStatus::New => {
                    new.push(story);
                    replaced.push(None);
                }
                StoryStatus::Changed(number) => {
                    new.push(story);
                    replaced.push(Some(number));
                }
            }
        }
        let batch = self.matcher.batch(&self.store, new, embed)?;
        self.put(run, &batch, &replaced, whole, &mut learned)?;
        Ok(learned)
    }

    /// Judges one story, as [`Archive::judge`] does, and puts it into the store, with its passages embedded once.
    pub fn check_and_add(
        &mut self,
        run: i64,
        story: Story,
        embed: &Embed<'_>,
    ) -> Result<(CheckResult, AddOutcome)> {
        let mut learned = AddOutcome::default();
        let known = self.store.status(&story)?;
        let id = story.id.clone();
        let batch = self.matcher.batch(&self.store, vec![story], embed)?;
        let judgement = self.matcher.judgement(&self.store, &batch)?;
        match known {
            StoryStatus::Unchanged => learned.added.unchanged += 1,
            StoryStatus::IdConflict => learned.added.taken.push(id),
            StoryStatus::New => self.put(run, &batch, &[None], &[], &mut learned)?,
            StoryStatus::Changed(number) => self.put(run, &batch, &[Some(number)], &[], &mut learned)?,
        }
        Ok((judgement, learned))
    }

    /// Puts the stories of `batch`; `replaced` has the number of each that takes another's place.
    fn put(
        &mut self,
        run: i64,
        batch: &Batch,
        replaced: &[Option<i64>],
        whole: &[SourceFile],
        learned: &mut AddOutcome,
    ) -> Result<()> {
        let Archive { store, matcher } = self;
        learned.embed_stats = batch.embed_stats;
        learned.added.rows = batch.embed_stats.texts;
        // Words that were counted in a change that did not happen must not stay.
        let put = matcher.put(store, run, batch, replaced, whole);
        let (fresh, gone) = put.inspect_err(|_| matcher.words.borrow_mut().clear())?;
        for (number, vector) in &fresh.vectors {
            matcher.index.rows.push(*number, vector);
        }
        gone.iter().for_each(|number| matcher.index.stories.remove(*number));
        for (number, at) in &fresh.stories {
            matcher.index.push_story(*number, &batch.searched[at.index()]);
        }
        learned.added.replaced = gone.len() as u64;
        learned.added.added = (fresh.stories.len() - gone.len()) as u64;
        Ok(())
    }

    /// Takes the stories with these ids out, all of them or none; an unknown id is an error. With `tombstones` they are
    /// marked as what people do not want: see [`Store::tombstone`].
    pub fn remove(&mut self, run: i64, ids: &[String], tombstones: bool) -> Result<u64> {
        let Archive { store, matcher } = self;
        let removed = matcher
            .remove(store, run, ids, tombstones)
            .inspect_err(|_| matcher.words.borrow_mut().clear())?;
        removed.iter().for_each(|number| matcher.index.stories.remove(*number));
        Ok(removed.len() as u64)
    }
}

impl Matcher {
    fn put(
        &self,
        store: &mut Store,
        run: i64,
        batch: &Batch,
        replaced: &[Option<i64>],
        whole: &[SourceFile],
    ) -> Result<(Inserted, Vec<i64>)> {
        let transaction = store.begin_write()?;
        let mut fresh = Inserted::default();
        let mut gone = Vec::new();
        for (i, replaced) in replaced.iter().enumerate() {
            let at = StoryId(i as u32);
            if let Some(number) = replaced {
                self.take_out(&transaction, run, *number, Some(&batch.corpus.stories[i]))?;
                gone.push(*number);
            }
            let (working, verdicts) = self.judge_one(transaction.reader(), batch, at, &fresh)?;
            let numbers = working.numbers.clone();
            let flags: Vec<bool> = {
                let own = working.corpus.passages.last().map(|p| &p[..]).unwrap_or_default();
                own.iter().map(|p| working.boilerplate[p.row.index()]).collect()
            };
            drop(working);
            let number = self.put_one(&transaction, batch, at, &flags, &mut fresh)?;
            let mut of_origin = vec![number];
            for verdict in &verdicts {
                let Some(other) = numbers[verdict.a.index()] else { continue };
                transaction.insert_pair(&pairs::stored(verdict, other, number)?)?;
                if verdict.relation.is_origin() {
                    of_origin.push(other);
                }
            }
            if of_origin.len() > 1 {
                self.regroup(&transaction, run, &of_origin, &[], &batch.corpus.stories[i].id)?;
            }
            fresh.stories.push((number, at));
        }
        for SourceFile { path, digest, stories } in whole {
            transaction.set_source(path, digest, *stories)?;
        }
        transaction.commit()?;
        Ok((fresh, gone))
    }

    /// Puts one story with its rows and words; `flags` says which of its passages are boilerplate.
    fn put_one(
        &self,
        transaction: &WriteTransaction<'_>,
        batch: &Batch,
        at: StoryId,
        flags: &[bool],
        fresh: &mut Inserted,
    ) -> Result<i64> {
        let corpus = &batch.corpus;
        let mut new = Vec::new();
        let mut passages = Vec::new();
        for passage in &corpus.passages[at.index()] {
            let row = passage.row;
            let known = match fresh.rows.get(&row) {
                Some(number) => Some(*number),
                None => transaction.reader().row_number(&corpus.rows[row.index()].hash)?,
            };
            let number = match known {
                Some(number) => number,
                None => {
                    new.push(row);
                    let vector = batch.vectors.row(row.index());
                    let number = transaction.insert_row(&corpus.rows[row.index()], vector)?;
                    fresh.vectors.push((number, vector.to_vec()));
                    number
                }
            };
            fresh.rows.insert(row, number);
            passages.push(StoredPassage { row: number, span: passage.span.clone(), title: passage.title });
        }
        let title_row = self.put_title(transaction, batch, at, fresh)?;
        let number = transaction.insert_story(&corpus.stories[at.index()], &passages, title_row)?;
        let mut of_row = vec![false; corpus.rows.len()];
        for (passage, flag) in corpus.passages[at.index()].iter().zip(flags) {
            of_row[passage.row.index()] = *flag;
        }
        self.count(transaction, corpus, at, &of_row, &new, 1)?;
        Ok(number)
    }

    fn put_title(
        &self,
        transaction: &WriteTransaction<'_>,
        batch: &Batch,
        at: StoryId,
        fresh: &mut Inserted,
    ) -> Result<Option<i64>> {
        let Some(row) = &batch.titles.of_story[at.index()] else { return Ok(None) };
        if let Some(known) = transaction.reader().row_number(&row.hash)? {
            return Ok(Some(known));
        }
        // A passage of a later story of the batch can have the title's words.
        let of_batch = batch.corpus.rows.iter().position(|r| r.hash == row.hash);
        let unknown = batch.titles.unknown.iter().position(|r| r.hash == row.hash);
        let vector = match (of_batch, unknown) {
            (Some(at), _) => batch.vectors.row(at),
            (None, Some(at)) => batch.titles.vectors.row(at),
            // It was there when the batch was read, and nobody else writes.
            (None, None) => return Ok(None),
        };
        let number = transaction.insert_row(row, vector)?;
        fresh.vectors.push((number, vector.to_vec()));
        Ok(Some(number))
    }

    /// Adds a story's words to the store's, or takes them away.
    fn count(
        &self,
        transaction: &WriteTransaction<'_>,
        corpus: &Corpus,
        at: StoryId,
        boilerplate: &[bool],
        new: &[RowId],
        times: i64,
    ) -> Result<()> {
        let mut kept = self.words.borrow_mut();
        for ((field, word), TermStatistics { stories, name_votes }) in
            story_terms(corpus, at, boilerplate, new)
        {
            transaction.add_word(field.number(), &word, times * i64::from(stories), i64::from(name_votes))?;
            // Read anew when it is asked for again.
            if let Some(kept) = kept.get_mut(&field) {
                kept.remove(&word);
            }
        }
        Ok(())
    }

    /// Takes a story out of the store, and out of its group; `heir` is the one that has its id from now on.
    fn take_out(
        &self,
        transaction: &WriteTransaction<'_>,
        run: i64,
        number: i64,
        heir: Option<&Story>,
    ) -> Result<()> {
        let reader = transaction.reader();
        let Some(story) = reader.story(number)? else { return Ok(()) };
        let group = reader.member(number)?.map(|m| m.group);
        let mut near: Vec<i64> = Vec::new();
        for pair in reader.pairs_of(number)? {
            near.push(if pair.a == number { pair.b } else { pair.a });
        }
        let rest = group.map(|g| reader.members(g)).transpose()?.unwrap_or_default();
        near.extend(rest.iter().map(|m| m.story));
        near.retain(|other| *other != number);
        near.sort_unstable();
        near.dedup();
        let id = story.id.clone();
        // What people decided on a record without an id of its own, they decided on its text.
        if has_ordinal_id(&story) && heir.is_none_or(|heir| text_digest(heir) != text_digest(&story)) {
            transaction.remove_decisions_of(&id)?;
        }
        let corpus = Corpus::new(vec![story]);
        // As far as is known now: a row may have become boilerplate since its words were counted.
        let mut working = WorkingSet::new(reader, &self.boilerplate, self.dim);
        working.take(number)?;
        let flag = |row: &Row| working.corpus.rows.iter().position(|r| r.hash == row.hash);
        let flags: Vec<bool> =
            corpus.rows.iter().map(|row| flag(row).is_some_and(|at| working.boilerplate[at])).collect();
        self.count(transaction, &corpus, StoryId(0), &flags, &[], -1)?;
        transaction.remove_story(number)?;
        if let Some(group) = group {
            transaction.insert_event(run, "left", group, &id, None)?;
            self.regroup(transaction, run, &near, &[group], &id)?;
        }
        Ok(())
    }

    fn remove(&self, store: &mut Store, run: i64, ids: &[String], tombstones: bool) -> Result<Vec<i64>> {
        let transaction = store.begin_write()?;
        let mut removed = Vec::new();
        for id in ids {
            let number = transaction
                .reader()
                .story_number(id)?
                .ok_or_else(|| Error::UnknownStory { id: id.clone() })?;
            if let (true, Some(story)) = (tombstones, transaction.reader().story(number)?) {
                transaction.insert_tombstone(id, &story.origin.path.to_string_lossy())?;
            }
            self.take_out(&transaction, run, number, None)?;
            removed.push(number);
        }
        transaction.commit()?;
        Ok(removed)
    }
}

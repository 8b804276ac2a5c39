//! Stories that come into a store and leave it.

use super::{
    Archive, Embed, Judge,
    judge::{Batch, Fresh, Judgement},
    pairs,
    working::Working,
};
use crate::{
    Error, Result,
    compare::{Frequency, frequencies_added},
    corpus::{is_counted, text_digest},
    embed::EmbedStats,
    store::{Added, Change, Known, Store, StoredPassage},
    story::{Corpus, Row, RowId, Story, StoryId},
};

/// A file whose stories are all in once a batch is.
pub struct Whole {
    /// Its path.
    pub path: String,
    /// See [`crate::store::digest_of`].
    pub digest: [u8; 32],
    /// How many stories it has.
    pub stories: u64,
}

/// What came of a batch.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// What became of the stories.
    pub added: Added,
    /// What the encoder saw.
    pub embed_stats: EmbedStats,
}

impl Archive {
    /// Notes that a run began, at `at` in milliseconds since 1970 UTC; its number.
    pub fn begin(&mut self, at: i64, command: &str) -> Result<i64> {
        let change = self.store.change()?;
        if !self.judge.index.rebuilt.is_empty() {
            // Files of another state would belong to this one again if its last item happened to be theirs.
            change.new_generation()?;
        }
        let run = change.put_run(at, command)?;
        change.commit()?;
        Ok(run)
    }

    /// Keeps the figures of a run, as JSON.
    pub fn end(&mut self, run: i64, manifest: &str) -> Result<()> {
        let change = self.store.change()?;
        change.set_manifest(run, manifest)?;
        change.commit()
    }

    /// Judges stories against all that came before them, and puts them into the store: all of them or none.
    pub fn learn(
        &mut self,
        run: i64,
        stories: Vec<Story>,
        whole: &[Whole],
        embed: &Embed<'_>,
    ) -> Result<Learned> {
        let mut learned = Learned::default();
        let mut new = Vec::new();
        let mut replaced = Vec::new();
        let mut met = std::collections::BTreeSet::new();
        for story in stories {
            match self.store.known(&story)? {
                Known::Same => learned.added.unchanged += 1,
                // Two stories of one batch can have one id, as those of two files can.
                _ if !met.insert(story.id.clone()) => learned.added.taken.push(story.id),
                Known::Taken => learned.added.taken.push(story.id),
                Known::New => {
                    new.push(story);
                    replaced.push(None);
                }
                Known::Other(number) => {
                    new.push(story);
                    replaced.push(Some(number));
                }
            }
        }
        let batch = self.judge.batch(&self.store, new, embed)?;
        self.put(run, &batch, &replaced, whole, &mut learned)?;
        Ok(learned)
    }

    /// Judges one story, as [`Archive::judge`] does, and puts it into the store, with its passages embedded once.
    pub fn judge_and_learn(
        &mut self,
        run: i64,
        story: Story,
        embed: &Embed<'_>,
    ) -> Result<(Judgement, Learned)> {
        let mut learned = Learned::default();
        let known = self.store.known(&story)?;
        let id = story.id.clone();
        let batch = self.judge.batch(&self.store, vec![story], embed)?;
        let judgement = self.judge.judgement(&self.store, &batch)?;
        match known {
            Known::Same => learned.added.unchanged += 1,
            Known::Taken => learned.added.taken.push(id),
            Known::New => self.put(run, &batch, &[None], &[], &mut learned)?,
            Known::Other(number) => self.put(run, &batch, &[Some(number)], &[], &mut learned)?,
        }
        Ok((judgement, learned))
    }

    /// Puts the stories of `batch`; `replaced` has the number of each that takes another's place.
    fn put(
        &mut self,
        run: i64,
        batch: &Batch,
        replaced: &[Option<i64>],
        whole: &[Whole],
        learned: &mut Learned,
    ) -> Result<()> {
        let Archive { store, judge } = self;
        learned.embed_stats = batch.embed_stats;
        learned.added.rows = batch.embed_stats.texts;
        // Words that were counted in a change that did not happen must not stay.
        let put = judge.put(store, run, batch, replaced, whole);
        let (fresh, gone) = put.inspect_err(|_| judge.words.borrow_mut().clear())?;
        for (number, vector) in &fresh.vectors {
            judge.index.rows.push(*number, vector);
        }
        gone.iter().for_each(|number| judge.index.stories.remove(*number));
        for (number, at) in &fresh.stories {
            judge.index.push_story(*number, &batch.searched[at.index()]);
        }
        learned.added.replaced = gone.len() as u64;
        learned.added.added = (fresh.stories.len() - gone.len()) as u64;
        Ok(())
    }

    /// Takes the stories with these ids out, all of them or none; an unknown id is an error. With `keep_out` they are
    /// marked as what people do not want: see [`Store::kept_out`].
    pub fn remove(&mut self, run: i64, ids: &[String], keep_out: bool) -> Result<u64> {
        let Archive { store, judge } = self;
        let removed =
            judge.remove(store, run, ids, keep_out).inspect_err(|_| judge.words.borrow_mut().clear())?;
        removed.iter().for_each(|number| judge.index.stories.remove(*number));
        Ok(removed.len() as u64)
    }
}

impl Judge {
    fn put(
        &self,
        store: &mut Store,
        run: i64,
        batch: &Batch,
        replaced: &[Option<i64>],
        whole: &[Whole],
    ) -> Result<(Fresh, Vec<i64>)> {
        let change = store.change()?;
        let mut fresh = Fresh::default();
        let mut gone = Vec::new();
        for (i, replaced) in replaced.iter().enumerate() {
            let at = StoryId(i as u32);
            if let Some(number) = replaced {
                self.take_out(&change, run, *number, Some(&batch.corpus.stories[i]))?;
                gone.push(*number);
            }
            let (working, verdicts) = self.judge_one(change.view(), batch, at, &fresh)?;
            let numbers = working.numbers.clone();
            let flags: Vec<bool> = {
                let own = working.corpus.passages.last().map(|p| &p[..]).unwrap_or_default();
                own.iter().map(|p| working.boilerplate[p.row.index()]).collect()
            };
            drop(working);
            let number = self.put_one(&change, batch, at, &flags, &mut fresh)?;
            let mut of_origin = vec![number];
            for verdict in &verdicts {
                let Some(other) = numbers[verdict.a.index()] else { continue };
                change.put_pair(&pairs::stored(verdict, other, number)?)?;
                if verdict.relation.is_origin() {
                    of_origin.push(other);
                }
            }
            if of_origin.len() > 1 {
                self.regroup(&change, run, &of_origin, &[], &batch.corpus.stories[i].id)?;
            }
            fresh.stories.push((number, at));
        }
        for Whole { path, digest, stories } in whole {
            change.set_source(path, digest, *stories)?;
        }
        change.commit()?;
        Ok((fresh, gone))
    }

    /// Puts one story with its rows and words; `flags` says which of its passages are boilerplate.
    fn put_one(
        &self,
        change: &Change<'_>,
        batch: &Batch,
        at: StoryId,
        flags: &[bool],
        fresh: &mut Fresh,
    ) -> Result<i64> {
        let corpus = &batch.corpus;
        let mut new = Vec::new();
        let mut passages = Vec::new();
        for passage in &corpus.passages[at.index()] {
            let row = passage.row;
            let known = match fresh.rows.get(&row) {
                Some(number) => Some(*number),
                None => change.view().row_number(&corpus.rows[row.index()].hash)?,
            };
            let number = match known {
                Some(number) => number,
                None => {
                    new.push(row);
                    let vector = batch.vectors.row(row.index());
                    let number = change.put_row(&corpus.rows[row.index()], vector)?;
                    fresh.vectors.push((number, vector.to_vec()));
                    number
                }
            };
            fresh.rows.insert(row, number);
            passages.push(StoredPassage { row: number, span: passage.span.clone(), title: passage.title });
        }
        let title_row = self.put_title(change, batch, at, fresh)?;
        let number = change.put_story(&corpus.stories[at.index()], &passages, title_row)?;
        let mut of_row = vec![false; corpus.rows.len()];
        for (passage, flag) in corpus.passages[at.index()].iter().zip(flags) {
            of_row[passage.row.index()] = *flag;
        }
        self.count(change, corpus, at, &of_row, &new, 1)?;
        Ok(number)
    }

    fn put_title(
        &self,
        change: &Change<'_>,
        batch: &Batch,
        at: StoryId,
        fresh: &mut Fresh,
    ) -> Result<Option<i64>> {
        let Some(row) = &batch.titles.of_story[at.index()] else { return Ok(None) };
        if let Some(known) = change.view().row_number(&row.hash)? {
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
        let number = change.put_row(row, vector)?;
        fresh.vectors.push((number, vector.to_vec()));
        Ok(Some(number))
    }

    /// Adds a story's words to the store's, or takes them away.
    fn count(
        &self,
        change: &Change<'_>,
        corpus: &Corpus,
        at: StoryId,
        boilerplate: &[bool],
        new: &[RowId],
        times: i64,
    ) -> Result<()> {
        let mut kept = self.words.borrow_mut();
        for ((field, word), Frequency { stories, name }) in frequencies_added(corpus, at, boilerplate, new) {
            change.add_word(field.number(), &word, times * i64::from(stories), i64::from(name))?;
            // Read anew when it is asked for again.
            if let Some(kept) = kept.get_mut(&field) {
                kept.remove(&word);
            }
        }
        Ok(())
    }

    /// Takes a story out of the store, and out of its group; `heir` is the one that has its id from now on.
    fn take_out(&self, change: &Change<'_>, run: i64, number: i64, heir: Option<&Story>) -> Result<()> {
        let view = change.view();
        let Some(story) = view.story(number)? else { return Ok(()) };
        let group = view.member(number)?.map(|m| m.group);
        let mut near: Vec<i64> = Vec::new();
        for pair in view.pairs_of(number)? {
            near.push(if pair.a == number { pair.b } else { pair.a });
        }
        let rest = group.map(|g| view.members(g)).transpose()?.unwrap_or_default();
        near.extend(rest.iter().map(|m| m.story));
        near.retain(|other| *other != number);
        near.sort_unstable();
        near.dedup();
        let id = story.id.clone();
        // What people decided on a record without an id of its own, they decided on its text.
        if is_counted(&story) && heir.is_none_or(|heir| text_digest(heir) != text_digest(&story)) {
            change.forget_decisions_on(&id)?;
        }
        let corpus = Corpus::new(vec![story]);
        // As far as is known now: a row may have become boilerplate since its words were counted.
        let mut working = Working::new(view, &self.boilerplate, self.dim);
        working.take(number)?;
        let flag = |row: &Row| working.corpus.rows.iter().position(|r| r.hash == row.hash);
        let flags: Vec<bool> =
            corpus.rows.iter().map(|row| flag(row).is_some_and(|at| working.boilerplate[at])).collect();
        self.count(change, &corpus, StoryId(0), &flags, &[], -1)?;
        change.remove_story(number)?;
        if let Some(group) = group {
            change.put_event(run, "left", group, &id, None)?;
            self.regroup(change, run, &near, &[group], &id)?;
        }
        Ok(())
    }

    fn remove(&self, store: &mut Store, run: i64, ids: &[String], keep_out: bool) -> Result<Vec<i64>> {
        let change = store.change()?;
        let mut removed = Vec::new();
        for id in ids {
            let number = change.view().number(id)?.ok_or_else(|| Error::UnknownStory {
                id: id.clone(),
                hint: "samestory index export lists the ids; nothing was removed".into(),
            })?;
            if let (true, Some(story)) = (keep_out, change.view().story(number)?) {
                change.keep_out(id, &story.origin.path.to_string_lossy())?;
            }
            self.take_out(&change, run, number, None)?;
            removed.push(number);
        }
        change.commit()?;
        Ok(removed)
    }
}

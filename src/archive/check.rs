//! What new stories are to those of a store.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Archive, Embed, Matcher,
    frequencies::StoreFrequencies,
    index::{SearchKeys, shingles_of},
    pairs,
    regroup::decided,
    texts::{EmbeddedBatch, MissingVectors, TitleRows},
    working_set::WorkingSet,
};
use crate::{
    Result,
    compare::{Comparer, CorpusStatistics, Explanation, Relation, Verdict, passage_text},
    embed::EmbedStats,
    group::{self, Groups},
    progress::Progress,
    search::{self, Limit, write_mean},
    store::{Reader, Store},
    story::{Corpus, RowId, Story, StoryId},
    vector::{Matrix, dot},
};

/// A story of the store that a new one is related to.
#[derive(Debug, Clone, PartialEq)]
pub struct RelatedStory {
    /// Its id.
    pub id: String,
    /// What the new story is to it.
    pub relation: Relation,
    /// Share of the new story's informative tokens that it has, in [0, 1].
    pub coverage: f32,
    /// Share of its informative tokens that the new story has, in [0, 1].
    pub coverage_of: f32,
    /// Cosine similarity of the two stories.
    pub cosine: f32,
    /// Why, in words, seen from the new story.
    pub reason: String,
    /// The number of its group, if it is in one.
    pub group: Option<i64>,
}

/// What a new story is to those of the store.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckResult {
    /// Those that it is related to: of one origin first, then by how much is shared.
    pub related: Vec<RelatedStory>,
    /// Its passages that no story of one origin has, boilerplate apart.
    pub novel_passages: Vec<String>,
}

/// New stories beside those of the store that they were compared with.
pub struct ArchiveDedup {
    /// Both: those of the store first, in their order.
    pub corpus: Corpus,
    /// How many are of the store.
    pub stored: usize,
    /// What they are to one another.
    pub verdicts: Vec<Verdict>,
    /// How many pairs were compared.
    pub compared_pairs: u64,
    /// The groups and links that new stories have part in.
    pub groups: Groups,
    /// What the encoder saw.
    pub embed_stats: EmbedStats,
}

/// New stories with what was found for all of them at once.
pub(super) struct Batch {
    pub corpus: Corpus,
    pub vectors: Matrix,
    pub titles: TitleRows,
    pub searched: Vec<SearchKeys>,
    /// For each row the numbers of near rows of the store.
    near_rows: Vec<Vec<i64>>,
    /// For each story the numbers of near stories, with their scores.
    near_stories: Vec<Vec<(i64, f32)>>,
    pub embed_stats: EmbedStats,
}

/// Stories whose shingles are kept: those that share a few with many are asked for again and again.
const KEPT: usize = 20_000;

/// What of a batch is in the store already.
#[derive(Default)]
pub(super) struct Inserted {
    /// Rows of the batch under their numbers.
    pub rows: BTreeMap<RowId, i64>,
    /// Its stories under their numbers.
    pub stories: Vec<(i64, StoryId)>,
    /// The rows that were not there, in the order of their numbers.
    pub vectors: Vec<(i64, Vec<f32>)>,
}

impl Archive {
    /// What a new story is to those of the store, which is left as it is.
    pub fn check(&self, story: Story, embed: &Embed<'_>) -> Result<CheckResult> {
        let batch = self.matcher.batch(&self.store, vec![story], embed)?;
        self.matcher.judgement(&self.store, &batch)
    }

    /// Explains what two stories of the store are to one another; none if one is not there.
    pub fn explain(&self, a: i64, b: i64) -> Result<Option<Explanation>> {
        let reader = self.store.reader();
        let mut working = WorkingSet::new(reader, &self.matcher.boilerplate, self.matcher.dim);
        let (Some(a), Some(b)) = (working.take(a)?, working.take(b)?) else { return Ok(None) };
        self.matcher.compare(reader, &working, |comparer| comparer.explain(a, b)).map(Some)
    }

    /// What new stories are to those of the store and to one another; the store is left as it is. Groups of the store
    /// keep their numbers, new ones are numbered on from there.
    pub fn dedup(
        &self,
        stories: Vec<Story>,
        embed: &Embed<'_>,
        progress: &dyn Progress,
    ) -> Result<ArchiveDedup> {
        self.matcher.judge_all(&self.store, stories, embed, progress)
    }
}

impl Matcher {
    /// Embeds what is not known, and searches for all at once.
    pub(super) fn batch(&self, store: &Store, stories: Vec<Story>, embed: &Embed<'_>) -> Result<Batch> {
        let fresh = MissingVectors::new(store, stories, self.dim)?;
        let known = fresh.known();
        let (embedded, embed_stats) = embed(&fresh.texts())?;
        let (EmbeddedBatch { corpus, vectors, titles }, dim) = (fresh.embedded(&embedded)?, self.dim);
        let embed_stats = EmbedStats { cached_texts: embed_stats.cached_texts + known, ..embed_stats };

        let rows: Vec<&[f32]> = (0..corpus.rows.len()).map(|i| vectors.row(i)).collect();
        let reader = store.reader();
        let floor = Limit::AtLeast(self.options.search.row_floor);
        let found = self.index.rows.search(&rows, floor, &mut |number| reader.vector(number))?;
        let near_rows =
            found.into_iter().map(|near| near.into_iter().map(|(row, _)| row).collect()).collect();
        let searched: Vec<SearchKeys> = (0..corpus.stories.len())
            .map(|i| {
                let mut mean = vec![0.0; dim];
                let id = StoryId(i as u32);
                write_mean(corpus.story_rows(id).map(|row| vectors.row(row.index())), &mut mean);
                SearchKeys {
                    mean,
                    shingles: search::shingles(&corpus, id, self.options.search.shingles.words),
                }
            })
            .collect();
        let means: Vec<&[f32]> = searched.iter().map(|s| &s.mean[..]).collect();
        let options = &self.options.search;
        let near_stories =
            self.index.stories.roughly_nearest(&means, options.story_neighbours, options.story_floor);
        Ok(Batch { corpus, vectors, titles, searched, near_rows, near_stories, embed_stats })
    }

    /// The numbers of the stories that story `at` of the batch is compared with.
    pub(super) fn candidates(
        &self,
        reader: Reader<'_>,
        batch: &Batch,
        at: StoryId,
        fresh: &Inserted,
    ) -> Result<BTreeSet<i64>> {
        let options = &self.options.search;
        let mut found = BTreeSet::new();
        let mut rows: BTreeSet<i64> = BTreeSet::new();
        for row in batch.corpus.story_rows(at) {
            rows.extend(&batch.near_rows[row.index()]);
            let own = batch.vectors.row(row.index());
            let near = |other: &RowId| {
                *other == row || dot(own, batch.vectors.row(other.index())) >= options.row_floor
            };
            rows.extend(fresh.rows.iter().filter(|(other, _)| near(other)).map(|(_, number)| *number));
        }
        for row in rows {
            let carriers = reader.stories_with_row(row, options.max_occurrences + 1)?;
            if carriers.len() <= options.max_occurrences {
                found.extend(carriers);
            }
        }
        let searched = &batch.searched[at.index()];
        let mut near = batch.near_stories[at.index()].clone();
        let of_batch = fresh
            .stories
            .iter()
            .map(|(number, other)| (*number, dot(&searched.mean, &batch.searched[other.index()].mean)));
        near.extend(of_batch.filter(|(_, score)| *score >= options.story_floor));
        near.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        found.extend(near.iter().take(options.story_neighbours).map(|(number, _)| *number));
        let mut theirs = |story: u32| {
            let mut kept = self.shingles.borrow_mut();
            if let Some(shingles) = kept.get(&story) {
                return Ok(shingles.clone());
            }
            let read = reader.story(i64::from(story))?;
            let shingles: Rc<[u64]> = read.map(|read| shingles_of(read, options)).unwrap_or_default().into();
            if kept.len() >= KEPT {
                kept.clear();
            }
            kept.insert(story, shingles.clone());
            Ok(shingles)
        };
        let shared = self.index.shingles.candidates(&searched.shingles, &options.shingles, &mut theirs)?;
        found.extend(shared.into_iter().map(i64::from));
        Ok(found)
    }

    /// What story `at` of the batch is to those of the store: the stories it was compared with, itself last, and the
    /// verdicts on those that it is related to.
    pub(super) fn judge_one<'a>(
        &'a self,
        reader: Reader<'a>,
        batch: &Batch,
        at: StoryId,
        fresh: &Inserted,
    ) -> Result<(WorkingSet<'a>, Vec<Verdict>)> {
        let mut working = WorkingSet::new(reader, &self.boilerplate, self.dim);
        for number in self.candidates(reader, batch, at, fresh)? {
            working.take(number)?;
        }
        let own = working.add(&batch.corpus, at, &batch.vectors)?;
        let pairs: Vec<(StoryId, StoryId)> = (0..own.0).map(|other| (StoryId(other), own)).collect();
        let mut verdicts = self.verdicts(reader, &working, &pairs)?;
        verdicts.retain(|v| v.relation != Relation::None);
        Ok((working, verdicts))
    }

    /// The verdicts on `pairs`.
    fn verdicts(
        &self,
        reader: Reader<'_>,
        working: &WorkingSet<'_>,
        pairs: &[(StoryId, StoryId)],
    ) -> Result<Vec<Verdict>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        self.compare(reader, working, |comparer| comparer.compare_all(pairs, &crate::progress::NoProgress))?
    }

    /// Compares stories of `working` by how rare words are in the store.
    pub(super) fn compare<T>(
        &self,
        reader: Reader<'_>,
        working: &WorkingSet<'_>,
        ask: impl FnOnce(&Comparer<'_>) -> T,
    ) -> Result<T> {
        let frequencies = StoreFrequencies::new(&self.words, reader)?;
        let (vectors, boilerplate) = (working.vectors(), working.boilerplate.clone());
        let statistics = CorpusStatistics { boilerplate, frequencies: &frequencies, tokens: &self.tokens };
        let comparer =
            Comparer::with_statistics(&working.corpus, &vectors, &self.options.compare, statistics)?;
        Ok(ask(&comparer))
    }

    /// The verdict on two stories of the store, the earlier one first.
    pub(super) fn verdict(&self, reader: Reader<'_>, a: i64, b: i64) -> Result<Option<Verdict>> {
        let mut working = WorkingSet::new(reader, &self.boilerplate, self.dim);
        let (Some(a), Some(b)) = (working.take(a.min(b))?, working.take(a.max(b))?) else { return Ok(None) };
        Ok(self.verdicts(reader, &working, &[(a, b)])?.pop())
    }

    /// What the store knows of the stories of `working` among themselves.
    fn stored_verdicts(
        &self,
        reader: Reader<'_>,
        working: &WorkingSet<'_>,
        archived: usize,
    ) -> Result<Vec<Verdict>> {
        let of: BTreeMap<i64, StoryId> =
            (0..archived).filter_map(|i| Some((working.numbers[i]?, StoryId(i as u32)))).collect();
        let mut verdicts = Vec::new();
        for number in of.keys() {
            for pair in &reader.pairs_with_later(*number)? {
                if let (Some(a), Some(b)) = (of.get(&pair.a), of.get(&pair.b)) {
                    let verdict = pairs::verdict(pair, *a.min(b), *a.max(b))?;
                    verdicts.push(if a <= b { verdict } else { verdict.flipped() });
                }
            }
        }
        Ok(verdicts)
    }

    /// What the one story of `batch` is to those of the store.
    pub(super) fn judgement(&self, store: &Store, batch: &Batch) -> Result<CheckResult> {
        let reader = store.reader();
        let (working, mut verdicts) = self.judge_one(reader, batch, StoryId(0), &Inserted::default())?;
        verdicts.sort_by(|x, y| {
            let strength = |v: &Verdict| v.coverage_ab.max(v.coverage_ba);
            let order = y.relation.is_origin().cmp(&x.relation.is_origin());
            order.then(strength(y).total_cmp(&strength(x))).then(x.a.cmp(&y.a))
        });
        let mut related = Vec::new();
        for verdict in &verdicts {
            let seen = verdict.flipped();
            let number = working.numbers[verdict.a.index()];
            let member = number.map(|n| reader.member(n)).transpose()?.flatten();
            related.push(RelatedStory {
                id: working.corpus.stories[verdict.a.index()].id.clone(),
                relation: seen.relation,
                coverage: seen.coverage_ab,
                coverage_of: seen.coverage_ba,
                cosine: seen.cosine,
                reason: seen.reason(&working.corpus),
                group: member.map(|m| m.group),
            });
        }
        let own = StoryId(working.corpus.stories.len() as u32 - 1);
        let of_origin: Vec<StoryId> =
            verdicts.iter().filter(|v| v.relation.is_origin()).map(|v| v.a).collect();
        let places = self.compare(reader, &working, |comparer| comparer.novel_passages(own, &of_origin))?;
        let passages = &working.corpus.passages[own.index()];
        let story = &working.corpus.stories[own.index()];
        let novel_passages = places.into_iter().map(|at| passage_text(story, &passages[at]).into()).collect();
        Ok(CheckResult { related, novel_passages })
    }

    fn judge_all(
        &self,
        store: &Store,
        stories: Vec<Story>,
        embed: &Embed<'_>,
        progress: &dyn Progress,
    ) -> Result<ArchiveDedup> {
        let batch = self.batch(store, stories, embed)?;
        let reader = store.reader();
        let mut working = WorkingSet::new(reader, &self.boilerplate, self.dim);
        let mut found = Vec::new();
        let mut numbers = BTreeSet::new();
        for i in 0..batch.corpus.stories.len() {
            let candidates = self.candidates(reader, &batch, StoryId(i as u32), &Inserted::default())?;
            numbers.extend(&candidates);
            found.push(candidates);
        }
        // What is kept of a group answers for it, whoever is near.
        for number in numbers.clone() {
            let group = reader.member(number)?.map(|m| m.group);
            numbers.extend(group.map(|g| reader.canonical(g)).transpose()?.flatten());
        }
        for number in &numbers {
            working.take(*number)?;
        }
        let archived = working.corpus.stories.len();
        let own: Vec<StoryId> = (0..batch.corpus.stories.len())
            .map(|i| working.add(&batch.corpus, StoryId(i as u32), &batch.vectors))
            .collect::<Result<_>>()?;
        let near = search::candidates(&batch.corpus, &batch.vectors, &self.options.search, progress)?;
        let mut pairs: Vec<(StoryId, StoryId)> =
            near.pairs.iter().map(|p| (own[p.a.index()], own[p.b.index()])).collect();
        for (candidates, own) in found.iter().zip(&own) {
            for number in candidates {
                pairs.extend(working.take(*number)?.map(|other| (other, *own)));
            }
        }
        pairs.sort_unstable();
        let compared_pairs = pairs.len() as u64;
        let stored_verdicts = self.stored_verdicts(reader, &working, archived)?;
        let options =
            group::Options { constraints: decided(reader, &working.corpus)?, ..self.options.group.clone() };
        let (verdicts, mut groups) = self.compare(reader, &working, |comparer| {
            let mut verdicts = comparer.compare_all(&pairs, progress)?;
            verdicts.extend(stored_verdicts);
            verdicts.sort_by_key(|v| (v.a, v.b));
            let compare = |a, b| Ok(comparer.compare(a, b));
            let groups = group::group(&working.corpus, &verdicts, &options, &compare)?;
            Result::Ok((verdicts, groups))
        })??;
        groups.groups.retain(|g| g.members.iter().any(|m| m.story.index() >= archived));
        groups.links.retain(|v| v.b.index() >= archived);
        let mut next = reader.groups()?.last().map_or(0, |g| g.0);
        for group in &mut groups.groups {
            let known = group.members.iter().find_map(|m| working.numbers[m.story.index()]);
            let number = known.map(|n| reader.member(n)).transpose()?.flatten().map(|m| m.group);
            let number = number.unwrap_or_else(|| {
                next += 1;
                next
            });
            group.id = number as u32;
        }
        let WorkingSet { corpus, .. } = working;
        Ok(ArchiveDedup {
            corpus,
            stored: archived,
            verdicts,
            compared_pairs,
            groups,
            embed_stats: batch.embed_stats,
        })
    }
}

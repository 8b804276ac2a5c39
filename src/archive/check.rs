//! Checks one story against those of a store.

use std::cmp::Ordering;

use super::{
    Archive,
    matcher::Matcher,
    prepare::{Inserted, PreparedStories},
    working_set::WorkingSet,
};
use crate::{
    Result,
    compare::{Explanation, Relation, Verdict, passage_text},
    store::{GroupNumber, Reader, Store, StoryNumber},
    story::{Story, StoryId},
};

/// A story of the store that a checked one is of one origin with, or shares wording with.
#[derive(Debug, Clone, PartialEq)]
pub struct RelatedStory {
    /// Its id.
    pub id: String,
    /// The relation of the checked story to it.
    pub relation: Relation,
    /// The share of the checked story's informative tokens that it contains, in [0, 1].
    pub coverage: f32,
    /// The share of its informative tokens that the checked story contains, in [0, 1].
    pub coverage_of: f32,
    /// Cosine similarity of the two stories.
    pub cosine: f32,
    /// The reason in words, from the view of the checked story.
    pub reason: String,
    /// Its group, if it is in one.
    pub group: Option<GroupNumber>,
}

/// The relations of a checked story to those of the store.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct CheckResult {
    /// The stories that it shares its origin or wording with: those of one origin first, then by the share that is common.
    pub related: Vec<RelatedStory>,
    /// Its passages that no story of one origin contains, without boilerplate.
    pub novel_passages: Vec<String>,
}

impl Archive {
    /// Compares a story with those of the store, which stays as it is.
    ///
    /// # Errors
    /// [`Error::NoModel`](crate::Error::NoModel) without an embedder, [`Error::Store`](crate::Error::Store) if the store
    /// cannot be read, and the errors of embedding.
    pub fn check(&self, story: &Story) -> Result<CheckResult> {
        let prepared = self.prepare(vec![story.clone()])?;
        self.matcher.check_prepared(&self.store, &prepared)
    }

    /// Explains the verdict on two stories of the store; none if one of them was removed.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read.
    pub fn explain(&self, a: StoryNumber, b: StoryNumber) -> Result<Option<Explanation>> {
        let reader = self.store.reader();
        let mut set = self.matcher.working_set(reader);
        let (Some(a), Some(b)) = (set.load(a)?, set.load(b)?) else { return Ok(None) };
        self.matcher.with_comparer(reader, &set, |comparer| comparer.explain(a, b)).map(Some)
    }
}

/// Those of one origin first, then by the share that is common.
pub(super) fn by_strength(x: &Verdict, y: &Verdict) -> Ordering {
    let order = y.relation.is_origin().cmp(&x.relation.is_origin());
    order.then(y.higher_coverage().total_cmp(&x.higher_coverage())).then(x.a.cmp(&y.a))
}

impl Matcher {
    /// Compares a prepared story with its candidates: the set of all of them, itself last, and the verdicts on those
    /// that it is related to.
    pub fn compare_with_candidates<'a>(
        &'a self,
        reader: Reader<'a>,
        prepared: &PreparedStories,
        id: StoryId,
        inserted: &Inserted,
    ) -> Result<(WorkingSet<'a>, Vec<Verdict>)> {
        let mut set = self.working_set(reader);
        for number in self.candidates(reader, prepared, id, inserted)? {
            set.load(number)?;
        }
        let own = set.add_new(&prepared.corpus, id, &prepared.vectors)?;
        let pairs: Vec<(StoryId, StoryId)> = (0..own.0).map(|other| (StoryId(other), own)).collect();
        let mut verdicts = self.compare_pairs(reader, &set, &pairs)?;
        verdicts.retain(|v| v.relation != Relation::None);
        Ok((set, verdicts))
    }

    /// Checks the only one of the prepared stories.
    pub fn check_prepared(&self, store: &Store, prepared: &PreparedStories) -> Result<CheckResult> {
        let reader = store.reader();
        let (set, mut verdicts) =
            self.compare_with_candidates(reader, prepared, StoryId(0), &Inserted::default())?;
        verdicts.retain(|v| v.relation.is_origin() || v.relation.is_link());
        verdicts.sort_by(by_strength);
        let mut related = Vec::new();
        for verdict in &verdicts {
            let seen = verdict.flipped();
            let group = set.numbers[verdict.a.index()].map(|number| reader.group_of(number));
            related.push(RelatedStory {
                id: set.corpus.stories[verdict.a.index()].id.clone(),
                relation: seen.relation,
                coverage: seen.coverage_ab,
                coverage_of: seen.coverage_ba,
                cosine: seen.cosine,
                reason: seen.reason(&set.corpus),
                group: group.transpose()?.flatten(),
            });
        }
        let own = StoryId(set.corpus.stories.len() as u32 - 1);
        let same_origin: Vec<StoryId> =
            verdicts.iter().filter(|v| v.relation.is_origin()).map(|v| v.a).collect();
        let places =
            self.with_comparer(reader, &set, |comparer| comparer.novel_passages(own, &same_origin))?;
        let (story, passages) = (&set.corpus.stories[own.index()], &set.corpus.passages[own.index()]);
        let novel_passages = places.into_iter().map(|at| passage_text(story, &passages[at]).into()).collect();
        Ok(CheckResult { related, novel_passages })
    }
}

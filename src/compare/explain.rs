//! Explains a verdict passage by passage: what is the same, changed, cut, added or boilerplate.

use serde::Serialize;

use super::{
    Comparer, Contribution, Counterfactual, PairFeatures, Relation, Rule, align::Match,
    counterfactuals::counterfactuals, probability,
};
use crate::story::{Passage, Story, StoryId};

/// How a passage of one story relates to the other story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PassageChange {
    /// Word for word the same.
    Identical,
    /// Aligned, with other words.
    Changed,
    /// In the first story alone.
    Cut,
    /// In the second story alone.
    Added,
    /// Boilerplate: not compared.
    Boilerplate,
}

/// One passage of either story, or two that are aligned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassageDiff {
    /// How it relates to the other story.
    pub kind: PassageChange,
    /// The first story's text; empty if added.
    pub a: String,
    /// The second story's text; empty if cut.
    pub b: String,
    /// Share of the passage's informative tokens that the other story has, in [0, 1].
    pub coverage: f32,
}

/// Which passage of either story, or which two aligned ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassageAlignment {
    /// How it relates to the other story.
    pub kind: PassageChange,
    /// Which passage of the first story, from 0; `None` if added.
    pub a: Option<usize>,
    /// Which passage of the second story, from 0; `None` if cut.
    pub b: Option<usize>,
    /// Share of the passage's informative tokens that the other story has, in [0, 1].
    pub coverage: f32,
}

/// The explanation of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The first story's id.
    pub a: String,
    /// The second story's id.
    pub b: String,
    /// The relation.
    pub relation: Relation,
    /// The rule that applied.
    pub rule: Rule,
    /// The features that the rules classified.
    pub features: PairFeatures,
    /// The probability in [0, 1] that the two are of one origin.
    pub probability: f32,
    /// What it is made of.
    pub evidence: Vec<Contribution>,
    /// For each feature the nearest value that gives another relation; empty for identical texts.
    pub counterfactuals: Vec<Counterfactual>,
    /// The passages: those of the first story in order, then what the second adds.
    pub passages: Vec<PassageDiff>,
}

/// A passage with less coverage than this has no counterpart.
const MIN_ALIGNED: f32 = 0.25;

/// A passage of the second story of which the first has this share is not added: its words are in a longer passage there.
const MIN_CONTAINED: f32 = 0.5;

impl Comparer<'_> {
    /// Explains the verdict on `a` and `b`.
    pub fn explain(&self, a: StoryId, b: StoryId) -> Explanation {
        let verdict = self.compare(a, b);
        let text = |s: StoryId, at: Option<usize>| {
            let passage = at.map(|at| &self.corpus.passages[s.index()][at]);
            passage.map_or("", |p| passage_text(&self.corpus.stories[s.index()], p)).to_string()
        };
        let passage = |p: PassageAlignment| PassageDiff {
            kind: p.kind,
            a: text(a, p.a),
            b: text(b, p.b),
            coverage: p.coverage,
        };
        let counterfactuals = if verdict.relation == Relation::Identical {
            Vec::new()
        } else {
            counterfactuals(&verdict.features, &self.options.thresholds)
        };
        Explanation {
            a: self.corpus.stories[a.index()].id.clone(),
            b: self.corpus.stories[b.index()].id.clone(),
            relation: verdict.relation,
            rule: verdict.rule,
            features: verdict.features,
            probability: verdict.probability(),
            evidence: probability::contributions(verdict.rule, &verdict.features),
            counterfactuals,
            passages: self.align_passages(a, b).into_iter().map(passage).collect(),
        }
    }

    /// Which passages of `a` none of `others` has, boilerplate apart.
    pub fn novel_passages(&self, a: StoryId, others: &[StoryId]) -> Vec<usize> {
        let passages = &self.corpus.passages[a.index()];
        let mut is_novel =
            passages.iter().map(|p| !self.prepared.boilerplate[p.row.index()]).collect::<Vec<bool>>();
        for &other in others {
            let found = self.passage_coverage(a, other);
            is_novel.iter_mut().zip(found).for_each(|(is_novel, found)| *is_novel &= found < MIN_ALIGNED);
        }
        (0..passages.len()).filter(|at| is_novel[*at]).collect()
    }

    /// The passages of `a` in their order, each with its counterpart in `b`, then those that `b` adds.
    pub fn align_passages(&self, a: StoryId, b: StoryId) -> Vec<PassageAlignment> {
        let found = self.align(a, b);
        let (of_a, of_b) = (&self.corpus.passages[a.index()], &self.corpus.passages[b.index()]);
        let mut alignments = Vec::new();
        let mut is_aligned = vec![false; of_b.len()];
        for (at, passage) in of_a.iter().enumerate() {
            let alone = |kind, coverage| PassageAlignment { kind, a: Some(at), b: None, coverage };
            if self.prepared.boilerplate[passage.row.index()] {
                alignments.push(alone(PassageChange::Boilerplate, 0.0));
                continue;
            }
            let (coverage, other) = self.counterpart(a, b, at, &found.of_a);
            match other.filter(|_| coverage >= MIN_ALIGNED) {
                Some(other) => {
                    is_aligned[other] = true;
                    let same = of_b[other].row == passage.row;
                    let kind = if same { PassageChange::Identical } else { PassageChange::Changed };
                    alignments.push(PassageAlignment { kind, a: Some(at), b: Some(other), coverage });
                }
                None => alignments.push(alone(PassageChange::Cut, coverage)),
            }
        }
        for (at, passage) in of_b.iter().enumerate() {
            let boilerplate = self.prepared.boilerplate[passage.row.index()];
            let (coverage, _) = self.counterpart(b, a, at, &found.of_b);
            if is_aligned[at] || (!boilerplate && coverage >= MIN_ALIGNED.max(MIN_CONTAINED)) {
                continue;
            }
            let kind = if boilerplate { PassageChange::Boilerplate } else { PassageChange::Added };
            alignments.push(PassageAlignment { kind, a: None, b: Some(at), coverage });
        }
        alignments
    }

    /// How many passages `story` has.
    pub fn passage_count(&self, story: StoryId) -> usize {
        self.corpus.passages[story.index()].len()
    }

    /// For each row of the corpus, whether it is boilerplate.
    pub fn boilerplate(&self) -> &[bool] {
        &self.prepared.boilerplate
    }

    /// The share of each passage of `a` that is found in `b`, by the weight of its words, in [0, 1]; 0 for boilerplate.
    pub fn passage_coverage(&self, a: StoryId, b: StoryId) -> Vec<f32> {
        let story = &self.prepared.stories[a.index()];
        let of = self.align(a, b).of_a;
        let passages = self.corpus.passages[a.index()].len();
        let (mut all, mut matched) = (vec![0.0f32; passages], vec![0.0f32; passages]);
        for ((id, at), found) in story.ids.iter().zip(&story.passage).zip(&of) {
            let weight = self.prepared.weights[*id as usize];
            all[*at as usize] += weight;
            if found.place().is_some() {
                matched[*at as usize] += weight;
            }
        }
        matched.iter().zip(&all).map(|(m, a)| if *a > 0.0 { m / a } else { 0.0 }).collect()
    }

    /// The share of passage `at` of `x` that is found in `y`, in [0, 1], and the passage of `y` that has most of it.
    fn counterpart(&self, x: StoryId, y: StoryId, at: usize, of: &[Match]) -> (f32, Option<usize>) {
        let (story, other) = (&self.prepared.stories[x.index()], &self.prepared.stories[y.index()]);
        let mut per_passage = vec![0.0f32; self.corpus.passages[y.index()].len()];
        let (mut all, mut matched) = (0.0, 0.0);
        for i in (0..story.ids.len()).filter(|&i| story.passage[i] as usize == at) {
            let weight = self.prepared.weights[story.ids[i] as usize];
            all += weight;
            if let Some(place) = of[i].place() {
                matched += weight;
                per_passage[other.passage[place as usize] as usize] += weight;
            }
        }
        let best =
            (0..per_passage.len()).max_by(|&i, &j| per_passage[i].total_cmp(&per_passage[j]).then(j.cmp(&i)));
        (if all > 0.0 { matched / all } else { 0.0 }, best.filter(|&i| per_passage[i] > 0.0))
    }
}

/// The text of a passage as its story has it.
pub fn passage_text<'s>(story: &'s Story, passage: &Passage) -> &'s str {
    let whole = if passage.title { &story.title } else { &story.text };
    &whole[passage.span.clone()]
}

//! A pair passage by passage: what is the same, changed, cut, added or boilerplate.

use serde::Serialize;

use super::{
    Comparer, Counterfactual, PairFeatures, Relation, Rule, align::Match, counterfactuals::counterfactuals,
};
use crate::story::{Passage, Story, StoryId};

/// What became of a passage.
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
    /// In many unrelated stories; not scored.
    Boilerplate,
}

/// One passage of either story, or two that are aligned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassageDiff {
    /// What became of it.
    pub kind: PassageChange,
    /// The first story's text; empty if added.
    pub a: String,
    /// The second story's text; empty if cut.
    pub b: String,
    /// Share of the passage's informative tokens that the other story has, in [0, 1].
    pub coverage: f32,
}

/// The place of a passage of either story, or of two that are aligned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassageAlignment {
    /// What became of it.
    pub kind: PassageChange,
    /// Which passage of the first story, from 0; none if added.
    pub a: Option<usize>,
    /// Which passage of the second story, from 0; none if cut.
    pub b: Option<usize>,
    /// Share of the passage's informative tokens that the other story has, in [0, 1].
    pub coverage: f32,
}

/// A pair explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The first story's id.
    pub a: String,
    /// The second story's id.
    pub b: String,
    /// The relation.
    pub relation: Relation,
    /// The rule that fired.
    pub rule: Rule,
    /// What the rules looked at.
    pub features: PairFeatures,
    /// What would have changed the verdict, figure by figure; empty for identical texts.
    pub counterfactuals: Vec<Counterfactual>,
    /// The passages: those of the first story in order, then what the second adds.
    pub passages: Vec<PassageDiff>,
}

/// A passage with less coverage than this has no counterpart.
const ALIGNED: f32 = 0.25;

impl Comparer<'_> {
    /// Explains the verdict on `a` and `b`.
    pub fn explain(&self, a: StoryId, b: StoryId) -> Explanation {
        let verdict = self.compare(a, b);
        let of = |s: StoryId, at: Option<usize>| {
            let passage = at.map(|at| &self.corpus.passages[s.index()][at]);
            passage.map_or_else(String::new, |p| text(&self.corpus.stories[s.index()], p))
        };
        let part = |p: PassageAlignment| PassageDiff {
            kind: p.kind,
            a: of(a, p.a),
            b: of(b, p.b),
            coverage: p.coverage,
        };
        let passages = self.align_passages(a, b).into_iter().map(part).collect();
        let id = |s: StoryId| self.corpus.stories[s.index()].id.clone();
        let counterfactuals = match verdict.relation {
            Relation::Identical => Vec::new(),
            _ => counterfactuals(&verdict.features, &self.options.thresholds),
        };
        Explanation {
            a: id(a),
            b: id(b),
            relation: verdict.relation,
            rule: verdict.rule,
            features: verdict.features,
            counterfactuals,
            passages,
        }
    }

    /// The passages of `a` that none of `others` has: their places. Boilerplate is not among them.
    pub fn novel_passages(&self, a: StoryId, others: &[StoryId]) -> Vec<usize> {
        let passages = &self.corpus.passages[a.index()];
        let mut novel =
            passages.iter().map(|p| !self.prepared.boilerplate[p.row.index()]).collect::<Vec<bool>>();
        for &other in others {
            let found = self.passage_coverage(a, other);
            novel.iter_mut().zip(found).for_each(|(novel, found)| *novel &= found < ALIGNED);
        }
        (0..passages.len()).filter(|at| novel[*at]).collect()
    }

    /// What became of each passage of `a` and `b`: those of the first story in order, then what the second adds.
    pub fn align_passages(&self, a: StoryId, b: StoryId) -> Vec<PassageAlignment> {
        let found = self.align(a, b);
        let (of_a, of_b) = (&self.corpus.passages[a.index()], &self.corpus.passages[b.index()]);
        let mut places = Vec::new();
        let mut met = vec![false; of_b.len()];
        for (at, passage) in of_a.iter().enumerate() {
            let alone = |kind, coverage| PassageAlignment { kind, a: Some(at), b: None, coverage };
            if self.prepared.boilerplate[passage.row.index()] {
                places.push(alone(PassageChange::Boilerplate, 0.0));
                continue;
            }
            let (coverage, other) = self.counterpart(a, b, at, &found.of_a);
            match other.filter(|_| coverage >= ALIGNED) {
                Some(other) => {
                    met[other] = true;
                    let same = of_b[other].row == passage.row;
                    let kind = if same { PassageChange::Identical } else { PassageChange::Changed };
                    places.push(PassageAlignment { kind, a: Some(at), b: Some(other), coverage });
                }
                None => places.push(alone(PassageChange::Cut, coverage)),
            }
        }
        for (at, passage) in of_b.iter().enumerate() {
            let boilerplate = self.prepared.boilerplate[passage.row.index()];
            let (coverage, _) = self.counterpart(b, a, at, &found.of_b);
            // A paragraph whose words are all in a longer one of the first story is not added.
            if met[at] || (!boilerplate && coverage >= ALIGNED.max(0.5)) {
                continue;
            }
            let kind = if boilerplate { PassageChange::Boilerplate } else { PassageChange::Added };
            places.push(PassageAlignment { kind, a: None, b: Some(at), coverage });
        }
        places
    }

    /// How many passages `story` has.
    pub fn passage_count(&self, story: StoryId) -> usize {
        self.corpus.passages[story.index()].len()
    }

    /// For each row of the corpus, whether it is boilerplate.
    pub fn boilerplate(&self) -> &[bool] {
        &self.prepared.boilerplate
    }

    /// How much of each passage of `a` is found in `b`, by the weight of its words, in [0, 1]; 0 for boilerplate.
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

    /// How much of passage `at` of `x` is found in `y`, and the passage of `y` that holds most of it.
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

/// The words of a passage as its story has them.
fn text(story: &Story, passage: &Passage) -> String {
    passage_text(story, passage).into()
}

/// The words of a passage as its story has them.
pub fn passage_text<'s>(story: &'s Story, passage: &Passage) -> &'s str {
    let whole = if passage.title { &story.title } else { &story.text };
    &whole[passage.span.clone()]
}

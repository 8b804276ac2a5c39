//! The verdict on one pair, with the features behind it.

use super::{PairFeatures, Relation, Rule, Thresholds, classify::classify, probability};
use crate::story::{Corpus, StoryId};

/// What two stories are to one another, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// One story.
    pub a: StoryId,
    /// The other.
    pub b: StoryId,
    /// Their relation. Of an excerpt, the better covered story is contained in the other; of an update, the later story is
    /// the newer version.
    pub relation: Relation,
    /// Share of `a`'s informative tokens found in `b`, in [0, 1].
    pub coverage_ab: f32,
    /// Share of `b`'s informative tokens found in `a`, in [0, 1].
    pub coverage_ba: f32,
    /// Cosine similarity of the two stories' vectors.
    pub cosine: f32,
    /// The rule that applied.
    pub rule: Rule,
    /// The features that the rules classified.
    pub features: PairFeatures,
}

impl Verdict {
    /// The verdict of `rule` on `features`.
    pub(super) fn new(a: StoryId, b: StoryId, rule: Rule, features: PairFeatures) -> Self {
        let PairFeatures { coverage_ab, coverage_ba, cosine, .. } = features;
        Verdict { a, b, relation: rule.relation(), coverage_ab, coverage_ba, cosine, rule, features }
    }

    /// The verdict on two stories that were not compared.
    pub fn none(a: StoryId, b: StoryId) -> Verdict {
        Verdict::new(a, b, Rule::NotCompared, PairFeatures::default())
    }

    /// The verdict on the same pair by other thresholds, from the same features: nothing is compared again.
    #[must_use]
    pub fn reclassify(&self, thresholds: &Thresholds) -> Verdict {
        Verdict::new(self.a, self.b, classify(&self.features, thresholds), self.features)
    }

    /// The probability in [0, 1] that the two are of one origin: at least one half of a relation of origin, else at most
    /// that.
    pub fn probability(&self) -> f32 {
        probability::of_one_origin(self.rule, &self.features)
    }

    /// The coverage of the better covered story, in [0, 1].
    pub fn higher_coverage(&self) -> f32 {
        self.coverage_ab.max(self.coverage_ba)
    }

    /// The verdict with the two stories exchanged.
    pub fn flipped(&self) -> Verdict {
        let features = PairFeatures {
            coverage_ab: self.coverage_ba,
            coverage_ba: self.coverage_ab,
            meaning_ab: self.features.meaning_ba,
            meaning_ba: self.features.meaning_ab,
            ..self.features
        };
        Verdict {
            a: self.b,
            b: self.a,
            coverage_ab: self.coverage_ba,
            coverage_ba: self.coverage_ab,
            features,
            ..self.clone()
        }
    }

    /// Share of `a` that `b` has, in [0, 1]: of a rewrite by meaning, else by words.
    pub fn held(&self) -> f32 {
        match self.relation {
            Relation::Rewrite => self.coverage_ab.max(self.features.meaning_ab),
            _ => self.coverage_ab,
        }
    }

    /// Whether all informative tokens of both are in the other, though the texts are not the same.
    fn is_covered(&self) -> bool {
        !self.features.same_text && self.coverage_ab >= 1.0 && self.coverage_ba >= 1.0
    }

    /// Why, in words, seen from `a`.
    pub fn reason(&self, corpus: &Corpus) -> String {
        let other = &corpus.stories[self.b.index()].id;
        let f = &self.features;
        let mut differences = f.describe_differences();
        if differences.is_empty() && self.is_covered() {
            differences = "; they differ in small words, spellings, or the order or cut of passages".into();
        }
        match self.relation {
            Relation::Identical => format!("every passage is the same as in {other}"),
            Relation::Copy => format!(
                "{} of it is in {other}, {} of that is in it; longest common run {} words{differences}",
                percent(self.coverage_ab),
                percent(self.coverage_ba),
                f.longest_run
            ),
            Relation::Excerpt if self.coverage_ab >= self.coverage_ba => {
                format!("{} of it is in the longer {other}{differences}", percent(self.coverage_ab))
            }
            Relation::Excerpt => {
                format!("it holds {} of the shorter {other}{differences}", percent(self.coverage_ba))
            }
            Relation::Update => format!(
                "{} of it is in {other}, another version by the same source{differences}",
                percent(self.coverage_ab)
            ),
            Relation::Twin => format!(
                "same wording as {other}: {}; {} of {} numbers and {} of {} names are shared",
                self.rule.message(),
                (f.numbers_shared * f.numbers as f32).round(),
                f.numbers,
                (f.names_shared * f.names as f32).round(),
                f.names
            ),
            Relation::Rewrite => format!(
                "{}: {} of its passages say what {other} says, {} of those there what it says; {} rare names and terms shared",
                self.rule.message(),
                percent(f.meaning_ab),
                percent(f.meaning_ba),
                f.shared_rare_terms
            ),
            Relation::Quote => format!(
                "{}: {} of what it has in common with {other} is quoted",
                self.rule.message(),
                percent(self.features.quoted)
            ),
            Relation::Related => format!(
                "{}: cosine {:.2}, {} rare terms shared with {other}",
                self.rule.message(),
                self.cosine,
                f.shared_rare_terms
            ),
            Relation::None => self.rule.message().into(),
        }
    }
}

/// A share as a percentage, of which only the whole is 100 %.
fn percent(share: f32) -> String {
    if share < 1.0 { format!("{:.0} %", (share * 100.0).round().min(99.0)) } else { "100 %".into() }
}

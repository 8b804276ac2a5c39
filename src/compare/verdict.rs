//! The judgement on one pair, with the figures behind it.

use std::borrow::Cow;

use super::{Figures, Relation};
use crate::story::{Corpus, StoryId};

/// What two stories are to one another, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// One story.
    pub a: StoryId,
    /// The other.
    pub b: StoryId,
    /// Their relation. For an excerpt the better covered one is contained; for an update the later is newer.
    pub relation: Relation,
    /// Share of `a`'s informative tokens found in `b`, in [0, 1].
    pub coverage_ab: f32,
    /// Share of `b`'s informative tokens found in `a`, in [0, 1].
    pub coverage_ba: f32,
    /// Cosine similarity of the two stories' vectors.
    pub cosine: f32,
    /// The rule that fired.
    pub rule: Cow<'static, str>,
    /// What the rules looked at.
    pub figures: Figures,
}

impl Verdict {
    /// What `rule` makes of `figures`.
    pub(super) fn new(
        a: StoryId,
        b: StoryId,
        relation: Relation,
        rule: &'static str,
        figures: Figures,
    ) -> Self {
        let Figures { coverage_ab, coverage_ba, cosine, .. } = figures;
        Verdict { a, b, relation, coverage_ab, coverage_ba, cosine, rule: rule.into(), figures }
    }

    /// A verdict that nothing relates two stories.
    pub fn none(a: StoryId, b: StoryId) -> Verdict {
        Verdict::new(a, b, Relation::None, "not compared", Figures::default())
    }

    /// The verdict read from the other side.
    pub fn flipped(&self) -> Verdict {
        let figures =
            Figures { coverage_ab: self.coverage_ba, coverage_ba: self.coverage_ab, ..self.figures };
        Verdict {
            a: self.b,
            b: self.a,
            coverage_ab: self.coverage_ba,
            coverage_ba: self.coverage_ab,
            figures,
            ..self.clone()
        }
    }

    /// Whether all that is informative of both is in the other, though the texts are not the same.
    fn is_covered(&self) -> bool {
        !self.figures.same_text && self.coverage_ab >= 1.0 && self.coverage_ba >= 1.0
    }

    /// Why, in words, seen from `a`.
    pub fn reason(&self, corpus: &Corpus) -> String {
        let other = &corpus.stories[self.b.index()].id;
        // What is not all of it is not said to be.
        let percent = |x: f32| match x < 1.0 {
            true => format!("{:.0} %", (x * 100.0).round().min(99.0)),
            false => "100 %".to_string(),
        };
        let f = &self.figures;
        let differ = match f.told_differing() {
            all if all.is_empty() && self.is_covered() => {
                "; they differ in small words, spellings, or the order or cut of passages".into()
            }
            some => some,
        };
        match self.relation {
            Relation::Identical => format!("every passage is the same as in {other}"),
            Relation::Copy => format!(
                "{} of it is in {other}, {} of that is in it; longest common run {} words{differ}",
                percent(self.coverage_ab),
                percent(self.coverage_ba),
                f.longest
            ),
            Relation::Excerpt if self.coverage_ab >= self.coverage_ba => {
                format!("{} of it is in the longer {other}{differ}", percent(self.coverage_ab))
            }
            Relation::Excerpt => {
                format!("it holds {} of the shorter {other}{differ}", percent(self.coverage_ba))
            }
            Relation::Update => format!(
                "{} of it is in {other}, another version by the same source{differ}",
                percent(self.coverage_ab)
            ),
            Relation::Twin => format!(
                "same wording as {other}: {}; {} of {} numbers and {} of {} names are shared",
                self.rule,
                (f.numbers_shared * f.numbers as f32).round(),
                f.numbers,
                (f.names_shared * f.names as f32).round(),
                f.names
            ),
            Relation::Related => {
                format!(
                    "{}: cosine {:.2}, {} rare terms shared with {other}",
                    self.rule, self.cosine, f.shared_rare
                )
            }
            Relation::None => self.rule.to_string(),
        }
    }
}

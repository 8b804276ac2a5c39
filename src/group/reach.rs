//! The reach of a text: its likely origin, who published it how much later, and what each cut and added.

use super::{
    Group, Options, OriginEvidence, TieBreak,
    credit::AgencyCredit,
    origin::{LikelyOrigin, likely_origin},
    publishers::Publishers,
};
use crate::{
    compare::{Comparer, PassageChange},
    story::{Corpus, StoryId},
};

/// A story of a group compared with the likely origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Appearance {
    /// The story.
    pub story: StoryId,
    /// Milliseconds between the first story of the group and this one; `None` if it has no publication time.
    pub lag: Option<i64>,
    /// Share of its informative tokens found in the origin, in [0, 1].
    pub coverage: f32,
    /// Passages of the origin that it has, word for word or changed.
    pub carried: usize,
    /// Passages of the origin that it has with other words.
    pub changed: usize,
    /// Passages of the origin that it lacks.
    pub cut: Vec<String>,
    /// Passages of its own.
    pub added: Vec<String>,
}

/// The reach of the text of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// The group's number.
    pub group: u32,
    /// The story that the others were most likely made from.
    pub origin: StoryId,
    /// The evidence for that.
    pub evidence: OriginEvidence,
    /// What decided between it and others of the same evidence.
    pub tie_break: TieBreak,
    /// The agency that most stories of other publishers credit, or else most stories; of equally many the first by name.
    pub credit: Option<String>,
    /// Publishers that carry it, sorted.
    pub outlets: Vec<String>,
    /// Publishers of the origin, or of a story that is mostly its own text, sorted.
    pub independent: Vec<String>,
    /// When it was first and last published, in milliseconds since 1970 UTC.
    pub span: Option<(i64, i64)>,
    /// All stories of the group, the origin among them, in the order of time; those without one last.
    pub appearances: Vec<Appearance>,
}

/// The reach of `group`, from its likely origin: what is in a story and not in the origin was added; what is in the origin
/// and not in the story was cut.
pub fn reach(corpus: &Corpus, comparer: &Comparer, group: &Group, options: &Options) -> Reach {
    let of = |id: StoryId| &corpus.stories[id.index()];
    let mut stories = group.stories();
    let LikelyOrigin { story: origin, evidence, tie_break } = likely_origin(corpus, &stories);
    stories.sort_by_key(|id| (of(*id).published.is_none(), of(*id).published, *id));
    let credit = AgencyCredit::new(stories.iter().map(|id| of(*id)));
    let times = || stories.iter().filter_map(|id| of(*id).published);
    let span = times().min().zip(times().max());
    let appearance = |id: &StoryId| {
        let lag = of(*id).published.zip(span).map(|(at, (first, _))| at.saturating_sub(first));
        self::appearance(corpus, comparer, *id, origin, lag)
    };
    let appearances: Vec<Appearance> = stories.iter().map(appearance).collect();
    let own = appearances.iter().filter(|c| c.story == origin || c.coverage < options.removable);
    Reach {
        group: group.id,
        origin,
        evidence,
        tie_break,
        credit: credit.into_agency(),
        outlets: Publishers::new(stories.iter().map(|id| of(*id))).names(),
        independent: Publishers::new(own.map(|c| of(c.story))).names(),
        span,
        appearances,
    }
}

fn appearance(
    corpus: &Corpus,
    comparer: &Comparer,
    story: StoryId,
    origin: StoryId,
    lag: Option<i64>,
) -> Appearance {
    if story == origin {
        let carried = corpus.passages[story.index()].len();
        return Appearance { story, lag, coverage: 1.0, carried, changed: 0, cut: vec![], added: vec![] };
    }
    let explained = comparer.explain(origin, story);
    let of = |kind: PassageChange| explained.passages.iter().filter(move |p| p.kind == kind);
    let changed = of(PassageChange::Changed).count();
    let coverage = match explained.relation {
        crate::compare::Relation::Identical => 1.0,
        _ => explained.features.coverage_ba,
    };
    Appearance {
        story,
        lag,
        coverage,
        carried: of(PassageChange::Identical).count() + changed,
        changed,
        cut: of(PassageChange::Cut).map(|p| p.a.clone()).collect(),
        added: of(PassageChange::Added).map(|p| p.b.clone()).collect(),
    }
}

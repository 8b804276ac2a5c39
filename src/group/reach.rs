//! The reach of a text: its likely origin, who published it how much later, and what each cut and added.

use std::collections::BTreeMap;

use super::{
    Group, Options,
    publishers::{Publishers, words},
};
use crate::{
    compare::{Comparer, PassageChange},
    story::{Corpus, Story, StoryId},
};

/// The evidence for a story as the likely origin, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OriginEvidence {
    /// It is by the agency that stories of the group credit.
    Agency,
    /// It credits an agency and has a dateline.
    CreditAndDateline,
    /// It credits an agency.
    Credit,
    /// It has a dateline.
    Dateline,
    /// None of these: time alone.
    Time,
}

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

/// The reach of `group`. The likely origin is by the agency that is credited, else it has credit and dateline, credit, or
/// dateline; among equals it is the earliest. What is in a story and not in the origin was added; what is in the origin
/// and not in the story was cut.
pub fn reach(corpus: &Corpus, comparer: &Comparer, group: &Group, options: &Options) -> Reach {
    let of = |id: StoryId| &corpus.stories[id.index()];
    let mut stories: Vec<StoryId> = group.members.iter().map(|m| m.story).collect();
    stories.sort_by_key(|id| (of(*id).published.is_none(), of(*id).published, *id));
    let credit = AgencyCredit::new(stories.iter().map(|id| of(*id)));
    let (origin, evidence) = likely_origin(corpus, &stories, &credit);
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
        credit: credit.into_agency(),
        outlets: Publishers::new(stories.iter().map(|id| of(*id))).names(),
        independent: Publishers::new(own.map(|c| of(c.story))).names(),
        span,
        appearances,
    }
}

/// The agencies that most of some stories credit; of equally many the first by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AgencyCredit {
    /// Of all stories.
    overall: Option<String>,
    /// Of the stories that are not by the agency itself.
    by_other_publishers: Option<String>,
}

impl AgencyCredit {
    /// The agencies that `stories` credit.
    pub fn new<'a>(stories: impl Iterator<Item = &'a Story>) -> Self {
        let (mut all, mut others): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = Default::default();
        for story in stories {
            let Some(name) = story.credit.as_deref() else { continue };
            *all.entry(name).or_default() += 1;
            if !is_agency(story.source.as_deref(), Some(name)) {
                *others.entry(name).or_default() += 1;
            }
        }
        let most_credited = |counts: BTreeMap<&str, usize>| {
            counts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(name, _)| name.to_string())
        };
        AgencyCredit { overall: most_credited(all), by_other_publishers: most_credited(others) }
    }

    /// The agency that other publishers credit most, or else all.
    pub fn into_agency(self) -> Option<String> {
        self.by_other_publishers.or(self.overall)
    }
}

/// Whether `source` is the agency `credit`, or a branch of it: "Reuters" and "Reuters India".
pub(super) fn is_agency(source: Option<&str>, credit: Option<&str>) -> bool {
    source.zip(credit).is_some_and(|(s, c)| !c.trim().is_empty() && words(s).starts_with(&words(c)))
}

/// The likely origin among `stories`, which are in the order of time.
pub(super) fn likely_origin(
    corpus: &Corpus,
    stories: &[StoryId],
    credit: &AgencyCredit,
) -> (StoryId, OriginEvidence) {
    let agency = credit.by_other_publishers.as_deref();
    let evidence = |id: &StoryId| {
        let story = &corpus.stories[id.index()];
        match (story.credit.is_some(), story.dateline.is_some()) {
            _ if is_agency(story.source.as_deref(), agency) => OriginEvidence::Agency,
            (true, true) => OriginEvidence::CreditAndDateline,
            (true, false) => OriginEvidence::Credit,
            (false, true) => OriginEvidence::Dateline,
            (false, false) => OriginEvidence::Time,
        }
    };
    // `min_by_key` takes the first of equals: the earliest.
    let strongest = stories.iter().map(|id| (evidence(id), *id)).min_by_key(|(evidence, _)| *evidence);
    strongest.map_or((StoryId(0), OriginEvidence::Time), |(evidence, id)| (id, evidence))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_ranked_agency_credit_dateline_time() {
        let story = |source: &str, credit: &str, dateline: &str| Story {
            source: (!source.is_empty()).then(|| source.into()),
            credit: (!credit.is_empty()).then(|| credit.into()),
            dateline: (!dateline.is_empty()).then(|| dateline.into()),
            ..Story::default()
        };
        let check = |stories: &[Story], expect: (u32, OriginEvidence)| {
            let corpus = Corpus { stories: stories.to_vec(), ..Corpus::default() };
            let all: Vec<StoryId> = (0..stories.len() as u32).map(StoryId).collect();
            let credit = AgencyCredit::new(stories.iter());
            let (story, evidence) = likely_origin(&corpus, &all, &credit);
            assert_eq!((story.0, evidence), expect, "{stories:?}");
        };
        let plain = story("Daily", "", "");
        check(&[plain.clone(), plain.clone()], (0, OriginEvidence::Time));
        check(&[plain.clone(), story("Post", "", "OSLO")], (1, OriginEvidence::Dateline));
        check(&[story("Post", "", "OSLO"), story("Sun", "AP", "")], (1, OriginEvidence::Credit));
        check(&[story("Sun", "AP", ""), story("Post", "AP", "OSLO")], (1, OriginEvidence::CreditAndDateline));
        check(&[story("Post", "AP", "OSLO"), story("ap", "", "")], (1, OriginEvidence::Agency));
        check(
            &[story("Post", "Reuters", "OSLO"), story("Reuters India", "", "")],
            (1, OriginEvidence::Agency),
        );
        check(
            &[story("Post", "AP", "OSLO"), story("Apple Daily", "", "")],
            (0, OriginEvidence::CreditAndDateline),
        );
        // An agency that credits itself is not credited by others.
        check(&[story("Reuters", "Reuters", ""), story("Post", "", "OSLO")], (0, OriginEvidence::Credit));
        // Without credits, the name of a source is no evidence.
        check(&[plain, story("AP", "", "")], (0, OriginEvidence::Time));
    }

    #[test]
    fn the_most_credited_agency_is_chosen() {
        let own = |source: &str| Story {
            source: Some(source.into()),
            credit: Some("AP".into()),
            ..Story::default()
        };
        let of_itself = AgencyCredit::new([own("ap")].iter());
        let expect = AgencyCredit { overall: Some("AP".into()), by_other_publishers: None };
        assert_eq!(of_itself, expect);
        let check = |credits: &[&str], expect: Option<&str>| {
            let stories: Vec<Story> =
                credits.iter().map(|c| Story { credit: Some((*c).into()), ..Story::default() }).collect();
            assert_eq!(AgencyCredit::new(stories.iter()).by_other_publishers.as_deref(), expect);
        };
        check(&["AP", "Reuters", "Reuters"], Some("Reuters"));
        check(&["Reuters", "AP"], Some("AP"));
        check(&[], None);
    }
}

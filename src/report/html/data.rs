//! The data inside the page, in two blocks of JSON.
//!
//! [`Index`] is read when the page opens, [`Texts`] when the first item is opened. A story is its place in the columns of
//! [`Stories`]; a passage is its place in [`Texts::passages`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Page,
    evidence::{PassageAlignment, RELATIONS},
};
use crate::{
    compare::{Relation, Thresholds, Verdict},
    corpus::{flag_ordinal_ids, text_digest},
    group::{Constraints, Group, Member},
    report::{
        item::rounded,
        related::{LinkItem, Related, StorylineItem},
    },
    story::{Story, StoryId},
};

/// Bytes of text below which the page holds the texts of all stories; else only those of groups and twins.
pub(super) const ALL_TEXTS: usize = 4 << 20;

/// Everything but the texts.
#[derive(Serialize)]
pub(super) struct Index<'a> {
    stories: Stories<'a>,
    groups: Vec<GroupData>,
    links: Vec<LinkData>,
    /// Names of relations, in the order of the histogram's rows.
    relations: [&'static str; 9],
    histogram: &'a [Vec<u64>],
    thresholds: &'a Thresholds,
    storylines: Option<Storylines<'a>>,
    prior_decisions: PriorDecisions,
    /// Whether the texts of all stories are in the page.
    all_texts: bool,
}

/// Columns with one entry a story.
#[derive(Serialize)]
struct Stories<'a> {
    id: Vec<&'a str>,
    title: Vec<&'a str>,
    /// Milliseconds since 1970 UTC.
    published: Vec<Option<i64>>,
    /// Places in `names`.
    source: Vec<Option<u32>>,
    credit: Vec<Option<u32>>,
    names: Vec<&'a str>,
    /// Digests of the texts of stories whose ids may belong to other stories in another run, by story.
    digests: BTreeMap<u32, String>,
}

#[derive(Serialize)]
struct GroupData {
    /// The canonical story first.
    members: Vec<MemberData>,
    health: HealthData,
}

#[derive(Serialize)]
struct HealthData {
    splits_at: f32,
    weakest: Option<(u32, u32)>,
    bridges: Vec<u32>,
    pairs_of_one_origin: usize,
    pairs: usize,
}

#[derive(Serialize)]
struct MemberData {
    story: u32,
    relation: &'static str,
    coverage: f32,
    coverage_of_kept: f32,
    cosine: f32,
    probability: Option<f32>,
    removed: bool,
    reason: String,
    #[serde(flatten)]
    alignment: PassageAlignment,
}

#[derive(Serialize)]
struct LinkData {
    a: u32,
    b: u32,
    relation: &'static str,
    coverage_a: f32,
    coverage_b: f32,
    cosine: f32,
    probability: f32,
    reason: String,
    #[serde(flatten)]
    alignment: PassageAlignment,
}

/// Decisions that the groups follow already.
#[derive(Serialize)]
struct PriorDecisions {
    must_link: Vec<(u32, u32)>,
    cannot_link: Vec<(u32, u32)>,
    /// Stories to be kept of their groups.
    canonical: Vec<u32>,
    /// Lines on stories that are not in the page.
    unresolved: Vec<String>,
}

#[derive(Serialize)]
struct Storylines<'a> {
    storylines: Vec<StorylineData<'a>>,
    links: Vec<StorylineLink<'a>>,
}

#[derive(Serialize)]
struct StorylineData<'a> {
    label: &'a str,
    stories: usize,
    outlets: usize,
    independent: usize,
    members: Vec<StorylineMember>,
}

#[derive(Serialize)]
struct StorylineMember {
    story: u32,
    copies: Vec<u32>,
}

#[derive(Serialize)]
struct StorylineLink<'a> {
    /// The earlier story.
    a: u32,
    /// The later story.
    b: u32,
    /// The number of the storyline that both are in, from 1.
    storyline: Option<u32>,
    score: f32,
    reason: &'a str,
}

/// The texts of stories.
#[derive(Serialize)]
pub(super) struct Texts<'a> {
    /// Distinct passages.
    passages: Vec<&'a str>,
    /// Passages that are boilerplate.
    boilerplate: Vec<u32>,
    /// The passages of each story; null where its text is not in the page.
    stories: Vec<Option<Vec<u32>>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(page: &Page<'a>) -> Self {
        let evidence = page.evidence;
        Index {
            stories: Stories::new(&page.corpus.stories),
            groups: page.groups.groups.iter().zip(&evidence.members).map(|(g, a)| group(g, a)).collect(),
            links: page
                .groups
                .links
                .iter()
                .zip(&page.evidence.links)
                .map(|(v, a)| link(page, v, a))
                .collect(),
            relations: RELATIONS.map(Relation::name),
            histogram: &evidence.histogram,
            thresholds: &evidence.thresholds,
            storylines: page.related.map(|r| storylines(page, r)),
            prior_decisions: prior_decisions(page.decided),
            all_texts: has_all_texts(page),
        }
    }
}

impl<'a> Stories<'a> {
    fn new(stories: &'a [Story]) -> Self {
        let mut names: Vec<&str> =
            stories.iter().flat_map(|s| [s.source.as_deref(), s.credit.as_deref()]).flatten().collect();
        names.sort_unstable();
        names.dedup();
        let number = |name: &Option<String>| {
            let name = name.as_deref()?;
            names.binary_search(&name).ok().map(|n| n as u32)
        };
        Stories {
            id: stories.iter().map(|s| s.id.as_str()).collect(),
            title: stories.iter().map(|s| s.title.as_str()).collect(),
            published: stories.iter().map(|s| s.published).collect(),
            source: stories.iter().map(|s| number(&s.source)).collect(),
            credit: stories.iter().map(|s| number(&s.credit)).collect(),
            names,
            digests: (0..)
                .zip(stories)
                .zip(flag_ordinal_ids(stories))
                .filter(|(_, counted)| *counted)
                .map(|((i, s), _)| (i, text_digest(s)))
                .collect(),
        }
    }
}

impl<'a> Texts<'a> {
    pub(super) fn new(page: &Page<'a>) -> Self {
        let all = has_all_texts(page);
        let mut wanted = vec![all; page.corpus.stories.len()];
        let members = page.groups.groups.iter().flat_map(|g| &g.members).map(|m| m.story);
        let linked = page.groups.links.iter().flat_map(|v| [v.a, v.b]);
        members.chain(linked).for_each(|s| wanted[s.index()] = true);
        let mut passages = Vec::new();
        let mut boilerplate = Vec::new();
        let mut place_of: BTreeMap<u32, u32> = BTreeMap::new();
        let mut passages_of = |story: u32| -> Vec<u32> {
            let rows = page.corpus.story_rows(StoryId(story));
            let places = rows.map(|row| {
                *place_of.entry(row.0).or_insert_with(|| {
                    passages.push(page.corpus.row_text(row));
                    let place = passages.len() as u32 - 1;
                    if page.evidence.boilerplate[row.index()] {
                        boilerplate.push(place);
                    }
                    place
                })
            });
            places.collect()
        };
        let stories = (0..).zip(&wanted).map(|(i, wanted)| wanted.then(|| passages_of(i))).collect();
        Texts { passages, boilerplate, stories }
    }
}

fn has_all_texts(page: &Page) -> bool {
    page.corpus.rows.iter().map(|r| r.text.len()).sum::<usize>() < ALL_TEXTS
}

fn group(group: &Group, alignments: &[PassageAlignment]) -> GroupData {
    let health = &group.health;
    GroupData {
        members: group.members.iter().zip(alignments).map(|(m, a)| member(group, m, a)).collect(),
        health: HealthData {
            splits_at: rounded(health.splits_at),
            weakest: health.weakest.map(|(a, b)| (a.0, b.0)),
            bridges: health.bridges.iter().map(|s| s.0).collect(),
            pairs_of_one_origin: health.pairs.0,
            pairs: health.pairs.1,
        },
    }
}

fn member(group: &Group, member: &Member, alignment: &PassageAlignment) -> MemberData {
    MemberData {
        story: member.story.0,
        relation: member.relation.name(),
        coverage: rounded(member.coverage),
        coverage_of_kept: rounded(member.coverage_of_canonical),
        cosine: rounded(member.cosine),
        probability: member.probability.map(rounded),
        removed: member.removed,
        reason: if member.story == group.canonical { String::new() } else { member.reason.clone() },
        alignment: alignment.clone(),
    }
}

fn link(page: &Page, verdict: &Verdict, alignment: &PassageAlignment) -> LinkData {
    LinkData {
        a: verdict.a.0,
        b: verdict.b.0,
        relation: verdict.relation.name(),
        coverage_a: rounded(verdict.coverage_ab),
        coverage_b: rounded(verdict.coverage_ba),
        cosine: rounded(verdict.cosine),
        probability: rounded(verdict.probability()),
        reason: verdict.reason(page.corpus),
        alignment: alignment.clone(),
    }
}

fn prior_decisions(decided: &Constraints) -> PriorDecisions {
    let numbers = |pairs: &[(StoryId, StoryId)]| pairs.iter().map(|(a, b)| (a.0, b.0)).collect();
    PriorDecisions {
        must_link: numbers(&decided.must_link),
        cannot_link: numbers(&decided.cannot_link),
        canonical: decided.canonical.iter().map(|s| s.0).collect(),
        unresolved: decided.unresolved.clone(),
    }
}

fn storylines<'a>(page: &Page<'a>, related: &'a Related) -> Storylines<'a> {
    let place_of: BTreeMap<&str, u32> =
        page.corpus.stories.iter().zip(0..).map(|(s, i)| (s.id.as_str(), i)).collect();
    let place = |id: &String| place_of.get(id.as_str()).copied().unwrap_or_default();
    let storyline = |s: &'a StorylineItem| StorylineData {
        label: &s.label,
        stories: s.stories,
        outlets: s.outlets,
        independent: s.independent,
        members: s
            .members
            .iter()
            .map(|m| StorylineMember { story: place(&m.id), copies: m.copies.iter().map(place).collect() })
            .collect(),
    };
    let link = |l: &'a LinkItem| StorylineLink {
        a: place(&l.a),
        b: place(&l.b),
        storyline: l.storyline,
        score: l.score,
        reason: &l.reason,
    };
    Storylines {
        storylines: related.storylines.iter().map(storyline).collect(),
        links: related.links.iter().map(link).collect(),
    }
}

//! The data inside the page, as columns of small numbers, so that it packs well and is read fast.
//!
//! Two blocks: `Index` is read when the page opens, `Texts` when the first group is opened. A story is its place in the
//! columns of `Index::stories`; a passage is a row of `Texts::rows`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Page,
    evidence::{Layout, RELATIONS},
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

/// With less text than this, in bytes, all of it goes into the page; with more, that of groups and twins alone.
pub(super) const ALL_TEXTS: usize = 4 << 20;

/// See the top of this file.
#[derive(Serialize)]
pub(super) struct Index<'a> {
    stories: Stories<'a>,
    groups: Vec<GroupData>,
    links: Vec<LinkData>,
    relations: [&'static str; 7],
    histogram: &'a [Vec<u64>],
    thresholds: &'a Thresholds,
    storylines: Option<Storylines<'a>>,
    decided: DecidedData,
    /// Whether the texts of all stories are in the page.
    all_texts: bool,
}

/// One entry a story.
#[derive(Serialize)]
struct Stories<'a> {
    id: Vec<&'a str>,
    title: Vec<&'a str>,
    /// Milliseconds since 1970.
    time: Vec<Option<i64>>,
    /// Numbers in `names`.
    source: Vec<Option<u32>>,
    credit: Vec<Option<u32>>,
    names: Vec<&'a str>,
    /// By story, digests of those whose ids other stories may have in another run.
    texts: BTreeMap<u32, String>,
}

/// Canonical story first.
#[derive(Serialize)]
struct GroupData {
    members: Vec<MemberData>,
    splits_at: f32,
    weakest: Option<(u32, u32)>,
    bridges: Vec<u32>,
    pairs: (usize, usize),
}

/// Story, relation, coverage, coverage of the kept story, cosine, removed, reason, aligned passages, passages inside.
#[derive(Serialize)]
struct MemberData(u32, u8, f32, f32, f32, bool, String, Vec<u32>, Vec<u32>);

/// Two stories, relation, coverage both ways, cosine, reason, aligned passages, passages inside.
#[derive(Serialize)]
struct LinkData(u32, u32, u8, f32, f32, f32, String, Vec<u32>, Vec<u32>);

/// What was decided before: pairs of stories, one after the other, and the stories that are to be kept of their groups.
#[derive(Serialize)]
struct DecidedData {
    same: Vec<u32>,
    different: Vec<u32>,
    canonical: Vec<u32>,
    /// Lines on stories that are not in the page.
    away: Vec<String>,
}

#[derive(Serialize)]
struct Storylines<'a> {
    lines: Vec<LineData<'a>>,
    links: Vec<LineLink<'a>>,
}

#[derive(Serialize)]
struct LineData<'a> {
    label: &'a str,
    stories: usize,
    outlets: usize,
    independent: usize,
    /// Each with its copies.
    members: Vec<(u32, Vec<u32>)>,
}

/// Earlier story, later story, number of the storyline, score, reason.
#[derive(Serialize)]
struct LineLink<'a>(u32, u32, Option<u32>, f32, &'a str);

/// See the top of this file.
#[derive(Serialize)]
pub(super) struct Texts<'a> {
    rows: Vec<&'a str>,
    /// Rows that are boilerplate.
    boilerplate: Vec<u32>,
    /// The rows of each story; null where its text is not in the page.
    stories: Vec<Option<Vec<u32>>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(page: &Page<'a>) -> Self {
        let evidence = page.evidence;
        let layouts = evidence.members.iter();
        Index {
            stories: Stories::new(&page.corpus.stories),
            groups: page.groups.groups.iter().zip(layouts).map(|(g, l)| group(g, l)).collect(),
            links: links(page).map(|(v, l)| link(page, v, l)).collect(),
            relations: RELATIONS.map(Relation::name),
            histogram: &evidence.histogram,
            thresholds: &evidence.thresholds,
            storylines: page.related.map(|r| storylines(page, r)),
            decided: decided(page.decided),
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
            time: stories.iter().map(|s| s.published).collect(),
            source: stories.iter().map(|s| number(&s.source)).collect(),
            credit: stories.iter().map(|s| number(&s.credit)).collect(),
            names,
            texts: (0..)
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
        let twins = links(page).filter(|(v, _)| v.relation == Relation::Twin).flat_map(|(v, _)| [v.a, v.b]);
        members.chain(twins).for_each(|s| wanted[s.index()] = true);
        let mut rows = Vec::new();
        let mut boilerplate = Vec::new();
        let mut number: BTreeMap<u32, u32> = BTreeMap::new();
        let mut of_story = |story: u32| -> Vec<u32> {
            let of = page.corpus.story_rows(StoryId(story));
            let place = of.map(|row| {
                *number.entry(row.0).or_insert_with(|| {
                    rows.push(page.corpus.row_text(row));
                    let place = rows.len() as u32 - 1;
                    if page.evidence.boilerplate[row.index()] {
                        boilerplate.push(place);
                    }
                    place
                })
            });
            place.collect()
        };
        let stories = (0..).zip(&wanted).map(|(i, wanted)| wanted.then(|| of_story(i))).collect();
        Texts { stories, rows, boilerplate }
    }
}

fn has_all_texts(page: &Page) -> bool {
    page.corpus.rows.iter().map(|r| r.text.len()).sum::<usize>() < ALL_TEXTS
}

/// The links that the page shows: a report of storylines has its own links, and of these only the twins.
fn links<'a>(page: &Page<'a>) -> impl Iterator<Item = (&'a Verdict, &'a Layout)> + use<'a> {
    let twins_alone = page.related.is_some();
    let all = page.groups.links.iter().zip(&page.evidence.links);
    all.filter(move |(v, _)| !twins_alone || v.relation == Relation::Twin)
}

fn number(relation: Relation) -> u8 {
    RELATIONS.iter().position(|r| *r == relation).unwrap_or(RELATIONS.len() - 1) as u8
}

fn group(group: &Group, layouts: &[Layout]) -> GroupData {
    let health = &group.health;
    GroupData {
        members: group.members.iter().zip(layouts).map(|(m, l)| member(group, m, l)).collect(),
        splits_at: rounded(health.splits_at),
        weakest: health.weakest.map(|(a, b)| (a.0, b.0)),
        bridges: health.bridges.iter().map(|s| s.0).collect(),
        pairs: health.pairs,
    }
}

fn member(group: &Group, m: &Member, layout: &Layout) -> MemberData {
    let reason = if m.story == group.canonical { String::new() } else { m.reason.clone() };
    let Layout { pairs, inside } = layout.clone();
    let [coverage, of_kept, cosine] = [m.coverage, m.coverage_of_canonical, m.cosine].map(rounded);
    MemberData(m.story.0, number(m.relation), coverage, of_kept, cosine, m.removed, reason, pairs, inside)
}

fn link(page: &Page, v: &Verdict, layout: &Layout) -> LinkData {
    let Layout { pairs, inside } = layout.clone();
    let [ab, ba, cosine] = [v.coverage_ab, v.coverage_ba, v.cosine].map(rounded);
    LinkData(v.a.0, v.b.0, number(v.relation), ab, ba, cosine, v.reason(page.corpus), pairs, inside)
}

fn decided(decided: &Constraints) -> DecidedData {
    let flat = |pairs: &[(StoryId, StoryId)]| pairs.iter().flat_map(|(a, b)| [a.0, b.0]).collect();
    DecidedData {
        same: flat(&decided.must_link),
        different: flat(&decided.cannot_link),
        canonical: decided.canonical.iter().map(|s| s.0).collect(),
        away: decided.unresolved.clone(),
    }
}

fn storylines<'a>(page: &Page<'a>, related: &'a Related) -> Storylines<'a> {
    let of: BTreeMap<&str, u32> =
        page.corpus.stories.iter().zip(0..).map(|(s, i)| (s.id.as_str(), i)).collect();
    let place = |id: &String| of.get(id.as_str()).copied().unwrap_or_default();
    let line = |s: &'a StorylineItem| LineData {
        label: &s.label,
        stories: s.stories,
        outlets: s.outlets,
        independent: s.independent,
        members: s.members.iter().map(|m| (place(&m.id), m.copies.iter().map(place).collect())).collect(),
    };
    let link = |l: &'a LinkItem| LineLink(place(&l.a), place(&l.b), l.storyline, l.score, &l.reason);
    Storylines {
        lines: related.storylines.iter().map(line).collect(),
        links: related.links.iter().map(link).collect(),
    }
}

//! Stories of one origin to groups, each with one canonical story; no chains.
//!
//! A story joins a group only if it is judged to share its origin with the group's pivot (the member with the
//! most relations) or with at least half of the members that are in already.

mod canonical;

use std::collections::BTreeMap;

pub use canonical::Keep;

use crate::{
    compare::{Relation, Verdict},
    story::{Corpus, StoryId},
};

/// How groups are made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which story of a group is kept.
    pub keep: Keep,
}

/// A story in its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The story.
    pub story: StoryId,
    /// What it is to the canonical story; for that itself, [`Relation::Identical`].
    pub relation: Relation,
    /// Share of its informative tokens found in the canonical story, in [0, 1].
    pub coverage: f32,
    /// Share of the canonical story's informative tokens found in it, in [0, 1].
    pub coverage_of_canonical: f32,
    /// Cosine similarity to the canonical story.
    pub cosine: f32,
    /// Why it is in the group, in words.
    pub reason: String,
}

/// Stories of one origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// From 1, in the order of the groups' first stories.
    pub id: u32,
    /// The story that is kept.
    pub canonical: StoryId,
    /// All stories, the canonical one first, then in the order of the input.
    pub members: Vec<Member>,
}

/// Groups, and links between stories that all stay.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Groups of two and more.
    pub groups: Vec<Group>,
    /// Twins and related pairs.
    pub links: Vec<Verdict>,
}

/// Groups the stories that `verdicts` relate. `judge` judges a member against its canonical story where no
/// verdict has yet.
pub fn group(
    corpus: &Corpus,
    verdicts: &[Verdict],
    options: &Options,
    judge: &dyn Fn(StoryId, StoryId) -> Verdict,
) -> Groups {
    let mut edges: BTreeMap<StoryId, BTreeMap<StoryId, &Verdict>> = BTreeMap::new();
    for verdict in verdicts.iter().filter(|v| v.relation.is_origin()) {
        edges.entry(verdict.a).or_default().insert(verdict.b, verdict);
        edges.entry(verdict.b).or_default().insert(verdict.a, verdict);
    }
    let mut sets: Vec<Vec<StoryId>> = Vec::new();
    let mut group_of: BTreeMap<StoryId, usize> = BTreeMap::new();
    // Pivots by the number of their relations: what most others are made from comes first.
    let mut pivots: Vec<StoryId> = edges.keys().copied().collect();
    let length = |s: &StoryId| corpus.stories[s.index()].text.len();
    pivots.sort_by(|x, y| edges[y].len().cmp(&edges[x].len()).then(length(y).cmp(&length(x))).then(x.cmp(y)));
    for pivot in pivots {
        if group_of.contains_key(&pivot) {
            continue;
        }
        let free = |s: &StoryId| !group_of.contains_key(s);
        let mut members: Vec<StoryId> = edges[&pivot].keys().copied().filter(free).collect();
        members.push(pivot);
        members.sort();
        // Whoever shares its origin with half of them joins too, until nobody does.
        loop {
            let shares = |s: &StoryId| {
                members.iter().filter(|m| edges[*m].contains_key(s)).count() * 2 >= members.len()
            };
            let mut near: Vec<StoryId> = members.iter().flat_map(|m| edges[m].keys().copied()).collect();
            near.sort();
            near.dedup();
            let joins: Vec<StoryId> =
                near.into_iter().filter(|s| free(s) && !members.contains(s) && shares(s)).collect();
            if joins.is_empty() {
                break;
            }
            members.extend(joins);
            members.sort();
        }
        if members.len() > 1 {
            group_of.extend(members.iter().map(|m| (*m, sets.len())));
            sets.push(members);
        }
    }
    sets.sort();
    let groups = sets.iter().zip(1..).map(|(members, id)| {
        let canonical = options.keep.choose(corpus, members);
        let mut rest: Vec<Member> = vec![itself(canonical)];
        rest.extend(
            members.iter().filter(|m| **m != canonical).map(|&m| member(corpus, m, canonical, &edges, judge)),
        );
        Group { id, canonical, members: rest }
    });
    let links = verdicts.iter().filter(|v| matches!(v.relation, Relation::Twin | Relation::Related));
    Groups { groups: groups.collect(), links: links.cloned().collect() }
}

fn itself(story: StoryId) -> Member {
    Member {
        story,
        relation: Relation::Identical,
        coverage: 1.0,
        coverage_of_canonical: 1.0,
        cosine: 1.0,
        reason: "kept".into(),
    }
}

fn member(
    corpus: &Corpus,
    story: StoryId,
    canonical: StoryId,
    edges: &BTreeMap<StoryId, BTreeMap<StoryId, &Verdict>>,
    judge: &dyn Fn(StoryId, StoryId) -> Verdict,
) -> Member {
    let known = edges[&story].get(&canonical);
    let direct = known
        .map_or_else(|| judge(story, canonical), |v| if v.a == story { (*v).clone() } else { v.flipped() });
    let mut member = Member {
        story,
        relation: direct.relation,
        coverage: direct.coverage_ab,
        coverage_of_canonical: direct.coverage_ba,
        cosine: direct.cosine,
        reason: direct.reason(corpus),
    };
    if !direct.relation.is_origin() {
        // It is here through another member: name that one, and what it is to it.
        let best = edges[&story].iter().max_by(|x, y| {
            let reach = |v: &Verdict| v.coverage_ab.max(v.coverage_ba);
            reach(x.1).total_cmp(&reach(y.1)).then(y.0.cmp(x.0))
        });
        if let Some((_, edge)) = best {
            let seen = if edge.a == story { (*edge).clone() } else { edge.flipped() };
            member.relation = seen.relation;
            member.reason = format!("{}: {}", seen.relation.name(), seen.reason(corpus));
        }
    }
    member
}

//! Stories of one origin to groups, each with one canonical story; no chains.
//!
//! A story joins a group only if it is judged to share its origin with the group's pivot (the member that holds most
//! of the others), or, where it shares it with no pivot, with at least half of the members. What people decided comes
//! before all of that (`decided.rs`).

mod canonical;
mod decided;
mod decisions;
mod health;
mod kin;
mod outlets;
mod publishers;
mod reach;
mod resolve;

use std::collections::BTreeMap;

pub use canonical::Keep;
pub use decisions::{CanonicalOverride, DECISION_SCHEMA, Decision, Decisions, PairConstraint, StoryRef};
pub use health::{Health, HealthItem, healths};
pub use outlets::{Outlet, outlets};
pub use publishers::Publishers;
pub use reach::{Appearance, OriginEvidence, Reach, reach};
pub use resolve::{Constraints, StoriesByText};

use decided::Lots;
use kin::Kin;

use crate::{
    Result,
    compare::{Relation, Verdict},
    story::{Corpus, StoryId},
};

/// How groups are made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which story of a group is kept.
    pub keep: Keep,
    /// The share of a story that the kept one must hold, in [0, 1], for it to be removed: what has more of its own
    /// stays, though it shares its origin.
    pub removable: f32,
    /// What people decided: pairs that belong together, pairs that do not, stories to be kept.
    pub constraints: Constraints,
}

impl Default for Options {
    fn default() -> Self {
        Options { keep: Keep::default(), removable: 0.5, constraints: Constraints::default() }
    }
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
    /// Whether a run that keeps one story of a group leaves it out: not the canonical one nor its twin, and at least
    /// [`Options::removable`] of it is in the canonical one.
    pub removed: bool,
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
    /// How firmly it holds together.
    pub health: Health,
}

/// Groups, and links between stories that all stay.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Groups of two and more.
    pub groups: Vec<Group>,
    /// Twins and related pairs.
    pub links: Vec<Verdict>,
}

/// For each story those that share its origin, and the verdicts that say so.
type Edges<'a> = BTreeMap<StoryId, BTreeMap<StoryId, &'a Verdict>>;

/// The edges that `verdicts` make.
fn edges<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Edges<'a> {
    let mut edges = Edges::new();
    for verdict in verdicts.filter(|v| v.relation.is_origin()) {
        edges.entry(verdict.a).or_default().insert(verdict.b, verdict);
        edges.entry(verdict.b).or_default().insert(verdict.a, verdict);
    }
    edges
}

/// Groups the stories that `verdicts` relate. `compare` compares a member with its canonical story where no verdict on
/// the two is given.
///
/// # Errors
/// Those of `compare`.
pub fn group(
    corpus: &Corpus,
    verdicts: &[Verdict],
    options: &Options,
    compare: &dyn Fn(StoryId, StoryId) -> Result<Verdict>,
) -> Result<Groups> {
    let decided = &options.constraints;
    let parted = |v: &&Verdict| decided.cannot_link.binary_search(&(v.a.min(v.b), v.a.max(v.b))).is_ok();
    let edges = edges(verdicts.iter().filter(|v| !parted(v)));
    let lots = Lots::new(decided);
    let sets = decided::honour(gather(corpus, &edges), &edges, &lots);
    let mut groups = Vec::new();
    for (members, id) in sets.iter().zip(1..) {
        // The last word of people, then the policy.
        let named = decided.canonical.iter().rev().find(|s| members.binary_search(s).is_ok());
        let canonical = named.copied().unwrap_or_else(|| options.keep.choose(corpus, members));
        let mut rest: Vec<Member> = vec![itself(canonical)];
        for &story in members.iter().filter(|m| **m != canonical) {
            rest.push(member(corpus, (story, canonical, members), (&edges, &lots), options, compare)?);
        }
        groups.push(Group { id, canonical, members: rest, health: health::health(members, &edges) });
    }
    let mut links: Vec<Verdict> = verdicts
        .iter()
        .filter(|v| matches!(v.relation, Relation::Twin | Relation::Related))
        .cloned()
        .collect();
    // Two that people made one story are no link between stories that both stay.
    links.retain(|v| !lots.are_one(v.a, v.b));
    Ok(Groups { groups, links })
}

/// The members of each group of two and more.
fn gather(corpus: &Corpus, edges: &Edges) -> Vec<Vec<StoryId>> {
    let length = |s: &StoryId| corpus.stories[s.index()].text.len();
    // The share of one story's relatives that are the other's too: low where a story holds bits of several.
    let relatives = Kin::new(edges);
    let kin =
        |s: &StoryId, other: &StoryId| (relatives.common(*s, *other) + 1) as f32 / edges[s].len() as f32;
    // A story is a pivot if it shares its origin with none that came before it: in the order of how much it holds of
    // the others, as far as they are kin, so that what most were made from comes before what holds bits of many.
    let held = |s: &StoryId| {
        let of_others =
            edges[s].iter().map(|(x, v)| (x, if v.a == *s { v.coverage_ba } else { v.coverage_ab }));
        let shared = |(x, c): (&StoryId, f32)| {
            let kin = kin(s, x);
            c * kin * kin
        };
        of_others.map(shared).sum::<f32>()
    };
    let mut order: Vec<(f32, StoryId)> = edges.keys().map(|s| (held(s), *s)).collect();
    order.sort_by(|(x, a), (y, b)| y.total_cmp(x).then(length(b).cmp(&length(a))).then(a.cmp(b)));
    let mut groups: BTreeMap<StoryId, Vec<StoryId>> = BTreeMap::new();
    for (_, story) in &order {
        if !edges[story].keys().any(|other| groups.contains_key(other)) {
            groups.insert(*story, vec![*story]);
        }
    }
    // The others go to the pivot that they have most in common with.
    let share = |v: &Verdict| v.coverage_ab.max(v.coverage_ba);
    let pivots: Vec<StoryId> = groups.keys().copied().collect();
    for story in edges.keys().filter(|s| pivots.binary_search(s).is_err()) {
        let near = edges[story].iter().filter(|(other, _)| pivots.binary_search(other).is_ok());
        let fit = |pivot: &StoryId, v: &Verdict| share(v).sqrt() * kin(story, pivot);
        let best = near.max_by(|x, y| fit(x.0, x.1).total_cmp(&fit(y.0, y.1)).then(y.0.cmp(x.0)));
        if let Some((pivot, _)) = best {
            groups.entry(*pivot).or_default().push(*story);
        }
    }
    take_back(edges, &mut groups);
    // A pivot that is still alone joins a group if it shares its origin with half of the members.
    for story in alone(&groups) {
        let shared = |members: &[StoryId]| members.iter().filter(|m| edges[&story].contains_key(m)).count();
        // Who is the same as one of a group belongs to it, whatever the others are.
        let same = |members: &[StoryId]| {
            let relation = |m: &StoryId| edges[&story].get(m).map(|v| v.relation);
            members.iter().any(|m| relation(m) == Some(Relation::Identical))
        };
        let fits = |m: &[StoryId]| m.len() > 1 && (same(m) || shared(m) * 2 >= m.len());
        let mut fitting = groups.iter().filter(|(_, m)| fits(m));
        if let Some(pivot) = fitting.next().map(|(p, _)| *p) {
            groups.remove(&story);
            groups.entry(pivot).or_default().push(story);
        }
    }
    let mut sets: Vec<Vec<StoryId>> = groups.into_values().filter(|m| m.len() > 1).collect();
    sets.iter_mut().for_each(|m| m.sort());
    sets
}

/// The pivots that no other story went to.
fn alone(groups: &BTreeMap<StoryId, Vec<StoryId>>) -> Vec<StoryId> {
    groups.iter().filter(|(_, members)| members.len() == 1).map(|(pivot, _)| *pivot).collect()
}

/// A pivot that is left alone takes a story back that went elsewhere, if that shares its origin with no more than
/// half of the others there: a story that holds bits of two belongs where it is missed.
fn take_back(edges: &Edges, groups: &mut BTreeMap<StoryId, Vec<StoryId>>) {
    for pivot in alone(groups) {
        if groups.get(&pivot).is_none_or(|m| m.len() > 1) {
            continue;
        }
        let loose = |(home, members): (&StoryId, &Vec<StoryId>)| {
            let near = members.iter().filter(|m| *m != home && edges[&pivot].contains_key(m));
            let mut loose = near.filter(|m| {
                let shared = members.iter().filter(|other| edges[*m].contains_key(other)).count();
                members.len() > 2 && shared * 2 < members.len()
            });
            loose.next().map(|m| (*home, *m))
        };
        let found = groups.iter().filter_map(loose).max_by(|x, y| {
            let share = |m: &StoryId| edges[&pivot][m].coverage_ab.max(edges[&pivot][m].coverage_ba);
            share(&x.1).total_cmp(&share(&y.1)).then(y.1.cmp(&x.1))
        });
        if let Some((home, story)) = found {
            groups.entry(home).or_default().retain(|m| *m != story);
            groups.entry(pivot).or_default().push(story);
        }
    }
}

fn itself(story: StoryId) -> Member {
    Member {
        story,
        relation: Relation::Identical,
        coverage: 1.0,
        coverage_of_canonical: 1.0,
        cosine: 1.0,
        removed: false,
        reason: "kept".into(),
    }
}

fn member(
    corpus: &Corpus,
    (story, canonical, members): (StoryId, StoryId, &[StoryId]),
    (edges, lots): (&Edges, &Lots),
    options: &Options,
    compare: &dyn Fn(StoryId, StoryId) -> Result<Verdict>,
) -> Result<Member> {
    let of_story = edges.get(&story);
    let direct = match of_story.and_then(|of| of.get(&canonical)) {
        Some(known) if known.a == story => (*known).clone(),
        Some(known) => known.flipped(),
        None => compare(story, canonical)?,
    };
    let mut member = Member {
        story,
        relation: direct.relation,
        coverage: direct.coverage_ab,
        coverage_of_canonical: direct.coverage_ba,
        cosine: direct.cosine,
        // A twin has other facts than the story that is kept, whatever joined it to others of the group; people know better.
        removed: direct.coverage_ab >= options.removable
            && (direct.relation != Relation::Twin || lots.are_one(story, canonical)),
        reason: direct.reason(corpus),
    };
    if lots.are_one(story, canonical) {
        let id = &corpus.stories[canonical.index()].id;
        member.reason = format!(
            "people decided that it is the story of {id}; judged {}: {}",
            direct.relation.name(),
            member.reason
        );
        if !direct.relation.is_origin() {
            member.relation = Relation::Copy;
        }
    } else if !direct.relation.is_origin() {
        // It is here through another member: name that one, and what it is to it.
        let best =
            of_story.into_iter().flatten().filter(|(other, _)| members.binary_search(other).is_ok()).max_by(
                |x, y| {
                    let reach = |v: &Verdict| v.coverage_ab.max(v.coverage_ba);
                    reach(x.1).total_cmp(&reach(y.1)).then(y.0.cmp(x.0))
                },
            );
        if let Some((_, edge)) = best {
            let seen = if edge.a == story { (*edge).clone() } else { edge.flipped() };
            member.relation = seen.relation;
            member.reason = format!("{}: {}", seen.relation.name(), seen.reason(corpus));
        } else {
            // Nobody but people put it here, beside a member that is not the canonical one.
            member.relation = Relation::Copy;
            member.reason = format!(
                "people decided that it belongs here; judged {}: {}",
                direct.relation.name(),
                member.reason
            );
        }
    }
    if !member.removed {
        member.reason += match direct.coverage_ab >= options.removable {
            true => "; it stays, as the kept story has other facts",
            false => "; it stays, as most of it is its own",
        };
    }
    Ok(member)
}

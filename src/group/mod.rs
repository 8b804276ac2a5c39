//! Groups stories of one origin, each group with one canonical story.
//!
//! A story joins a group only if a verdict says that it shares its origin with the group's pivot (the member that holds
//! most of the others) or, where it shares its origin with no pivot, with at least half of the members: no chains. The
//! constraints that people set go before all of that (`apply_constraints.rs`).

mod apply_constraints;
mod canonical;
mod cluster;
mod common_neighbours;
mod constraints;
mod credit;
mod decisions;
mod health;
mod member;
mod origin;
mod outlets;
mod publishers;
mod publishing_time;
mod reach;
mod removal;
mod resolve;
mod texts;

use std::collections::BTreeMap;

pub use canonical::{Keep, UnknownSource};
pub use constraints::{Conflict, ConstraintSet, PairConstraint};
pub use decisions::{CanonicalOverride, DECISION_SCHEMA, Decision, Decisions, StoryRef};
#[cfg(feature = "store")]
pub(crate) use health::health;
pub use health::{Health, HealthItem};
pub use member::Member;
#[cfg(feature = "store")]
pub(crate) use member::membership_evidence;
pub use origin::{OriginEvidence, TieBreak};
pub use outlets::{Outlet, outlets};
pub use publishers::Publishers;
pub use reach::{Appearance, Reach, reach};
pub use removal::RemovedRelations;
pub use resolve::{Constraints, Resolution, ResolvedDecisions, StoriesByText};

use apply_constraints::{LinkedSets, apply_constraints};

use crate::{
    Result,
    compare::Verdict,
    story::{Corpus, StoryId},
};

/// How groups are made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which story of a group is kept.
    pub keep: Keep,
    /// The share of a story that the kept story must hold, in [0, 1], for it to be removed: a story with more text of its
    /// own stays, though it shares its origin.
    pub removable: f32,
    /// The relations to the kept story whose stories are removed.
    pub removed: RemovedRelations,
    /// The constraints that people set: pairs that belong together, pairs that do not, and stories to keep.
    pub constraints: Constraints,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            keep: Keep::default(),
            removable: 0.5,
            removed: RemovedRelations::default(),
            constraints: Constraints::default(),
        }
    }
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

impl Group {
    /// Its stories in the order of the input.
    fn stories(&self) -> Vec<StoryId> {
        let mut stories: Vec<StoryId> = self.members.iter().map(|m| m.story).collect();
        stories.sort_unstable();
        stories
    }
}

/// Groups, and links between stories that all stay.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Groups of two and more stories.
    pub groups: Vec<Group>,
    /// Twins and quotes.
    pub links: Vec<Verdict>,
}

/// For each story, those that share its origin, with the verdicts.
pub(crate) type Edges<'a> = BTreeMap<StoryId, BTreeMap<StoryId, &'a Verdict>>;

/// The edges that `verdicts` make.
pub(crate) fn edges<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Edges<'a> {
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
    let constraints = &options.constraints;
    let cannot_link =
        |v: &&Verdict| constraints.cannot_link.binary_search(&(v.a.min(v.b), v.a.max(v.b))).is_ok();
    let edges = edges(verdicts.iter().filter(|v| !cannot_link(v)));
    let linked = LinkedSets::new(constraints);
    let sets = apply_constraints(cluster::cluster(corpus, &edges), &edges, &linked);
    let describer = member::Describer { corpus, edges: &edges, linked: &linked, options, compare };
    let mut groups = Vec::new();
    for (members, id) in sets.iter().zip(1..) {
        // The last override, then the policy.
        let chosen = constraints.canonical.iter().rev().find(|s| members.binary_search(s).is_ok());
        let canonical = chosen.copied().unwrap_or_else(|| options.keep.choose(corpus, members));
        let mut described = vec![Member::canonical(canonical)];
        for &story in members.iter().filter(|m| **m != canonical) {
            described.push(describer.describe(story, canonical, members)?);
        }
        groups.push(Group { id, canonical, members: described, health: health::health(members, &edges) });
    }
    // Two stories that must-links make one are no link between stories that both stay.
    let is_link = |v: &&Verdict| v.relation.is_link() && !linked.must_link(v.a, v.b);
    Ok(Groups { groups, links: verdicts.iter().filter(is_link).cloned().collect() })
}

//! What the page shows and only the comparer of the run knows: aligned passages, boilerplate, coverage of all pairs.

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    compare::{Comparer, PassageChange, Relation, Thresholds, Verdict},
    group::{Group, Groups, Member},
    progress::{Progress, Stage},
    story::StoryId,
};

/// Bins of the histogram of coverage.
pub(super) const BINS: usize = 50;

/// The relations of the histogram, in the order of its rows.
pub(super) const RELATIONS: [Relation; 9] = Relation::ALL;

/// How the passages of two stories correspond. A passage in neither list is in one story alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct PassageAlignment {
    /// Pairs of passages: places in the first and in the second story.
    pub aligned: Vec<(u32, u32)>,
    /// Places in the second story of passages whose words stand within longer passages of the first.
    pub contained: Vec<u32>,
}

/// What the comparer found, for [`Page`](super::Page).
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub(super) thresholds: Thresholds,
    /// Whether each distinct passage of the corpus is boilerplate.
    pub(super) boilerplate: Vec<bool>,
    /// For each group, for each member, its alignment with the canonical story; empty where the texts are identical.
    pub(super) members: Vec<Vec<PassageAlignment>>,
    /// The alignment of each link's stories.
    pub(super) links: Vec<PassageAlignment>,
    /// Pairs by relation ([`RELATIONS`]), then by the greater of their two coverages ([`BINS`]).
    pub(super) histogram: Vec<Vec<u64>>,
}

impl Evidence {
    /// Aligns the members of each group with its canonical story, and the stories of each link.
    pub fn gather(
        comparer: &Comparer,
        verdicts: &[Verdict],
        groups: &Groups,
        thresholds: &Thresholds,
        progress: &dyn Progress,
    ) -> Self {
        let pairs = groups.groups.iter().map(|g| g.members.len() as u64).sum::<u64>();
        progress.begin(Stage::Report, Some(pairs + groups.links.len() as u64));
        let align_group = |group: &Group| -> Vec<PassageAlignment> {
            let align_member = |m: &Member| match m.relation {
                // The page finds equal passages itself.
                Relation::Identical => PassageAlignment::default(),
                _ => align(comparer, group.canonical, m.story),
            };
            progress.advance(Stage::Report, group.members.len() as u64);
            group.members.iter().map(align_member).collect()
        };
        let members = groups.groups.par_iter().map(align_group).collect();
        let align_link = |link: &Verdict| {
            progress.advance(Stage::Report, 1);
            align(comparer, link.a, link.b)
        };
        let links = groups.links.par_iter().map(align_link).collect();
        progress.end(Stage::Report);
        let mut histogram = vec![vec![0; BINS]; RELATIONS.len()];
        for verdict in verdicts {
            let row = RELATIONS.iter().position(|r| *r == verdict.relation).unwrap_or(RELATIONS.len() - 1);
            histogram[row][bin(verdict.higher_coverage())] += 1;
        }
        Evidence {
            thresholds: thresholds.clone(),
            boilerplate: comparer.boilerplate().to_vec(),
            members,
            links,
            histogram,
        }
    }
}

fn align(comparer: &Comparer, a: StoryId, b: StoryId) -> PassageAlignment {
    let mut alignment = PassageAlignment::default();
    let mut listed: Vec<usize> = Vec::new();
    for place in &comparer.align_passages(a, b) {
        listed.extend(place.b);
        if let (PassageChange::Identical | PassageChange::Changed, Some(x), Some(y)) =
            (place.kind, place.a, place.b)
        {
            alignment.aligned.push((x as u32, y as u32));
        }
    }
    listed.sort_unstable();
    // A passage that the comparer does not list is within a longer one.
    let unlisted = (0..comparer.passage_count(b)).filter(|at| listed.binary_search(at).is_err());
    alignment.contained = unlisted.map(|at| at as u32).collect();
    alignment
}

/// The bin of a share in [0, 1].
fn bin(share: f32) -> usize {
    ((share * BINS as f32) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_shares_into_bins() {
        let check = |share: f32, expect: usize| assert_eq!(bin(share), expect, "{share}");
        check(0.0, 0);
        check(0.019, 0);
        check(0.5, 25);
        check(0.999, 49);
        check(1.0, 49);
    }
}

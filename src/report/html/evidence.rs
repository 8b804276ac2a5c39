//! What a report shows that only the comparer of the run knows: aligned passages, boilerplate, coverage of all pairs.

use rayon::prelude::*;

use crate::{
    compare::{Comparer, PassageChange, Relation, Thresholds, Verdict},
    group::{Group, Groups},
    progress::{Progress, Stage},
    story::StoryId,
};

/// Bins of the histogram of coverage, each a fiftieth wide.
pub(super) const BINS: usize = 50;

/// The relations of the histogram, in the order of its rows.
pub(super) const RELATIONS: [Relation; 7] = [
    Relation::Identical,
    Relation::Copy,
    Relation::Excerpt,
    Relation::Update,
    Relation::Twin,
    Relation::Related,
    Relation::None,
];

/// Passages of two stories: those that are aligned, and those of the second whose words stand in longer ones of the
/// first. What is in neither is in one story alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Layout {
    /// Places of two aligned passages, one after the other: first story, second story, first story, ….
    pub pairs: Vec<u32>,
    /// Places in the second story.
    pub inside: Vec<u32>,
}

/// See the top of this file.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub(super) thresholds: Thresholds,
    /// For each row of the corpus.
    pub(super) boilerplate: Vec<bool>,
    /// For each group, for each member, how it lies beside the canonical story.
    pub(super) members: Vec<Vec<Layout>>,
    /// For each link that is a twin.
    pub(super) links: Vec<Layout>,
    /// Pairs by relation and by the greater of their two coverages.
    pub(super) histogram: Vec<Vec<u64>>,
}

impl Evidence {
    /// Lays members beside their canonical stories, and twins beside each other.
    pub fn gather(
        comparer: &Comparer,
        verdicts: &[Verdict],
        groups: &Groups,
        thresholds: &Thresholds,
        progress: &dyn Progress,
    ) -> Self {
        let pairs = groups.groups.iter().map(|g| g.members.len() as u64).sum::<u64>();
        progress.begin(Stage::Report, Some(pairs + groups.links.len() as u64));
        let of_group = |group: &Group| -> Vec<Layout> {
            let beside = |m: &crate::group::Member| match m.relation {
                // Every passage is the same as there: the page can tell.
                Relation::Identical => Layout::default(),
                _ => lay_out(comparer, group.canonical, m.story),
            };
            progress.advance(Stage::Report, group.members.len() as u64);
            group.members.iter().map(beside).collect()
        };
        let members = groups.groups.par_iter().map(of_group).collect();
        let of_link = |link: &Verdict| {
            progress.advance(Stage::Report, 1);
            match link.relation {
                Relation::Twin => lay_out(comparer, link.a, link.b),
                _ => Layout::default(),
            }
        };
        let links = groups.links.par_iter().map(of_link).collect();
        progress.end(Stage::Report);
        let mut histogram = vec![vec![0; BINS]; RELATIONS.len()];
        for verdict in verdicts {
            let row = RELATIONS.iter().position(|r| *r == verdict.relation).unwrap_or(RELATIONS.len() - 1);
            histogram[row][bin(verdict.coverage_ab.max(verdict.coverage_ba))] += 1;
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

fn lay_out(comparer: &Comparer, a: StoryId, b: StoryId) -> Layout {
    let mut layout = Layout::default();
    let places = comparer.align_passages(a, b);
    let mut told: Vec<usize> = Vec::new();
    for place in &places {
        told.extend(place.b);
        if let (PassageChange::Identical | PassageChange::Changed, Some(x), Some(y)) =
            (place.kind, place.a, place.b)
        {
            layout.pairs.extend([x as u32, y as u32]);
        }
    }
    told.sort_unstable();
    let all = comparer.passage_count(b);
    layout.inside = (0..all).filter(|at| told.binary_search(at).is_err()).map(|at| at as u32).collect();
    layout
}

/// The bin of a share in [0, 1].
fn bin(share: f32) -> usize {
    ((share * BINS as f32) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fall_into_bins() {
        let check = |share: f32, expect: usize| assert_eq!(bin(share), expect, "{share}");
        check(0.0, 0);
        check(0.019, 0);
        check(0.5, 25);
        check(0.999, 49);
        check(1.0, 49);
    }
}

//! Clusters stories around pivots.

use std::collections::BTreeMap;

use super::{Edges, common_neighbours::CommonNeighbours};
use crate::{
    compare::{Relation, Verdict},
    story::{Corpus, StoryId},
};

/// Groups in the making: the members under their pivot, which is one of them.
type Clusters = BTreeMap<StoryId, Vec<StoryId>>;

/// The members of each group of two and more stories, ascending.
pub(super) fn cluster(corpus: &Corpus, edges: &Edges) -> Vec<Vec<StoryId>> {
    let common = CommonNeighbours::new(edges);
    // The share of a story's neighbours that are the other's too: low where a story holds passages of several others.
    let overlap =
        |s: &StoryId, other: &StoryId| (common.count(*s, *other) + 1) as f32 / edges[s].len() as f32;
    let mut clusters = pivots(corpus, edges, &overlap);
    // The others go to the pivot that they have most in common with.
    let pivots: Vec<StoryId> = clusters.keys().copied().collect();
    for story in edges.keys().filter(|s| pivots.binary_search(s).is_err()) {
        let near = edges[story].iter().filter(|(other, _)| pivots.binary_search(other).is_ok());
        let fit = |pivot: &StoryId, v: &Verdict| v.higher_coverage().sqrt() * overlap(story, pivot);
        let best = near.max_by(|x, y| fit(x.0, x.1).total_cmp(&fit(y.0, y.1)).then(y.0.cmp(x.0)));
        if let Some((pivot, _)) = best {
            clusters.entry(*pivot).or_default().push(*story);
        }
    }
    reclaim(edges, &mut clusters);
    assign_single_pivots(edges, &mut clusters);
    let mut groups: Vec<Vec<StoryId>> = clusters.into_values().filter(|m| m.len() > 1).collect();
    groups.iter_mut().for_each(|members| members.sort());
    groups
}

/// The pivots, each alone: a story is a pivot if it shares its origin with no pivot before it.
///
/// They are taken in the order of how much each holds of its neighbours, as far as it has its own neighbours in common
/// with them: the story that most were made from comes before one that holds passages of many.
fn pivots(corpus: &Corpus, edges: &Edges, overlap: &dyn Fn(&StoryId, &StoryId) -> f32) -> Clusters {
    let length = |s: &StoryId| corpus.stories[s.index()].text.len();
    let weight = |s: &StoryId| {
        let held = edges[s].iter().map(|(x, v)| (x, if v.a == *s { v.coverage_ba } else { v.coverage_ab }));
        let weighed = |(x, coverage): (&StoryId, f32)| {
            let overlap = overlap(s, x);
            coverage * overlap * overlap
        };
        held.map(weighed).sum::<f32>()
    };
    let mut order: Vec<(f32, StoryId)> = edges.keys().map(|s| (weight(s), *s)).collect();
    order.sort_by(|(x, a), (y, b)| y.total_cmp(x).then(length(b).cmp(&length(a))).then(a.cmp(b)));
    let mut clusters = Clusters::new();
    for (_, story) in &order {
        if !edges[story].keys().any(|other| clusters.contains_key(other)) {
            clusters.insert(*story, vec![*story]);
        }
    }
    clusters
}

/// The pivots without other members.
fn single_pivots(clusters: &Clusters) -> Vec<StoryId> {
    clusters.iter().filter(|(_, members)| members.len() == 1).map(|(pivot, _)| *pivot).collect()
}

/// Lets a single pivot take a story back from another cluster, if that story shares its origin with less than half of the
/// members there: a story that holds passages of two belongs to the one that would be alone without it.
fn reclaim(edges: &Edges, clusters: &mut Clusters) {
    for pivot in single_pivots(clusters) {
        if clusters.get(&pivot).is_none_or(|m| m.len() > 1) {
            continue;
        }
        let loose_member = |(other, members): (&StoryId, &Vec<StoryId>)| {
            let near = members.iter().filter(|m| *m != other && edges[&pivot].contains_key(m));
            let mut loose = near.filter(|m| {
                let shared = members.iter().filter(|other| edges[*m].contains_key(other)).count();
                members.len() > 2 && shared * 2 < members.len()
            });
            loose.next().map(|m| (*other, *m))
        };
        let found = clusters.iter().filter_map(loose_member).max_by(|x, y| {
            let strength = |m: &StoryId| edges[&pivot][m].higher_coverage();
            strength(&x.1).total_cmp(&strength(&y.1)).then(y.1.cmp(&x.1))
        });
        if let Some((other, story)) = found {
            clusters.entry(other).or_default().retain(|m| *m != story);
            clusters.entry(pivot).or_default().push(story);
        }
    }
}

/// Moves a pivot that is still single to a cluster, if it is identical to a member or another version of one, or shares its
/// origin with half of them. The versions of a growing story have less and less in common with the first.
fn assign_single_pivots(edges: &Edges, clusters: &mut Clusters) {
    for story in single_pivots(clusters) {
        let near = &edges[&story];
        let is_version = |member: &StoryId| {
            near.get(member).is_some_and(|v| matches!(v.relation, Relation::Identical | Relation::Update))
        };
        let fits = |members: &[StoryId]| {
            let shared = members.iter().filter(|m| near.contains_key(m)).count();
            members.len() > 1 && (members.iter().any(is_version) || shared * 2 >= members.len())
        };
        let fitting = clusters.iter().find(|(_, members)| fits(members)).map(|(pivot, _)| *pivot);
        if let Some(pivot) = fitting {
            clusters.remove(&story);
            clusters.entry(pivot).or_default().push(story);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{group::edges, story::Story};

    #[test]
    fn the_versions_of_a_growing_story_are_one_group() {
        let corpus = Corpus::new((0..4).map(|i| Story { id: format!("v{i}"), ..Story::default() }).collect());
        let check = |last: Relation, expect: &[&[u32]]| {
            let verdict = |(a, b, coverage_ab, coverage_ba, relation)| Verdict {
                relation,
                coverage_ab,
                coverage_ba,
                ..Verdict::none(StoryId(a), StoryId(b))
            };
            // The last has hardly anything of the first two.
            let update = Relation::Update;
            let pairs = [
                (0, 1, 0.9, 0.3, update),
                (0, 2, 0.9, 0.2, update),
                (1, 2, 1.0, 0.5, update),
                (2, 3, 0.7, 0.4, last),
            ];
            let verdicts = pairs.map(verdict);
            let expect: Vec<Vec<StoryId>> =
                expect.iter().map(|group| group.iter().map(|s| StoryId(*s)).collect()).collect();
            assert_eq!(cluster(&corpus, &edges(verdicts.iter())), expect, "{last:?}");
        };
        check(Relation::Update, &[&[0, 1, 2, 3]]);
        check(Relation::Excerpt, &[&[0, 1, 2]]);
    }
}

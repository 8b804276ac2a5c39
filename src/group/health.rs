//! The cohesion of a group: its weakest link, and the members that alone connect parts of it.

use serde::Serialize;

use super::Edges;
use crate::{story::StoryId, union_find::UnionFind};

/// The health of one group. The strength of a pair is the greater of its two coverages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// At a higher floor than this for the strength of a pair, the group would fall into parts; in [0, 1].
    pub splits_at: f32,
    /// The pair that connects the parts there.
    pub weakest: Option<(StoryId, StoryId)>,
    /// Members without which the others would fall into parts.
    pub bridges: Vec<StoryId>,
    /// Pairs of members judged to be of one origin, of all pairs.
    pub pairs: (usize, usize),
}

/// [`Health`] as reports have it, with ids.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthItem {
    /// See [`Health::splits_at`].
    pub splits_at: f32,
    /// See [`Health::weakest`].
    pub weakest: Vec<String>,
    /// See [`Health::bridges`].
    pub bridges: Vec<String>,
    /// See [`Health::pairs`].
    pub pairs_of_one_origin: usize,
    /// All pairs of members.
    pub pairs: usize,
}

/// The health of the group of `members`, which are in ascending order.
pub(crate) fn health(members: &[StoryId], edges: &Edges) -> Health {
    let at = |story: &StoryId| members.binary_search(story).ok();
    let mut links: Vec<(f32, usize, usize)> = Vec::new();
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    for (i, story) in members.iter().enumerate() {
        for (other, verdict) in edges.get(story).into_iter().flatten() {
            let Some(j) = at(other) else { continue };
            near[i].push(j);
            if i < j {
                links.push((verdict.higher_coverage(), i, j));
            }
        }
    }
    let n = members.len();
    let pairs = (links.len(), n * n.saturating_sub(1) / 2);
    // The strongest spanning tree (Kruskal, 1956): its weakest pair is where the group falls apart first.
    links.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let mut parts = UnionFind::new(n);
    let mut weakest = None;
    for &(strength, i, j) in &links {
        if parts.union(i, j) {
            weakest = Some((strength, i, j));
        }
    }
    Health {
        splits_at: weakest.map_or(0.0, |w| w.0),
        weakest: weakest.map(|(_, i, j)| (members[i], members[j])),
        bridges: cut_points(&near).into_iter().map(|i| members[i]).collect(),
        pairs,
    }
}

/// The vertices without which a connected graph falls apart (Hopcroft and Tarjan, 1973), without recursion: groups
/// may be large.
fn cut_points(near: &[Vec<usize>]) -> Vec<usize> {
    let n = near.len();
    let (mut found, mut low) = (vec![usize::MAX; n], vec![usize::MAX; n]);
    let mut cut = vec![false; n];
    let mut time = 0;
    for start in 0..n {
        if found[start] != usize::MAX {
            continue;
        }
        let mut children = 0;
        let mut stack = vec![(start, usize::MAX, 0)];
        (found[start], low[start]) = (time, time);
        time += 1;
        while let Some((v, parent, next)) = stack.last_mut() {
            let (v, parent) = (*v, *parent);
            let Some(&w) = near[v].get(*next) else {
                stack.pop();
                if parent != usize::MAX {
                    low[parent] = low[parent].min(low[v]);
                    if parent == start {
                        children += 1;
                    } else {
                        cut[parent] |= low[v] >= found[parent];
                    }
                }
                continue;
            };
            *next += 1;
            if found[w] == usize::MAX {
                (found[w], low[w]) = (time, time);
                time += 1;
                stack.push((w, v, 0));
            } else if w != parent {
                low[v] = low[v].min(found[w]);
            }
        }
        cut[start] = children > 1;
    }
    (0..n).filter(|&i| cut[i]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(n: usize, pairs: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let mut near = vec![Vec::new(); n];
        for &(i, j) in pairs {
            near[i].push(j);
            near[j].push(i);
        }
        near
    }

    fn parts(near: &[Vec<usize>], without: usize) -> usize {
        let mut seen = vec![false; near.len()];
        let mut count = 0;
        for start in 0..near.len() {
            if start == without || seen[start] {
                continue;
            }
            count += 1;
            let mut stack = vec![start];
            while let Some(v) = stack.pop() {
                if v != without && !std::mem::replace(&mut seen[v], true) {
                    stack.extend(&near[v]);
                }
            }
        }
        count
    }

    #[test]
    fn the_middle_of_a_chain_is_a_cut_point() {
        assert_eq!(cut_points(&graph(3, &[(0, 1), (1, 2)])), [1]);
        assert_eq!(cut_points(&graph(3, &[(0, 1), (1, 2), (0, 2)])), [0usize; 0]);
    }

    proptest! {
        #[test]
        fn removing_a_cut_point_leaves_more_parts(n in 1usize..9, bits: u64) {
            let all = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
            let pairs: Vec<_> = all.enumerate().filter(|(k, _)| bits >> k & 1 == 1).map(|(_, p)| p).collect();
            let near = graph(n, &pairs);
            let whole = parts(&near, usize::MAX);
            let expect: Vec<usize> = (0..n).filter(|&v| parts(&near, v) > whole).collect();
            prop_assert_eq!(cut_points(&near), expect);
        }
    }
}

//! Links to storylines: stories are joined as long as the mean of all their pairs stands out of what is unrelated.
//!
//! Agglomeration by average linkage (Sokal and Michener, 1958), over pairs of storylines that a near pair of stories
//! joins. It ends when the best pair is no nearer than the best of so many unrelated storylines would be, so the level
//! follows from how many are left. Every join is one that a link leads to, so that a report can say why; no single link can
//! chain two storylines.
//!
//! The mean of all pairs with a large storyline is low even for a story that belongs to one side of it. So what is left
//! over and small beside a storyline joins it once, if the nearest few of that storyline's stories are each as near as
//! a link has to be. Those few are of the storyline as it was, so nothing that joins this way brings others along.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, BinaryHeap},
};

use rayon::prelude::*;

use super::{
    IncrementalLinker,
    null_distribution::NullDistribution,
    terms::{Weights, product, sum},
};
use crate::vector::dot;

/// So many of a storyline's stories have to be near, on average, to what joins it late …
pub const SUPPORT: usize = 5;

/// … and it is so many times as large. Set, like [`SUPPORT`], on half of the events of a sample of headlines (UCI News
/// Aggregator): 3 to 8 witnesses and 2 to 8 times the size all give more than none, on that half and on the other.
const TIMES_AS_LARGE: usize = 3;

/// Stories of one event, and of what followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Storyline {
    /// Two and more stories, by their place among those that the linker took.
    pub members: Vec<u32>,
    /// The member that is nearest to all of them.
    pub central: u32,
    /// Members that no link brought, ascending.
    pub late_arrivals: Vec<LateArrival>,
}

/// A story that joined a storyline because it is near several of its stories.
#[derive(Debug, Clone, PartialEq)]
pub struct LateArrival {
    /// The story.
    pub story: u32,
    /// The nearest of the storyline as it was.
    pub nearest: u32,
    /// The mean score, of it and what joined with it, with the [`SUPPORT`] nearest stories.
    pub score: f32,
}

/// A storyline in the making: the sums of its stories' vectors and terms tell the mean of all pairs.
struct Cluster {
    members: Vec<u32>,
    vector: Vec<f32>,
    terms: Weights,
    first: Option<i64>,
    last: Option<i64>,
    near: BTreeSet<u32>,
    /// Those of `near` that a link leads to.
    linked: BTreeSet<u32>,
    late_arrivals: Vec<LateArrival>,
}

/// Two clusters that may be joined; the greatest is the nearest, then that of the lowest numbers.
#[derive(Debug, PartialEq)]
struct Pair {
    score: f32,
    a: u32,
    b: u32,
}

impl Eq for Pair {}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then((other.a, other.b).cmp(&(self.a, self.b)))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) fn gather(linker: &IncrementalLinker) -> Vec<Storyline> {
    let mut clusters: Vec<Option<Cluster>> =
        (0..linker.len() as u32).map(|i| Some(single(linker, i))).collect();
    let mut heap = BinaryHeap::new();
    for near in &linker.near {
        let (a, b) = (near.earlier, near.later);
        heap.push(Pair { score: near.score, a, b });
        for (x, y) in [(a, b), (b, a)] {
            if let Some(cluster) = &mut clusters[x as usize] {
                cluster.near.insert(y);
                if near.is_link() {
                    cluster.linked.insert(y);
                }
            }
        }
    }
    let mut left = clusters.len();
    while let Some(Pair { score, a, b }) = heap.pop() {
        if score < NullDistribution::significance_threshold(left) {
            break;
        }
        // What a storyline is joined by is told by a link.
        if !clusters[a as usize].as_ref().is_some_and(|c| c.linked.contains(&b)) {
            continue;
        }
        let (Some(x), Some(y)) = (clusters[a as usize].take(), clusters[b as usize].take()) else { continue };
        let number = clusters.len() as u32;
        let joined = join(x, y, a, b);
        for &other in &joined.near {
            if let Some(cluster) = &mut clusters[other as usize] {
                cluster.near.remove(&a);
                cluster.near.remove(&b);
                cluster.near.insert(number);
                if cluster.linked.remove(&a) | cluster.linked.remove(&b) {
                    cluster.linked.insert(number);
                }
                heap.push(Pair { score: score_of(linker, cluster, &joined), a: other, b: number });
            }
        }
        clusters.push(Some(joined));
        left -= 1;
    }
    take_in_strays(linker, &mut clusters);
    let several = clusters.into_iter().flatten().filter(|c| c.members.len() > 1);
    let mut storylines: Vec<Storyline> = several.map(|c| storyline(linker, c)).collect();
    storylines.sort_by(|x, y| x.members.cmp(&y.members));
    storylines
}

/// What is small beside a storyline and near some of its stories joins it: the larger first, each once.
fn take_in_strays(linker: &IncrementalLinker, clusters: &mut [Option<Cluster>]) {
    let bar = NullDistribution::significance_threshold(linker.len());
    let fits = |(number, cluster): (usize, &Option<Cluster>)| {
        let stray = cluster.as_ref()?;
        let least = SUPPORT.max(TIMES_AS_LARGE * stray.members.len());
        let near = stray.near.iter().filter_map(|n| Some((*n, clusters[*n as usize].as_ref()?)));
        let mut homes: Vec<(f32, u32)> = near
            .filter(|(_, home)| home.members.len() >= least)
            .map(|(n, home)| (witnessed(linker, stray, home), n))
            .filter(|(score, _)| *score >= bar)
            .collect();
        homes.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
        (!homes.is_empty()).then_some((stray.members.len(), number, homes))
    };
    let mut strays: Vec<_> = clusters.par_iter().enumerate().filter_map(fits).collect();
    strays.sort_by_key(|(size, number, _)| (std::cmp::Reverse(*size), *number));
    for (_, number, homes) in strays {
        // A home is larger than its strays, so whether it stays is known by now.
        let still = |home: &&(f32, u32)| clusters[home.1 as usize].is_some();
        let Some(&(score, home)) = homes.iter().find(still) else { continue };
        if let (Some(x), Some(mut y)) = (clusters[home as usize].take(), clusters[number].take()) {
            if !y.linked.contains(&home) {
                y.late_arrivals = y.members.iter().map(|story| late(linker, *story, &x, score)).collect();
            }
            clusters[home as usize] = Some(join(x, y, home, number as u32));
        }
    }
}

/// The mean score of the stories of `stray` with the nearest [`SUPPORT`] of `home`.
fn witnessed(linker: &IncrementalLinker, stray: &Cluster, home: &Cluster) -> f32 {
    let of = |story: &u32| {
        let mut scores: Vec<f32> = home.members.iter().map(|other| linker.score(*story, *other)).collect();
        scores.select_nth_unstable_by(SUPPORT - 1, |x, y| y.total_cmp(x));
        scores[..SUPPORT].iter().sum::<f32>()
    };
    stray.members.iter().map(of).sum::<f32>() / (stray.members.len() * SUPPORT) as f32
}

fn late(linker: &IncrementalLinker, story: u32, home: &Cluster, score: f32) -> LateArrival {
    let score_to = |other: &u32| (linker.score(story, *other), *other);
    let nearest = home.members.iter().map(score_to).max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1)));
    LateArrival { story, nearest: nearest.map_or(story, |n| n.1), score }
}

fn single(linker: &IncrementalLinker, story: u32) -> Cluster {
    let profile = &linker.profiles[story as usize];
    let published = linker.published(story);
    Cluster {
        members: vec![story],
        vector: profile.vector.clone(),
        terms: profile.terms.clone(),
        first: published,
        last: published,
        near: BTreeSet::new(),
        linked: BTreeSet::new(),
        late_arrivals: Vec::new(),
    }
}

fn join(x: Cluster, y: Cluster, a: u32, b: u32) -> Cluster {
    let mut near = x.near;
    near.extend(y.near);
    let mut linked = x.linked;
    linked.extend(y.linked);
    for of in [&mut near, &mut linked] {
        of.remove(&a);
        of.remove(&b);
    }
    let mut vector = x.vector;
    vector.iter_mut().zip(&y.vector).for_each(|(s, v)| *s += v);
    let mut members = x.members;
    members.extend(y.members);
    Cluster {
        members,
        vector,
        terms: sum(&x.terms, &y.terms),
        first: x.first.into_iter().chain(y.first).min(),
        last: x.last.into_iter().chain(y.last).max(),
        near,
        linked,
        late_arrivals: x.late_arrivals.into_iter().chain(y.late_arrivals).collect(),
    }
}

/// The mean score of all pairs of a story of `x` with one of `y`, less the more time lies between the two.
fn score_of(linker: &IncrementalLinker, x: &Cluster, y: &Cluster) -> f32 {
    let pairs = x.members.len() as f32 * y.members.len() as f32;
    let mean = (dot(&x.vector, &y.vector) + product(&x.terms, &y.terms)) / pairs;
    let gap = |earlier: Option<i64>, later: Option<i64>| Some((later? - earlier?).max(0));
    let between = gap(x.last, y.first).zip(gap(y.last, x.first)).map(|(p, q)| p.max(q) as f32 / 86_400_000.0);
    linker.scale().score(mean) * linker.decay(between)
}

fn storyline(linker: &IncrementalLinker, mut cluster: Cluster) -> Storyline {
    cluster.members.sort_unstable();
    let near = |story: &u32| {
        let profile = &linker.profiles[*story as usize];
        dot(&profile.vector, &cluster.vector) + product(&profile.terms, &cluster.terms)
    };
    let best =
        cluster.members.iter().map(|m| (near(m), *m)).max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1)));
    let central = best.map_or(0, |(_, story)| story);
    cluster.late_arrivals.sort_unstable_by_key(|late| late.story);
    Storyline { members: cluster.members, central, late_arrivals: cluster.late_arrivals }
}

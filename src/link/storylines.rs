//! Storylines: documents joined as long as the mean similarity of all their pairs is significant.
//!
//! Average-linkage agglomerative clustering (Sokal and Michener, 1958), over pairs of clusters that a pair of the linker
//! connects. It ends when the best pair is no more similar than the best of as many unrelated clusters would be, so the
//! threshold follows from the number of clusters left. Every merge is supported by a link, so that a report can give the
//! reason; a single link cannot chain two storylines.
//!
//! The mean of all pairs with a large storyline is low even for a document of one of its sides. So a cluster that is small
//! compared with a storyline may join it once as a late arrival, if the mean score with the few most similar documents of
//! the storyline is significant (its support). Those are documents of the storyline before late arrivals, so late arrivals
//! bring no others.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeSet, BinaryHeap},
};

use rayon::prelude::*;

use super::{
    incremental::IncrementalLinker,
    null_distribution::NullDistribution,
    terms::{TermWeights, add_weights, inner_product},
};
use crate::vector::dot;

/// The number of documents of a storyline that support a late arrival: those most similar to it …
pub const SUPPORT: usize = 5;

/// … of a storyline at least this many times as large. Both are tuned on half of the events of a sample of headlines (UCI
/// News Aggregator): a support of 3 to 8 and a size of 2 to 8 times all improve on no late arrivals, on that half and on
/// the other.
const MIN_SIZE_RATIO: usize = 3;

const MS_PER_DAY: f32 = 86_400_000.0;

/// Documents on one event and its consequences.
#[derive(Debug, Clone, PartialEq)]
pub struct Storyline {
    /// Two and more documents, by their positions in the linker, ascending.
    pub members: Vec<u32>,
    /// The member that is most similar to all of them.
    pub central: u32,
    /// Members that joined without a link, ascending.
    pub late_arrivals: Vec<LateArrival>,
}

/// A document that joined a storyline without a link, because it is similar to several of its documents.
#[derive(Debug, Clone, PartialEq)]
pub struct LateArrival {
    /// The document.
    pub story: u32,
    /// The most similar document of the storyline before it joined.
    pub nearest: u32,
    /// The mean score, of it and what joined with it, with the [`SUPPORT`] most similar documents.
    pub score: f32,
}

impl IncrementalLinker {
    /// The storylines of two and more documents, in the order of their first documents.
    pub fn storylines(&self) -> Vec<Storyline> {
        let mut clusters = agglomerate(self);
        attach_late_arrivals(self, &mut clusters);
        let several = clusters.into_iter().flatten().filter(|c| c.members.len() > 1);
        let mut storylines: Vec<Storyline> = several.map(|c| c.into_storyline(self)).collect();
        storylines.sort_by(|x, y| x.members.cmp(&y.members));
        storylines
    }
}

/// A storyline in the making. The sums of vectors and terms give the mean similarity of all pairs.
struct Cluster {
    members: Vec<u32>,
    vector: Vec<f32>,
    terms: TermWeights,
    first: Option<i64>,
    last: Option<i64>,
    /// Clusters that a pair of the linker connects.
    neighbours: BTreeSet<u32>,
    /// Those of them that a link connects.
    linked: BTreeSet<u32>,
    late_arrivals: Vec<LateArrival>,
}

/// Two clusters that may be merged. The greatest is the most similar, among equals that of the lowest numbers.
#[derive(Debug, PartialEq)]
struct ClusterPair {
    score: f32,
    a: u32,
    b: u32,
}

impl Eq for ClusterPair {}

impl Ord for ClusterPair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then((other.a, other.b).cmp(&(self.a, self.b)))
    }
}

impl PartialOrd for ClusterPair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Merges the most similar clusters until no pair is significant. A merged cluster gets the next number; the two that it
/// was made of become `None`.
fn agglomerate(linker: &IncrementalLinker) -> Vec<Option<Cluster>> {
    let mut clusters: Vec<Option<Cluster>> =
        (0..linker.len() as u32).map(|i| Some(Cluster::single(linker, i))).collect();
    let mut heap = BinaryHeap::new();
    for pair in &linker.pairs {
        let (a, b) = (pair.earlier, pair.later);
        heap.push(ClusterPair { score: pair.score, a, b });
        for (x, y) in [(a, b), (b, a)] {
            if let Some(cluster) = &mut clusters[x as usize] {
                cluster.neighbours.insert(y);
                if pair.is_link() {
                    cluster.linked.insert(y);
                }
            }
        }
    }
    let mut remaining = clusters.len();
    while let Some(ClusterPair { score, a, b }) = heap.pop() {
        if score < NullDistribution::significance_threshold(remaining) {
            break;
        }
        // Only links merge: a report gives them as the reason.
        if !clusters[a as usize].as_ref().is_some_and(|c| c.linked.contains(&b)) {
            continue;
        }
        let (Some(x), Some(y)) = (clusters[a as usize].take(), clusters[b as usize].take()) else { continue };
        let number = clusters.len() as u32;
        let merged = Cluster::merge(x, y, a, b);
        for &other in &merged.neighbours {
            if let Some(cluster) = &mut clusters[other as usize] {
                cluster.neighbours.remove(&a);
                cluster.neighbours.remove(&b);
                cluster.neighbours.insert(number);
                if cluster.linked.remove(&a) | cluster.linked.remove(&b) {
                    cluster.linked.insert(number);
                }
                heap.push(ClusterPair { score: cluster.score(&merged, linker), a: other, b: number });
            }
        }
        clusters.push(Some(merged));
        remaining -= 1;
    }
    clusters
}

/// Merges small clusters into large ones with enough support: the larger first, each once.
fn attach_late_arrivals(linker: &IncrementalLinker, clusters: &mut [Option<Cluster>]) {
    let threshold = NullDistribution::significance_threshold(linker.len());
    let candidates = |(number, cluster): (usize, &Option<Cluster>)| {
        let small = cluster.as_ref()?;
        let min_size = SUPPORT.max(MIN_SIZE_RATIO * small.members.len());
        let neighbours = small.neighbours.iter().filter_map(|n| Some((*n, clusters[*n as usize].as_ref()?)));
        let mut targets: Vec<(f32, u32)> = neighbours
            .filter(|(_, target)| target.members.len() >= min_size)
            .map(|(n, target)| (small.support_score(target, linker), n))
            .filter(|(score, _)| *score >= threshold)
            .collect();
        targets.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
        (!targets.is_empty()).then_some((small.members.len(), number, targets))
    };
    let mut arrivals: Vec<_> = clusters.par_iter().enumerate().filter_map(candidates).collect();
    arrivals.sort_by_key(|(size, number, _)| (Reverse(*size), *number));
    for (_, number, targets) in arrivals {
        // A target is larger than its arrivals, so whether it joins another cluster itself is known by now.
        let still_there = |target: &&(f32, u32)| clusters[target.1 as usize].is_some();
        let Some(&(score, target)) = targets.iter().find(still_there) else { continue };
        if let (Some(large), Some(mut small)) = (clusters[target as usize].take(), clusters[number].take()) {
            if !small.linked.contains(&target) {
                let arrivals = small.members.iter();
                small.late_arrivals =
                    arrivals.map(|story| late_arrival(linker, *story, &large, score)).collect();
            }
            clusters[target as usize] = Some(Cluster::merge(large, small, target, number as u32));
        }
    }
}

fn late_arrival(linker: &IncrementalLinker, story: u32, target: &Cluster, score: f32) -> LateArrival {
    let scores = target.members.iter().map(|other| (linker.score(story, *other), *other));
    let nearest = scores.max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1)));
    LateArrival { story, nearest: nearest.map_or(story, |n| n.1), score }
}

impl Cluster {
    fn single(linker: &IncrementalLinker, story: u32) -> Self {
        let features = &linker.features[story as usize];
        let published = linker.published(story);
        Cluster {
            members: vec![story],
            vector: features.vector.clone(),
            terms: features.terms.clone(),
            first: published,
            last: published,
            neighbours: BTreeSet::new(),
            linked: BTreeSet::new(),
            late_arrivals: Vec::new(),
        }
    }

    /// The union of `x`, which has the number `a`, and `y`, which has the number `b`.
    fn merge(x: Cluster, y: Cluster, a: u32, b: u32) -> Self {
        let mut neighbours = x.neighbours;
        neighbours.extend(y.neighbours);
        let mut linked = x.linked;
        linked.extend(y.linked);
        for set in [&mut neighbours, &mut linked] {
            set.remove(&a);
            set.remove(&b);
        }
        let mut vector = x.vector;
        vector.iter_mut().zip(&y.vector).for_each(|(s, v)| *s += v);
        let mut members = x.members;
        members.extend(y.members);
        Cluster {
            members,
            vector,
            terms: add_weights(&x.terms, &y.terms),
            first: x.first.into_iter().chain(y.first).min(),
            last: x.last.into_iter().chain(y.last).max(),
            neighbours,
            linked,
            late_arrivals: x.late_arrivals.into_iter().chain(y.late_arrivals).collect(),
        }
    }

    /// The score of the mean similarity of all pairs of a document of this cluster with one of `other`, with the decay by the
    /// time between the two.
    fn score(&self, other: &Cluster, linker: &IncrementalLinker) -> f32 {
        let (x, y) = (self, other);
        let pairs = x.members.len() as f32 * y.members.len() as f32;
        let mean = (dot(&x.vector, &y.vector) + inner_product(&x.terms, &y.terms)) / pairs;
        let gap = |earlier: Option<i64>, later: Option<i64>| Some((later? - earlier?).max(0));
        let days = gap(x.last, y.first).zip(gap(y.last, x.first)).map(|(p, q)| p.max(q) as f32 / MS_PER_DAY);
        linker.standardization().z_score(mean) * linker.decay(days)
    }

    /// The mean score of the members with the [`SUPPORT`] most similar members of `target`.
    fn support_score(&self, target: &Cluster, linker: &IncrementalLinker) -> f32 {
        let sum = |story: &u32| {
            let mut scores: Vec<f32> =
                target.members.iter().map(|other| linker.score(*story, *other)).collect();
            scores.select_nth_unstable_by(SUPPORT - 1, |x, y| y.total_cmp(x));
            scores[..SUPPORT].iter().sum::<f32>()
        };
        self.members.iter().map(sum).sum::<f32>() / (self.members.len() * SUPPORT) as f32
    }

    fn into_storyline(mut self, linker: &IncrementalLinker) -> Storyline {
        self.members.sort_unstable();
        let similarity = |story: &u32| {
            let features = &linker.features[*story as usize];
            dot(&features.vector, &self.vector) + inner_product(&features.terms, &self.terms)
        };
        let similarities = self.members.iter().map(|m| (similarity(m), *m));
        let best = similarities.max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1)));
        let central = best.map_or(0, |(_, story)| story);
        self.late_arrivals.sort_unstable_by_key(|arrival| arrival.story);
        Storyline { members: self.members, central, late_arrivals: self.late_arrivals }
    }
}

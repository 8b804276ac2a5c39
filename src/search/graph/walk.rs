//! Greedy search in a layered graph (Malkov and Yashunin, 2016, algorithms 2 and 5).

use std::{cmp::Reverse, collections::BinaryHeap};

/// The largest number of layers: enough for 24^16 nodes.
pub(super) const MAX_LAYERS: usize = 16;

/// A node and its score. The greatest is the nearest, among equal scores the lowest node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Neighbour {
    pub score: f32,
    pub node: u32,
}

impl Eq for Neighbour {}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A graph in layers; the lowest layer holds all nodes.
pub(super) trait LayeredGraph {
    /// The number of nodes.
    fn nodes(&self) -> usize;

    /// The entry node, which is in the highest layer, and that layer.
    fn entry(&self) -> Option<(u32, usize)>;

    /// The links of `node` in `layer`.
    fn links(&self, node: u32, layer: usize) -> impl Iterator<Item = u32>;
}

/// The nodes that a walk has visited. Reset in time proportional to their number.
#[derive(Debug, Default)]
pub(super) struct Visited {
    bits: Vec<u64>,
    seen: Vec<u32>,
}

impl Visited {
    fn start(&mut self, nodes: usize) {
        self.seen.drain(..).for_each(|node| self.bits[node as usize / 64] = 0);
        self.bits.resize(nodes.div_ceil(64), 0);
    }

    /// Adds a node; returns whether it is new.
    fn insert(&mut self, node: u32) -> bool {
        let (word, bit) = (&mut self.bits[node as usize / 64], 1 << (node % 64));
        let new = *word & bit == 0;
        if new {
            *word |= bit;
            self.seen.push(node);
        }
        new
    }
}

/// Descends greedily from the entry node to the layer above `layer`; returns where the search in `layer` begins.
pub(super) fn descend_to(
    graph: &impl LayeredGraph,
    layer: usize,
    score: impl Fn(u32) -> f32,
) -> Option<Neighbour> {
    let (entry, top) = graph.entry()?;
    let mut at = Neighbour { score: score(entry), node: entry };
    for layer in (layer + 1..=top).rev() {
        loop {
            let next = graph.links(at.node, layer).map(|node| Neighbour { score: score(node), node }).max();
            match next {
                Some(next) if next > at => at = next,
                _ => break,
            }
        }
    }
    Some(at)
}

/// Where a search in a layer begins, and how many nodes it returns.
#[derive(Clone, Copy)]
pub(super) struct LayerSearch<'a> {
    pub layer: usize,
    pub entry_points: &'a [Neighbour],
    pub ef: usize,
}

/// The `ef` nearest nodes that a walk in a layer finds among those that `keep` accepts, the nearest first. Other nodes are
/// traversed.
pub(super) fn search_layer(
    graph: &impl LayeredGraph,
    LayerSearch { layer, entry_points, ef }: LayerSearch<'_>,
    score: impl Fn(u32) -> f32,
    keep: impl Fn(u32) -> bool,
    visited: &mut Visited,
) -> Vec<Neighbour> {
    visited.start(graph.nodes());
    let mut found: BinaryHeap<Reverse<Neighbour>> = BinaryHeap::with_capacity(ef + 1);
    let mut frontier: BinaryHeap<Neighbour> = BinaryHeap::with_capacity(ef + 1);
    let visit = |neighbour: Neighbour,
                 found: &mut BinaryHeap<Reverse<Neighbour>>,
                 frontier: &mut BinaryHeap<Neighbour>| {
        if found.len() >= ef && found.peek().is_some_and(|worst| neighbour < worst.0) {
            return;
        }
        frontier.push(neighbour);
        if keep(neighbour.node) {
            found.push(Reverse(neighbour));
            if found.len() > ef {
                found.pop();
            }
        }
    };
    for &neighbour in entry_points {
        if visited.insert(neighbour.node) {
            visit(neighbour, &mut found, &mut frontier);
        }
    }
    while let Some(neighbour) = frontier.pop() {
        if found.len() >= ef && found.peek().is_some_and(|worst| neighbour < worst.0) {
            break;
        }
        for node in graph.links(neighbour.node, layer) {
            if visited.insert(node) {
                visit(Neighbour { score: score(node), node }, &mut found, &mut frontier);
            }
        }
    }
    let mut found: Vec<Neighbour> = found.into_iter().map(|Reverse(neighbour)| neighbour).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

//! The walk through a layered graph (Malkov and Yashunin, 2016, algorithms 2 and 5).

use std::{cmp::Reverse, collections::BinaryHeap};

/// A node and how near it is: larger is closer, of equals the lower number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub score: f32,
    pub node: u32,
}

impl Eq for Near {}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A graph in layers: the lowest holds all nodes.
pub(super) trait Layers {
    /// How many nodes there are.
    fn nodes(&self) -> usize;

    /// Where a walk begins: a node of the highest layer, and that layer.
    fn entry(&self) -> Option<(u32, usize)>;

    /// The links of a node of this layer.
    fn links(&self, node: u32, layer: usize) -> impl Iterator<Item = u32>;
}

/// Nodes that a walk has seen.
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

    /// Whether it is new.
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

/// From the entry down to the layer above `layer`, always to the nearest: where to begin in `layer`.
pub(super) fn descend(graph: &impl Layers, layer: usize, score: impl Fn(u32) -> f32) -> Option<Near> {
    let (entry, top) = graph.entry()?;
    let mut at = Near { score: score(entry), node: entry };
    for layer in (layer + 1..=top).rev() {
        loop {
            let next = graph.links(at.node, layer).map(|node| Near { score: score(node), node }).max();
            match next {
                Some(next) if next > at => at = next,
                _ => break,
            }
        }
    }
    Some(at)
}

/// The `ef` nearest that a walk in `layer` leads to, of those that `keep` admits, the nearest first. It goes through the
/// others.
pub(super) fn nearest(
    graph: &impl Layers,
    layer: usize,
    from: &[Near],
    ef: usize,
    score: impl Fn(u32) -> f32,
    keep: impl Fn(u32) -> bool,
    visited: &mut Visited,
) -> Vec<Near> {
    visited.start(graph.nodes());
    let mut found: BinaryHeap<Reverse<Near>> = BinaryHeap::with_capacity(ef + 1);
    let mut frontier: BinaryHeap<Near> = BinaryHeap::with_capacity(ef + 1);
    let take = |near: Near, found: &mut BinaryHeap<Reverse<Near>>, frontier: &mut BinaryHeap<Near>| {
        if found.len() >= ef && found.peek().is_some_and(|worst| near < worst.0) {
            return;
        }
        frontier.push(near);
        if keep(near.node) {
            found.push(Reverse(near));
            if found.len() > ef {
                found.pop();
            }
        }
    };
    for &near in from {
        if visited.insert(near.node) {
            take(near, &mut found, &mut frontier);
        }
    }
    while let Some(near) = frontier.pop() {
        if found.len() >= ef && found.peek().is_some_and(|worst| near < worst.0) {
            break;
        }
        for node in graph.links(near.node, layer) {
            if visited.insert(node) {
                take(Near { score: score(node), node }, &mut found, &mut frontier);
            }
        }
    }
    let mut found: Vec<Near> = found.into_iter().map(|Reverse(near)| near).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

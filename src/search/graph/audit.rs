//! What a graph is worth: whether each node finds itself, which nodes no walk reaches, how many neighbours it finds.

use rayon::prelude::*;

use super::{
    Graph, GraphBuilder, GraphScratch,
    walk::{Layers, Visited, descend, nearest},
};
use crate::{
    Error, Result,
    progress::Progress,
    search::{Query, RowSet, Want, rank},
    story::RowId,
};

/// The figures of an audit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Nodes: distinct vectors.
    pub nodes: u64,
    /// Nodes that cannot be reached from the entry over the lowest layer.
    pub unreachable: u64,
    /// Nodes that a walk can reach, and yet does not find when it looks for them.
    pub lost: u64,
}

impl GraphBuilder<'_> {
    /// Looks each node up with `ef` candidates; what is not found or cannot be reached is rescued from now on.
    pub fn audit(&mut self, ef: usize, progress: &dyn Progress) -> Result<Reach> {
        let nodes = self.of_node.len();
        let mut reached = vec![false; nodes];
        let mut todo: Vec<u32> = self.entry.into_iter().collect();
        self.entry.iter().for_each(|&node| reached[node as usize] = true);
        while let Some(node) = todo.pop() {
            for &next in &self.links[node as usize][0] {
                if !std::mem::replace(&mut reached[next as usize], true) {
                    todo.push(next);
                }
            }
        }
        let finds_itself = |visited: &mut Visited, node: u32| {
            if progress.cancelled() {
                return true;
            }
            let score = |other: u32| self.score(node, other);
            let from: Vec<_> = descend(self, 0, score).into_iter().collect();
            nearest(self, 0, &from, ef, score, |_| true, visited).iter().any(|near| near.node == node)
        };
        let lost: Vec<u32> = (0..nodes as u32)
            .into_par_iter()
            .map_init(Visited::default, |visited, node| (node, finds_itself(visited, node)))
            .filter(|(_, found)| !found)
            .map(|(node, _)| node)
            .collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let unreachable = reached.iter().filter(|reached| !**reached).count() as u64;
        let hidden = lost.iter().filter(|node| reached[**node as usize]).count() as u64;
        self.rescued = (0..nodes as u32).filter(|node| !reached[*node as usize]).chain(lost).collect();
        self.rescued.sort_unstable();
        self.rescued.dedup();
        Ok(Reach { nodes: nodes as u64, unreachable, lost: hidden })
    }
}

impl Graph<'_> {
    /// The share of the `k` nearest other rows that a search with `ef` candidates finds, against an exact search, on at
    /// most `sample` evenly spaced nodes; `score` gives the exact score of two rows. A row as near as the last of the
    /// k nearest counts as found. 1 where there are no other rows.
    pub fn recall(
        &self,
        k: usize,
        ef: usize,
        sample: usize,
        score: &(dyn Fn(RowId, RowId) -> f32 + Sync),
    ) -> f64 {
        let step = self.nodes().div_ceil(sample.max(1)).max(1);
        let nodes: Vec<u32> = (0..self.nodes() as u32).step_by(step).collect();
        let count = |scratch: &mut GraphScratch, node: u32| {
            let own: RowSet = self.rows_of(node).collect();
            let row = self.first_row(node);
            let query = Query::of_row(&self.vectors(), row);
            let exact = self.vectors().candidates(std::slice::from_ref(&query), Want::Nearest(k), &own);
            let exact = rank(&exact[0], Want::Nearest(k), |other| score(row, other));
            let found = self.candidates(&query, ef, &own, scratch);
            let found = rank(&found, Want::Nearest(k), |other| score(row, other));
            let last = exact.last().map_or(f32::INFINITY, |(_, score)| *score);
            (exact.len() as u64, found.iter().filter(|(_, score)| *score >= last).count() as u64)
        };
        let counts: Vec<(u64, u64)> =
            nodes.into_par_iter().map_init(GraphScratch::default, |s, node| count(s, node)).collect();
        let (all, found) = counts.iter().fold((0, 0), |(a, f), c| (a + c.0, f + c.1));
        if all == 0 { 1.0 } else { found as f64 / all as f64 }
    }
}

//! Quality of a graph: nodes that searches miss, and recall.

use rayon::prelude::*;

use super::{
    builder::GraphBuilder,
    frozen::{Graph, GraphScratch},
    walk::{LayerSearch, LayeredGraph, Visited, descend_to, search_layer},
};
use crate::{
    Error, Result,
    progress::Progress,
    search::{
        bit_set::BitSet,
        quantized::QuantizedQuery,
        score_bounds::{Limit, rank},
    },
    story::RowId,
};

/// The result of [`GraphBuilder::audit`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GraphAudit {
    /// Nodes: distinct vectors.
    pub nodes: u64,
    /// Nodes that cannot be reached from the entry node in the lowest layer.
    pub unreachable: u64,
    /// Reachable nodes that a search for their own vector does not find.
    pub missed: u64,
}

impl GraphBuilder<'_> {
    /// Searches each node by its own vector with `ef` candidates. Nodes that are not found or not reachable become orphans.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn audit(&mut self, ef: usize, progress: &dyn Progress) -> Result<GraphAudit> {
        let nodes = self.node_rows.len();
        let mut reached = vec![false; nodes];
        let mut stack: Vec<u32> = self.entry.into_iter().collect();
        self.entry.iter().for_each(|&node| reached[node as usize] = true);
        while let Some(node) = stack.pop() {
            for &next in &self.links[node as usize][0] {
                if !std::mem::replace(&mut reached[next as usize], true) {
                    stack.push(next);
                }
            }
        }
        let finds_itself = |visited: &mut Visited, node: u32| {
            if progress.cancelled() {
                return true;
            }
            let score = |other: u32| self.score(node, other);
            let entry: Vec<_> = descend_to(self, 0, score).into_iter().collect();
            let search = LayerSearch { layer: 0, entry_points: &entry, ef };
            search_layer(self, search, score, |_| true, visited).iter().any(|found| found.node == node)
        };
        let missed: Vec<u32> = (0..nodes as u32)
            .into_par_iter()
            .map_init(Visited::default, |visited, node| (node, finds_itself(visited, node)))
            .filter(|(_, found)| !found)
            .map(|(node, _)| node)
            .collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let unreachable = reached.iter().filter(|reached| !**reached).count() as u64;
        let hidden = missed.iter().filter(|node| reached[**node as usize]).count() as u64;
        self.orphans = (0..nodes as u32).filter(|node| !reached[*node as usize]).chain(missed).collect();
        self.orphans.sort_unstable();
        self.orphans.dedup();
        Ok(GraphAudit { nodes: nodes as u64, unreachable, missed: hidden })
    }
}

impl Graph<'_> {
    /// Recall@k in [0, 1]: the share of the `k` nearest other rows that a search with `ef` candidates finds, on at most
    /// `sample` evenly spaced nodes. `score` returns the exact score of two rows. A row that ties with the last of the k
    /// nearest counts as found. 1 if there are no other rows.
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
            let own: BitSet = self.rows_of(node).collect();
            let row = self.first_row(node);
            let query = QuantizedQuery::of_row(&self.vectors(), row);
            let exact = self.vectors().candidates(std::slice::from_ref(&query), Limit::Nearest(k), &own);
            let exact = rank(&exact[0], Limit::Nearest(k), |other| score(row, other));
            let found = self.candidates(&query, ef, &own, scratch);
            let found = rank(&found, Limit::Nearest(k), |other| score(row, other));
            let last = exact.last().map_or(f32::INFINITY, |(_, score)| *score);
            (exact.len() as u64, found.iter().filter(|(_, score)| *score >= last).count() as u64)
        };
        let counts: Vec<(u64, u64)> =
            nodes.into_par_iter().map_init(GraphScratch::default, |s, node| count(s, node)).collect();
        let (all, found) = counts.iter().fold((0, 0), |(a, f), c| (a + c.0, f + c.1));
        if all == 0 { 1.0 } else { found as f64 / all as f64 }
    }
}

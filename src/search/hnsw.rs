//! Approximate search in an HNSW graph (Malkov and Yashunin, 2016), built with hnsw_rs.
//!
//! Equal vectors are inserted once: many equal neighbours would fill each other's links and leave islands.
//! After the build every node is looked up; one that does not find itself is kept aside and compared with all.

use hnsw_rs::anndists::dist::Distance;
use hnsw_rs::hnsw::Hnsw;
use rayon::prelude::*;

use super::RowPair;
use crate::{
    Error, Result,
    progress::{Progress, Stage},
    story::RowId,
    vector::{Matrix, dot},
};

/// The graph's settings.
#[derive(Debug, Clone, Copy)]
pub struct HnswOptions {
    /// Links of a node; below 24, copies starve the graph.
    pub m: usize,
    /// Candidates while building.
    pub ef_construction: usize,
    /// Candidates while searching.
    pub ef_search: usize,
    /// Neighbours asked for first; doubled while the last is still above the floor.
    pub k: usize,
}

impl Default for HnswOptions {
    fn default() -> Self {
        HnswOptions { m: 24, ef_construction: 200, ef_search: 128, k: 32 }
    }
}

/// More neighbours than this are not asked for; rows that have more are counted.
const MAX_K: usize = 1024;

/// Layers of the graph; enough for 24^16 nodes.
const LAYERS: usize = 16;

/// `1 - dot`, never negative: the crate's own asserts that, and rounding breaks it for near-equal vectors.
#[derive(Clone, Copy, Default)]
struct Clamped;

impl Distance<f32> for Clamped {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - dot(a, b)).max(0.0)
    }
}

/// A graph over the distinct vectors of a matrix.
pub struct HnswIndex<'a> {
    rows: &'a Matrix,
    graph: Hnsw<'a, f32, Clamped>,
    /// For each node of the graph, the rows with that vector.
    of_node: Vec<Vec<u32>>,
    /// Nodes that do not find themselves.
    lost: Vec<u32>,
    options: HnswOptions,
}

/// What a join found, and what it could not vouch for.
pub struct Joined {
    /// Pairs above the floor, in order.
    pub pairs: Vec<RowPair>,
    /// Rows with more neighbours above the floor than are asked for.
    pub capped: u64,
    /// Rows that the graph does not reach and that were compared with all others.
    pub rescued: u64,
}

impl<'a> HnswIndex<'a> {
    /// Inserts the rows one after another: the same rows give the same order of insertion.
    pub fn build(rows: &'a Matrix, options: HnswOptions, progress: &dyn Progress) -> Result<Self> {
        let mut order: Vec<u32> = (0..rows.rows() as u32).collect();
        let bits = |i: u32| rows.row(i as usize).iter().map(|x| x.to_bits());
        order.sort_by(|&a, &b| bits(a).cmp(bits(b)).then(a.cmp(&b)));
        let equal = order.chunk_by(|&a, &b| rows.row(a as usize) == rows.row(b as usize));
        let mut of_node: Vec<Vec<u32>> = equal.map(<[u32]>::to_vec).collect();
        of_node.sort();
        let graph = Hnsw::new(options.m, of_node.len().max(1), LAYERS, options.ef_construction, Clamped);
        for (node, rows_of) in of_node.iter().enumerate() {
            if node % 256 == 0 && progress.cancelled() {
                return Err(Error::Interrupted);
            }
            graph.insert_slice((rows.row(rows_of[0] as usize), node));
            progress.advance(Stage::Search, rows_of.len() as u64);
        }
        let mut index = HnswIndex { rows, graph, of_node, lost: Vec::new(), options };
        let finds_itself = |node: &u32| {
            let vector = rows.row(index.of_node[*node as usize][0] as usize);
            index.graph.search(vector, 1, options.ef_search).first().is_some_and(|n| n.d_id == *node as usize)
        };
        index.lost = (0..index.of_node.len() as u32).into_par_iter().filter(|n| !finds_itself(n)).collect();
        Ok(index)
    }

    /// All pairs of rows above `floor` that the graph leads to; scores are exact.
    pub fn self_join(&self, floor: f32, progress: &dyn Progress) -> Result<Joined> {
        let per_node: Vec<(Vec<RowPair>, bool)> = (0..self.of_node.len())
            .into_par_iter()
            .map(
                |node| {
                    if progress.cancelled() { Default::default() } else { self.neighbours_of(node, floor) }
                },
            )
            .collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let capped = per_node.iter().filter(|(_, capped)| *capped).count() as u64;
        let mut pairs: Vec<RowPair> = per_node.into_iter().flat_map(|(pairs, _)| pairs).collect();
        for &node in &self.lost {
            self.scan(node as usize, floor, &mut pairs);
        }
        pairs.sort_unstable_by_key(|p| (p.a, p.b));
        pairs.dedup_by_key(|p| (p.a, p.b));
        Ok(Joined { pairs, capped, rescued: self.lost.len() as u64 })
    }

    fn neighbours_of(&self, node: usize, floor: f32) -> (Vec<RowPair>, bool) {
        let own = &self.of_node[node];
        let vector = self.rows.row(own[0] as usize);
        let mut pairs = Vec::new();
        for (i, &a) in own.iter().enumerate() {
            own[i + 1..].iter().for_each(|&b| self.push(a, b, floor, &mut pairs));
        }
        let mut k = self.options.k.min(self.of_node.len());
        loop {
            let near = self.graph.search(vector, k, self.options.ef_search.max(2 * k));
            let full = near.len() == k && near.last().is_some_and(|n| 1.0 - n.distance >= floor);
            if full && k < MAX_K.min(self.of_node.len()) {
                k = (2 * k).min(MAX_K).min(self.of_node.len());
                continue;
            }
            for neighbour in near.iter().filter(|n| n.d_id != node) {
                for &b in &self.of_node[neighbour.d_id] {
                    own.iter().for_each(|&a| self.push(a, b, floor, &mut pairs));
                }
            }
            return (pairs, full && k < self.of_node.len());
        }
    }

    fn scan(&self, node: usize, floor: f32, pairs: &mut Vec<RowPair>) {
        for &a in &self.of_node[node] {
            (0..self.rows.rows() as u32).filter(|&b| b != a).for_each(|b| self.push(a, b, floor, pairs));
        }
    }

    fn push(&self, a: u32, b: u32, floor: f32, pairs: &mut Vec<RowPair>) {
        let (a, b) = (a.min(b), a.max(b));
        let score = dot(self.rows.row(a as usize), self.rows.row(b as usize));
        if score >= floor {
            pairs.push(RowPair { a: RowId(a), b: RowId(b), score });
        }
    }
}

//! The self-join through an HNSW graph: each row is searched with a growing `ef` until its farthest neighbour is below the floor.

use std::io;

use rayon::prelude::*;

use super::{
    bit_set::BitSet,
    graph::{Graph, GraphBuilder, GraphScratch, HnswOptions},
    pairs::RowPair,
    quantized::{QuantizedQuery, QuantizedRows},
    score_bounds::{Limit, ScoreBounds},
};
use crate::{
    Error, Result,
    device::Isa,
    progress::Progress,
    story::RowId,
    vector::{Matrix, dot},
};

/// The largest `ef` of a search. Rows with more neighbours are counted as truncated.
const MAX_EF: usize = 2048;

/// An HNSW graph over the rows of a matrix.
pub struct HnswIndex<'a> {
    rows: &'a Matrix,
    quantized: QuantizedRows,
    file: Vec<u8>,
    options: HnswOptions,
    isa: Isa,
}

/// The result of a join, with what may be missing.
pub struct GraphJoin {
    /// Pairs above the floor, in order.
    pub pairs: Vec<RowPair>,
    /// Rows that may have more neighbours above the floor than were found.
    pub truncated: u64,
    /// Rows that graph walks may miss; they were compared with all others.
    pub orphans: u64,
}

impl<'a> HnswIndex<'a> {
    /// Builds, audits and freezes the graph. The same rows give the same graph.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn build(rows: &'a Matrix, options: HnswOptions, isa: Isa, progress: &dyn Progress) -> Result<Self> {
        let quantized = QuantizedRows::from_matrix(rows);
        let mut builder = GraphBuilder::build(quantized.view(isa), options.graph, progress)?;
        builder.audit(options.ef_search, progress)?;
        let mut file = Vec::new();
        builder.freeze(0, &mut file).map_err(in_memory)?;
        drop(builder);
        Ok(HnswIndex { rows, quantized, file, options, isa })
    }

    /// All pairs of rows with a score of at least `floor` that the graph finds. Scores are exact.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn self_join(&self, floor: f32, progress: &dyn Progress) -> Result<GraphJoin> {
        let opened = Graph::open(&self.file, self.quantized.view(self.isa));
        let (graph, _) = opened.map_err(|corrupt| in_memory(io::Error::other(corrupt)))?;
        let orphans: BitSet = graph.orphan_rows().collect();
        let neighbours = |scratch: &mut GraphScratch, a: u32| {
            if progress.cancelled() {
                return Default::default();
            }
            self.neighbours_of(&graph, RowId(a), floor, &orphans, scratch)
        };
        let of_row: Vec<(Vec<RowPair>, bool)> = (0..self.rows.rows() as u32)
            .into_par_iter()
            .map_init(GraphScratch::default, neighbours)
            .collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let truncated = of_row.iter().filter(|(_, truncated)| *truncated).count() as u64;
        let mut pairs: Vec<RowPair> = of_row.into_iter().flat_map(|(pairs, _)| pairs).collect();
        pairs.sort_unstable_by_key(|p| (p.a, p.b));
        pairs.dedup_by_key(|p| (p.a, p.b));
        Ok(GraphJoin { pairs, truncated, orphans: graph.orphan_rows().count() as u64 })
    }

    fn neighbours_of(
        &self,
        graph: &Graph,
        a: RowId,
        floor: f32,
        orphans: &BitSet,
        scratch: &mut GraphScratch,
    ) -> (Vec<RowPair>, bool) {
        let query = [QuantizedQuery::of_row(&graph.vectors(), a)];
        let none = BitSet::default();
        let mut ef = self.options.ef_search;
        let (candidates, truncated) = loop {
            if orphans.contains(a) {
                let all = graph.vectors().candidates(&query, Limit::AtLeast(floor), &none);
                break (all.concat(), false);
            }
            let candidates = graph.candidates(&query[0], ef, &none, scratch);
            let above = |c: &ScoreBounds| c.upper >= floor || orphans.contains(c.row);
            let full = candidates.len() < self.rows.rows() && candidates.iter().all(above);
            if !full || ef >= MAX_EF {
                break (candidates, full);
            }
            ef = (2 * ef).min(MAX_EF);
        };
        let pair = |b: RowId| {
            let (a, b) = (a.min(b), a.max(b));
            let score = dot(self.rows.row(a.index()), self.rows.row(b.index()));
            (a != b && score >= floor).then_some(RowPair { a, b, score })
        };
        let possible = candidates.into_iter().take_while(|c| c.upper >= floor);
        (possible.filter_map(|c| pair(c.row)).collect(), truncated)
    }
}

/// An error of the graph file in memory.
fn in_memory(source: io::Error) -> Error {
    Error::Io { action: "read", path: "the graph".into(), source }
}

//! The self-join through an HNSW graph: neighbours of each distinct vector, asked for until the last is below the floor.

use std::io;

use rayon::prelude::*;

use super::{
    Candidate, Graph, GraphBuilder, GraphScratch, HnswOptions, QuantizedRows, Query, RowPair, RowSet, Want,
};
use crate::{
    Error, Result,
    device::Isa,
    progress::Progress,
    story::RowId,
    vector::{Matrix, dot},
};

/// More nodes than this are not asked for; rows that have more are counted.
const MAX_EF: usize = 2048;

/// A graph over the rows of a matrix.
pub struct HnswIndex<'a> {
    rows: &'a Matrix,
    quantized: QuantizedRows,
    file: Vec<u8>,
    options: HnswOptions,
    isa: Isa,
}

/// What a join found, and what it could not vouch for.
pub struct Joined {
    /// Pairs above the floor, in order.
    pub pairs: Vec<RowPair>,
    /// Rows with more neighbours above the floor than are asked for.
    pub capped: u64,
    /// Rows that the graph does not lead to and that were compared with all others.
    pub rescued: u64,
}

impl<'a> HnswIndex<'a> {
    /// Builds, audits and freezes the graph: the same rows give the same one.
    pub fn build(rows: &'a Matrix, options: HnswOptions, isa: Isa, progress: &dyn Progress) -> Result<Self> {
        let quantized = QuantizedRows::from_matrix(rows);
        let mut builder = GraphBuilder::build(quantized.view(isa), options.graph, progress)?;
        builder.audit(options.ef_search, progress)?;
        let mut file = Vec::new();
        builder.freeze(0, &mut file).map_err(in_memory)?;
        drop(builder);
        Ok(HnswIndex { rows, quantized, file, options, isa })
    }

    /// All pairs of rows above `floor` that the graph leads to; scores are exact.
    pub fn self_join(&self, floor: f32, progress: &dyn Progress) -> Result<Joined> {
        let opened = Graph::open(&self.file, self.quantized.view(self.isa));
        let (graph, _) = opened.map_err(|broken| in_memory(io::Error::other(broken)))?;
        let rescued: RowSet = graph.rescued_rows().collect();
        let neighbours = |scratch: &mut GraphScratch, a: u32| {
            if progress.cancelled() {
                return Default::default();
            }
            self.neighbours_of(&graph, RowId(a), floor, &rescued, scratch)
        };
        let of_row: Vec<(Vec<RowPair>, bool)> = (0..self.rows.rows() as u32)
            .into_par_iter()
            .map_init(GraphScratch::default, neighbours)
            .collect();
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let capped = of_row.iter().filter(|(_, capped)| *capped).count() as u64;
        let mut pairs: Vec<RowPair> = of_row.into_iter().flat_map(|(pairs, _)| pairs).collect();
        pairs.sort_unstable_by_key(|p| (p.a, p.b));
        pairs.dedup_by_key(|p| (p.a, p.b));
        Ok(Joined { pairs, capped, rescued: graph.rescued_rows().count() as u64 })
    }

    fn neighbours_of(
        &self,
        graph: &Graph,
        a: RowId,
        floor: f32,
        rescued: &RowSet,
        scratch: &mut GraphScratch,
    ) -> (Vec<RowPair>, bool) {
        let query = [Query::of_row(&graph.vectors(), a)];
        let none = RowSet::default();
        let mut ef = self.options.ef_search;
        let (near, capped) = loop {
            if rescued.contains(a) {
                let all = graph.vectors().candidates(&query, Want::AtLeast(floor), &none);
                break (all.concat(), false);
            }
            let near = graph.candidates(&query[0], ef, &none, scratch);
            let above = |c: &Candidate| c.most >= floor || rescued.contains(c.row);
            let full = near.len() < self.rows.rows() && near.iter().all(above);
            if !full || ef >= MAX_EF {
                break (near, full);
            }
            ef = (2 * ef).min(MAX_EF);
        };
        let pair = |b: RowId| {
            let (a, b) = (a.min(b), a.max(b));
            let score = dot(self.rows.row(a.index()), self.rows.row(b.index()));
            (a != b && score >= floor).then_some(RowPair { a, b, score })
        };
        let possible = near.into_iter().take_while(|c| c.most >= floor);
        (possible.filter_map(|c| pair(c.row)).collect(), capped)
    }
}

/// An error of the file that lies in memory.
fn in_memory(source: io::Error) -> Error {
    Error::Io { action: "read", path: "the graph".into(), source }
}

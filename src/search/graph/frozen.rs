//! The frozen graph: one flat file, read in place.

use super::walk::{LayerSearch, LayeredGraph, MAX_LAYERS, Visited, descend_to, search_layer};
use crate::{
    search::{
        bit_set::BitSet,
        index_file::{CorruptFile, Header, Kind, u32_at},
        quantized::{QuantizedQuery, QuantizedView},
        score_bounds::{Limit, ScoreBounds, rescore},
    },
    story::RowId,
};

/// The kind of its file.
pub(super) const KIND: Kind = Kind { name: "a frozen graph", magic: *b"ssgraph\0", version: 1 };

/// A frozen graph over quantized rows, read in place from the bytes of its file.
pub struct Graph<'a> {
    rows: QuantizedView<'a>,
    entry: u32,
    row_start: U32Slice<'a>,
    node_rows: U32Slice<'a>,
    list_start: U32Slice<'a>,
    link_start: U32Slice<'a>,
    links: U32Slice<'a>,
    orphans: U32Slice<'a>,
}

/// Little-endian numbers of 32 bits.
#[derive(Clone, Copy)]
struct U32Slice<'a>(&'a [u8]);

impl<'a> U32Slice<'a> {
    fn len(self) -> usize {
        self.0.len() / 4
    }

    fn at(self, i: usize) -> usize {
        u32_at(self.0, 4 * i) as usize
    }

    fn iter(self) -> impl Iterator<Item = u32> + use<'a> {
        self.0.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b))
    }

    fn slice(self, from: usize, to: usize) -> U32Slice<'a> {
        U32Slice(&self.0[4 * from..4 * to])
    }

    /// Whether these are the offsets of consecutive parts of `whole`: ascending, from 0 to `whole`.
    fn divides(self, whole: usize) -> bool {
        let starts_and_ends = self.len() > 0 && self.at(0) == 0 && self.at(self.len() - 1) == whole;
        starts_and_ends && self.iter().zip(self.iter().skip(1)).all(|(a, b)| a <= b)
    }
}

/// Reusable working memory of one thread.
#[derive(Default)]
pub struct GraphScratch {
    visited: Visited,
}

impl<'a> Graph<'a> {
    /// Opens a file that [`super::GraphBuilder::freeze`] wrote, over the rows of the graph or more; also returns its generation.
    /// Checks all of it: no number that a walk follows leads out of the file.
    ///
    /// # Errors
    /// [`CorruptFile`] if the file is not a graph, is damaged, or covers more rows than there are.
    pub fn open(file: &'a [u8], rows: QuantizedView<'a>) -> Result<(Self, u64), CorruptFile> {
        let (header, body) = Header::open(&KIND, file)?;
        let [nodes, covered, lists, links, orphans, entry] = header.counts.map(|n| n as usize);
        let lens = [nodes + 1, covered, nodes + 1, lists + 1, links, orphans];
        if lens.iter().map(|len| 4 * *len as u64).sum::<u64>() != body.len() as u64 {
            return Err(CorruptFile::new(
                "as many numbers as the header says",
                format!("{} bytes", body.len()),
            ));
        }
        if covered > rows.rows() {
            return Err(CorruptFile::new(format!("at most {} rows", rows.rows()), format!("{covered}")));
        }
        let mut rest = body;
        let parts = lens.map(|len| {
            let (part, after) = rest.split_at(4 * len);
            rest = after;
            U32Slice(part)
        });
        let [row_start, node_rows, list_start, link_start, link_nodes, orphans] = parts;
        let graph = Graph {
            rows,
            entry: entry as u32,
            row_start,
            node_rows,
            list_start,
            link_start,
            links: link_nodes,
            orphans,
        };
        graph.check(covered, lists, links)?;
        Ok((graph, header.generation))
    }

    fn check(&self, covered: usize, lists: usize, links: usize) -> Result<(), CorruptFile> {
        let nodes = self.nodes();
        let demand = |holds: bool, what: &str| {
            if holds { Ok(()) } else { Err(CorruptFile::new(what, "others")) }
        };
        demand(self.row_start.divides(covered), "consecutive rows of nodes")?;
        demand(self.list_start.divides(lists), "consecutive lists of nodes")?;
        demand(self.link_start.divides(links), "consecutive links of lists")?;
        let grows = |part: U32Slice, limit: usize| {
            part.iter().zip(part.iter().skip(1)).all(|(a, b)| (1..=limit).contains(&((b - a) as usize)))
        };
        demand(grows(self.row_start, covered), "at least one row per node")?;
        demand(grows(self.list_start, MAX_LAYERS), "1 to 16 layers per node")?;
        let mut seen = vec![false; covered];
        let mut once =
            |row: u32| seen.get_mut(row as usize).is_some_and(|seen| !std::mem::replace(seen, true));
        demand(self.node_rows.iter().all(&mut once), "each row in one node")?;
        demand(self.orphans.iter().all(|node| (node as usize) < nodes), "orphans among the nodes")?;
        demand(nodes == 0 || (self.entry as usize) < nodes, "an entry among the nodes")?;
        for node in 0..nodes as u32 {
            for layer in 0..=self.level(node) {
                let there = |other: u32| (other as usize) < nodes && self.level(other) >= layer;
                demand(self.links(node, layer).all(there), "links to nodes of the same layer")?;
            }
        }
        Ok(())
    }

    /// The rows, including those added after the graph.
    pub fn vectors(&self) -> QuantizedView<'a> {
        self.rows
    }

    /// The number of rows in the graph. Later rows are compared linearly.
    pub fn row_count(&self) -> usize {
        self.node_rows.len()
    }

    /// Rows that walks may miss: every search compares them.
    pub fn orphan_rows(&self) -> impl Iterator<Item = RowId> {
        self.orphans().flat_map(|node| self.rows_of(node))
    }

    pub(super) fn orphans(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.orphans.iter()
    }

    pub(super) fn level(&self, node: u32) -> usize {
        let node = node as usize;
        self.list_start.at(node + 1) - self.list_start.at(node) - 1
    }

    pub(super) fn rows_of(&self, node: u32) -> impl Iterator<Item = RowId> + use<'a> {
        let node = node as usize;
        self.node_rows.slice(self.row_start.at(node), self.row_start.at(node + 1)).iter().map(RowId)
    }

    pub(super) fn first_row(&self, node: u32) -> RowId {
        RowId(self.node_rows.at(self.row_start.at(node as usize)) as u32)
    }

    /// Rows that may be near the query, without the `deleted` ones, the highest upper bound first: the rows of the `ef`
    /// nearest nodes that a walk finds, of the orphans, and all rows that the graph does not cover.
    pub fn candidates(
        &self,
        query: &QuantizedQuery,
        ef: usize,
        deleted: &BitSet,
        scratch: &mut GraphScratch,
    ) -> Vec<ScoreBounds> {
        let has_rows = |node: u32| self.rows_of(node).any(|row| !deleted.contains(row));
        let score = |node: u32| self.rows.score(query, self.first_row(node));
        let entry: Vec<_> = descend_to(self, 0, score).into_iter().collect();
        let search = LayerSearch { layer: 0, entry_points: &entry, ef: ef.max(1) };
        let found = search_layer(self, search, score, has_rows, &mut scratch.visited);
        let mut nodes: Vec<u32> =
            found.into_iter().map(|neighbour| neighbour.node).chain(self.orphans()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let in_graph = nodes.into_iter().flat_map(|node| self.rows_of(node));
        let rows = in_graph.chain((self.row_count()..self.rows.rows()).map(|row| RowId(row as u32)));
        let remaining = rows.filter(|row| !deleted.contains(*row));
        let mut all: Vec<ScoreBounds> = remaining.map(|row| self.rows.bounds_of(query, row)).collect();
        all.sort_unstable_by(ScoreBounds::by_upper_bound);
        all
    }

    /// The rows within `limit` that the graph finds, without the `deleted` ones, by score, then by row. `score` returns a
    /// row's exact score. A larger `ef` finds more of them; it is raised to k for [`Limit::Nearest`].
    ///
    /// # Errors
    /// The first error of `score`.
    pub fn search<E>(
        &self,
        query: &[f32],
        limit: Limit,
        ef: usize,
        deleted: &BitSet,
        scratch: &mut GraphScratch,
        score: impl FnMut(RowId) -> Result<f32, E>,
    ) -> Result<Vec<(RowId, f32)>, E> {
        let ef = if let Limit::Nearest(k) = limit { ef.max(k) } else { ef };
        rescore(&self.candidates(&QuantizedQuery::new(query), ef, deleted, scratch), limit, score)
    }
}

impl LayeredGraph for Graph<'_> {
    fn nodes(&self) -> usize {
        self.row_start.len() - 1
    }

    fn entry(&self) -> Option<(u32, usize)> {
        (self.nodes() > 0).then(|| (self.entry, self.level(self.entry)))
    }

    fn links(&self, node: u32, layer: usize) -> impl Iterator<Item = u32> {
        let list = self.list_start.at(node as usize) + layer;
        self.links.slice(self.link_start.at(list), self.link_start.at(list + 1)).iter()
    }
}

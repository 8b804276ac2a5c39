//! The HNSW graph over an archive (Malkov and Yashunin, 2016): built, extended, audited, frozen to a file, searched there.
//!
//! [`GraphBuilder`] grows, [`Graph`] reads: they share no memory layout. Both work on quantized rows, so a graph is the
//! same on every machine, and a search returns candidates with bounds, to be scored exactly by [`super::rescore`]. A
//! node is a distinct vector of codes: equal rows would fill each other's links and leave islands. Deleted rows are
//! walked through and not returned. Rows that came after the graph are compared one by one, until it is extended.
//!
//! The file, after the 64 bytes of the frame (see `derived`; parameter: `m`; counts: nodes n, rows r, lists l, links k,
//! rescued s, entry), is numbers of 32 bits, little-endian:
//!
//! ```text
//! n + 1   where the rows of each node begin, and where the last end
//! r       rows, by node
//! n + 1   where the lists of each node begin: one for each of its layers, the lowest first
//! l + 1   where the links of each list begin
//! k       links: nodes, by list
//! s       nodes that walks miss, in order: each search compares them
//! ```

mod audit;
mod builder;
mod frozen;
#[cfg(test)]
mod tests;
mod walk;

pub use audit::Reach;
pub use builder::GraphBuilder;
pub use frozen::{Graph, GraphScratch};

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphOptions {
    /// Links of a node, twice as many in the lowest layer; below 24, copies starve the graph.
    pub m: usize,
    /// Candidates while building.
    pub ef_construction: usize,
}

impl Default for GraphOptions {
    fn default() -> Self {
        GraphOptions { m: 24, ef_construction: 200 }
    }
}

/// How a graph is built and searched.
#[derive(Debug, Clone, Copy)]
pub struct HnswOptions {
    /// How the graph is built.
    pub graph: GraphOptions,
    /// Nodes asked for first; doubled while the last is still above the floor.
    pub ef_search: usize,
}

impl Default for HnswOptions {
    fn default() -> Self {
        HnswOptions { graph: GraphOptions::default(), ef_search: 128 }
    }
}

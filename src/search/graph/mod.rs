//! The HNSW graph (Malkov and Yashunin, 2016): built, extended, audited, frozen to a file, searched in that file.
//!
//! [`GraphBuilder`] grows, [`Graph`] is read-only; they share no memory layout. Both work on quantized rows, so a graph is
//! the same on every machine, and a search returns candidates with score bounds, to be scored exactly by
//! [`super::rescore`]. A node is a distinct vector of codes: equal rows would fill each other's links and form islands.
//! Deleted rows are traversed and not returned. Rows added after the graph are compared linearly until it is extended.
//!
//! The file, after the 64-byte header of index files (parameter: `m`; counts: nodes n, rows r, lists l, links k, orphans s,
//! entry node), holds little-endian numbers of 32 bits:
//!
//! ```text
//! n + 1   start of the rows of each node, and the end of the last
//! r       rows, by node
//! n + 1   start of the link lists of each node: one list for each of its layers, the lowest layer first
//! l + 1   start of the links of each list
//! k       links (nodes), by list
//! s       orphans in ascending order: nodes that walks may miss, compared in every search
//! ```

mod audit;
mod builder;
mod frozen;
mod options;
#[cfg(test)]
mod tests;
mod walk;

pub use audit::GraphAudit;
pub use builder::GraphBuilder;
pub use frozen::{Graph, GraphScratch};
pub use options::{GraphOptions, HnswOptions};

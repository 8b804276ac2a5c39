//! The settings of a graph.

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphOptions {
    /// The largest number of links of a node and layer, twice as many in the lowest layer. Below 24, near-copies take up
    /// most links.
    pub m: usize,
    /// The number of candidates of each insertion.
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
    /// The number of candidates of a search; doubled while the farthest is still above the floor.
    pub ef_search: usize,
}

impl Default for HnswOptions {
    fn default() -> Self {
        HnswOptions { graph: GraphOptions::default(), ef_search: 128 }
    }
}

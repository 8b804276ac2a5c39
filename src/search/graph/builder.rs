//! The growing graph: nodes with their rows, and the links of each node in each of its layers.
//!
//! The first graph is built by hnsw_rs over row numbers and its links are copied; from then on nodes are inserted here
//! (Malkov and Yashunin, 2016, algorithms 1 and 4), because hnsw_rs can neither read a frozen graph nor link well among many
//! near-copies. Insertion is serial, distances are products of integers and two scales, and layers are drawn from the
//! node's number: the same rows give the same graph on every machine.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use hnsw_rs::{anndists::dist::Distance, hnsw::Hnsw};

use super::{
    frozen::{Graph, KIND},
    options::GraphOptions,
    walk::{LayerSearch, LayeredGraph, MAX_LAYERS, Neighbour, Visited, descend_to, search_layer},
};
use crate::{
    Error, Result,
    progress::{Progress, Stage},
    random,
    search::{index_file::Header, quantized::QuantizedView},
    story::RowId,
};

/// A graph that can grow and be frozen to a file.
pub struct GraphBuilder<'a> {
    pub(super) rows: QuantizedView<'a>,
    pub(super) options: GraphOptions,
    /// The rows of each node: those of equal codes.
    pub(super) node_rows: Vec<Vec<u32>>,
    /// The links of each node, by layer.
    pub(super) links: Vec<Vec<Vec<u32>>>,
    pub(super) entry: Option<u32>,
    /// Nodes that walks may miss: every search compares them.
    pub(super) orphans: Vec<u32>,
}

impl<'a> GraphBuilder<'a> {
    /// Builds a graph of all rows with hnsw_rs. Panics unless `m` lies in 2..=128.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn build(rows: QuantizedView<'a>, options: GraphOptions, progress: &dyn Progress) -> Result<Self> {
        let mut builder = Self::empty(rows, options);
        builder.add_nodes(0);
        let nodes = builder.node_rows.len();
        let first: Vec<u32> = builder.node_rows.iter().map(|rows| rows[0]).collect();
        let hnsw = Hnsw::new(options.m, nodes.max(1), MAX_LAYERS, options.ef_construction, RowDistance(rows));
        for (node, row) in first.iter().enumerate() {
            if node % 256 == 0 && progress.cancelled() {
                return Err(Error::Interrupted);
            }
            hnsw.insert_slice((&[*row], node));
            progress.advance(Stage::Search, builder.node_rows[node].len() as u64);
        }
        let mut links = vec![Vec::new(); nodes];
        for layer in 0..MAX_LAYERS {
            for point in hnsw.get_point_indexation().get_layer_iterator(layer) {
                let own = point.get_neighborhood_id().into_iter().take(layer + 1).enumerate();
                // hnsw_rs also stores the nodes on the way down, in layers above the point's own.
                let of_layer = |(layer, neighbours): (usize, Vec<hnsw_rs::hnsw::Neighbour>)| {
                    let linked = neighbours.into_iter().filter(|n| usize::from(n.p_id.0) >= layer);
                    linked.map(|n| n.d_id as u32).collect::<Vec<u32>>()
                };
                links[point.get_origin_id()] = own.map(of_layer).collect();
            }
        }
        builder.links = links;
        builder.entry = builder.highest();
        Ok(builder)
    }

    /// An empty graph; [`GraphBuilder::extend`] then inserts all rows. Panics unless `m` lies in 2..=128.
    pub fn empty(rows: QuantizedView<'a>, options: GraphOptions) -> Self {
        assert!((2..=128).contains(&options.m), "{} links a node", options.m);
        let (node_rows, links) = (Vec::new(), Vec::new());
        GraphBuilder { rows, options, node_rows, links, entry: None, orphans: Vec::new() }
    }

    /// A copy of a frozen graph, to be extended by the rows it lacks. Panics unless `m` lies in 2..=128.
    pub fn from_frozen(graph: &Graph<'a>, options: GraphOptions) -> Self {
        let nodes = 0..graph.nodes() as u32;
        let links =
            |node: u32| (0..=graph.level(node)).map(|layer| graph.links(node, layer).collect()).collect();
        GraphBuilder {
            node_rows: nodes.clone().map(|node| graph.rows_of(node).map(|r| r.0).collect()).collect(),
            links: nodes.map(links).collect(),
            entry: graph.entry().map(|(node, _)| node),
            orphans: graph.orphans().collect(),
            ..Self::empty(graph.vectors(), options)
        }
    }

    /// The number of rows in the graph.
    pub fn row_count(&self) -> usize {
        self.node_rows.iter().map(Vec::len).sum()
    }

    /// Inserts the rows from [`GraphBuilder::row_count`] on.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn extend(&mut self, progress: &dyn Progress) -> Result<()> {
        let new = self.add_nodes(self.row_count());
        let mut visited = Visited::default();
        for node in new..self.node_rows.len() as u32 {
            if node % 256 == 0 && progress.cancelled() {
                return Err(Error::Interrupted);
            }
            self.insert(node, &mut visited);
            progress.advance(Stage::Search, self.node_rows[node as usize].len() as u64);
        }
        Ok(())
    }

    /// Writes the graph as a file of the store's `generation`.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn freeze(&self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        let mut numbers: Vec<u32> = Vec::new();
        let push_offsets = |numbers: &mut Vec<u32>, lens: &mut dyn Iterator<Item = usize>| {
            numbers.push(0);
            let mut end = 0;
            numbers.extend(lens.map(|len| {
                end += len as u32;
                end
            }));
            end
        };
        let rows = push_offsets(&mut numbers, &mut self.node_rows.iter().map(Vec::len));
        numbers.extend(self.node_rows.iter().flatten());
        let lists = push_offsets(&mut numbers, &mut self.links.iter().map(Vec::len));
        let links = push_offsets(&mut numbers, &mut self.links.iter().flatten().map(Vec::len));
        numbers.extend(self.links.iter().flatten().flatten());
        numbers.extend(&self.orphans);
        let body: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
        let counts = [
            self.node_rows.len() as u32,
            rows,
            lists,
            links,
            self.orphans.len() as u32,
            self.entry.unwrap_or(0),
        ];
        Header { parameter: self.options.m as u32, generation, counts }.write(&KIND, &[&body], to)
    }

    /// Assigns the rows from `first` on to nodes, new ones for new codes; returns the first new node.
    fn add_nodes(&mut self, first: usize) -> u32 {
        let new = self.node_rows.len() as u32;
        let all = self.rows;
        let codes = |row: u32| all.codes(RowId(row));
        let mut node_of_codes: HashMap<&[u8], usize> =
            self.node_rows.iter().enumerate().map(|(node, rows)| (codes(rows[0]), node)).collect();
        for row in first as u32..all.rows() as u32 {
            let node = *node_of_codes.entry(codes(row)).or_insert(self.node_rows.len());
            match self.node_rows.get_mut(node) {
                Some(rows) => rows.push(row),
                None => self.node_rows.push(vec![row]),
            }
        }
        new
    }

    /// The first node of the highest layer.
    fn highest(&self) -> Option<u32> {
        let nodes = 0..self.links.len() as u32;
        nodes.max_by_key(|&node| (self.links[node as usize].len(), std::cmp::Reverse(node)))
    }

    /// The approximate cosine similarity of two nodes.
    pub(super) fn score(&self, a: u32, b: u32) -> f32 {
        let row = |node: u32| RowId(self.node_rows[node as usize][0]);
        score(self.rows, row(a), row(b))
    }

    fn insert(&mut self, node: u32, visited: &mut Visited) {
        let level = level(node, self.options.m);
        self.links.push(vec![Vec::new(); level + 1]);
        let Some((_, top)) = LayeredGraph::entry(self) else {
            self.entry = Some(node);
            return;
        };
        let to_node = |other: u32| self.score(node, other);
        let mut nearest: Vec<Neighbour> = descend_to(self, level.min(top), to_node).into_iter().collect();
        for layer in (0..=level.min(top)).rev() {
            let to_node = |other: u32| self.score(node, other);
            let ef = self.options.ef_construction;
            let search = LayerSearch { layer, entry_points: &nearest, ef };
            nearest = search_layer(self, search, to_node, |other| other != node, visited);
            let chosen = self.select_neighbours(&nearest, self.options.m);
            for &other in &chosen {
                self.links[other as usize][layer].push(node);
                self.prune_links(other, layer);
            }
            self.links[node as usize][layer] = chosen;
        }
        if level > top {
            self.entry = Some(node);
        }
    }

    /// Reduces the links of a node to the limit of the layer.
    fn prune_links(&mut self, node: u32, layer: usize) {
        let limit = if layer == 0 { 2 * self.options.m } else { self.options.m };
        let links = &self.links[node as usize][layer];
        if links.len() <= limit {
            return;
        }
        let mut neighbours: Vec<Neighbour> =
            links.iter().map(|&other| Neighbour { score: self.score(node, other), node: other }).collect();
        neighbours.sort_unstable_by(|a, b| b.cmp(a));
        self.links[node as usize][layer] = self.select_neighbours(&neighbours, limit);
    }

    /// The heuristic of algorithm 4: of the candidates, the nearest first, those that are nearer to the base node than to any
    /// chosen before. It gives links in all directions, not only to near-copies.
    fn select_neighbours(&self, candidates: &[Neighbour], limit: usize) -> Vec<u32> {
        let mut chosen: Vec<u32> = Vec::with_capacity(limit);
        for candidate in candidates {
            if chosen.len() == limit {
                break;
            }
            if chosen.iter().all(|&other| self.score(candidate.node, other) <= candidate.score) {
                chosen.push(candidate.node);
            }
        }
        chosen
    }
}

impl LayeredGraph for GraphBuilder<'_> {
    fn nodes(&self) -> usize {
        self.node_rows.len()
    }

    fn entry(&self) -> Option<(u32, usize)> {
        self.entry.map(|node| (node, self.links[node as usize].len() - 1))
    }

    fn links(&self, node: u32, layer: usize) -> impl Iterator<Item = u32> {
        self.links[node as usize][layer].iter().copied()
    }
}

/// The highest layer of a node, drawn from its number: a layer has about one in `m` nodes of the layer below.
fn level(node: u32, m: usize) -> usize {
    let x = random::nth(0, u64::from(node));
    let mut below = u64::MAX / m as u64;
    let mut level = 0;
    while x < below && level + 1 < MAX_LAYERS {
        level += 1;
        below /= m as u64;
    }
    level
}

fn score(rows: QuantizedView, a: RowId, b: RowId) -> f32 {
    let product = rows.kernel().dot_pair(rows.codes(a), rows.codes(b));
    rows.error_terms(a).scale * rows.error_terms(b).scale * product as f32
}

/// The distance `1 - score` of two rows, given by their numbers. Never negative or NaN, at which hnsw_rs panics.
struct RowDistance<'a>(QuantizedView<'a>);

impl Distance<u32> for RowDistance<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        (1.0 - score(self.0, RowId(a[0]), RowId(b[0]))).max(0.0)
    }
}

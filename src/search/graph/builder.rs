//! The graph while it grows: nodes with their rows, and the links of each node in each of its layers.
//!
//! A first graph is built by hnsw_rs over row numbers, its links are taken out, and from then on nodes are inserted here
//! (Malkov and Yashunin, 2016, algorithms 1 and 4): hnsw_rs can neither read a frozen graph nor link well where copies
//! crowd. Insertion is serial, distances are products of integers and two scales, layers are drawn from the node's
//! number: the same rows give the same graph on every machine.

use std::collections::HashMap;

use hnsw_rs::{anndists::dist::Distance, hnsw::Hnsw};

use super::{
    Graph, GraphOptions,
    walk::{Layers, Near, Visited, descend, nearest},
};
use crate::{
    Error, Result,
    progress::{Progress, Stage},
    random,
    search::Quantized,
    story::RowId,
};

/// Layers of the graph; enough for 24^16 nodes.
pub(super) const LAYERS: usize = 16;

/// A graph that can grow, and be frozen.
pub struct GraphBuilder<'a> {
    pub(super) rows: Quantized<'a>,
    pub(super) options: GraphOptions,
    /// For each node its rows, which have equal codes.
    pub(super) of_node: Vec<Vec<u32>>,
    /// For each node and each of its layers, its links.
    pub(super) links: Vec<Vec<Vec<u32>>>,
    pub(super) entry: Option<u32>,
    /// Nodes that walks may miss: each search compares them.
    pub(super) rescued: Vec<u32>,
}

impl<'a> GraphBuilder<'a> {
    /// Builds a graph of all rows with hnsw_rs. Panics unless `m` lies in 2..=128.
    pub fn build(rows: Quantized<'a>, options: GraphOptions, progress: &dyn Progress) -> Result<Self> {
        let mut builder = Self::empty(rows, options);
        builder.add_nodes(0);
        let nodes = builder.of_node.len();
        let first: Vec<u32> = builder.of_node.iter().map(|rows| rows[0]).collect();
        let hnsw = Hnsw::new(options.m, nodes.max(1), LAYERS, options.ef_construction, RowDistance(rows));
        for (node, row) in first.iter().enumerate() {
            if node % 256 == 0 && progress.cancelled() {
                return Err(Error::Interrupted);
            }
            hnsw.insert_slice((&[*row], node));
            progress.advance(Stage::Search, builder.of_node[node].len() as u64);
        }
        let mut links = vec![Vec::new(); nodes];
        for layer in 0..LAYERS {
            for point in hnsw.get_point_indexation().get_layer_iterator(layer) {
                let own = point.get_neighborhood_id().into_iter().take(layer + 1).enumerate();
                // The crate also keeps what a point came by in the layers above its own.
                let of_layer = |(layer, near): (usize, Vec<hnsw_rs::hnsw::Neighbour>)| {
                    let there = near.into_iter().filter(|n| usize::from(n.p_id.0) >= layer);
                    there.map(|n| n.d_id as u32).collect::<Vec<u32>>()
                };
                links[point.get_origin_id()] = own.map(of_layer).collect();
            }
        }
        builder.links = links;
        builder.entry = builder.highest();
        Ok(builder)
    }

    /// A graph without rows, all of which [`GraphBuilder::extend`] then inserts. Panics unless `m` lies in 2..=128.
    pub fn empty(rows: Quantized<'a>, options: GraphOptions) -> Self {
        assert!((2..=128).contains(&options.m), "{} links a node", options.m);
        let (of_node, links) = (Vec::new(), Vec::new());
        GraphBuilder { rows, options, of_node, links, entry: None, rescued: Vec::new() }
    }

    /// Takes a frozen graph up again, to be extended by the rows it lacks. Panics unless `m` lies in 2..=128.
    pub fn thaw(graph: &Graph<'a>, options: GraphOptions) -> Self {
        let nodes = 0..graph.nodes() as u32;
        let of =
            |node: u32| (0..=graph.level(node)).map(|layer| graph.links(node, layer).collect()).collect();
        GraphBuilder {
            of_node: nodes.clone().map(|node| graph.rows_of(node).map(|r| r.0).collect()).collect(),
            links: nodes.map(of).collect(),
            entry: graph.entry().map(|(node, _)| node),
            rescued: graph.rescued().collect(),
            ..Self::empty(graph.vectors(), options)
        }
    }

    /// The number of rows in the graph.
    pub fn covered(&self) -> usize {
        self.of_node.iter().map(Vec::len).sum()
    }

    /// Inserts the rows from [`GraphBuilder::covered`] on.
    pub fn extend(&mut self, progress: &dyn Progress) -> Result<()> {
        let new = self.add_nodes(self.covered());
        let mut visited = Visited::default();
        for node in new..self.of_node.len() as u32 {
            if node % 256 == 0 && progress.cancelled() {
                return Err(Error::Interrupted);
            }
            self.insert(node, &mut visited);
            progress.advance(Stage::Search, self.of_node[node as usize].len() as u64);
        }
        Ok(())
    }

    /// Gives the rows from `first` on to nodes, new ones where their codes are new; the first new node.
    fn add_nodes(&mut self, first: usize) -> u32 {
        let new = self.of_node.len() as u32;
        let all = self.rows;
        let codes = |row: u32| all.codes(RowId(row));
        let mut known: HashMap<&[u8], usize> =
            self.of_node.iter().enumerate().map(|(node, rows)| (codes(rows[0]), node)).collect();
        for row in first as u32..all.rows() as u32 {
            let node = *known.entry(codes(row)).or_insert(self.of_node.len());
            match self.of_node.get_mut(node) {
                Some(rows) => rows.push(row),
                None => self.of_node.push(vec![row]),
            }
        }
        new
    }

    fn highest(&self) -> Option<u32> {
        let nodes = 0..self.links.len() as u32;
        nodes.max_by_key(|&node| (self.links[node as usize].len(), std::cmp::Reverse(node)))
    }

    /// How near two nodes are.
    pub(super) fn score(&self, a: u32, b: u32) -> f32 {
        let row = |node: u32| RowId(self.of_node[node as usize][0]);
        score(self.rows, row(a), row(b))
    }

    fn insert(&mut self, node: u32, visited: &mut Visited) {
        let level = level(node, self.options.m);
        self.links.push(vec![Vec::new(); level + 1]);
        let Some((_, top)) = Layers::entry(self) else {
            self.entry = Some(node);
            return;
        };
        let to_node = |other: u32| self.score(node, other);
        let mut from: Vec<Near> = descend(self, level.min(top), to_node).into_iter().collect();
        for layer in (0..=level.min(top)).rev() {
            let to_node = |other: u32| self.score(node, other);
            let ef = self.options.ef_construction;
            from = nearest(self, layer, &from, ef, to_node, |other| other != node, visited);
            let chosen = self.select(&from, self.options.m);
            for &other in &chosen {
                self.links[other as usize][layer].push(node);
                self.shrink(other, layer);
            }
            self.links[node as usize][layer] = chosen;
        }
        if level > top {
            self.entry = Some(node);
        }
    }

    /// Cuts a node's links to as many as its layer admits.
    fn shrink(&mut self, node: u32, layer: usize) {
        let most = if layer == 0 { 2 * self.options.m } else { self.options.m };
        let links = &self.links[node as usize][layer];
        if links.len() <= most {
            return;
        }
        let mut near: Vec<Near> =
            links.iter().map(|&other| Near { score: self.score(node, other), node: other }).collect();
        near.sort_unstable_by(|a, b| b.cmp(a));
        self.links[node as usize][layer] = self.select(&near, most);
    }

    /// Of candidates, the nearest first, those that are nearer to the base than to any chosen before: links in all
    /// directions, and not only to copies.
    fn select(&self, candidates: &[Near], most: usize) -> Vec<u32> {
        let mut chosen: Vec<u32> = Vec::with_capacity(most);
        for near in candidates {
            if chosen.len() == most {
                break;
            }
            if chosen.iter().all(|&other| self.score(near.node, other) <= near.score) {
                chosen.push(near.node);
            }
        }
        chosen
    }
}

impl Layers for GraphBuilder<'_> {
    fn nodes(&self) -> usize {
        self.of_node.len()
    }

    fn entry(&self) -> Option<(u32, usize)> {
        self.entry.map(|node| (node, self.links[node as usize].len() - 1))
    }

    fn links(&self, node: u32, layer: usize) -> impl Iterator<Item = u32> {
        self.links[node as usize][layer].iter().copied()
    }
}

/// The highest layer of a node: each is one in `m` of the layer below, drawn from the node's number.
fn level(node: u32, m: usize) -> usize {
    let x = random::nth(0, u64::from(node));
    let mut below = u64::MAX / m as u64;
    let mut level = 0;
    while x < below && level + 1 < LAYERS {
        level += 1;
        below /= m as u64;
    }
    level
}

fn score(rows: Quantized, a: RowId, b: RowId) -> f32 {
    let product = rows.kernel().pair(rows.codes(a), rows.codes(b));
    rows.figures(a).scale * rows.figures(b).scale * product as f32
}

/// `1 - score` of two rows, given by their numbers; never negative and never no number, which hnsw_rs panics at.
struct RowDistance<'a>(Quantized<'a>);

impl Distance<u32> for RowDistance<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        (1.0 - score(self.0, RowId(a[0]), RowId(b[0]))).max(0.0)
    }
}

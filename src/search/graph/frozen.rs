//! The frozen graph: one flat file, read where it is mapped.

use std::io::{self, Write};

use super::{
    GraphBuilder,
    builder::LAYERS,
    walk::{Layers, Visited, descend, nearest},
};
use crate::{
    search::{
        Broken, Candidate, Quantized, Query, RowSet, Want,
        derived::{Frame, Kind, u32_at},
        rescore,
    },
    story::RowId,
};

const KIND: Kind = Kind { name: "a frozen graph", magic: *b"ssgraph\0", version: 1 };

/// A frozen graph over quantized rows: its file is the mapped bytes, and nothing is copied.
pub struct Graph<'a> {
    rows: Quantized<'a>,
    entry: u32,
    row_start: Numbers<'a>,
    node_rows: Numbers<'a>,
    list_start: Numbers<'a>,
    link_start: Numbers<'a>,
    links: Numbers<'a>,
    rescued: Numbers<'a>,
}

/// Little-endian numbers of 32 bits.
#[derive(Clone, Copy)]
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    fn len(self) -> usize {
        self.0.len() / 4
    }

    fn at(self, i: usize) -> usize {
        u32_at(self.0, 4 * i) as usize
    }

    fn iter(self) -> impl Iterator<Item = u32> + use<'a> {
        self.0.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b))
    }

    fn slice(self, from: usize, to: usize) -> Numbers<'a> {
        Numbers(&self.0[4 * from..4 * to])
    }

    /// Whether these are the ends of parts that lie one after another and make up `whole`.
    fn divides(self, whole: usize) -> bool {
        let starts_and_ends = self.len() > 0 && self.at(0) == 0 && self.at(self.len() - 1) == whole;
        starts_and_ends && self.iter().zip(self.iter().skip(1)).all(|(a, b)| a <= b)
    }
}

/// Working memory of one thread.
#[derive(Default)]
pub struct GraphScratch {
    visited: Visited,
}

impl GraphBuilder<'_> {
    /// Writes the graph as a file, made from this generation of the store.
    pub fn freeze(&self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        let mut numbers: Vec<u32> = Vec::new();
        let starts = |numbers: &mut Vec<u32>, lens: &mut dyn Iterator<Item = usize>| {
            numbers.push(0);
            let mut end = 0;
            numbers.extend(lens.map(|len| {
                end += len as u32;
                end
            }));
            end
        };
        let rows = starts(&mut numbers, &mut self.of_node.iter().map(Vec::len));
        numbers.extend(self.of_node.iter().flatten());
        let lists = starts(&mut numbers, &mut self.links.iter().map(Vec::len));
        let links = starts(&mut numbers, &mut self.links.iter().flatten().map(Vec::len));
        numbers.extend(self.links.iter().flatten().flatten());
        numbers.extend(&self.rescued);
        let body: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
        let counts = [
            self.of_node.len() as u32,
            rows,
            lists,
            links,
            self.rescued.len() as u32,
            self.entry.unwrap_or(0),
        ];
        Frame { parameter: self.options.m as u32, generation, counts }.write(&KIND, &[&body], to)
    }
}

impl<'a> Graph<'a> {
    /// Reads a file that [`GraphBuilder::freeze`] wrote, over the rows that it was built of or more; also returns its
    /// generation. Checks all of it: no number that a walk follows leads out of the file.
    pub fn open(file: &'a [u8], rows: Quantized<'a>) -> Result<(Self, u64), Broken> {
        let (frame, body) = Frame::open(&KIND, file)?;
        let [nodes, covered, lists, links, rescued, entry] = frame.counts.map(|n| n as usize);
        let lens = [nodes + 1, covered, nodes + 1, lists + 1, links, rescued];
        if lens.iter().map(|len| 4 * *len as u64).sum::<u64>() != body.len() as u64 {
            return Err(Broken::new("as many numbers as the frame says", format!("{} bytes", body.len())));
        }
        if covered > rows.rows() {
            return Err(Broken::new(format!("at most {} rows", rows.rows()), format!("{covered}")));
        }
        let mut rest = body;
        let parts = lens.map(|len| {
            let (part, after) = rest.split_at(4 * len);
            rest = after;
            Numbers(part)
        });
        let [row_start, node_rows, list_start, link_start, link_nodes, rescued] = parts;
        let graph = Graph {
            rows,
            entry: entry as u32,
            row_start,
            node_rows,
            list_start,
            link_start,
            links: link_nodes,
            rescued,
        };
        graph.check(covered, lists, links)?;
        Ok((graph, frame.generation))
    }

    fn check(&self, covered: usize, lists: usize, links: usize) -> Result<(), Broken> {
        let nodes = self.nodes();
        let demand = |holds: bool, what: &str| match holds {
            true => Ok(()),
            false => Err(Broken::new(what, "others")),
        };
        demand(self.row_start.divides(covered), "rows of nodes one after another")?;
        demand(self.list_start.divides(lists), "lists of nodes one after another")?;
        demand(self.link_start.divides(links), "links of lists one after another")?;
        let grows = |part: Numbers, most: usize| {
            part.iter().zip(part.iter().skip(1)).all(|(a, b)| (1..=most).contains(&((b - a) as usize)))
        };
        demand(grows(self.row_start, covered), "at least one row a node")?;
        demand(grows(self.list_start, LAYERS), "1 to 16 layers a node")?;
        let mut seen = vec![false; covered];
        let mut once =
            |row: u32| seen.get_mut(row as usize).is_some_and(|seen| !std::mem::replace(seen, true));
        demand(self.node_rows.iter().all(&mut once), "each row in one node")?;
        demand(self.rescued.iter().all(|node| (node as usize) < nodes), "nodes that there are")?;
        demand(nodes == 0 || (self.entry as usize) < nodes, "an entry that there is")?;
        for node in 0..nodes as u32 {
            for layer in 0..=self.level(node) {
                let there = |other: u32| (other as usize) < nodes && self.level(other) >= layer;
                demand(self.links(node, layer).all(there), "links to nodes of the same layer")?;
            }
        }
        Ok(())
    }

    /// The rows that it leads to, those beyond the graph among them.
    pub fn vectors(&self) -> Quantized<'a> {
        self.rows
    }

    /// The number of rows in the graph: those that come after are compared one by one.
    pub fn covered(&self) -> usize {
        self.node_rows.len()
    }

    /// Rows that walks may miss: each search compares them.
    pub fn rescued_rows(&self) -> impl Iterator<Item = RowId> {
        self.rescued().flat_map(|node| self.rows_of(node))
    }

    pub(super) fn rescued(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.rescued.iter()
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

    /// Rows that may be near the query, the highest bound first: those of the `ef` nearest nodes that a walk finds and
    /// that have living rows, those of the rescued nodes, and all living rows that the graph does not cover.
    pub fn candidates(
        &self,
        query: &Query,
        ef: usize,
        dead: &RowSet,
        scratch: &mut GraphScratch,
    ) -> Vec<Candidate> {
        let lives = |node: u32| self.rows_of(node).any(|row| !dead.contains(row));
        let score = |node: u32| self.rows.score(query, self.first_row(node));
        let from: Vec<_> = descend(self, 0, score).into_iter().collect();
        let found = nearest(self, 0, &from, ef.max(1), score, lives, &mut scratch.visited);
        let mut nodes: Vec<u32> = found.into_iter().map(|near| near.node).chain(self.rescued()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let covered = nodes.into_iter().flat_map(|node| self.rows_of(node));
        let rows = covered.chain((self.covered()..self.rows.rows()).map(|row| RowId(row as u32)));
        let living = rows.filter(|row| !dead.contains(*row));
        let mut all: Vec<Candidate> = living.map(|row| self.rows.candidate(query, row)).collect();
        all.sort_unstable_by(|a, b| b.most.total_cmp(&a.most).then(a.row.cmp(&b.row)));
        all
    }

    /// The living rows that are wanted among those that the graph leads to, by score, then by number; `score` gives a
    /// row's exact score or fails. A larger `ef` finds more of them; it is at least the number wanted.
    pub fn look_up<E>(
        &self,
        query: &[f32],
        want: Want,
        ef: usize,
        dead: &RowSet,
        scratch: &mut GraphScratch,
        score: impl FnMut(RowId) -> Result<f32, E>,
    ) -> Result<Vec<(RowId, f32)>, E> {
        let ef = if let Want::Nearest(k) = want { ef.max(k) } else { ef };
        rescore(&self.candidates(&Query::new(query), ef, dead, scratch), want, score)
    }
}

impl Layers for Graph<'_> {
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

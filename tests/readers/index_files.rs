//! Readers of index files: the frozen graph, the quantized rows, the postings.
//!
//! Their checksum is corrected before they are read: no fuzzer would get past it, and it is no defence against an adversary.

use std::{collections::BTreeSet, sync::Arc, sync::OnceLock};

use samestory::{
    device::Isa,
    progress::NoProgress,
    random::SplitMix64,
    search::{
        BitSet, Graph, GraphBuilder, GraphOptions, GraphScratch, Limit, Postings, QuantizedFile,
        QuantizedQuery, QuantizedRows, QuantizedView, ShingleOptions, rewrite_checksum,
    },
    story::RowId,
    vector::{Matrix, normalize},
};

use super::Reader;

pub const GRAPH: Reader = Reader { name: "graph", read: graph, seeds: graph_seeds, cost: 4 };
pub const QUANTIZED: Reader = Reader { name: "quantized", read: quantized, seeds: quantized_seeds, cost: 1 };
pub const POSTINGS: Reader = Reader { name: "postings", read: postings, seeds: postings_seeds, cost: 1 };

const OPTIONS: GraphOptions = GraphOptions { m: 4, ef_construction: 20 };

/// Unit vectors, the same in every run; every fifth is a copy of the one before.
fn unit_vectors(n: usize, dim: usize) -> Matrix {
    let mut random = SplitMix64::new(77);
    let mut rows = Matrix::from_vec((0..n * dim).map(|_| random.next_f32() - 0.5).collect(), dim);
    for i in 0..n {
        if i % 5 == 4 {
            let before = rows.row(i - 1).to_vec();
            rows.row_mut(i).copy_from_slice(&before);
        }
        normalize(rows.row_mut(i));
    }
    rows
}

/// The rows of the graphs.
fn rows() -> &'static (Matrix, QuantizedRows) {
    static ROWS: OnceLock<(Matrix, QuantizedRows)> = OnceLock::new();
    ROWS.get_or_init(|| {
        let rows = unit_vectors(48, 20);
        let quantized = QuantizedRows::from_matrix(&rows);
        (rows, quantized)
    })
}

fn with_valid_checksum(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    rewrite_checksum(&mut file);
    file
}

/// Opens a graph, searches it, extends it, and writes it to a file that must open.
fn graph(bytes: &[u8]) {
    let (vectors, quantized) = rows();
    let view = quantized.view(Isa::Portable);
    let file = with_valid_checksum(bytes);
    let Ok((graph, generation)) = Graph::open(&file, view) else { return };
    search(&graph, vectors);
    let mut builder = GraphBuilder::from_frozen(&graph, OPTIONS);
    builder.extend(&NoProgress).expect("nothing interrupts it");
    assert_eq!(builder.row_count(), view.rows());
    builder.audit(8, &NoProgress).expect("nothing interrupts it");
    let mut grown = Vec::new();
    builder.freeze(generation, &mut grown).expect("memory takes all");
    let (again, of) = Graph::open(&grown, view).expect("a written graph opens");
    assert_eq!((again.row_count(), of), (view.rows(), generation));
    search(&again, vectors);
}

fn search(graph: &Graph, vectors: &Matrix) {
    let mut scratch = GraphScratch::default();
    let deleted: BitSet = [3, 4, 11].map(RowId).into_iter().collect();
    for row in [3, 40] {
        let query = QuantizedQuery::new(vectors.row(row));
        let found = graph.candidates(&query, 10, &deleted, &mut scratch);
        let distinct: BTreeSet<u32> = found.iter().map(|c| c.row.0).collect();
        assert_eq!(distinct.len(), found.len(), "a row is returned twice");
        assert!(found.iter().all(|c| c.row.index() < vectors.rows() && !deleted.contains(c.row)));
    }
    graph.recall(3, 10, 4, &|a, b| samestory::vector::dot(vectors.row(a.index()), vectors.row(b.index())));
}

fn graph_seeds() -> Vec<Vec<u8>> {
    let (vectors, quantized) = rows();
    let view = quantized.view(Isa::Portable);
    let frozen = |builder: &GraphBuilder| {
        let mut file = Vec::new();
        builder.freeze(7, &mut file).unwrap();
        file
    };
    let empty = GraphBuilder::empty(view, OPTIONS);
    let mut whole = GraphBuilder::empty(view, OPTIONS);
    whole.extend(&NoProgress).unwrap();
    whole.audit(4, &NoProgress).unwrap();
    let mut first = QuantizedRows::new(vectors.dim());
    (0..9).for_each(|i| first.push(vectors.row(i)));
    let mut part = GraphBuilder::empty(first.view(Isa::Portable), OPTIONS);
    part.extend(&NoProgress).unwrap();
    vec![frozen(&empty), frozen(&part), frozen(&whole)]
}

/// Opens a file of rows and searches it with every instruction set of this machine: the results must be equal.
fn quantized(bytes: &[u8]) {
    let file = with_valid_checksum(bytes);
    let Ok((rows, generation)) = QuantizedFile::open(&file[..]) else { return };
    let view = rows.view(Isa::Portable);
    let query: Vec<f32> = (0..view.dim()).map(|i| (i as f32 * 0.7).sin()).collect();
    let queries: Vec<QuantizedQuery> = (0..view.rows().min(2) as u32)
        .map(|row| QuantizedQuery::of_row(&view, RowId(row)))
        .chain([QuantizedQuery::new(&query)])
        .collect();
    let deleted: BitSet = [RowId(1)].into_iter().collect();
    let found = |view: QuantizedView| -> Vec<_> {
        let limits = [Limit::Nearest(2), Limit::AtLeast(0.5)];
        // As bits: a forged value may be NaN.
        let bits = |c: samestory::search::ScoreBounds| (c.row, c.upper.to_bits(), c.lower.to_bits());
        let all = limits.into_iter().flat_map(|limit| view.candidates(&queries, limit, &deleted));
        all.map(|found| found.into_iter().map(bits).collect::<Vec<_>>()).collect()
    };
    let expect = found(view);
    assert!(expect.iter().flatten().all(|(row, ..)| row.index() < view.rows() && !deleted.contains(*row)));
    for isa in Isa::available() {
        assert_eq!(found(rows.view(isa)), expect, "{isa}");
    }
    let mut again = Vec::new();
    let mut grown = view.to_rows();
    grown.push(&query);
    grown.view(Isa::Portable).write(generation, &mut again).expect("memory takes all");
    let (read, of) = QuantizedView::open(&again, Isa::Portable).expect("written rows open");
    assert_eq!((read.rows(), of), (view.rows() + 1, generation));
}

fn quantized_seeds() -> Vec<Vec<u8>> {
    let written = |rows: &QuantizedRows| {
        let mut file = Vec::new();
        rows.view(Isa::Portable).write(7, &mut file).unwrap();
        file
    };
    let of = |n, dim| written(&QuantizedRows::from_matrix(&unit_vectors(n, dim)));
    vec![of(3, 20), of(2, 70), of(1, 1), written(&QuantizedRows::new(8))]
}

/// Opens postings, searches them, adds a story, and writes them to a file that must open.
fn postings(bytes: &[u8]) {
    let file = with_valid_checksum(bytes);
    let Ok((mut read, generation)) = Postings::open(&file[..]) else { return };
    let shingles: Vec<u64> = (0..6).chain([u64::MAX]).collect();
    for options in [ShingleOptions::default(), ShingleOptions { max_stories: 1, ..ShingleOptions::default() }]
    {
        let mut shingles_of = |story: u32| Ok(Arc::from([u64::from(story), 1, 2]));
        read.candidates(&shingles, &options, &mut shingles_of).expect("nothing fails");
    }
    let last = read.last_story();
    if let Some(next) = last.checked_add(1) {
        read.push(next, &shingles);
    }
    let mut again = Vec::new();
    read.write(generation, &mut again).expect("memory takes all");
    let (again, of) = Postings::open(&again[..]).expect("written postings open");
    assert_eq!((again.last_story(), of), (read.last_story(), generation));
}

fn postings_seeds() -> Vec<Vec<u8>> {
    let written = |all: Vec<(u64, u32)>, last| {
        let mut file = Vec::new();
        Postings::<Vec<u8>>::new(all, last).write(7, &mut file).unwrap();
        file
    };
    let few = vec![(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (5, 3), (u64::MAX, 3)];
    vec![written(Vec::new(), 0), written(few, 3)]
}

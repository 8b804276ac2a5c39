//! Tests of graphs against exact search: built, extended, read back, corrupt.

use std::convert::Infallible;

use proptest::prelude::*;

use super::{Graph, GraphBuilder, GraphOptions, GraphScratch, walk::LayeredGraph};
use crate::{
    device::Isa,
    progress::NoProgress,
    search::{BitSet, Limit, QuantizedRows, QuantizedView, tests::clustered},
    story::RowId,
    vector::{Matrix, dot},
};

const EF: usize = 128;

/// Unit vectors in clusters, every fourth one nearly a copy of the one before it.
fn near_copies(n: usize, dim: usize, seed: u64) -> Matrix {
    let mut rows = clustered(n, dim, seed);
    for i in (3..n).step_by(4) {
        let row = rows.row_mut(i);
        row[i % dim] += 0.01;
        crate::vector::normalize(row);
    }
    rows
}

fn freeze(builder: &GraphBuilder, generation: u64) -> Vec<u8> {
    let mut file = Vec::new();
    builder.freeze(generation, &mut file).unwrap();
    file
}

fn build(rows: QuantizedView) -> GraphBuilder {
    let mut builder = GraphBuilder::build(rows, GraphOptions::default(), &NoProgress).unwrap();
    builder.audit(EF, &NoProgress).unwrap();
    builder
}

fn insert_all(rows: QuantizedView) -> GraphBuilder {
    let mut builder = GraphBuilder::empty(rows, GraphOptions::default());
    builder.extend(&NoProgress).unwrap();
    builder.audit(EF, &NoProgress).unwrap();
    builder
}

fn recall(builder: &GraphBuilder, rows: &Matrix) -> f64 {
    let file = freeze(builder, 1);
    let (graph, _) = Graph::open(&file, builder.rows).unwrap();
    graph.recall(10, EF, 300, &|a, b| dot(rows.row(a.index()), rows.row(b.index())))
}

#[test]
fn recall_is_high_among_near_copies() {
    let rows = near_copies(2000, 48, 7);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    for builder in [build(view), insert_all(view)] {
        let recall = recall(&builder, &rows);
        assert!(recall >= 0.99, "{recall}");
    }
}

#[test]
fn an_extended_graph_has_high_recall() {
    let rows = near_copies(2000, 48, 8);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    let mut first = QuantizedRows::new(48);
    (0..1500).for_each(|i| first.push(rows.row(i)));
    let file = freeze(&build(first.view(Isa::detect())), 1);
    let (graph, _) = Graph::open(&file, view).unwrap();
    assert_eq!(graph.row_count(), 1500);
    let tail = graph.recall(10, EF, 300, &|a, b| dot(rows.row(a.index()), rows.row(b.index())));
    assert!(tail >= 0.99, "with later rows: {tail}");
    let mut grown = GraphBuilder::from_frozen(&graph, GraphOptions::default());
    grown.extend(&NoProgress).unwrap();
    assert_eq!(grown.row_count(), 2000);
    grown.audit(EF, &NoProgress).unwrap();
    let recall = recall(&grown, &rows);
    assert!(recall >= 0.99, "{recall}");
}

#[test]
fn graphs_are_equal_on_all_cpu_paths() {
    let rows = near_copies(400, 30, 3);
    let quantized = QuantizedRows::from_matrix(&rows);
    let mut first: Option<[Vec<u8>; 2]> = None;
    for isa in Isa::available() {
        let view = quantized.view(isa);
        let files = [freeze(&build(view), 5), freeze(&insert_all(view), 5)];
        assert!(first.get_or_insert_with(|| files.clone()) == &files, "{isa}");
    }
}

#[test]
fn unreachable_nodes_become_orphans() {
    let rows = near_copies(300, 24, 4);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    let mut builder = build(view);
    let cut = 17;
    assert_ne!(builder.entry, Some(cut));
    builder.links.iter_mut().flatten().for_each(|links| links.retain(|&node| node != cut));
    let audit = builder.audit(EF, &NoProgress).unwrap();
    assert_eq!(audit.unreachable, 1);
    assert_eq!(builder.orphans, [cut]);
    let file = freeze(&builder, 1);
    let (graph, _) = Graph::open(&file, view).unwrap();
    let row = builder.node_rows[cut as usize][0] as usize;
    let found = search(&graph, &rows, rows.row(row), 3, &BitSet::default());
    assert!(found.iter().any(|(found, _)| found.index() == row));
}

fn search(graph: &Graph, rows: &Matrix, query: &[f32], k: usize, deleted: &BitSet) -> Vec<(RowId, f32)> {
    let score = |row: RowId| Ok::<_, Infallible>(dot(query, rows.row(row.index())));
    let mut scratch = GraphScratch::default();
    graph.search(query, Limit::Nearest(k), EF, deleted, &mut scratch, score).unwrap()
}

#[test]
fn deleted_rows_are_traversed_and_not_returned() {
    let rows = near_copies(600, 24, 6);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    let file = freeze(&build(view), 1);
    let (graph, _) = Graph::open(&file, view).unwrap();
    let deleted: BitSet = (0..600).filter(|i| i % 3 != 0).map(RowId).collect();
    for query in [1, 50, 300] {
        let found = search(&graph, &rows, rows.row(query), 10, &deleted);
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|(row, _)| !deleted.contains(*row)));
    }
    let none: BitSet = (0..600).map(RowId).collect();
    assert_eq!(search(&graph, &rows, rows.row(0), 10, &none), []);
}

#[test]
fn small_graphs_round_trip() {
    for n in [0, 1, 2, 5] {
        let rows = clustered(n, 8, 2);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::detect());
        for builder in [build(view), insert_all(view)] {
            let file = freeze(&builder, 9);
            let (graph, generation) = Graph::open(&file, view).unwrap();
            assert_eq!((generation, graph.row_count()), (9, n));
            let query = clustered(1, 8, 3);
            assert_eq!(search(&graph, &rows, query.row(0), 9, &BitSet::default()).len(), n);
            assert_eq!(freeze(&GraphBuilder::from_frozen(&graph, GraphOptions::default()), 9), file);
        }
    }
}

#[test]
fn detects_every_truncation_and_every_flipped_byte() {
    let rows = near_copies(60, 16, 5);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::Portable);
    let file = freeze(&build(view), 1);
    for at in 0..file.len() {
        let mut corrupt = file.clone();
        corrupt[at] ^= 1 << (at % 8);
        assert!(Graph::open(&corrupt, view).is_err(), "byte {at}");
        assert!(Graph::open(&file[..at], view).is_err(), "cut at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn forged_numbers_are_rejected_or_harmless(
        changes in prop::collection::vec((0usize..10_000, prop_oneof![0u32..80, any::<u32>()]), 1..4), cut in 0usize..3,
    ) {
        let rows = near_copies(60, 16, 5);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::Portable);
        let mut builder = GraphBuilder::empty(view, GraphOptions { m: 4, ef_construction: 20 });
        builder.extend(&NoProgress).unwrap();
        let mut file = freeze(&builder, 1);
        for (at, value) in changes {
            // Counts and body: what the checksum alone does not protect.
            let at = 40 + at * 4 % (file.len() - 40);
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        file.truncate(file.len() - 4 * cut);
        crate::search::rewrite_checksum(&mut file);
        if let Ok((graph, _)) = Graph::open(&file, view) {
            prop_assert!(graph.nodes() <= 60);
            let found = search(&graph, &rows, rows.row(7), 5, &BitSet::default());
            prop_assert!(found.len() <= 5);
        }
    }
}

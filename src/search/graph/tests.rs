//! Graphs against exact search, read back, extended, broken.

use std::convert::Infallible;

use proptest::prelude::*;

use super::{Graph, GraphBuilder, GraphOptions, GraphScratch, walk::Layers};
use crate::{
    device::Isa,
    progress::NoProgress,
    search::{Quantized, QuantizedRows, RowSet, Want, tests::clustered},
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

fn frozen(builder: &GraphBuilder, generation: u64) -> Vec<u8> {
    let mut file = Vec::new();
    builder.freeze(generation, &mut file).unwrap();
    file
}

fn built(rows: Quantized) -> GraphBuilder {
    let mut builder = GraphBuilder::build(rows, GraphOptions::default(), &NoProgress).unwrap();
    builder.audit(EF, &NoProgress).unwrap();
    builder
}

fn inserted(rows: Quantized) -> GraphBuilder {
    let mut builder = GraphBuilder::empty(rows, GraphOptions::default());
    builder.extend(&NoProgress).unwrap();
    builder.audit(EF, &NoProgress).unwrap();
    builder
}

fn recall(builder: &GraphBuilder, rows: &Matrix) -> f64 {
    let file = frozen(builder, 1);
    let (graph, _) = Graph::open(&file, builder.rows).unwrap();
    graph.recall(10, EF, 300, &|a, b| dot(rows.row(a.index()), rows.row(b.index())))
}

#[test]
fn graphs_find_the_nearest_although_a_quarter_are_nearly_copies() {
    let rows = near_copies(2000, 48, 7);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    for builder in [built(view), inserted(view)] {
        let recall = recall(&builder, &rows);
        assert!(recall >= 0.99, "{recall}");
    }
}

#[test]
fn a_graph_that_grew_finds_as_much_as_one_built_at_once() {
    let rows = near_copies(2000, 48, 8);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    let mut first = QuantizedRows::new(48);
    (0..1500).for_each(|i| first.push(rows.row(i)));
    let file = frozen(&built(first.view(Isa::detect())), 1);
    let (graph, _) = Graph::open(&file, view).unwrap();
    assert_eq!(graph.covered(), 1500);
    let tail = graph.recall(10, EF, 300, &|a, b| dot(rows.row(a.index()), rows.row(b.index())));
    assert!(tail >= 0.99, "with a tail: {tail}");
    let mut grown = GraphBuilder::thaw(&graph, GraphOptions::default());
    grown.extend(&NoProgress).unwrap();
    assert_eq!(grown.covered(), 2000);
    grown.audit(EF, &NoProgress).unwrap();
    let recall = recall(&grown, &rows);
    assert!(recall >= 0.99, "{recall}");
}

#[test]
fn the_same_rows_give_the_same_graph_on_every_path() {
    let rows = near_copies(400, 30, 3);
    let quantized = QuantizedRows::from_matrix(&rows);
    let mut seen: Option<[Vec<u8>; 2]> = None;
    for isa in Isa::available() {
        let view = quantized.view(isa);
        let files = [frozen(&built(view), 5), frozen(&inserted(view), 5)];
        assert!(seen.get_or_insert_with(|| files.clone()) == &files, "{isa}");
    }
}

#[test]
fn unreachable_nodes_are_rescued() {
    let rows = near_copies(300, 24, 4);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    let mut builder = built(view);
    let cut = 17;
    assert_ne!(builder.entry, Some(cut));
    builder.links.iter_mut().flatten().for_each(|links| links.retain(|&node| node != cut));
    let reach = builder.audit(EF, &NoProgress).unwrap();
    assert_eq!(reach.unreachable, 1);
    assert_eq!(builder.rescued, [cut]);
    let file = frozen(&builder, 1);
    let (graph, _) = Graph::open(&file, view).unwrap();
    let row = builder.of_node[cut as usize][0] as usize;
    let found = search(&graph, &rows, rows.row(row), 3, &RowSet::default());
    assert!(found.iter().any(|(found, _)| found.index() == row));
}

fn search(graph: &Graph, rows: &Matrix, query: &[f32], k: usize, dead: &RowSet) -> Vec<(RowId, f32)> {
    let score = |row: RowId| Ok::<_, Infallible>(dot(query, rows.row(row.index())));
    let mut scratch = GraphScratch::default();
    graph.look_up(query, Want::Nearest(k), EF, dead, &mut scratch, score).unwrap()
}

#[test]
fn deleted_rows_are_walked_through_and_not_found() {
    let rows = near_copies(600, 24, 6);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::detect());
    let file = frozen(&built(view), 1);
    let (graph, _) = Graph::open(&file, view).unwrap();
    let dead: RowSet = (0..600).filter(|i| i % 3 != 0).map(RowId).collect();
    for query in [1, 50, 300] {
        let found = search(&graph, &rows, rows.row(query), 10, &dead);
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|(row, _)| !dead.contains(*row)));
    }
    let none: RowSet = (0..600).map(RowId).collect();
    assert_eq!(search(&graph, &rows, rows.row(0), 10, &none), []);
}

#[test]
fn small_graphs_are_read_back() {
    for n in [0, 1, 2, 5] {
        let rows = clustered(n, 8, 2);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::detect());
        for builder in [built(view), inserted(view)] {
            let file = frozen(&builder, 9);
            let (graph, generation) = Graph::open(&file, view).unwrap();
            assert_eq!((generation, graph.covered()), (9, n));
            let query = clustered(1, 8, 3);
            assert_eq!(search(&graph, &rows, query.row(0), 9, &RowSet::default()).len(), n);
            assert_eq!(frozen(&GraphBuilder::thaw(&graph, GraphOptions::default()), 9), file);
        }
    }
}

#[test]
fn every_cut_and_every_flipped_byte_is_found() {
    let rows = near_copies(60, 16, 5);
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(Isa::Portable);
    let file = frozen(&built(view), 1);
    for at in 0..file.len() {
        let mut broken = file.clone();
        broken[at] ^= 1 << (at % 8);
        assert!(Graph::open(&broken, view).is_err(), "byte {at}");
        assert!(Graph::open(&file[..at], view).is_err(), "cut at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn forged_numbers_are_refused_or_harmless(
        changes in prop::collection::vec((0usize..10_000, prop_oneof![0u32..80, any::<u32>()]), 1..4), cut in 0usize..3,
    ) {
        let rows = near_copies(60, 16, 5);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::Portable);
        let mut builder = GraphBuilder::empty(view, GraphOptions { m: 4, ef_construction: 20 });
        builder.extend(&NoProgress).unwrap();
        let mut file = frozen(&builder, 1);
        for (at, value) in changes {
            // Counts and body: what the checksum alone does not keep from readers.
            let at = 40 + at * 4 % (file.len() - 40);
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        file.truncate(file.len() - 4 * cut);
        crate::search::reseal(&mut file);
        if let Ok((graph, _)) = Graph::open(&file, view) {
            prop_assert!(graph.nodes() <= 60);
            let found = search(&graph, &rows, rows.row(7), 5, &RowSet::default());
            prop_assert!(found.len() <= 5);
        }
    }
}

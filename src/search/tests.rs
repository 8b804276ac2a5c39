//! Properties of the searches as a whole, and the rows that tests of this module share.

use proptest::prelude::*;

#[cfg(feature = "graph")]
use super::{HnswIndex, HnswOptions, candidates::measure_recall};
use super::{RowPair, SearchOptions, cross_join, nearest_stories, self_join, top_k};
use crate::{
    device::Isa,
    progress::NoProgress,
    random::SplitMix64,
    story::RowId,
    vector::{Matrix, dot, normalize},
};

/// Unit vectors around a few centres; every fourth one is a copy of the one before.
pub(super) fn clustered(n: usize, dim: usize, seed: u64) -> Matrix {
    let mut numbers = SplitMix64::new(seed);
    let mut random = move || numbers.next_f32() - 0.5;
    let centres: Vec<f32> = (0..8 * dim).map(|_| random()).collect();
    let mut rows = Matrix::zeros(n, dim);
    for i in 0..n {
        if i % 4 == 3 {
            let copy = rows.row(i - 1).to_vec();
            rows.row_mut(i).copy_from_slice(&copy);
            continue;
        }
        let centre = &centres[(i % 8) * dim..(i % 8 + 1) * dim];
        rows.row_mut(i).iter_mut().zip(centre).for_each(|(x, c)| *x = c + 0.6 * random());
        normalize(rows.row_mut(i));
    }
    rows
}

/// All pairs of rows with at least the score `floor`, by comparing all.
pub(super) fn brute_force(rows: &Matrix, floor: f32) -> Vec<RowPair> {
    let n = rows.rows() as u32;
    let all = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
    let scored = all.map(|(a, b)| RowPair {
        a: RowId(a),
        b: RowId(b),
        score: dot(rows.row(a as usize), rows.row(b as usize)),
    });
    scored.filter(|p| p.score >= floor).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn exact_join_equals_brute_force_on_every_path(n in 0usize..300, dim in 1usize..40, seed: u64, floor in 0.0f32..0.99) {
        let rows = clustered(n, dim, seed);
        let expect = brute_force(&rows, floor);
        for isa in Isa::available() {
            prop_assert_eq!(&self_join(&rows, floor, isa, &NoProgress).unwrap(), &expect);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn joins_of_all_block_pairs_equal_one_join(
        n in 2usize..1200, parts in 1usize..4, dim in 1usize..24, seed: u64, floor in 0.3f32..0.99,
    ) {
        let rows = clustered(n, dim, seed);
        let options = SearchOptions { story_floor: floor, story_neighbours: 3, ..SearchOptions::default() };
        let blocks: Vec<Vec<u32>> = (0..parts).map(|p| (0..n as u32).filter(|i| *i as usize % parts == p).collect()).collect();
        let (mut pairs, mut nearest) = (Vec::new(), Vec::new());
        for (i, x) in blocks.iter().enumerate() {
            for y in &blocks[i..] {
                let split = (x != y).then_some(x.len());
                let both: Vec<u32> = if split.is_some() { [x.as_slice(), y].concat() } else { x.clone() };
                let values = both.iter().flat_map(|r| rows.row(*r as usize).to_vec()).collect();
                let part = Matrix::from_vec(values, dim);
                let joined = match split {
                    Some(split) => cross_join(&part, split, floor, options.isa, &NoProgress).unwrap(),
                    None => self_join(&part, floor, options.isa, &NoProgress).unwrap(),
                };
                let global = |r: RowId| RowId(both[r.index()]);
                pairs.extend(joined.iter().map(|p| {
                    let (a, b) = (global(p.a), global(p.b));
                    RowPair { a: a.min(b), b: a.max(b), score: p.score }
                }));
                let found = nearest_stories(&part, split, &options, &NoProgress).unwrap();
                nearest.extend(found.iter().map(|(a, b, s)| (both[*a as usize], both[*b as usize], *s)));
            }
        }
        pairs.sort_by_key(|p| (p.a, p.b));
        prop_assert_eq!(pairs, self_join(&rows, floor, options.isa, &NoProgress).unwrap());
        nearest.sort_by(|x, y| x.0.cmp(&y.0).then(y.2.total_cmp(&x.2)).then(x.1.cmp(&y.1)));
        let best: Vec<_> = nearest.chunk_by(|x, y| x.0 == y.0).flat_map(|of| of[..of.len().min(3)].to_vec()).collect();
        prop_assert_eq!(&best, &nearest_stories(&rows, None, &options, &NoProgress).unwrap());
        let of_row = |(a, all): (usize, Vec<(RowId, f32)>)| {
            let others = all.into_iter().filter(move |(b, score)| b.index() != a && *score >= floor);
            others.take(3).map(move |(b, score)| (a as u32, b.0, score))
        };
        let expect: Vec<_> = top_k(&rows, &rows, n).into_iter().enumerate().flat_map(of_row).collect();
        prop_assert_eq!(best, expect);
    }
}

#[cfg(feature = "graph")]
#[test]
fn hnsw_finds_nearly_all_pairs_among_many_copies() {
    let rows = clustered(1500, 48, 7);
    let expect = brute_force(&rows, 0.8);
    let index = HnswIndex::build(&rows, HnswOptions::default(), Isa::detect(), &NoProgress).unwrap();
    let joined = index.self_join(0.8, &NoProgress).unwrap();
    let found = joined.pairs.iter().filter(|p| expect.contains(p)).count();
    assert_eq!(found, joined.pairs.len());
    assert!(found as f64 >= 0.99 * expect.len() as f64, "{found} of {}", expect.len());
    let (recall, _) = measure_recall(&rows, &joined.pairs, 0.8);
    assert!(recall >= 0.99);
}

#[test]
fn top_k_orders_by_score_then_row() {
    let rows = Matrix::from_vec(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0], 2);
    let found = top_k(&Matrix::from_vec(vec![1.0, 0.0], 2), &rows, 2);
    assert_eq!(found, [[(RowId(0), 1.0), (RowId(2), 1.0)]]);
}

#[cfg(feature = "candle")]
#[test]
fn search_on_a_device_finds_the_same_candidates() {
    use candle_core::{DType, Device};

    use super::{TensorSearch, candidates};
    use crate::story::{Corpus, Story};

    let story = |i: usize| Story {
        id: i.to_string(),
        text: format!("Shop {i} opens its doors to the people of town {} today.", i * 7),
        ..Story::default()
    };
    let corpus = Corpus::new((0..300).map(story).collect());
    let rows = clustered(corpus.rows.len(), 24, 3);
    let on_cpu = SearchOptions { story_neighbours: 3, ..SearchOptions::default() };
    let tensors = Some(TensorSearch::new(Device::Cpu, DType::F16));
    let on_gpu = SearchOptions { tensors, ..on_cpu.clone() };
    let expect = candidates(&corpus, &rows, &on_cpu, &NoProgress).unwrap();
    let found = candidates(&corpus, &rows, &on_gpu, &NoProgress).unwrap();
    assert!(found.report.by_rows > 0 && found.report.by_stories > 0, "{}", found.report);
    assert_eq!(found.pairs, expect.pairs);
    assert!(found.report.index.starts_with("exact self-join on candle f16 (auto"), "{}", found.report.index);
}

//! Candidate pairs of stories from three channels: neighbouring rows, shared rare shingles, near story vectors.
//!
//! Seconds to join rows of real news at a floor of 0.75 on two cores with AMX, all three channels included; the graph
//! is built in the order of the rows (M 24, ef 200), so that the same rows give the same graph:
//!
//! | rows | exact | HNSW | recall of HNSW |
//! |---|---|---|---|
//! | 9,596 | 0.07 | 14.0 | 1.0000 |
//! | 29,819 | 0.32 | 93.5 | 1.0000 |
//! | 104,007 | 2.28 | – | – |
//!
//! The rows alone, in a quieter hour of such a processor: 0.11 s for 30,000, 1.0 s for 100,000, 3.9 s for 200,000.
//!
//! Where bf16 is not multiplied, the exact search goes over sketches first (`sketch.rs`): on two cores with AVX2 30,000
//! rows take 0.6 s and 100,000 rows 5.8 s (without sketches 2.0 s and 21 s).
//!
//! The lines have not crossed where it was measured; exact search grows with the square of the rows, so `auto` turns to
//! the graph at [`CROSSOVER`], where that square begins to take minutes.

mod derived;
mod exact;
#[cfg(feature = "graph")]
mod graph;
#[cfg(feature = "graph")]
mod hnsw;
mod lookup;
mod postings;
mod quantized;
mod shingles;
mod sketch;
mod stories;
#[cfg(feature = "candle")]
mod tensor;
#[cfg(not(feature = "candle"))]
#[path = "no_tensor.rs"]
mod tensor;

use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use derived::Broken;
#[doc(hidden)]
pub use derived::reseal;
pub use exact::{cross_join, self_join, top_k};
#[cfg(feature = "graph")]
pub use graph::{Graph, GraphBuilder, GraphOptions, GraphScratch, HnswOptions, Reach};
#[cfg(feature = "graph")]
pub use hnsw::{HnswIndex, Joined};
pub use lookup::{Candidate, RowSet, Want, rank, rescore};
pub use postings::Postings;
pub use quantized::{Quantized, QuantizedRows, Query, RowsFile};
pub use shingles::{ShingleOptions, shingles};
pub use stories::{nearest, write_mean};
pub use tensor::TensorSearch;

use crate::{
    Result,
    device::Isa,
    progress::Progress,
    story::{Corpus, RowId, StoryId},
    vector::Matrix,
};

/// Two rows above the floor; `a < b`; `score` is their exact f32 inner product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowPair {
    /// The lower row.
    pub a: RowId,
    /// The higher row.
    pub b: RowId,
    /// Cosine similarity.
    pub score: f32,
}

/// How neighbours are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexChoice {
    /// Exact up to [`CROSSOVER`] rows, then HNSW.
    #[default]
    Auto,
    /// Every row against every other.
    Exact,
    /// An HNSW graph.
    #[cfg(feature = "graph")]
    Hnsw,
}

/// Up to so many rows `auto` is exact.
pub const CROSSOVER: usize = 1_000_000;

/// The settings of a search.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// How neighbours are searched.
    pub index: IndexChoice,
    /// The kernels.
    pub isa: Isa,
    /// Exact search on a GPU, in place of the kernels.
    pub tensors: Option<TensorSearch>,
    /// Row pairs below this cosine are no candidates.
    pub row_floor: f32,
    /// A row in more stories than this is boilerplate: it makes no pairs by itself.
    pub max_carriers: usize,
    /// The settings of the graph.
    #[cfg(feature = "graph")]
    pub hnsw: HnswOptions,
    /// The shingle channel's settings.
    pub shingles: ShingleOptions,
    /// Stories whose mean vectors are less near than this are no candidates.
    pub story_floor: f32,
    /// The nearest stories that each story is compared with.
    pub story_neighbours: usize,
}

impl Default for SearchOptions {
    fn default() -> Self {
        SearchOptions {
            index: IndexChoice::Auto,
            isa: Isa::detect(),
            tensors: None,
            row_floor: 0.75,
            max_carriers: 100,
            #[cfg(feature = "graph")]
            hnsw: HnswOptions::default(),
            shingles: ShingleOptions::default(),
            story_floor: 0.40,
            story_neighbours: 10,
        }
    }
}

/// A candidate: `a < b`, the best cosine of their rows, and the channels that brought it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoryPair {
    /// The lower story.
    pub a: StoryId,
    /// The higher story.
    pub b: StoryId,
    /// The highest cosine of a row of `a` with a row of `b` that was found; 0 if shingles alone brought it.
    pub cosine: f32,
    /// Whether neighbouring rows brought it.
    pub by_rows: bool,
    /// Whether shared shingles brought it.
    pub by_shingles: bool,
    /// Whether the stories' mean vectors brought it: what may be related, in other words.
    pub by_stories: bool,
}

/// What a search found, and how.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// In order of `(a, b)`.
    pub pairs: Vec<StoryPair>,
    /// The figures.
    pub report: SearchReport,
}

/// The figures of a search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchReport {
    /// The index that was used, and why.
    pub index: String,
    /// Row pairs above the floor.
    pub row_pairs: u64,
    /// Candidates that rows brought.
    pub by_rows: u64,
    /// Candidates that shingles brought.
    pub by_shingles: u64,
    /// Candidates that story vectors brought.
    pub by_stories: u64,
    /// Candidates that one channel alone brought: rows, shingles, story vectors.
    pub alone: [u64; 3],
    /// Rows that too many stories carry to make pairs.
    pub common_rows: u64,
    /// Shingles that too many stories have.
    pub common_shingles: u64,
    /// Share of the row pairs above the floor that were found, in [0, 1].
    pub recall: f64,
    /// How the recall is known.
    pub recall_how: String,
}

impl fmt::Display for SearchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {} row pairs, ", self.index, self.row_pairs)?;
        write!(f, "candidates by rows {} ({} alone), ", self.by_rows, self.alone[0])?;
        write!(f, "by shingles {} ({} alone), ", self.by_shingles, self.alone[1])?;
        write!(f, "by story {} ({} alone)", self.by_stories, self.alone[2])?;
        if self.common_rows > 0 {
            write!(f, "; {} rows in too many stories left out", self.common_rows)?;
        }
        Ok(())
    }
}

/// What brings a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Rows,
    Shingles,
    Stories,
}

/// Finds candidate pairs of stories. `vectors` holds one unit vector a row of `corpus`.
pub fn candidates(
    corpus: &Corpus,
    vectors: &Matrix,
    options: &SearchOptions,
    progress: &dyn Progress,
) -> Result<Candidates> {
    let mut report = SearchReport::default();
    let neighbours = neighbours(vectors, options, &mut report, progress)?;
    report.row_pairs = neighbours.len() as u64;

    let carriers = corpus.row_stories();
    report.common_rows = carriers.iter().filter(|c| c.len() > options.max_carriers).count() as u64;
    let few = |row: RowId| carriers[row.index()].len() <= options.max_carriers;
    let mut found: Vec<StoryPair> = Vec::new();
    let mut add = |a: StoryId, b: StoryId, cosine, channel: Channel| {
        if a != b {
            found.push(StoryPair {
                a: a.min(b),
                b: a.max(b),
                cosine,
                by_rows: channel == Channel::Rows,
                by_shingles: channel == Channel::Shingles,
                by_stories: channel == Channel::Stories,
            });
        }
    };
    for stories in carriers.iter().filter(|c| c.len() <= options.max_carriers) {
        for (i, &a) in stories.iter().enumerate() {
            stories[i + 1..].iter().for_each(|&b| add(a, b, 1.0, Channel::Rows));
        }
    }
    for pair in neighbours.iter().filter(|p| few(p.a) && few(p.b)) {
        for &a in &carriers[pair.a.index()] {
            carriers[pair.b.index()].iter().for_each(|&b| add(a, b, pair.score.min(1.0), Channel::Rows));
        }
    }
    let (shared, common) = shingles::pairs(corpus, &options.shingles);
    report.common_shingles = common;
    shared.into_iter().for_each(|(a, b)| add(a, b, 0.0, Channel::Shingles));
    let near = stories::neighbours(corpus, vectors, options, progress)?;
    near.into_iter().for_each(|(a, b)| add(a, b, 0.0, Channel::Stories));

    found.par_sort_unstable_by(|x, y| (x.a, x.b).cmp(&(y.a, y.b)).then(y.cosine.total_cmp(&x.cosine)));
    let mut pairs: Vec<StoryPair> = Vec::new();
    for pair in found {
        match pairs.last_mut() {
            Some(last) if (last.a, last.b) == (pair.a, pair.b) => {
                last.by_rows |= pair.by_rows;
                last.by_shingles |= pair.by_shingles;
                last.by_stories |= pair.by_stories;
            }
            _ => pairs.push(pair),
        }
    }
    for p in &pairs {
        let channels = [p.by_rows, p.by_shingles, p.by_stories];
        let counts = [&mut report.by_rows, &mut report.by_shingles, &mut report.by_stories];
        counts.into_iter().zip(channels).for_each(|(count, by)| *count += u64::from(by));
        let alone = channels.iter().filter(|by| **by).count() == 1;
        report.alone.iter_mut().zip(channels).for_each(|(count, by)| *count += u64::from(by && alone));
    }
    Ok(Candidates { pairs, report })
}

fn neighbours(
    vectors: &Matrix,
    options: &SearchOptions,
    report: &mut SearchReport,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    let n = vectors.rows();
    let exact = match options.index {
        IndexChoice::Auto => n <= CROSSOVER || cfg!(not(feature = "graph")),
        choice => choice == IndexChoice::Exact,
    };
    let why = match options.index {
        IndexChoice::Auto if exact => format!("auto: {n} rows are within {CROSSOVER}"),
        IndexChoice::Auto => format!("auto: {n} rows are more than {CROSSOVER}"),
        _ => "as asked".into(),
    };
    if exact {
        report.recall = 1.0;
        report.recall_how = "all pairs were compared".into();
        let on_gpu = |tensors: &TensorSearch| tensors.self_join(vectors, options.row_floor, progress);
        if let Some((pairs, device)) = tensor::or_cpu(options.tensors.as_ref(), progress, on_gpu)? {
            report.index = format!("exact self-join on {device} ({why})");
            return Ok(pairs);
        }
        report.index = format!("exact self-join ({why})");
        return self_join(vectors, options.row_floor, options.isa, progress);
    }
    #[cfg(feature = "graph")]
    return join_by_graph(vectors, options, &why, report, progress);
    #[cfg(not(feature = "graph"))]
    unreachable!("without a graph every join is exact");
}

#[cfg(feature = "graph")]
fn join_by_graph(
    vectors: &Matrix,
    options: &SearchOptions,
    why: &str,
    report: &mut SearchReport,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    let index = HnswIndex::build(vectors, options.hnsw, options.isa, progress)?;
    let joined = index.self_join(options.row_floor, progress)?;
    let HnswOptions { graph: GraphOptions { m, ef_construction }, ef_search } = options.hnsw;
    report.index =
        format!("HNSW m {m}, ef {ef_construction}/{ef_search} ({why}), {} rows rescued", joined.rescued);
    if joined.capped > 0 {
        report.index += &format!(", {} rows with more neighbours than were asked for", joined.capped);
    }
    (report.recall, report.recall_how) = measure_recall(vectors, &joined.pairs, options.row_floor);
    Ok(joined.pairs)
}

/// Rows of the sample that recall is measured on.
#[cfg(feature = "graph")]
const SAMPLE: usize = 500;

/// The share of the exact neighbours above `floor` that `pairs` holds, on evenly spaced rows.
#[cfg(feature = "graph")]
fn measure_recall(vectors: &Matrix, pairs: &[RowPair], floor: f32) -> (f64, String) {
    use crate::vector::dot;

    let n = vectors.rows();
    let step = n.div_ceil(SAMPLE).max(1);
    let sample: Vec<usize> = (0..n).step_by(step).collect();
    let counts: Vec<(u64, u64)> = sample
        .par_iter()
        .map(|&a| {
            let mut counts = (0, 0);
            for b in (0..n).filter(|&b| b != a && dot(vectors.row(a), vectors.row(b)) >= floor) {
                let key = (RowId(a.min(b) as u32), RowId(a.max(b) as u32));
                counts.0 += 1;
                counts.1 += u64::from(pairs.binary_search_by_key(&key, |p| (p.a, p.b)).is_ok());
            }
            counts
        })
        .collect();
    let (all, found) = counts.iter().fold((0, 0), |(a, f), c| (a + c.0, f + c.1));
    let recall = if all == 0 { 1.0 } else { found as f64 / all as f64 };
    (recall, format!("checked by exact search for {} rows with {all} neighbours", sample.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        progress::NoProgress,
        random::SplitMix64,
        vector::{dot, normalize},
    };

    /// Unit vectors around a few centres, every fourth one a copy of the one before.
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
        fn the_exact_join_equals_brute_force_on_every_path(n in 0usize..300, dim in 1usize..40, seed: u64, floor in 0.0f32..0.99) {
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
        fn blocks_joined_two_by_two_give_what_all_rows_give(
            n in 2usize..1200, parts in 1usize..4, dim in 1usize..24, seed: u64, floor in 0.3f32..0.99,
        ) {
            let rows = clustered(n, dim, seed);
            let options = SearchOptions { story_floor: floor, story_neighbours: 3, ..SearchOptions::default() };
            let blocks: Vec<Vec<u32>> = (0..parts).map(|p| (0..n as u32).filter(|i| *i as usize % parts == p).collect()).collect();
            let (mut pairs, mut near) = (Vec::new(), Vec::new());
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
                    let found = nearest(&part, split, &options, &NoProgress).unwrap();
                    near.extend(found.iter().map(|(a, b, s)| (both[*a as usize], both[*b as usize], *s)));
                }
            }
            pairs.sort_by_key(|p| (p.a, p.b));
            prop_assert_eq!(pairs, self_join(&rows, floor, options.isa, &NoProgress).unwrap());
            near.sort_by(|x, y| x.0.cmp(&y.0).then(y.2.total_cmp(&x.2)).then(x.1.cmp(&y.1)));
            let best: Vec<_> = near.chunk_by(|x, y| x.0 == y.0).flat_map(|of| of[..of.len().min(3)].to_vec()).collect();
            prop_assert_eq!(&best, &nearest(&rows, None, &options, &NoProgress).unwrap());
            let of_row = |(a, all): (usize, Vec<(RowId, f32)>)| {
                let others = all.into_iter().filter(move |(b, score)| b.index() != a && *score >= floor);
                others.take(3).map(move |(b, score)| (a as u32, b.0, score))
            };
            let expect: Vec<_> = top_k(&rows, &rows, n).into_iter().enumerate().flat_map(of_row).collect();
            prop_assert_eq!(best, expect);
        }
    }

    #[test]
    fn hnsw_finds_nearly_all_pairs_although_a_quarter_are_copies() {
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
}

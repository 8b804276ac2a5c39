//! Exact search: every row against every other, in blocks that stay in the cache.
//!
//! A first pass by the kernels finds the pairs that may be above the floor. They are rescored by [`dot`], whose result is the
//! same to the bit on every machine and instruction set. The floor of the first pass is lowered by the largest error of the kernels,
//! so nothing is missed, with bf16 as with f32. A join of many rows may run the first pass on their projections.

use std::ops::Range;

use rayon::prelude::*;

use super::{pairs::RowPair, projection::project};
#[cfg(target_arch = "x86_64")]
use crate::device::Bf16Kernels;
use crate::{
    Error, Result,
    device::{AlignedBuf, Arena, F32Kernels, Hit, Isa, Kernels, ThresholdSearch},
    progress::{Progress, Stage},
    story::RowId,
    vector::{Matrix, dot},
};

/// Rows of a block: 512 × 384 bf16 are 384 KiB and stay in the second-level cache while all columns are scanned.
const BLOCK: usize = 512;

/// Collects the hits of a scan, one block of rows at a time.
pub(super) trait HitCollector: Sync {
    /// What is collected for a block of rows.
    type Block: Send;

    /// An empty collection for `rows`.
    fn start(&self, rows: Range<usize>) -> Self::Block;

    /// Adds the hits of one block of columns. Rows and columns are numbers of rows of the matrix; no row hits itself.
    fn add(&self, block: &mut Self::Block, hits: &[Hit]);
}

/// Which pairs of rows are scored, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairScope {
    /// All pairs.
    All,
    /// Pairs of a row before this one with one from it on.
    Across(usize),
}

impl PairScope {
    /// Whether the pair of `row` and `column` is scored.
    fn contains(self, row: usize, column: usize) -> bool {
        match self {
            PairScope::All => row < column,
            PairScope::Across(split) => row < split && split <= column,
        }
    }

    /// The number of pairs of `n` rows.
    fn count(self, n: u64) -> u64 {
        match self {
            PairScope::All => n * n.saturating_sub(1) / 2,
            PairScope::Across(split) => split as u64 * n.saturating_sub(split as u64),
        }
    }

    /// The blocks of columns, out of `n`, that `rows` are scored against.
    fn blocks(self, rows: &Range<usize>, n: usize) -> Range<usize> {
        match self {
            PairScope::All => rows.start / BLOCK..n,
            PairScope::Across(split) if rows.start >= split => 0..0,
            PairScope::Across(split) => split / BLOCK..n,
        }
    }
}

/// Scores `rows` against themselves; hits are all pairs that may reach `floor`, with the most that their scores may be.
pub(super) fn scan<C: HitCollector>(
    rows: &Matrix,
    floor: f32,
    scope: PairScope,
    isa: Isa,
    collector: &C,
    progress: &dyn Progress,
) -> Result<Vec<C::Block>> {
    #[cfg(target_arch = "x86_64")]
    if let Some(bf16) = Bf16Kernels::for_rows(isa, rows.dim()) {
        return scan_with(&bf16, rows, floor, scope, collector, progress);
    }
    scan_with(&F32Kernels::new(isa), rows, floor, scope, collector, progress)
}

fn scan_with<K: ThresholdSearch, C: HitCollector>(
    kernels: &K,
    rows: &Matrix,
    floor: f32,
    scope: PairScope,
    collector: &C,
    progress: &dyn Progress,
) -> Result<Vec<C::Block>> {
    let (n, dim) = (rows.rows(), rows.dim());
    let blocks = n.div_ceil(BLOCK);
    let range = |block: usize| block * BLOCK..((block + 1) * BLOCK).min(n);
    let slice = |block: usize| &rows.as_slice()[range(block).start * dim..range(block).end * dim];
    let arena = Arena::default();
    let columns = (0..blocks).into_par_iter().map(|j| pack(kernels, slice(j), dim, &arena));
    let columns: Vec<K::PackedWeights> = columns.collect();
    let floor = floor - K::SCORE_ERROR;
    let scan_block = |(x, scratch, hits): &mut (AlignedBuf<K::Element>, K::Scratch, Vec<Hit>), i: usize| {
        let block_rows = range(i);
        kernels.write_operand(slice(i), block_rows.len(), dim, x);
        let mut block = collector.start(block_rows.clone());
        for j in scope.blocks(&block_rows, blocks) {
            let columns = &columns[j];
            if progress.cancelled() {
                break;
            }
            hits.clear();
            kernels.scores_above(x, block_rows.len(), columns, floor, hits, scratch);
            for hit in hits.iter_mut() {
                hit.row += block_rows.start as u32;
                hit.column += (j * BLOCK) as u32;
                hit.score += K::SCORE_ERROR;
            }
            hits.retain(|h| (h.column as usize) < n && scope.contains(h.row as usize, h.column as usize));
            collector.add(&mut block, hits);
        }
        progress.advance(Stage::Search, block_rows.len() as u64);
        block
    };
    let start =
        || (AlignedBuf::new(BLOCK.next_multiple_of(K::ROW_BLOCK) * dim), K::Scratch::default(), Vec::new());
    let found = (0..blocks).into_par_iter().with_max_len(1).map_init(start, scan_block).collect();
    if progress.cancelled() { Err(Error::Interrupted) } else { Ok(found) }
}

/// Rows packed as the right-hand side of a product, padded with zero rows to whole tiles.
fn pack<K: Kernels>(kernels: &K, rows: &[f32], dim: usize, arena: &Arena) -> K::PackedWeights {
    let n = rows.len() / dim;
    let whole = n.next_multiple_of(K::ROW_BLOCK);
    let bias = vec![0.0; whole];
    if whole == n {
        return kernels.pack_weights(rows, n, dim, &bias, arena);
    }
    let mut padded = vec![0.0; whole * dim];
    padded[..rows.len()].copy_from_slice(rows);
    kernels.pack_weights(&padded, whole, dim, &bias, arena)
}

/// Pairs of rows with an exact score of at least `floor`.
pub(super) struct ExactPairs<'a> {
    pub rows: &'a Matrix,
    pub floor: f32,
}

impl ExactPairs<'_> {
    /// The pairs in `scope`, in order. `scanned` are the rows, or their projections: what the first pass scores.
    pub(super) fn find(
        &self,
        scanned: &Matrix,
        scope: PairScope,
        isa: Isa,
        progress: &dyn Progress,
    ) -> Result<Vec<RowPair>> {
        let mut found = scan(scanned, self.floor, scope, isa, self, progress)?;
        found.par_iter_mut().for_each(|pairs| pairs.sort_unstable_by_key(|p| (p.a, p.b)));
        Ok(found.concat())
    }
}

impl HitCollector for ExactPairs<'_> {
    type Block = Vec<RowPair>;

    fn start(&self, _: Range<usize>) -> Vec<RowPair> {
        Vec::new()
    }

    fn add(&self, block: &mut Vec<RowPair>, hits: &[Hit]) {
        block.extend(hits.iter().filter_map(|hit| {
            let score = dot(self.rows.row(hit.row as usize), self.rows.row(hit.column as usize));
            (score >= self.floor).then_some(RowPair { a: RowId(hit.row), b: RowId(hit.column), score })
        }));
    }
}

/// All pairs of rows with a score of at least `floor`, `a < b`, in order. Rows are unit vectors.
///
/// # Errors
/// [`Error::Interrupted`] if `progress` is cancelled.
pub fn self_join(rows: &Matrix, floor: f32, isa: Isa, progress: &dyn Progress) -> Result<Vec<RowPair>> {
    join(rows, floor, PairScope::All, isa, progress)
}

/// As [`self_join`], but only pairs of a row before `split` with one from it on: the join of two blocks of a larger
/// self-join, concatenated in `rows`.
///
/// # Errors
/// [`Error::Interrupted`] if `progress` is cancelled.
pub fn cross_join(
    rows: &Matrix,
    split: usize,
    floor: f32,
    isa: Isa,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    join(rows, floor, PairScope::Across(split), isa, progress)
}

fn join(
    rows: &Matrix,
    floor: f32,
    scope: PairScope,
    isa: Isa,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    if rows.rows() < 2 {
        return Ok(Vec::new());
    }
    let pairs = ExactPairs { rows, floor };
    let projections = project(rows, scope.count(rows.rows() as u64), floor, isa);
    pairs.find(projections.as_ref().unwrap_or(rows), scope, isa, progress)
}

/// For each row of `queries` the `k` nearest of `rows`, by score, then by row. A linear scan: the reference of all other
/// searches.
pub fn top_k(queries: &Matrix, rows: &Matrix, k: usize) -> Vec<Vec<(RowId, f32)>> {
    let nearest = |q: usize| {
        let mut all: Vec<(RowId, f32)> =
            (0..rows.rows()).map(|i| (RowId(i as u32), dot(queries.row(q), rows.row(i)))).collect();
        all.sort_unstable_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        all.truncate(k);
        all
    };
    (0..queries.rows()).into_par_iter().map(nearest).collect()
}

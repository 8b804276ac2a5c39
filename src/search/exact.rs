//! Exact search: every row against every other, in blocks that stay in the cache.
//!
//! The kernels' scores find what may lie above the floor; what is reported is scored again by [`dot`], whose
//! bytes are the same on every machine and instruction set. The floor of the first pass is lower by the most that the kernels
//! can err, so nothing is missed, bf16 or not. In a self-join of many rows the first pass may go over their sketches.

use std::ops::Range;

use rayon::prelude::*;

use super::{RowPair, sketch::sketches};
#[cfg(target_arch = "x86_64")]
use crate::device::Bf16Kernels;
use crate::{
    Error, Result,
    device::{AlignedBuf, Arena, F32Kernels, Hit, Isa, Kernels, ThresholdSearch},
    progress::{Progress, Stage},
    story::RowId,
    vector::{Matrix, dot},
};

/// Rows of a block: 512 × 384 bf16 are 384 KiB and stay in the second-level cache while all columns pass by.
const BLOCK: usize = 512;

/// What a scan makes of its hits, block of rows by block of rows.
pub(super) trait Collect: Sync {
    /// What is kept of a block while its columns pass by.
    type Block: Send;

    /// Nothing found yet in the rows `rows`.
    fn start(&self, rows: Range<usize>) -> Self::Block;

    /// Takes hits of one block of columns: rows and columns count from the matrix's first, and no row meets itself.
    fn take(&self, block: &mut Self::Block, hits: &[Hit]);
}

/// Which columns a row is scored against: each pair of rows meets once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// Those of higher number.
    Later,
    /// Rows before this one against those from it on.
    From(usize),
}

impl Against {
    /// Whether `row` is scored against `column`.
    fn meets(self, row: usize, column: usize) -> bool {
        match self {
            Against::Later => row < column,
            Against::From(split) => row < split && split <= column,
        }
    }

    /// How many pairs of `n` rows meet.
    fn pairs(self, n: u64) -> u64 {
        match self {
            Against::Later => n * n.saturating_sub(1) / 2,
            Against::From(split) => split as u64 * n.saturating_sub(split as u64),
        }
    }

    /// The blocks of columns, of `n`, that hold all that `rows` are scored against.
    fn blocks(self, rows: &Range<usize>, n: usize) -> Range<usize> {
        match self {
            Against::Later => rows.start / BLOCK..n,
            Against::From(split) if rows.start >= split => 0..0,
            Against::From(split) => split / BLOCK..n,
        }
    }
}

/// Scores `rows` against themselves; hits are all pairs that may reach `floor`, with the most that their scores may be.
pub(super) fn scan<C: Collect>(
    rows: &Matrix,
    floor: f32,
    against: Against,
    isa: Isa,
    collect: &C,
    progress: &dyn Progress,
) -> Result<Vec<C::Block>> {
    #[cfg(target_arch = "x86_64")]
    if let Some(bf16) = Bf16Kernels::for_rows(isa, rows.dim()) {
        return scan_with(&bf16, rows, floor, against, collect, progress);
    }
    scan_with(&F32Kernels::new(isa), rows, floor, against, collect, progress)
}

fn scan_with<K: ThresholdSearch, C: Collect>(
    kernels: &K,
    rows: &Matrix,
    floor: f32,
    against: Against,
    collect: &C,
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
        let at = range(i);
        kernels.write_operand(slice(i), at.len(), dim, x);
        let mut block = collect.start(at.clone());
        for j in against.blocks(&at, blocks) {
            let columns = &columns[j];
            if progress.cancelled() {
                break;
            }
            hits.clear();
            kernels.scores_above(x, at.len(), columns, floor, hits, scratch);
            for hit in hits.iter_mut() {
                hit.row += at.start as u32;
                hit.column += (j * BLOCK) as u32;
                hit.score += K::SCORE_ERROR;
            }
            hits.retain(|h| (h.column as usize) < n && against.meets(h.row as usize, h.column as usize));
            collect.take(&mut block, hits);
        }
        progress.advance(Stage::Search, at.len() as u64);
        block
    };
    let start =
        || (AlignedBuf::new(BLOCK.next_multiple_of(K::ROW_BLOCK) * dim), K::Scratch::default(), Vec::new());
    let found = (0..blocks).into_par_iter().with_max_len(1).map_init(start, scan_block).collect();
    if progress.cancelled() { Err(Error::Interrupted) } else { Ok(found) }
}

/// Rows as the right side of a product, filled up with zeros to whole tiles.
fn pack<K: Kernels>(kernels: &K, rows: &[f32], dim: usize, arena: &Arena) -> K::PackedWeights {
    let n = rows.len() / dim;
    let whole = n.next_multiple_of(K::ROW_BLOCK);
    let bias = vec![0.0; whole];
    if whole == n {
        return kernels.pack_weights(rows, n, dim, &bias, arena);
    }
    let mut filled = vec![0.0; whole * dim];
    filled[..rows.len()].copy_from_slice(rows);
    kernels.pack_weights(&filled, whole, dim, &bias, arena)
}

/// Pairs above a floor by their exact score.
pub(super) struct Pairs<'a> {
    pub rows: &'a Matrix,
    pub floor: f32,
}

impl Pairs<'_> {
    /// Those whose `scanned` may reach the floor: the rows themselves, or their sketches. In order.
    pub(super) fn found_by(
        &self,
        scanned: &Matrix,
        against: Against,
        isa: Isa,
        progress: &dyn Progress,
    ) -> Result<Vec<RowPair>> {
        let mut found = scan(scanned, self.floor, against, isa, self, progress)?;
        found.par_iter_mut().for_each(|pairs| pairs.sort_unstable_by_key(|p| (p.a, p.b)));
        Ok(found.concat())
    }
}

impl Collect for Pairs<'_> {
    type Block = Vec<RowPair>;

    fn start(&self, _: Range<usize>) -> Vec<RowPair> {
        Vec::new()
    }

    fn take(&self, block: &mut Vec<RowPair>, hits: &[Hit]) {
        block.extend(hits.iter().filter_map(|hit| {
            let score = dot(self.rows.row(hit.row as usize), self.rows.row(hit.column as usize));
            (score >= self.floor).then_some(RowPair { a: RowId(hit.row), b: RowId(hit.column), score })
        }));
    }
}

/// All pairs of rows with a score of at least `floor`, `a < b`, in order.
pub fn self_join(rows: &Matrix, floor: f32, isa: Isa, progress: &dyn Progress) -> Result<Vec<RowPair>> {
    join(rows, floor, Against::Later, isa, progress)
}

/// As [`self_join`], of the rows before `split` with those from it on alone: what two blocks of a larger self-join that
/// lie one after the other in `rows` have in common.
pub fn cross_join(
    rows: &Matrix,
    split: usize,
    floor: f32,
    isa: Isa,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    join(rows, floor, Against::From(split), isa, progress)
}

fn join(
    rows: &Matrix,
    floor: f32,
    against: Against,
    isa: Isa,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    if rows.rows() < 2 {
        return Ok(Vec::new());
    }
    let pairs = Pairs { rows, floor };
    let sketches = sketches(rows, against.pairs(rows.rows() as u64), floor, isa);
    pairs.found_by(sketches.as_ref().unwrap_or(rows), against, isa, progress)
}

/// For each row of `queries` the `k` nearest of `rows`: by score, then by number.
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

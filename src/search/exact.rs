//! Exact search: every row against every other, in blocks that stay in the cache.
//!
//! The kernels' scores find what may lie above the floor; what is reported is scored again by [`dot`], whose
//! bytes are the same on every machine and path.

use rayon::prelude::*;

use super::RowPair;
use crate::{
    Error, Result,
    device::{CpuPath, score_block},
    progress::{Progress, Stage},
    story::RowId,
    vector::{Matrix, dot},
};

/// Rows of a block: 128 × 384 f32 are 192 KiB, so two blocks and their scores fit a 1 MiB cache.
const BLOCK: usize = 128;

/// Kernels and [`dot`] differ by less than this on unit vectors.
const SLACK: f32 = 1e-4;

/// All pairs of rows with a score of at least `floor`, `a < b`, in order.
pub fn self_join(rows: &Matrix, floor: f32, path: CpuPath, progress: &dyn Progress) -> Result<Vec<RowPair>> {
    let blocks = rows.rows().div_ceil(BLOCK);
    let found: Vec<Vec<RowPair>> = (0..blocks)
        .into_par_iter()
        .map(|i| {
            let mut pairs = Vec::new();
            let mut scores = vec![0.0; BLOCK * BLOCK];
            for j in i..blocks {
                if progress.cancelled() {
                    return pairs;
                }
                block(rows, i, j, floor, path, &mut scores, &mut pairs);
            }
            pairs.sort_unstable_by_key(|p| (p.a, p.b));
            progress.advance(Stage::Search, range(rows, i).len() as u64);
            pairs
        })
        .collect();
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    Ok(found.concat())
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

fn range(rows: &Matrix, block: usize) -> std::ops::Range<usize> {
    block * BLOCK..((block + 1) * BLOCK).min(rows.rows())
}

fn block(
    rows: &Matrix,
    i: usize,
    j: usize,
    floor: f32,
    path: CpuPath,
    scores: &mut [f32],
    out: &mut Vec<RowPair>,
) {
    let (dim, ri, rj) = (rows.dim(), range(rows, i), range(rows, j));
    let slice = |r: &std::ops::Range<usize>| &rows.as_slice()[r.start * dim..r.end * dim];
    let scores = &mut scores[..ri.len() * rj.len()];
    score_block(path, slice(&ri), slice(&rj), dim, scores);
    for (a, line) in ri.zip(scores.chunks_exact(rj.len())) {
        for (b, &score) in rj.clone().zip(line) {
            if score >= floor - SLACK && a < b {
                let score = dot(rows.row(a), rows.row(b));
                if score >= floor {
                    out.push(RowPair { a: RowId(a as u32), b: RowId(b as u32), score });
                }
            }
        }
    }
}

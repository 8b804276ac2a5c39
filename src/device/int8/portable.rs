//! The layers in plain Rust: right on every processor, the oracle of the others.

use super::weights::{Bytes, Left, Range, Rounded, RowScale, STEP, TALL, WIDE, line};
use crate::device::math::LANES;

/// Rounds the rows of `x`, `rows × k`.
#[inline(always)]
pub(super) fn round_rows(x: &[f32], rows: usize, k: usize, made: &mut Rounded) {
    made.fit(rows, k);
    let steps = k.div_ceil(STEP);
    for (r, row) in x.chunks_exact(k).take(rows).enumerate() {
        let (mut low, mut high) = ([0f32; LANES], [0f32; LANES]);
        for values in row.chunks(LANES) {
            for ((low, high), &v) in low.iter_mut().zip(&mut high).zip(values) {
                *low = if v < *low { v } else { *low };
                *high = if v > *high { v } else { *high };
            }
        }
        let range = Range::new(low.into_iter().fold(0.0, f32::min), high.into_iter().fold(0.0, f32::max));
        let mut sum = 0;
        for (i, values) in row.chunks(STEP).enumerate() {
            let codes = &mut made.codes[line(r, steps) + i * TALL * STEP..][..STEP];
            codes[values.len()..].fill(0);
            for (code, &v) in codes.iter_mut().zip(values) {
                let q = range.code(v);
                sum += q;
                *code = q as i8;
            }
        }
        made.rows[r] = range.row(sum);
    }
}

/// What the sums of codes of `row` with 32 columns from `column` stand for.
#[inline(always)]
pub(super) fn scaled(sums: &[i32; WIDE], row: &RowScale, w: &Bytes, column: usize) -> [f32; WIDE] {
    let (of, scale) = (&w.sums[column..][..WIDE], &w.scale[column..][..WIDE]);
    std::array::from_fn(|i| {
        let exact = (sums[i] - row.excess) as f32 - row.zero * of[i];
        exact * (row.scale * scale[i])
    })
}

/// Hands 32 columns of each row of `x · wᵀ` to `finish`, with the row and the first column.
pub(super) fn product(
    x: Left<'_>,
    rows: usize,
    w: &Bytes,
    mut finish: impl FnMut(usize, usize, &[f32; WIDE]),
) {
    assert!(x.k == w.k, "an operand of another width");
    let steps = w.steps();
    for (panel, tiles) in w.tiles.chunks_exact(2 * steps).enumerate() {
        let column = panel * WIDE;
        for r in 0..rows {
            let mut sums = [0i32; WIDE];
            for (i, tiles) in tiles.as_chunks::<2>().0.iter().enumerate() {
                let codes = &x.codes[line(r, steps) + i * TALL * STEP..][..STEP];
                let lanes = sums.as_chunks_mut::<16>().0;
                for (sums, tile) in lanes.iter_mut().zip(tiles) {
                    for (quad, codes) in tile.0.chunks_exact(STEP).zip(codes.as_chunks::<4>().0) {
                        for (sum, w) in sums.iter_mut().zip(quad.as_chunks::<4>().0) {
                            *sum += (0..4).map(|i| i32::from(codes[i]) * i32::from(w[i])).sum::<i32>();
                        }
                    }
                }
            }
            finish(r, column, &scaled(&sums, &x.rows[r], w, column));
        }
    }
}

/// Products of bytes in plain Rust, `steps` times 64; returns how many operations they were.
pub(super) fn spin(steps: usize) -> f64 {
    use std::hint::black_box;
    let (x, w, mut sums) = (black_box([77i8; STEP]), black_box([3u8; STEP]), [1i32; STEP]);
    for _ in 0..steps {
        for ((sum, x), w) in sums.iter_mut().zip(&x).zip(&w) {
            *sum = sum.wrapping_add(i32::from(*x) * i32::from(*w));
        }
        black_box(&mut sums);
    }
    (2 * STEP * steps) as f64
}

//! The layers in plain Rust: right on every processor, the oracle of the others.

use super::weights::{Bytes, PackedLhs, Range, Rounded, RowScale, STEP, TALL, Tile, WIDE, line};
use crate::math::bounds;

/// Rounds the rows of `x`, `rows × k`.
#[inline(always)]
pub(super) fn round_rows(x: &[f32], rows: usize, k: usize, made: &mut Rounded) {
    made.fit(rows, k);
    let steps = k.div_ceil(STEP);
    for (r, row) in x.chunks_exact(k).take(rows).enumerate() {
        let (low, high) = bounds(row);
        let range = Range::new(low, high);
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
    let mut values = [0.0; WIDE];
    for (((value, sum), of), scale) in values.iter_mut().zip(sums).zip(of).zip(scale) {
        *value = ((sum - row.excess) as f32 - row.zero * of) * (row.scale * scale);
    }
    values
}

/// Hands 32 columns of each row of `x · wᵀ` to `finish`, with the row and the first column.
pub(super) fn product(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Bytes,
    finish: impl FnMut(usize, usize, &[f32; WIDE]),
) {
    by_rows(x, rows, w, finish, |_, tiles, [row], [sums]| {
        for (i, tiles) in tiles.as_chunks::<2>().0.iter().enumerate() {
            let codes = &x.row(row)[i * TALL * STEP..][..STEP];
            let lanes = sums.as_chunks_mut::<16>().0;
            for (sums, tile) in lanes.iter_mut().zip(tiles) {
                for (quad, codes) in tile.0.chunks_exact(STEP).zip(codes.as_chunks::<4>().0) {
                    for (sum, w) in sums.iter_mut().zip(quad.as_chunks::<4>().0) {
                        *sum += (0..4).map(|i| i32::from(codes[i]) * i32::from(w[i])).sum::<i32>();
                    }
                }
            }
        }
    });
}

/// As [`product`], `ROWS` rows at a time: `sum` takes a panel's first column and its tiles, the rows, and zeros, to which it
/// adds the products of codes. The last row comes more than once where the rows do not fill their number.
#[inline(always)]
pub(super) fn by_rows<const ROWS: usize>(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Bytes,
    mut finish: impl FnMut(usize, usize, &[f32; WIDE]),
    mut sum: impl FnMut(usize, &[Tile], [usize; ROWS], &mut [[i32; WIDE]; ROWS]),
) {
    assert!(x.k == w.k, "an operand of another width");
    assert!(
        x.codes.len() >= rows.next_multiple_of(TALL) * w.steps() * STEP,
        "an operand is smaller than its blocks"
    );
    for (panel, tiles) in w.tiles.chunks_exact(2 * w.steps()).enumerate() {
        let column = panel * WIDE;
        for first in (0..rows).step_by(ROWS) {
            let mut sums = [[0; WIDE]; ROWS];
            sum(column, tiles, std::array::from_fn(|r| (first + r).min(rows - 1)), &mut sums);
            for (r, sums) in sums.iter().enumerate().take(rows - first) {
                finish(first + r, column, &scaled(sums, &x.rows[first + r], w, column));
            }
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

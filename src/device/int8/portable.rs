//! The layers in plain Rust: right on every processor, the oracle of the others.

use super::weights::{Bytes, Left, Range, Rounded, STEP, TALL, WIDE, line};

/// Rounds the rows of `x`, `rows × k`.
pub(super) fn round_rows(x: &[f32], rows: usize, k: usize, made: &mut Rounded) {
    made.fit(rows, k);
    let steps = k.div_ceil(STEP);
    for (r, row) in x.chunks_exact(k).take(rows).enumerate() {
        let low = row.iter().fold(0f32, |low, &v| if v < low { v } else { low });
        let high = row.iter().fold(0f32, |high, &v| if v > high { v } else { high });
        let range = Range::new(low, high);
        let mut sum = 0;
        for (i, values) in row.chunks(STEP).enumerate() {
            let codes = &mut made.codes[line(r, steps) + i * TALL * STEP..][..STEP];
            codes.fill(0);
            for (code, &v) in codes.iter_mut().zip(values) {
                let q = range.code(v);
                sum += q;
                *code = q as i8;
            }
        }
        made.rows[r] = range.row(sum);
    }
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
            let row = x.rows[r];
            let values = std::array::from_fn(|i| {
                let exact = (sums[i] - row.excess) as f32 - row.zero * w.sums[column + i];
                exact * (row.scale * w.scale[column + i])
            });
            finish(r, column, &values);
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

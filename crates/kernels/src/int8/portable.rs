//! Quantization and int8 products in plain Rust, for every processor; the other backends are tested against it.

use super::weights::{
    BLOCK_ROWS, Int8Weights, PANEL_COLS, PackedLhs, QuantizedLhs, RowQuantization, RowQuantizer, STEP, Tile,
    line_offset,
};
use crate::math::min_max_with_zero;

/// Quantizes the rows of `x`, `rows × k`.
#[inline(always)]
pub(super) fn quantize_rows(x: &[f32], rows: usize, k: usize, lhs: &mut QuantizedLhs) {
    lhs.grow(rows, k);
    let steps = k.div_ceil(STEP);
    for (r, row) in x.chunks_exact(k).take(rows).enumerate() {
        let (min, max) = min_max_with_zero(row);
        let quantizer = RowQuantizer::new(min, max);
        let mut sum = 0;
        for (i, values) in row.chunks(STEP).enumerate() {
            let codes = &mut lhs.codes[line_offset(r, steps) + i * BLOCK_ROWS * STEP..][..STEP];
            codes[values.len()..].fill(0);
            for (code, &v) in codes.iter_mut().zip(values) {
                let q = quantizer.code(v);
                sum += q;
                *code = q as i8;
            }
        }
        lhs.rows[r] = quantizer.finish(sum);
    }
}

/// Converts the sums of codes of `row` with 32 columns from `column` on to real numbers.
#[inline(always)]
pub(super) fn dequantize(
    sums: &[i32; PANEL_COLS],
    row: &RowQuantization,
    w: &Int8Weights,
    column: usize,
) -> [f32; PANEL_COLS] {
    let (code_sums, scales) = (&w.code_sums[column..][..PANEL_COLS], &w.scales[column..][..PANEL_COLS]);
    let mut values = [0.0; PANEL_COLS];
    for (((value, sum), code_sum), scale) in values.iter_mut().zip(sums).zip(code_sums).zip(scales) {
        *value = ((sum - row.bias_correction) as f32 - row.zero_point * code_sum) * (row.scale * scale);
    }
    values
}

/// Passes 32 columns of each row of `x · wᵀ` to `epilogue`, with the row and the first column.
pub(super) fn product(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Int8Weights,
    epilogue: impl FnMut(usize, usize, &[f32; PANEL_COLS]),
) {
    for_each_row_block(x, rows, w, epilogue, |_, tiles, [row], [sums]| {
        for (i, tiles) in tiles.as_chunks::<2>().0.iter().enumerate() {
            let codes = &x.row(row)[i * BLOCK_ROWS * STEP..][..STEP];
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

/// The loops of [`product`] over panels and `ROWS` rows at a time. `sum` takes the first column and the tiles of a panel, the
/// row numbers, and zeros, to which it adds the products of codes. The last row repeats where fewer rows are left.
#[inline(always)]
pub(super) fn for_each_row_block<const ROWS: usize>(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Int8Weights,
    mut epilogue: impl FnMut(usize, usize, &[f32; PANEL_COLS]),
    mut sum: impl FnMut(usize, &[Tile], [usize; ROWS], &mut [[i32; PANEL_COLS]; ROWS]),
) {
    assert!(x.k == w.k, "the operand and the weights differ in width");
    assert!(
        x.codes.len() >= rows.next_multiple_of(BLOCK_ROWS) * w.steps() * STEP,
        "the operand has incomplete blocks"
    );
    for (panel, tiles) in w.tiles.chunks_exact(2 * w.steps()).enumerate() {
        let column = panel * PANEL_COLS;
        for first in (0..rows).step_by(ROWS) {
            let mut sums = [[0; PANEL_COLS]; ROWS];
            sum(column, tiles, std::array::from_fn(|r| (first + r).min(rows - 1)), &mut sums);
            for (r, sums) in sums.iter().enumerate().take(rows - first) {
                epilogue(first + r, column, &dequantize(sums, &x.rows[first + r], w, column));
            }
        }
    }
}

/// Runs `steps` times 64 products in plain Rust. Returns the number of multiplications and additions.
pub(super) fn peak(steps: usize) -> f64 {
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

//! Quantized weights and operands, and the scales of their products.
//!
//! Weights are quantized to [-127, 127] with a scale per output channel. Operands are quantized to [-128, 127] with a scale
//! and a zero point per row, at run time, so that a vector does not depend on the rest of its batch (dynamic quantization;
//! Zafrir et al., "Q8BERT", 2019). 128 is added to the codes of weights, because the instructions multiply unsigned by
//! signed bytes. The product of the real numbers follows from the product of the codes `q` (operand) and `u` (weights):
//!
//! ```text
//! Σ x·w  =  scale(row) · scale(column) · (Σ q·u  −  128·Σ q  −  zero_point(row)·Σ (u − 128))
//! ```

use crate::{AlignedBuf, Arena};

/// Codes of a row of a tile, and of a step of k.
pub(super) const STEP: usize = super::CODE_BLOCK;
/// Columns of a panel.
pub(super) const PANEL_COLS: usize = 32;
/// Rows of a block.
pub(super) const BLOCK_ROWS: usize = 32;
/// Rows that are summed at a time, 16 columns of each: twelve of sixteen registers of 256 bits, or 24 of 32 registers of
/// 128 bits.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) const ROWS: usize = 6;
/// Columns of a tile.
const TILE_COLS: usize = 16;
/// Added to the codes of weights.
const CODE_BIAS: i32 = super::CODE_BIAS as i32;

/// Sixteen rows, each with four codes of each of sixteen columns.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Tile(pub(super) [u8; STEP * TILE_COLS]);

impl Default for Tile {
    /// A tile of codes that stand for zero.
    fn default() -> Self {
        Tile([CODE_BIAS as u8; STEP * TILE_COLS])
    }
}

/// Packed weights: `[panel of 32 columns][step of 64 of k][2 tiles][16 quads of k][16 columns][4]`.
pub struct Int8Weights {
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) tiles: AlignedBuf<Tile>,
    /// Of each column.
    pub(super) scales: Vec<f32>,
    /// The sum of the codes of each column, without the 128.
    pub(super) code_sums: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Int8Weights {
    /// Quantizes `weight`, `n × k`.
    pub(super) fn pack(weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Self {
        assert!(n.is_multiple_of(PANEL_COLS), "{n} columns do not fill panels");
        assert!(weight.len() == n * k && bias.len() == n, "the weights do not have this shape");
        assert!(k <= super::MAX_CODES, "{k} codes could overflow");
        let steps = k.div_ceil(STEP);
        let mut tiles = arena.alloc::<Tile>(n / TILE_COLS * steps);
        let (mut scales, mut code_sums) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for (column, row) in weight.chunks_exact(k).enumerate() {
            let largest = row.iter().fold(0f32, |m, w| m.max(w.abs()));
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            let mut sum = 0;
            for (i, &w) in row.iter().enumerate() {
                let code = round(w * inverse);
                sum += code;
                let tile = (column / PANEL_COLS * steps + i / STEP) * 2 + column / TILE_COLS % 2;
                let offset = i % STEP / 4 * STEP + column % TILE_COLS * 4 + i % 4;
                tiles[tile].0[offset] = (code + CODE_BIAS) as u8;
            }
            scales.push(largest / 127.0);
            code_sums.push(sum as f32);
        }
        Int8Weights { k, n, tiles, scales, code_sums, bias: bias.to_vec() }
    }

    /// The number of steps of k.
    pub(super) fn steps(&self) -> usize {
        self.k.div_ceil(STEP)
    }
}

/// The quantization of a row: code `q` stands for `scale · (q − zero_point)`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RowQuantization {
    pub(super) scale: f32,
    pub(super) zero_point: f32,
    /// 128 times the sum of the codes: what the 128 of the weights adds to a product.
    pub(super) bias_correction: i32,
}

/// A quantized operand: `[block of 32 rows][step of 64 of k][32 rows][64]`.
#[derive(Default)]
pub struct QuantizedLhs {
    pub(super) codes: AlignedBuf<i8>,
    pub(super) rows: Vec<RowQuantization>,
}

/// A quantized operand as the linear layers read it.
#[derive(Clone, Copy)]
pub struct PackedLhs<'a> {
    pub(super) codes: &'a [i8],
    pub(super) rows: &'a [RowQuantization],
    pub(super) k: usize,
}

impl<'a> PackedLhs<'a> {
    /// The codes from step 0 of `row` on; each step is [`BLOCK_ROWS`] · [`STEP`] after the one before.
    #[inline(always)]
    pub(super) fn row(self, row: usize) -> &'a [i8] {
        &self.codes[line_offset(row, self.k.div_ceil(STEP))..]
    }
}

impl QuantizedLhs {
    /// Grows the buffers to `rows` of `k` values, in whole blocks.
    pub(super) fn grow(&mut self, rows: usize, k: usize) {
        let padded_rows = rows.next_multiple_of(BLOCK_ROWS);
        self.codes.grow(padded_rows * k.next_multiple_of(STEP));
        if self.rows.len() < padded_rows {
            self.rows.resize(padded_rows, RowQuantization::default());
        }
    }

    pub(super) fn as_lhs(&self, k: usize) -> PackedLhs<'_> {
        PackedLhs { codes: &self.codes, rows: &self.rows, k }
    }
}

/// The offset of step 0 of `row` in an operand of `steps`; each step is [`BLOCK_ROWS`] · [`STEP`] after the one before.
pub(super) fn line_offset(row: usize, steps: usize) -> usize {
    row / BLOCK_ROWS * BLOCK_ROWS * STEP * steps + row % BLOCK_ROWS * STEP
}

/// Quantizes values between a minimum and a maximum: `q = round(x · inverse_scale + zero_point)`.
#[derive(Clone, Copy)]
pub(super) struct RowQuantizer {
    pub(super) inverse_scale: f32,
    pub(super) zero_point: f32,
}

impl RowQuantizer {
    /// The range is extended to include zero, so that zero is represented well and a row of zeros stays one.
    pub(super) fn new(min: f32, max: f32) -> Self {
        let (min, max) = (min.min(0.0), max.max(0.0));
        // A smaller range counts as zero: its inverse would be infinite.
        let inverse_scale = if max - min > 1e-30 { 255.0 / (max - min) } else { 0.0 };
        RowQuantizer { inverse_scale, zero_point: -128.0 - min * inverse_scale }
    }

    /// The quantization of a row whose codes have this sum.
    pub(super) fn finish(self, code_sum: i32) -> RowQuantization {
        let scale = if self.inverse_scale > 0.0 { 1.0 / self.inverse_scale } else { 0.0 };
        RowQuantization { scale, zero_point: self.zero_point, bias_correction: CODE_BIAS * code_sum }
    }

    pub(super) fn code(self, x: f32) -> i32 {
        round(x * self.inverse_scale + self.zero_point).clamp(-128, 127)
    }
}

/// Rounds to the nearest integer, ties to even, as processors do; |x| is below 2²².
pub(super) fn round(x: f32) -> i32 {
    // At 1.5 · 2²³ the last bit of an f32 is worth one.
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND).to_bits() as i32 - ROUND.to_bits() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_ties_to_even() {
        for x in [-128.5f32, -127.5, -0.5, 0.0, 0.49, 0.5, 1.5, 2.5, 126.5, 127.49] {
            assert_eq!(round(x), x.round_ties_even() as i32, "{x}");
        }
    }

    #[test]
    fn dequantized_values_are_within_half_a_step() {
        for (low, high) in [(0.0, 0.0), (-1.0, 3.0), (2.0, 3.0), (-5.0, -4.0), (-1e-30, 1e30)] {
            let quantizer = RowQuantizer::new(low, high);
            let row = quantizer.finish(0);
            for x in [low, high, 0.0] {
                let back = row.scale * (quantizer.code(x) as f32 - row.zero_point);
                let step = (high.max(0.0) - low.min(0.0)) / 255.0;
                assert!((back - x).abs() <= step * 0.51, "{x} of {low}..{high}: {back}");
            }
        }
    }
}

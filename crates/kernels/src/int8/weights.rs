//! Weights and operands as bytes, and what their products are scaled by.
//!
//! Weights are rounded to [-127, 127] with one scale an output channel, operands to [-128, 127] with a scale and a zero
//! point of each row, so that a vector does not depend on what else is in the batch (dynamic quantization; Zafrir et al.,
//! "Q8BERT", 2019). Weights have 128 added, as the instructions that multiply signed by unsigned bytes want them. A
//! product of real numbers follows from the product of the codes:
//!
//! ```text
//! Σ x·w  =  scale(row) · scale(column) · (Σ q·u  −  128·Σ q  −  zero(row)·Σ (u − 128))
//! ```

use crate::{AlignedBuf, Arena};

/// QueryCodes in a line of a tile, and of a step.
pub(super) const STEP: usize = super::CODE_BLOCK;
/// Columns of a panel.
pub(super) const WIDE: usize = 32;
/// Rows of a block.
pub(super) const TALL: usize = 32;
/// Rows that are summed at a time, 16 columns of each: in vectors of 256 bits these are twelve of sixteen registers, in
/// vectors of 128 bits 24 of 32.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) const ROWS: usize = 6;
/// Columns of a tile.
const TILE: usize = 16;
/// What is added to the codes of weights.
const BIAS: i32 = super::BIAS as i32;

/// Four codes of each of sixteen columns a line, sixteen lines.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Tile(pub(super) [u8; STEP * TILE]);

impl Default for Tile {
    /// QueryCodes of zero.
    fn default() -> Self {
        Tile([BIAS as u8; STEP * TILE])
    }
}

/// Weights: `[panel of 32 columns][step of 64 of k][2 tiles][16 quads of k][16 columns][4]`.
pub struct Bytes {
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) tiles: AlignedBuf<Tile>,
    /// Of each column.
    pub(super) scale: Vec<f32>,
    /// The sum of the codes of each column, 128 not added.
    pub(super) sums: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Bytes {
    /// Rounds `weight`, `n × k`.
    pub(super) fn pack(weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Self {
        assert!(n.is_multiple_of(WIDE), "{n} columns do not fill panels");
        assert!(weight.len() == n * k && bias.len() == n, "weights of another shape");
        assert!(k <= super::MAX_CODES, "{k} codes could overflow");
        let steps = k.div_ceil(STEP);
        let mut tiles = arena.buffer::<Tile>(n / TILE * steps);
        let (mut scale, mut sums) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for (column, row) in weight.chunks_exact(k).enumerate() {
            let largest = row.iter().fold(0f32, |m, w| m.max(w.abs()));
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            let mut sum = 0;
            for (i, &w) in row.iter().enumerate() {
                let code = round(w * inverse);
                sum += code;
                let tile = (column / WIDE * steps + i / STEP) * 2 + column / TILE % 2;
                let at = i % STEP / 4 * STEP + column % TILE * 4 + i % 4;
                tiles[tile].0[at] = (code + BIAS) as u8;
            }
            scale.push(largest / 127.0);
            sums.push(sum as f32);
        }
        Bytes { k, n, tiles, scale, sums, bias: bias.to_vec() }
    }

    /// Steps of k.
    pub(super) fn steps(&self) -> usize {
        self.k.div_ceil(STEP)
    }
}

/// How the codes `q` of a row are read: `x = scale · (q − zero)`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RowScale {
    pub(super) scale: f32,
    pub(super) zero: f32,
    /// 128 times the sum of the codes: what the 128 of the weights adds to a product.
    pub(super) excess: i32,
}

/// An operand rounded to bytes: `[block of 32 rows][step of 64 of k][32 rows][64]`.
#[derive(Default)]
pub struct Rounded {
    pub(super) codes: AlignedBuf<i8>,
    pub(super) rows: Vec<RowScale>,
}

/// An operand rounded to bytes, for a layer to read.
#[derive(Clone, Copy)]
pub struct PackedLhs<'a> {
    pub(super) codes: &'a [i8],
    pub(super) rows: &'a [RowScale],
    pub(super) k: usize,
}

impl<'a> PackedLhs<'a> {
    /// The codes from step 0 of `row` on; the next step is [`TALL`] · [`STEP`] further on.
    #[inline(always)]
    pub(super) fn row(self, row: usize) -> &'a [i8] {
        &self.codes[line(row, self.k.div_ceil(STEP))..]
    }
}

impl Rounded {
    /// Makes room for `rows` of `k` values, in whole blocks.
    pub(super) fn fit(&mut self, rows: usize, k: usize) {
        let whole = rows.next_multiple_of(TALL);
        self.codes.fit(whole * k.next_multiple_of(STEP));
        if self.rows.len() < whole {
            self.rows.resize(whole, RowScale::default());
        }
    }

    pub(super) fn left(&self, k: usize) -> PackedLhs<'_> {
        PackedLhs { codes: &self.codes, rows: &self.rows, k }
    }
}

/// Where step 0 of `row` stands in an operand of `steps`; the next step is [`TALL`] · [`STEP`] further on.
pub(super) fn line(row: usize, steps: usize) -> usize {
    row / TALL * TALL * STEP * steps + row % TALL * STEP
}

/// How codes of values between `low` and `high` are made: `q = round(x · inverse + zero)`.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) inverse: f32,
    pub(super) zero: f32,
}

impl Range {
    /// The range is widened to hold zero, so that zero stays exact enough and a row of zeros is one.
    pub(super) fn new(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        // What is smaller counts as zero: its inverse would be infinite.
        let inverse = if high - low > 1e-30 { 255.0 / (high - low) } else { 0.0 };
        Range { inverse, zero: -128.0 - low * inverse }
    }

    pub(super) fn row(self, sum: i32) -> RowScale {
        let scale = if self.inverse > 0.0 { 1.0 / self.inverse } else { 0.0 };
        RowScale { scale, zero: self.zero, excess: BIAS * sum }
    }

    pub(super) fn code(self, x: f32) -> i32 {
        round(x * self.inverse + self.zero).clamp(-128, 127)
    }
}

/// To the nearest integer, ties to even, as processors round; `x` is below 2²² in size.
pub(super) fn round(x: f32) -> i32 {
    // From here on the last bit of a float is worth one.
    const ONES: f32 = 12_582_912.0;
    (x + ONES).to_bits() as i32 - ONES.to_bits() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_processors() {
        for x in [-128.5f32, -127.5, -0.5, 0.0, 0.49, 0.5, 1.5, 2.5, 126.5, 127.49] {
            assert_eq!(round(x), x.round_ties_even() as i32, "{x}");
        }
    }

    #[test]
    fn a_row_is_read_back() {
        for (low, high) in [(0.0, 0.0), (-1.0, 3.0), (2.0, 3.0), (-5.0, -4.0), (-1e-30, 1e30)] {
            let range = Range::new(low, high);
            let row = range.row(0);
            for x in [low, high, 0.0] {
                let back = row.scale * (range.code(x) as f32 - row.zero);
                let step = (high.max(0.0) - low.min(0.0)) / 255.0;
                assert!((back - x).abs() <= step * 0.51, "{x} of {low}..{high}: {back}");
            }
        }
    }
}

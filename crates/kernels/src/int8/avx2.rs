//! int8 products by AVX2, for processors without VNNI: codes are widened to 16 bits before they are multiplied.
//!
//! The instruction that multiplies bytes saturates sums of two products at 32,767, but two products can reach 64,770. With
//! 16-bit factors the sum of two products is exact, and a vector still multiplies twice as many values as with f32.

use std::arch::x86_64::*;

use super::{
    portable,
    weights::{BLOCK_ROWS, Int8Weights, PANEL_COLS, PackedLhs, QuantizedLhs, ROWS, STEP, Tile},
};
use crate::{AlignedBuf, microkernel::peak_loop};

/// Columns that are summed at a time: two vectors.
const HALF: usize = PANEL_COLS / 2;
/// Columns of a vector.
const VECTOR: usize = HALF / 2;

/// Codes widened to pairs of 16 bits, the first of each pair in the lower half.
#[derive(Default)]
pub(super) struct WidenedCodes {
    /// `[row][pair of k]`.
    rows: AlignedBuf<u32>,
    /// One panel: `[16 columns][pair of k][column]`.
    columns: AlignedBuf<u32>,
}

/// Like [`portable::quantize_rows`].
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn quantize_rows(x: &[f32], rows: usize, k: usize, lhs: &mut QuantizedLhs) {
    portable::quantize_rows(x, rows, k, lhs);
}

/// Like [`portable::product`], to the last bit.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn product(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Int8Weights,
    widened: &mut WidenedCodes,
    epilogue: impl FnMut(usize, usize, &[f32; PANEL_COLS]),
) {
    let depth = w.steps() * STEP / 2;
    widened.rows.grow(rows * depth);
    widened.columns.grow(PANEL_COLS * depth);
    let WidenedCodes { rows: lhs, columns } = widened;
    for (row, pairs) in lhs.chunks_exact_mut(depth).take(rows).enumerate() {
        widen_row(x.row(row), pairs);
    }
    portable::for_each_row_block(x, rows, w, epilogue, |_, tiles, block: [usize; ROWS], sums| {
        if block[0] == 0 {
            widen_columns(tiles, columns);
        }
        let lhs = block.map(|row| &lhs[row * depth..][..depth]);
        for (half, columns) in columns.chunks_exact(HALF * depth).take(2).enumerate() {
            // SAFETY: the processor has AVX2, by this function's own contract; `columns` has 16 pairs for each pair of a row.
            unsafe { sum(lhs, columns, half * HALF, sums) };
        }
    });
}

/// Widens the steps of a row, which are [`BLOCK_ROWS`] lines apart.
#[inline]
#[target_feature(enable = "avx2")]
fn widen_row(codes: &[i8], pairs: &mut [u32]) {
    for (pairs, codes) in pairs.chunks_exact_mut(STEP / 2).zip(codes.chunks(BLOCK_ROWS * STEP)) {
        for (pair, codes) in pairs.iter_mut().zip(codes.as_chunks::<2>().0) {
            *pair = u32::from(codes[0] as i16 as u16) | u32::from(codes[1] as i16 as u16) << 16;
        }
    }
}

/// Widens a panel, which has two tiles per step.
#[inline]
#[target_feature(enable = "avx2")]
fn widen_columns(tiles: &[Tile], pairs: &mut [u32]) {
    let half = tiles.len() / 2 * STEP / 2 * HALF;
    assert!(pairs.len() >= 2 * half, "the buffer is smaller than a panel");
    // A shuffle that widens the first two or the last two of four codes of a column; -1 gives zero.
    let shuffle = |from: i8| {
        let quad = |i: i8| [4 * i + from, -1, 4 * i + from + 1, -1];
        let lane = [quad(0), quad(1), quad(2), quad(3)];
        // SAFETY: sixteen bytes are half a vector.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(lane.as_ptr().cast()) })
    };
    let (first, second) = (shuffle(0), shuffle(2));
    for (t, tile) in tiles.iter().enumerate() {
        let from = t % 2 * half + t / 2 * (STEP / 2) * HALF;
        for (i, quads) in tile.0.as_chunks::<{ 4 * VECTOR }>().0.iter().enumerate() {
            // Two vectors of columns give two pairs of each column.
            let at = from + i / 2 * 2 * HALF + i % 2 * VECTOR;
            // SAFETY: a step of a tile gives `STEP / 2` pairs of 16 columns; the length of `pairs` was checked.
            unsafe {
                let quads = _mm256_loadu_si256(quads.as_ptr().cast());
                let out = pairs.as_mut_ptr().add(at);
                _mm256_storeu_si256(out.cast(), _mm256_shuffle_epi8(quads, first));
                _mm256_storeu_si256(out.add(HALF).cast(), _mm256_shuffle_epi8(quads, second));
            }
        }
    }
}

/// The sums of products of `ROWS` rows with 16 columns, stored in `out` from column `first` on.
///
/// # Safety
/// The processor has AVX2. The rows have equal lengths; `columns` has 16 pairs for each of theirs.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn sum(rows: [&[u32]; ROWS], columns: &[u32], first: usize, out: &mut [[i32; PANEL_COLS]; ROWS]) {
    let depth = rows[0].len();
    let rows = rows.map(<[u32]>::as_ptr);
    let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
    for pair in 0..depth {
        // SAFETY: by this function's own contract.
        unsafe {
            let columns: [__m256i; 2] = std::array::from_fn(|n| {
                _mm256_loadu_si256(columns.as_ptr().add(pair * HALF + n * VECTOR).cast())
            });
            for (sums, row) in sums.iter_mut().zip(&rows) {
                let x = _mm256_set1_epi32(row.add(pair).read() as i32);
                for (sum, columns) in sums.iter_mut().zip(&columns) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(*columns, x));
                }
            }
        }
    }
    store(&sums, first, out);
}

/// Stores the sums of 16 columns in `out` from column `first` on.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store(sums: &[[__m256i; 2]; ROWS], first: usize, out: &mut [[i32; PANEL_COLS]; ROWS]) {
    for (out, sums) in out.iter_mut().zip(sums) {
        for (out, sum) in out[first..].as_chunks_mut::<VECTOR>().0.iter_mut().zip(sums) {
            // SAFETY: eight values are a vector.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), *sum) };
        }
    }
}

/// The inner step of [`sum`] for [`peak_loop`]. The sum is a factor, so that the compiler cannot hoist the product.
#[inline]
#[target_feature(enable = "avx2")]
fn step(sum: __m256i, x: __m256i, y: __m256i) -> __m256i {
    _mm256_add_epi32(x, _mm256_madd_epi16(sum, y))
}

peak_loop!(peak, "avx2", 12, 16, (_mm256_set1_epi16, 77, -3), (_mm256_set1_epi32, 1), step);

//! The layers by AVX2: bytes are widened to 16 bits before they are multiplied, on processors without VNNI.
//!
//! The instruction that multiplies bytes cuts sums of two products off at 32,767, where two can be 64,770. Of 16 bits, two
//! products and their sum are exact, and a vector still does twice as many as of f32.

use std::arch::x86_64::*;

use super::{
    portable,
    weights::{Bytes, PackedLhs, ROWS, Rounded, STEP, TALL, Tile, WIDE},
};
use crate::{AlignedBuf, microkernel::spin};

/// Columns that are summed at a time: two vectors.
const HALF: usize = WIDE / 2;
/// Columns of a vector.
const VECTOR: usize = HALF / 2;

/// QueryCodes as pairs of 16 bits, the first of each in the lower half.
#[derive(Default)]
pub(super) struct Words {
    /// `[row][pair of k]`.
    rows: AlignedBuf<u32>,
    /// Of one panel: `[16 columns][pair of k][column]`.
    columns: AlignedBuf<u32>,
}

/// As [`portable::round_rows`].
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn round_rows(x: &[f32], rows: usize, k: usize, made: &mut Rounded) {
    portable::round_rows(x, rows, k, made);
}

/// As [`portable::product`], to the last bit.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn product(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Bytes,
    words: &mut Words,
    finish: impl FnMut(usize, usize, &[f32; WIDE]),
) {
    let depth = w.steps() * STEP / 2;
    words.rows.fit(rows * depth);
    words.columns.fit(WIDE * depth);
    let Words { rows: left, columns } = words;
    for (row, pairs) in left.chunks_exact_mut(depth).take(rows).enumerate() {
        widen_row(x.row(row), pairs);
    }
    portable::by_rows(x, rows, w, finish, |_, tiles, at: [usize; ROWS], sums| {
        if at[0] == 0 {
            widen_columns(tiles, columns);
        }
        let left = at.map(|row| &left[row * depth..][..depth]);
        for (half, columns) in columns.chunks_exact(HALF * depth).take(2).enumerate() {
            // SAFETY: the processor has AVX2, as the caller says; each row has a pair for each 16 of the columns.
            unsafe { sum(left, columns, half * HALF, sums) };
        }
    });
}

/// The steps of a row, [`TALL`] lines apart, as pairs.
#[inline]
#[target_feature(enable = "avx2")]
fn widen_row(codes: &[i8], pairs: &mut [u32]) {
    for (pairs, codes) in pairs.chunks_exact_mut(STEP / 2).zip(codes.chunks(TALL * STEP)) {
        for (pair, codes) in pairs.iter_mut().zip(codes.as_chunks::<2>().0) {
            *pair = u32::from(codes[0] as i16 as u16) | u32::from(codes[1] as i16 as u16) << 16;
        }
    }
}

/// A panel as pairs. There are two tiles a step, and room for their pairs.
#[inline]
#[target_feature(enable = "avx2")]
fn widen_columns(tiles: &[Tile], pairs: &mut [u32]) {
    let half = tiles.len() / 2 * STEP / 2 * HALF;
    assert!(pairs.len() >= 2 * half, "too little room for a panel");
    // Of four codes of a column, the first two or the last two; -1 makes zeros.
    let of = |from: i8| {
        let quad = |i: i8| [4 * i + from, -1, 4 * i + from + 1, -1];
        let lane = [quad(0), quad(1), quad(2), quad(3)];
        // SAFETY: sixteen bytes are half a vector.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(lane.as_ptr().cast()) })
    };
    let (first, second) = (of(0), of(2));
    for (t, tile) in tiles.iter().enumerate() {
        let from = t % 2 * half + t / 2 * (STEP / 2) * HALF;
        for (i, quads) in tile.0.as_chunks::<{ 4 * VECTOR }>().0.iter().enumerate() {
            // Two vectors of columns make two pairs of each.
            let at = from + i / 2 * 2 * HALF + i % 2 * VECTOR;
            // SAFETY: a step of a tile makes `STEP / 2` pairs of 16 columns, for which there is room.
            unsafe {
                let quads = _mm256_loadu_si256(quads.as_ptr().cast());
                let to = pairs.as_mut_ptr().add(at);
                _mm256_storeu_si256(to.cast(), _mm256_shuffle_epi8(quads, first));
                _mm256_storeu_si256(to.add(HALF).cast(), _mm256_shuffle_epi8(quads, second));
            }
        }
    }
}

/// The sums of products of some rows with 16 columns, which go to `out` from `first` on.
///
/// # Safety
/// The processor has AVX2. The rows are as long as one another, and columns have 16 pairs for each of theirs.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn sum(rows: [&[u32]; ROWS], columns: &[u32], first: usize, out: &mut [[i32; WIDE]; ROWS]) {
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

/// Puts the sums of 16 columns from `first` on where they belong.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store(sums: &[[__m256i; 2]; ROWS], first: usize, out: &mut [[i32; WIDE]; ROWS]) {
    for (out, sums) in out.iter_mut().zip(sums) {
        for (out, sum) in out[first..].as_chunks_mut::<VECTOR>().0.iter_mut().zip(sums) {
            // SAFETY: eight values are a vector.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), *sum) };
        }
    }
}

/// What [`sum`] does in each of its inner steps, with the sum as an operand, as else it would be done once for all.
#[inline]
#[target_feature(enable = "avx2")]
fn step(sum: __m256i, x: __m256i, y: __m256i) -> __m256i {
    _mm256_add_epi32(x, _mm256_madd_epi16(sum, y))
}

spin!(spin, "avx2", 12, 16, (_mm256_set1_epi16, 77, -3), (_mm256_set1_epi32, 1), step);

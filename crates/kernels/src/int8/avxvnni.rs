//! int8 products by AVX-VNNI: dot products in vectors of 256 bits, for processors without AVX-512.

use std::arch::x86_64::*;

use super::{
    avx2, portable,
    weights::{BLOCK_ROWS, Int8Weights, PANEL_COLS, PackedLhs, ROWS, STEP, Tile},
};
use crate::{Isa, microkernel::peak_loop};

/// Codes per vector.
const VECTOR: usize = 32;

/// Whether the processor has AVX2, FMA and AVX-VNNI.
pub(super) fn is_available() -> bool {
    Isa::Avx2.is_available() && is_x86_feature_detected!("avxvnni")
}

/// Like [`portable::product`], to the last bit.
///
/// # Safety
/// The processor has AVX-VNNI.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) unsafe fn product(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Int8Weights,
    epilogue: impl FnMut(usize, usize, &[f32; PANEL_COLS]),
) {
    portable::for_each_row_block(x, rows, w, epilogue, |_, tiles, block: [usize; ROWS], sums| {
        let lhs = block.map(|row| x.row(row));
        // SAFETY: the processor has AVX-VNNI; `for_each_row_block` checked the lengths of codes and tiles.
        unsafe { sum(lhs, tiles, sums) };
    });
}

/// The sums of products of `ROWS` rows with 32 columns, 16 columns at a time.
///
/// # Safety
/// The processor has AVX-VNNI. There are two tiles per step; each row has as many steps, [`BLOCK_ROWS`] lines apart.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn sum(rows: [&[i8]; ROWS], tiles: &[Tile], out: &mut [[i32; PANEL_COLS]; ROWS]) {
    let rows = rows.map(<[i8]>::as_ptr);
    for half in 0..2 {
        let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
        for (step, tile) in tiles.iter().skip(half).step_by(2).enumerate() {
            for quad in 0..STEP / 4 {
                // SAFETY: by this function's own contract; a tile has 64 bytes for every four codes.
                unsafe {
                    let columns: [__m256i; 2] = std::array::from_fn(|n| {
                        _mm256_loadu_si256(tile.0.as_ptr().add(quad * STEP + n * VECTOR).cast())
                    });
                    for (sums, row) in sums.iter_mut().zip(&rows) {
                        let at = row.add(step * BLOCK_ROWS * STEP + 4 * quad);
                        let x = _mm256_set1_epi32(at.cast::<i32>().read_unaligned());
                        for (sum, columns) in sums.iter_mut().zip(&columns) {
                            *sum = _mm256_dpbusd_avx_epi32(*sum, *columns, x);
                        }
                    }
                }
            }
        }
        avx2::store(&sums, PANEL_COLS / 2 * half, out);
    }
}

peak_loop!(
    peak,
    "avx2,avxvnni",
    12,
    VECTOR,
    (_mm256_set1_epi8, 77, -3),
    (_mm256_set1_epi32, 1),
    _mm256_dpbusd_avx_epi32
);

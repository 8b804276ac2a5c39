//! int8 products by the dot-product instructions of Armv8.2.
//!
//! The instructions multiply unsigned by unsigned bytes, so 128 is added to the codes of operands too. Sums start at minus
//! what that adds, 128 times the sum of a column's codes. They may wrap in between; the result is in range again.

use std::arch::{aarch64::*, asm};

use super::{
    portable,
    weights::{BLOCK_ROWS, Int8Weights, PANEL_COLS, PackedLhs, ROWS, STEP, Tile},
};
use crate::{Isa, microkernel::peak_loop};

/// Codes per vector.
const VECTOR: usize = 16;
/// Columns that are summed at a time, four per vector.
const HALF: usize = PANEL_COLS / 2;
/// Vectors with the sums of a row; for [`ROWS`] rows these are 24 of 32 registers.
const SUMS: usize = HALF / 4;

/// Whether the processor has the dot-product instructions.
pub(super) fn is_available() -> bool {
    Isa::Neon.is_available() && std::arch::is_aarch64_feature_detected!("dotprod")
}

/// `sum += w · x`: every four bytes of `w` with the four bytes in lane `LANE` of `x`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const LANE: usize>(mut sum: uint32x4_t, w: uint8x16_t, x: uint8x16_t) -> uint32x4_t {
    // SAFETY: the processor has the instruction, which changes only `sum`.
    unsafe {
        asm!(
            "udot {sum:v}.4s, {w:v}.16b, {x:v}.4b[{lane}]",
            sum = inout(vreg) sum,
            w = in(vreg) w,
            x = in(vreg) x,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// Like [`portable::product`], to the last bit.
///
/// # Safety
/// The processor has the dot-product instructions.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn product(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Int8Weights,
    epilogue: impl FnMut(usize, usize, &[f32; PANEL_COLS]),
) {
    portable::for_each_row_block(x, rows, w, epilogue, |column, tiles, block: [usize; ROWS], sums| {
        let lhs = block.map(|row| x.row(row));
        // SAFETY: the processor has the instructions; `for_each_row_block` checked the lengths of codes and tiles.
        unsafe { sum(lhs, tiles, &w.code_sums[column..][..PANEL_COLS], sums) };
    });
}

/// The sums of products of `ROWS` rows with 32 columns, 16 columns at a time; `code_sums` are those of the columns.
///
/// # Safety
/// The processor has the dot-product instructions. There are two tiles per step; each row has as many steps,
/// [`BLOCK_ROWS`] lines apart.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn sum(rows: [&[i8]; ROWS], tiles: &[Tile], code_sums: &[f32], out: &mut [[i32; PANEL_COLS]; ROWS]) {
    let rows = rows.map(|row| row.as_ptr().cast::<u8>());
    // What the 128 of the weights adds to the code sum of a column.
    let bias = (tiles.len() / 2 * STEP * 128) as i32;
    for half in 0..2 {
        let mut start = [vdupq_n_u32(0); SUMS];
        for (start, code_sums) in start.iter_mut().zip(code_sums[half * HALF..].as_chunks::<4>().0) {
            // SAFETY: a vector has four values.
            let code_sums = vcvtq_s32_f32(unsafe { vld1q_f32(code_sums.as_ptr()) });
            *start = vreinterpretq_u32_s32(vmulq_n_s32(vaddq_s32(code_sums, vdupq_n_s32(bias)), -128));
        }
        let mut sums = [start; ROWS];
        for (step, tile) in tiles.iter().skip(half).step_by(2).enumerate() {
            for first in (0..STEP).step_by(VECTOR) {
                // SAFETY: by this function's own contract; a tile has 64 bytes for every four codes.
                unsafe {
                    let mut x = [vdupq_n_u8(0); ROWS];
                    for (x, row) in x.iter_mut().zip(&rows) {
                        *x = veorq_u8(vld1q_u8(row.add(step * BLOCK_ROWS * STEP + first)), vdupq_n_u8(128));
                    }
                    macro_rules! quad {
                        ($lane:literal) => {
                            for n in 0..SUMS {
                                let at = (first / 4 + $lane) * STEP + n * VECTOR;
                                let w = vld1q_u8(tile.0.as_ptr().add(at));
                                for (sums, x) in sums.iter_mut().zip(x) {
                                    sums[n] = dot::<$lane>(sums[n], w, x);
                                }
                            }
                        };
                    }
                    quad!(0);
                    quad!(1);
                    quad!(2);
                    quad!(3);
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(&sums) {
            for (out, sum) in out[half * HALF..].as_chunks_mut::<4>().0.iter_mut().zip(sums) {
                // SAFETY: a vector has four values.
                unsafe { vst1q_s32(out.as_mut_ptr(), vreinterpretq_s32_u32(*sum)) };
            }
        }
    }
}

/// The inner step of [`sum`], for [`peak_loop`].
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn step(sum: uint32x4_t, w: uint8x16_t, x: uint8x16_t) -> uint32x4_t {
    dot::<0>(sum, w, x)
}

peak_loop!(peak, "neon,dotprod", 24, VECTOR, (vdupq_n_u8, 77, 3), (vdupq_n_u32, 1), step);

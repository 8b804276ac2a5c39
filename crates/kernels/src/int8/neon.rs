//! The layers by the dot products of bytes that 64-bit Arm has since Armv8.2.
//!
//! These multiply bytes of one kind, so operands are made unsigned as the weights are, and what that adds, 128 times the
//! sum of a column's codes, is where sums begin. They may wrap on the way; the result is in range again.

use std::arch::{aarch64::*, asm};

use super::{
    portable,
    weights::{Bytes, PackedLhs, ROWS, STEP, TALL, Tile, WIDE},
};
use crate::{Isa, microkernel::spin};

/// QueryCodes of a vector.
const VECTOR: usize = 16;
/// Columns that are summed at a time, four in a vector.
const HALF: usize = WIDE / 2;
/// Vectors of a row's sums: of [`ROWS`] rows these are 24 of 32 registers.
const SUMS: usize = HALF / 4;

/// Whether the processor has dot products of bytes.
pub(super) fn is_available() -> bool {
    Isa::Neon.is_available() && std::arch::is_aarch64_feature_detected!("dotprod")
}

/// `sum += w · x`, of each four bytes of `w` with the four of `x` in lane `LANE`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const LANE: usize>(mut sum: uint32x4_t, w: uint8x16_t, x: uint8x16_t) -> uint32x4_t {
    // SAFETY: the processor has the instruction, which changes nothing but `sum`.
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

/// As [`portable::product`], to the last bit.
///
/// # Safety
/// The processor has dot products of bytes.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn product(
    x: PackedLhs<'_>,
    rows: usize,
    w: &Bytes,
    finish: impl FnMut(usize, usize, &[f32; WIDE]),
) {
    portable::by_rows(x, rows, w, finish, |column, tiles, at: [usize; ROWS], sums| {
        let left = at.map(|row| x.row(row));
        // SAFETY: the processor has the instructions; codes and tiles hold so many steps: `by_rows` checks the lengths.
        unsafe { sum(left, tiles, &w.sums[column..][..WIDE], sums) };
    });
}

/// The sums of products of some rows with 32 columns, 16 of them at a time; `codes` are the columns' own sums.
///
/// # Safety
/// The processor has dot products of bytes. There are two tiles a step; each row has as many steps, [`TALL`] lines apart.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn sum(rows: [&[i8]; ROWS], tiles: &[Tile], codes: &[f32], out: &mut [[i32; WIDE]; ROWS]) {
    let rows = rows.map(|row| row.as_ptr().cast::<u8>());
    // What the 128 of the weights adds to the sum of a column.
    let bias = (tiles.len() / 2 * STEP * 128) as i32;
    for half in 0..2 {
        let mut start = [vdupq_n_u32(0); SUMS];
        for (start, codes) in start.iter_mut().zip(codes[half * HALF..].as_chunks::<4>().0) {
            // SAFETY: four values are a vector.
            let codes = vcvtq_s32_f32(unsafe { vld1q_f32(codes.as_ptr()) });
            *start = vreinterpretq_u32_s32(vmulq_n_s32(vaddq_s32(codes, vdupq_n_s32(bias)), -128));
        }
        let mut sums = [start; ROWS];
        for (step, tile) in tiles.iter().skip(half).step_by(2).enumerate() {
            for first in (0..STEP).step_by(VECTOR) {
                // SAFETY: by this function's own contract; a tile has a line of 64 bytes for each four codes.
                unsafe {
                    let mut x = [vdupq_n_u8(0); ROWS];
                    for (x, row) in x.iter_mut().zip(&rows) {
                        *x = veorq_u8(vld1q_u8(row.add(step * TALL * STEP + first)), vdupq_n_u8(128));
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
                // SAFETY: four values are a vector.
                unsafe { vst1q_s32(out.as_mut_ptr(), vreinterpretq_s32_u32(*sum)) };
            }
        }
    }
}

/// What [`sum`] does in each of its inner steps.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn step(sum: uint32x4_t, w: uint8x16_t, x: uint8x16_t) -> uint32x4_t {
    dot::<0>(sum, w, x)
}

spin!(spin, "neon,dotprod", 24, VECTOR, (vdupq_n_u8, 77, 3), (vdupq_n_u32, 1), step);

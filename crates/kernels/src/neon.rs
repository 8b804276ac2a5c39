//! The kernels for 64-bit Arm: NEON, which all such processors have.

use std::arch::aarch64::*;

use super::{
    Isa,
    kernels::{Activation, LayerNorm},
    math,
    microkernel::{self, row_ops, spin, tiles},
    portable::{Ops, Shape},
};

/// A tile of 8 × 8: 16 accumulators, as many as four units with a latency of four cycles need, eight vectors of `a` and
/// two of `b`: 26 of 32 registers.
pub(super) static NEON: Ops = Ops {
    isa: Isa::Neon,
    chunk: 512,
    shapes: &[Shape { rows: 8, cols: COLS, tiles: tiles_neon }],
    activate,
    softmax,
    layer_norm,
};

const LANES: usize = 4;
const COLS: usize = 2 * LANES;

/// Brings nothing nearer: the processor finds what it reads in order by itself.
#[inline(always)]
fn far(_line: *const f32) {}

/// One tile of `ROWS` rows. A value of `a` is taken out of a vector of four steps of k, as a load that fills a vector with
/// it takes a turn of the units that multiply.
///
/// # Safety
/// `a` and `out` have so many rows, `b` is `k` rows and `start` one of a tile's width.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn tile<const ROWS: usize>(
    (a, a_stride): (*const f32, usize),
    b: *const f32,
    k: usize,
    start: Option<*const f32>,
    (out, out_stride): (*mut f32, usize),
) {
    let mut sums = [[vdupq_n_f32(0.0); 2]; ROWS];
    // SAFETY: the caller has checked that all of it is there.
    unsafe {
        for (r, sums) in sums.iter_mut().enumerate() {
            let from = start.unwrap_or(out.add(r * out_stride));
            *sums = [vld1q_f32(from), vld1q_f32(from.add(LANES))];
        }
        macro_rules! step {
            ($x:ident, $i:expr, $lane:literal) => {
                let b = b.add($i * COLS);
                let b = [vld1q_f32(b), vld1q_f32(b.add(LANES))];
                for (sums, x) in sums.iter_mut().zip($x) {
                    sums[0] = vfmaq_laneq_f32::<$lane>(sums[0], b[0], x);
                    sums[1] = vfmaq_laneq_f32::<$lane>(sums[1], b[1], x);
                }
            };
        }
        let whole = k - k % LANES;
        for i in (0..whole).step_by(LANES) {
            let mut x = [vdupq_n_f32(0.0); ROWS];
            for (r, x) in x.iter_mut().enumerate() {
                *x = vld1q_f32(a.add(r * a_stride + i));
            }
            step!(x, i, 0);
            step!(x, i + 1, 1);
            step!(x, i + 2, 2);
            step!(x, i + 3, 3);
        }
        for i in whole..k {
            let mut x = [vdupq_n_f32(0.0); ROWS];
            for (r, x) in x.iter_mut().enumerate() {
                *x = vdupq_n_f32(*a.add(r * a_stride + i));
            }
            step!(x, i, 0);
        }
        for (r, sums) in sums.iter().enumerate() {
            let to = out.add(r * out_stride);
            vst1q_f32(to, sums[0]);
            vst1q_f32(to.add(LANES), sums[1]);
        }
    }
}

/// `x · sum + y`.
#[inline]
#[target_feature(enable = "neon")]
fn multiply_add(sum: float32x4_t, x: float32x4_t, y: float32x4_t) -> float32x4_t {
    vfmaq_f32(y, sum, x)
}

tiles!("neon", far, 8, 8, [1 2 3 4 5 6 7], tiles_neon, tile, tile::<8>);
row_ops!("neon", activate, softmax, layer_norm);
spin!(spin, "neon", 24, LANES, (vdupq_n_f32, 0.999, 0.001), (vdupq_n_f32, 0.5), multiply_add);

//! The f32 loops for 64-bit Arm: NEON, which every such processor has.

use std::arch::aarch64::*;

use super::{
    Isa,
    kernels::{Activation, LayerNorm},
    math,
    microkernel::{self, peak_loop, row_ops, tile_loop},
    portable::{MicroKernels, TileShape},
};

/// A tile of 8 × 8: 16 accumulators, which four units with a latency of four cycles need, eight vectors of `a` and two of
/// `b`: 26 of 32 registers.
pub(super) static NEON: MicroKernels = MicroKernels {
    isa: Isa::Neon,
    chunk_tokens: 512,
    tile_shapes: &[TileShape { rows: 8, cols: COLS, tile_loop: tile_loop_neon }],
    activate,
    softmax,
    layer_norm,
};

const LANES: usize = 4;
const COLS: usize = 2 * LANES;

/// Does nothing: the hardware prefetcher recognizes sequential reads.
#[inline(always)]
fn prefetch(_line: *const f32) {}

/// One tile of `ROWS` rows. Each value of `a` is a lane of a vector that holds four steps of k: a load that broadcasts it
/// would occupy a multiplication unit.
///
/// # Safety
/// `a` and `out` have `ROWS` rows, `b` has `k` rows and `init` one, each as wide as the tile.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn tile<const ROWS: usize>(
    (a, a_stride): (*const f32, usize),
    b: *const f32,
    k: usize,
    init: Option<*const f32>,
    (out, out_stride): (*mut f32, usize),
) {
    let mut sums = [[vdupq_n_f32(0.0); 2]; ROWS];
    // SAFETY: by this function's own contract.
    unsafe {
        for (r, sums) in sums.iter_mut().enumerate() {
            let initial = init.unwrap_or(out.add(r * out_stride));
            *sums = [vld1q_f32(initial), vld1q_f32(initial.add(LANES))];
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

tile_loop!("neon", prefetch, 8, 8, [1 2 3 4 5 6 7], tile_loop_neon, tile, tile::<8>);
row_ops!("neon", activate, softmax, layer_norm);
peak_loop!(peak, "neon", 24, LANES, (vdupq_n_f32, 0.999, 0.001), (vdupq_n_f32, 0.5), multiply_add);

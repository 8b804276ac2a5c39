//! The f32 loops for x86-64: AVX-512F, and AVX2 with FMA.

use std::arch::x86_64::*;

use super::{
    Isa, avx2,
    kernels::{Activation, LayerNorm},
    math,
    microkernel::{self, peak_loop, row_ops, tile_loop},
    portable::{MicroKernels, TileShape},
};

/// A tile of 12 × 32: 24 accumulators, two vectors of `b` and one value of `a` at a time. Steps of k are not unrolled:
/// the compiler would load values early and spill registers.
pub(super) static AVX512: MicroKernels = MicroKernels {
    isa: Isa::Avx512,
    chunk_tokens: 512,
    tile_shapes: &[TileShape { rows: 12, cols: 32, tile_loop: tile_loop_avx512 }],
    activate: activate_avx512,
    softmax: softmax_avx512,
    layer_norm: layer_norm_avx512,
};

/// Tiles of 4 × 24 or 6 × 16: 12 accumulators of 16 registers. The first needs seven loads per step of k, the second
/// eight, but the second suits the width of attention heads. A step is so short that loop control and prefetching cost as
/// much as the arithmetic: steps are unrolled, and the next rows of `a` are left to the hardware prefetcher.
pub(super) static AVX2: MicroKernels = MicroKernels {
    isa: Isa::Avx2,
    chunk_tokens: 384,
    tile_shapes: &[
        TileShape { rows: 4, cols: 24, tile_loop: tile_loop_avx2_wide },
        TileShape { rows: 6, cols: 16, tile_loop: tile_loop_avx2 },
    ],
    activate: activate_avx2,
    softmax: softmax_avx2,
    layer_norm: layer_norm_avx2,
};

/// The vector operations of AVX-512 and of AVX2 under common names.
mod vector512 {
    pub(super) use std::arch::x86_64::{
        _mm512_fmadd_ps as fma, _mm512_loadu_ps as load, _mm512_set1_ps as set, _mm512_setzero_ps as zero,
        _mm512_storeu_ps as store,
    };
    pub(super) const LANES: usize = 16;
}
mod vector256 {
    pub(super) use std::arch::x86_64::{
        _mm256_fmadd_ps as fma, _mm256_loadu_ps as load, _mm256_set1_ps as set, _mm256_setzero_ps as zero,
        _mm256_storeu_ps as store,
    };
    pub(super) const LANES: usize = 8;
}

/// Prefetches a line into the first-level cache.
#[inline(always)]
fn prefetch_l1(line: *const f32) {
    // SAFETY: every x86-64 processor has the instruction, and any address is allowed.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
}

/// Prefetches a line into the second-level cache.
#[inline(always)]
fn prefetch_l2(line: *const f32) {
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) };
}

/// Defines `$tile`, which computes one tile of `ROWS` rows by `$vectors` vectors, `$unroll` steps of k at a time. With
/// `$prefetches` it prefetches the rows of the next tile.
macro_rules! tile {
    ($features:literal, $vector:ident, $vectors:literal, $unroll:literal, $prefetches:literal, $tile:ident) => {
        /// One tile of `ROWS` rows.
        ///
        /// # Safety
        /// The processor has the features; `a` and `out` have `ROWS` rows, `b` has `k` rows and `init` one, each as wide as
        /// the tile.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $tile<const ROWS: usize>(
            (a, a_stride): (*const f32, usize),
            b: *const f32,
            k: usize,
            init: Option<*const f32>,
            (out, out_stride): (*mut f32, usize),
        ) {
            const COLS: usize = $vectors * $vector::LANES;
            let mut sums = [[$vector::zero(); $vectors]; ROWS];
            // SAFETY: by this function's own contract.
            unsafe {
                for (r, sums) in sums.iter_mut().enumerate() {
                    let initial = init.unwrap_or(out.add(r * out_stride));
                    for v in 0..$vectors {
                        sums[v] = $vector::load(initial.add(v * $vector::LANES));
                    }
                }
                let mut step = |i: usize| {
                    let mut row = [$vector::zero(); $vectors];
                    for v in 0..$vectors {
                        row[v] = $vector::load(b.add(i * COLS + v * $vector::LANES));
                    }
                    if $prefetches {
                        // One line of the rows of the next tile.
                        let line = i % microkernel::LINE_VALUES;
                        let next = a.wrapping_add((ROWS + line) * a_stride + (i - line));
                        prefetch_l1(next);
                    }
                    for r in 0..ROWS {
                        let x = $vector::set(*a.add(r * a_stride + i));
                        for v in 0..$vectors {
                            sums[r][v] = $vector::fma(x, row[v], sums[r][v]);
                        }
                    }
                };
                let blocks = k / $unroll;
                for i in (0..blocks).map(|block| block * $unroll) {
                    (0..$unroll).for_each(|n| step(i + n));
                }
                (blocks * $unroll..k).for_each(step);
                for (r, sums) in sums.iter().enumerate() {
                    let to = out.add(r * out_stride);
                    for v in 0..$vectors {
                        $vector::store(to.add(v * $vector::LANES), sums[v]);
                    }
                }
            }
        }
    };
}
tile_loop!("avx512f", prefetch_l2, 32, 12, [1 2 3 4 5 6 7 8 9 10 11], tile_loop_avx512, tile_avx512, tile_avx512::<12>);
tile!("avx512f", vector512, 2, 1, true, tile_avx512);
tile_loop!("avx2,fma", prefetch_l2, 16, 6, [1 2 3 4 5], tile_loop_avx2, tile_avx2, tile_avx2::<6>);
tile!("avx2,fma", vector256, 2, 8, false, tile_avx2);
tile_loop!("avx2,fma", prefetch_l2, 24, 4, [1 2 3], tile_loop_avx2_wide, tile_avx2_wide, avx2::tile_4x24);
tile!("avx2,fma", vector256, 3, 4, false, tile_avx2_wide);
row_ops!("avx512f", activate_avx512, softmax_avx512, layer_norm_avx512);
row_ops!("avx2,fma", activate_avx2, softmax_avx2, layer_norm_avx2);

peak_loop!(
    peak_avx512,
    "avx512f",
    12,
    16,
    (_mm512_set1_ps, 0.999, 0.001),
    (_mm512_set1_ps, 0.5),
    _mm512_fmadd_ps
);
peak_loop!(
    peak_avx2,
    "avx2,fma",
    12,
    8,
    (_mm256_set1_ps, 0.999, 0.001),
    (_mm256_set1_ps, 0.5),
    _mm256_fmadd_ps
);

//! The kernels for x86-64: AVX-512F, and AVX2 with FMA.

use std::arch::x86_64::*;

use super::{
    Isa, avx2,
    kernels::{Activation, LayerNorm},
    math,
    microkernel::{self, row_ops, spin, tiles},
    portable::{Ops, Shape},
};

/// A tile of 12 × 32: 24 accumulators, two vectors of `b`, one value of `a` at a time. Steps of k are not unrolled:
/// the compiler would read values ahead that no register is left for.
pub(super) static AVX512: Ops = Ops {
    isa: Isa::Avx512,
    chunk: 512,
    shapes: &[Shape { rows: 12, cols: 32, tiles: tiles_avx512 }],
    activate: activate_avx512,
    softmax: softmax_avx512,
    layer_norm: layer_norm_avx512,
};

/// Tiles of 4 × 24 or 6 × 16: 12 accumulators of 16 registers. The first has seven loads a step of k for eight, but heads
/// have widths that suit the second. A step is so short that counting and fetching ahead cost as much as it does: some
/// are unrolled, and the rows that come next are left to the processor to find.
pub(super) static AVX2: Ops = Ops {
    isa: Isa::Avx2,
    chunk: 384,
    shapes: &[
        Shape { rows: 4, cols: 24, tiles: tiles_avx2_wide },
        Shape { rows: 6, cols: 16, tiles: tiles_avx2 },
    ],
    activate: activate_avx2,
    softmax: softmax_avx2,
    layer_norm: layer_norm_avx2,
};

/// The vectors of AVX-512 and of AVX2, by the same names.
mod wide {
    pub(super) use std::arch::x86_64::{
        _mm512_fmadd_ps as fma, _mm512_loadu_ps as load, _mm512_set1_ps as set, _mm512_setzero_ps as zero,
        _mm512_storeu_ps as store,
    };
    pub(super) const LANES: usize = 16;
}
mod narrow {
    pub(super) use std::arch::x86_64::{
        _mm256_fmadd_ps as fma, _mm256_loadu_ps as load, _mm256_set1_ps as set, _mm256_setzero_ps as zero,
        _mm256_storeu_ps as store,
    };
    pub(super) const LANES: usize = 8;
}

/// Brings a line into the first-level cache.
#[inline(always)]
fn near(line: *const f32) {
    // SAFETY: every x86-64 processor has it, and it may be given any address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
}

/// Brings a line into the second-level cache.
#[inline(always)]
fn far(line: *const f32) {
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) };
}

/// `$tile` is one tile of `ROWS` rows of `$vectors` vectors, `$unroll` steps of k at a time; with `$fetches` it brings the
/// next rows near.
macro_rules! tile {
    ($features:literal, $vector:ident, $vectors:literal, $unroll:literal, $fetches:literal, $tile:ident) => {
        /// One tile of `ROWS` rows.
        ///
        /// # Safety
        /// The processor has the features; `a` and `out` have so many rows, `b` is `k` rows and `start` one of a tile's
        /// width.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $tile<const ROWS: usize>(
            (a, a_stride): (*const f32, usize),
            b: *const f32,
            k: usize,
            start: Option<*const f32>,
            (out, out_stride): (*mut f32, usize),
        ) {
            const COLS: usize = $vectors * $vector::LANES;
            let mut sums = [[$vector::zero(); $vectors]; ROWS];
            // SAFETY: the caller has checked that all of it is there.
            unsafe {
                for (r, sums) in sums.iter_mut().enumerate() {
                    let from = start.unwrap_or(out.add(r * out_stride));
                    for v in 0..$vectors {
                        sums[v] = $vector::load(from.add(v * $vector::LANES));
                    }
                }
                let mut step = |i: usize| {
                    let mut row = [$vector::zero(); $vectors];
                    for v in 0..$vectors {
                        row[v] = $vector::load(b.add(i * COLS + v * $vector::LANES));
                    }
                    if $fetches {
                        // A line of the next rows, which are the left side of the next tile.
                        let line = i % microkernel::LINE;
                        let next = a.wrapping_add((ROWS + line) * a_stride + (i - line));
                        near(next);
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
tiles!("avx512f", far, 32, 12, [1 2 3 4 5 6 7 8 9 10 11], tiles_avx512, tile_avx512, tile_avx512::<12>);
tile!("avx512f", wide, 2, 1, true, tile_avx512);
tiles!("avx2,fma", far, 16, 6, [1 2 3 4 5], tiles_avx2, tile_avx2, tile_avx2::<6>);
tile!("avx2,fma", narrow, 2, 8, false, tile_avx2);
tiles!("avx2,fma", far, 24, 4, [1 2 3], tiles_avx2_wide, tile_avx2_wide, avx2::tile_4x24);
tile!("avx2,fma", narrow, 3, 4, false, tile_avx2_wide);
row_ops!("avx512f", activate_avx512, softmax_avx512, layer_norm_avx512);
row_ops!("avx2,fma", activate_avx2, softmax_avx2, layer_norm_avx2);

spin!(spin_avx512, "avx512f", 12, 16, (_mm512_set1_ps, 0.999, 0.001), (_mm512_set1_ps, 0.5), _mm512_fmadd_ps);
spin!(spin_avx2, "avx2,fma", 12, 8, (_mm256_set1_ps, 0.999, 0.001), (_mm256_set1_ps, 0.5), _mm256_fmadd_ps);

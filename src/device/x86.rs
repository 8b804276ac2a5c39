//! The kernels for x86-64: AVX-512F, and AVX2 with FMA.
//!
//! Four rows of `a` meet four rows of `b` in sixteen accumulators: eight loads feed sixteen fused
//! multiply-adds, so that the multipliers, not the loads, are the limit.

use std::arch::x86_64::*;

use super::{
    float::Ops,
    kernels::{Activation, Norm},
    math,
};

const TILE: usize = 4;

/// A tile of 12 × 32: 24 accumulators, two vectors of `b`, one value of `a` at a time.
pub(super) static AVX512: Ops = Ops {
    rows: 12,
    cols: 32,
    tile: tile_avx512,
    activate: activate_avx512,
    softmax: softmax_avx512,
    layer_norm: layer_norm_avx512,
};

/// A tile of 6 × 16: 12 accumulators of 16 registers.
pub(super) static AVX2: Ops = Ops {
    rows: 6,
    cols: 16,
    tile: tile_avx2,
    activate: activate_avx2,
    softmax: softmax_avx2,
    layer_norm: layer_norm_avx2,
};

macro_rules! float_ops {
    (
        $features:literal, $rows:literal, $lanes:literal, $zero:ident, $load:ident, $set:ident, $fma:ident, $store:ident,
        $tile:ident, $activate:ident, $softmax:ident, $layer_norm:ident
    ) => {
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $tile(a: &[f32], b: &[f32], tile: &mut [f32]) {
            let k = a.len() / $rows;
            assert!(b.len() == k * 2 * $lanes && tile.len() == $rows * 2 * $lanes, "a tile of another shape");
            let mut sums = [[$zero(); 2]; $rows];
            for i in 0..k {
                // SAFETY: row i of `a` and `b` lies in them: their lengths were checked.
                unsafe {
                    let (a, b) = (a.as_ptr().add(i * $rows), b.as_ptr().add(i * 2 * $lanes));
                    let (b0, b1) = ($load(b), $load(b.add($lanes)));
                    for r in 0..$rows {
                        let x = $set(*a.add(r));
                        sums[r][0] = $fma(x, b0, sums[r][0]);
                        sums[r][1] = $fma(x, b1, sums[r][1]);
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                for (c, sum) in sums.iter().enumerate() {
                    // SAFETY: the tile has `rows` rows of two vectors.
                    unsafe { $store(tile.as_mut_ptr().add((2 * r + c) * $lanes), *sum) };
                }
            }
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $activate(act: Activation, row: &mut [f32]) {
            math::activate(act, row);
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $softmax(row: &mut [f32]) {
            math::softmax(row);
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $layer_norm(row: &mut [f32], norm: &Norm) {
            math::layer_norm(row, norm);
        }
    };
}

float_ops!(
    "avx512f",
    12,
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_storeu_ps,
    tile_avx512,
    activate_avx512,
    softmax_avx512,
    layer_norm_avx512
);
float_ops!(
    "avx2,fma",
    6,
    8,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_storeu_ps,
    tile_avx2,
    activate_avx2,
    softmax_avx2,
    layer_norm_avx2
);

macro_rules! score_block {
    ($name:ident, $features:literal, $lanes:literal, $zero:ident, $load:ident, $fma:ident, $sum:ident) => {
        /// # Safety
        /// The processor has the features; `out` holds `rows(a) × rows(b)` values.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name(a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
            let (m, n) = (a.len() / dim, b.len() / dim);
            let whole = dim - dim % $lanes;
            for i in (0..m).step_by(TILE) {
                for j in (0..n).step_by(TILE) {
                    // A tile that hangs over the edge repeats the last row; what is repeated is not stored.
                    let row = |r: usize| (i + r).min(m - 1) * dim;
                    let col = |c: usize| (j + c).min(n - 1) * dim;
                    let mut sums = [[$zero(); TILE]; TILE];
                    for k in (0..whole).step_by($lanes) {
                        // SAFETY: row(r) + k + LANES and col(c) + k + LANES lie in `a` and `b`, as k + LANES ≤ dim.
                        let (x, y) = unsafe {
                            let x: [_; TILE] = std::array::from_fn(|r| $load(a.as_ptr().add(row(r) + k)));
                            let y: [_; TILE] = std::array::from_fn(|c| $load(b.as_ptr().add(col(c) + k)));
                            (x, y)
                        };
                        for r in 0..TILE {
                            for c in 0..TILE {
                                sums[r][c] = $fma(x[r], y[c], sums[r][c]);
                            }
                        }
                    }
                    for r in 0..TILE.min(m - i) {
                        for c in 0..TILE.min(n - j) {
                            let mut tail = 0.0;
                            for k in whole..dim {
                                tail += a[row(r) + k] * b[col(c) + k];
                            }
                            // SAFETY: the processor has the features that this function was enabled with.
                            out[(i + r) * n + j + c] = unsafe { $sum(sums[r][c]) } + tail;
                        }
                    }
                }
            }
        }
    };
}

score_block!(
    score_block_avx512,
    "avx512f",
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_fmadd_ps,
    sum_avx512
);
score_block!(score_block_avx2, "avx2,fma", 8, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_fmadd_ps, sum_avx2);

/// # Safety
/// The processor has AVX-512F.
#[target_feature(enable = "avx512f")]
unsafe fn sum_avx512(v: __m512) -> f32 {
    _mm512_reduce_add_ps(v)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2,fma")]
unsafe fn sum_avx2(v: __m256) -> f32 {
    let half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    let pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
    _mm_cvtss_f32(_mm_add_ss(pair, _mm_shuffle_ps(pair, pair, 1)))
}

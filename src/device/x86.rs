//! The kernels for x86-64: AVX-512F, and AVX2 with FMA.

use std::arch::x86_64::*;

use super::{
    CpuPath, avx2,
    kernels::{Activation, Norm},
    math,
    portable::{Ops, Shape},
};

/// A tile of 12 × 32: 24 accumulators, two vectors of `b`, one value of `a` at a time. Steps of k are not unrolled:
/// the compiler would read values ahead that no register is left for.
pub(super) static AVX512: Ops = Ops {
    path: CpuPath::Avx512,
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
    path: CpuPath::Avx2,
    chunk: 384,
    shapes: &[
        Shape { rows: 4, cols: 24, tiles: tiles_avx2_wide },
        Shape { rows: 6, cols: 16, tiles: tiles_avx2 },
    ],
    activate: activate_avx2,
    softmax: softmax_avx2,
    layer_norm: layer_norm_avx2,
};

/// Values of a line of the cache.
const LINE: usize = 16;

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

/// The tiles of one shape: `$tile` has any number of rows, `$whole` is the one that is used where there are enough.
macro_rules! tiles {
    (
        $features:literal, $vector:ident, $vectors:literal, $rows:literal, [$($fewer:literal)+], $unroll:literal,
        $fetches:literal, $tiles:ident, $tile:ident, $whole:expr
    ) => {
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $tiles(
            (a, a_stride): (&[f32], usize),
            b: &[f32],
            start: Option<&[f32]>,
            (out, out_stride): (&mut [f32], usize),
            rows: usize,
            coming: &[f32],
        ) {
            const COLS: usize = $vectors * $vector::LANES;
            let k = b.len() / COLS;
            let Some(last) = rows.checked_sub(1) else { return };
            assert!(a.len() >= last * a_stride + k, "too few rows");
            assert!(out.len() >= last * out_stride + COLS, "no room for a tile");
            assert!(start.is_none_or(|s| s.len() >= COLS), "a start of another width");
            let mut coming = coming.chunks(LINE);
            let share = coming.len().div_ceil(rows.div_ceil($rows));
            let start = start.map(<[f32]>::as_ptr);
            for row in (0..rows).step_by($rows) {
                for line in coming.by_ref().take(share) {
                    _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
                }
                // SAFETY: all rows of `a` and `out` and a row of `start` lie in their slices: the lengths were checked.
                unsafe {
                    let a = (a.as_ptr().add(row * a_stride), a_stride);
                    let out = (out.as_mut_ptr().add(row * out_stride), out_stride);
                    match rows - row {
                        $($fewer => $tile::<$fewer>(a, b.as_ptr(), k, start, out),)+
                        _ => $whole(a, b.as_ptr(), k, start, out),
                    }
                }
            }
        }

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
                        let next = a.wrapping_add((ROWS + i % LINE) * a_stride + (i - i % LINE));
                        _mm_prefetch::<_MM_HINT_T0>(next.cast());
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

macro_rules! row_ops {
    ($features:literal, $activate:ident, $softmax:ident, $layer_norm:ident) => {
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $activate(act: Activation, row: &mut [f32]) {
            math::activate::<true>(act, row);
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $softmax(rows: &mut [f32], stride: usize, len: usize) {
            math::softmax::<true>(rows, stride, len);
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $layer_norm(row: &mut [f32], norm: &Norm) {
            math::layer_norm::<true>(row, norm);
        }
    };
}

tiles!(
    "avx512f",
    wide,
    2,
    12,
    [1 2 3 4 5 6 7 8 9 10 11],
    1,
    true,
    tiles_avx512,
    tile_avx512,
    tile_avx512::<12>
);
tiles!("avx2,fma", narrow, 2, 6, [1 2 3 4 5], 8, false, tiles_avx2, tile_avx2, tile_avx2::<6>);
tiles!("avx2,fma", narrow, 3, 4, [1 2 3], 4, false, tiles_avx2_wide, tile_avx2_wide, avx2::tile_4x24);
row_ops!("avx512f", activate_avx512, softmax_avx512, layer_norm_avx512);
row_ops!("avx2,fma", activate_avx2, softmax_avx2, layer_norm_avx2);

/// Operations in registers, `steps` times twelve: the first two vectors hold `x` and `y`, sums begin with `start`, and
/// each step is `op(sum, x, y)`, of so many multiplications.
macro_rules! spin {
    (
        $name:ident, $features:literal, $multiplications:expr, ($set:ident, $x:literal, $y:literal),
        ($set_sum:ident, $start:literal), $op:ident
    ) => {
        /// Multiplies and adds in registers, `steps` times twelve; returns how many operations they were.
        ///
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name(steps: usize) -> f64 {
            use std::hint::black_box;
            const CHAINS: usize = 12;
            let (x, y) = ($set(black_box($x)), $set(black_box($y)));
            let mut sums = [$set_sum(black_box($start)); CHAINS];
            for _ in 0..steps {
                for sum in &mut sums {
                    *sum = $op(*sum, x, y);
                }
            }
            black_box(sums);
            (2 * $multiplications * CHAINS * steps) as f64
        }
    };
}
pub(super) use spin;

spin!(spin_avx512, "avx512f", 16, (_mm512_set1_ps, 0.999, 0.001), (_mm512_set1_ps, 0.5), _mm512_fmadd_ps);
spin!(spin_avx2, "avx2,fma", 8, (_mm256_set1_ps, 0.999, 0.001), (_mm256_set1_ps, 0.5), _mm256_fmadd_ps);

//! Products by the dot products of AVX-512-BF16: pairs of bf16 values, sixteen columns in one instruction.
//!
//! A pair of `k` of one row, repeated in all lanes, is multiplied with the pairs of sixteen columns: the layout of a tile
//! is the one that this needs, too. Eight rows by 32 columns are sixteen sums in registers.

use std::{arch::x86_64::*, hint::black_box};

use super::{
    backend::Strided,
    gemm::{Epilogue, TALL, TILE, TILE_VALUES, Tiled, WIDE},
};

/// Rows that are summed at a time.
const ROWS: usize = 8;

/// Whether the processor has AVX-512 with bf16, and the vectors of all that is between the products.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512bf16")
}

/// Whether AMD made this processor: its dot products (Zen 4 and later) do twice the work of f32 products a cycle.
pub(super) fn is_amd() -> bool {
    let id = __cpuid(0);
    let name = [id.ebx, id.edx, id.ecx].map(u32::to_le_bytes);
    name.as_flattened() == b"AuthenticAMD"
}

/// Says that the processor has AVX-512 with bf16.
pub(super) struct Avx512Bf16Gemm(());

impl Avx512Bf16Gemm {
    pub(super) fn new() -> Self {
        assert!(is_available(), "no AVX-512-BF16");
        Avx512Bf16Gemm(())
    }
}

/// Dot products in registers, `steps` times twelve; returns how many operations they were.
pub(super) fn spin(_dots: &Avx512Bf16Gemm, steps: usize) -> f64 {
    const CHAINS: usize = 12;
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn run(steps: usize) {
        let (x, y) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(1e-3)));
        let (x, y) = (_mm512_cvtne2ps_pbh(x, x), _mm512_cvtne2ps_pbh(y, y));
        let mut sums = [_mm512_set1_ps(black_box(0.5)); CHAINS];
        for _ in 0..steps {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, x, y);
            }
        }
        black_box(sums);
    }
    // SAFETY: there is a `Avx512Bf16Gemm`, so the processor has both.
    unsafe { run(steps) };
    (2 * WIDE * CHAINS * steps) as f64
}

/// The vector at `at`, as pairs of bf16.
///
/// # Safety
/// There are 64 bytes at `at`.
#[inline(always)]
unsafe fn load(at: *const u16) -> __m512bh {
    // SAFETY: by this function's own contract; both types are the same 64 bytes.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(_mm512_loadu_si512(at.cast())) }
}

/// The pair at `at` in all lanes.
///
/// # Safety
/// There are 4 bytes at `at`.
#[inline(always)]
unsafe fn repeat(at: *const u16) -> __m512bh {
    // SAFETY: by this function's own contract; both types are the same 64 bytes.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(at.cast::<i32>().read_unaligned())) }
}

/// Adds to `ROWS` rows of sums, `tiles` vectors each, one step of 32 of k: rows of `a` are `stride` apart, the tiles of
/// `b` follow one another.
///
/// # Safety
/// The processor has AVX-512 with bf16; the pointers hold what is read.
#[inline(always)]
unsafe fn step<const R: usize, const N: usize>(
    sums: &mut [[__m512; N]; R],
    a: *const u16,
    stride: usize,
    b: *const u16,
) {
    for pair in 0..TILE {
        // SAFETY: by this function's own contract.
        unsafe {
            let columns: [__m512bh; N] = std::array::from_fn(|n| load(b.add(n * TILE_VALUES + pair * WIDE)));
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = repeat(a.add(r * stride + 2 * pair));
                for (sum, column) in sums.iter_mut().zip(&columns) {
                    *sum = _mm512_dpbf16_ps(*sum, x, *column);
                }
            }
        }
    }
}

/// Hands every row of 32 columns of `x · wᵀ` to `finish`; `x` is an operand.
///
/// # Safety
/// The output of `finish` holds `rows` rounded up to whole blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn product<F: Epilogue>(
    _dots: &Avx512Bf16Gemm,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    finish: &F,
) {
    assert!(x.len() >= rows.next_multiple_of(TALL) * w.k, "an operand is smaller than its blocks");
    let steps = w.k / WIDE;
    for panel in 0..w.n / WIDE {
        let b = w.data[panel * steps * 2..][..steps * 2].as_ptr().cast::<u16>();
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: the row lies in a whole block, panel and step within the shapes that were checked.
            unsafe {
                let (block, part) = (row / TALL * TALL, row % TALL);
                let a = x.as_ptr().add(block * w.k + part * WIDE);
                let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
                for i in 0..steps {
                    step(&mut sums, a.add(i * TALL * WIDE), WIDE, b.add(i * 2 * TILE_VALUES));
                }
                for (r, sums) in sums.iter().enumerate() {
                    finish.row(block, panel * WIDE, part + r, sums[0], sums[1]);
                }
            }
        }
    }
}

/// Queries of one head times all of its keys: `columns` scores for each.
///
/// # Safety
/// The processor has AVX-512 with bf16; `queries` has rows of `size` values; `keys` and `out` hold `columns` tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn all_scores(
    queries: Strided,
    keys: *const u16,
    size: usize,
    columns: usize,
    out: *mut f32,
) {
    let steps = size / WIDE;
    for (half, tile) in halves(queries).flat_map(|half| (0..columns / TILE).map(move |tile| (half, tile))) {
        // SAFETY: by this function's own contract; every index stays below the rounded lengths.
        unsafe {
            let query = queries.at.add(half * queries.stride);
            let mut sums = [[_mm512_setzero_ps(); 1]; TILE];
            for i in 0..steps {
                let keys = keys.add((tile * steps + i) * TILE_VALUES);
                step(&mut sums, query.add(i * WIDE), queries.stride, keys);
            }
            for (r, sums) in sums.iter().enumerate() {
                _mm512_storeu_ps(out.add((half + r) * columns + tile * TILE), sums[0]);
            }
        }
    }
}

/// Rows of `weights`, as wide as they are apart, times two neighbouring tiles of values, stored side by side at `out`.
///
/// # Safety
/// The processor has AVX-512 with bf16; the pointers hold what is read and written.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn contexts(weights: Strided, values: *const u16, size: usize, out: *mut f32) {
    let depth = weights.stride;
    for row in halves(weights).flat_map(|half| (half..half + TILE).step_by(ROWS)) {
        // SAFETY: by this function's own contract.
        unsafe {
            let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
            for i in 0..depth / WIDE {
                let values = values.add(i * size / TILE * TILE_VALUES);
                step(&mut sums, weights.at.add(row * depth + i * WIDE), depth, values);
            }
            for (r, sums) in sums.iter().enumerate() {
                let to = out.add((row + r) * size);
                _mm512_storeu_ps(to, sums[0]);
                _mm512_storeu_ps(to.add(TILE), sums[1]);
            }
        }
    }
}

/// The first rows of the tiles that there are.
fn halves(rows: Strided) -> impl Iterator<Item = usize> {
    (0..=usize::from(rows.both)).map(|half| half * TILE)
}

//! Matrix products by the dot products of AVX-512-BF16: pairs of bf16 values, sixteen columns per instruction.
//!
//! A pair of values of one row, broadcast to all lanes, is multiplied with the pairs of sixteen columns. The tiles of AMX
//! have the layout that this needs. Eight rows by 32 columns are sixteen sums in registers.

use std::{arch::x86_64::*, hint::black_box};

use super::{
    backend::Strided,
    gemm::{BLOCK_ROWS, Epilogue, PANEL_COLS, STEP, TILE_ROWS, TILE_VALUES, TiledWeights},
};

/// Rows that are summed at a time.
const ROWS: usize = 8;

/// Whether the processor has AVX-512 with bf16 and the other extensions that these kernels use.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512bf16")
}

/// Whether this is an AMD processor: Zen 4 and later do twice as many bf16 as f32 multiplications per cycle.
pub(super) fn is_amd() -> bool {
    let id = __cpuid(0);
    let name = [id.ebx, id.edx, id.ecx].map(u32::to_le_bytes);
    name.as_flattened() == b"AuthenticAMD"
}

/// Proof that the processor has AVX-512 with bf16.
pub(super) struct Avx512Bf16Gemm(());

impl Avx512Bf16Gemm {
    pub(super) fn new() -> Self {
        assert!(is_available(), "this processor lacks AVX-512-BF16");
        Avx512Bf16Gemm(())
    }
}

/// Runs `steps` times twelve dot products in registers. Returns the number of multiplications and additions.
pub(super) fn run_peak_loop(_gemm: &Avx512Bf16Gemm, steps: usize) -> f64 {
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
    // SAFETY: an `Avx512Bf16Gemm` exists, so the processor has both.
    unsafe { run(steps) };
    (2 * STEP * CHAINS * steps) as f64
}

/// Loads the vector at `at` as pairs of bf16.
///
/// # Safety
/// There are 64 bytes at `at`.
#[inline(always)]
unsafe fn load(at: *const u16) -> __m512bh {
    // SAFETY: by this function's own contract; both types are the same 64 bytes.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(_mm512_loadu_si512(at.cast())) }
}

/// Broadcasts the pair at `at` to all lanes.
///
/// # Safety
/// There are 4 bytes at `at`.
#[inline(always)]
unsafe fn broadcast(at: *const u16) -> __m512bh {
    // SAFETY: by this function's own contract; both types are the same 64 bytes.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(at.cast::<i32>().read_unaligned())) }
}

/// Adds one step of 32 of k to `R` rows of `N` vectors of sums. Rows of `a` are `stride` values apart; the tiles of `b` are
/// consecutive.
///
/// # Safety
/// The processor has AVX-512 with bf16; `a` holds `R` rows of 32 values and `b` `N` tiles.
#[inline(always)]
unsafe fn step<const R: usize, const N: usize>(
    sums: &mut [[__m512; N]; R],
    a: *const u16,
    stride: usize,
    b: *const u16,
) {
    for pair in 0..TILE_ROWS {
        // SAFETY: by this function's own contract.
        unsafe {
            let columns: [__m512bh; N] = std::array::from_fn(|n| load(b.add(n * TILE_VALUES + pair * STEP)));
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = broadcast(a.add(r * stride + 2 * pair));
                for (sum, column) in sums.iter_mut().zip(&columns) {
                    *sum = _mm512_dpbf16_ps(*sum, x, *column);
                }
            }
        }
    }
}

/// Passes every row of 32 columns of `x · wᵀ` to `epilogue`; `x` is an operand.
///
/// # Safety
/// The output of `epilogue` holds `rows` rounded up to whole blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn product<F: Epilogue>(
    _dots: &Avx512Bf16Gemm,
    x: &[u16],
    rows: usize,
    w: &TiledWeights,
    epilogue: &F,
) {
    assert!(x.len() >= rows.next_multiple_of(BLOCK_ROWS) * w.k, "the operand has incomplete blocks");
    let steps = w.k / STEP;
    for panel in 0..w.n / PANEL_COLS {
        let b = w.data[panel * steps * 2..][..steps * 2].as_ptr().cast::<u16>();
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: rows, panels and steps lie within the checked shapes.
            unsafe {
                let (block, part) = (row / BLOCK_ROWS * BLOCK_ROWS, row % BLOCK_ROWS);
                let a = x.as_ptr().add(block * w.k + part * STEP);
                let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
                for i in 0..steps {
                    step(&mut sums, a.add(i * BLOCK_ROWS * STEP), STEP, b.add(i * 2 * TILE_VALUES));
                }
                for (r, sums) in sums.iter().enumerate() {
                    epilogue.row(block, panel * PANEL_COLS, part + r, sums[0], sums[1]);
                }
            }
        }
    }
}

/// The scores of queries of one head with all of its keys: `columns` for each.
///
/// # Safety
/// The processor has AVX-512 with bf16; `queries` has rows of `size` values; `keys` and `out` hold `columns` tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn scores(queries: Strided, keys: *const u16, size: usize, columns: usize, out: *mut f32) {
    let steps = size / STEP;
    for (first, tile) in
        tile_starts(queries).flat_map(|first| (0..columns / TILE_ROWS).map(move |tile| (first, tile)))
    {
        // SAFETY: by this function's own contract; every index stays below the rounded lengths.
        unsafe {
            let query = queries.start.add(first * queries.stride);
            let mut sums = [[_mm512_setzero_ps(); 1]; TILE_ROWS];
            for i in 0..steps {
                let keys = keys.add((tile * steps + i) * TILE_VALUES);
                step(&mut sums, query.add(i * STEP), queries.stride, keys);
            }
            for (r, sums) in sums.iter().enumerate() {
                _mm512_storeu_ps(out.add((first + r) * columns + tile * TILE_ROWS), sums[0]);
            }
        }
    }
}

/// Rows of `weights` (as wide as their stride) times two neighbouring tiles of values, stored side by side at `out`.
///
/// # Safety
/// The processor has AVX-512 with bf16; the pointers hold everything read and written.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn contexts(weights: Strided, values: *const u16, size: usize, out: *mut f32) {
    let depth = weights.stride;
    for row in tile_starts(weights).flat_map(|first| (first..first + TILE_ROWS).step_by(ROWS)) {
        // SAFETY: by this function's own contract.
        unsafe {
            let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
            for i in 0..depth / STEP {
                let values = values.add(i * size / TILE_ROWS * TILE_VALUES);
                step(&mut sums, weights.start.add(row * depth + i * STEP), depth, values);
            }
            for (r, sums) in sums.iter().enumerate() {
                let to = out.add((row + r) * size);
                _mm512_storeu_ps(to, sums[0]);
                _mm512_storeu_ps(to.add(TILE_ROWS), sums[1]);
            }
        }
    }
}

/// The first row of each tile.
fn tile_starts(rows: Strided) -> impl Iterator<Item = usize> {
    (0..=usize::from(rows.two_tiles)).map(|tile| tile * TILE_ROWS)
}

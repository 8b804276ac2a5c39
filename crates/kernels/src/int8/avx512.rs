//! The layers on AVX-512: rounding of operands, products by VNNI, and what scales sums that came from anywhere.

use std::arch::x86_64::*;

use super::weights::{Bytes, PackedLhs, Range, Rounded, STEP, TALL, WIDE, line};
use crate::{
    bf16::{
        gemm::{self, Epilogue, Product, operand},
        rows::activate,
    },
    microkernel::spin,
};

// Blocks and panels are those of bf16, whose finish is used.
const _: () = assert!(TALL == gemm::TALL && WIDE == gemm::WIDE);

/// Rows that are summed at a time.
const ROWS: usize = 8;

/// Whether the processor has AVX-512 with dot products of bytes.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

/// An operand that can be rounded: 32 values of a row at a time.
pub(super) trait Source: Copy {
    /// The values of `row` from `column`, a multiple of 32.
    ///
    /// # Safety
    /// The processor has AVX-512 with BW; the operand holds the row.
    unsafe fn load(self, row: usize, column: usize) -> (__m512, __m512);
}

/// f32 in rows of `k`.
#[derive(Clone, Copy)]
pub(super) struct Rows(pub(super) *const f32, pub(super) usize);

/// bf16 in blocks, of `k` columns.
#[derive(Clone, Copy)]
pub(super) struct Blocked(pub(super) *const u16, pub(super) usize);

impl Source for Rows {
    #[inline(always)]
    unsafe fn load(self, row: usize, column: usize) -> (__m512, __m512) {
        // SAFETY: by this function's own contract.
        unsafe {
            let at = self.0.add(row * self.1 + column);
            (_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(16)))
        }
    }
}

impl Source for Blocked {
    #[inline(always)]
    unsafe fn load(self, row: usize, column: usize) -> (__m512, __m512) {
        // SAFETY: by this function's own contract.
        unsafe {
            let both = _mm512_loadu_si512(self.0.add(operand(row, column, self.1)).cast());
            let widen = |half| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half)));
            (widen(_mm512_castsi512_si256(both)), widen(_mm512_extracti64x4_epi64::<1>(both)))
        }
    }
}

/// Rounds `rows` of `k` values, a multiple of 32.
///
/// # Safety
/// The processor has AVX-512 with BW; `x` holds the rows.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn round_rows<S: Source>(x: S, rows: usize, k: usize, made: &mut Rounded) {
    made.fit(rows, k);
    let steps = k.div_ceil(STEP);
    let codes = made.codes.as_mut_ptr();
    for (row, slot) in made.rows.iter_mut().enumerate().take(rows) {
        // SAFETY: the codes have room for whole blocks of whole steps, so for every line.
        unsafe {
            let (mut low, mut high) = (_mm512_setzero_ps(), _mm512_setzero_ps());
            for column in (0..k).step_by(32) {
                let (a, b) = x.load(row, column);
                low = _mm512_min_ps(low, _mm512_min_ps(a, b));
                high = _mm512_max_ps(high, _mm512_max_ps(a, b));
            }
            let range = Range::new(_mm512_reduce_min_ps(low), _mm512_reduce_max_ps(high));
            let (inverse, zero) = (_mm512_set1_ps(range.inverse), _mm512_set1_ps(range.zero));
            // Two roundings and not a fused one: the same codes as in plain Rust.
            let code = |v| _mm512_cvtps_epi32(_mm512_add_ps(_mm512_mul_ps(v, inverse), zero));
            let mut sum = _mm512_setzero_si512();
            let line = codes.add(line(row, steps));
            for column in (0..k).step_by(32) {
                let (a, b) = x.load(row, column);
                let (a, b) = (_mm512_cvtsepi32_epi8(code(a)), _mm512_cvtsepi32_epi8(code(b)));
                let both = _mm256_set_m128i(b, a);
                let wide = _mm512_zextsi256_si512(both);
                sum = _mm512_add_epi32(sum, quads(wide));
                let at = line.add(column / STEP * TALL * STEP + column % STEP);
                _mm256_storeu_si256(at.cast(), both);
            }
            if !k.is_multiple_of(STEP) {
                let at = line.add((steps - 1) * TALL * STEP + 32);
                _mm256_storeu_si256(at.cast(), _mm256_setzero_si256());
            }
            *slot = range.row(_mm512_reduce_add_epi32(sum));
        }
    }
}

/// The sums of each four neighbouring signed bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn quads(codes: __m512i) -> __m512i {
    _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_set1_epi8(1), codes), _mm512_set1_epi16(1))
}

/// Turns sums of codes, as the bits of i32, into what they stand for.
pub(super) struct Scaled<'a, F> {
    pub(super) inner: &'a F,
    pub(super) left: PackedLhs<'a>,
    pub(super) layer: &'a Bytes,
}

impl<F: Epilogue> Epilogue for Scaled<'_, F> {
    #[inline(always)]
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512) {
        // SAFETY: by this function's own contract; columns and rows of whole blocks have their scales.
        unsafe {
            let scale = self.left.rows.get_unchecked(row + r);
            let (sums, scales) = (self.layer.sums.as_ptr(), self.layer.scale.as_ptr());
            let value = |sum: __m512, column: usize| {
                let whole = _mm512_sub_epi32(_mm512_castps_si512(sum), _mm512_set1_epi32(scale.excess));
                let zero = _mm512_mul_ps(_mm512_set1_ps(scale.zero), _mm512_loadu_ps(sums.add(column)));
                let exact = _mm512_sub_ps(_mm512_cvtepi32_ps(whole), zero);
                let by = _mm512_mul_ps(_mm512_set1_ps(scale.scale), _mm512_loadu_ps(scales.add(column)));
                _mm512_mul_ps(exact, by)
            };
            self.inner.row(row, column, r, value(a, column), value(b, column + 16));
        }
    }
}

/// Bias and activation, into f32 rows of `n`.
struct Plain<'a, const ACT: u8> {
    bias: &'a [f32],
    out: *mut f32,
}

impl<const ACT: u8> Epilogue for Plain<'_, ACT> {
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512) {
        // SAFETY: by this function's own contract; the bias has `n` values.
        unsafe {
            let bias = self.bias.as_ptr().add(column);
            let at = self.out.add((row + r) * self.bias.len() + column);
            _mm512_storeu_ps(at, activate::<ACT>(_mm512_add_ps(a, _mm512_loadu_ps(bias))));
            let b = _mm512_add_ps(b, _mm512_loadu_ps(bias.add(16)));
            _mm512_storeu_ps(at.add(16), activate::<ACT>(b));
        }
    }
}

/// `out = act(product + bias)` in f32 rows.
pub(super) fn plain<'a, const ACT: u8>(product: impl Product<'a>, out: &mut [f32]) {
    let (rows, bias) = product.shape();
    assert!(out.len() >= rows.next_multiple_of(TALL) * bias.len(), "a buffer is smaller than its blocks");
    // SAFETY: the output holds whole blocks.
    unsafe { product.run(&Plain::<ACT> { bias, out: out.as_mut_ptr() }) };
}

/// Hands every row of 32 columns of the product of codes to `finish`, as the bits of i32.
///
/// # Safety
/// The processor has AVX-512 with VNNI, and what `finish` needs; its output holds whole blocks.
#[inline(always)]
unsafe fn product<F: Epilogue>(x: PackedLhs<'_>, rows: usize, w: &Bytes, finish: &F) {
    let steps = w.steps();
    assert!(
        x.codes.len() >= rows.next_multiple_of(TALL) * steps * STEP,
        "an operand is smaller than its blocks"
    );
    for (panel, tiles) in w.tiles.chunks_exact(2 * steps).enumerate() {
        let tiles = tiles.as_ptr().cast::<u8>();
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: the row lies in a whole block, panel and step within the shapes that were checked.
            unsafe {
                let a = x.codes.as_ptr().add(line(row, steps));
                let mut sums = [[_mm512_setzero_si512(); 2]; ROWS];
                for i in 0..steps {
                    let (a, b) = (a.add(i * TALL * STEP), tiles.add(i * 2 * STEP * 16));
                    for quad in 0..16 {
                        let columns: [__m512i; 2] = std::array::from_fn(|n| {
                            _mm512_loadu_si512(b.add(n * STEP * 16 + quad * STEP).cast())
                        });
                        for (r, sums) in sums.iter_mut().enumerate() {
                            let x = a.add(r * STEP + 4 * quad).cast::<i32>().read_unaligned();
                            for (sum, column) in sums.iter_mut().zip(&columns) {
                                *sum = _mm512_dpbusd_epi32(*sum, *column, _mm512_set1_epi32(x));
                            }
                        }
                    }
                }
                for (r, sums) in sums.iter().enumerate() {
                    let [a, b] = sums.map(|s| _mm512_castsi512_ps(s));
                    finish.row(row / TALL * TALL, panel * WIDE, row % TALL + r, a, b);
                }
            }
        }
    }
}

/// As [`product`], for a finish that rounds to bf16.
///
/// # Safety
/// As for [`product`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512bf16")]
pub(super) unsafe fn product_bf16<F: Epilogue>(x: PackedLhs<'_>, rows: usize, w: &Bytes, finish: &F) {
    // SAFETY: by this function's own contract.
    unsafe { product(x, rows, w, finish) };
}

/// As [`product`], for a finish that needs no more than AVX-512F.
///
/// # Safety
/// As for [`product`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn product_f32<F: Epilogue>(x: PackedLhs<'_>, rows: usize, w: &Bytes, finish: &F) {
    // SAFETY: by this function's own contract.
    unsafe { product(x, rows, w, finish) };
}

spin!(
    spin,
    "avx512f,avx512vnni",
    12,
    STEP,
    (_mm512_set1_epi8, 77, -3),
    (_mm512_set1_epi32, 1),
    _mm512_dpbusd_epi32
);

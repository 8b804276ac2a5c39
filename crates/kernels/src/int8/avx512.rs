//! AVX-512 for int8 layers: quantization of operands, products by VNNI, and the dequantizing epilogue.

use std::arch::x86_64::*;

use super::weights::{
    BLOCK_ROWS, Int8Weights, PANEL_COLS, PackedLhs, QuantizedLhs, RowQuantizer, STEP, line_offset,
};
use crate::{
    bf16::{
        gemm::{self, Epilogue, Product, operand_offset},
        vector_ops::activate,
    },
    microkernel::peak_loop,
};

// The epilogues of bf16 are used, so blocks and panels must be the same.
const _: () = assert!(BLOCK_ROWS == gemm::BLOCK_ROWS && PANEL_COLS == gemm::PANEL_COLS);

/// Rows that are summed at a time.
const ROWS: usize = 8;

/// Whether the processor has AVX-512 with VNNI.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

/// An operand to quantize, read as 32 values of a row at a time.
pub(super) trait LoadOperand: Copy {
    /// The values of `row` from `column` on, a multiple of 32.
    ///
    /// # Safety
    /// The processor has AVX-512 with BW; the operand holds the row.
    unsafe fn load(self, row: usize, column: usize) -> (__m512, __m512);
}

/// Row-major f32: a pointer and the number of columns.
#[derive(Clone, Copy)]
pub(super) struct RowMajorF32(pub(super) *const f32, pub(super) usize);

/// bf16 in the blocks of an operand: a pointer and the number of columns.
#[derive(Clone, Copy)]
pub(super) struct BlockedBf16(pub(super) *const u16, pub(super) usize);

impl LoadOperand for RowMajorF32 {
    #[inline(always)]
    unsafe fn load(self, row: usize, column: usize) -> (__m512, __m512) {
        // SAFETY: by this function's own contract.
        unsafe {
            let at = self.0.add(row * self.1 + column);
            (_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(16)))
        }
    }
}

impl LoadOperand for BlockedBf16 {
    #[inline(always)]
    unsafe fn load(self, row: usize, column: usize) -> (__m512, __m512) {
        // SAFETY: by this function's own contract.
        unsafe {
            let both = _mm512_loadu_si512(self.0.add(operand_offset(row, column, self.1)).cast());
            let widen = |half| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half)));
            (widen(_mm512_castsi512_si256(both)), widen(_mm512_extracti64x4_epi64::<1>(both)))
        }
    }
}

/// Quantizes `rows` of `k` values, a multiple of 32.
///
/// # Safety
/// The processor has AVX-512 with BW; `x` holds the rows.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn quantize_rows<S: LoadOperand>(x: S, rows: usize, k: usize, lhs: &mut QuantizedLhs) {
    lhs.grow(rows, k);
    let steps = k.div_ceil(STEP);
    let codes = lhs.codes.as_mut_ptr();
    for (row, slot) in lhs.rows.iter_mut().enumerate().take(rows) {
        // SAFETY: `codes` holds whole blocks of whole steps.
        unsafe {
            let (mut min, mut max) = (_mm512_setzero_ps(), _mm512_setzero_ps());
            for column in (0..k).step_by(32) {
                let (a, b) = x.load(row, column);
                min = _mm512_min_ps(min, _mm512_min_ps(a, b));
                max = _mm512_max_ps(max, _mm512_max_ps(a, b));
            }
            let quantizer = RowQuantizer::new(_mm512_reduce_min_ps(min), _mm512_reduce_max_ps(max));
            let inverse_scale = _mm512_set1_ps(quantizer.inverse_scale);
            let zero_point = _mm512_set1_ps(quantizer.zero_point);
            // Not a fused multiply-add: its single rounding would give other codes than plain Rust.
            let code = |v| _mm512_cvtps_epi32(_mm512_add_ps(_mm512_mul_ps(v, inverse_scale), zero_point));
            let mut sum = _mm512_setzero_si512();
            let line = codes.add(line_offset(row, steps));
            for column in (0..k).step_by(32) {
                let (a, b) = x.load(row, column);
                let (a, b) = (_mm512_cvtsepi32_epi8(code(a)), _mm512_cvtsepi32_epi8(code(b)));
                let both = _mm256_set_m128i(b, a);
                let wide = _mm512_zextsi256_si512(both);
                sum = _mm512_add_epi32(sum, sum_quads(wide));
                let at = line.add(column / STEP * BLOCK_ROWS * STEP + column % STEP);
                _mm256_storeu_si256(at.cast(), both);
            }
            if !k.is_multiple_of(STEP) {
                let at = line.add((steps - 1) * BLOCK_ROWS * STEP + 32);
                _mm256_storeu_si256(at.cast(), _mm256_setzero_si256());
            }
            *slot = quantizer.finish(_mm512_reduce_add_epi32(sum));
        }
    }
}

/// The sum of every four neighbouring signed bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn sum_quads(codes: __m512i) -> __m512i {
    _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_set1_epi8(1), codes), _mm512_set1_epi16(1))
}

/// An epilogue that converts sums of codes (the bits of i32) to real numbers for another epilogue.
pub(super) struct Dequantize<'a, F> {
    pub(super) epilogue: &'a F,
    pub(super) lhs: PackedLhs<'a>,
    pub(super) weights: &'a Int8Weights,
}

impl<F: Epilogue> Epilogue for Dequantize<'_, F> {
    #[inline(always)]
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512) {
        // SAFETY: by this function's own contract; rows and columns of whole blocks have scales.
        unsafe {
            let quantization = self.lhs.rows.get_unchecked(row + r);
            let (code_sums, scales) = (self.weights.code_sums.as_ptr(), self.weights.scales.as_ptr());
            let value = |sum: __m512, column: usize| {
                let unbiased = _mm512_sub_epi32(
                    _mm512_castps_si512(sum),
                    _mm512_set1_epi32(quantization.bias_correction),
                );
                let zero = _mm512_mul_ps(
                    _mm512_set1_ps(quantization.zero_point),
                    _mm512_loadu_ps(code_sums.add(column)),
                );
                let exact = _mm512_sub_ps(_mm512_cvtepi32_ps(unbiased), zero);
                let scale =
                    _mm512_mul_ps(_mm512_set1_ps(quantization.scale), _mm512_loadu_ps(scales.add(column)));
                _mm512_mul_ps(exact, scale)
            };
            self.epilogue.row(row, column, r, value(a, column), value(b, column + 16));
        }
    }
}

/// Adds the bias, applies the activation `ACT` and stores f32 rows.
struct StoreF32<'a, const ACT: u8> {
    bias: &'a [f32],
    out: *mut f32,
}

impl<const ACT: u8> Epilogue for StoreF32<'_, ACT> {
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
pub(super) fn store_rows_f32<'a, const ACT: u8>(product: impl Product<'a>, out: &mut [f32]) {
    let (rows, bias) = product.shape();
    assert!(out.len() >= rows.next_multiple_of(BLOCK_ROWS) * bias.len(), "the output has incomplete blocks");
    // SAFETY: the output holds whole blocks.
    unsafe { product.run(&StoreF32::<ACT> { bias, out: out.as_mut_ptr() }) };
}

/// Passes every row of 32 columns of the product of codes to `epilogue`, as the bits of i32.
///
/// # Safety
/// The processor has AVX-512 with VNNI and the features that `epilogue` needs; its output holds whole blocks.
#[inline(always)]
unsafe fn product<F: Epilogue>(x: PackedLhs<'_>, rows: usize, w: &Int8Weights, epilogue: &F) {
    let steps = w.steps();
    assert!(
        x.codes.len() >= rows.next_multiple_of(BLOCK_ROWS) * steps * STEP,
        "the operand has incomplete blocks"
    );
    for (panel, tiles) in w.tiles.chunks_exact(2 * steps).enumerate() {
        let tiles = tiles.as_ptr().cast::<u8>();
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: rows, panels and steps lie within the checked shapes.
            unsafe {
                let a = x.codes.as_ptr().add(line_offset(row, steps));
                let mut sums = [[_mm512_setzero_si512(); 2]; ROWS];
                for i in 0..steps {
                    let (a, b) = (a.add(i * BLOCK_ROWS * STEP), tiles.add(i * 2 * STEP * 16));
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
                    epilogue.row(
                        row / BLOCK_ROWS * BLOCK_ROWS,
                        panel * PANEL_COLS,
                        row % BLOCK_ROWS + r,
                        a,
                        b,
                    );
                }
            }
        }
    }
}

/// Like [`product`], for an epilogue that rounds to bf16.
///
/// # Safety
/// As for [`product`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512bf16")]
pub(super) unsafe fn product_bf16<F: Epilogue>(x: PackedLhs<'_>, rows: usize, w: &Int8Weights, epilogue: &F) {
    // SAFETY: by this function's own contract.
    unsafe { product(x, rows, w, epilogue) };
}

/// Like [`product`], for an epilogue that needs only AVX-512F.
///
/// # Safety
/// As for [`product`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn product_f32<F: Epilogue>(x: PackedLhs<'_>, rows: usize, w: &Int8Weights, epilogue: &F) {
    // SAFETY: by this function's own contract.
    unsafe { product(x, rows, w, epilogue) };
}

peak_loop!(
    peak,
    "avx512f,avx512vnni",
    12,
    STEP,
    (_mm512_set1_epi8, 77, -3),
    (_mm512_set1_epi32, 1),
    _mm512_dpbusd_epi32
);

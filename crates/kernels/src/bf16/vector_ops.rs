//! AVX-512 operations on rows: activation, layer norm, softmax, rounding to bf16.

use std::{arch::x86_64::*, ops::Range};

use super::gemm::operand_offset;
use crate::kernels::LayerNorm;

/// Piecewise cubic polynomials of GELU(x) − x/2, which is an even function: `GELU_PARTS[k][i]` is the coefficient of |x|ᵏ
/// where |x| is nearest to i/3. Fitted by minimax to a double-precision error function, through 0 at 0; the last piece is
/// |x|/2. The error is below 5e-6, less than a hundredth of that of rounding to bf16. One vector holds the sixteen
/// coefficients of a power, so this takes two thirds of the instructions of a single polynomial with an error of 1.1e-5.
static GELU_PARTS: [[f32; 16]; 4] = [
    [
        0.0,
        0.000_513_902_6,
        0.005_382_436_3,
        -0.000_110_269_655,
        -0.065_712_37,
        -0.223_690_66,
        -0.426_948_52,
        -0.571_716_5,
        -0.585_450_2,
        -0.479_636_55,
        -0.323_112_55,
        -0.182_259_26,
        -0.087_186_84,
        -0.035_701_84,
        -0.012_603_075,
        0.0,
    ],
    [
        -0.000_055_703_5,
        -0.007_261_366_6,
        -0.037_247_356,
        -0.020_718_891,
        0.144_905,
        0.460_255_32,
        0.794_717_7,
        0.997_820_56,
        1.016_194_5,
        0.904_824_7,
        0.756_376_15,
        0.635_215_16,
        0.560_448_8,
        0.523_169_2,
        0.507_674_16,
        0.5,
    ],
    [
        0.400_976_12,
        0.435_813_5,
        0.498_507_77,
        0.482_487_8,
        0.342_700_24,
        0.132_449_12,
        -0.051_250_465,
        -0.146_312_18,
        -0.154_428_12,
        -0.115_335_93,
        -0.068_384_83,
        -0.033_631_47,
        -0.014_026_491,
        -0.005_026_377_3,
        -0.001_560_879_2,
        0.0,
    ],
    [
        -0.021_134_11,
        -0.080_803_9,
        -0.125_224_38,
        -0.120_315_805,
        -0.080_869_61,
        -0.034_049_39,
        -0.000_373_384_48,
        0.014_469_865,
        0.015_655_406,
        0.011_079_131,
        0.006_127_029,
        0.002_802_978_7,
        0.001_088_887_1,
        0.000_364_436_24,
        0.000_106_029_22,
        0.0,
    ],
];

/// Activation functions as constants, for loops that are compiled once for each.
pub(crate) const NONE: u8 = 0;
pub(crate) const GELU: u8 = 1;
pub(crate) const GELU_TANH: u8 = 2;
pub(crate) const RELU: u8 = 3;

/// Applies the activation function `ACT`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn activate<const ACT: u8>(x: __m512) -> __m512 {
    match ACT {
        GELU => gelu(x),
        GELU_TANH => gelu_tanh(x),
        RELU => _mm512_max_ps(x, _mm512_setzero_ps()),
        _ => x,
    }
}

/// GELU by the error function.
#[inline]
#[target_feature(enable = "avx512f")]
fn gelu(x: __m512) -> __m512 {
    let size = _mm512_abs_ps(x);
    let clamped = _mm512_min_ps(size, _mm512_set1_ps(5.0));
    // Adding 2²³ puts the nearest integer into the lowest bits; the permutation uses four of them.
    let part = _mm512_fmadd_ps(clamped, _mm512_set1_ps(3.0), _mm512_set1_ps(8_388_608.0));
    let part = _mm512_castps_si512(part);
    // SAFETY: each row of the table has sixteen values.
    let coefficient =
        |k: usize| unsafe { _mm512_permutexvar_ps(part, _mm512_loadu_ps(GELU_PARTS[k].as_ptr())) };
    let mut p = coefficient(3);
    for k in (0..3).rev() {
        p = _mm512_fmadd_ps(p, size, coefficient(k));
    }
    _mm512_fmadd_ps(x, _mm512_set1_ps(0.5), p)
}

/// GELU by its tanh approximation: x · (1 − 1 / (2^(v · 2√(2/π)·log₂e) + 1)).
#[inline]
#[target_feature(enable = "avx512f")]
fn gelu_tanh(x: __m512) -> __m512 {
    let one = _mm512_set1_ps(1.0);
    let cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
    let v = _mm512_fmadd_ps(cube, _mm512_set1_ps(0.044_715), x);
    let e = exp2(_mm512_min_ps(_mm512_mul_ps(v, _mm512_set1_ps(2.302_208_2)), _mm512_set1_ps(120.0)));
    _mm512_mul_ps(x, _mm512_sub_ps(one, _mm512_div_ps(one, _mm512_add_ps(e, one))))
}

/// 2^x with a relative error of 3e-6.
#[inline]
#[target_feature(enable = "avx512f")]
fn exp2(x: __m512) -> __m512 {
    let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    let f = _mm512_sub_ps(x, n);
    // Minimax polynomial on [-1/2, 1/2].
    let p = _mm512_set1_ps(0.009_570_101);
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.055_917_86));
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.240_247_44));
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693_121_8));
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999_999_3));
    _mm512_scalef_ps(p, n)
}

/// Rounds 32 values to bf16 and stores them.
///
/// # Safety
/// `out` has room for 32 values.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn store_bf16(out: *mut u16, low: __m512, high: __m512) {
    let both = _mm512_cvtne2ps_pbh(high, low);
    // SAFETY: by this function's own contract; `__m512bh` and `__m512i` are the same 64 bytes.
    unsafe { _mm512_storeu_si512(out.cast(), std::mem::transmute::<__m512bh, __m512i>(both)) };
}

/// `row = layer_norm(row + input_bias)`, and the same as bf16 in the operand whose first value of this row is at `out`.
///
/// # Safety
/// The processor has AVX-512 with bf16. `row` and the parameters have the same length, a multiple of 32; `out` holds a
/// whole block from its start on.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn layer_norm(row: &mut [f32], norm: &LayerNorm, out: &mut [u16]) {
    let n = row.len();
    let scale = 1.0 / n as f32;
    let row = row.as_mut_ptr();
    let (bias, gamma, beta) = (norm.input_bias.as_ptr(), norm.gamma.as_ptr(), norm.beta.as_ptr());
    // SAFETY: i + 16 ≤ n, the length of all of them, and the block of `out` holds this row's part of each step.
    unsafe {
        // Mean and variance in one pass, shifted by a value of the row: without the shift, rows far from zero would suffer
        // cancellation (Chan, Golub and LeVeque, 1983).
        let pivot = _mm512_set1_ps(*row + *bias);
        let zero = _mm512_setzero_ps();
        let (mut sums, mut squares) = ([zero; 2], [zero; 2]);
        for i in (0..n).step_by(32) {
            for half in 0..2 {
                let offset = i + 16 * half;
                let x = _mm512_add_ps(_mm512_loadu_ps(row.add(offset)), _mm512_loadu_ps(bias.add(offset)));
                _mm512_storeu_ps(row.add(offset), x);
                let x = _mm512_sub_ps(x, pivot);
                sums[half] = _mm512_add_ps(sums[half], x);
                squares[half] = _mm512_fmadd_ps(x, x, squares[half]);
            }
        }
        let mean_of = |[a, b]: [__m512; 2]| _mm512_reduce_add_ps(_mm512_add_ps(a, b)) * scale;
        let shifted = mean_of(sums);
        let variance = (mean_of(squares) - shifted * shifted).max(0.0);
        let mean = _mm512_add_ps(pivot, _mm512_set1_ps(shifted));
        let inverse = _mm512_set1_ps(1.0 / (variance + norm.eps).sqrt());
        for i in (0..n).step_by(32) {
            let value = |i: usize| {
                let centred = _mm512_sub_ps(_mm512_loadu_ps(row.add(i)), mean);
                let scaled = _mm512_mul_ps(centred, inverse);
                _mm512_fmadd_ps(scaled, _mm512_loadu_ps(gamma.add(i)), _mm512_loadu_ps(beta.add(i)))
            };
            let (a, b) = (value(i), value(i + 16));
            _mm512_storeu_ps(row.add(i), a);
            _mm512_storeu_ps(row.add(i + 16), b);
            store_bf16(out.as_mut_ptr().add(operand_offset(0, i, n)), a, b);
        }
    }
}

/// Sums of powers in this range need no shift: nothing overflowed, and the largest term is a normal number.
const SAFE_SUMS: Range<f32> = 1e-20..1e30;

/// `weights = 2^(scores − shift)` in bf16, zero from `len` to `depth`. Returns their sum before rounding. The shift, which
/// cancels out when weights are divided by their sum, is zero where that is safe, otherwise the maximum score.
///
/// # Safety
/// The processor has AVX-512 with bf16. `scores` holds `len` values rounded up to 16, `weights` holds `depth`, a multiple
/// of 32.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn softmax(scores: *const f32, len: usize, weights: *mut u16, depth: usize) -> f32 {
    // SAFETY: by this function's own contract.
    unsafe {
        let sum = powers::<false>(scores, len, _mm512_setzero_ps(), weights, depth);
        if SAFE_SUMS.contains(&sum) { sum } else { softmax_shifted(scores, len, weights, depth) }
    }
}

/// Like [`softmax`], shifted by the maximum score.
///
/// # Safety
/// As for [`softmax`].
#[cold]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn softmax_shifted(scores: *const f32, len: usize, weights: *mut u16, depth: usize) -> f32 {
    // SAFETY: by this function's own contract.
    unsafe {
        let max = (0..len).map(|i| *scores.add(i)).fold(f32::MIN, f32::max);
        powers::<true>(scores, len, _mm512_set1_ps(max), weights, depth)
    }
}

/// The powers of [`softmax`] and their sum.
///
/// # Safety
/// As for [`softmax`].
#[inline(always)]
unsafe fn powers<const SHIFT: bool>(
    scores: *const f32,
    len: usize,
    shift: __m512,
    weights: *mut u16,
    depth: usize,
) -> f32 {
    // SAFETY: by this function's own contract; lanes past `len` are masked, and vectors past the rounded length are not read.
    unsafe {
        // Finite: the power is then 0, not the NaN of ∞ − ∞.
        let low = _mm512_set1_ps(-1e30);
        let load = |i: usize| {
            let x = match len.saturating_sub(i) {
                0 => low,
                n if n >= 16 => _mm512_loadu_ps(scores.add(i)),
                n => _mm512_mask_loadu_ps(low, (1 << n) - 1, scores.add(i)),
            };
            if SHIFT { _mm512_sub_ps(x, shift) } else { x }
        };
        let mut sum = _mm512_setzero_ps();
        for i in (0..depth).step_by(32) {
            let a = exp2(load(i));
            let b = if i + 16 < len { exp2(load(i + 16)) } else { _mm512_setzero_ps() };
            sum = _mm512_add_ps(sum, _mm512_add_ps(a, b));
            store_bf16(weights.add(i), a, b);
        }
        _mm512_reduce_add_ps(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::phi;

    #[target_feature(enable = "avx512f")]
    fn gelu_of(values: [f32; 16]) -> [f32; 16] {
        let mut out = [0.0; 16];
        // SAFETY: both have sixteen values.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), gelu(_mm512_loadu_ps(values.as_ptr()))) };
        out
    }

    #[test]
    fn gelu_is_accurate_in_every_piece() {
        // Like the reference tests, this runs where the processor has the instructions.
        if !is_x86_feature_detected!("avx512f") {
            return;
        }
        // SAFETY: the processor has it.
        let of = |values| unsafe { gelu_of(values) };
        for i in -6000..6000 {
            let values = std::array::from_fn(|lane| (i as f32 + lane as f32 / 16.0) / 1000.0);
            for (x, y) in values.iter().map(|x| f64::from(*x)).zip(of(values)) {
                assert!((f64::from(y) - x * phi(x)).abs() < 5e-6, "{x}: {y}");
            }
        }
        assert_eq!(of([0.0; 16]), [0.0; 16]);
        assert_eq!(of([1e20; 16]), [1e20; 16]);
        assert_eq!(of([-1e20; 16]), [0.0; 16]);
        assert!(of([f32::NAN; 16])[0].is_nan());
    }
}

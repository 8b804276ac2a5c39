//! Operations on vectors between the tile products: activation, layer norm, softmax.

use std::{arch::x86_64::*, ops::Range};

use super::gemm::operand;
use crate::device::kernels::Norm;

/// Φ(x) − 1/2 = x · P(x²), fitted (minimax of the error of GELU) on |x| ≤ 5 in u = x²·2/25 − 1; the error of GELU is
/// below 1.1e-5, a hundredth of what rounding its result to bf16 costs.
const GELU_FIT: [f32; 11] = [
    0.141_364_3,
    -0.070_300_52,
    0.051_488_01,
    -0.040_319_17,
    0.031_744_145,
    -0.024_215_158,
    0.015_547_925,
    -0.008_329_831,
    0.007_021_224,
    -0.006_278_012_4,
    0.002_277_308,
];

/// Activations as constants, for loops that are compiled once for each.
pub(in crate::device) const NONE: u8 = 0;
pub(in crate::device) const GELU: u8 = 1;
pub(in crate::device) const GELU_TANH: u8 = 2;
pub(in crate::device) const RELU: u8 = 3;

/// One of the activations.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::device) fn activate<const ACT: u8>(x: __m512) -> __m512 {
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
    let c = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(5.0)), _mm512_set1_ps(-5.0));
    let u = _mm512_fmadd_ps(_mm512_mul_ps(c, c), _mm512_set1_ps(2.0 / 25.0), _mm512_set1_ps(-1.0));
    let mut p = _mm512_set1_ps(GELU_FIT[10]);
    for &a in GELU_FIT[..10].iter().rev() {
        p = _mm512_fmadd_ps(p, u, _mm512_set1_ps(a));
    }
    _mm512_mul_ps(x, _mm512_fmadd_ps(c, p, _mm512_set1_ps(0.5)))
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

/// 2^x, to 3e-6 relative.
#[inline]
#[target_feature(enable = "avx512f")]
fn exp2(x: __m512) -> __m512 {
    let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    let f = _mm512_sub_ps(x, n);
    // Minimax on [-1/2, 1/2].
    let p = _mm512_set1_ps(0.009_570_101);
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.055_917_86));
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.240_247_44));
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693_121_8));
    let p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999_999_3));
    _mm512_scalef_ps(p, n)
}

/// Thirty-two values rounded to bf16 and stored.
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

/// `row = norm(row + bias)`, and the same as bf16 in the operand that has this row's first value at `out`.
///
/// # Safety
/// `row` and the norm's vectors have one length, a multiple of 32; `out` holds a whole block from there on.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn layer_norm(row: &mut [f32], norm: &Norm, out: &mut [u16]) {
    let n = row.len();
    let scale = 1.0 / n as f32;
    let row = row.as_mut_ptr();
    let (bias, weight, shift) = (norm.bias.as_ptr(), norm.weight.as_ptr(), norm.shift.as_ptr());
    // SAFETY: i + 16 ≤ n, the length of each of them, and the block of `out` holds this row's part of each step.
    unsafe {
        let (mut s0, mut s1) = (_mm512_setzero_ps(), _mm512_setzero_ps());
        for i in (0..n).step_by(32) {
            let a = _mm512_add_ps(_mm512_loadu_ps(row.add(i)), _mm512_loadu_ps(bias.add(i)));
            let b = _mm512_add_ps(_mm512_loadu_ps(row.add(i + 16)), _mm512_loadu_ps(bias.add(i + 16)));
            _mm512_storeu_ps(row.add(i), a);
            _mm512_storeu_ps(row.add(i + 16), b);
            s0 = _mm512_add_ps(s0, a);
            s1 = _mm512_add_ps(s1, b);
        }
        let mean = _mm512_set1_ps(_mm512_reduce_add_ps(_mm512_add_ps(s0, s1)) * scale);
        (s0, s1) = (_mm512_setzero_ps(), _mm512_setzero_ps());
        for i in (0..n).step_by(32) {
            let a = _mm512_sub_ps(_mm512_loadu_ps(row.add(i)), mean);
            let b = _mm512_sub_ps(_mm512_loadu_ps(row.add(i + 16)), mean);
            s0 = _mm512_fmadd_ps(a, a, s0);
            s1 = _mm512_fmadd_ps(b, b, s1);
        }
        let variance = _mm512_reduce_add_ps(_mm512_add_ps(s0, s1)) * scale;
        let inverse = _mm512_set1_ps(1.0 / (variance + norm.eps).sqrt());
        for i in (0..n).step_by(32) {
            let value = |i: usize| {
                let centred = _mm512_sub_ps(_mm512_loadu_ps(row.add(i)), mean);
                let scaled = _mm512_mul_ps(centred, inverse);
                _mm512_fmadd_ps(scaled, _mm512_loadu_ps(weight.add(i)), _mm512_loadu_ps(shift.add(i)))
            };
            let (a, b) = (value(i), value(i + 16));
            _mm512_storeu_ps(row.add(i), a);
            _mm512_storeu_ps(row.add(i + 16), b);
            store_bf16(out.as_mut_ptr().add(operand(0, i, n)), a, b);
        }
    }
}

/// Sums of powers between these need no shift: nothing overflowed, and the largest term is no subnormal number.
const PLAIN: Range<f32> = 1e-20..1e30;

/// `weights = 2^(scores − shift)` in bf16, zero from `len` to `depth`; their sum before rounding. The shift, which
/// falls out when weights are divided by their sum, is zero where that is safe, else the highest score.
///
/// # Safety
/// `scores` holds `len` values rounded up to 16, `weights` room for `depth`, a multiple of 32.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn softmax(scores: *const f32, len: usize, weights: *mut u16, depth: usize) -> f32 {
    // SAFETY: by this function's own contract.
    unsafe {
        let sum = powers::<false>(scores, len, _mm512_setzero_ps(), weights, depth);
        if PLAIN.contains(&sum) { sum } else { shifted(scores, len, weights, depth) }
    }
}

/// As [`softmax`], with the highest score for a shift.
///
/// # Safety
/// As for [`softmax`].
#[cold]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn shifted(scores: *const f32, len: usize, weights: *mut u16, depth: usize) -> f32 {
    // SAFETY: by this function's own contract.
    unsafe {
        let max = (0..len).map(|i| *scores.add(i)).fold(f32::MIN, f32::max);
        powers::<true>(scores, len, _mm512_set1_ps(max), weights, depth)
    }
}

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
    // SAFETY: by this function's own contract; lanes past `len` are masked, and vectors past its rounding not read.
    unsafe {
        // Finite, so that its power is 0 and not the NaN of ∞ − ∞.
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
            let (a, b) = (exp2(load(i)), exp2(load(i + 16)));
            sum = _mm512_add_ps(sum, _mm512_add_ps(a, b));
            store_bf16(weights.add(i), a, b);
        }
        _mm512_reduce_add_ps(sum)
    }
}

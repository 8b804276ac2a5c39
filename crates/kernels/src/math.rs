//! Row operations in plain Rust, compiled once for each instruction set.
//!
//! They have no branches, so that the compiler vectorizes them to any width. Sums run in sixteen fixed lanes, so that
//! every width gives the same bits. `FMA` selects fused multiply-adds: on a processor without the instruction each would
//! be a function call.

use super::kernels::{Activation, LayerNorm};

/// `a · b + c`.
#[inline(always)]
fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// 2^x for x ≤ 127 with a relative error of 2e-7; 0 below -126.5; NaN for NaN.
#[inline(always)]
fn exp2<const FMA: bool>(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // One instruction, unlike `max`. For -127 the exponent bits become those of zero.
    let x = if -127.0 > x { -127.0 } else { x };
    let shifted = x + ROUND;
    let f = x - (shifted - ROUND);
    // Minimax polynomial on [-1/2, 1/2].
    let p = 0.001_327_647_1;
    let p = multiply_add::<FMA>(p, f, 0.009_675_541);
    let p = multiply_add::<FMA>(p, f, 0.055_507_13);
    let p = multiply_add::<FMA>(p, f, 0.240_221_2);
    let p = multiply_add::<FMA>(p, f, 0.693_146_94);
    let p = multiply_add::<FMA>(p, f, 1.0);
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// Coefficients of P in Φ(x) − 1/2 = x · P(u) with u = x²·2/5.25² − 1, for |x| ≤ 5.25, fitted by minimax of the error of
/// GELU, which is below 6e-7.
const GELU: [f32; 15] = [
    0.134_659_35,
    -0.067_126_77,
    0.049_645_677,
    -0.039_764_877,
    0.032_033_976,
    -0.025_027_584,
    0.018_517_753,
    -0.012_834_435,
    0.008_496_079,
    -0.005_331_748,
    0.002_747_224_4,
    -0.001_148_633_8,
    0.000_794_797_2,
    -0.000_617_828_9,
    0.000_195_109_7,
];

#[inline(always)]
fn clamp(x: f32) -> f32 {
    x.clamp(-5.25, 5.25)
}

/// GELU of `N` values. Their polynomials are evaluated step by step together, since each step depends on the one before.
#[inline(always)]
fn gelu<const FMA: bool, const N: usize>(values: &mut [f32; N]) {
    let mut u = [0f32; N];
    for i in 0..N {
        let c = clamp(values[i]);
        u[i] = multiply_add::<FMA>(c * c, 2.0 / (5.25 * 5.25), -1.0);
    }
    let mut p = [GELU[14]; N];
    for &a in GELU[..14].iter().rev() {
        for i in 0..N {
            p[i] = multiply_add::<FMA>(p[i], u[i], a);
        }
    }
    for i in 0..N {
        values[i] *= multiply_add::<FMA>(clamp(values[i]), p[i], 0.5);
    }
}

/// √(2/π) · 2 · log₂e, so that tanh(√(2/π)·v) = 1 − 2/(2^(v · this) + 1).
const TANH: f32 = 2.302_208_2;

#[inline(always)]
fn gelu_tanh<const FMA: bool>(x: f32) -> f32 {
    let v = (x + 0.044_715 * x * x * x) * TANH;
    let e = exp2::<FMA>(v.min(120.0));
    x * (1.0 - 1.0 / (e + 1.0))
}

/// Applies `act` to each value.
#[inline(always)]
pub(super) fn activate<const FMA: bool>(act: Activation, values: &mut [f32]) {
    match act {
        Activation::Gelu => {
            let (blocks, rest) = values.as_chunks_mut::<{ 2 * LANES }>();
            for block in blocks {
                gelu::<FMA, _>(block);
            }
            for x in rest {
                gelu::<FMA, 1>(std::array::from_mut(x));
            }
        }
        Activation::GeluTanh => values.iter_mut().for_each(|x| *x = gelu_tanh::<FMA>(*x)),
        Activation::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
    }
}

/// Values that are processed together, whatever the width of a vector.
pub(super) const LANES: usize = 16;

/// The sum of `f` over a row, accumulated in fixed lanes.
#[inline(always)]
fn sum(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|&x| f(x)).sum();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += f(chunk[i]);
        }
    }
    reduce(lanes, |a, b| a + b) + rest
}

/// Combines the lanes pairwise by `f`.
#[inline(always)]
fn reduce(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = f(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Softmax in base 2 of the first `len` values of each row of `stride` values, a multiple of [`LANES`]. The values after
/// them become 0 up to whole lanes: a scalar remainder would take longer than the vectors.
#[inline(always)]
pub(super) fn softmax<const FMA: bool>(rows: &mut [f32], stride: usize, len: usize) {
    for row in rows.chunks_exact_mut(stride) {
        let row = &mut row[..len.next_multiple_of(LANES)];
        row[len..].fill(f32::NEG_INFINITY);
        let row = row.as_chunks_mut::<LANES>().0;
        let mut max = [f32::NEG_INFINITY; LANES];
        for chunk in &*row {
            for i in 0..LANES {
                max[i] = larger(max[i], chunk[i]);
            }
        }
        let max = reduce(max, larger);
        let mut sums = [0f32; LANES];
        for chunk in &mut *row {
            for i in 0..LANES {
                chunk[i] = exp2::<FMA>(chunk[i] - max);
                sums[i] += chunk[i];
            }
        }
        let scale = 1.0 / reduce(sums, |a, b| a + b);
        row.as_flattened_mut().iter_mut().for_each(|x| *x *= scale);
    }
}

/// The larger of two numbers: one instruction, unlike `f32::max`.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The minimum and the maximum of a row and zero; NaN is ignored.
#[inline(always)]
pub(super) fn min_max_with_zero(row: &[f32]) -> (f32, f32) {
    // In two loops: for a single one the compiler emits shuffles, fifteen times slower.
    (extreme(row, |a, b| a < b), extreme(row, |a, b| a > b))
}

/// The value of a row, or zero, that comes `before` all others.
#[inline(always)]
fn extreme(row: &[f32], before: impl Fn(f32, f32) -> bool) -> f32 {
    let first = |a: f32, b: f32| if before(a, b) { a } else { b };
    let mut lanes = [0f32; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for values in whole {
        for i in 0..LANES {
            lanes[i] = first(values[i], lanes[i]);
        }
    }
    let extreme = reduce(lanes, |a, b| first(b, a));
    rest.iter().fold(extreme, |extreme, &x| first(x, extreme))
}

/// `row = layer_norm(row + input_bias)`.
#[inline(always)]
pub(super) fn layer_norm<const FMA: bool>(row: &mut [f32], norm: &LayerNorm) {
    let scale = 1.0 / row.len() as f32;
    for (x, b) in row.iter_mut().zip(&norm.input_bias) {
        *x += b;
    }
    let mean = sum(row, |x| x) * scale;
    let variance = sum(row, |x| (x - mean) * (x - mean)) * scale;
    let inverse = 1.0 / (variance + norm.eps).sqrt();
    for ((x, w), s) in row.iter_mut().zip(&norm.gamma).zip(&norm.beta) {
        *x = multiply_add::<FMA>((*x - mean) * inverse, *w, *s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::phi;

    #[test]
    fn gelu_is_exact_to_float_accuracy() {
        check_gelu::<false>();
        check_gelu::<true>();
    }

    #[test]
    fn min_max_ignores_nan() {
        for (row, expect) in [
            (vec![], (0.0, 0.0)),
            (vec![3.0, 1.0], (0.0, 3.0)),
            (vec![-2.0, f32::NAN], (-2.0, 0.0)),
            ((0..40).map(|i| (i * 7 % 40) as f32 - 30.0).collect(), (-30.0, 9.0)),
            ([vec![f32::NAN; 16], vec![f32::INFINITY; 17]].concat(), (0.0, f32::INFINITY)),
        ] {
            assert_eq!(min_max_with_zero(&row), expect, "{row:?}");
        }
    }

    fn check_gelu<const FUSED: bool>() {
        let one = |x: f32| {
            let mut values = [x];
            gelu::<FUSED, 1>(&mut values);
            values[0]
        };
        for i in -5500..=5500 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x) * phi(f64::from(x));
            assert!((f64::from(one(x)) - exact).abs() < 1e-6, "{x}: {} {exact}", one(x));
        }
        assert_eq!((one(30.0), one(0.0)), (30.0, 0.0));
        assert!(one(-30.0).abs() < 1e-5);
    }

    #[test]
    fn gelu_tanh_matches_its_definition() {
        check_gelu_tanh::<false>();
        check_gelu_tanh::<true>();
    }

    fn check_gelu_tanh<const FUSED: bool>() {
        for i in -800..=800 {
            let x = f64::from(i) / 100.0;
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
            let exact = 0.5 * x * (1.0 + inner.tanh());
            assert!((f64::from(gelu_tanh::<FUSED>(x as f32)) - exact).abs() < 1e-5, "{x}");
        }
    }

    #[test]
    fn exp2_is_exact_to_float_accuracy() {
        check_exp2::<false>();
        check_exp2::<true>();
    }

    fn check_exp2<const FUSED: bool>() {
        for i in -12600..=1200 {
            let x = i as f32 / 100.0;
            let exact = f64::from(x).exp2();
            assert!((f64::from(exp2::<FUSED>(x)) / exact - 1.0).abs() < 3e-7, "{x}");
        }
        for (x, exact) in [(0.0, 1.0), (-126.6, 0.0), (-127.0, 0.0), (-200.0, 0.0), (f32::NEG_INFINITY, 0.0)]
        {
            assert_eq!(exp2::<FUSED>(x), exact);
        }
        assert!(exp2::<FUSED>(f32::NAN).is_nan());
    }

    #[test]
    fn softmax_matches_its_definition() {
        check_softmax::<false>();
        check_softmax::<true>();
    }

    fn check_softmax<const FUSED: bool>() {
        for n in [1, 5, 16, 33] {
            let scores: Vec<f64> = (0..n).map(|i| (f64::from(i) * 1.7).sin() * 30.0).collect();
            let sum: f64 = scores.iter().map(|x| x.exp2()).sum();
            let mut row: Vec<f32> = scores.iter().map(|x| *x as f32).collect();
            let stride = row.len().next_multiple_of(LANES) + LANES;
            row.resize(stride, f32::NAN);
            row.extend_from_within(..);
            softmax::<FUSED>(&mut row, stride, scores.len());
            assert_eq!(row[..stride - LANES], row[stride..2 * stride - LANES]);
            row.truncate(stride - LANES);
            for (i, x) in row.iter().enumerate() {
                let exact = scores.get(i).map_or(0.0, |x| x.exp2() / sum);
                assert!((f64::from(*x) - exact).abs() < 1e-6, "{n} {i}: {x} {exact}");
            }
        }
    }
}

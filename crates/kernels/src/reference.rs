//! Tests every kernel against a float64 reference implementation, on random shapes, in buffers filled with NaN.

use proptest::prelude::*;

use super::{
    Activation, AlignedBuf, Arena, AttentionShape, F32Kernels, Hit, Isa, Kernels, LayerNorm, ThresholdSearch,
};
use crate::random::SplitMix64;

/// Numbers in [-1, 1) from a seed.
pub(super) fn values(seed: u64, n: usize) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    (0..n).map(|_| 2.0 * random.next_f32() - 1.0).collect()
}

/// `x · wᵀ`.
pub(super) fn product(x: &[f32], w: &[f32], rows: usize, n: usize, k: usize) -> Vec<f64> {
    let dot = |r: usize, c: usize| (0..k).map(|i| f64::from(x[r * k + i]) * f64::from(w[c * k + i])).sum();
    (0..rows * n).map(|i| dot(i / n, i % n)).collect()
}

/// Φ, the normal distribution function, by the power series of the error function; for |x| up to 6.
pub(super) fn phi(x: f64) -> f64 {
    let z = x / std::f64::consts::SQRT_2;
    let (mut term, mut total) = (z, z);
    for n in 1..200 {
        term *= -z * z / f64::from(n);
        total += term / f64::from(2 * n + 1);
    }
    0.5 + total / std::f64::consts::PI.sqrt()
}

pub(super) fn activation(act: Activation, x: f64) -> f64 {
    match act {
        Activation::Relu => x.max(0.0),
        Activation::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x)).tanh())
        }
        // Abramowitz and Stegun 7.1.26, to 1.5e-7.
        Activation::Gelu => {
            let z = x.abs() / std::f64::consts::SQRT_2;
            let t = 1.0 / (1.0 + 0.327_591_1 * z);
            let p = t
                * (0.254_829_592
                    + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
            let erf = (1.0 - p * (-z * z).exp()).copysign(x);
            0.5 * x * (1.0 + erf)
        }
    }
}

/// Compares with a tolerance proportional to `scale`, the magnitude of the sums; bf16 has eight significant bits.
pub(super) fn assert_close(name: &str, what: &str, found: &[f32], expect: &[f64], scale: f64) {
    assert_eq!(found.len(), expect.len());
    let tolerance = if name.contains("bf16") { 0.012 } else { 1e-5 } * scale;
    for (i, (f, e)) in found.iter().zip(expect).enumerate() {
        assert!((f64::from(*f) - e).abs() <= tolerance, "{name} {what} at {i}: {f}, expected {e}");
    }
}

/// NaN as `k` stores it.
fn nan<K: Kernels>(k: &K) -> K::Element {
    let mut block = vec![K::Element::default(); K::ROW_BLOCK * 32];
    k.write_operand(&[f32::NAN], 1, 1, &mut block);
    block[0]
}

pub(super) fn buffer<K: Kernels>(k: &K, rows: usize, n: usize) -> AlignedBuf<K::Element> {
    let mut buffer = AlignedBuf::new((rows.next_multiple_of(K::ROW_BLOCK) + K::ROW_BLOCK) * n);
    buffer.fill(nan(k));
    buffer
}

fn check<K: ThresholdSearch>(k: &K, seed: u64, rows: usize, n: usize, depth: usize, shape: AttentionShape) {
    let name = k.name();
    let mut scratch = K::Scratch::default();
    let (x, w, bias) = (values(seed, rows * depth), values(seed + 1, n * depth), values(seed + 2, n));
    let mut operand = buffer(k, rows, depth);
    k.write_operand(&x, rows, depth, &mut operand);
    let x = k.read_operand(&operand, rows, depth);
    let weights = k.pack_weights(&w, n, depth, &bias, &Arena::default());
    let exact = product(&x, &w, rows, n, depth);
    let biased: Vec<f64> = exact.iter().enumerate().map(|(i, v)| v + f64::from(bias[i % n])).collect();
    let scale = (depth as f64).sqrt();

    let mut out = buffer(k, rows, n);
    let lhs = &mut K::LhsScratch::default();
    k.linear(k.pack_lhs(&operand, rows, depth, lhs), rows, &weights, &mut out, &mut scratch);
    let found: Vec<f32> = out[..rows * n].iter().map(|&v| k.widen(v)).collect();
    assert_close(&name, "linear", &found, &biased, scale);

    for act in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        out.fill(nan(k));
        k.linear_act(k.pack_lhs(&operand, rows, depth, lhs), rows, &weights, act, &mut out, &mut scratch);
        let expect: Vec<f64> = biased.iter().map(|&v| activation(act, v)).collect();
        assert_close(&name, "linear_act", &k.read_operand(&out, rows, n), &expect, scale);
    }

    let mut sum = AlignedBuf::new((rows.next_multiple_of(K::ROW_BLOCK) + K::ROW_BLOCK) * n);
    sum.fill(0.25);
    k.linear_add(k.pack_lhs(&operand, rows, depth, lhs), rows, &weights, &mut sum, &mut scratch);
    let expect: Vec<f64> = exact.iter().map(|v| v + 0.25).collect();
    assert_close(&name, "linear_add", &sum[..rows * n], &expect, scale);

    let threshold = exact[exact.len() / 2] as f32;
    let mut hits = Vec::new();
    k.scores_above(&operand, rows, &weights, threshold, &mut hits, &mut scratch);
    check_hits(&name, &hits, &exact, n, threshold, scale);

    let norm = LayerNorm {
        input_bias: bias.clone(),
        gamma: values(seed + 3, n),
        beta: values(seed + 4, n),
        eps: 1e-5,
    };
    check_layer_norm(k, &mut sum, rows, n, &norm);
    check_attention(k, seed, rows, shape, 1.0, &mut scratch);
    // Scores of several hundred: their powers overflow or underflow unless the maximum is subtracted.
    check_attention(k, seed, rows, shape, 40.0, &mut scratch);
}

/// Entries clearly above the threshold are found once, entries clearly below are not.
fn check_hits(name: &str, hits: &[Hit], exact: &[f64], n: usize, threshold: f32, scale: f64) {
    let slack = if name.contains("bf16") { 0.012 } else { 1e-5 } * scale;
    let mut found = vec![None; exact.len()];
    for hit in hits {
        let before = found[hit.row as usize * n + hit.column as usize].replace(hit.score);
        assert_eq!(before, None, "{name} reported {hit:?} twice");
    }
    for (i, (found, exact)) in found.iter().zip(exact).enumerate() {
        let above = exact - f64::from(threshold);
        match found {
            Some(score) => {
                assert!((f64::from(*score) - exact).abs() <= slack && above >= -slack, "{name} above at {i}");
            }
            None => assert!(above <= slack, "{name} missed {i}: {exact} for a threshold of {threshold}"),
        }
    }
}

fn check_layer_norm<K: Kernels>(k: &K, x: &mut [f32], rows: usize, n: usize, norm: &LayerNorm) {
    let mut expect = Vec::new();
    for row in x.chunks_exact(n).take(rows) {
        let row: Vec<f64> =
            row.iter().zip(&norm.input_bias).map(|(a, b)| f64::from(*a) + f64::from(*b)).collect();
        let mean = row.iter().sum::<f64>() / n as f64;
        let variance = row.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
        let scale = 1.0 / (variance + f64::from(norm.eps)).sqrt();
        expect.extend(
            row.iter()
                .enumerate()
                .map(|(i, v)| (v - mean) * scale * f64::from(norm.gamma[i]) + f64::from(norm.beta[i])),
        );
    }
    let mut out = buffer(k, rows, n);
    k.layer_norm(x, rows, norm, &mut out);
    assert_close("", "layer_norm", &x[..rows * n], &expect, 4.0);
    assert_close(&k.name(), "layer_norm, rounded", &k.read_operand(&out, rows, n), &expect, 4.0);
}

/// Attention of two sequences in one buffer; the second ends within a block.
fn check_attention<K: Kernels>(
    k: &K,
    seed: u64,
    rows: usize,
    shape: AttentionShape,
    sharpness: f32,
    scratch: &mut K::Scratch,
) {
    let width = shape.width();
    let mut qkv = buffer(k, rows, 3 * width);
    let mut block = vec![K::Element::default(); K::ROW_BLOCK * 32];
    for (i, (slot, v)) in qkv.iter_mut().zip(values(seed + 5, rows * 3 * width)).enumerate() {
        let v = if i % (3 * width) < width { v * sharpness } else { v };
        k.write_operand(&[v], 1, 1, &mut block);
        *slot = block[0];
    }
    let exact: Vec<f64> = qkv[..rows * 3 * width].iter().map(|&v| f64::from(k.widen(v))).collect();
    let mut out = buffer(k, rows, width);
    let first = rows / 3;
    let mut expect = vec![0.0; rows * width];
    for sequence in [0..first, first..rows] {
        if sequence.is_empty() {
            continue;
        }
        k.attention(&qkv, sequence.clone(), shape, &mut out, scratch);
        for head in 0..shape.heads {
            let value = |row: usize, part: usize, i: usize| {
                exact[row * 3 * width + part * width + head * shape.head_dim + i]
            };
            for q in sequence.clone() {
                let score =
                    |t: usize| (0..shape.head_dim).map(|i| value(q, 0, i) * value(t, 1, i)).sum::<f64>();
                let scores: Vec<f64> = sequence.clone().map(score).collect();
                let highest = scores.iter().copied().fold(f64::MIN, f64::max);
                let scores: Vec<f64> = scores.iter().map(|s| (s - highest).exp2()).collect();
                let total: f64 = scores.iter().sum();
                for i in 0..shape.head_dim {
                    let context: f64 = sequence.clone().zip(&scores).map(|(t, s)| s * value(t, 2, i)).sum();
                    expect[q * width + head * shape.head_dim + i] = context / total;
                }
            }
        }
    }
    assert_close(
        &k.name(),
        "attention",
        &k.read_operand(&out, rows, width),
        &expect,
        2.0 * f64::from(sharpness).sqrt(),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_instruction_set_matches_the_reference(
        seed in 0u64..1000, rows in 1usize..90,
        // Some are whole panels of every tile shape.
        n in prop_oneof![3 => 1usize..80, 1 => (1usize..4).prop_map(|panels| 24 * panels)],
        // Large ones take several steps of k.
        depth in prop_oneof![3 => 1usize..80, 1 => 180usize..420], count in 1usize..3, size in 1usize..40,
    ) {
        for isa in Isa::available() {
            check(&F32Kernels::new(isa), seed, rows, n, depth, AttentionShape { heads: count, head_dim: size });
        }
        #[cfg(target_arch = "x86_64")]
        for isa in Isa::available() {
            let whole = |v: usize| v.next_multiple_of(32);
            let heads = AttentionShape { heads: count, head_dim: whole(size) };
            if let Some(bf16) = super::Bf16Kernels::new(isa, 32, 32, heads) {
                check(&bf16, seed, rows, whole(n), whole(depth), heads);
            }
        }
    }
}

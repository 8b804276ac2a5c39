//! Tests the int8 kernels against a float64 reference, on the numbers that the codes stand for.

use proptest::prelude::*;

use super::{
    Int8Kernels,
    weights::{BLOCK_ROWS, Int8Weights, QuantizedLhs, STEP, line_offset},
};
use crate::{
    Activation, AlignedBuf, Arena, F32Kernels, Isa, Kernels,
    reference::{activation, assert_close, buffer, product, values},
};
#[cfg(target_arch = "x86_64")]
use crate::{AttentionShape, Bf16Kernels};

/// The numbers that the codes of an operand stand for.
fn dequantized_operand(lhs: &QuantizedLhs, rows: usize, k: usize) -> Vec<f32> {
    let value = |row: usize, i: usize| {
        let code = lhs.codes[line_offset(row, k.div_ceil(STEP)) + i / STEP * BLOCK_ROWS * STEP + i % STEP];
        lhs.rows[row].scale * (f32::from(code) - lhs.rows[row].zero_point)
    };
    (0..rows * k).map(|i| value(i / k, i % k)).collect()
}

/// The numbers that the codes of weights stand for, `n × k`.
fn dequantized_weights(weights: &Int8Weights) -> Vec<f32> {
    let value = |column: usize, i: usize| {
        let tile = (column / 32 * weights.steps() + i / STEP) * 2 + column / 16 % 2;
        let code = weights.tiles[tile].0[i % STEP / 4 * STEP + column % 16 * 4 + i % 4];
        weights.scales[column] * (f32::from(code) - 128.0)
    };
    (0..weights.n * weights.k).map(|i| value(i / weights.k, i % weights.k)).collect()
}

/// No number differs from what its code stands for by more than half a quantization step.
fn assert_quantized(what: &str, found: &[f32], exact: &[f32], len: usize, steps: f32) {
    for (found, exact) in found.chunks(len).zip(exact.chunks(len)) {
        let low = exact.iter().fold(0f32, |m, v| m.min(*v));
        let high = exact.iter().fold(0f32, |m, v| m.max(*v));
        let step = if steps == 255.0 { high - low } else { high.max(-low) } / steps;
        for (f, e) in found.iter().zip(exact) {
            assert!((f - e).abs() <= 0.501 * step + 1e-30, "{what}: {f} for {e}, steps of {step}");
        }
    }
}

/// Returns the results of `linear` and `linear_add`.
fn check<K>(k: &Int8Kernels<K>, seed: u64, rows: usize, n: usize, depth: usize) -> (Vec<f32>, Vec<f32>)
where
    Int8Kernels<K>: Kernels<PackedWeights = Int8Weights, LhsScratch = QuantizedLhs>,
{
    let name = k.name();
    let mut scratch = <Int8Kernels<K> as Kernels>::Scratch::default();
    let (w, bias) = (values(seed + 1, n * depth), values(seed + 2, n));
    let weights = k.pack_weights(&w, n, depth, &bias, &Arena::default());
    let mut stored = buffer(k, rows, depth);
    k.write_operand(&values(seed, rows * depth), rows, depth, &mut stored);
    let mut lhs = QuantizedLhs::default();
    k.pack_lhs(&stored, rows, depth, &mut lhs);
    let (x, w_read) = (dequantized_operand(&lhs, rows, depth), dequantized_weights(&weights));
    assert_quantized("operand", &x, &k.read_operand(&stored, rows, depth), depth, 255.0);
    assert_quantized("weights", &w_read, &w, depth, 127.0);

    let exact = product(&x, &w_read, rows, n, depth);
    let biased: Vec<f64> = exact.iter().enumerate().map(|(i, v)| v + f64::from(bias[i % n])).collect();
    let scale = (depth as f64).sqrt();
    let mut out = buffer(k, rows, n);
    k.linear(k.pack_lhs(&stored, rows, depth, &mut lhs), rows, &weights, &mut out, &mut scratch);
    let linear: Vec<f32> = out[..rows * n].iter().map(|&v| k.widen(v)).collect();
    assert_close(&name, "linear", &linear, &biased, scale);
    for act in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let mut out = buffer(k, rows, n);
        k.linear_act(k.pack_lhs(&stored, rows, depth, &mut lhs), rows, &weights, act, &mut out, &mut scratch);
        let expect: Vec<f64> = biased.iter().map(|&v| activation(act, v)).collect();
        assert_close(&name, "linear_act", &k.read_operand(&out, rows, n), &expect, scale);
    }
    let mut sum = AlignedBuf::new(rows.next_multiple_of(BLOCK_ROWS) * n);
    sum.fill(0.25);
    k.linear_add(k.pack_lhs(&stored, rows, depth, &mut lhs), rows, &weights, &mut sum, &mut scratch);
    let expect: Vec<f64> = exact.iter().map(|v| v + 0.25).collect();
    assert_close(&name, "linear_add", &sum[..rows * n], &expect, scale);

    // A row gives the same result alone and in a batch.
    let mut one = buffer(k, 1, depth);
    let last = &k.read_operand(&stored, rows, depth)[(rows - 1) * depth..];
    k.write_operand(last, 1, depth, &mut one);
    let mut out = buffer(k, 1, n);
    k.linear(k.pack_lhs(&one, 1, depth, &mut lhs), 1, &weights, &mut out, &mut scratch);
    let alone: Vec<f32> = out[..n].iter().map(|&v| k.widen(v)).collect();
    assert_eq!(alone, linear[(rows - 1) * n..], "{name}");
    (linear, sum[..rows * n].to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_instruction_set_matches_the_reference(
        seed in 0u64..1000, rows in 1usize..90, n in 1usize..4, depth in 1usize..6,
    ) {
        let (n, depth) = (32 * n, 32 * depth);
        let portable = check::<F32Kernels>(&Int8Kernels::on_f32(Isa::Portable), seed, rows, n, depth);
        for isa in Isa::available() {
            // Equal to the last bit: the codes are the same, and integer sums do not depend on their order.
            for k in Int8Kernels::all_on_f32(isa) {
                prop_assert_eq!(&check::<F32Kernels>(&k, seed, rows, n, depth), &portable);
            }
        }
        #[cfg(target_arch = "x86_64")]
        {
            let heads = AttentionShape { heads: 1, head_dim: 32 };
            let on_bf16 = |isa| Int8Kernels::<Bf16Kernels>::on_bf16(isa, 32, 32, heads);
            let kernels: Vec<_> = Isa::available().into_iter().filter_map(on_bf16).collect();
            let results: Vec<_> = kernels.iter().map(|k| check(k, seed, rows, n, depth)).collect();
            prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
}

#[test]
fn constant_rows_are_quantized_exactly() {
    for value in [0.0, 3.0, -2.0, f32::MIN_POSITIVE] {
        for isa in Isa::available() {
            let k = Int8Kernels::on_f32(isa);
            let (x, mut lhs) = (vec![value; 64], QuantizedLhs::default());
            k.pack_lhs(&x, 1, 64, &mut lhs);
            assert_quantized("constant", &dequantized_operand(&lhs, 1, 64), &x, 64, 255.0);
        }
    }
}

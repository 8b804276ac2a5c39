//! The encoder's kernels at the shapes of MiniLM-L6: chunks of 512 tokens, width 384.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use samestory::device::{
    Activation, AlignedBuf, Arena, AttentionShape, F32Kernels, Int8Kernels, Isa, Kernels, LayerNorm,
};

const ROWS: usize = 512;
const WIDTH: usize = 384;
const ATTENTION: AttentionShape = AttentionShape { heads: 12, head_dim: 32 };
/// Tokens per sequence.
const LEN: usize = 80;

fn values(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 2_654_435_761) % 1000) as f32 / 5000.0 - 0.1).collect()
}

fn kernels<K: Kernels>(c: &mut Criterion, k: &K) {
    let rows = ROWS + K::ROW_BLOCK;
    let mut scratch = K::Scratch::default();
    let mut lhs = K::LhsScratch::default();
    let arena = Arena::default();
    let layer = |n: usize| k.pack_weights(&values(n * WIDTH), n, WIDTH, &values(n), &arena);
    let (qkv, square) = (layer(3 * WIDTH), layer(WIDTH));
    let norm = LayerNorm { input_bias: values(WIDTH), gamma: values(WIDTH), beta: values(WIDTH), eps: 1e-12 };
    let mut x = AlignedBuf::new(rows * WIDTH);
    x.copy_from_slice(&values(rows * WIDTH));
    let mut states = AlignedBuf::new(rows * WIDTH);
    let mut wide = AlignedBuf::<K::Element>::new(rows * 3 * WIDTH);
    k.layer_norm(&mut x, ROWS, &norm, &mut states);
    let packed_states = k.pack_lhs(&states, ROWS, WIDTH, &mut lhs);

    let mut group = c.benchmark_group(k.name());
    group.throughput(Throughput::Elements((2 * ROWS * WIDTH * 3 * WIDTH) as u64));
    group.bench_function("linear 384 to 1152 (flop)", |b| {
        b.iter(|| k.linear(packed_states, ROWS, &qkv, &mut wide, &mut scratch));
    });
    group.throughput(Throughput::Elements((2 * ROWS * WIDTH * WIDTH) as u64));
    let mut inner = AlignedBuf::<K::Element>::new(rows * WIDTH);
    group.bench_function("linear 384 to 384, GELU (flop)", |b| {
        b.iter(|| k.linear_act(packed_states, ROWS, &square, Activation::Gelu, &mut inner, &mut scratch));
    });
    let mut sum = AlignedBuf::new(rows * WIDTH);
    group.bench_function("linear_add 384 to 384 (flop)", |b| {
        b.iter(|| k.linear_add(packed_states, ROWS, &square, &mut sum, &mut scratch));
    });
    let mut normed = AlignedBuf::<K::Element>::new(rows * WIDTH);
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("attention, sequences of 80 (tokens)", |b| {
        b.iter(|| {
            for at in (0..ROWS - LEN).step_by(LEN) {
                k.attention(&wide, at..at + LEN, ATTENTION, &mut inner, &mut scratch);
            }
        });
    });
    group.bench_function("layer_norm (tokens)", |b| {
        b.iter(|| k.layer_norm(&mut x, ROWS, &norm, &mut normed));
    });
    group.bench_function("pack_lhs (tokens)", |b| {
        b.iter(|| {
            k.pack_lhs(&states, ROWS, WIDTH, &mut lhs);
        });
    });
    group.finish();
}

fn all(c: &mut Criterion) {
    for isa in Isa::available() {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(int8) = Int8Kernels::on_bf16(isa, WIDTH, WIDTH, ATTENTION) {
                kernels(c, &int8);
            }
            if let Some(bf16) = samestory::device::Bf16Kernels::new(isa, WIDTH, WIDTH, ATTENTION) {
                kernels(c, &bf16);
                continue;
            }
        }
        kernels(c, &F32Kernels::new(isa));
        kernels(c, &Int8Kernels::on_f32(isa));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);

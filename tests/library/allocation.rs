//! Allocations of encoders: after a first batch, an encoder allocates only its result.

use allocation_counter::measure;
use samestory::{
    device::{Isa, Precision},
    embed::{PackedBatch, cpu_encoder},
    model::Model,
};

/// A batch of `sequences` of varying length.
fn batch(sequences: u32) -> PackedBatch {
    let mut batch = PackedBatch::default();
    for i in 0..sequences {
        let words = (0..20 + i % 7).map(|w| 2000 + (i * 31 + w * 17) % 5000);
        batch.push(&[101].into_iter().chain(words).chain([102]).collect::<Vec<u32>>());
    }
    batch
}

#[test]
fn a_warm_encoder_allocates_only_its_result() {
    // One thread, since allocations are counted per thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    // Several chunks.
    let batch = batch(48);
    let both = [Precision::Native, Precision::Int8];
    for (isa, precision) in Isa::available().into_iter().flat_map(|isa| both.map(|p| (isa, p))) {
        let model = Model::from_static(&samestory_minilm::files()).unwrap().with_precision(precision);
        let encoder = cpu_encoder(&model, isa).unwrap();
        let encode = || measure(|| drop(encoder.encode(&batch, &|_| Ok(())).unwrap()));
        let (_, warm) = pool.install(|| (encode(), encode()));
        let vectors = batch.len() * encoder.dim() * size_of::<f32>();
        assert_eq!(warm.count_total, 1, "{isa} {precision}: {warm:?}");
        assert_eq!(warm.bytes_total, vectors as u64, "{isa} {precision}: {warm:?}");
    }
}

//! The stages around the encoder: tokenization and the exact self-join.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use samestory::{
    device::Isa,
    model::Model,
    progress::NoProgress,
    search::self_join,
    vector::{Matrix, normalize},
};

/// Sentences of synthetic news: the same on every machine.
fn text(sentences: usize) -> String {
    const WHO: [&str; 4] =
        ["The harbour board", "A regional court", "The ferry operator", "Miners at Ostrel"];
    const WHAT: [&str; 4] =
        ["said on Tuesday that it would", "declined to", "agreed in principle to", "voted to"];
    const THEN: [&str; 4] =
        ["review the 1998 accord.", "lift charges by 4.5 pct.", "close two berths.", "appoint a receiver."];
    let sentence = |i: usize| format!("{} {} {} ", WHO[i % 4], WHAT[i / 4 % 4], THEN[i / 16 % 4]);
    (0..sentences).map(sentence).collect()
}

fn tokenize(c: &mut Criterion) {
    let Ok(model) = Model::from_static(&samestory_minilm::files()) else { return };
    let text = text(8);
    let mut group = c.benchmark_group("tokenize");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("paragraph", |b| b.iter(|| model.tokenizer.encode(black_box(&text))));
    group.finish();
}

fn join(c: &mut Criterion) {
    const ROWS: usize = 4096;
    const DIM: usize = 384;
    let value = |i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
    let mut rows = Matrix::from_vec((0..ROWS * DIM).map(value).collect(), DIM);
    (0..ROWS).for_each(|i| normalize(rows.row_mut(i)));
    let mut group = c.benchmark_group("self_join");
    group.throughput(Throughput::Elements((ROWS * ROWS * DIM) as u64));
    for isa in Isa::available() {
        group.bench_function(isa.name(), |b| {
            b.iter(|| self_join(&rows, 0.99, isa, &NoProgress).map(|pairs| pairs.len()));
        });
    }
    group.finish();
}

criterion_group!(benches, tokenize, join);
criterion_main!(benches);

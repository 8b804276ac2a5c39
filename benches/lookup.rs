//! One question to a pool of 100,000 stories: what `similar` does once it is open.

use criterion::{Criterion, criterion_group, criterion_main};
use samestory::{
    device::CpuPath,
    link::{Lookup, Part, Reading},
    progress::Silent,
    vector::{Matrix, normalize},
};

const STORIES: usize = 100_000;
const PASSAGES: usize = 4;
const ROWS: usize = 50_000;
const WORDS: usize = 60_000;
const DIM: usize = 384;

/// Numbers that are the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }

    /// A word, as often as Zipf's law has it.
    fn word(&mut self) -> usize {
        (WORDS as f64).powf(self.next()) as usize
    }
}

fn lookup(c: &mut Criterion) {
    let mut numbers = Numbers(7);
    let texts: Vec<String> =
        (0..ROWS).map(|_| (0..45).map(|_| format!("w{}x ", numbers.word())).collect()).collect();
    let mut rows = Matrix::zeros(ROWS, DIM);
    for i in 0..ROWS {
        rows.row_mut(i).iter_mut().for_each(|x| *x = numbers.next() as f32 - 0.4);
        normalize(rows.row_mut(i));
    }
    let mut reading = || Reading {
        body: (0..PASSAGES)
            .map(|_| (numbers.next() * ROWS as f64) as usize)
            .map(|row| Part { text: &texts[row], vector: rows.row(row) })
            .collect(),
        ..Reading::default()
    };
    let stories: Vec<Reading> = (0..STORIES).map(|_| reading()).collect();
    let Ok(lookup) = Lookup::new(stories, CpuPath::detect(), &Silent) else { return };
    let mut group = c.benchmark_group("lookup");
    group.sample_size(50);
    let mut place = 0;
    group.bench_function("a story among 100,000", |b| {
        b.iter(|| {
            place = (place + 7_919) % STORIES;
            lookup.nearest(lookup.reading(place), 10, &|other| other != place).len()
        });
    });
    group.bench_function("a passage among 100,000", |b| {
        b.iter(|| {
            place = (place + 7_919) % STORIES;
            let body = lookup.reading(place).body[..1].to_vec();
            lookup.nearest(&Reading { body, ..Reading::default() }, 10, &|other| other != place).len()
        });
    });
    group.finish();
}

criterion_group!(benches, lookup);
criterion_main!(benches);

//! A query to an index of 100,000 documents: the work of `similar` after opening.

use criterion::{Criterion, criterion_group, criterion_main};
use samestory::{
    device::Isa,
    link::{Document, EmbeddedText, SimilarityIndex},
    progress::NoProgress,
    random::SplitMix64,
    vector::{Matrix, normalize},
};

const STORIES: usize = 100_000;
const PASSAGES: usize = 4;
const ROWS: usize = 50_000;
const WORDS: usize = 60_000;
const DIM: usize = 384;

/// A random word, distributed by Zipf's law.
fn word(random: &mut SplitMix64) -> usize {
    (WORDS as f64).powf(f64::from(random.next_f32())) as usize
}

fn lookup(c: &mut Criterion) {
    let mut random = SplitMix64::new(7);
    let texts: Vec<String> =
        (0..ROWS).map(|_| (0..45).map(|_| format!("w{}x ", word(&mut random))).collect()).collect();
    let mut rows = Matrix::zeros(ROWS, DIM);
    for i in 0..ROWS {
        rows.row_mut(i).iter_mut().for_each(|x| *x = random.next_f32() - 0.4);
        normalize(rows.row_mut(i));
    }
    let mut document = || Document {
        body: (0..PASSAGES)
            .map(|_| random.below(ROWS))
            .map(|row| EmbeddedText { text: &texts[row], vector: rows.row(row) })
            .collect(),
        ..Document::default()
    };
    let stories: Vec<Document> = (0..STORIES).map(|_| document()).collect();
    let Ok(lookup) = SimilarityIndex::new(stories, Isa::detect(), &NoProgress) else { return };
    let mut group = c.benchmark_group("lookup");
    group.sample_size(50);
    let mut place = 0;
    group.bench_function("a story among 100,000", |b| {
        b.iter(|| {
            place = (place + 7_919) % STORIES;
            lookup.nearest(lookup.document(place), 10, &|other| other != place).len()
        });
    });
    group.bench_function("a passage among 100,000", |b| {
        b.iter(|| {
            place = (place + 7_919) % STORIES;
            let body = lookup.document(place).body[..1].to_vec();
            lookup.nearest(&Document { body, ..Document::default() }, 10, &|other| other != place).len()
        });
    });
    group.finish();
}

criterion_group!(benches, lookup);
criterion_main!(benches);

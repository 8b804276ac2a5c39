//! The measurements: rounds in which the subjects take turns, so that noise affects all of them alike.

use std::{collections::BTreeMap, sync::Mutex, time::Instant};

use rayon::ThreadPool;

use super::{
    BenchOptions, REPORT_SCHEMA, Subject,
    memory::{peak_memory, reset_peak},
    parity,
    report::{BenchReport, Ceiling, LatencyPercentiles, LengthResult, SubjectResult, Summary},
};
use crate::{
    Error, Result,
    device::{Isa, Precision, measure_ceiling},
    embed::embed_texts,
    error::Setting,
    model::Model,
    progress::{NoProgress, Progress, Stage},
    story::Corpus,
};

/// Short queries, as a user would type them.
const QUERIES: [&str; 4] = [
    "harbour breakwater vote",
    "wheat exports fall as drought spreads",
    "central bank raises its key rate",
    "court ruling on nitrate in drinking water",
];

/// Measures all `subjects` on the distinct passages of `corpus`. Each has a thread pool of its own.
///
/// # Errors
///
/// [`Error::Interrupted`] if `progress` is cancelled; [`Error::Setting`] if threads cannot be started; errors of the encoders.
pub fn run(
    model: &Model,
    corpus: &Corpus,
    subjects: &[Subject],
    options: &BenchOptions,
    progress: &dyn Progress,
) -> Result<BenchReport> {
    let pools: Vec<ThreadPool> = subjects.iter().map(|s| pool(s.threads)).collect::<Result<_>>()?;
    let buckets = length_buckets(model, corpus, &options.lengths)?;
    let steps = subjects.len() * (options.rounds * buckets.len() + 1);
    progress.begin(Stage::Bench, Some(steps as u64));
    let ceilings = ceilings(subjects);
    let mut results: Vec<SubjectResult> = subjects.iter().map(describe).collect();
    for ((subject, pool), result) in subjects.iter().zip(&pools).zip(&mut results) {
        result.query_ms = pool.install(|| latency(model, subject, options.queries, progress))?;
        progress.advance(Stage::Bench, 1);
    }

    let mut times: Vec<Vec<Vec<RoundTime>>> = vec![vec![Vec::new(); buckets.len()]; subjects.len()];
    for _ in 0..options.rounds {
        for (b, bucket) in buckets.iter().enumerate() {
            for (i, (subject, pool)) in subjects.iter().zip(&pools).enumerate() {
                reset_peak();
                times[i][b].push(pool.install(|| time(model, subject, &bucket.texts, progress))?);
                let peak = peak_memory().map(|bytes| bytes as f64 / 1e6);
                let peak_memory_mb = &mut results[i].peak_memory_mb;
                *peak_memory_mb = peak.map(|peak| peak_memory_mb.map_or(peak, |p| p.max(peak)));
                progress.advance(Stage::Bench, 1);
            }
        }
    }
    for ((subject, result), times) in subjects.iter().zip(&mut results).zip(&times) {
        let isa = subject.isa.map(|isa| ceiling_name(isa, subject));
        let ceiling = ceilings.iter().find(|c| Some(&c.isa) == isa.as_ref() && c.threads == subject.threads);
        for (bucket, times) in buckets.iter().zip(times) {
            result.lengths.push(bucket.result(model, subject, times, ceiling.map(|c| c.gflops)));
        }
    }
    let parity =
        if options.parity { parity::compare(model, corpus, subjects, &pools, progress)? } else { Vec::new() };
    progress.end(Stage::Bench);
    Ok(BenchReport {
        schema: REPORT_SCHEMA,
        version: env!("CARGO_PKG_VERSION").into(),
        model: model.name.clone(),
        fingerprint: model.fingerprint(),
        passages: corpus.rows.len() as u64,
        bytes: corpus.rows.iter().map(|r| r.text.len() as u64).sum(),
        rounds: options.rounds,
        ceilings,
        subjects: results,
        parity,
        corpus: String::new(),
    })
}

fn pool(threads: usize) -> Result<ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::Setting { setting: Setting::Threads, message: e.to_string() })
}

fn describe(subject: &Subject) -> SubjectResult {
    SubjectResult {
        name: subject.name.clone(),
        device: subject.encoder.describe(),
        threads: subject.threads,
        ..SubjectResult::default()
    }
}

/// The name of a subject's ceiling.
fn ceiling_name(isa: Isa, subject: &Subject) -> String {
    match subject.precision {
        Precision::Native => isa.name().into(),
        precision => format!("{isa}+{precision}"),
    }
}

/// The ceilings of all subjects, measured once for each instruction set, precision and number of threads.
fn ceilings(subjects: &[Subject]) -> Vec<Ceiling> {
    let mut ceilings: BTreeMap<(String, usize), Ceiling> = BTreeMap::new();
    for subject in subjects {
        let Some(isa) = subject.isa else { continue };
        let name = ceiling_name(isa, subject);
        ceilings.entry((name.clone(), subject.threads)).or_insert_with(|| Ceiling {
            isa: name,
            threads: subject.threads,
            gflops: measure_ceiling(isa, subject.precision, subject.threads) / 1e9,
        });
    }
    ceilings.into_values().collect()
}

/// The passages of a range of lengths.
struct LengthBucket<'a> {
    above: usize,
    up_to: Option<usize>,
    texts: Vec<&'a str>,
    /// Tokens of each window.
    windows: Vec<usize>,
    bytes: usize,
}

/// The distinct passages by length, and a last bucket with all of them. Empty buckets are omitted.
fn length_buckets<'a>(model: &Model, corpus: &'a Corpus, bounds: &[usize]) -> Result<Vec<LengthBucket<'a>>> {
    let mut ranges: Vec<(usize, Option<usize>)> = Vec::new();
    let mut above = 0;
    for &bound in bounds {
        ranges.push((above, Some(bound)));
        above = bound;
    }
    ranges.push((above, None));
    if above > 0 {
        ranges.push((0, None));
    }
    let bucket =
        |(above, up_to)| LengthBucket { above, up_to, texts: Vec::new(), windows: Vec::new(), bytes: 0 };
    let mut buckets: Vec<LengthBucket> = ranges.into_iter().map(bucket).collect();
    for row in &corpus.rows {
        let windows: Vec<usize> = model.tokenizer.windows(&row.text)?.iter().map(Vec::len).collect();
        let tokens: usize = windows.iter().sum();
        let fits = |b: &&mut LengthBucket| tokens > b.above && b.up_to.is_none_or(|up_to| tokens <= up_to);
        for bucket in buckets.iter_mut().filter(fits) {
            bucket.texts.push(&row.text);
            bucket.windows.extend(&windows);
            bucket.bytes += row.text.len();
        }
    }
    buckets.retain(|b| !b.texts.is_empty());
    if buckets.len() == 2 {
        // All passages are in one bucket: it equals the last.
        buckets.remove(0);
    }
    Ok(buckets)
}

impl LengthBucket<'_> {
    fn result(
        &self,
        model: &Model,
        subject: &Subject,
        times: &[RoundTime],
        ceiling: Option<f64>,
    ) -> LengthResult {
        let tokens: usize = self.windows.iter().sum();
        let per_second =
            |n: f64| Summary::of(&times.iter().map(|t| n / (t.tokenizing + t.embedding)).collect::<Vec<_>>());
        let (tokenizing, embedding) =
            times.iter().fold((0.0, 0.0), |(a, b), t| (a + t.tokenizing, b + t.embedding));
        let work: f64 = self.windows.iter().map(|&len| model.config.operations(len)).sum();
        let embed = Summary::of(&times.iter().map(|t| t.embedding).collect::<Vec<_>>()).median;
        let gflops = work / embed / 1e9;
        LengthResult {
            above: self.above,
            up_to: self.up_to,
            passages: self.texts.len() as u64,
            tokens: tokens as u64,
            tokens_per_second: per_second(tokens as f64),
            passages_per_second: per_second(self.texts.len() as f64),
            megabytes_per_second: per_second(self.bytes as f64 / 1e6),
            tokenizing: tokenizing / (tokenizing + embedding),
            padding: self.padding(model, subject),
            gflops,
            ceiling_share: ceiling.map(|ceiling| gflops / ceiling),
        }
    }

    /// The share of padding in the subject's batches, which `embed_texts` fills with the longest sequences first.
    fn padding(&self, model: &Model, subject: &Subject) -> f64 {
        let mut lengths = self.windows.clone();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let budget = subject.encoder.token_budget().max(model.max_tokens);
        let (mut tokens, mut computed) = (0, 0);
        let mut batch: Vec<usize> = Vec::new();
        for (i, &len) in lengths.iter().enumerate() {
            batch.push(len);
            let next = lengths.get(i + 1).copied();
            let batch_tokens: usize = batch.iter().sum();
            if next.is_none_or(|next| batch_tokens + next > budget) {
                tokens += batch_tokens;
                computed += subject.encoder.computed_tokens(&batch);
                batch.clear();
            }
        }
        1.0 - tokens as f64 / computed.max(1) as f64
    }
}

/// Seconds of one round.
#[derive(Debug, Clone, Copy)]
struct RoundTime {
    tokenizing: f64,
    embedding: f64,
}

fn time(model: &Model, subject: &Subject, texts: &[&str], progress: &dyn Progress) -> Result<RoundTime> {
    let clock = StageClock { progress, started: Mutex::new(Instant::now()), stages: Mutex::default() };
    let start = Instant::now();
    embed_texts(model, subject.encoder.as_ref(), texts, &clock)?;
    let total = start.elapsed().as_secs_f64();
    let tokenizing =
        clock.stages.into_inner().ok().and_then(|s| s.get(&Stage::Tokenize).copied()).unwrap_or(0.0);
    Ok(RoundTime { tokenizing, embedding: total - tokenizing })
}

fn latency(
    model: &Model,
    subject: &Subject,
    count: usize,
    progress: &dyn Progress,
) -> Result<LatencyPercentiles> {
    let query = |i: usize| -> Result<f64> {
        let start = Instant::now();
        embed_texts(model, subject.encoder.as_ref(), &[QUERIES[i % QUERIES.len()]], &NoProgress)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    // Warm-up.
    for i in 0..count.min(10) {
        query(i)?;
    }
    let mut times = Vec::with_capacity(count);
    for i in 0..count {
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        times.push(query(i)?);
    }
    Ok(LatencyPercentiles::of(times))
}

/// Measures the seconds of each stage.
struct StageClock<'a> {
    progress: &'a dyn Progress,
    started: Mutex<Instant>,
    stages: Mutex<BTreeMap<Stage, f64>>,
}

impl Progress for StageClock<'_> {
    fn begin(&self, _: Stage, _: Option<u64>) {
        if let Ok(mut started) = self.started.lock() {
            *started = Instant::now();
        }
    }

    fn advance(&self, _: Stage, _: u64) {}

    fn end(&self, stage: Stage) {
        if let (Ok(started), Ok(mut stages)) = (self.started.lock(), self.stages.lock()) {
            *stages.entry(stage).or_default() += started.elapsed().as_secs_f64();
        }
    }

    fn cancelled(&self) -> bool {
        self.progress.cancelled()
    }
}

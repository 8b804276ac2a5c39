//! The measuring itself: every subject in turn, round after round, so that noise meets all alike.

use std::{collections::BTreeMap, sync::Mutex, time::Instant};

use rayon::ThreadPool;

use super::{
    BenchOptions, REPORT_SCHEMA, Subject,
    figures::{BenchReport, Ceiling, LatencyPercentiles, LengthResult, SubjectResult, Summary},
    memory::{peak_memory, reset_peak},
    parity,
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

/// Short queries, as a reader would type them.
const QUERIES: [&str; 4] = [
    "harbour breakwater vote",
    "wheat exports fall as drought spreads",
    "central bank raises its key rate",
    "court ruling on nitrate in drinking water",
];

/// Measures all `subjects` on the rows of `corpus`. Each has a pool of its own threads.
pub fn run(
    model: &Model,
    corpus: &Corpus,
    subjects: &[Subject],
    options: &BenchOptions,
    progress: &dyn Progress,
) -> Result<BenchReport> {
    let pools: Vec<ThreadPool> = subjects.iter().map(|s| pool(s.threads)).collect::<Result<_>>()?;
    let classes = classes(model, corpus, &options.lengths)?;
    let steps = subjects.len() * (options.rounds * classes.len() + 1);
    progress.begin(Stage::Bench, Some(steps as u64));
    let ceilings = ceilings(subjects);
    let mut figures: Vec<SubjectResult> = subjects.iter().map(describe).collect();
    for ((subject, pool), figures) in subjects.iter().zip(&pools).zip(&mut figures) {
        figures.query_ms = pool.install(|| latency(model, subject, options.queries, progress))?;
        progress.advance(Stage::Bench, 1);
    }

    let mut times: Vec<Vec<Vec<Time>>> = vec![vec![Vec::new(); classes.len()]; subjects.len()];
    for _ in 0..options.rounds {
        for (class, length) in classes.iter().enumerate() {
            for (i, (subject, pool)) in subjects.iter().zip(&pools).enumerate() {
                reset_peak();
                times[i][class].push(pool.install(|| time(model, subject, &length.texts, progress))?);
                let peak = peak_memory().map(|bytes| bytes as f64 / 1e6);
                let highest = &mut figures[i].peak_memory_mb;
                *highest = peak.map(|peak| highest.map_or(peak, |h| h.max(peak)));
                progress.advance(Stage::Bench, 1);
            }
        }
    }
    for ((subject, figures), times) in subjects.iter().zip(&mut figures).zip(&times) {
        let isa = subject.isa.map(|p| yardstick(p, subject));
        let top = ceilings.iter().find(|c| Some(&c.isa) == isa.as_ref() && c.threads == subject.threads);
        for (class, times) in classes.iter().zip(times) {
            figures.lengths.push(class.figures(model, subject, times, top.map(|c| c.gflops)));
        }
    }
    let parity = match options.parity {
        true => parity::compare(model, corpus, subjects, &pools, progress)?,
        false => Vec::new(),
    };
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
        subjects: figures,
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
fn yardstick(isa: Isa, subject: &Subject) -> String {
    match subject.precision {
        Precision::Native => isa.name().into(),
        precision => format!("{isa}+{precision}"),
    }
}

/// The ceiling of each path and number of threads that is measured.
fn ceilings(subjects: &[Subject]) -> Vec<Ceiling> {
    let mut of: BTreeMap<(String, usize), Ceiling> = BTreeMap::new();
    for subject in subjects {
        let Some(isa) = subject.isa else { continue };
        let name = yardstick(isa, subject);
        of.entry((name.clone(), subject.threads)).or_insert_with(|| Ceiling {
            isa: name,
            threads: subject.threads,
            gflops: measure_ceiling(isa, subject.precision, subject.threads) / 1e9,
        });
    }
    of.into_values().collect()
}

/// The passages of one length.
struct Class<'a> {
    above: usize,
    up_to: Option<usize>,
    texts: Vec<&'a str>,
    /// Tokens of each window.
    windows: Vec<usize>,
    bytes: usize,
}

/// Rows by length, and all of them last. Lengths that no row has are left out.
fn classes<'a>(model: &Model, corpus: &'a Corpus, edges: &[usize]) -> Result<Vec<Class<'a>>> {
    let mut bounds: Vec<(usize, Option<usize>)> = Vec::new();
    let mut above = 0;
    for &edge in edges {
        bounds.push((above, Some(edge)));
        above = edge;
    }
    bounds.push((above, None));
    if above > 0 {
        bounds.push((0, None));
    }
    let class = |(above, up_to)| Class { above, up_to, texts: Vec::new(), windows: Vec::new(), bytes: 0 };
    let mut classes: Vec<Class> = bounds.into_iter().map(class).collect();
    for row in &corpus.rows {
        let windows: Vec<usize> = model.tokenizer.windows(&row.text)?.iter().map(Vec::len).collect();
        let tokens: usize = windows.iter().sum();
        let has = |c: &&mut Class| tokens > c.above && c.up_to.is_none_or(|most| tokens <= most);
        for class in classes.iter_mut().filter(has) {
            class.texts.push(&row.text);
            class.windows.extend(&windows);
            class.bytes += row.text.len();
        }
    }
    classes.retain(|c| !c.texts.is_empty());
    if classes.len() == 2 {
        // One length is all there is.
        classes.remove(0);
    }
    Ok(classes)
}

impl Class<'_> {
    fn figures(&self, model: &Model, subject: &Subject, times: &[Time], top: Option<f64>) -> LengthResult {
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
            ceiling_share: top.map(|top| gflops / top),
        }
    }

    /// The share of padding in the batches that the subject is given: longest first, as `embed_texts` packs them.
    fn padding(&self, model: &Model, subject: &Subject) -> f64 {
        let mut lengths = self.windows.clone();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let budget = subject.encoder.token_budget().max(model.max_tokens);
        let (mut real, mut computed) = (0, 0);
        let mut batch: Vec<usize> = Vec::new();
        for (i, &len) in lengths.iter().enumerate() {
            batch.push(len);
            let next = lengths.get(i + 1).copied();
            let held: usize = batch.iter().sum();
            if next.is_none_or(|next| held + next > budget) {
                real += held;
                computed += subject.encoder.computed_tokens(&batch);
                batch.clear();
            }
        }
        1.0 - real as f64 / computed.max(1) as f64
    }
}

/// Seconds of one round.
#[derive(Debug, Clone, Copy)]
struct Time {
    tokenizing: f64,
    embedding: f64,
}

fn time(model: &Model, subject: &Subject, texts: &[&str], progress: &dyn Progress) -> Result<Time> {
    let clock = Clock { progress, begun: Mutex::new(Instant::now()), stages: Mutex::default() };
    let start = Instant::now();
    embed_texts(model, subject.encoder.as_ref(), texts, &clock)?;
    let all = start.elapsed().as_secs_f64();
    let tokenizing =
        clock.stages.into_inner().ok().and_then(|s| s.get(&Stage::Tokenize).copied()).unwrap_or(0.0);
    Ok(Time { tokenizing, embedding: all - tokenizing })
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
    // The first ones fill caches and buffers.
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

/// Seconds a stage.
struct Clock<'a> {
    progress: &'a dyn Progress,
    begun: Mutex<Instant>,
    stages: Mutex<BTreeMap<Stage, f64>>,
}

impl Progress for Clock<'_> {
    fn begin(&self, _: Stage, _: Option<u64>) {
        if let Ok(mut begun) = self.begun.lock() {
            *begun = Instant::now();
        }
    }

    fn advance(&self, _: Stage, _: u64) {}

    fn end(&self, stage: Stage) {
        if let (Ok(begun), Ok(mut stages)) = (self.begun.lock(), self.stages.lock()) {
            *stages.entry(stage).or_default() += begun.elapsed().as_secs_f64();
        }
    }

    fn cancelled(&self) -> bool {
        self.progress.cancelled()
    }
}

//! Exact and approximate search at the sizes of archives: `cargo bench --bench index -- [flat | graph | hnsw_rs ROWS]… [FILE.npy]`.
//!
//! `flat` measures the exact search, `graph` a graph built by insertion, `hnsw_rs` a graph built by that crate.
//!
//! Rows are taken from FILE.npy (`samestory embed --format npy`), evenly spaced, with some noise if there are too few; without
//! a file they are synthetic. Times are medians; the measured variants alternate.

use std::{convert::Infallible, hint::black_box, time::Instant};

use rayon::prelude::*;
use samestory::{
    device::Isa,
    progress::NoProgress,
    random::{nth, to_unit_f32},
    search::{
        BitSet, Graph, GraphBuilder, GraphOptions, GraphScratch, Limit, QuantizedQuery, QuantizedRows,
        QuantizedView,
    },
    story::RowId,
    vector::{Matrix, dot, normalize},
};

const K: usize = 10;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let source = args.iter().find(|a| a.ends_with(".npy")).map_or_else(synthetic, |path| read(path));
    println!("{} source rows of {}, {}", source.rows(), source.dim(), Isa::detect());
    for pair in args.windows(2) {
        let Ok(rows) = pair[1].parse::<usize>() else { continue };
        match pair[0].as_str() {
            "flat" => flat(&sampled(&source, rows)),
            "graph" => graph(&sampled(&source, rows), false),
            "hnsw_rs" => graph(&sampled(&source, rows), true),
            _ => {}
        }
    }
}

/// Reproducible random numbers in [-0.5, 0.5).
fn noise(seed: usize) -> f32 {
    to_unit_f32(nth(0, seed as u64)) - 0.5
}

fn synthetic() -> Matrix {
    let (rows, dim) = (20_000, 384);
    let mut matrix = Matrix::zeros(rows, dim);
    for i in 0..rows {
        let value =
            |(j, x): (usize, &mut f32)| *x = noise(i % 500 * dim + j) + 0.7 * noise(i * dim + j + (1 << 40));
        matrix.row_mut(i).iter_mut().enumerate().for_each(value);
        normalize(matrix.row_mut(i));
    }
    matrix
}

fn read(path: &str) -> Matrix {
    let bytes = std::fs::read(path).expect("a readable file");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = String::from_utf8_lossy(&bytes[10..10 + header]).into_owned();
    let shape = text.split('(').nth(1).and_then(|s| s.split(')').next()).expect("a shape");
    let dim = shape.split(',').nth(1).and_then(|d| d.trim().parse().ok()).expect("two dimensions");
    let values = bytes[10 + header..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Matrix::from_vec(values, dim)
}

fn sampled(source: &Matrix, rows: usize) -> Matrix {
    let (n, dim) = (source.rows(), source.dim());
    let mut out = Matrix::zeros(rows, dim);
    for i in 0..rows {
        let from = if rows <= n { i * n / rows } else { i % n };
        out.row_mut(i).copy_from_slice(source.row(from));
        if i >= n {
            out.row_mut(i).iter_mut().enumerate().for_each(|(j, x)| *x += 0.02 * noise(i * dim + j));
            normalize(out.row_mut(i));
        }
    }
    out
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64()
}

/// The nearest rows by a parallel linear scan with `dot`: the time that the first pass saves.
fn linear_scan(query: &[f32], rows: &Matrix) -> Vec<(f32, usize)> {
    let part = |from: usize| {
        let to = rows.rows().min(from + 8192);
        let mut all: Vec<(f32, usize)> = (from..to).map(|i| (dot(query, rows.row(i)), i)).collect();
        all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        all.truncate(K);
        all
    };
    let mut all = (0..rows.rows()).step_by(8192).par_bridge().flat_map_iter(part).collect::<Vec<_>>();
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(K);
    all
}

fn exact(view: QuantizedView, query: &[f32], rows: &Matrix) -> Vec<(RowId, f32)> {
    let score = |row: RowId| Ok::<_, Infallible>(dot(query, rows.row(row.index())));
    view.search(query, Limit::Nearest(K), &BitSet::default(), score).unwrap_or_default()
}

fn flat(rows: &Matrix) {
    let mut quantized = None;
    let seconds = timed(|| quantized = Some(QuantizedRows::from_matrix(rows)));
    let quantized = quantized.expect("made above");
    let mut file = Vec::new();
    quantized.view(Isa::Portable).write(0, &mut file).expect("memory");
    let open = timed(|| QuantizedView::open(&file, Isa::detect()).is_ok());
    let queries: Vec<usize> = (0..15).map(|i| (i * 7919 + 13) % rows.rows()).collect();
    let sets = Isa::available();
    let mut times = vec![Vec::new(); sets.len() + 1];
    let mut kept = Vec::new();
    for &q in &queries {
        let query: Vec<f32> =
            rows.row(q).iter().enumerate().map(|(j, x)| x + 0.05 * noise(q * 977 + j)).collect();
        for (isa, times) in sets.iter().zip(&mut times) {
            times.push(timed(|| exact(quantized.view(*isa), &query, rows)));
        }
        times[sets.len()].push(timed(|| linear_scan(&query, rows)));
        let view = quantized.view(Isa::detect());
        kept.push(
            view.candidates(&[QuantizedQuery::new(&query)], Limit::Nearest(K), &BitSet::default())[0].len(),
        );
        let same = exact(view, &query, rows).iter().zip(linear_scan(&query, rows)).all(|(a, b)| a.1 == b.0);
        assert!(same, "the first pass lost a row");
    }
    kept.sort_unstable();
    println!(
        "flat {}: quantize {seconds:.2} s, open and check {:.1} ms, {} MB, candidates median {} most {}",
        rows.rows(),
        open * 1e3,
        file.len() / 1_000_000,
        kept[kept.len() / 2],
        kept[kept.len() - 1]
    );
    for (isa, times) in sets.iter().zip(&times) {
        println!("  {isa}: {:.2} ms a query", median(times.clone()) * 1e3);
    }
    println!("  f32: {:.2} ms a query", median(times[sets.len()].clone()) * 1e3);
}

/// CPU seconds of this thread, on systems that report them.
fn thread_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// CPU seconds of `work` on this thread; wall-clock seconds where those are unknown.
fn cpu_timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let (clock, start) = (Instant::now(), thread_seconds());
    let result = work();
    let used = start.zip(thread_seconds()).map(|(from, to)| to - from);
    (used.unwrap_or(clock.elapsed().as_secs_f64()), result)
}

/// Builds a graph of all but the last hundredth of the rows, then extends it.
fn graph(rows: &Matrix, crate_builds: bool) {
    let options = GraphOptions::default();
    let all = QuantizedRows::from_matrix(rows);
    let view = all.view(Isa::detect());
    let mut first = QuantizedRows::new(rows.dim());
    (0..rows.rows() - rows.rows() / 100).for_each(|i| first.push(rows.row(i)));
    let (build, builder) = cpu_timed(|| {
        if crate_builds {
            GraphBuilder::build(first.view(Isa::detect()), options, &NoProgress)
        } else {
            let mut builder = GraphBuilder::empty(first.view(Isa::detect()), options);
            builder.extend(&NoProgress).map(|()| builder)
        }
    });
    let file = frozen(&builder.expect("not cancelled"));
    let mut grown = GraphBuilder::from_frozen(&Graph::open(&file, view).expect("its own file").0, options);
    let (extend, _) = cpu_timed(|| grown.extend(&NoProgress));
    let audit = Instant::now();
    let audited = grown.audit(128, &NoProgress);
    let audit = audit.elapsed().as_secs_f64();
    let file = frozen(&grown);
    let open = timed(|| Graph::open(&file, view).is_ok());
    let (graph, _) = Graph::open(&file, view).expect("its own file");
    println!(
        "graph {} {}: build {build:.1} s, 1 % more {extend:.2} s, audit {audit:.1} s, {:.1} MB, open {:.1} ms, {audited:?}",
        rows.rows(),
        if crate_builds { "hnsw_rs" } else { "inserted" },
        file.len() as f64 / 1e6,
        open * 1e3
    );
    let mut scratch = GraphScratch::default();
    let score = |a: RowId, b: RowId| dot(rows.row(a.index()), rows.row(b.index()));
    for ef in [32, 64, 128] {
        let recall = graph.recall(K, ef, 300, &score);
        let mut times = [Vec::new(), Vec::new()];
        for q in (0..200).map(|i| (i * 7919 + 13) % rows.rows()) {
            let query: Vec<f32> =
                rows.row(q).iter().enumerate().map(|(j, x)| x + 0.05 * noise(q * 977 + j)).collect();
            let exactly = |row: RowId| Ok::<_, Infallible>(dot(&query, rows.row(row.index())));
            let deleted = BitSet::default();
            times[0]
                .push(timed(|| graph.search(&query, Limit::Nearest(K), ef, &deleted, &mut scratch, exactly)));
            times[1].push(timed(|| exact(view, &query, rows)));
        }
        let [walk, exact] = times.map(|t| median(t) * 1e3);
        println!(
            "  ef {ef}: recall@10 {recall:.4}, {walk:.3} ms a query on one thread; exact {exact:.3} ms on all"
        );
    }
}

fn frozen(builder: &GraphBuilder) -> Vec<u8> {
    let mut file = Vec::new();
    builder.freeze(0, &mut file).expect("memory");
    file
}

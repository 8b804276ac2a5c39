//! The figures of a bench run, as they are printed and as `--json` writes them.

use serde::{Deserialize, Serialize};

/// The median of some measurements, with the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Summary {
    /// Of some measurements; zeros of none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Summary::default() };
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        };
        Summary { median, min, max }
    }
}

/// The version of [`BenchReport`].
pub const REPORT_SCHEMA: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BenchReport {
    /// [`REPORT_SCHEMA`].
    pub schema: u32,
    /// The program's version.
    pub version: String,
    /// The model's name.
    pub model: String,
    /// The model's fingerprint.
    pub fingerprint: String,
    /// What was embedded.
    pub corpus: String,
    /// Distinct passages.
    pub passages: u64,
    /// Bytes of their text.
    pub bytes: u64,
    /// Rounds measured.
    pub rounds: usize,
    /// What the machine can do.
    pub ceilings: Vec<Ceiling>,
    /// What was measured.
    pub subjects: Vec<SubjectResult>,
    /// Pairs of subjects compared.
    pub parity: Vec<Parity>,
}

/// What products in registers reach: no encoder can be faster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The instruction set.
    #[serde(alias = "path")]
    pub isa: String,
    /// Threads at work.
    pub threads: usize,
    /// 10⁹ multiplications and additions per second, measured in this run.
    pub gflops: f64,
}

/// One subject.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SubjectResult {
    /// As the user named it.
    pub name: String,
    /// What it says it runs on.
    pub device: String,
    /// Threads.
    pub threads: usize,
    /// By length, then all together (`up_to` null).
    pub lengths: Vec<LengthResult>,
    /// Single short queries, in milliseconds.
    pub query_ms: LatencyPercentiles,
    /// From the start of a new process to its first vector and its end, in milliseconds.
    pub cold_start_ms: Option<Summary>,
    /// The most memory the process held in this subject's rounds, in 10⁶ bytes.
    pub peak_memory_mb: Option<f64>,
}

/// Throughput at one length.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LengthResult {
    /// Passages longer than `above` tokens…
    pub above: usize,
    /// … and no longer than this; null: no bound.
    pub up_to: Option<usize>,
    /// Passages of a round.
    pub passages: u64,
    /// Real tokens of a round; padding is none.
    pub tokens: u64,
    /// Real tokens a second, tokenization included.
    pub tokens_per_second: Summary,
    /// Passages a second, tokenization included.
    pub passages_per_second: Summary,
    /// 10⁶ bytes of text a second, tokenization included.
    pub megabytes_per_second: Summary,
    /// The share of the time that tokenization took.
    pub tokenizing: f64,
    /// Padding computed, as a share of all tokens computed.
    pub padding: f64,
    /// 10⁹ useful multiplications and additions a second, tokenization left out.
    pub gflops: f64,
    /// `gflops` as a share of the ceiling.
    pub ceiling_share: Option<f64>,
}

/// Percentiles of single queries.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LatencyPercentiles {
    /// Half of them were as fast.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
    /// How many were timed.
    pub queries: usize,
}

impl LatencyPercentiles {
    /// Of some times in milliseconds, by nearest rank.
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let rank = |p: f64| ((times.len() as f64 * p).ceil() as usize).clamp(1, times.len().max(1)) - 1;
        let at = |p| times.get(rank(p)).copied().unwrap_or_default();
        LatencyPercentiles { p50: at(0.50), p95: at(0.95), p99: at(0.99), queries: times.len() }
    }
}

/// How far two subjects' results lie apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// One subject.
    pub a: String,
    /// The other.
    pub b: String,
    /// The lowest cosine between the two vectors of a passage.
    pub min_cosine: f64,
    /// The mean of it.
    pub mean_cosine: f64,
    /// The greatest difference of the two cosines of a pair of passages, over a sample.
    pub max_difference: f64,
    /// The mean of it.
    pub mean_difference: f64,
    /// Stories whose relation, kept story or removal is another.
    pub flips: u64,
    /// Stories judged.
    pub stories: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert_eq!(Summary::of(&[3.0, 1.0, 2.0]), Summary { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Summary::of(&[4.0, 1.0]).median, 2.5);
        assert_eq!(Summary::of(&[]), Summary::default());
        let hundred = LatencyPercentiles::of((1..=100).map(f64::from).collect());
        assert_eq!((hundred.p50, hundred.p95, hundred.p99), (50.0, 95.0, 99.0));
        assert_eq!(LatencyPercentiles::of(vec![7.0]).p99, 7.0);
        assert_eq!(LatencyPercentiles::of(Vec::new()).p50, 0.0);
    }
}

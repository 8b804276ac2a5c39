//! The report of a benchmark, in the form of its JSON.

use serde::{Deserialize, Serialize};

/// The median and the range of several measurements.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The median; of an even number, the mean of the two middle ones.
    pub median: f64,
    /// The minimum.
    pub min: f64,
    /// The maximum.
    pub max: f64,
}

impl Summary {
    /// Summarizes measurements; zeros if there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Summary::default() };
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        } else {
            sorted[middle]
        };
        Summary { median, min, max }
    }
}

/// The schema version of [`BenchReport`].
pub const REPORT_SCHEMA: u32 = 1;

/// The results of a benchmark.
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
    /// The name of the corpus.
    pub corpus: String,
    /// Number of distinct passages.
    pub passages: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// Number of rounds.
    pub rounds: usize,
    /// Arithmetic ceilings of the machine.
    pub ceilings: Vec<Ceiling>,
    /// Results by subject.
    pub subjects: Vec<SubjectResult>,
    /// Comparisons of pairs of subjects, if requested.
    pub parity: Vec<Parity>,
}

/// The throughput of products in registers: an upper bound for encoders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The instruction set.
    #[serde(alias = "path")]
    pub isa: String,
    /// Number of threads.
    pub threads: usize,
    /// 10⁹ multiplications and additions per second, measured in this run.
    pub gflops: f64,
}

/// The results of one subject.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SubjectResult {
    /// Its name.
    pub name: String,
    /// Device and number format, see [`Encoder::describe`](crate::embed::Encoder::describe).
    pub device: String,
    /// Number of threads.
    pub threads: usize,
    /// By length bucket, then for all lengths.
    pub lengths: Vec<LengthResult>,
    /// Latency of single short queries, in milliseconds.
    pub query_ms: LatencyPercentiles,
    /// Milliseconds of a new process that embeds one text.
    pub cold_start_ms: Option<Summary>,
    /// Peak memory of the process in this subject's rounds, in 10⁶ bytes.
    pub peak_memory_mb: Option<f64>,
}

/// Throughput in one length bucket.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LengthResult {
    /// The bucket holds passages with more tokens than this …
    pub above: usize,
    /// … and at most this many; null: no limit.
    pub up_to: Option<usize>,
    /// Passages per round.
    pub passages: u64,
    /// Tokens per round, without padding.
    pub tokens: u64,
    /// Tokens per second without padding; including tokenization.
    pub tokens_per_second: Summary,
    /// Passages per second, including tokenization.
    pub passages_per_second: Summary,
    /// 10⁶ bytes of text per second, including tokenization.
    pub megabytes_per_second: Summary,
    /// Share of the time spent in tokenization, in [0, 1].
    pub tokenizing: f64,
    /// Share of padding in the computed tokens, in [0, 1].
    pub padding: f64,
    /// 10⁹ multiplications and additions per second, without padding and tokenization.
    pub gflops: f64,
    /// `gflops` divided by the ceiling, if there is one.
    pub ceiling_share: Option<f64>,
}

/// Latency percentiles of single queries.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LatencyPercentiles {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Number of queries timed.
    pub queries: usize,
}

impl LatencyPercentiles {
    /// Percentiles of times in milliseconds, by nearest rank; zeros if there are none.
    #[must_use]
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let rank = |p: f64| ((times.len() as f64 * p).ceil() as usize).clamp(1, times.len().max(1)) - 1;
        let at = |p| times.get(rank(p)).copied().unwrap_or_default();
        LatencyPercentiles { p50: at(0.50), p95: at(0.95), p99: at(0.99), queries: times.len() }
    }
}

/// The differences between the results of two subjects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// The results of one subject.
    pub a: String,
    /// The other.
    pub b: String,
    /// Minimum cosine between the two vectors of a passage.
    pub min_cosine: f64,
    /// Mean cosine between the two vectors of a passage.
    pub mean_cosine: f64,
    /// Maximum difference between the two cosines of a pair of passages, over a sample.
    pub max_difference: f64,
    /// Mean difference between the two cosines of a pair of passages, over a sample.
    pub mean_difference: f64,
    /// Stories with another canonical story, relation or removal.
    pub flips: u64,
    /// Number of stories.
    pub stories: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_medians_and_percentiles() {
        assert_eq!(Summary::of(&[3.0, 1.0, 2.0]), Summary { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Summary::of(&[4.0, 1.0]).median, 2.5);
        assert_eq!(Summary::of(&[]), Summary::default());
        let hundred = LatencyPercentiles::of((1..=100).map(f64::from).collect());
        assert_eq!((hundred.p50, hundred.p95, hundred.p99), (50.0, 95.0, 99.0));
        assert_eq!(LatencyPercentiles::of(vec![7.0]).p99, 7.0);
        assert_eq!(LatencyPercentiles::of(Vec::new()).p50, 0.0);
    }
}

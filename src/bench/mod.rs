//! Benchmarks of encoders: interleaved rounds, medians and ranges, and the arithmetic ceiling of the machine.

mod baseline;
mod memory;
mod parity;
mod report;
mod rounds;
mod synthetic;

pub use baseline::{MetricChange, compare};
pub use memory::peak_memory;
pub use report::{
    BenchReport, Ceiling, LatencyPercentiles, LengthResult, Parity, REPORT_SCHEMA, SubjectResult, Summary,
};
pub use rounds::run;
pub use synthetic::synthetic;

use std::sync::Arc;

use crate::{
    device::{Isa, Precision},
    embed::Encoder,
};

/// A subject of a benchmark: an encoder on a number of threads.
pub struct Subject {
    /// Its name in the report: "amx", "candle", "candle-reference".
    pub name: String,
    /// The number of threads.
    pub threads: usize,
    /// The encoder.
    pub encoder: Arc<dyn Encoder>,
    /// The instruction set whose ceiling applies, if any.
    pub isa: Option<Isa>,
    /// The precision of its linear layers.
    pub precision: Precision,
    /// The instruction set of the search, for [`BenchOptions::parity`].
    pub search_isa: Isa,
}

/// The settings of a benchmark.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// How often each subject embeds each length bucket; at least 1.
    pub rounds: usize,
    /// Upper bounds of the length buckets, in tokens, ascending. Longer passages form one more bucket.
    pub lengths: Vec<usize>,
    /// The number of single queries to time.
    pub queries: usize,
    /// Whether to compare the subjects' vectors and decisions.
    pub parity: bool,
}

impl Default for BenchOptions {
    fn default() -> Self {
        BenchOptions { rounds: 5, lengths: vec![32, 64, 128, 256], queries: 200, parity: false }
    }
}

//! Measures encoders against each other: interleaved rounds, medians, the machine's ceiling beside them.

mod against;
mod figures;
mod memory;
mod parity;
mod rounds;
mod synthetic;

pub use against::{MetricChange, compare};
pub use figures::{
    BenchReport, Ceiling, LatencyPercentiles, LengthResult, Parity, REPORT_SCHEMA, SubjectResult, Summary,
};
pub use memory::peak_memory;
pub use rounds::run;
pub use synthetic::synthetic;

use std::sync::Arc;

use crate::{
    device::{Isa, Precision},
    embed::Encoder,
};

/// One thing that is measured: an encoder on so many threads.
pub struct Subject {
    /// As the user named it: "amx", "candle", "stock".
    pub name: String,
    /// How many threads.
    pub threads: usize,
    /// The encoder.
    pub encoder: Arc<dyn Encoder>,
    /// The instruction set whose ceiling is the yardstick, where there is one.
    pub isa: Option<Isa>,
    /// What it computes in.
    pub precision: Precision,
    /// The path that searches when decisions are compared.
    pub search_isa: Isa,
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// How often each subject embeds each length; at least 1.
    pub rounds: usize,
    /// Upper edges of the lengths that are told apart, in tokens, ascending; what is longer is one more.
    pub lengths: Vec<usize>,
    /// How many single queries are timed.
    pub queries: usize,
    /// Whether the subjects' vectors and decisions are compared.
    pub parity: bool,
}

impl Default for BenchOptions {
    fn default() -> Self {
        BenchOptions { rounds: 5, lengths: vec![32, 64, 128, 256], queries: 200, parity: false }
    }
}

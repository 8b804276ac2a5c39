//! Rows to unit vectors: batches packed without padding, an encoder, and a ledger of what was seen.

mod batch;
mod buckets;
mod candle;
mod cpu;
mod rows;
mod stock;

pub use batch::PackedBatch;
pub use candle::CandleEncoder;
pub use cpu::{cpu_encoder, cpu_encoder_in};
pub use rows::{Embedded, Ledger, embed_texts};
pub use stock::StockEncoder;

use crate::{Result, vector::Matrix};

/// Turns packed token sequences into unit vectors. A vector depends on its own tokens alone: not on its batch
/// mates, their order, or the number of threads.
pub trait Encoder: Send + Sync {
    /// The number of values in a vector.
    fn dim(&self) -> usize;
    /// What it runs on and with which numbers, for the manifest: "cpu amx bf16", "cuda f16 (candle)".
    fn describe(&self) -> String;
    /// The tokens that the next call of [`Encoder::encode`] should hold to run well; it may change from call to call.
    fn token_budget(&self) -> usize;
    /// The tokens that are computed for sequences of `lengths` in one batch, padding included.
    fn computed_tokens(&self, lengths: &[usize]) -> usize {
        lengths.iter().sum()
    }
    /// One unit vector a sequence of `batch`, in its order: `batch.len() × dim`.
    fn encode(&self, batch: &PackedBatch) -> Result<Matrix>;
}

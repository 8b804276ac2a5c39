//! Rows to unit vectors: batches packed without padding, an encoder, and a ledger of what was seen.

mod batch;
#[cfg(feature = "candle")]
mod buckets;
#[cfg(feature = "candle")]
mod candle;
mod chunks;
mod cpu;
#[cfg(test)]
#[cfg(feature = "candle")]
mod golden;
mod rows;
#[cfg(any(test, feature = "yardstick"))]
mod stock;

pub use batch::PackedBatch;
#[cfg(feature = "candle")]
pub use candle::CandleEncoder;
pub use cpu::{cpu_encoder, cpu_encoder_in};
pub use rows::{Embedded, Ledger, embed_texts};
#[cfg(any(test, feature = "yardstick"))]
pub use stock::StockEncoder;

use crate::{Result, vector::Matrix};

/// Turns packed token sequences into unit vectors. A vector depends on its own tokens alone: not on its batch
/// mates, their order, or the number of threads.
pub trait Encoder: Send + Sync {
    /// The number of values in a vector.
    fn dim(&self) -> usize;
    /// What it runs on and with which numbers, for the manifest: "cpu amx bf16", "cuda f16 (candle)".
    fn describe(&self) -> String;
    /// The tokens that a call of [`Encoder::encode`] should hold to run well.
    fn token_budget(&self) -> usize;
    /// The tokens that are computed for sequences of `lengths` in one batch, padding included.
    fn computed_tokens(&self, lengths: &[usize]) -> usize {
        lengths.iter().sum()
    }
    /// One unit vector a sequence of `batch`, in its order: `batch.len() × dim`. `done` hears of the tokens of each part
    /// that is done, from any thread, all parts together as many as the batch has; its error is the call's.
    fn encode(&self, batch: &PackedBatch, done: Done) -> Result<Matrix>;
}

/// Hears how many more tokens are encoded, and may stop the call by an error.
pub type Done<'a> = &'a (dyn Fn(usize) -> Result<()> + Sync);

//! Rows to unit vectors: batches packed without padding, an encoder, and a stats of what was seen.

mod batch;
#[cfg(feature = "candle")]
mod buckets;
#[cfg(feature = "candle")]
mod candle;
#[cfg(any(test, feature = "yardstick"))]
mod candle_reference;
mod chunks;
mod cpu;
#[cfg(test)]
#[cfg(feature = "candle")]
mod golden;
mod texts;

pub use batch::PackedBatch;
#[cfg(feature = "candle")]
pub use candle::CandleEncoder;
#[cfg(any(test, feature = "yardstick"))]
pub use candle_reference::CandleReferenceEncoder;
pub use cpu::{cpu_encoder, cpu_encoder_with};
pub use texts::{EmbedStats, Embeddings, embed_texts};

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
    fn encode(&self, batch: &PackedBatch, on_tokens: TokenCallback) -> Result<Matrix>;
}

/// Hears how many more tokens are encoded, and may stop the call by an error.
pub type TokenCallback<'a> = &'a (dyn Fn(usize) -> Result<()> + Sync);

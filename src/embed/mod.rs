//! Texts to unit vectors: tokenization, batches without padding, encoders for CPUs and GPUs, and statistics.

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

/// Turns packed token sequences into unit vectors. A vector depends on its own tokens only: not on the rest of its batch,
/// the order, or the number of threads.
pub trait Encoder: Send + Sync {
    /// The number of values per vector.
    fn dim(&self) -> usize;
    /// The device and number format, for reports: "cpu amx bf16", "cuda f16 (candle)".
    fn describe(&self) -> String;
    /// The number of tokens per call of [`Encoder::encode`] that is efficient.
    fn token_budget(&self) -> usize;
    /// The number of tokens computed for a batch of sequences of `lengths`, padding included.
    fn computed_tokens(&self, lengths: &[usize]) -> usize {
        lengths.iter().sum()
    }
    /// One unit vector per sequence of `batch`, in order: `batch.len() × dim`. `on_tokens` is called from any thread with the
    /// token count of each part that is done; the counts add up to those of the batch.
    ///
    /// # Errors
    ///
    /// An error of `on_tokens`; [`Error::Model`](crate::Error::Model) for ids or lengths outside the model's tables; a
    /// failure of the device.
    fn encode(&self, batch: &PackedBatch, on_tokens: TokenCallback) -> Result<Matrix>;
}

/// Receives the number of further tokens encoded; cancels the call by returning an error.
pub type TokenCallback<'a> = &'a (dyn Fn(usize) -> Result<()> + Sync);

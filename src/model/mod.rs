//! Sentence-embedding models: their files, configuration, weights and tokenizer.

mod config;
mod weights;

pub use config::{Activation, BertConfig, Pooling};
pub use weights::{Tensor, Weights};

//! The configuration of a BERT-family encoder, from its `config.json`.

use serde::Deserialize;

use crate::{Error, Result, device::Activation};

/// How the vectors of a sequence's tokens are combined into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens, `[CLS]` and `[SEP]` included.
    Mean,
    /// The first token's vector.
    Cls,
}

/// The fields of `config.json` that the encoder needs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BertConfig {
    /// Width of the hidden states; 384 for MiniLM-L6.
    pub hidden_size: usize,
    /// Number of layers; 6 for MiniLM-L6.
    pub num_hidden_layers: usize,
    /// Attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width between the two feed-forward layers.
    pub intermediate_size: usize,
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Tokens of the longest sequence, including `[CLS]` and `[SEP]`.
    pub max_position_embeddings: usize,
    /// Segment types; the first is used.
    pub type_vocab_size: usize,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// The activation between the feed-forward layers.
    pub hidden_act: Activation,
    /// `bert`; other families are rejected.
    pub model_type: String,
    /// `absolute`; other kinds are rejected.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn absolute() -> String {
    "absolute".into()
}

impl BertConfig {
    /// Parses `config.json`; errors name `file`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if it is not the configuration of a supported model.
    pub fn from_json(file: &str, bytes: &[u8]) -> Result<Self> {
        let bad = |expected: &str, found: String| Error::Model {
            file: file.into(),
            expected: expected.into(),
            found,
        };
        let config: BertConfig = serde_json::from_slice(bytes)
            .map_err(|e| bad("the config.json of a BERT-family model", e.to_string()))?;
        if config.model_type != "bert" {
            return Err(bad("model_type \"bert\"", format!("{:?}", config.model_type)));
        }
        if config.position_embedding_type != "absolute" {
            return Err(bad("absolute positions", format!("{:?}", config.position_embedding_type)));
        }
        let sizes = [config.hidden_size, config.num_hidden_layers, config.num_attention_heads];
        let more = [
            config.intermediate_size,
            config.vocab_size,
            config.max_position_embeddings,
            config.type_vocab_size,
        ];
        if sizes.iter().chain(&more).any(|&n| n == 0 || n > 1 << 20) {
            return Err(bad("sizes between 1 and 1048576", "a size out of that range".into()));
        }
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err(bad("a hidden size divisible by the number of heads", format!("{sizes:?}")));
        }
        Ok(config)
    }

    /// Width of one attention head.
    #[must_use]
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// Multiplications and additions in the matrix products of all layers, for one sequence of `len` tokens.
    #[must_use]
    pub fn operations(&self, len: usize) -> f64 {
        let (hidden, inner) = (self.hidden_size as f64, self.intermediate_size as f64);
        let len = len as f64;
        let linear = len * (4.0 * hidden * hidden + 2.0 * hidden * inner);
        let attention = 2.0 * len * len * hidden;
        2.0 * self.num_hidden_layers as f64 * (linear + attention)
    }
}

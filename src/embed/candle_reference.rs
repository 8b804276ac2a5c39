//! The reference encoder: candle-transformers' own BERT on padded batches, as most programs would call it.
//!
//! It shares only the weights with the other encoders, so tests compare them with it, and benchmarks give their speed as a
//! multiple of its speed.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert;

use super::{Encoder, PackedBatch, TokenCallback};
use crate::{
    Error, Result,
    model::{Activation, BertConfig, Model, Pooling},
    vector::{Matrix, normalize},
};

/// The result of [`Encoder::describe`].
const NAME: &str = "cpu f32 (candle-transformers, padded)";

/// candle-transformers' `BertModel` in f32 on the CPU.
pub struct CandleReferenceEncoder {
    inner: bert::BertModel,
    config: BertConfig,
    pooling: Pooling,
}

impl CandleReferenceEncoder {
    /// Copies the weights of `model` into candle tensors.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if a tensor has the wrong shape, [`Error::Compute`] if candle fails.
    pub fn new(model: &Model) -> Result<Self> {
        let c = &model.config;
        let fail = |source: candle_core::Error| Error::Compute { device: NAME.into(), source: source.into() };
        let mut tensors = HashMap::new();
        for (name, shape) in model.weights.shapes() {
            let (rows, cols) = match shape[..] {
                [n] => (1, n),
                [r, c] => (r, c),
                _ => continue,
            };
            let data = model.weights.get(name, rows, cols)?.to_f32();
            let tensor = Tensor::from_vec(data, shape, &Device::Cpu).map_err(fail)?;
            tensors.insert(name.trim_start_matches("bert.").to_string(), tensor);
        }
        let config = bert::Config {
            vocab_size: c.vocab_size,
            hidden_size: c.hidden_size,
            num_hidden_layers: c.num_hidden_layers,
            num_attention_heads: c.num_attention_heads,
            intermediate_size: c.intermediate_size,
            hidden_act: match c.hidden_act {
                Activation::Gelu => bert::HiddenAct::Gelu,
                Activation::GeluTanh => bert::HiddenAct::GeluApproximate,
                Activation::Relu => bert::HiddenAct::Relu,
            },
            max_position_embeddings: c.max_position_embeddings,
            type_vocab_size: c.type_vocab_size,
            layer_norm_eps: c.layer_norm_eps,
            ..bert::Config::default()
        };
        let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let inner = bert::BertModel::load(weights, &config).map_err(fail)?;
        Ok(CandleReferenceEncoder { inner, config: model.config.clone(), pooling: model.pooling })
    }

    fn forward(&self, batch: &PackedBatch) -> candle_core::Result<Matrix> {
        let (count, hidden) = (batch.len(), self.config.hidden_size);
        let longest = (0..count).map(|i| batch.sequence(i).len()).max().unwrap_or(0);
        let mut ids = vec![0u32; count * longest];
        let mut mask = vec![0u32; count * longest];
        for i in 0..count {
            let sequence = batch.sequence(i);
            ids[i * longest..][..sequence.len()].copy_from_slice(sequence);
            mask[i * longest..][..sequence.len()].fill(1);
        }
        let ids = Tensor::from_vec(ids, (count, longest), &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, (count, longest), &Device::Cpu)?;
        let states = self.inner.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let pooled = match self.pooling {
            Pooling::Mean => {
                let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
                states.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)?
            }
            Pooling::Cls => states.narrow(1, 0, 1)?.squeeze(1)?,
        };
        let mut vectors = Matrix::from_vec(pooled.flatten_all()?.to_vec1()?, hidden);
        (0..count).for_each(|i| normalize(vectors.row_mut(i)));
        Ok(vectors)
    }
}

impl Encoder for CandleReferenceEncoder {
    fn dim(&self) -> usize {
        self.config.hidden_size
    }

    fn describe(&self) -> String {
        NAME.into()
    }

    fn token_budget(&self) -> usize {
        4096
    }

    fn computed_tokens(&self, lengths: &[usize]) -> usize {
        lengths.len() * lengths.iter().max().copied().unwrap_or(0)
    }

    fn encode(&self, batch: &PackedBatch, on_tokens: TokenCallback) -> Result<Matrix> {
        batch.check(&self.config)?;
        if batch.is_empty() {
            return Ok(Matrix::zeros(0, self.config.hidden_size));
        }
        let fail = |source: candle_core::Error| Error::Compute { device: NAME.into(), source: source.into() };
        let vectors = self.forward(batch).map_err(fail)?;
        on_tokens(batch.tokens())?;
        Ok(vectors)
    }
}

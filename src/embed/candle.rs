//! The encoder over candle tensors: f32 on the CPU as the reference, f16 or bf16 on CUDA and Metal.
//!
//! Tokens of all sequences stand in one `tokens × hidden` tensor, so linear layers and norms see no padding.
//! Attention runs per group of sequences of equal length, so it needs no mask either.

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops;

use super::{Encoder, PackedBatch};
use crate::{
    Error, Result,
    model::{Activation, BertConfig, Model, Pooling, Weights},
    vector::{Matrix, normalize},
};

struct Linear {
    /// `in × out`, transposed at load.
    weight: Tensor,
    bias: Tensor,
}

struct Norm {
    weight: Tensor,
    bias: Tensor,
}

struct Layer {
    qkv: Linear,
    attention: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
}

/// A BERT-family encoder on a candle device.
pub struct CandleEncoder {
    device: Device,
    dtype: DType,
    config: BertConfig,
    pooling: Pooling,
    words: Tensor,
    positions: Tensor,
    segment: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

impl CandleEncoder {
    /// Puts the weights of `model` on `device` as `dtype`.
    pub fn new(model: &Model, device: Device, dtype: DType) -> Result<Self> {
        let config = model.config.clone();
        let load = Loader { weights: &model.weights, device: &device, dtype };
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for i in 0..config.num_hidden_layers {
            let at = |part: &str| format!("encoder.layer.{i}.{part}");
            let qkv = ["query", "key", "value"].map(|p| at(&format!("attention.self.{p}")));
            layers.push(Layer {
                qkv: load.linear(&qkv.each_ref().map(String::as_str), hidden, hidden)?,
                attention: load.linear(&[&at("attention.output.dense")], hidden, hidden)?,
                attention_norm: load.norm(&at("attention.output.LayerNorm"), hidden)?,
                up: load.linear(&[&at("intermediate.dense")], inner, hidden)?,
                down: load.linear(&[&at("output.dense")], hidden, inner)?,
                norm: load.norm(&at("output.LayerNorm"), hidden)?,
            });
        }
        let segments =
            load.tensor("embeddings.token_type_embeddings.weight", config.type_vocab_size, hidden)?;
        Ok(CandleEncoder {
            words: load.tensor("embeddings.word_embeddings.weight", config.vocab_size, hidden)?,
            positions: load.tensor(
                "embeddings.position_embeddings.weight",
                config.max_position_embeddings,
                hidden,
            )?,
            segment: segments.narrow(0, 0, 1).map_err(|e| load.fail(e))?,
            norm: load.norm("embeddings.LayerNorm", hidden)?,
            pooling: model.pooling,
            layers,
            config,
            device,
            dtype,
        })
    }

    fn forward(&self, batch: &PackedBatch) -> candle_core::Result<Matrix> {
        let positions: Vec<u32> = (0..batch.len()).flat_map(|i| 0..batch.sequence(i).len() as u32).collect();
        let ids = Tensor::from_slice(batch.ids(), batch.tokens(), &self.device)?;
        let positions = Tensor::new(positions, &self.device)?;
        let words = self.words.index_select(&ids, 0)?;
        let embedded = (words + self.positions.index_select(&positions, 0)?)?.broadcast_add(&self.segment)?;
        let mut x = self.layer_norm(&embedded, &self.norm)?;
        for layer in &self.layers {
            let context = self.attention(&linear(&x, &layer.qkv)?, batch)?;
            x = self.layer_norm(&(linear(&context, &layer.attention)? + x)?, &layer.attention_norm)?;
            let inner = linear(&x, &layer.up)?;
            let inner = match self.config.hidden_act {
                Activation::Gelu => inner.gelu_erf()?,
                Activation::GeluTanh => inner.gelu()?,
                Activation::Relu => inner.relu()?,
            };
            x = self.layer_norm(&(linear(&inner, &layer.down)? + x)?, &layer.norm)?;
        }
        self.pool(&x, batch)
    }

    /// `qkv` is `tokens × 3·hidden`; the context is `tokens × hidden`.
    fn attention(&self, qkv: &Tensor, batch: &PackedBatch) -> candle_core::Result<Tensor> {
        let (heads, size) = (self.config.num_attention_heads, self.config.head_size());
        let scale = 1.0 / (size as f64).sqrt();
        let mut parts = Vec::new();
        for (start, length, count) in runs(batch) {
            let part = qkv.narrow(0, start, length * count)?.reshape((count, length, 3, heads, size))?;
            let pick = |i: usize| part.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
            let (q, k, v) = (pick(0)?, pick(1)?, pick(2)?);
            let scores = (q.matmul(&k.t()?)? * scale)?;
            let context = ops::softmax_last_dim(&scores)?.matmul(&v)?;
            parts.push(context.transpose(1, 2)?.reshape((count * length, heads * size))?);
        }
        Tensor::cat(&parts, 0)
    }

    fn layer_norm(&self, x: &Tensor, norm: &Norm) -> candle_core::Result<Tensor> {
        ops::layer_norm(&x.contiguous()?, &norm.weight, &norm.bias, self.config.layer_norm_eps as f32)
    }

    fn pool(&self, x: &Tensor, batch: &PackedBatch) -> candle_core::Result<Matrix> {
        let mut vectors = Vec::new();
        for (start, length, count) in runs(batch) {
            let part =
                x.narrow(0, start, length * count)?.reshape((count, length, self.config.hidden_size))?;
            let part = part.to_dtype(DType::F32)?;
            vectors.push(match self.pooling {
                Pooling::Mean => part.mean(1)?,
                Pooling::Cls => part.narrow(1, 0, 1)?.squeeze(1)?,
            });
        }
        let data = Tensor::cat(&vectors, 0)?.flatten(0, D::Minus1)?.to_vec1::<f32>()?;
        let mut vectors = Matrix::from_vec(data, self.config.hidden_size);
        (0..vectors.rows()).for_each(|i| normalize(vectors.row_mut(i)));
        Ok(vectors)
    }
}

impl Encoder for CandleEncoder {
    fn dim(&self) -> usize {
        self.config.hidden_size
    }

    fn describe(&self) -> String {
        let device = match &self.device {
            Device::Cpu => "cpu".to_string(),
            Device::Cuda(_) => "cuda".into(),
            Device::Metal(_) => "metal".into(),
        };
        format!("{device} {} (candle)", self.dtype.as_str())
    }

    fn token_budget(&self) -> usize {
        match self.device {
            Device::Cpu => 4096,
            _ => 65536,
        }
    }

    fn encode(&self, batch: &PackedBatch) -> Result<Matrix> {
        check_ids(batch, &self.config)?;
        if batch.is_empty() {
            return Ok(Matrix::zeros(0, self.config.hidden_size));
        }
        self.forward(batch).map_err(|source| Error::Compute { device: self.describe(), source })
    }
}

/// Refuses ids and lengths that the tables do not hold: a tokenizer of another model.
pub(super) fn check_ids(batch: &PackedBatch, config: &BertConfig) -> Result<()> {
    let bad =
        |expected: String, found: String| Error::Model { file: "tokenizer.json".into(), expected, found };
    if let Some(id) = batch.ids().iter().find(|&&id| id as usize >= config.vocab_size) {
        return Err(bad(format!("ids below {}", config.vocab_size), format!("the id {id}")));
    }
    let longest = (0..batch.len()).map(|i| batch.sequence(i).len()).max().unwrap_or(0);
    if longest > config.max_position_embeddings {
        return Err(bad(format!("at most {} tokens", config.max_position_embeddings), format!("{longest}")));
    }
    if (0..batch.len()).any(|i| batch.sequence(i).is_empty()) {
        return Err(bad("at least one token a text".into(), "none".into()));
    }
    Ok(())
}

/// Runs of neighbouring sequences of equal length: (first token, length, sequences).
fn runs(batch: &PackedBatch) -> Vec<(usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for i in 0..batch.len() {
        let length = batch.sequence(i).len();
        match runs.last_mut() {
            Some(run) if run.1 == length => run.2 += 1,
            _ => runs.push((batch.offsets()[i] as usize, length, 1)),
        }
    }
    runs
}

fn linear(x: &Tensor, layer: &Linear) -> candle_core::Result<Tensor> {
    x.matmul(&layer.weight)?.broadcast_add(&layer.bias)
}

/// Moves named weights to the device.
struct Loader<'a> {
    weights: &'a Weights,
    device: &'a Device,
    dtype: DType,
}

impl Loader<'_> {
    fn fail(&self, source: candle_core::Error) -> Error {
        Error::Compute { device: format!("{:?}", self.device.location()), source }
    }

    fn tensor(&self, name: &str, rows: usize, cols: usize) -> Result<Tensor> {
        let data = self.weights.get(name, rows, cols)?.to_f32();
        Tensor::from_vec(data, (rows, cols), self.device)
            .and_then(|t| t.to_dtype(self.dtype))
            .map_err(|e| self.fail(e))
    }

    fn vector(&self, name: &str, len: usize) -> Result<Tensor> {
        self.tensor(name, 1, len)?.squeeze(0).map_err(|e| self.fail(e))
    }

    /// The layers `names`, each `out × inp`, side by side as one.
    fn linear(&self, names: &[&str], out: usize, inp: usize) -> Result<Linear> {
        let mut weights = Vec::new();
        let mut biases = Vec::new();
        for name in names {
            weights.push(self.tensor(&format!("{name}.weight"), out, inp)?);
            biases.push(self.vector(&format!("{name}.bias"), out)?);
        }
        let join = || {
            let weight = Tensor::cat(&weights, 0)?.t()?.contiguous()?;
            Ok(Linear { weight, bias: Tensor::cat(&biases, 0)? })
        };
        join().map_err(|e| self.fail(e))
    }

    fn norm(&self, name: &str, len: usize) -> Result<Norm> {
        Ok(Norm {
            weight: self.vector(&format!("{name}.weight"), len)?,
            bias: self.vector(&format!("{name}.bias"), len)?,
        })
    }
}

//! The encoder on candle tensors: f32 on the CPU as a reference, f16 on CUDA and Metal; pooled in f32.
//!
//! The tokens of all sequences are rows of one `tokens × hidden` tensor, so linear layers and layer norms see no padding.
//! Attention runs per bucket of sequences of similar length ([`LengthBucket`]).

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops;

use super::{Encoder, PackedBatch, TokenCallback, buckets::LengthBucket};
use crate::{
    Error, Result,
    device::{Gpu, compute_error},
    model::{Activation, BertConfig, Model, Pooling, Weights},
    vector::{Matrix, normalize},
};

struct Linear {
    /// `in × out`, transposed when loaded.
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
    /// See [`LengthBucket::split`].
    max_padding: usize,
    token_budget: usize,
}

/// Tokens per batch on the CPU.
const CPU_TOKENS: usize = 4096;
/// The most tokens per batch on a GPU. Four times as many are 2 % faster on an H200 (benches/gpu.rs).
const GPU_TOKENS: usize = 65_536;
/// The padding of buckets on a GPU; 0 is none, which is 15 to 25 % faster than any other on an H200 (benches/gpu.rs):
/// gathering costs more than the kernel launches that it saves.
const GPU_MAX_PADDING: usize = 0;

impl CandleEncoder {
    /// Loads the weights of `model` to `gpu` as f16, which has ten bits of fraction where bf16 has seven. Batches are sized
    /// to the free memory.
    ///
    /// # Errors
    ///
    /// As [`CandleEncoder::new`].
    pub fn on_gpu(model: &Model, gpu: &Gpu) -> Result<Self> {
        let dtype = DType::F16;
        let mut encoder = Self::new(model, gpu.device.clone(), dtype)?.with_max_padding(GPU_MAX_PADDING);
        let fitting = gpu.free_bytes.map_or(GPU_TOKENS, |free| tokens_that_fit(free, &model.config, dtype));
        encoder.token_budget = fitting.min(GPU_TOKENS);
        Ok(encoder)
    }

    /// On candle's CPU device in f32: a reference for the other encoders.
    ///
    /// # Errors
    ///
    /// As [`CandleEncoder::new`].
    pub fn on_cpu(model: &Model) -> Result<Self> {
        Self::new(model, Device::Cpu, DType::F32)
    }

    /// Lets sequences of similar length share a bucket: at most one in `max_padding` of the positions of a row is padding; 0
    /// is none.
    #[must_use]
    pub fn with_max_padding(self, max_padding: usize) -> Self {
        CandleEncoder { max_padding, ..self }
    }

    /// Sets the number of tokens per batch, regardless of the device's memory.
    #[must_use]
    pub fn with_token_budget(self, token_budget: usize) -> Self {
        CandleEncoder { token_budget, ..self }
    }

    /// Loads the weights of `model` to `device` as `dtype`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if a tensor is missing or has the wrong shape; [`Error::OutOfMemory`] or [`Error::Compute`] if the
    /// device fails.
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
            max_padding: 0,
            token_budget: CPU_TOKENS,
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
        let buckets = LengthBucket::split(batch, self.max_padding, &self.device, self.dtype)?;
        let mut x = self.layer_norm(&embedded, &self.norm)?;
        for layer in &self.layers {
            let context = self.attention(&linear(&x, &layer.qkv)?, &buckets)?;
            x = self.layer_norm(&(linear(&context, &layer.attention)? + x)?, &layer.attention_norm)?;
            let inner = linear(&x, &layer.up)?;
            let inner = match self.config.hidden_act {
                Activation::Gelu => inner.gelu_erf()?,
                Activation::GeluTanh => inner.gelu()?,
                Activation::Relu => inner.relu()?,
            };
            x = self.layer_norm(&(linear(&inner, &layer.down)? + x)?, &layer.norm)?;
        }
        let vectors = buckets.iter().map(|bucket| bucket.pool(&x, self.pooling));
        let vectors = Tensor::cat(&vectors.collect::<candle_core::Result<Vec<_>>>()?, 0)?;
        let data = vectors.flatten(0, D::Minus1)?.to_vec1::<f32>()?;
        let mut vectors = Matrix::from_vec(data, self.config.hidden_size);
        (0..vectors.rows()).for_each(|i| normalize(vectors.row_mut(i)));
        Ok(vectors)
    }

    /// `qkv` is `tokens × 3·hidden`; the context is `tokens × hidden`.
    fn attention(&self, qkv: &Tensor, buckets: &[LengthBucket]) -> candle_core::Result<Tensor> {
        let (heads, size) = (self.config.num_attention_heads, self.config.head_size());
        let scale = 1.0 / (size as f64).sqrt();
        let mut parts = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let (count, length) = (bucket.count, bucket.length);
            let part = bucket.gather(qkv)?.reshape((count, length, 3, heads, size))?;
            let pick = |i: usize| part.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
            let (q, k, v) = (pick(0)?, pick(1)?, pick(2)?);
            let scores = bucket.mask((q.matmul(&k.t()?)? * scale)?)?;
            let context = ops::softmax_last_dim(&scores)?.matmul(&v)?;
            let context = context.transpose(1, 2)?.reshape((count * length, heads * size))?;
            parts.push(bucket.scatter(context)?);
        }
        Tensor::cat(&parts, 0)
    }

    fn layer_norm(&self, x: &Tensor, norm: &Norm) -> candle_core::Result<Tensor> {
        ops::layer_norm(&x.contiguous()?, &norm.weight, &norm.bias, self.config.layer_norm_eps as f32)
    }
}

impl Encoder for CandleEncoder {
    fn dim(&self) -> usize {
        self.config.hidden_size
    }

    fn describe(&self) -> String {
        format!("{} {} (candle)", name(&self.device), self.dtype.as_str())
    }

    fn token_budget(&self) -> usize {
        self.token_budget
    }

    fn encode(&self, batch: &PackedBatch, on_tokens: TokenCallback) -> Result<Matrix> {
        batch.check(&self.config)?;
        if batch.is_empty() {
            return Ok(Matrix::zeros(0, self.config.hidden_size));
        }
        let vectors = self
            .forward(batch)
            .map_err(|source| compute_error(self.describe(), format!("{} tokens", batch.tokens()), source))?;
        on_tokens(batch.tokens())?;
        Ok(vectors)
    }
}

/// The number of tokens whose batch takes half of `free` bytes. The other half is for memory that is released late, and for
/// other programs.
fn tokens_that_fit(free: u64, config: &BertConfig, dtype: DType) -> usize {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    // Values that are alive at once per token: the inner layer before and after its activation, and the residual; or the
    // three parts of qkv, gathered and split, the context, and the scores, scaled and as softmax.
    let scores = config.num_attention_heads * config.max_position_embeddings;
    let values = (2 * inner + 2 * hidden).max(11 * hidden + 3 * scores);
    let tokens = free / 2 / (values * dtype.size_in_bytes()) as u64;
    usize::try_from(tokens).unwrap_or(usize::MAX).max(config.max_position_embeddings)
}

fn linear(x: &Tensor, layer: &Linear) -> candle_core::Result<Tensor> {
    x.matmul(&layer.weight)?.broadcast_add(&layer.bias)
}

fn name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

/// Loads named tensors to the device.
struct Loader<'a> {
    weights: &'a Weights,
    device: &'a Device,
    dtype: DType,
}

impl Loader<'_> {
    fn fail(&self, source: candle_core::Error) -> Error {
        compute_error(name(self.device).into(), "the model".into(), source)
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

    /// The layers `names`, each `out × inp`, concatenated.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_sized_to_memory() {
        let config = Model::from_static(&samestory_minilm::files()).unwrap().config;
        let check = |free: u64, expect: std::ops::Range<usize>| {
            let tokens = tokens_that_fit(free, &config, DType::F16);
            assert!(expect.contains(&tokens), "{tokens} for {free}");
        };
        // 45 kB per token with 512 scores each. Memory for less than one sequence is left to fail.
        check(0, 512..513);
        check(1 << 30, 10_000..15_000);
        check(64 << 30, GPU_TOKENS..usize::MAX);
        check(u64::MAX, GPU_TOKENS..usize::MAX);
        assert!(
            tokens_that_fit(1 << 30, &config, DType::F32) < tokens_that_fit(1 << 30, &config, DType::F16)
        );
    }
}

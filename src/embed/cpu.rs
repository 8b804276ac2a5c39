//! The encoder on the CPU kernels: packed tokens without padding, and activations that stay in the cache.
//!
//! A batch is split into chunks of whole sequences ([`Chunks`]), which threads take in turn; a chunk goes through all layers
//! before its thread takes the next one. The feed-forward layers are computed in blocks of their width, so that the wide
//! activations between them stay in the cache too.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::{
    Encoder, PackedBatch, TokenCallback,
    chunks::{Chunk, Chunks},
};
#[cfg(target_arch = "x86_64")]
use crate::device::Bf16Kernels;
use crate::{
    Error, Result,
    device::{AlignedBuf, Arena, AttentionShape, F32Kernels, Int8Kernels, Isa, Kernels, LayerNorm},
    error::Setting,
    model::{BertConfig, Model, Pooling, Precision, Weights},
    vector::{Matrix, normalize},
};

/// Tokens per batch: some seconds of work for two fast threads, since threads wait for each other at the end of a batch.
const BATCH_TOKENS: usize = 1 << 18;

struct Layer<L> {
    qkv: L,
    attention: L,
    attention_norm: LayerNorm,
    /// Blocks of the two feed-forward layers, up and down.
    feed_forward: Vec<(L, L)>,
    norm: LayerNorm,
}

/// A BERT-family encoder on the kernels `K`.
struct CpuEncoder<K: Kernels> {
    kernels: K,
    config: BertConfig,
    pooling: Pooling,
    weights: Arc<Weights>,
    /// The sums of position and segment embeddings.
    positions: Matrix,
    norm: LayerNorm,
    layers: Vec<Layer<K::PackedWeights>>,
    /// Width of a feed-forward block.
    ffn_block: usize,
    /// Working memory that no thread is using.
    idle: Mutex<Vec<Workspace<K>>>,
}

/// Working memory of one thread.
struct Workspace<K: Kernels> {
    x: AlignedBuf<f32>,
    /// The hidden states as an operand; reused for the output of attention, so that more stays in the cache.
    states: AlignedBuf<K::Element>,
    /// Queries, keys and values; reused for the inner activations of the feed-forward layers.
    wide: AlignedBuf<K::Element>,
    /// For packing `states`, and for packing `wide` while the packed `states` are in use.
    lhs: K::LhsScratch,
    inner_lhs: K::LhsScratch,
    scratch: K::Scratch,
}

/// The encoder for `model` on the instruction set `isa`, in the model's precision. If the model's widths do not suit the
/// bf16 kernels, it runs on AVX-512 in f32; [`Encoder::describe`] reports what was chosen. Panics if the processor lacks
/// `isa`.
///
/// # Errors
///
/// As [`cpu_encoder_with`].
pub fn cpu_encoder(model: &Model, isa: Isa) -> Result<Box<dyn Encoder>> {
    cpu_encoder_with(model, isa, model.precision)
}

/// Like [`cpu_encoder`], in the given precision.
///
/// # Errors
///
/// [`Error::Model`] if a tensor is missing, has the wrong shape or is not finite; [`Error::Setting`] if the model's widths
/// do not allow the precision.
pub fn cpu_encoder_with(model: &Model, isa: Isa, precision: Precision) -> Result<Box<dyn Encoder>> {
    let c = &model.config;
    match precision {
        Precision::Int8
            if !(c.hidden_size.is_multiple_of(32)
                && ffn_block::<Int8Kernels<F32Kernels>>(c).is_multiple_of(32)) =>
        {
            Err(Error::Setting {
                setting: Setting::Precision,
                message: format!(
                    "int8 needs layers whose widths are multiples of 32; those of {} are not",
                    model.name
                ),
            })
        }
        Precision::Int8 => {
            #[cfg(target_arch = "x86_64")]
            if let Some(on_bf16) = Int8Kernels::on_bf16(
                isa,
                c.hidden_size,
                ffn_block::<Int8Kernels<Bf16Kernels>>(c),
                attention_shape(c),
            ) {
                return Ok(Box::new(CpuEncoder::new(model, on_bf16)?));
            }
            Ok(Box::new(CpuEncoder::new(model, Int8Kernels::on_f32(isa))?))
        }
        Precision::Native => {
            #[cfg(target_arch = "x86_64")]
            if let Some(bf16) =
                Bf16Kernels::new(isa, c.hidden_size, ffn_block::<Bf16Kernels>(c), attention_shape(c))
            {
                return Ok(Box::new(CpuEncoder::new(model, bf16)?));
            }
            Ok(Box::new(CpuEncoder::new(model, F32Kernels::new(isa))?))
        }
    }
}

fn attention_shape(config: &BertConfig) -> AttentionShape {
    AttentionShape { heads: config.num_attention_heads, head_dim: config.head_size() }
}

/// The width of a feed-forward block: the largest multiple of 32 up to [`Kernels::FFN_BLOCK`] that divides the feed-forward
/// width, or else that width.
fn ffn_block<K: Kernels>(config: &BertConfig) -> usize {
    let width = config.intermediate_size;
    (1..=K::FFN_BLOCK / 32).rev().map(|n| 32 * n).find(|n| width.is_multiple_of(*n)).unwrap_or(width)
}

impl<K: Kernels> CpuEncoder<K> {
    fn new(model: &Model, kernels: K) -> Result<Self> {
        let config = model.config.clone();
        let (hidden, ffn_block) = (config.hidden_size, ffn_block::<K>(&config));
        let load = Loader { weights: &model.weights, hidden, arena: &Arena::default() };
        let layers = (0..config.num_hidden_layers).into_par_iter();
        let layers = layers.map(|i| load.layer(&kernels, i, &config, ffn_block)).collect::<Result<_>>()?;
        let segments = load.matrix("embeddings.token_type_embeddings.weight", config.type_vocab_size)?;
        let rows = config.max_position_embeddings;
        let mut positions =
            Matrix::from_vec(load.matrix("embeddings.position_embeddings.weight", rows)?, hidden);
        for i in 0..rows {
            positions.row_mut(i).iter_mut().zip(&segments).for_each(|(p, s)| *p += s);
        }
        // Checked once here; rows are then read in place.
        model.weights.get("embeddings.word_embeddings.weight", config.vocab_size, hidden)?;
        Ok(CpuEncoder {
            norm: load.norm("embeddings.LayerNorm", vec![0.0; hidden], &config)?,
            pooling: model.pooling,
            weights: Arc::clone(&model.weights),
            idle: Mutex::new(Vec::new()),
            kernels,
            positions,
            layers,
            ffn_block,
            config,
        })
    }

    /// Encodes a chunk of `batch`. Returns the number of its tokens.
    fn encode_chunk(&self, batch: &PackedBatch, chunk: Chunk) -> Result<usize> {
        let (hidden, shape) = (self.config.hidden_size, attention_shape(&self.config));
        let Chunk { sequences, vectors } = chunk;
        let first = batch.offsets()[sequences.start] as usize;
        let rows = batch.offsets()[sequences.end] as usize - first;
        let mut workspace =
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        workspace.grow(rows, hidden, self.ffn_block);
        let Workspace { x, states, wide, lhs, inner_lhs, scratch } = &mut workspace;

        let words = self.weights.get("embeddings.word_embeddings.weight", self.config.vocab_size, hidden)?;
        let mut row = 0;
        for i in sequences.clone() {
            for (position, &id) in batch.sequence(i).iter().enumerate() {
                let x = &mut x[row * hidden..][..hidden];
                words.row_to_f32(id as usize, x);
                x.iter_mut().zip(self.positions.row(position)).for_each(|(x, p)| *x += p);
                row += 1;
            }
        }
        let k = &self.kernels;
        k.layer_norm(x, rows, &self.norm, states);
        for layer in &self.layers {
            k.linear(k.pack_lhs(states, rows, hidden, lhs), rows, &layer.qkv, wide, scratch);
            for i in sequences.clone() {
                let [start, end] = [i, i + 1].map(|i| batch.offsets()[i] as usize - first);
                let sequence = start..end;
                k.attention(wide, sequence, shape, states, scratch);
            }
            k.linear_add(k.pack_lhs(states, rows, hidden, lhs), rows, &layer.attention, x, scratch);
            k.layer_norm(x, rows, &layer.attention_norm, states);
            let packed_states = k.pack_lhs(states, rows, hidden, lhs);
            for (up, down) in &layer.feed_forward {
                k.linear_act(packed_states, rows, up, self.config.hidden_act, wide, scratch);
                k.linear_add(k.pack_lhs(wide, rows, self.ffn_block, inner_lhs), rows, down, x, scratch);
            }
            k.layer_norm(x, rows, &layer.norm, states);
        }
        for (i, out) in sequences.zip(vectors.chunks_exact_mut(hidden)) {
            let at = batch.offsets()[i] as usize - first;
            self.pool(&x[at * hidden..][..batch.sequence(i).len() * hidden], out);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        Ok(rows)
    }

    /// Pools the hidden states of one sequence into a unit vector.
    fn pool(&self, states: &[f32], out: &mut [f32]) {
        match self.pooling {
            Pooling::Cls => out.copy_from_slice(&states[..out.len()]),
            Pooling::Mean => {
                out.fill(0.0);
                for row in states.chunks_exact(out.len()) {
                    out.iter_mut().zip(row).for_each(|(o, x)| *o += x);
                }
            }
        }
        normalize(out);
    }
}

impl<K: Kernels> Encoder for CpuEncoder<K> {
    fn dim(&self) -> usize {
        self.config.hidden_size
    }

    fn describe(&self) -> String {
        format!("cpu {}", self.kernels.name())
    }

    fn token_budget(&self) -> usize {
        BATCH_TOKENS
    }

    fn encode(&self, batch: &PackedBatch, on_tokens: TokenCallback) -> Result<Matrix> {
        batch.check(&self.config)?;
        let threads = rayon::current_num_threads();
        let mut vectors = Matrix::zeros(batch.len(), self.config.hidden_size);
        let max_tokens = self.kernels.chunk_tokens();
        let chunks = Mutex::new(Chunks::new(batch, threads, max_tokens, vectors.as_mut_slice()));
        let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
        (0..threads).into_par_iter().with_max_len(1).try_for_each(|_| {
            while let Some(chunk) = next() {
                on_tokens(self.encode_chunk(batch, chunk)?)?;
            }
            Ok(())
        })?;
        Ok(vectors)
    }
}

impl<K: Kernels> Default for Workspace<K> {
    fn default() -> Self {
        Workspace {
            x: AlignedBuf::default(),
            states: AlignedBuf::default(),
            wide: AlignedBuf::default(),
            lhs: K::LhsScratch::default(),
            inner_lhs: K::LhsScratch::default(),
            scratch: K::Scratch::default(),
        }
    }
}

impl<K: Kernels> Workspace<K> {
    /// Grows the buffers to `rows`, and to the rows past the end that kernels read.
    fn grow(&mut self, rows: usize, hidden: usize, ffn_block: usize) {
        let rows = rows.next_multiple_of(K::ROW_BLOCK) + K::ROW_BLOCK;
        self.x.grow(rows * hidden);
        self.states.grow(rows * hidden);
        self.wide.grow(rows * ffn_block.max(3 * hidden));
    }
}

/// Reads named tensors as f32.
struct Loader<'a> {
    weights: &'a Weights,
    hidden: usize,
    arena: &'a Arena,
}

impl Loader<'_> {
    fn matrix(&self, name: &str, rows: usize) -> Result<Vec<f32>> {
        self.tensor(name, rows, self.hidden)
    }

    fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>> {
        self.tensor(name, 1, len)
    }

    /// Rejects values that are not finite: quantization would turn them into finite ones.
    fn tensor(&self, name: &str, rows: usize, cols: usize) -> Result<Vec<f32>> {
        let values = self.weights.get(name, rows, cols)?.to_f32();
        if values.iter().all(|x| x.is_finite()) {
            return Ok(values);
        }
        Err(Error::Model {
            file: name.into(),
            expected: "finite weights".into(),
            found: "infinity or NaN".into(),
        })
    }

    /// The layer norm `name`, which follows a linear layer with `bias`.
    fn norm(&self, name: &str, bias: Vec<f32>, config: &BertConfig) -> Result<LayerNorm> {
        Ok(LayerNorm {
            input_bias: bias,
            gamma: self.vector(&format!("{name}.weight"), self.hidden)?,
            beta: self.vector(&format!("{name}.bias"), self.hidden)?,
            eps: config.layer_norm_eps as f32,
        })
    }

    fn layer<K: Kernels>(
        &self,
        kernels: &K,
        i: usize,
        config: &BertConfig,
        ffn_block: usize,
    ) -> Result<Layer<K::PackedWeights>> {
        let (hidden, inner) = (self.hidden, config.intermediate_size);
        let full_name = |name: &str| format!("encoder.layer.{i}.{name}");
        let (mut qkv, mut qkv_bias) = (Vec::new(), Vec::new());
        for name in ["query", "key", "value"] {
            let mut weight = self.matrix(&full_name(&format!("attention.self.{name}.weight")), hidden)?;
            let mut bias = self.vector(&full_name(&format!("attention.self.{name}.bias")), hidden)?;
            if name == "query" {
                // The softmax of the kernels is in base 2, of scores divided by √head_dim.
                let scale = std::f32::consts::LOG2_E / (config.head_size() as f32).sqrt();
                weight.iter_mut().chain(&mut bias).for_each(|w| *w *= scale);
            }
            qkv.extend(weight);
            qkv_bias.extend(bias);
        }
        let attention = self.matrix(&full_name("attention.output.dense.weight"), hidden)?;
        let attention_bias = self.vector(&full_name("attention.output.dense.bias"), hidden)?;
        let up = self.matrix(&full_name("intermediate.dense.weight"), inner)?;
        let up_bias = self.vector(&full_name("intermediate.dense.bias"), inner)?;
        let down = self.tensor(&full_name("output.dense.weight"), hidden, inner)?;
        let down_bias = self.vector(&full_name("output.dense.bias"), hidden)?;
        let none = vec![0.0; hidden];
        let pack = |weight: &[f32], n, k, bias: &[f32]| kernels.pack_weights(weight, n, k, bias, self.arena);
        let blocks = (0..inner).step_by(ffn_block).map(|from| {
            let up = pack(
                &up[from * hidden..][..ffn_block * hidden],
                ffn_block,
                hidden,
                &up_bias[from..][..ffn_block],
            );
            let columns: Vec<f32> =
                down.chunks_exact(inner).flat_map(|row| &row[from..][..ffn_block]).copied().collect();
            (up, pack(&columns, hidden, ffn_block, &none))
        });
        Ok(Layer {
            feed_forward: blocks.collect(),
            qkv: pack(&qkv, 3 * hidden, hidden, &qkv_bias),
            attention: pack(&attention, hidden, hidden, &none),
            attention_norm: self.norm(&full_name("attention.output.LayerNorm"), attention_bias, config)?,
            norm: self.norm(&full_name("output.LayerNorm"), down_bias, config)?,
        })
    }
}

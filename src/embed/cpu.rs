//! The encoder over the CPU kernels: packed tokens, no padding, activations that stay in the cache.
//!
//! A batch is cut into chunks of whole sequences ([`Chunks`]), one to a thread at a time; a chunk goes through all layers
//! before the next one starts. The feed-forward layers are computed a part of their width at a time, so that the wide
//! activations between them never leave the cache either.

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

/// Tokens of a batch: some seconds of work for two fast threads, as threads wait for one another at its end only.
const BATCH: usize = 1 << 18;

struct Layer<L> {
    qkv: L,
    attention: L,
    attention_norm: LayerNorm,
    /// Parts of the feed-forward layer: in and out.
    inner: Vec<(L, L)>,
    norm: LayerNorm,
}

/// A BERT-family encoder on kernels `K`.
struct CpuEncoder<K: Kernels> {
    kernels: K,
    config: BertConfig,
    pooling: Pooling,
    weights: Arc<Weights>,
    /// Position and segment vectors, summed.
    positions: Matrix,
    norm: LayerNorm,
    layers: Vec<Layer<K::PackedWeights>>,
    part: usize,
    /// Working memory of threads that are between two chunks.
    idle: Mutex<Vec<Work<K>>>,
}

/// Working memory of one thread.
struct Work<K: Kernels> {
    x: AlignedBuf<f32>,
    /// The states as an operand, and after them what attention makes of them: the fewer buffers, the more stays in the
    /// cache.
    states: AlignedBuf<K::Element>,
    /// Queries, keys and values, and after them the inner activations of the feed-forward layer.
    wide: AlignedBuf<K::Element>,
    /// What is made of an operand, and of the feed-forward layer's inner one beside it.
    made: K::LhsScratch,
    inner_made: K::LhsScratch,
    scratch: K::Scratch,
}

/// The fastest encoder for `model` that the instruction set `isa` allows. Where a model's shape does not suit the
/// bf16 kernels, it runs on AVX-512 in f32; [`Encoder::describe`] tells.
pub fn cpu_encoder(model: &Model, isa: Isa) -> Result<Box<dyn Encoder>> {
    cpu_encoder_with(model, isa, model.precision)
}

/// As [`cpu_encoder`], in another precision than the model's own.
pub fn cpu_encoder_with(model: &Model, isa: Isa, precision: Precision) -> Result<Box<dyn Encoder>> {
    let c = &model.config;
    match precision {
        Precision::Int8
            if !(c.hidden_size.is_multiple_of(32)
                && part::<Int8Kernels<F32Kernels>>(c).is_multiple_of(32)) =>
        {
            Err(Error::Setting {
                setting: Setting::Precision,
                message: format!(
                    "{} has layers whose widths are no multiples of 32, which int8 needs",
                    model.name
                ),
            })
        }
        Precision::Int8 => {
            #[cfg(target_arch = "x86_64")]
            if let Some(on_bf16) =
                Int8Kernels::on_bf16(isa, c.hidden_size, part::<Int8Kernels<Bf16Kernels>>(c), heads(c))
            {
                return Ok(Box::new(CpuEncoder::new(model, on_bf16)?));
            }
            Ok(Box::new(CpuEncoder::new(model, Int8Kernels::on_f32(isa))?))
        }
        Precision::Native => {
            #[cfg(target_arch = "x86_64")]
            if let Some(bf16) = Bf16Kernels::new(isa, c.hidden_size, part::<Bf16Kernels>(c), heads(c)) {
                return Ok(Box::new(CpuEncoder::new(model, bf16)?));
            }
            Ok(Box::new(CpuEncoder::new(model, F32Kernels::new(isa))?))
        }
    }
}

fn heads(config: &BertConfig) -> AttentionShape {
    AttentionShape { heads: config.num_attention_heads, head_dim: config.head_size() }
}

/// The widest part of at most [`Kernels::FFN_BLOCK`] that divides the feed-forward width and fills tiles, or else all of it.
fn part<K: Kernels>(config: &BertConfig) -> usize {
    let width = config.intermediate_size;
    (1..=K::FFN_BLOCK / 32).rev().map(|n| 32 * n).find(|n| width.is_multiple_of(*n)).unwrap_or(width)
}

impl<K: Kernels> CpuEncoder<K> {
    fn new(model: &Model, kernels: K) -> Result<Self> {
        let config = model.config.clone();
        let (hidden, part) = (config.hidden_size, part::<K>(&config));
        let load = Loader { weights: &model.weights, hidden, arena: &Arena::default() };
        let layers = (0..config.num_hidden_layers).into_par_iter();
        let layers = layers.map(|i| load.layer(&kernels, i, &config, part)).collect::<Result<_>>()?;
        let segments = load.matrix("embeddings.token_type_embeddings.weight", config.type_vocab_size)?;
        let rows = config.max_position_embeddings;
        let mut positions =
            Matrix::from_vec(load.matrix("embeddings.position_embeddings.weight", rows)?, hidden);
        for i in 0..rows {
            positions.row_mut(i).iter_mut().zip(&segments).for_each(|(p, s)| *p += s);
        }
        // Checked here once; rows are read from it in place.
        model.weights.get("embeddings.word_embeddings.weight", config.vocab_size, hidden)?;
        Ok(CpuEncoder {
            norm: load.norm("embeddings.LayerNorm", vec![0.0; hidden], &config)?,
            pooling: model.pooling,
            weights: Arc::clone(&model.weights),
            idle: Mutex::new(Vec::new()),
            kernels,
            positions,
            layers,
            part,
            config,
        })
    }

    /// Encodes a chunk of `batch`; returns its tokens.
    fn chunk(&self, batch: &PackedBatch, chunk: Chunk) -> Result<usize> {
        let (hidden, heads) = (self.config.hidden_size, heads(&self.config));
        let Chunk { sequences, vectors } = chunk;
        let first = batch.offsets()[sequences.start] as usize;
        let rows = batch.offsets()[sequences.end] as usize - first;
        let mut work = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        work.grow(rows, hidden, self.part);
        let Work { x, states, wide, made, inner_made, scratch } = &mut work;

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
            k.linear(k.pack_lhs(states, rows, hidden, made), rows, &layer.qkv, wide, scratch);
            for i in sequences.clone() {
                let at = batch.offsets()[i] as usize - first..batch.offsets()[i + 1] as usize - first;
                k.attention(wide, at, heads, states, scratch);
            }
            k.linear_add(k.pack_lhs(states, rows, hidden, made), rows, &layer.attention, x, scratch);
            k.layer_norm(x, rows, &layer.attention_norm, states);
            let left = k.pack_lhs(states, rows, hidden, made);
            for (up, down) in &layer.inner {
                k.linear_act(left, rows, up, self.config.hidden_act, wide, scratch);
                k.linear_add(k.pack_lhs(wide, rows, self.part, inner_made), rows, down, x, scratch);
            }
            k.layer_norm(x, rows, &layer.norm, states);
        }
        for (i, out) in sequences.zip(vectors.chunks_exact_mut(hidden)) {
            let at = batch.offsets()[i] as usize - first;
            self.pool(&x[at * hidden..][..batch.sequence(i).len() * hidden], out);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(work);
        Ok(rows)
    }

    /// The unit vector of one sequence's states.
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
        BATCH
    }

    fn encode(&self, batch: &PackedBatch, on_tokens: TokenCallback) -> Result<Matrix> {
        batch.check(&self.config)?;
        let threads = rayon::current_num_threads();
        let mut vectors = Matrix::zeros(batch.len(), self.config.hidden_size);
        let longest = self.kernels.chunk_tokens();
        let chunks = Mutex::new(Chunks::new(batch, threads, longest, vectors.as_mut_slice()));
        let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
        (0..threads).into_par_iter().with_max_len(1).try_for_each(|_| {
            while let Some(chunk) = next() {
                on_tokens(self.chunk(batch, chunk)?)?;
            }
            Ok(())
        })?;
        Ok(vectors)
    }
}

impl<K: Kernels> Default for Work<K> {
    fn default() -> Self {
        Work {
            x: AlignedBuf::default(),
            states: AlignedBuf::default(),
            wide: AlignedBuf::default(),
            made: K::LhsScratch::default(),
            inner_made: K::LhsScratch::default(),
            scratch: K::Scratch::default(),
        }
    }
}

impl<K: Kernels> Work<K> {
    /// Makes room for `rows`, and for what kernels read past them.
    fn grow(&mut self, rows: usize, hidden: usize, part: usize) {
        let rows = rows.next_multiple_of(K::ROW_BLOCK) + K::ROW_BLOCK;
        self.x.grow(rows * hidden);
        self.states.grow(rows * hidden);
        self.wide.grow(rows * part.max(3 * hidden));
    }
}

/// Reads named weights as f32.
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

    /// Rounded to bytes, a value that is not finite would become some other number, and the vectors with it.
    fn tensor(&self, name: &str, rows: usize, cols: usize) -> Result<Vec<f32>> {
        let values = self.weights.get(name, rows, cols)?.to_f32();
        match values.iter().all(|x| x.is_finite()) {
            true => Ok(values),
            false => Err(Error::Model {
                file: name.into(),
                expected: "finite weights".into(),
                found: "one that is not".into(),
            }),
        }
    }

    /// The norm `name`, after a layer with `bias`.
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
        part: usize,
    ) -> Result<Layer<K::PackedWeights>> {
        let (hidden, inner) = (self.hidden, config.intermediate_size);
        let at = |name: &str| format!("encoder.layer.{i}.{name}");
        let (mut qkv, mut qkv_bias) = (Vec::new(), Vec::new());
        for name in ["query", "key", "value"] {
            let mut weight = self.matrix(&at(&format!("attention.self.{name}.weight")), hidden)?;
            let mut bias = self.vector(&at(&format!("attention.self.{name}.bias")), hidden)?;
            if name == "query" {
                // Attention takes powers of two of scores that are divided by √size.
                let scale = std::f32::consts::LOG2_E / (config.head_size() as f32).sqrt();
                weight.iter_mut().chain(&mut bias).for_each(|w| *w *= scale);
            }
            qkv.extend(weight);
            qkv_bias.extend(bias);
        }
        let attention = self.matrix(&at("attention.output.dense.weight"), hidden)?;
        let attention_bias = self.vector(&at("attention.output.dense.bias"), hidden)?;
        let up = self.matrix(&at("intermediate.dense.weight"), inner)?;
        let up_bias = self.vector(&at("intermediate.dense.bias"), inner)?;
        let down = self.tensor(&at("output.dense.weight"), hidden, inner)?;
        let down_bias = self.vector(&at("output.dense.bias"), hidden)?;
        let none = vec![0.0; hidden];
        let pack = |weight: &[f32], n, k, bias: &[f32]| kernels.pack_weights(weight, n, k, bias, self.arena);
        let parts = (0..inner).step_by(part).map(|from| {
            let up = pack(&up[from * hidden..][..part * hidden], part, hidden, &up_bias[from..][..part]);
            let columns: Vec<f32> =
                down.chunks_exact(inner).flat_map(|row| &row[from..][..part]).copied().collect();
            (up, pack(&columns, hidden, part, &none))
        });
        Ok(Layer {
            inner: parts.collect(),
            qkv: pack(&qkv, 3 * hidden, hidden, &qkv_bias),
            attention: pack(&attention, hidden, hidden, &none),
            attention_norm: self.norm(&at("attention.output.LayerNorm"), attention_bias, config)?,
            norm: self.norm(&at("output.LayerNorm"), down_bias, config)?,
        })
    }
}

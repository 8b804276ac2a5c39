//! What an encoder asks of a processor: packed linear layers, attention, layer norm.
//!
//! Matrices are row-major, but for operands: activations that are the left side of a product, whose layout is the
//! kernels' own. A buffer that a kernel reads or writes by blocks holds its rows rounded up to
//! [`Kernels::ROW_BLOCK`]; what stands in the rows past the end is computed on and never looked at. Each row of a
//! result depends on its own row of the input (and attention on its own sequence) alone, to the last bit.

use std::ops::Range;

use serde::Deserialize;

use super::Arena;

/// The activation between two linear layers, by the names of `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Activation {
    /// x · Φ(x), with Φ the normal distribution (Hendrycks and Gimpel, 2016).
    #[serde(rename = "gelu")]
    Gelu,
    /// The tanh approximation of it.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluTanh,
    /// max(0, x).
    #[serde(rename = "relu")]
    Relu,
}

/// The heads of an attention layer.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// How many there are.
    pub count: usize,
    /// The width of each.
    pub size: usize,
}

impl Heads {
    /// The width of all heads together.
    pub fn width(self) -> usize {
        self.count * self.size
    }
}

/// Scale and shift of a layer norm, and the bias that is added before it.
#[derive(Debug, Clone)]
pub struct Norm {
    /// Added to the row first: the bias of the layer whose output is normalized.
    pub bias: Vec<f32>,
    /// Scale.
    pub weight: Vec<f32>,
    /// Shift.
    pub shift: Vec<f32>,
    /// Added to the variance.
    pub eps: f32,
}

/// A row and a column of a product that stand out, and what the kernels make of their score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The row of the left side.
    pub row: u32,
    /// The column of the right side.
    pub column: u32,
    /// Their inner product, to [`Above::SCORE_ERROR`].
    pub score: f32,
}

/// The operations of one instruction set.
pub trait Kernels: Send + Sync {
    /// A stored activation: f32, or the bits of a bf16.
    type Value: Copy + Default + Send + Sync + 'static;
    /// A weight matrix with its bias, laid out for [`Kernels::linear`].
    type Linear: Send + Sync;
    /// An operand as the linear layers read it: itself, or what was made of it.
    type Left<'a>: Copy;
    /// Memory for what is made of an operand.
    type Made: Default + Send;
    /// Working memory of one thread.
    type Scratch: Default + Send;

    /// Rows are computed in blocks of this many.
    const ROW_BLOCK: usize;

    /// Columns of a feed-forward layer's inner activations that are best computed at a time, a multiple of 32: so wide
    /// that `sum` is seldom added to, and so narrow that they stay in the cache beside it and the operand.
    const PART: usize = 384;

    /// As the manifest names it: "amx bf16".
    fn name(&self) -> String;

    /// Tokens that are best taken through all layers at a time: of more, weights are read less often; of fewer, more
    /// stays in the second-level cache.
    fn chunk(&self) -> usize;

    /// Lays out `rows × k` values as an operand, rounded as it stores them.
    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [Self::Value]);

    /// The `rows × k` values of an operand.
    fn read_operand(&self, x: &[Self::Value], rows: usize, k: usize) -> Vec<f32>;

    /// One stored value as f32.
    fn widen(&self, value: Self::Value) -> f32;

    /// Lays out `weight`, `n × k`, and `bias`, of `n` values, in memory of `arena`.
    fn pack(&self, weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Self::Linear;

    /// The operand `x`, of `rows × k`, for the layers that take it.
    fn left<'a>(
        &self,
        x: &'a [Self::Value],
        rows: usize,
        k: usize,
        made: &'a mut Self::Made,
    ) -> Self::Left<'a>;

    /// `out = x · weightᵀ + bias`: an operand of `rows × k` to `rows × n`.
    fn linear(
        &self,
        x: Self::Left<'_>,
        rows: usize,
        layer: &Self::Linear,
        out: &mut [Self::Value],
        scratch: &mut Self::Scratch,
    );

    /// `out = act(x · weightᵀ + bias)`: an operand of `rows × k` to one of `rows × n`.
    fn linear_act(
        &self,
        x: Self::Left<'_>,
        rows: usize,
        layer: &Self::Linear,
        act: Activation,
        out: &mut [Self::Value],
        scratch: &mut Self::Scratch,
    );

    /// `sum += x · weightᵀ`, the bias left out: an operand of `rows × k` to `rows × n`.
    fn linear_add(
        &self,
        x: Self::Left<'_>,
        rows: usize,
        layer: &Self::Linear,
        sum: &mut [f32],
        scratch: &mut Self::Scratch,
    );

    /// Multi-head attention of the sequence in the rows `at`: `qkv` has rows of `3·width` (queries, keys, values side
    /// by side, the queries scaled by log₂e/√size), `out` is an operand of `width` columns.
    fn attention(
        &self,
        qkv: &[Self::Value],
        at: Range<usize>,
        heads: Heads,
        out: &mut [Self::Value],
        scratch: &mut Self::Scratch,
    );

    /// `x = norm(x + bias)` over each of `rows` rows, and the same in the operand `out`.
    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &Norm, out: &mut [Self::Value]);
}

/// The operation of the exact search.
pub trait Above: Kernels {
    /// The scores of [`Above::above`] differ by at most this from exact ones, for rows of unit length.
    const SCORE_ERROR: f32;

    /// Adds to `hits` where `x · weightᵀ`, the bias left out, is at least `floor`: an operand of `rows × k`.
    fn above(
        &self,
        x: &[Self::Value],
        rows: usize,
        layer: &Self::Linear,
        floor: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut Self::Scratch,
    );
}

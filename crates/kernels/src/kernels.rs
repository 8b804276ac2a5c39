//! The operations that an encoder needs of a processor: packed linear layers, attention, layer norm.
//!
//! Matrices are row-major, with one exception. An *operand* is a matrix of activations that is the left-hand side (LHS)
//! of a product; each implementation stores it in a layout of its own. A buffer that is read or written by blocks holds
//! its rows rounded up to [`Kernels::ROW_BLOCK`]; the rows past the end are computed and ignored. Every row of a result
//! depends on its own input row only (in attention: on its own sequence only), to the last bit.

use std::ops::Range;

use serde::Deserialize;

use super::Arena;

/// The activation function between two linear layers, by its name in `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Activation {
    /// x · Φ(x), where Φ is the normal distribution function (Hendrycks and Gimpel, 2016).
    #[serde(rename = "gelu")]
    Gelu,
    /// The tanh approximation of GELU.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluTanh,
    /// max(0, x).
    #[serde(rename = "relu")]
    Relu,
}

/// The shape of a multi-head attention layer.
#[derive(Debug, Clone, Copy)]
pub struct AttentionShape {
    /// Number of heads.
    pub heads: usize,
    /// Values of one head.
    pub head_dim: usize,
}

impl AttentionShape {
    /// Values of all heads together: the hidden size of the model.
    #[must_use]
    pub fn width(self) -> usize {
        self.heads * self.head_dim
    }
}

/// The parameters of `layer_norm(x + input_bias) = gamma · normalized + beta`.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    /// The bias of the linear layer before it, added to each row first.
    pub input_bias: Vec<f32>,
    /// Scale.
    pub gamma: Vec<f32>,
    /// Shift.
    pub beta: Vec<f32>,
    /// Added to the variance.
    pub eps: f32,
}

/// A row and a column whose inner product is at least a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Row of the left-hand side.
    pub row: u32,
    /// Column of the right-hand side.
    pub column: u32,
    /// Their inner product, with an error of at most [`ThresholdSearch::SCORE_ERROR`].
    pub score: f32,
}

/// The operations of one instruction set.
pub trait Kernels: Send + Sync {
    /// A stored activation: f32, or the bits of a bf16.
    type Element: Copy + Default + Send + Sync + 'static;
    /// A weight matrix with its bias, in the layout of the right-hand side of [`Kernels::linear`].
    type PackedWeights: Send + Sync;
    /// An operand as the linear layers read it: itself, or a quantized copy.
    type PackedLhs<'a>: Copy;
    /// Memory for [`Kernels::PackedLhs`].
    type LhsScratch: Default + Send;
    /// Working memory of one thread.
    type Scratch: Default + Send;

    /// Rows are computed in blocks of this size.
    const ROW_BLOCK: usize;

    /// Columns of the inner feed-forward activations to compute at a time; a multiple of 32. Wide enough that `sum` is
    /// rarely added to, narrow enough that they stay in the cache with `sum` and the operand.
    const FFN_BLOCK: usize = 384;

    /// The name in reports, such as "amx bf16".
    fn name(&self) -> String;

    /// Tokens to take through all layers at a time. With more, weights are read less often; with fewer, more stays in
    /// the second-level cache.
    fn chunk_tokens(&self) -> usize;

    /// Stores `rows × k` values as an operand, rounded to [`Kernels::Element`].
    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [Self::Element]);

    /// The `rows × k` values of an operand.
    fn read_operand(&self, x: &[Self::Element], rows: usize, k: usize) -> Vec<f32>;

    /// One stored value as f32.
    fn widen(&self, value: Self::Element) -> f32;

    /// Packs `weight` (`n × k`) and `bias` (`n`) into memory of `arena`.
    fn pack_weights(
        &self,
        weight: &[f32],
        n: usize,
        k: usize,
        bias: &[f32],
        arena: &Arena,
    ) -> Self::PackedWeights;

    /// Prepares the operand `x` (`rows × k`) for all the linear layers that read it.
    fn pack_lhs<'a>(
        &self,
        x: &'a [Self::Element],
        rows: usize,
        k: usize,
        scratch: &'a mut Self::LhsScratch,
    ) -> Self::PackedLhs<'a>;

    /// `out = x · weightᵀ + bias`; `out` is row-major, `rows × n`.
    fn linear(
        &self,
        x: Self::PackedLhs<'_>,
        rows: usize,
        weights: &Self::PackedWeights,
        out: &mut [Self::Element],
        scratch: &mut Self::Scratch,
    );

    /// `out = act(x · weightᵀ + bias)`; `out` is an operand, `rows × n`.
    fn linear_act(
        &self,
        x: Self::PackedLhs<'_>,
        rows: usize,
        weights: &Self::PackedWeights,
        act: Activation,
        out: &mut [Self::Element],
        scratch: &mut Self::Scratch,
    );

    /// `sum += x · weightᵀ`, without the bias; `sum` is row-major, `rows × n`.
    fn linear_add(
        &self,
        x: Self::PackedLhs<'_>,
        rows: usize,
        weights: &Self::PackedWeights,
        sum: &mut [f32],
        scratch: &mut Self::Scratch,
    );

    /// Multi-head self-attention of the sequence that occupies the rows `sequence`. `qkv` has rows of `3·width`:
    /// queries, keys and values side by side, with the queries scaled by log₂e/√head_dim. `out` is an operand of
    /// `width` columns.
    fn attention(
        &self,
        qkv: &[Self::Element],
        sequence: Range<usize>,
        shape: AttentionShape,
        out: &mut [Self::Element],
        scratch: &mut Self::Scratch,
    );

    /// `x = layer_norm(x + input_bias)` for each of `rows` rows; the operand `out` receives the same values.
    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &LayerNorm, out: &mut [Self::Element]);
}

/// The operation of exact vector search.
pub trait ThresholdSearch: Kernels {
    /// The largest error of the scores of [`ThresholdSearch::scores_above`], for rows of unit length.
    const SCORE_ERROR: f32;

    /// Appends to `hits` the entries of `x · weightᵀ` (without the bias) that are at least `threshold`; `x` is an operand
    /// of `rows × k`.
    fn scores_above(
        &self,
        x: &[Self::Element],
        rows: usize,
        weights: &Self::PackedWeights,
        threshold: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut Self::Scratch,
    );
}

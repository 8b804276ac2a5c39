//! The bf16 kernels for x86-64: products of bf16 values summed in f32, and AVX-512 for everything else.
//!
//! Two backends multiply operands of the same layout: the matrix units of AMX, and the dot products of AVX-512-BF16.
#![cfg_attr(
    not(target_os = "linux"),
    allow(unused_variables, dead_code, reason = "AMX is used on Linux only")
)]

#[cfg(target_os = "linux")]
pub(super) mod amx;
#[cfg(target_os = "linux")]
pub(super) mod amx_detect;
mod attention;
mod avx512_bf16;
mod backend;
pub(super) mod gemm;
pub(super) mod vector_ops;

use std::ops::Range;

use backend::Bf16Backend;
use half::bf16;

use super::{
    Arena, Isa,
    kernels::{Activation, AttentionShape, Hit, Kernels, LayerNorm, ThresholdSearch},
};

/// Whether this processor can run the bf16 kernels of `isa`.
pub(super) fn is_available(isa: Isa) -> bool {
    Bf16Backend::of(isa).is_some_and(Bf16Backend::is_available)
}

/// Whether bf16 dot products are faster than f32 products on this processor.
pub(super) fn has_fast_dot_products() -> bool {
    avx512_bf16::is_amd()
}

/// Multiplies in registers on this thread, in `steps` steps. Returns the number of multiplications and additions. Panics
/// if `isa` is not available.
pub(super) fn run_peak_loop(isa: Isa, steps: usize) -> f64 {
    Bf16Backend::of(isa).map_or(0.0, |backend| backend.gemm().run_peak_loop(steps))
}

/// The bf16 kernels of AMX or of AVX-512-BF16.
pub struct Bf16Kernels {
    backend: Bf16Backend,
}

impl Bf16Kernels {
    /// The kernels for an encoder with these widths, which must be multiples of 32. `None` if they are not, if `isa` has no
    /// bf16 products, or if the processor or the operating system lacks `isa`.
    #[must_use]
    pub fn new(isa: Isa, hidden: usize, inner: usize, shape: AttentionShape) -> Option<Self> {
        let fills_tiles = [hidden, inner, shape.head_dim].into_iter().all(|n| n > 0 && n.is_multiple_of(32));
        let backend = Bf16Backend::of(isa).filter(|backend| fills_tiles && backend.is_available())?;
        Some(Bf16Kernels { backend })
    }

    /// The kernels for [`ThresholdSearch`] over rows of `width` values; `None` as for [`Bf16Kernels::new`].
    #[must_use]
    pub fn for_rows(isa: Isa, width: usize) -> Option<Self> {
        Self::new(isa, width, width, AttentionShape { heads: 1, head_dim: width })
    }
}

/// Working memory of one thread.
#[derive(Default)]
pub struct Bf16Scratch {
    sums: gemm::SumBlocks,
    attention: attention::AttentionScratch,
}

impl Kernels for Bf16Kernels {
    /// The bits of a bf16.
    type Element = u16;
    type PackedWeights = gemm::TiledWeights;
    type PackedLhs<'a> = &'a [u16];
    type LhsScratch = ();
    type Scratch = Bf16Scratch;

    const ROW_BLOCK: usize = 32;

    fn name(&self) -> String {
        self.backend.name().into()
    }

    fn chunk_tokens(&self) -> usize {
        self.backend.chunk_tokens()
    }

    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [u16]) {
        for (row, values) in x[..rows * k].chunks_exact(k).enumerate() {
            for (step, values) in values.chunks(gemm::STEP).enumerate() {
                let out = &mut out[gemm::operand_offset(row, step * gemm::STEP, k)..];
                out.iter_mut().zip(values).for_each(|(slot, &v)| *slot = bf16::from_f32(v).to_bits());
            }
        }
    }

    fn read_operand(&self, x: &[u16], rows: usize, k: usize) -> Vec<f32> {
        let at = |i: usize| gemm::operand_offset(i / k, i % k / 32 * 32, k) + i % k % 32;
        (0..rows * k).map(|i| self.widen(x[at(i)])).collect()
    }

    fn widen(&self, value: u16) -> f32 {
        bf16::from_bits(value).to_f32()
    }

    fn pack_weights(
        &self,
        weight: &[f32],
        n: usize,
        k: usize,
        bias: &[f32],
        arena: &Arena,
    ) -> gemm::TiledWeights {
        gemm::TiledWeights::pack(weight, n, k, bias, arena)
    }

    fn pack_lhs<'a>(&self, x: &'a [u16], _rows: usize, _k: usize, _scratch: &'a mut ()) -> &'a [u16] {
        x
    }

    fn linear(
        &self,
        x: &[u16],
        rows: usize,
        weights: &gemm::TiledWeights,
        out: &mut [u16],
        scratch: &mut Bf16Scratch,
    ) {
        gemm::linear(&self.backend.gemm(), x, rows, weights, out, &mut scratch.sums);
    }

    fn linear_act(
        &self,
        x: &[u16],
        rows: usize,
        weights: &gemm::TiledWeights,
        act: Activation,
        out: &mut [u16],
        scratch: &mut Bf16Scratch,
    ) {
        gemm::linear_act(&self.backend.gemm(), x, rows, weights, act, out, &mut scratch.sums);
    }

    fn linear_add(
        &self,
        x: &[u16],
        rows: usize,
        weights: &gemm::TiledWeights,
        sum: &mut [f32],
        scratch: &mut Bf16Scratch,
    ) {
        gemm::linear_add(&self.backend.gemm(), x, rows, weights, sum, &mut scratch.sums);
    }

    fn attention(
        &self,
        qkv: &[u16],
        sequence: Range<usize>,
        shape: AttentionShape,
        out: &mut [u16],
        scratch: &mut Bf16Scratch,
    ) {
        attention::attention(&self.backend.gemm(), qkv, sequence, shape, out, &mut scratch.attention);
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &LayerNorm, out: &mut [u16]) {
        let n = norm.gamma.len();
        assert!(
            n.is_multiple_of(32) && out.len() >= rows.next_multiple_of(gemm::BLOCK_ROWS) * n,
            "rows of the wrong width"
        );
        assert!(norm.input_bias.len() == n && norm.beta.len() == n, "a layer norm of the wrong width");
        for (i, row) in x.chunks_exact_mut(n).take(rows).enumerate() {
            let out = &mut out[gemm::operand_offset(i, 0, n)..];
            // SAFETY: `self` exists, so the processor has AVX-512 with bf16; the widths were checked.
            unsafe { vector_ops::layer_norm(row, norm, out) };
        }
    }
}

impl ThresholdSearch for Bf16Kernels {
    /// Rounding to eight bits has a relative error of at most 2⁻⁹ on each side: slightly more than 2⁻⁸ for a product of
    /// unit vectors.
    const SCORE_ERROR: f32 = 0.0041;

    fn scores_above(
        &self,
        x: &[u16],
        rows: usize,
        weights: &gemm::TiledWeights,
        threshold: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut Bf16Scratch,
    ) {
        gemm::scores_above(&self.backend.gemm(), x, rows, weights, threshold, hits, &mut scratch.sums);
    }
}

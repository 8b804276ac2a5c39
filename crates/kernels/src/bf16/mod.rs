//! The kernels for bfloat16: products of bf16 values summed in f32, and AVX-512 for all between them.
//!
//! Two engines multiply, on operands of one layout: the matrix units of AMX, and the dot products of AVX-512-BF16.
#![cfg_attr(
    not(target_os = "linux"),
    allow(unused_variables, dead_code, reason = "matrix units are used on Linux alone")
)]

mod attention;
mod dots;
mod engine;
pub(super) mod gemm;
#[cfg(target_os = "linux")]
pub(super) mod permit;
pub(super) mod rows;
#[cfg(target_os = "linux")]
pub(super) mod tiles;

use std::ops::Range;

use engine::Engine;
use half::bf16;

use super::{
    Arena, CpuPath,
    kernels::{Above, Activation, Heads, Hit, Kernels, Norm},
};

/// Whether this processor has the kernels of `path`.
pub(super) fn is_available(path: CpuPath) -> bool {
    Engine::of(path).is_some_and(Engine::is_available)
}

/// Whether dot products of bf16 are faster than products of f32 here.
pub(super) fn dots_pay() -> bool {
    dots::made_by_amd()
}

/// Products in registers on one thread, `steps` of them; returns how many operations they were. Panics if `path` is
/// not available.
pub(super) fn spin(path: CpuPath, steps: usize) -> f64 {
    Engine::of(path).map_or(0.0, |engine| engine.begin().spin(steps))
}

/// The kernels of AMX or of AVX-512-BF16.
pub struct Bf16 {
    engine: Engine,
}

impl Bf16 {
    /// `None` where `path` multiplies no bf16, where the processor or the system lacks it, or where the shapes do not
    /// fill tiles: widths must be multiples of 32.
    pub fn new(path: CpuPath, hidden: usize, inner: usize, heads: Heads) -> Option<Self> {
        let whole = [hidden, inner, heads.size].into_iter().all(|n| n > 0 && n.is_multiple_of(32));
        let engine = Engine::of(path).filter(|engine| whole && engine.is_available())?;
        Some(Bf16 { engine })
    }

    /// As [`Bf16::new`], for products of rows of `width` alone.
    pub fn for_rows(path: CpuPath, width: usize) -> Option<Self> {
        Self::new(path, width, width, Heads { count: 1, size: width })
    }
}

/// Working memory of one thread.
#[derive(Default)]
pub struct Bf16Scratch {
    product: gemm::Blocks,
    attention: attention::Buffers,
}

impl Kernels for Bf16 {
    /// The bits of a bf16.
    type Value = u16;
    type Linear = gemm::Tiled;
    type Left<'a> = &'a [u16];
    type Made = ();
    type Scratch = Bf16Scratch;

    const ROW_BLOCK: usize = 32;

    fn name(&self) -> String {
        self.engine.name().into()
    }

    fn chunk(&self) -> usize {
        self.engine.chunk()
    }

    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [u16]) {
        for (row, values) in x[..rows * k].chunks_exact(k).enumerate() {
            for (step, values) in values.chunks(gemm::WIDE).enumerate() {
                let out = &mut out[gemm::operand(row, step * gemm::WIDE, k)..];
                out.iter_mut().zip(values).for_each(|(slot, &v)| *slot = bf16::from_f32(v).to_bits());
            }
        }
    }

    fn read_operand(&self, x: &[u16], rows: usize, k: usize) -> Vec<f32> {
        let at = |i: usize| gemm::operand(i / k, i % k / 32 * 32, k) + i % k % 32;
        (0..rows * k).map(|i| self.widen(x[at(i)])).collect()
    }

    fn widen(&self, value: u16) -> f32 {
        bf16::from_bits(value).to_f32()
    }

    fn pack(&self, weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> gemm::Tiled {
        gemm::Tiled::pack(weight, n, k, bias, arena)
    }

    fn left<'a>(&self, x: &'a [u16], _rows: usize, _k: usize, _made: &'a mut ()) -> &'a [u16] {
        x
    }

    fn linear(
        &self,
        x: &[u16],
        rows: usize,
        layer: &gemm::Tiled,
        out: &mut [u16],
        scratch: &mut Bf16Scratch,
    ) {
        gemm::linear(&self.engine.begin(), x, rows, layer, out, &mut scratch.product);
    }

    fn linear_act(
        &self,
        x: &[u16],
        rows: usize,
        layer: &gemm::Tiled,
        act: Activation,
        out: &mut [u16],
        scratch: &mut Bf16Scratch,
    ) {
        gemm::linear_act(&self.engine.begin(), x, rows, layer, act, out, &mut scratch.product);
    }

    fn linear_add(
        &self,
        x: &[u16],
        rows: usize,
        layer: &gemm::Tiled,
        sum: &mut [f32],
        scratch: &mut Bf16Scratch,
    ) {
        gemm::linear_add(&self.engine.begin(), x, rows, layer, sum, &mut scratch.product);
    }

    fn attention(
        &self,
        qkv: &[u16],
        at: Range<usize>,
        heads: Heads,
        out: &mut [u16],
        scratch: &mut Bf16Scratch,
    ) {
        attention::attention(&self.engine.begin(), qkv, at, heads, out, &mut scratch.attention);
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &Norm, out: &mut [u16]) {
        let n = norm.weight.len();
        assert!(
            n.is_multiple_of(32) && out.len() >= rows.next_multiple_of(gemm::TALL) * n,
            "rows of another width"
        );
        assert!(norm.bias.len() == n && norm.shift.len() == n, "a norm of another width");
        for (i, row) in x.chunks_exact_mut(n).take(rows).enumerate() {
            let out = &mut out[gemm::operand(i, 0, n)..];
            // SAFETY: a `Bf16` exists, so the processor has AVX-512 with bf16; the widths were checked.
            unsafe { rows::layer_norm(row, norm, out) };
        }
    }
}

impl Above for Bf16 {
    /// Rounding to eight bits errs by 2⁻⁹ at most on either side, so on a product of unit vectors by 2⁻⁸ and a bit.
    const SCORE_ERROR: f32 = 0.0041;

    fn above(
        &self,
        x: &[u16],
        rows: usize,
        layer: &gemm::Tiled,
        floor: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut Bf16Scratch,
    ) {
        gemm::above(&self.engine.begin(), x, rows, layer, floor, hits, &mut scratch.product);
    }
}

//! The f32 kernels over packed panels, for every instruction set but AMX.

use std::ops::Range;

use super::{
    CpuPath,
    kernels::{Activation, Heads, Hit, Kernels, Norm},
    portable,
};

/// The inner loops of one instruction set.
pub(super) struct Ops {
    /// Rows of a tile.
    pub rows: usize,
    /// Columns of a tile, and of a packed panel.
    pub cols: usize,
    /// `tile = aᵀ · b`: `a` is `k × rows`, `b` is `k × cols`, `tile` is `rows × cols`. As for all of them, the caller
    /// has checked that the processor has the instruction set.
    pub tile: unsafe fn(a: &[f32], b: &[f32], tile: &mut [f32]),
    /// Applies an activation.
    pub activate: unsafe fn(Activation, &mut [f32]),
    /// Softmax in base 2.
    pub softmax: unsafe fn(&mut [f32]),
    /// Layer norm of one row.
    pub layer_norm: unsafe fn(&mut [f32], &Norm),
}

/// f32 kernels of an instruction set.
pub struct Float {
    path: CpuPath,
    ops: &'static Ops,
}

/// Columns of a matrix `k × n` in panels: `[panel][k][cols]`, the last one filled up with zeros.
pub struct Panels {
    k: usize,
    n: usize,
    data: Vec<f32>,
    bias: Vec<f32>,
}

/// The left side of a product, repacked as `[block of rows][k][rows]`, and one tile of its result.
#[derive(Default)]
struct Product {
    blocks: Vec<f32>,
    tile: Vec<f32>,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct FloatScratch {
    product: Product,
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
}

impl Float {
    /// The kernels of `path`; those of AMX have a type of their own, so for AMX these are the AVX-512 ones.
    /// Panics if the processor lacks `path`.
    pub fn new(path: CpuPath) -> Self {
        assert!(path.is_available(), "{path} is not available");
        match path {
            #[cfg(target_arch = "x86_64")]
            CpuPath::Amx | CpuPath::Avx512 => Float { path: CpuPath::Avx512, ops: &super::x86::AVX512 },
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx2 => Float { path, ops: &super::x86::AVX2 },
            _ => Float { path: CpuPath::Portable, ops: &portable::OPS },
        }
    }

    /// `emit(row, column, values)` for each row of each tile of `x · b`: `x` has rows of `k` values, `stride` apart,
    /// `b` has `n` columns in panels.
    fn product(
        &self,
        (x, stride, rows): (&[f32], usize, usize),
        (b, k, n): (&[f32], usize, usize),
        scratch: &mut Product,
        mut emit: impl FnMut(usize, usize, &mut [f32]),
    ) {
        let (tall, wide) = (self.ops.rows, self.ops.cols);
        let Product { blocks, tile } = scratch;
        tile.resize(tall * wide, 0.0);
        blocks.clear();
        blocks.resize(rows.div_ceil(tall) * tall * k, 0.0);
        for row in 0..rows {
            let block = &mut blocks[row / tall * tall * k..][..tall * k];
            let values = &x[row * stride..][..k];
            for (slot, &v) in block.iter_mut().skip(row % tall).step_by(tall).zip(values) {
                *slot = v;
            }
        }
        for (panel, b) in b.chunks_exact(k * wide).take(n.div_ceil(wide)).enumerate() {
            let column = panel * wide;
            let width = wide.min(n - column);
            for (block, a) in blocks.chunks_exact(tall * k).enumerate() {
                // SAFETY: the processor has the path's instruction set: `new` checked it.
                unsafe { (self.ops.tile)(a, b, tile) };
                let row = block * tall;
                for r in 0..tall.min(rows - row) {
                    emit(row + r, column, &mut tile[r * wide..][..width]);
                }
            }
        }
    }

    /// `out = then(x · weightᵀ + bias)`, part of a row at a time.
    fn linear_then(
        &self,
        x: &[f32],
        rows: usize,
        layer: &Panels,
        out: &mut [f32],
        scratch: &mut FloatScratch,
        then: impl Fn(&mut [f32]),
    ) {
        let n = layer.n;
        let write = |row: usize, column: usize, values: &mut [f32]| {
            for (v, b) in values.iter_mut().zip(&layer.bias[column..]) {
                *v += b;
            }
            then(values);
            out[row * n + column..][..values.len()].copy_from_slice(values);
        };
        self.product((x, layer.k, rows), (&layer.data, layer.k, n), &mut scratch.product, write);
    }
}

impl Kernels for Float {
    type Value = f32;
    type Linear = Panels;
    type Scratch = FloatScratch;

    const ROW_BLOCK: usize = 1;

    const SCORE_ERROR: f32 = 1e-4;

    fn name(&self) -> String {
        format!("{} f32", self.path)
    }

    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [f32]) {
        out[..rows * k].copy_from_slice(&x[..rows * k]);
    }

    fn read_operand(&self, x: &[f32], rows: usize, k: usize) -> Vec<f32> {
        x[..rows * k].to_vec()
    }

    fn widen(&self, value: f32) -> f32 {
        value
    }

    fn pack(&self, weight: &[f32], n: usize, k: usize, bias: &[f32]) -> Panels {
        let wide = self.ops.cols;
        let mut data = vec![0.0; n.div_ceil(wide) * k * wide];
        for (column, row) in weight.chunks_exact(k).enumerate() {
            let panel = &mut data[column / wide * k * wide..][..k * wide];
            for (slot, &w) in panel.iter_mut().skip(column % wide).step_by(wide).zip(row) {
                *slot = w;
            }
        }
        Panels { k, n, data, bias: bias.to_vec() }
    }

    fn linear(&self, x: &[f32], rows: usize, layer: &Panels, out: &mut [f32], scratch: &mut FloatScratch) {
        self.linear_then(x, rows, layer, out, scratch, |_| {});
    }

    fn linear_act(
        &self,
        x: &[f32],
        rows: usize,
        layer: &Panels,
        act: Activation,
        out: &mut [f32],
        scratch: &mut FloatScratch,
    ) {
        // SAFETY: the processor has the path's instruction set: `new` checked it.
        self.linear_then(x, rows, layer, out, scratch, |values| unsafe { (self.ops.activate)(act, values) });
    }

    fn linear_add(
        &self,
        x: &[f32],
        rows: usize,
        layer: &Panels,
        sum: &mut [f32],
        scratch: &mut FloatScratch,
    ) {
        let n = layer.n;
        let add = |row: usize, column: usize, values: &mut [f32]| {
            for (s, v) in sum[row * n + column..].iter_mut().zip(values) {
                *s += *v;
            }
        };
        self.product((x, layer.k, rows), (&layer.data, layer.k, n), &mut scratch.product, add);
    }

    fn above(
        &self,
        x: &[f32],
        rows: usize,
        layer: &Panels,
        floor: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut FloatScratch,
    ) {
        let find = |row: usize, column: usize, values: &mut [f32]| {
            if values.iter().fold(false, |any, v| any | (*v >= floor)) {
                let all = values.iter().enumerate().filter(|(_, v)| **v >= floor);
                hits.extend(all.map(|(i, &score)| Hit {
                    row: row as u32,
                    column: (column + i) as u32,
                    score,
                }));
            }
        };
        self.product((x, layer.k, rows), (&layer.data, layer.k, layer.n), &mut scratch.product, find);
    }

    fn attention(
        &self,
        qkv: &[f32],
        at: Range<usize>,
        heads: Heads,
        out: &mut [f32],
        scratch: &mut FloatScratch,
    ) {
        let len = at.len();
        let qkv = &qkv[at.start * 3 * heads.width()..];
        let out = &mut out[at.start * heads.width()..];
        let (width, size, wide) = (heads.width(), heads.size, self.ops.cols);
        let stride = 3 * width;
        let FloatScratch { product, keys, values, scores } = scratch;
        scores.resize(len * len, 0.0);
        keys.clear();
        keys.resize(len.div_ceil(wide) * wide * size, 0.0);
        values.clear();
        values.resize(size.div_ceil(wide) * wide * len, 0.0);
        for head in 0..heads.count {
            let at = head * size;
            for token in 0..len {
                let row = &qkv[token * stride..][..stride];
                // Keys transposed: the panel of scores has one column a token.
                let panel = &mut keys[token / wide * size * wide..][..size * wide];
                for (slot, &v) in
                    panel.iter_mut().skip(token % wide).step_by(wide).zip(&row[width + at..][..size])
                {
                    *slot = v;
                }
                for (p, part) in row[2 * width + at..][..size].chunks(wide).enumerate() {
                    values[p * len * wide + token * wide..][..part.len()].copy_from_slice(part);
                }
            }
            self.product((&qkv[at..], stride, len), (keys, size, len), product, |row, column, v| {
                scores[row * len + column..][..v.len()].copy_from_slice(v);
            });
            for row in scores.chunks_exact_mut(len) {
                // SAFETY: the processor has the path's instruction set: `new` checked it.
                unsafe { (self.ops.softmax)(row) };
            }
            self.product((scores, len, len), (values, len, size), product, |row, column, v| {
                out[row * width + at + column..][..v.len()].copy_from_slice(v);
            });
        }
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &Norm, out: &mut [f32]) {
        let n = norm.weight.len();
        for (row, out) in x.chunks_exact_mut(n).zip(out.chunks_exact_mut(n)).take(rows) {
            // SAFETY: the processor has the path's instruction set: `new` checked it.
            unsafe { (self.ops.layer_norm)(row, norm) };
            out.copy_from_slice(row);
        }
    }
}

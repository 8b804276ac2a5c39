//! The f32 kernels, for every instruction set: blocking, packing and attention over the inner loops of [`MicroKernels`].

use std::ops::Range;

use super::{
    AlignedBuf, Arena, Isa,
    kernels::{Activation, AttentionShape, Hit, Kernels, LayerNorm, ThresholdSearch},
    math::LANES,
    portable::{self, MicroKernels, TileShape},
};

/// The f32 kernels of an instruction set.
pub struct F32Kernels {
    micro_kernels: &'static MicroKernels,
}

/// Weights with `n` columns of `k` values, as panels `[panel][k][cols]`; the last panel is padded with zeros.
pub struct Panels {
    k: usize,
    n: usize,
    tile_shape: &'static TileShape,
    data: AlignedBuf<f32>,
    bias: Vec<f32>,
}

/// The most values of a panel to multiply by at a time: 24 KiB stay in the first-level cache.
const PANEL_VALUES: usize = 6 << 10;
/// The widest tile of any instruction set.
const WIDEST: usize = 32;
/// Rows that are transposed at a time; divides the width of every panel.
const SIDE: usize = 4;
/// Values that [`copy_short`] copies; divides the width of every panel.
const SHORT: usize = 8;
const ZEROS: [f32; WIDEST] = [0.0; WIDEST];

impl Panels {
    fn rhs(&self) -> Rhs<'_> {
        Rhs { values: &self.data, k: self.k, n: self.n, tile_shape: self.tile_shape }
    }
}

/// What a product is added to.
#[derive(Clone, Copy)]
enum Init<'a> {
    Zero,
    /// The same row for every row of the output, padded to whole tiles.
    Row(&'a [f32]),
    /// The present contents of the output.
    Out,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct F32Scratch {
    tile: AlignedBuf<f32>,
    panel_scores: AlignedBuf<f32>,
    queries: AlignedBuf<f32>,
    keys: AlignedBuf<f32>,
    values: AlignedBuf<f32>,
    scores: AlignedBuf<f32>,
}

impl F32Kernels {
    /// The f32 kernels of `isa`; for those that multiply bf16 the kernels of AVX-512. Panics if the processor lacks `isa`.
    #[must_use]
    pub fn new(isa: Isa) -> Self {
        assert!(isa.is_available(), "{isa} is not available");
        let micro_kernels = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx | Isa::Avx512Bf16 | Isa::Avx512 => &super::x86::AVX512,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &super::x86::AVX2,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => &super::neon::NEON,
            _ => &portable::PORTABLE,
        };
        F32Kernels { micro_kernels }
    }

    /// The instruction set in use.
    pub(super) fn isa(&self) -> Isa {
        self.micro_kernels.isa
    }

    /// Applies an activation function in place.
    pub(super) fn activate(&self, act: Activation, values: &mut [f32]) {
        // SAFETY: the processor has the instruction set: `new` checked it.
        unsafe { (self.micro_kernels.activate)(act, values) };
    }

    /// The tile shape of everything but weights.
    fn default_tile_shape(&self) -> &'static TileShape {
        self.micro_kernels.tile_shapes.last().expect("every instruction set has a tile shape")
    }
}

/// The right-hand side of a product: `n` columns of `k` values, in panels.
#[derive(Clone, Copy)]
struct Rhs<'a> {
    values: &'a [f32],
    k: usize,
    n: usize,
    tile_shape: &'static TileShape,
}

/// `out = init + x · rhs`. `x` has `rows` rows of `k` values; rows of `x` and of `out` are a stride apart. `tile` is
/// working memory.
fn product(
    (x, x_stride, rows): (&[f32], usize, usize),
    rhs: Rhs,
    init: Init,
    (out, out_stride): (&mut [f32], usize),
    tile: &mut AlignedBuf<f32>,
) {
    let Rhs { values: b, k, n, tile_shape } = rhs;
    let (tile_rows, wide, tile_loop) = (tile_shape.rows, tile_shape.cols, tile_shape.tile_loop);
    // Steps of equal depth, as far as k allows.
    let depth = k.div_ceil(k.div_ceil(PANEL_VALUES / wide));
    let mut unread = b;
    for (panel, b) in b.chunks_exact(k * wide).take(n.div_ceil(wide)).enumerate() {
        let column = panel * wide;
        let width = wide.min(n - column);
        for (step, b) in b.chunks(depth * wide).enumerate() {
            let from = step * depth;
            let init = match init {
                _ if step > 0 => None,
                Init::Zero => Some(&ZEROS[..]),
                Init::Row(row) => Some(&row[column..]),
                Init::Out => None,
            };
            // The weights of a model exceed the second-level cache: the next block is prefetched while this one is used.
            unread = &unread[b.len()..];
            let next = &unread[..unread.len().min(depth * wide)];
            if width == wide {
                let (x, out) = ((&x[from..], x_stride), (&mut out[column..], out_stride));
                // SAFETY: the processor has the instruction set: `F32Kernels::new` checked it.
                unsafe { tile_loop(x, b, init, out, rows, next) };
                continue;
            }
            // The last panel is wider than `out`.
            tile.grow(tile_rows * wide);
            for row in (0..rows).step_by(tile_rows) {
                let out = &mut out[row * out_stride + column..];
                let height = tile_rows.min(rows - row);
                if init.is_none() {
                    copy((out, out_stride), (tile, wide), height, width);
                }
                let x = (&x[row * x_stride + from..], x_stride);
                // SAFETY: as above.
                unsafe { tile_loop(x, b, init, (tile, wide), height, &[]) };
                copy((tile, wide), (out, out_stride), height, width);
            }
        }
    }
}

/// Writes rows of equal length as columns side by side; rows of `to` are `stride` values apart.
#[inline(always)]
fn transpose(rows: [&[f32]; SIDE], (to, stride): (&mut [f32], usize)) {
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<SIDE>().0);
    let blocks = a.iter().zip(b).zip(c).zip(d);
    for ((((a, b), c), d), to) in blocks.zip(to.chunks_mut(SIDE * stride)) {
        for i in 0..SIDE {
            to[i * stride..][..SIDE].copy_from_slice(&[a[i], b[i], c[i], d[i]]);
        }
    }
    for i in a.len() * SIDE..rows[0].len() {
        to[i * stride..][..SIDE].copy_from_slice(&rows.map(|row| row[i]));
    }
}

/// Copies the first [`SHORT`] values, or all if there are fewer, inline: calling `memcpy` would take longer.
#[inline(always)]
fn copy_short(from: &[f32], to: &mut [f32]) {
    match (from.first_chunk::<SHORT>(), to.first_chunk_mut()) {
        (Some(from), Some(to)) => *to = *from,
        _ => to[..from.len()].copy_from_slice(from),
    }
}

/// Copies `height × width` values between matrices with different strides.
fn copy(
    (from, from_stride): (&[f32], usize),
    (to, to_stride): (&mut [f32], usize),
    height: usize,
    width: usize,
) {
    for r in 0..height {
        to[r * to_stride..][..width].copy_from_slice(&from[r * from_stride..][..width]);
    }
}

impl Kernels for F32Kernels {
    type Element = f32;
    type PackedWeights = Panels;
    type PackedLhs<'a> = &'a [f32];
    type LhsScratch = ();
    type Scratch = F32Scratch;

    const ROW_BLOCK: usize = 1;
    // f32 values are twice as wide as bf16. `product` takes `k` in steps of this depth anyway, so `sum` is not added to
    // more often.
    const FFN_BLOCK: usize = 192;

    fn name(&self) -> String {
        format!("{} f32", self.isa())
    }

    fn chunk_tokens(&self) -> usize {
        self.micro_kernels.chunk_tokens
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

    fn pack_weights(&self, weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Panels {
        let fitting = self.micro_kernels.tile_shapes.iter().find(|shape| n.is_multiple_of(shape.cols));
        let tile_shape = fitting.unwrap_or(self.default_tile_shape());
        let wide = tile_shape.cols;
        let mut data = arena.alloc(n.div_ceil(wide) * k * wide);
        for (column, row) in weight.chunks_exact(k).enumerate() {
            let panel = &mut data[column / wide * k * wide..][..k * wide];
            for (slot, &w) in panel.iter_mut().skip(column % wide).step_by(wide).zip(row) {
                *slot = w;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(n.next_multiple_of(wide), 0.0);
        Panels { k, n, tile_shape, data, bias }
    }

    fn pack_lhs<'a>(&self, x: &'a [f32], _rows: usize, _k: usize, _scratch: &'a mut ()) -> &'a [f32] {
        x
    }

    fn linear(&self, x: &[f32], rows: usize, weights: &Panels, out: &mut [f32], scratch: &mut F32Scratch) {
        let (x, to) = ((x, weights.k, rows), (out, weights.n));
        product(x, weights.rhs(), Init::Row(&weights.bias), to, &mut scratch.tile);
    }

    fn linear_act(
        &self,
        x: &[f32],
        rows: usize,
        weights: &Panels,
        act: Activation,
        out: &mut [f32],
        scratch: &mut F32Scratch,
    ) {
        self.linear(x, rows, weights, out, scratch);
        // Once for the whole output: the rows of a tile are too short to hide the latency of the polynomial.
        self.activate(act, &mut out[..rows * weights.n]);
    }

    fn linear_add(
        &self,
        x: &[f32],
        rows: usize,
        weights: &Panels,
        sum: &mut [f32],
        scratch: &mut F32Scratch,
    ) {
        product((x, weights.k, rows), weights.rhs(), Init::Out, (sum, weights.n), &mut scratch.tile);
    }

    fn attention(
        &self,
        qkv: &[f32],
        sequence: Range<usize>,
        shape: AttentionShape,
        out: &mut [f32],
        scratch: &mut F32Scratch,
    ) {
        let len = sequence.len();
        let qkv = &qkv[sequence.start * 3 * shape.width()..];
        let out = &mut out[sequence.start * shape.width()..];
        let (heads, width, size) = (shape.heads, shape.width(), shape.head_dim);
        let tile_shape = self.default_tile_shape();
        let wide = tile_shape.cols;
        let stride = 3 * width;
        let F32Scratch { tile, queries, keys, values, scores, .. } = scratch;
        // The columns past the end hold values of an earlier sequence; their products are ignored.
        let columns = len.next_multiple_of(wide.max(LANES));
        let value_width = size.next_multiple_of(wide);
        scores.grow(len * columns);
        queries.grow(len * width);
        keys.grow(columns * width);
        values.grow(len * value_width * heads);
        // All heads in one pass: reading whole rows is faster than reading them head by head.
        for first in (0..len).step_by(SIDE) {
            let tokens = [0, 1, 2, 3].map(|i| (first + i).min(len - 1));
            let rows = tokens.map(|token| &qkv[token * stride..][..stride]);
            for head in 0..heads {
                // A panel of keys has one column per token.
                let panel = (head * columns + first / wide * wide) * size;
                let keys = &mut keys[panel + first % wide..];
                transpose(rows.map(|row| &row[width + head * size..][..size]), (keys, wide));
            }
            for (token, row) in tokens.into_iter().zip(rows) {
                for from in (0..size).step_by(SHORT) {
                    for head in 0..heads {
                        let [query, value] = [0, 2].map(|i| &row[i * width + head * size..][from..size]);
                        copy_short(query, &mut queries[(head * len + token) * size + from..]);
                        let panel = head * value_width + from / wide * wide;
                        copy_short(value, &mut values[panel * len + token * wide + from % wide..]);
                    }
                }
            }
        }
        for head in 0..heads {
            let queries = (&queries[head * len * size..], size, len);
            let keys = &keys[head * columns * size..][..columns * size];
            let keys = Rhs { values: keys, k: size, n: columns, tile_shape };
            product(queries, keys, Init::Zero, (scores, columns), tile);
            // SAFETY: as above, `new` checked it.
            unsafe { (self.micro_kernels.softmax)(&mut scores[..len * columns], columns, len) };
            let values = &values[head * len * value_width..][..len * value_width];
            let values = Rhs { values, k: len, n: size, tile_shape };
            let to = (&mut out[head * size..], width);
            product((scores, columns, len), values, Init::Zero, to, tile);
        }
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &LayerNorm, out: &mut [f32]) {
        let n = norm.gamma.len();
        for (row, out) in x.chunks_exact_mut(n).zip(out.chunks_exact_mut(n)).take(rows) {
            // SAFETY: as above, `new` checked it.
            unsafe { (self.micro_kernels.layer_norm)(row, norm) };
            out.copy_from_slice(row);
        }
    }
}

impl ThresholdSearch for F32Kernels {
    const SCORE_ERROR: f32 = 1e-4;

    fn scores_above(
        &self,
        x: &[f32],
        rows: usize,
        weights: &Panels,
        threshold: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut F32Scratch,
    ) {
        let (k, wide) = (weights.k, weights.tile_shape.cols);
        let F32Scratch { tile, panel_scores, .. } = scratch;
        panel_scores.grow(rows * wide);
        for (panel, b) in weights.data.chunks_exact(k * wide).enumerate() {
            let width = wide.min(weights.n - panel * wide);
            product(
                (x, k, rows),
                Rhs { values: b, n: width, ..weights.rhs() },
                Init::Zero,
                (panel_scores, wide),
                tile,
            );
            for (row, values) in panel_scores.chunks_exact(wide).take(rows).enumerate() {
                if !values.iter().fold(false, |any, v| any | (*v >= threshold)) {
                    continue;
                }
                let above = values[..width].iter().enumerate().filter(|(_, v)| **v >= threshold);
                let hit = |(i, &score)| Hit { row: row as u32, column: (panel * wide + i) as u32, score };
                hits.extend(above.map(hit));
            }
        }
    }
}

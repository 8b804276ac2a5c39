//! The f32 kernels over packed panels, for every instruction set.

use std::ops::Range;

use super::{
    AlignedBuf, Arena, Isa,
    kernels::{Activation, AttentionShape, Hit, Kernels, LayerNorm, ThresholdSearch},
    math::LANES,
    portable::{self, Ops, Shape},
};

/// f32 kernels of an instruction set.
pub struct F32Kernels {
    ops: &'static Ops,
}

/// Columns of a matrix `k × n` in panels: `[panel][k][cols]`, the last one filled up with zeros.
pub struct Panels {
    k: usize,
    n: usize,
    shape: &'static Shape,
    data: AlignedBuf<f32>,
    bias: Vec<f32>,
}

/// Values of the panel of a step of k, at most: 24 KiB stay in the first-level cache.
const PANEL: usize = 6 << 10;
/// The widest tile of any instruction set.
const WIDEST: usize = 32;
/// Rows that are transposed at a time; panels are whole multiples of it.
const SIDE: usize = 4;
/// What [`copy_short`] moves; panels are whole multiples of it.
const SHORT: usize = 8;
const ZEROS: [f32; WIDEST] = [0.0; WIDEST];

impl Panels {
    fn right(&self) -> Right<'_> {
        Right { values: &self.data, k: self.k, n: self.n, shape: self.shape }
    }
}

/// What a product starts from.
#[derive(Clone, Copy)]
enum Start<'a> {
    Zero,
    /// The same row everywhere, filled up to whole tiles.
    Row(&'a [f32]),
    /// What is there.
    Out,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct FloatScratch {
    tile: AlignedBuf<f32>,
    found: AlignedBuf<f32>,
    queries: AlignedBuf<f32>,
    keys: AlignedBuf<f32>,
    values: AlignedBuf<f32>,
    scores: AlignedBuf<f32>,
}

impl F32Kernels {
    /// The f32 kernels of `isa`; for the instruction sets that multiply bf16 these are the AVX-512 ones.
    /// Panics if the processor lacks `isa`.
    pub fn new(isa: Isa) -> Self {
        assert!(isa.is_available(), "{isa} is not available");
        let ops = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx | Isa::Avx512Bf16 | Isa::Avx512 => &super::x86::AVX512,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &super::x86::AVX2,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => &super::neon::NEON,
            _ => &portable::OPS,
        };
        F32Kernels { ops }
    }

    /// The instruction set whose instructions are used.
    pub(super) fn isa(&self) -> Isa {
        self.ops.isa
    }

    /// Applies an activation in place.
    pub(super) fn activate(&self, act: Activation, values: &mut [f32]) {
        // SAFETY: the processor has the instruction set: `new` checked it.
        unsafe { (self.ops.activate)(act, values) };
    }

    /// The shape of what is no weight.
    fn last(&self) -> &'static Shape {
        self.ops.shapes.last().expect("every instruction set has a shape of tiles")
    }
}

/// The right side of a product: `n` columns of `k` values, in panels.
#[derive(Clone, Copy)]
struct Right<'a> {
    values: &'a [f32],
    k: usize,
    n: usize,
    shape: &'static Shape,
}

/// `out = start + x · right`: `x` has rows of `k` values; rows of `x` and `out` are a stride apart. `tile` is working
/// memory.
fn product(
    (x, x_stride, rows): (&[f32], usize, usize),
    right: Right,
    start: Start,
    (out, out_stride): (&mut [f32], usize),
    tile: &mut AlignedBuf<f32>,
) {
    let Right { values: b, k, n, shape: Shape { rows: tall, cols: wide, tiles } } = right;
    let (tall, wide) = (*tall, *wide);
    // Steps of the same depth, as far as k allows.
    let depth = k.div_ceil(k.div_ceil(PANEL / wide));
    let mut coming = b;
    for (panel, b) in b.chunks_exact(k * wide).take(n.div_ceil(wide)).enumerate() {
        let column = panel * wide;
        let width = wide.min(n - column);
        for (step, b) in b.chunks(depth * wide).enumerate() {
            let from = step * depth;
            let start = match start {
                _ if step > 0 => None,
                Start::Zero => Some(&ZEROS[..]),
                Start::Row(row) => Some(&row[column..]),
                Start::Out => None,
            };
            // Weights of a model do not fit the second-level cache: while a block of them is used, the next one is
            // fetched.
            coming = &coming[b.len()..];
            let next = &coming[..coming.len().min(depth * wide)];
            if width == wide {
                let (x, out) = ((&x[from..], x_stride), (&mut out[column..], out_stride));
                // SAFETY: the processor has the instruction set of `tiles`: `new` checked it.
                unsafe { tiles(x, b, start, out, rows, next) };
                continue;
            }
            // The last panel is wider than `out`.
            tile.fit(tall * wide);
            for row in (0..rows).step_by(tall) {
                let out = &mut out[row * out_stride + column..];
                let height = tall.min(rows - row);
                if start.is_none() {
                    copy((out, out_stride), (tile, wide), height, width);
                }
                let x = (&x[row * x_stride + from..], x_stride);
                // SAFETY: as above.
                unsafe { tiles(x, b, start, (tile, wide), height, &[]) };
                copy((tile, wide), (out, out_stride), height, width);
            }
        }
    }
}

/// Rows of equal length as columns side by side, `stride` values a row.
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

/// Copies the first [`SHORT`] values, or all if there are fewer, in place: a call to copy them would take longer.
#[inline(always)]
fn copy_short(from: &[f32], to: &mut [f32]) {
    match (from.first_chunk::<SHORT>(), to.first_chunk_mut()) {
        (Some(from), Some(to)) => *to = *from,
        _ => to[..from.len()].copy_from_slice(from),
    }
}

/// Copies `height × width` values between rows that are so far apart.
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
    type Scratch = FloatScratch;

    const ROW_BLOCK: usize = 1;
    // Twice as wide as bf16; `product` takes `k` in steps of that many anyway, so it adds no more often.
    const FFN_BLOCK: usize = 192;

    fn name(&self) -> String {
        format!("{} f32", self.isa())
    }

    fn chunk_tokens(&self) -> usize {
        self.ops.chunk
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
        let shape = self.ops.shapes.iter().find(|s| n.is_multiple_of(s.cols)).unwrap_or(self.last());
        let wide = shape.cols;
        let mut data = arena.buffer(n.div_ceil(wide) * k * wide);
        for (column, row) in weight.chunks_exact(k).enumerate() {
            let panel = &mut data[column / wide * k * wide..][..k * wide];
            for (slot, &w) in panel.iter_mut().skip(column % wide).step_by(wide).zip(row) {
                *slot = w;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(n.next_multiple_of(wide), 0.0);
        Panels { k, n, shape, data, bias }
    }

    fn pack_lhs<'a>(&self, x: &'a [f32], _rows: usize, _k: usize, _made: &'a mut ()) -> &'a [f32] {
        x
    }

    fn linear(&self, x: &[f32], rows: usize, layer: &Panels, out: &mut [f32], scratch: &mut FloatScratch) {
        let (x, to) = ((x, layer.k, rows), (out, layer.n));
        product(x, layer.right(), Start::Row(&layer.bias), to, &mut scratch.tile);
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
        self.linear(x, rows, layer, out, scratch);
        // All at once: a tile's rows are too short for the steps of one value to be hidden behind those of others.
        self.activate(act, &mut out[..rows * layer.n]);
    }

    fn linear_add(
        &self,
        x: &[f32],
        rows: usize,
        layer: &Panels,
        sum: &mut [f32],
        scratch: &mut FloatScratch,
    ) {
        product((x, layer.k, rows), layer.right(), Start::Out, (sum, layer.n), &mut scratch.tile);
    }

    fn attention(
        &self,
        qkv: &[f32],
        sequence: Range<usize>,
        shape: AttentionShape,
        out: &mut [f32],
        scratch: &mut FloatScratch,
    ) {
        let len = sequence.len();
        let qkv = &qkv[sequence.start * 3 * shape.width()..];
        let out = &mut out[sequence.start * shape.width()..];
        let (heads, width, size) = (shape.heads, shape.width(), shape.head_dim);
        let tile_shape = self.last();
        let wide = tile_shape.cols;
        let stride = 3 * width;
        let FloatScratch { tile, queries, keys, values, scores, .. } = scratch;
        // What an earlier sequence left in the columns past the end is multiplied and never looked at.
        let columns = len.next_multiple_of(wide.max(LANES));
        let broad = size.next_multiple_of(wide);
        scores.fit(len * columns);
        queries.fit(len * width);
        keys.fit(columns * width);
        values.fit(len * broad * heads);
        // Of all heads at once, as rows are read from end to end faster than by heads.
        for first in (0..len).step_by(SIDE) {
            let tokens = [0, 1, 2, 3].map(|i| (first + i).min(len - 1));
            let rows = tokens.map(|token| &qkv[token * stride..][..stride]);
            for head in 0..heads {
                // The panel of scores has one column a token.
                let panel = (head * columns + first / wide * wide) * size;
                let keys = &mut keys[panel + first % wide..];
                transpose(rows.map(|row| &row[width + head * size..][..size]), (keys, wide));
            }
            for (token, row) in tokens.into_iter().zip(rows) {
                for from in (0..size).step_by(SHORT) {
                    for head in 0..heads {
                        let [query, value] = [0, 2].map(|i| &row[i * width + head * size..][from..size]);
                        copy_short(query, &mut queries[(head * len + token) * size + from..]);
                        let panel = head * broad + from / wide * wide;
                        copy_short(value, &mut values[panel * len + token * wide + from % wide..]);
                    }
                }
            }
        }
        for head in 0..heads {
            let queries = (&queries[head * len * size..], size, len);
            let keys = &keys[head * columns * size..][..columns * size];
            let keys = Right { values: keys, k: size, n: columns, shape: tile_shape };
            product(queries, keys, Start::Zero, (scores, columns), tile);
            // SAFETY: the processor has the instruction set: `new` checked it.
            unsafe { (self.ops.softmax)(&mut scores[..len * columns], columns, len) };
            let values = &values[head * len * broad..][..len * broad];
            let values = Right { values, k: len, n: size, shape: tile_shape };
            let to = (&mut out[head * size..], width);
            product((scores, columns, len), values, Start::Zero, to, tile);
        }
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &LayerNorm, out: &mut [f32]) {
        let n = norm.gamma.len();
        for (row, out) in x.chunks_exact_mut(n).zip(out.chunks_exact_mut(n)).take(rows) {
            // SAFETY: the processor has the instruction set: `new` checked it.
            unsafe { (self.ops.layer_norm)(row, norm) };
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
        layer: &Panels,
        floor: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut FloatScratch,
    ) {
        let (k, wide) = (layer.k, layer.shape.cols);
        let FloatScratch { tile, found, .. } = scratch;
        found.fit(rows * wide);
        for (panel, b) in layer.data.chunks_exact(k * wide).enumerate() {
            let width = wide.min(layer.n - panel * wide);
            product(
                (x, k, rows),
                Right { values: b, n: width, ..layer.right() },
                Start::Zero,
                (found, wide),
                tile,
            );
            for (row, values) in found.chunks_exact(wide).take(rows).enumerate() {
                if !values.iter().fold(false, |any, v| any | (*v >= floor)) {
                    continue;
                }
                let above = values[..width].iter().enumerate().filter(|(_, v)| **v >= floor);
                let hit = |(i, &score)| Hit { row: row as u32, column: (panel * wide + i) as u32, score };
                hits.extend(above.map(hit));
            }
        }
    }
}

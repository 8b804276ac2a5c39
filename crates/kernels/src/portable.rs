//! What an instruction set gives the f32 kernels, in plain Rust: right on every processor, the oracle of the fast ones.

use super::{
    Isa,
    kernels::{Activation, LayerNorm},
    math,
};

/// The inner loops of one instruction set.
pub(super) struct Ops {
    pub isa: Isa,
    /// As [`super::Kernels::chunk_tokens`] says.
    pub chunk: usize,
    /// Of weights the first whose columns divide theirs is taken, of all else the last.
    pub shapes: &'static [Shape],
    /// Applies an activation to each value.
    pub activate: unsafe fn(Activation, &mut [f32]),
    /// `(rows, stride, len)`: softmax in base 2 of the first `len` of each `stride` values, a multiple of
    /// [`math::LANES`].
    pub softmax: unsafe fn(&mut [f32], usize, usize),
    /// Layer norm of one row.
    pub layer_norm: unsafe fn(&mut [f32], &LayerNorm),
}

/// What is summed in registers at a time.
pub(super) struct Shape {
    /// Rows of a tile.
    pub rows: usize,
    /// Columns of a tile, and of a packed panel: a multiple of eight.
    pub cols: usize,
    /// Sets rows of `out` to `start + a · b`, a tile of them at a time, or adds `a · b` to them without a start.
    pub tiles: TileFn,
}

/// `((a, a_stride), b, start, (out, out_stride), rows, coming)`: `a` and `out` have `rows` rows that far apart, `b` is
/// `k × cols`, `start` is a row of `cols`, `coming` is needed soon, and better brought into the second-level cache on
/// the way. As for all of these loops, the caller has checked that the processor has the instruction set.
type TileFn = unsafe fn((&[f32], usize), &[f32], Option<&[f32]>, (&mut [f32], usize), usize, &[f32]);

/// On 64-bit Arm this compiles to NEON, on x86-64 to SSE2.
pub(super) static OPS: Ops = Ops {
    isa: Isa::Portable,
    chunk: 512,
    shapes: &[Shape { rows: ROWS, cols: COLS, tiles }],
    activate,
    softmax,
    layer_norm,
};

const ROWS: usize = 4;
const COLS: usize = 8;

fn tiles(
    (a, a_stride): (&[f32], usize),
    b: &[f32],
    start: Option<&[f32]>,
    (out, out_stride): (&mut [f32], usize),
    rows: usize,
    _coming: &[f32],
) {
    for row in (0..rows).step_by(ROWS) {
        let a = (&a[row * a_stride..], a_stride);
        let out = (&mut out[row * out_stride..], out_stride);
        match rows - row {
            1 => tile::<1>(a, b, start, out),
            2 => tile::<2>(a, b, start, out),
            3 => tile::<3>(a, b, start, out),
            _ => tile::<ROWS>(a, b, start, out),
        }
    }
}

fn tile<const ROWS: usize>(
    (a, a_stride): (&[f32], usize),
    b: &[f32],
    start: Option<&[f32]>,
    (out, out_stride): (&mut [f32], usize),
) {
    let mut sums = [[0f32; COLS]; ROWS];
    for (r, sums) in sums.iter_mut().enumerate() {
        let from = start.unwrap_or(&out[r * out_stride..]);
        sums.copy_from_slice(&from[..COLS]);
    }
    for (i, b) in b.as_chunks::<COLS>().0.iter().enumerate() {
        for (r, sums) in sums.iter_mut().enumerate() {
            let x = a[r * a_stride + i];
            sums.iter_mut().zip(b).for_each(|(s, b)| *s += x * b);
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        out[r * out_stride..][..COLS].copy_from_slice(sums);
    }
}

fn activate(act: Activation, row: &mut [f32]) {
    math::activate::<false>(act, row);
}

fn softmax(rows: &mut [f32], stride: usize, len: usize) {
    math::softmax::<false>(rows, stride, len);
}

fn layer_norm(row: &mut [f32], norm: &LayerNorm) {
    math::layer_norm::<false>(row, norm);
}

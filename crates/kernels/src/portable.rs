//! The inner loops of the f32 kernels: their interface, and an implementation in plain Rust for every processor.
//!
//! The implementations of the other instruction sets are tested against this one.

use super::{
    Isa,
    kernels::{Activation, LayerNorm},
    math,
};

/// The inner loops of one instruction set. Calling them is safe where the processor has it.
pub(super) struct MicroKernels {
    pub isa: Isa,
    /// See [`super::Kernels::chunk_tokens`].
    pub chunk_tokens: usize,
    /// Weights take the first shape whose columns divide theirs; everything else takes the last.
    pub tile_shapes: &'static [TileShape],
    /// Applies an activation function to each value.
    pub activate: unsafe fn(Activation, &mut [f32]),
    /// `(rows, stride, len)`: softmax in base 2 of the first `len` of each `stride` values, a multiple of
    /// [`math::LANES`].
    pub softmax: unsafe fn(&mut [f32], usize, usize),
    /// Layer norm of one row.
    pub layer_norm: unsafe fn(&mut [f32], &LayerNorm),
}

/// The part of a product that is summed in registers at a time.
pub(super) struct TileShape {
    /// Rows of a tile.
    pub rows: usize,
    /// Columns of a tile and of a packed panel; a multiple of eight.
    pub cols: usize,
    /// Multiplies any number of rows by one panel.
    pub tile_loop: TileLoop,
}

/// `((a, a_stride), b, init, (out, out_stride), rows, next)`: `out = init + a · b`, or `out += a · b` without `init`.
///
/// `a` and `out` have `rows` rows, a stride apart; `b` is `k × cols`; `init` is a row of `cols`, added to every row.
/// `next` is the memory that is read next: it is prefetched into the second-level cache meanwhile.
pub(super) type TileLoop =
    unsafe fn((&[f32], usize), &[f32], Option<&[f32]>, (&mut [f32], usize), usize, &[f32]);

/// On 64-bit Arm this compiles to NEON, on x86-64 to SSE2.
pub(super) static PORTABLE: MicroKernels = MicroKernels {
    isa: Isa::Portable,
    chunk_tokens: 512,
    tile_shapes: &[TileShape { rows: ROWS, cols: COLS, tile_loop }],
    activate,
    softmax,
    layer_norm,
};

const ROWS: usize = 4;
const COLS: usize = 8;

fn tile_loop(
    (a, a_stride): (&[f32], usize),
    b: &[f32],
    init: Option<&[f32]>,
    (out, out_stride): (&mut [f32], usize),
    rows: usize,
    _next: &[f32],
) {
    for row in (0..rows).step_by(ROWS) {
        let a = (&a[row * a_stride..], a_stride);
        let out = (&mut out[row * out_stride..], out_stride);
        match rows - row {
            1 => tile::<1>(a, b, init, out),
            2 => tile::<2>(a, b, init, out),
            3 => tile::<3>(a, b, init, out),
            _ => tile::<ROWS>(a, b, init, out),
        }
    }
}

fn tile<const ROWS: usize>(
    (a, a_stride): (&[f32], usize),
    b: &[f32],
    init: Option<&[f32]>,
    (out, out_stride): (&mut [f32], usize),
) {
    let mut sums = [[0f32; COLS]; ROWS];
    for (r, sums) in sums.iter_mut().enumerate() {
        let initial = init.unwrap_or(&out[r * out_stride..]);
        sums.copy_from_slice(&initial[..COLS]);
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

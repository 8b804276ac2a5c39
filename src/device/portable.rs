//! The kernels in plain Rust: right on every processor, the oracle of the fast ones.

use super::{
    float::Ops,
    kernels::{Activation, Norm},
    math,
};

/// On 64-bit Arm this compiles to NEON, on x86-64 to SSE2.
pub(super) static OPS: Ops = Ops { rows: ROWS, cols: COLS, tile, activate, softmax, layer_norm };

const ROWS: usize = 4;
const COLS: usize = 8;

fn tile(a: &[f32], b: &[f32], tile: &mut [f32]) {
    let mut sums = [[0f32; COLS]; ROWS];
    for (a, b) in a.as_chunks::<ROWS>().0.iter().zip(b.as_chunks::<COLS>().0) {
        for (sums, a) in sums.iter_mut().zip(a) {
            for (s, b) in sums.iter_mut().zip(b) {
                *s += a * b;
            }
        }
    }
    tile.copy_from_slice(sums.as_flattened());
}

fn activate(act: Activation, row: &mut [f32]) {
    math::activate(act, row);
}

fn softmax(row: &mut [f32]) {
    math::softmax(row);
}

fn layer_norm(row: &mut [f32], norm: &Norm) {
    math::layer_norm(row, norm);
}

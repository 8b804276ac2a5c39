//! The kernels in plain Rust: right on every processor, the oracle of the fast ones.

use crate::vector::dot;

pub(super) fn score_block(a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
    let n = b.len() / dim;
    for (row, scores) in a.chunks_exact(dim).zip(out.chunks_exact_mut(n)) {
        for (other, score) in b.chunks_exact(dim).zip(scores) {
            *score = dot(row, other);
        }
    }
}

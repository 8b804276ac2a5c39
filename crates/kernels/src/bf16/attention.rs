//! Multi-head attention of one sequence in tiles: 32 queries at a time against all keys.
//!
//! Keys are packed as the right-hand side of a product, 16 tokens per tile; values likewise, 32 tokens per tile, with
//! zeros past the end of the sequence. The scores of 32 queries stay in the cache. Their softmax is divided by its sum
//! only after the product with the values.
//!
//! The blocks of all heads go through a pipeline of three stages (scores, softmax, context). Three blocks are in flight,
//! one in each stage: between the matrix products of two of them, the vector units compute softmax rows of the third.

use std::{arch::x86_64::*, ops::Range};

use super::{
    backend::{Bf16Gemm, Strided},
    gemm::{BLOCK_ROWS, STEP, TILE_ROWS, TILE_VALUES, operand_offset},
    vector_ops::{softmax, store_bf16},
};
use crate::{aligned::AlignedBuf, kernels::AttentionShape};

/// Heads whose keys and values are kept: the context of a block is computed two blocks after its scores, when two more
/// heads may have begun.
const HEAD_SLOTS: usize = 3;

/// Keys, values, scores and weights of the blocks in flight.
#[derive(Default)]
pub(super) struct AttentionScratch {
    keys: [AlignedBuf<u16>; HEAD_SLOTS],
    values: [AlignedBuf<u16>; HEAD_SLOTS],
    scores: [AlignedBuf<f32>; 2],
    weights: [AlignedBuf<u16>; 2],
    inverse_sums: [[f32; BLOCK_ROWS]; 2],
    contexts: AlignedBuf<f32>,
}

/// See [`crate::Kernels::attention`]. `qkv` holds up to fifteen rows past the end of the sequence `rows`, which are read.
pub(super) fn attention(
    gemm: &Bf16Gemm,
    qkv: &[u16],
    rows: Range<usize>,
    shape: AttentionShape,
    out: &mut [u16],
    scratch: &mut AttentionScratch,
) {
    let (width, size, len) = (shape.width(), shape.head_dim, rows.len());
    assert!(size.is_multiple_of(STEP), "the width of the heads does not fill tiles");
    let (columns, depth) = (len.next_multiple_of(TILE_ROWS), len.next_multiple_of(STEP));
    // Whole tiles of queries are read, up to fifteen rows past the end.
    assert!(
        len > 0 && qkv.len() >= (rows.start + columns) * 3 * width,
        "the sequence is empty or exceeds the input"
    );
    assert!(out.len() >= rows.end.next_multiple_of(BLOCK_ROWS) * width, "the output has incomplete blocks");
    let AttentionScratch { keys, values, scores, weights, inverse_sums, contexts } = scratch;
    keys.iter_mut().for_each(|b| b.grow(columns * size));
    values.iter_mut().for_each(|b| b.grow(depth * size));
    scores.iter_mut().for_each(|b| b.grow(BLOCK_ROWS * columns));
    weights.iter_mut().for_each(|b| b.grow(BLOCK_ROWS * depth));
    contexts.grow(BLOCK_ROWS * size);
    let blocks = len.div_ceil(BLOCK_ROWS);
    let all_blocks = shape.heads * blocks;
    let (stride, out) = (3 * width, out.as_mut_ptr());
    // The head, the first row and the number of rows of a block.
    let locate = |block: usize| {
        let row = block % blocks * BLOCK_ROWS;
        (block / blocks, row, BLOCK_ROWS.min(len - row))
    };
    // Tile products per block, of scores and of contexts.
    let products = 2 * (depth / STEP) * (size / STEP) * 4;
    for turn in 0..all_blocks + 2 {
        let (new_scores, old_scores) = alternate(scores, turn);
        let (old_weights, new_weights) = alternate(weights, turn);
        let (old_inverse_sums, new_inverse_sums) = alternate(inverse_sums, turn);

        let softmax_rows =
            turn.checked_sub(1).filter(|block| *block < all_blocks).map_or(0, |block| locate(block).2);
        let mut pending_rows = 0..softmax_rows;
        let mut softmax_row = |row: usize| {
            // SAFETY: `gemm` exists, so the processor has AVX-512 with bf16; both buffers hold whole rows.
            let sum = unsafe {
                let (scores, weights) =
                    (old_scores.as_ptr().add(row * columns), new_weights.as_mut_ptr().add(row * depth));
                softmax(scores, len, weights, depth)
            };
            new_inverse_sums[row] = 1.0 / sum;
        };
        // The softmax rows of the block in the second stage, spread evenly over the products of the two others.
        let mut due = 0;
        let mut interleave = || {
            due += softmax_rows;
            while due >= products {
                due -= products;
                pending_rows.next().into_iter().for_each(&mut softmax_row);
            }
        };

        let in_context_stage = turn.checked_sub(2).map(|block| (block, locate(block)));
        // SAFETY: as above; the lengths were checked, and the buffers have grown to them.
        unsafe {
            if let Some((block, (_, _, count))) = in_context_stage {
                let values = values[block / blocks % HEAD_SLOTS].as_ptr();
                let weights =
                    Strided { start: old_weights.as_ptr(), stride: depth, two_tiles: count > TILE_ROWS };
                for part in (0..size).step_by(STEP) {
                    let values = values.add(part / TILE_ROWS * TILE_VALUES);
                    gemm.contexts(weights, values, size, contexts.as_mut_ptr().add(part), &mut interleave);
                }
            }
            if turn < all_blocks {
                let (head, row, count) = locate(turn);
                let at = qkv.as_ptr().add(rows.start * stride + head * size);
                let keys = &mut keys[head % HEAD_SLOTS];
                if row == 0 {
                    pack_keys(at.add(width), stride, len, size, keys);
                    pack_values(at.add(2 * width), stride, len, size, &mut values[head % HEAD_SLOTS]);
                }
                let queries = Strided { start: at.add(row * stride), stride, two_tiles: count > TILE_ROWS };
                let scores = new_scores.as_mut_ptr();
                gemm.scores(queries, keys.as_ptr(), size, columns, scores, &mut interleave);
            }
            pending_rows.for_each(softmax_row);
            if let Some((_, (head, row, count))) = in_context_stage {
                store_contexts(contexts, old_inverse_sums, size, count, |r, part| {
                    out.add(operand_offset(rows.start + row + r, head * size + part, width))
                });
            }
        }
    }
}

/// Two buffers whose order alternates from turn to turn: what is written in one turn is read in the next.
fn alternate<T>([even, odd]: &mut [T; 2], turn: usize) -> (&mut T, &mut T) {
    if turn.is_multiple_of(2) { (even, odd) } else { (odd, even) }
}

/// Writes the first `count` rows of `contexts`, scaled, as bf16 to `destination(row, column)`.
///
/// # Safety
/// The processor has AVX-512 with bf16; `destination` points to 32 values; `contexts` holds 32 rows of `size`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn store_contexts(
    contexts: &[f32],
    scales: &[f32; BLOCK_ROWS],
    size: usize,
    count: usize,
    destination: impl Fn(usize, usize) -> *mut u16,
) {
    for (r, scale) in scales.iter().enumerate().take(count) {
        // SAFETY: by this function's own contract.
        unsafe {
            let contexts = contexts.as_ptr().add(r * size);
            let scale = _mm512_set1_ps(*scale);
            for part in (0..size).step_by(STEP) {
                let a = _mm512_mul_ps(_mm512_loadu_ps(contexts.add(part)), scale);
                let b = _mm512_mul_ps(_mm512_loadu_ps(contexts.add(part + TILE_ROWS)), scale);
                store_bf16(destination(r, part), a, b);
            }
        }
    }
}

/// Packs keys into tiles `[16 tokens][32 of size][16 pairs][16 tokens][2]`: each is a transposed matrix of 16 × 16 pairs.
///
/// # Safety
/// The processor has AVX-512 with bf16. `keys` has `len` rows rounded up to 16, of `size` values, `stride` values apart;
/// `out` holds as many.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_keys(keys: *const u16, stride: usize, len: usize, size: usize, out: &mut [u16]) {
    let mut out = out.as_mut_ptr();
    for token in (0..len).step_by(TILE_ROWS) {
        for part in (0..size).step_by(STEP) {
            // SAFETY: by this function's own contract.
            unsafe {
                let at = keys.add(token * stride + part);
                transpose(std::array::from_fn(|r| _mm512_loadu_si512(at.add(r * stride).cast())), out);
                out = out.add(TILE_VALUES);
            }
        }
    }
}

/// Stores the transpose of a 16 × 16 matrix of 32-bit values.
///
/// # Safety
/// The processor has AVX-512; `out` holds 1024 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn transpose(rows: [__m512i; 16], out: *mut u16) {
    let mut a = rows;
    let mut b = rows;
    for i in (0..16).step_by(2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    for i in (0..16).step_by(4) {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    // Quarter q of a[4i + j] holds column 4q + j of rows 4i to 4i + 3.
    for j in 0..4 {
        let low = _mm512_shuffle_i32x4::<0x88>(a[j], a[4 + j]);
        let high = _mm512_shuffle_i32x4::<0x88>(a[8 + j], a[12 + j]);
        let low_odd = _mm512_shuffle_i32x4::<0xdd>(a[j], a[4 + j]);
        let high_odd = _mm512_shuffle_i32x4::<0xdd>(a[8 + j], a[12 + j]);
        b[j] = _mm512_shuffle_i32x4::<0x88>(low, high);
        b[8 + j] = _mm512_shuffle_i32x4::<0xdd>(low, high);
        b[4 + j] = _mm512_shuffle_i32x4::<0x88>(low_odd, high_odd);
        b[12 + j] = _mm512_shuffle_i32x4::<0xdd>(low_odd, high_odd);
    }
    for (i, row) in b.iter().enumerate() {
        // SAFETY: by this function's own contract.
        unsafe { _mm512_storeu_si512(out.add(i * STEP).cast(), *row) };
    }
}

/// Packs values into tiles `[32 tokens][16 of size][16 pairs of tokens][16][2]`, zero past the last token.
///
/// # Safety
/// The processor has AVX-512 with bf16. `values` has `len` rows of `size` values, `stride` values apart; `out` holds them
/// rounded up to 32 rows.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_values(values: *const u16, stride: usize, len: usize, size: usize, out: &mut [u16]) {
    let mut order = [0u16; 64];
    for i in 0..32u16 {
        order[2 * usize::from(i)] = i;
        order[2 * usize::from(i) + 1] = i + 32;
    }
    let halves = size / TILE_ROWS;
    let out = out.as_mut_ptr();
    // SAFETY: by this function's own contract; `order` is 128 bytes.
    unsafe {
        let low = _mm512_loadu_si512(order.as_ptr().cast());
        let high = _mm512_loadu_si512(order.as_ptr().add(32).cast());
        for pair in 0..len.next_multiple_of(STEP) / 2 {
            let row = |r: usize, part: usize| {
                if 2 * pair + r < len {
                    _mm512_loadu_si512(values.add((2 * pair + r) * stride + part).cast())
                } else {
                    _mm512_setzero_si512()
                }
            };
            let (block, line) = (pair / TILE_ROWS, pair % TILE_ROWS);
            for part in (0..size).step_by(STEP) {
                let (a, b) = (row(0, part), row(1, part));
                let tile = out.add((block * halves + part / TILE_ROWS) * TILE_VALUES + line * STEP);
                _mm512_storeu_si512(tile.cast(), _mm512_permutex2var_epi16(a, low, b));
                _mm512_storeu_si512(tile.add(TILE_VALUES).cast(), _mm512_permutex2var_epi16(a, high, b));
            }
        }
    }
}

//! Multi-head attention of one sequence in tiles: thirty-two queries at a time against all keys.
//!
//! Keys are laid out as the right side of a product, sixteen tokens a tile; values likewise, 32 tokens a tile, with
//! zeros past the sequence's end. The scores of thirty-two queries stay near the processor, their softmax is not divided by
//! its sum until the product with the values is done.
//!
//! The blocks of all heads go through three stages (scores, softmax, context), and three blocks are under way at a
//! time, one in each: between the products of two, the vector units work at the rows of the third.

use std::{arch::x86_64::*, ops::Range};

use super::{
    backend::{Bf16Gemm, Strided},
    gemm::{TALL, TILE, TILE_VALUES, WIDE, operand},
    rows::{softmax, store_bf16},
};
use crate::{aligned::AlignedBuf, kernels::AttentionShape};

/// AttentionShape whose keys and values are at hand: a block's context is computed two blocks after its scores, by which time
/// two other heads may have begun.
const SLOTS: usize = 3;

/// Keys, values, scores and weights of the blocks under way.
#[derive(Default)]
pub(super) struct Buffers {
    keys: [AlignedBuf<u16>; SLOTS],
    values: [AlignedBuf<u16>; SLOTS],
    scores: [AlignedBuf<f32>; 2],
    weights: [AlignedBuf<u16>; 2],
    scale: [[f32; TALL]; 2],
    sums: AlignedBuf<f32>,
}

/// `qkv` has rows of `3·width`, up to fifteen more of them than the sequence `rows` has; `out` is an operand of
/// `width` columns.
pub(super) fn attention(
    gemm: &Bf16Gemm,
    qkv: &[u16],
    rows: Range<usize>,
    shape: AttentionShape,
    out: &mut [u16],
    buffers: &mut Buffers,
) {
    let (width, size, len) = (shape.width(), shape.head_dim, rows.len());
    assert!(size.is_multiple_of(WIDE), "heads that do not fill tiles");
    let (columns, depth) = (len.next_multiple_of(TILE), len.next_multiple_of(WIDE));
    // Whole tiles of queries are read, so up to fifteen rows past the end.
    assert!(len > 0 && qkv.len() >= (rows.start + columns) * 3 * width, "a buffer is too small");
    assert!(out.len() >= rows.end.next_multiple_of(TALL) * width, "an operand is smaller than its blocks");
    let Buffers { keys, values, scores, weights, scale, sums } = buffers;
    keys.iter_mut().for_each(|b| b.fit(columns * size));
    values.iter_mut().for_each(|b| b.fit(depth * size));
    scores.iter_mut().for_each(|b| b.fit(TALL * columns));
    weights.iter_mut().for_each(|b| b.fit(TALL * depth));
    sums.fit(TALL * size);
    let blocks = len.div_ceil(TALL);
    let all = shape.heads * blocks;
    let (stride, out) = (3 * width, out.as_mut_ptr());
    // The head, the first row and the number of rows of a block.
    let place = |block: usize| {
        let row = block % blocks * TALL;
        (block / blocks, row, TALL.min(len - row))
    };
    // Products of one block, of both kinds.
    let products = 2 * (depth / WIDE) * (size / WIDE) * 4;
    for turn in 0..all + 2 {
        let (scored, softened) = by_turn(scores, turn);
        let (used, made) = by_turn(weights, turn);
        let (used_scale, made_scale) = by_turn(scale, turn);

        let soft_rows = turn.checked_sub(1).filter(|block| *block < all).map_or(0, |block| place(block).2);
        let mut waiting = 0..soft_rows;
        let mut soften = |row: usize| {
            // SAFETY: an engine is ready, which says that the processor has AVX-512 with bf16; both hold whole rows.
            let sum = unsafe {
                let (scores, weights) =
                    (softened.as_ptr().add(row * columns), made.as_mut_ptr().add(row * depth));
                softmax(scores, len, weights, depth)
            };
            made_scale[row] = 1.0 / sum;
        };
        // The rows of the block in the middle, spread evenly over the products of the two others.
        let mut due = 0;
        let mut between = || {
            due += soft_rows;
            while due >= products {
                due -= products;
                waiting.next().into_iter().for_each(&mut soften);
            }
        };

        let ready = turn.checked_sub(2).map(|block| (block, place(block)));
        // SAFETY: as above; the lengths were checked above and the buffers have grown to fit.
        unsafe {
            if let Some((block, (_, _, count))) = ready {
                let values = values[block / blocks % SLOTS].as_ptr();
                let weights = Strided { at: used.as_ptr(), stride: depth, both: count > TILE };
                for part in (0..size).step_by(WIDE) {
                    let values = values.add(part / TILE * TILE_VALUES);
                    gemm.contexts(weights, values, size, sums.as_mut_ptr().add(part), &mut between);
                }
            }
            if turn < all {
                let (head, row, count) = place(turn);
                let at = qkv.as_ptr().add(rows.start * stride + head * size);
                let keys = &mut keys[head % SLOTS];
                if row == 0 {
                    pack_keys(at.add(width), stride, len, size, keys);
                    pack_values(at.add(2 * width), stride, len, size, &mut values[head % SLOTS]);
                }
                let queries = Strided { at: at.add(row * stride), stride, both: count > TILE };
                let scores = scored.as_mut_ptr();
                gemm.all_scores(queries, keys.as_ptr(), size, columns, scores, &mut between);
            }
            waiting.for_each(soften);
            if let Some((_, (head, row, count))) = ready {
                scale_rows(sums, used_scale, size, count, |r, part| {
                    out.add(operand(rows.start + row + r, head * size + part, width))
                });
            }
        }
    }
}

/// Of two buffers the one of this turn, and the one of the turns beside it.
fn by_turn<T>([even, odd]: &mut [T; 2], turn: usize) -> (&mut T, &mut T) {
    if turn.is_multiple_of(2) { (even, odd) } else { (odd, even) }
}

/// Writes the first `count` rows of `sums`, scaled, in bf16 to where `place(row, column)` says.
///
/// # Safety
/// The processor has AVX-512 with bf16; `place` has room for 32 values; `sums` holds 32 rows of `size`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn scale_rows(
    sums: &[f32],
    scale: &[f32; TALL],
    size: usize,
    count: usize,
    place: impl Fn(usize, usize) -> *mut u16,
) {
    for (r, scale) in scale.iter().enumerate().take(count) {
        // SAFETY: by this function's own contract.
        unsafe {
            let sums = sums.as_ptr().add(r * size);
            let scale = _mm512_set1_ps(*scale);
            for part in (0..size).step_by(WIDE) {
                let a = _mm512_mul_ps(_mm512_loadu_ps(sums.add(part)), scale);
                let b = _mm512_mul_ps(_mm512_loadu_ps(sums.add(part + TILE)), scale);
                store_bf16(place(r, part), a, b);
            }
        }
    }
}

/// AmxGemm `[16 tokens][32 of size][16 pairs][16 tokens][2]`: each is a transposition of 16 × 16 pairs.
///
/// # Safety
/// `keys` has `len` rows rounded up to 16, of `size` values, `stride` values apart; `out` holds as many.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_keys(keys: *const u16, stride: usize, len: usize, size: usize, out: &mut [u16]) {
    let mut out = out.as_mut_ptr();
    for token in (0..len).step_by(TILE) {
        for part in (0..size).step_by(WIDE) {
            // SAFETY: by this function's own contract.
            unsafe {
                let at = keys.add(token * stride + part);
                transpose(std::array::from_fn(|r| _mm512_loadu_si512(at.add(r * stride).cast())), out);
                out = out.add(TILE_VALUES);
            }
        }
    }
}

/// Stores the transposed 16 × 16 matrix of 32-bit values.
///
/// # Safety
/// `out` has room for 1024 bytes.
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
    // a[4i + j] holds, in its quarter q, column 4q + j of the rows 4i to 4i + 3.
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
        unsafe { _mm512_storeu_si512(out.add(i * WIDE).cast(), *row) };
    }
}

/// AmxGemm `[32 tokens][16 of size][16 pairs of tokens][16][2]`, zero past the last token.
///
/// # Safety
/// `values` has `len` rows of `size` values, `stride` values apart; `out` holds them rounded up to 32 rows.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_values(values: *const u16, stride: usize, len: usize, size: usize, out: &mut [u16]) {
    let mut order = [0u16; 64];
    for i in 0..32u16 {
        order[2 * usize::from(i)] = i;
        order[2 * usize::from(i) + 1] = i + 32;
    }
    let halves = size / TILE;
    let out = out.as_mut_ptr();
    // SAFETY: by this function's own contract; `order` is 128 bytes.
    unsafe {
        let low = _mm512_loadu_si512(order.as_ptr().cast());
        let high = _mm512_loadu_si512(order.as_ptr().add(32).cast());
        for pair in 0..len.next_multiple_of(WIDE) / 2 {
            let row = |r: usize, part: usize| match 2 * pair + r < len {
                true => _mm512_loadu_si512(values.add((2 * pair + r) * stride + part).cast()),
                false => _mm512_setzero_si512(),
            };
            let (block, line) = (pair / TILE, pair % TILE);
            for part in (0..size).step_by(WIDE) {
                let (a, b) = (row(0, part), row(1, part));
                let tile = out.add((block * halves + part / TILE) * TILE_VALUES + line * WIDE);
                _mm512_storeu_si512(tile.cast(), _mm512_permutex2var_epi16(a, low, b));
                _mm512_storeu_si512(tile.add(TILE_VALUES).cast(), _mm512_permutex2var_epi16(a, high, b));
            }
        }
    }
}

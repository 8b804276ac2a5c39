//! Multi-head attention of one sequence in tiles: sixteen queries at a time against all keys.
//!
//! Keys are laid out as the right side of a product, sixteen tokens a tile; values likewise, 32 tokens a tile, with
//! zeros past the sequence's end. The scores of sixteen queries stay in the first-level cache, their softmax is not
//! divided by its sum until the product with the values is done.

use std::arch::{asm, x86_64::*};

use super::{
    Tiles,
    rows::{exp2, store_bf16},
};
use crate::device::kernels::Heads;

/// Rows of a tile.
const TILE: usize = 16;
/// Values in a tile row of bf16.
const WIDE: usize = 32;
/// Values in a tile of bf16.
const TILE_VALUES: usize = TILE * WIDE;

/// Keys, values, scores and weights of one head.
#[derive(Default)]
pub(super) struct Buffers {
    keys: Vec<u16>,
    values: Vec<u16>,
    scores: Vec<f32>,
    weights: Vec<u16>,
    sums: Vec<f32>,
}

fn grow<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
}

/// `qkv` is `len × 3·width`, `out` is `len × width`, both with rows up to the next multiple of 32.
pub(super) fn attention(
    _tiles: &Tiles,
    qkv: &[u16],
    len: usize,
    heads: Heads,
    out: &mut [u16],
    buffers: &mut Buffers,
) {
    let (width, size) = (heads.width(), heads.size);
    assert!(size.is_multiple_of(WIDE), "heads that do not fill tiles");
    // Sixteen queries are read at a time, so up to fifteen rows past the end.
    let read = len.next_multiple_of(TILE);
    assert!(len > 0 && qkv.len() >= read * 3 * width && out.len() >= len * width, "a buffer is too small");
    let (columns, depth) = (len.next_multiple_of(TILE), len.next_multiple_of(WIDE));
    grow(&mut buffers.keys, columns * size);
    grow(&mut buffers.values, depth * size);
    grow(&mut buffers.scores, TILE * columns);
    grow(&mut buffers.weights, TILE * depth);
    grow(&mut buffers.sums, TILE * size);
    for head in 0..heads.count {
        // SAFETY: the tiles are configured, which says that the processor has AMX and AVX-512; the lengths were
        // checked above and the buffers have grown to fit.
        unsafe {
            let at = qkv.as_ptr().add(head * size);
            pack_keys(at.add(width), 3 * width, len, size, &mut buffers.keys);
            pack_values(at.add(2 * width), 3 * width, len, size, &mut buffers.values);
            for row in (0..len).step_by(TILE) {
                let here = out.as_mut_ptr().add(row * width + head * size);
                queries(at.add(row * 3 * width), 3 * width, len, size, TILE.min(len - row), here, width, buffers);
            }
        }
    }
}

/// Tiles `[16 tokens][32 of size][16 pairs][16 tokens][2]`: each is a transposition of 16 × 16 pairs.
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

/// Tiles `[32 tokens][16 of size][16 pairs of tokens][16][2]`, zero past the last token.
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

/// `tmm$sum` over `steps` of `a` (16 rows, `stride` bytes apart) and tiles at `b`, `hop` bytes apart, stored at `out`.
///
/// # Safety
/// Tiles are configured; the pointers hold what is read and written.
#[inline(always)]
unsafe fn tile_product(
    a: *const u16,
    stride: usize,
    b: *const u16,
    hop: usize,
    steps: usize,
    out: *mut f32,
    out_stride: usize,
) {
    // SAFETY: by this function's own contract.
    unsafe {
        asm!("tilezero tmm0", options(nostack, preserves_flags));
        for i in 0..steps {
            asm!(
                "tileloadd tmm4, [{a} + {s}*1]",
                "tileloadd tmm6, [{b} + {w}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                a = in(reg) a.add(i * WIDE), s = in(reg) stride, b = in(reg) b.byte_add(i * hop), w = in(reg) 64usize,
                options(nostack, preserves_flags, readonly),
            );
        }
        asm!("tilestored [{p} + {s}*1], tmm0", p = in(reg) out, s = in(reg) out_stride, options(nostack, preserves_flags));
    }
}

/// The context of up to sixteen queries of one head.
///
/// # Safety
/// `query` has 16 rows of `size` values, `stride` apart; `out` has `rows` rows to write, `out_stride` apart; the
/// buffers hold the head's keys and values and are large enough for `len` tokens.
#[expect(clippy::too_many_arguments, reason = "two matrices with their strides")]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn queries(
    query: *const u16,
    stride: usize,
    len: usize,
    size: usize,
    rows: usize,
    out: *mut u16,
    out_stride: usize,
    buffers: &mut Buffers,
) {
    let (columns, depth) = (len.next_multiple_of(TILE), len.next_multiple_of(WIDE));
    let scores = buffers.scores.as_mut_ptr();
    let weights = buffers.weights.as_mut_ptr();
    let sums = buffers.sums.as_mut_ptr();
    let (keys, values) = (buffers.keys.as_ptr(), buffers.values.as_ptr());
    let mut scale = [0f32; TILE];
    // SAFETY: by this function's own contract; every index stays below the rounded lengths.
    unsafe {
        for tile in 0..columns / TILE {
            let b = keys.add(tile * (size / WIDE) * TILE_VALUES);
            let to = scores.add(tile * TILE);
            tile_product(query, stride * 2, b, TILE_VALUES * 2, size / WIDE, to, columns * 4);
        }
        for (r, scale) in scale.iter_mut().enumerate().take(rows) {
            let sum = softmax(scores.add(r * columns), len, weights.add(r * depth), depth);
            *scale = 1.0 / sum;
        }
        for tile in 0..size / TILE {
            let b = values.add(tile * TILE_VALUES);
            let to = sums.add(tile * TILE);
            tile_product(weights, depth * 2, b, size / TILE * TILE_VALUES * 2, depth / WIDE, to, size * 4);
        }
        for (r, scale) in scale.iter().enumerate().take(rows) {
            let scale = _mm512_set1_ps(*scale);
            for part in (0..size).step_by(WIDE) {
                let at = sums.add(r * size + part);
                let a = _mm512_mul_ps(_mm512_loadu_ps(at), scale);
                let b = _mm512_mul_ps(_mm512_loadu_ps(at.add(TILE)), scale);
                store_bf16(out.add(r * out_stride + part), a, b);
            }
        }
    }
}

/// `weights = 2^(scores − max)` in bf16, zero from `len` to `depth`; their sum before rounding.
///
/// # Safety
/// `scores` holds `len` values rounded up to 16, `weights` room for `depth`, a multiple of 32.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn softmax(scores: *const f32, len: usize, weights: *mut u16, depth: usize) -> f32 {
    // Finite, so that 2^(low − max) is 0 and not the NaN of ∞ − ∞.
    let low = _mm512_set1_ps(-1e30);
    // SAFETY: by this function's own contract; lanes past `len` are masked, and vectors past its rounding not read.
    unsafe {
        let load = |i: usize| match len.saturating_sub(i) {
            0 => low,
            n if n >= 16 => _mm512_loadu_ps(scores.add(i)),
            n => _mm512_mask_loadu_ps(low, (1 << n) - 1, scores.add(i)),
        };
        let mut max = low;
        for i in (0..len).step_by(16) {
            max = _mm512_max_ps(max, load(i));
        }
        let max = _mm512_set1_ps(_mm512_reduce_max_ps(max));
        let mut sum = _mm512_setzero_ps();
        for i in (0..depth).step_by(32) {
            let a = exp2(_mm512_sub_ps(load(i), max));
            let b = exp2(_mm512_sub_ps(load(i + 16), max));
            sum = _mm512_add_ps(sum, _mm512_add_ps(a, b));
            store_bf16(weights.add(i), a, b);
        }
        _mm512_reduce_add_ps(sum)
    }
}

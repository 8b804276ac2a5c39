//! Multi-head attention of one sequence in tiles: sixteen queries at a time against all keys.
//!
//! Keys are laid out as the right side of a product, sixteen tokens a tile; values likewise, 32 tokens a tile, with
//! zeros past the sequence's end. The scores of sixteen queries stay in the first-level cache, their softmax is not
//! divided by its sum until the product with the values is done.

use std::{
    arch::{asm, x86_64::*},
    ops::Range,
};

use super::{
    Tiles,
    gemm::{TALL, TILE, TILE_VALUES, WIDE, operand},
    rows::{exp2, store_bf16},
};
use crate::device::{aligned::Aligned, kernels::Heads};

/// Keys, values, scores and weights of one head.
#[derive(Default)]
pub(super) struct Buffers {
    keys: Aligned<u16>,
    values: Aligned<u16>,
    scores: Aligned<f32>,
    weights: Aligned<u16>,
    sums: Aligned<f32>,
    scale: [f32; TILE],
}

/// `qkv` has rows of `3·width`, up to fifteen more of them than the sequence `rows` has; `out` is an operand of
/// `width` columns.
pub(super) fn attention(
    _tiles: &Tiles,
    qkv: &[u16],
    rows: Range<usize>,
    heads: Heads,
    out: &mut [u16],
    buffers: &mut Buffers,
) {
    let (width, size, len) = (heads.width(), heads.size, rows.len());
    assert!(size.is_multiple_of(WIDE), "heads that do not fill tiles");
    let (columns, depth) = (len.next_multiple_of(TILE), len.next_multiple_of(WIDE));
    // Sixteen queries are read at a time, so up to fifteen rows past the end.
    assert!(len > 0 && qkv.len() >= (rows.start + columns) * 3 * width, "a buffer is too small");
    assert!(out.len() >= rows.end.next_multiple_of(TALL) * width, "an operand is smaller than its blocks");
    buffers.keys.fit(columns * size);
    buffers.values.fit(depth * size);
    buffers.scores.fit(TILE * columns);
    buffers.weights.fit(TILE * depth);
    buffers.sums.fit(TILE * size);
    for head in 0..heads.count {
        // SAFETY: the tiles are configured, which says that the processor has AMX and AVX-512; the lengths were
        // checked above and the buffers have grown to fit.
        unsafe {
            let at = qkv.as_ptr().add(rows.start * 3 * width + head * size);
            pack_keys(at.add(width), 3 * width, len, size, &mut buffers.keys);
            pack_values(at.add(2 * width), 3 * width, len, size, &mut buffers.values);
            for row in (0..len).step_by(TILE) {
                let count = TILE.min(len - row);
                queries(at.add(row * 3 * width), 3 * width, len, size, count, buffers);
                let out = out.as_mut_ptr();
                scale_rows(buffers, size, count, |r, part| {
                    out.add(operand(rows.start + row + r, head * size + part, width))
                });
            }
        }
    }
}

/// Writes the first `count` rows of `sums`, scaled, in bf16 to where `place(row, column)` says.
///
/// # Safety
/// The processor has AVX-512 with bf16; `place` has room for 32 values; the buffers hold 16 rows of `size`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn scale_rows(buffers: &Buffers, size: usize, count: usize, place: impl Fn(usize, usize) -> *mut u16) {
    for r in 0..count {
        // SAFETY: by this function's own contract.
        unsafe {
            let sums = buffers.sums.as_ptr().add(r * size);
            let scale = _mm512_set1_ps(buffers.scale[r]);
            for part in (0..size).step_by(WIDE) {
                let a = _mm512_mul_ps(_mm512_loadu_ps(sums.add(part)), scale);
                let b = _mm512_mul_ps(_mm512_loadu_ps(sums.add(part + TILE)), scale);
                store_bf16(place(r, part), a, b);
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

/// Sixteen queries times `tiles` (1 to 4) tiles of keys, `steps` of 32 values deep, stored side by side at `out`.
///
/// # Safety
/// Tiles are configured; the pointers hold what is read and written.
#[inline(always)]
unsafe fn scores(
    query: *const u16,
    stride: usize,
    keys: *const u16,
    steps: usize,
    tiles: usize,
    out: *mut f32,
    columns: usize,
) {
    let next = steps * TILE_VALUES * 2;
    // SAFETY: by this function's own contract.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            options(nostack, preserves_flags)
        );
        for i in 0..steps {
            let b = keys.add(i * TILE_VALUES);
            asm!(
                "tileloadd tmm4, [{a} + {s}*1]",
                "tileloadd tmm5, [{b} + {w}*1]",
                "tdpbf16ps tmm0, tmm4, tmm5",
                a = in(reg) query.add(i * WIDE), s = in(reg) stride * 2, b = in(reg) b, w = in(reg) 64usize,
                options(nostack, preserves_flags, readonly),
            );
            macro_rules! more {
                ($n:literal, $sum:literal, $b:literal) => {
                    if tiles > $n {
                        asm!(
                            concat!("tileloadd tmm", $b, ", [{b} + {w}*1]"),
                            concat!("tdpbf16ps tmm", $sum, ", tmm4, tmm", $b),
                            b = in(reg) b.byte_add($n * next), w = in(reg) 64usize,
                            options(nostack, preserves_flags, readonly),
                        );
                    }
                };
            }
            more!(1, "1", "6");
            more!(2, "2", "7");
            more!(3, "3", "5");
        }
        macro_rules! store {
            ($n:literal, $sum:literal) => {
                if tiles > $n {
                    asm!(
                        concat!("tilestored [{p} + {s}*1], tmm", $sum),
                        p = in(reg) out.add($n * TILE), s = in(reg) columns * 4, options(nostack, preserves_flags),
                    );
                }
            };
        }
        store!(0, "0");
        store!(1, "1");
        store!(2, "2");
        store!(3, "3");
    }
}

/// Sixteen rows of `weights` (`depth` wide) times two neighbouring tiles of values, stored side by side at `out`.
///
/// # Safety
/// Tiles are configured; the pointers hold what is read and written.
#[inline(always)]
unsafe fn contexts(weights: *const u16, depth: usize, values: *const u16, size: usize, out: *mut f32) {
    // SAFETY: by this function's own contract.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", options(nostack, preserves_flags));
        for i in 0..depth / WIDE {
            asm!(
                "tileloadd tmm4, [{a} + {s}*1]",
                "tileloadd tmm6, [{b} + {w}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {w}*1 + 1024]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                a = in(reg) weights.add(i * WIDE), s = in(reg) depth * 2,
                b = in(reg) values.add(i * size / TILE * TILE_VALUES), w = in(reg) 64usize,
                options(nostack, preserves_flags, readonly),
            );
        }
        asm!(
            "tilestored [{p} + {s}*1], tmm0",
            "tilestored [{p} + {s}*1 + 64], tmm1",
            p = in(reg) out, s = in(reg) size * 4, options(nostack, preserves_flags),
        );
    }
}

/// The context of `count` of sixteen queries of one head, in `sums`, to be multiplied by `scale`.
///
/// # Safety
/// `query` has 16 rows of `size` values, `stride` apart; the buffers hold the head's keys and values and are large
/// enough for `len` tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn queries(
    query: *const u16,
    stride: usize,
    len: usize,
    size: usize,
    count: usize,
    buffers: &mut Buffers,
) {
    let (columns, depth) = (len.next_multiple_of(TILE), len.next_multiple_of(WIDE));
    let all = buffers.scores.as_mut_ptr();
    let weights = buffers.weights.as_mut_ptr();
    let sums = buffers.sums.as_mut_ptr();
    let (keys, values) = (buffers.keys.as_ptr(), buffers.values.as_ptr());
    // SAFETY: by this function's own contract; every index stays below the rounded lengths.
    unsafe {
        let (tiles, steps) = (columns / TILE, size / WIDE);
        for tile in (0..tiles).step_by(4) {
            let b = keys.add(tile * steps * TILE_VALUES);
            scores(query, stride, b, steps, (tiles - tile).min(4), all.add(tile * TILE), columns);
        }
        for r in 0..count {
            let sum = softmax(all.add(r * columns), len, weights.add(r * depth), depth);
            buffers.scale[r] = 1.0 / sum;
        }
        for part in (0..size).step_by(WIDE) {
            contexts(weights, depth, values.add(part / TILE * TILE_VALUES), size, sums.add(part));
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

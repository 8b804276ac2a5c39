//! Products with tiled weights: 32 × 32 values at a time, in four tiles of sums.
//!
//! A step loads two tiles of `x` (16 rows × 32 values each) and two of the weights, and multiplies them crosswise.
//! While the tiles of one block are multiplied, the vector units finish the block before it (bias, activation,
//! rounding to bf16), some rows a step, so that neither waits for the other.

use std::arch::{asm, x86_64::*};

use half::bf16;

use super::{
    Tiles,
    rows::{gelu, gelu_tanh, store_bf16},
};
use crate::device::kernels::Activation;

/// Values in a tile row of bf16, and columns of a panel.
const WIDE: usize = 32;
/// Rows of a block.
const TALL: usize = 32;
/// Rows of a tile.
const TILE: usize = 16;
/// Values in a tile of bf16.
const TILE_VALUES: usize = TILE * WIDE;

/// Weights as tiles: `[panel of 32 columns][step of 32 of k][2 tiles][16 pairs of k][16 columns][2]`.
pub struct Tiled {
    k: usize,
    n: usize,
    data: Vec<Tile>,
    bias: Vec<f32>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Tile([u16; TILE_VALUES]);

impl Tiled {
    /// Rounds `weight`, `n × k`, to bf16.
    pub(super) fn pack(weight: &[f32], n: usize, k: usize, bias: &[f32]) -> Self {
        assert!(n.is_multiple_of(WIDE) && k.is_multiple_of(WIDE), "{n} × {k} does not fill tiles");
        assert!(weight.len() == n * k && bias.len() == n, "weights of another shape");
        let steps = k / WIDE;
        let mut data = vec![Tile([0; TILE_VALUES]); n / TILE * steps];
        for (column, row) in weight.chunks_exact(k).enumerate() {
            let (panel, half, at) = (column / WIDE, column / TILE % 2, column % TILE);
            for (step, values) in row.as_chunks::<WIDE>().0.iter().enumerate() {
                let tile = &mut data[(panel * steps + step) * 2 + half].0;
                for (pair, values) in values.as_chunks::<2>().0.iter().enumerate() {
                    tile[(pair * TILE + at) * 2] = bf16::from_f32(values[0]).to_bits();
                    tile[(pair * TILE + at) * 2 + 1] = bf16::from_f32(values[1]).to_bits();
                }
            }
        }
        Tiled { k, n, data, bias: bias.to_vec() }
    }
}

/// Two blocks of sums: one is filled while the other is finished.
pub(super) struct Blocks(Box<[Block; 2]>);

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Block([f32; TALL * WIDE]);

impl Default for Blocks {
    fn default() -> Self {
        Blocks(Box::new([Block([0.0; TALL * WIDE]); 2]))
    }
}

/// A finished block's place.
#[derive(Clone, Copy)]
struct Done {
    sums: *const f32,
    bias: *const f32,
    out: *mut u16,
    stride: usize,
}

/// Rounds the rows `from..to` of a block, after bias and activation.
///
/// # Safety
/// The pointers of `done` hold a block each: 32 rows of 32 sums, 32 of bias, 32 rows `stride` apart to write.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn finish<const ACT: u8>(done: Done, from: usize, to: usize) {
    // SAFETY: by this function's own contract.
    unsafe {
        let (b0, b1) = (_mm512_loadu_ps(done.bias), _mm512_loadu_ps(done.bias.add(16)));
        for r in from..to {
            let sums = done.sums.add(r * WIDE);
            let mut a = _mm512_add_ps(_mm512_load_ps(sums), b0);
            let mut b = _mm512_add_ps(_mm512_load_ps(sums.add(16)), b1);
            match ACT {
                GELU => (a, b) = (gelu(a), gelu(b)),
                GELU_TANH => (a, b) = (gelu_tanh(a), gelu_tanh(b)),
                RELU => {
                    let zero = _mm512_setzero_ps();
                    (a, b) = (_mm512_max_ps(a, zero), _mm512_max_ps(b, zero));
                }
                _ => {}
            }
            store_bf16(done.out.add(r * done.stride), a, b);
        }
    }
}

const NONE: u8 = 0;
const GELU: u8 = 1;
const GELU_TANH: u8 = 2;
const RELU: u8 = 3;

/// One step of a block: tiles 0 to 3 += the two tiles at `a`, `a + 16 rows` times the two at `b`. With `BOTH` false
/// only the upper sixteen rows.
///
/// # Safety
/// Tiles are configured; `a` has 16 or 32 rows of 64 bytes `stride` bytes apart, `b` two whole tiles.
#[inline(always)]
unsafe fn step<const BOTH: bool>(a: *const u16, stride: usize, b: *const Tile) {
    // SAFETY: by this function's own contract.
    unsafe {
        if BOTH {
            asm!(
                "tileloadd tmm6, [{b} + {w}*1]",
                "tileloadd tmm4, [{a} + {s}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {w}*1 + 1024]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{lower} + {s}*1]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                a = in(reg) a, lower = in(reg) a.byte_add(TILE * stride), s = in(reg) stride,
                b = in(reg) b, w = in(reg) 64usize,
                options(nostack, preserves_flags, readonly),
            );
        } else {
            asm!(
                "tileloadd tmm6, [{b} + {w}*1]",
                "tileloadd tmm4, [{a} + {s}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {w}*1 + 1024]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                a = in(reg) a, s = in(reg) stride, b = in(reg) b, w = in(reg) 64usize,
                options(nostack, preserves_flags, readonly),
            );
        }
    }
}

/// # Safety
/// Tiles are configured.
#[inline(always)]
unsafe fn clear() {
    // SAFETY: by this function's own contract.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, preserves_flags));
    }
}

/// Loads tiles 0 to 3 from 32 × 32 sums.
///
/// # Safety
/// Tiles are configured; `at` has 32 (or 16) rows of 32 values, `stride` bytes apart.
#[inline(always)]
unsafe fn load_sums<const BOTH: bool>(at: *const f32, stride: usize) {
    // SAFETY: by this function's own contract.
    unsafe {
        asm!(
            "tileloadd tmm0, [{p} + {s}*1]",
            "tileloadd tmm1, [{p} + {s}*1 + 64]",
            p = in(reg) at, s = in(reg) stride, options(nostack, preserves_flags, readonly),
        );
        if BOTH {
            asm!(
                "tileloadd tmm2, [{p} + {s}*1]",
                "tileloadd tmm3, [{p} + {s}*1 + 64]",
                p = in(reg) at.byte_add(TILE * stride), s = in(reg) stride,
                options(nostack, preserves_flags, readonly),
            );
        }
    }
}

/// Stores tiles 0 to 3 to 32 × 32 sums.
///
/// # Safety
/// As for [`load_sums`].
#[inline(always)]
unsafe fn store_sums<const BOTH: bool>(at: *mut f32, stride: usize) {
    // SAFETY: by this function's own contract.
    unsafe {
        asm!(
            "tilestored [{p} + {s}*1], tmm0",
            "tilestored [{p} + {s}*1 + 64], tmm1",
            p = in(reg) at, s = in(reg) stride, options(nostack, preserves_flags),
        );
        if BOTH {
            asm!(
                "tilestored [{p} + {s}*1], tmm2",
                "tilestored [{p} + {s}*1 + 64], tmm3",
                p = in(reg) at.byte_add(TILE * stride), s = in(reg) stride,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// `out = act(x · wᵀ + bias)` in bf16.
pub(super) fn linear(
    _tiles: &Tiles,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    act: Option<Activation>,
    out: &mut [u16],
    blocks: &mut Blocks,
) {
    let whole = rows.next_multiple_of(TALL);
    assert!(x.len() >= whole * w.k && out.len() >= whole * w.n, "a buffer is smaller than its blocks");
    // SAFETY: the tiles are configured, which says that the processor has AMX and AVX-512; the buffers hold
    // whole blocks.
    unsafe {
        match act {
            None => product::<NONE>(x, rows, w, out, blocks),
            Some(Activation::Gelu) => product::<GELU>(x, rows, w, out, blocks),
            Some(Activation::GeluTanh) => product::<GELU_TANH>(x, rows, w, out, blocks),
            Some(Activation::Relu) => product::<RELU>(x, rows, w, out, blocks),
        }
    }
}

/// # Safety
/// Tiles are configured; `x` and `out` hold `rows` rounded up to whole blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn product<const ACT: u8>(x: &[u16], rows: usize, w: &Tiled, out: &mut [u16], blocks: &mut Blocks) {
    let steps = w.k / WIDE;
    let share = TALL.div_ceil(steps);
    let sums = blocks.0.as_mut_ptr().cast::<f32>();
    let (x, out) = (x.as_ptr(), out.as_mut_ptr());
    let mut turn = 0;
    let mut done: Option<Done> = None;
    for panel in 0..w.n / WIDE {
        // SAFETY: panel, row and step stay within the shapes that `linear` checked.
        unsafe {
            let b = w.data.as_ptr().add(panel * steps * 2);
            let last = (panel + 1) * WIDE == w.n;
            let next = if last { w.data.as_ptr() } else { b.add(steps * 2) };
            let mut ahead = next.cast::<i8>();
            // A panel's tiles are fetched while the one before it is used, two lines a step and more if it has few.
            let blocks_of_rows = rows.div_ceil(TALL);
            let lines = (steps * 2 * TILE).div_ceil(blocks_of_rows * steps);
            let end = next.add(steps * 2).cast::<i8>();
            for row in (0..rows).step_by(TALL) {
                let a = x.add(row * w.k);
                let both = rows - row > TILE;
                clear();
                for i in 0..steps {
                    match both {
                        true => step::<true>(a.add(i * WIDE), w.k * 2, b.add(i * 2)),
                        false => step::<false>(a.add(i * WIDE), w.k * 2, b.add(i * 2)),
                    }
                    for _ in 0..lines {
                        if ahead < end {
                            _mm_prefetch::<_MM_HINT_T1>(ahead);
                            ahead = ahead.add(64);
                        }
                    }
                    if let Some(done) = done {
                        finish::<ACT>(done, (i * share).min(TALL), ((i + 1) * share).min(TALL));
                    }
                }
                let block = sums.add(turn * TALL * WIDE);
                match both {
                    true => store_sums::<true>(block, WIDE * 4),
                    false => store_sums::<false>(block, WIDE * 4),
                }
                done = Some(Done {
                    sums: block,
                    bias: w.bias.as_ptr().add(panel * WIDE),
                    out: out.add(row * w.n + panel * WIDE),
                    stride: w.n,
                });
                turn = 1 - turn;
            }
        }
    }
    if let Some(done) = done {
        // SAFETY: it is a block of this product.
        unsafe { finish::<ACT>(done, 0, TALL) };
    }
}

/// `sum += x · wᵀ` in f32.
pub(super) fn linear_add(_tiles: &Tiles, x: &[u16], rows: usize, w: &Tiled, sum: &mut [f32]) {
    let whole = rows.next_multiple_of(TALL);
    assert!(x.len() >= whole * w.k && sum.len() >= whole * w.n, "a buffer is smaller than its blocks");
    let steps = w.k / WIDE;
    for panel in 0..w.n / WIDE {
        for row in (0..rows).step_by(TALL) {
            // SAFETY: the tiles are configured; panel, row and step stay within the shapes checked above.
            unsafe {
                let (a, b) = (x.as_ptr().add(row * w.k), w.data.as_ptr().add(panel * steps * 2));
                let sums = sum.as_mut_ptr().add(row * w.n + panel * WIDE);
                match rows - row > TILE {
                    true => add_block::<true>(a, w.k * 2, b, steps, sums, w.n * 4),
                    false => add_block::<false>(a, w.k * 2, b, steps, sums, w.n * 4),
                }
            }
        }
    }
}

/// # Safety
/// Tiles are configured; `a` and `sums` have 32 (or 16) rows, `stride` and `sums_stride` bytes apart.
#[inline(always)]
unsafe fn add_block<const BOTH: bool>(
    a: *const u16,
    stride: usize,
    b: *const Tile,
    steps: usize,
    sums: *mut f32,
    sums_stride: usize,
) {
    // SAFETY: by this function's own contract.
    unsafe {
        load_sums::<BOTH>(sums, sums_stride);
        for i in 0..steps {
            step::<BOTH>(a.add(i * WIDE), stride, b.add(i * 2));
        }
        store_sums::<BOTH>(sums, sums_stride);
    }
}

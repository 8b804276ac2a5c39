//! Products with tiled weights: 32 × 32 values at a time, in four tiles of sums.
//!
//! A step loads two tiles of `x` (16 rows × 32 values each) and two of the weights, and multiplies them crosswise.
//! While the tiles of one block are multiplied, the vector units finish the block before it (bias, activation,
//! rounding to bf16, or adding to what is there), some rows a step, so that neither waits for the other.
//!
//! Activations that are the left side of a product (operands) are stored as tiles too: `[block of 32 rows][step of
//! 32 of k][32 rows][32]`. Against plain rows, that doubled the speed on the processor it was measured on: a tile is
//! then sixteen consecutive lines. They are loaded with the hint not to keep them in the first-level cache, which
//! leaves that to the panel of weights.

use std::{
    arch::{asm, x86_64::*},
    cell::RefCell,
};

use half::bf16;

use super::{
    Tiles,
    rows::{gelu, gelu_tanh, store_bf16},
};
use crate::device::kernels::{Activation, Hit};

/// Values in a tile row of bf16, and columns of a panel.
pub(super) const WIDE: usize = 32;
/// Rows of a block.
pub(super) const TALL: usize = 32;
/// Rows of a tile.
pub(super) const TILE: usize = 16;
/// Values in a tile of bf16.
pub(super) const TILE_VALUES: usize = TILE * WIDE;

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

/// Where the values of `row` from `column` (a multiple of 32) stand in an operand of `k` columns.
pub(super) fn operand(row: usize, column: usize, k: usize) -> usize {
    row / TALL * TALL * k + column / WIDE * TALL * WIDE + row % TALL * WIDE
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

/// What becomes of a finished block.
trait Finish {
    /// Finishes row `r` of the block at `row`, `column`: `a` and `b` are its 32 sums.
    ///
    /// # Safety
    /// The processor has AVX-512 with bf16; the place lies within the output.
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512);
}

const NONE: u8 = 0;
const GELU: u8 = 1;
const GELU_TANH: u8 = 2;
const RELU: u8 = 3;

/// Bias, activation, rounding: into rows, or into an operand.
struct Round<'a, const ACT: u8, const OPERAND: bool> {
    bias: &'a [f32],
    out: *mut u16,
    n: usize,
}

impl<const ACT: u8, const OPERAND: bool> Finish for Round<'_, ACT, OPERAND> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512) {
        // SAFETY: by this function's own contract; the bias has `n` values.
        unsafe {
            let bias = self.bias.as_ptr().add(column);
            let mut a = _mm512_add_ps(a, _mm512_loadu_ps(bias));
            let mut b = _mm512_add_ps(b, _mm512_loadu_ps(bias.add(16)));
            match ACT {
                GELU => (a, b) = (gelu(a), gelu(b)),
                GELU_TANH => (a, b) = (gelu_tanh(a), gelu_tanh(b)),
                RELU => {
                    let zero = _mm512_setzero_ps();
                    (a, b) = (_mm512_max_ps(a, zero), _mm512_max_ps(b, zero));
                }
                _ => {}
            }
            let at = match OPERAND {
                true => operand(row, column, self.n) + r * WIDE,
                false => (row + r) * self.n + column,
            };
            store_bf16(self.out.add(at), a, b);
        }
    }
}

/// Adding to f32 rows.
struct Add {
    sum: *mut f32,
    n: usize,
}

impl Finish for Add {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512) {
        // SAFETY: by this function's own contract.
        unsafe {
            let at = self.sum.add((row + r) * self.n + column);
            _mm512_storeu_ps(at, _mm512_add_ps(_mm512_loadu_ps(at), a));
            _mm512_storeu_ps(at.add(16), _mm512_add_ps(_mm512_loadu_ps(at.add(16)), b));
        }
    }
}

/// Looking for what is at least the floor.
struct Above<'a> {
    floor: f32,
    rows: usize,
    hits: RefCell<&'a mut Vec<Hit>>,
}

impl Finish for Above<'_> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512) {
        let floor = _mm512_set1_ps(self.floor);
        let low = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, floor);
        let high = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(b, floor);
        let mut found = u32::from(low) | u32::from(high) << 16;
        if found == 0 || row + r >= self.rows {
            return;
        }
        let mut scores = [0.0; WIDE];
        // SAFETY: there is room for two vectors.
        unsafe {
            _mm512_storeu_ps(scores.as_mut_ptr(), a);
            _mm512_storeu_ps(scores.as_mut_ptr().add(16), b);
        }
        let mut hits = self.hits.borrow_mut();
        while found != 0 {
            let i = found.trailing_zeros() as usize;
            hits.push(Hit { row: (row + r) as u32, column: (column + i) as u32, score: scores[i] });
            found &= found - 1;
        }
    }
}

/// One step of a block: tiles 0 to 3 += the two tiles at `a` times the two at `b`. With `BOTH` false only the
/// upper sixteen rows.
///
/// # Safety
/// Tiles are configured; `a` and `b` hold two whole tiles each.
#[inline(always)]
unsafe fn step<const BOTH: bool>(a: *const u16, b: *const Tile) {
    // SAFETY: by this function's own contract.
    unsafe {
        if BOTH {
            asm!(
                "tileloadd tmm6, [{b} + {w}*1]",
                "tileloaddt1 tmm4, [{a} + {w}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {w}*1 + 1024]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloaddt1 tmm5, [{a} + {w}*1 + 1024]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                a = in(reg) a, b = in(reg) b, w = in(reg) 64usize,
                options(nostack, preserves_flags, readonly),
            );
        } else {
            asm!(
                "tileloadd tmm6, [{b} + {w}*1]",
                "tileloaddt1 tmm4, [{a} + {w}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {w}*1 + 1024]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                a = in(reg) a, b = in(reg) b, w = in(reg) 64usize,
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
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            options(nostack, preserves_flags)
        );
    }
}

/// Stores tiles 0 to 3.
///
/// # Safety
/// Tiles are configured; `at` has room for 32 rows of 32 values.
#[inline(always)]
unsafe fn store_sums(at: *mut f32) {
    // SAFETY: by this function's own contract.
    unsafe {
        asm!(
            "tilestored [{p} + {s}*1], tmm0",
            "tilestored [{p} + {s}*1 + 64], tmm1",
            "tilestored [{p} + {s}*1 + 2048], tmm2",
            "tilestored [{p} + {s}*1 + 2112], tmm3",
            p = in(reg) at, s = in(reg) WIDE * 4, options(nostack, preserves_flags),
        );
    }
}

/// `out = x · wᵀ + bias` in bf16 rows; `x` is an operand.
pub(super) fn linear(
    _tiles: &Tiles,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    out: &mut [u16],
    blocks: &mut Blocks,
) {
    assert!(out.len() >= rows.next_multiple_of(TALL) * w.n, "a buffer is smaller than its blocks");
    let finish = Round::<NONE, false> { bias: &w.bias, out: out.as_mut_ptr(), n: w.n };
    // SAFETY: the tiles are configured, which says that the processor has AMX and AVX-512; the output holds whole
    // blocks.
    unsafe { product(x, rows, w, &finish, blocks) };
}

/// `out = act(x · wᵀ + bias)` in bf16; `x` and `out` are operands.
pub(super) fn linear_act(
    _tiles: &Tiles,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    act: Activation,
    out: &mut [u16],
    blocks: &mut Blocks,
) {
    assert!(out.len() >= rows.next_multiple_of(TALL) * w.n, "a buffer is smaller than its blocks");
    let (bias, n, out) = (&w.bias[..], w.n, out.as_mut_ptr());
    // SAFETY: as in `linear`.
    unsafe {
        match act {
            Activation::Gelu => product(x, rows, w, &Round::<GELU, true> { bias, out, n }, blocks),
            Activation::GeluTanh => product(x, rows, w, &Round::<GELU_TANH, true> { bias, out, n }, blocks),
            Activation::Relu => product(x, rows, w, &Round::<RELU, true> { bias, out, n }, blocks),
        }
    }
}

/// `sum += x · wᵀ` in f32 rows; `x` is an operand.
pub(super) fn linear_add(
    _tiles: &Tiles,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    sum: &mut [f32],
    blocks: &mut Blocks,
) {
    assert!(sum.len() >= rows.next_multiple_of(TALL) * w.n, "a buffer is smaller than its blocks");
    // SAFETY: as in `linear`.
    unsafe { product(x, rows, w, &Add { sum: sum.as_mut_ptr(), n: w.n }, blocks) };
}

/// Adds to `hits` where `x · wᵀ` is at least `floor`; `x` is an operand.
pub(super) fn above(
    _tiles: &Tiles,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    floor: f32,
    hits: &mut Vec<Hit>,
    blocks: &mut Blocks,
) {
    let finish = Above { floor, rows, hits: RefCell::new(hits) };
    // SAFETY: the tiles are configured, which says that the processor has AMX and AVX-512; there is no output.
    unsafe { product(x, rows, w, &finish, blocks) };
}

/// # Safety
/// Tiles are configured; the output of `finish` holds `rows` rounded up to whole blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn product<F: Finish>(x: &[u16], rows: usize, w: &Tiled, finish: &F, blocks: &mut Blocks) {
    assert!(x.len() >= rows.next_multiple_of(TALL) * w.k, "an operand is smaller than its blocks");
    let steps = w.k / WIDE;
    let share = TALL.div_ceil(steps);
    let x = x.as_ptr();
    let [even, odd] = &mut *blocks.0;
    let (mut sums, mut other) = (even.0.as_mut_ptr(), odd.0.as_mut_ptr());
    let mut before: Option<(usize, usize)> = None;
    // SAFETY: panel, row and step stay within the shapes that were checked; a block of sums is 32 × 32.
    unsafe {
        let finish_rows = |(row, column): (usize, usize), sums: *const f32, from: usize, to: usize| {
            for r in from..to.min(TALL) {
                let at = sums.add(r * WIDE);
                finish.row(row, column, r, _mm512_load_ps(at), _mm512_load_ps(at.add(16)));
            }
        };
        for panel in 0..w.n / WIDE {
            let b = w.data.as_ptr().add(panel * steps * 2);
            for row in (0..rows).step_by(TALL) {
                let a = x.add(row * w.k);
                let both = rows - row > TILE;
                clear();
                for i in 0..steps {
                    match both {
                        true => step::<true>(a.add(i * TALL * WIDE), b.add(i * 2)),
                        false => step::<false>(a.add(i * TALL * WIDE), b.add(i * 2)),
                    }
                    if let Some(place) = before {
                        finish_rows(place, other, i * share, (i + 1) * share);
                    }
                }
                store_sums(sums);
                before = Some((row, panel * WIDE));
                (sums, other) = (other, sums);
            }
        }
        if let Some(place) = before {
            finish_rows(place, other, 0, TALL);
        }
    }
}

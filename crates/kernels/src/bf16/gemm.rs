//! Products with tiled weights: 32 × 32 values at a time, and what becomes of a finished block.
//!
//! Activations that are the left side of a product (operands) are stored as tiles too: `[block of 32 rows][step of
//! 32 of k][32 rows][32]`. Against plain rows, that doubled the speed of AMX on the processor it was measured on: a
//! tile is then sixteen consecutive lines.

use std::{arch::x86_64::*, cell::RefCell};

use half::bf16;

use super::{
    backend::Bf16Gemm,
    rows::{GELU, GELU_TANH, NONE, RELU, activate, store_bf16},
};
use crate::{
    AlignedBuf, Arena,
    kernels::{Activation, Hit},
};

/// Values in a tile row of bf16, and columns of a panel.
pub(crate) const WIDE: usize = 32;
/// Rows of a block.
pub(crate) const TALL: usize = 32;
/// Rows of a tile.
pub(super) const TILE: usize = 16;
/// Values in a tile of bf16.
pub(super) const TILE_VALUES: usize = TILE * WIDE;

/// Weights as tiles: `[panel of 32 columns][step of 32 of k][2 tiles][16 pairs of k][16 columns][2]`.
pub struct Tiled {
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) data: AlignedBuf<Tile>,
    bias: Vec<f32>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Tile(pub(super) [u16; TILE_VALUES]);

impl Default for Tile {
    fn default() -> Self {
        Tile([0; TILE_VALUES])
    }
}

impl Tiled {
    /// Rounds `weight`, `n × k`, to bf16.
    pub(super) fn pack(weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Self {
        assert!(n.is_multiple_of(WIDE) && k.is_multiple_of(WIDE), "{n} × {k} does not fill tiles");
        assert!(weight.len() == n * k && bias.len() == n, "weights of another shape");
        let steps = k / WIDE;
        let mut data = arena.buffer::<Tile>(n / TILE * steps);
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
pub(crate) fn operand(row: usize, column: usize, k: usize) -> usize {
    row / TALL * TALL * k + column / WIDE * TALL * WIDE + row % TALL * WIDE
}

/// Two blocks of sums: one is filled while the other is finished.
pub(crate) struct Blocks(pub(super) Box<[Block; 2]>);

#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [f32; TALL * WIDE]);

impl Default for Blocks {
    fn default() -> Self {
        Blocks(Box::new([Block([0.0; TALL * WIDE]); 2]))
    }
}

/// What becomes of a finished block.
pub(crate) trait Epilogue {
    /// Finishes row `r` of the block at `row`, `column`: `a` and `b` are its 32 sums.
    ///
    /// # Safety
    /// The processor has AVX-512, with bf16 where that is stored; the place lies within the output.
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512);
}

/// A product whose blocks can be finished in any way.
pub(crate) trait Product<'a> {
    /// The number of rows, and the bias of the columns.
    fn shape(&self) -> (usize, &'a [f32]);

    /// Hands every block to `finish`.
    ///
    /// # Safety
    /// The output of `finish` holds the rows rounded up to whole blocks.
    unsafe fn run<F: Epilogue>(self, finish: &F);
}

/// `x · wᵀ` in bf16.
struct Bf16Product<'a> {
    gemm: &'a Bf16Gemm,
    x: &'a [u16],
    rows: usize,
    w: &'a Tiled,
    blocks: &'a mut Blocks,
}

impl<'a> Product<'a> for Bf16Product<'a> {
    fn shape(&self) -> (usize, &'a [f32]) {
        (self.rows, &self.w.bias)
    }

    unsafe fn run<F: Epilogue>(self, finish: &F) {
        // SAFETY: by this function's own contract.
        unsafe { self.gemm.product(self.x, self.rows, self.w, finish, self.blocks) }
    }
}

/// Bias, activation, rounding: into rows, or into an operand.
struct Round<'a, const ACT: u8, const OPERAND: bool> {
    bias: &'a [f32],
    out: *mut u16,
    n: usize,
}

impl<const ACT: u8, const OPERAND: bool> Epilogue for Round<'_, ACT, OPERAND> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn row(&self, row: usize, column: usize, r: usize, a: __m512, b: __m512) {
        // SAFETY: by this function's own contract; the bias has `n` values.
        unsafe {
            let bias = self.bias.as_ptr().add(column);
            let mut a = _mm512_add_ps(a, _mm512_loadu_ps(bias));
            let mut b = _mm512_add_ps(b, _mm512_loadu_ps(bias.add(16)));
            (a, b) = (activate::<ACT>(a), activate::<ACT>(b));
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

impl Epilogue for Add {
    #[inline]
    #[target_feature(enable = "avx512f")]
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
struct ThresholdSearch<'a> {
    floor: f32,
    rows: usize,
    hits: RefCell<&'a mut Vec<Hit>>,
}

impl Epilogue for ThresholdSearch<'_> {
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

/// `out = product + bias` in bf16 rows.
pub(crate) fn round<'a>(product: impl Product<'a>, out: &mut [u16]) {
    let (rows, bias) = product.shape();
    assert!(out.len() >= rows.next_multiple_of(TALL) * bias.len(), "a buffer is smaller than its blocks");
    let finish = Round::<NONE, false> { bias, out: out.as_mut_ptr(), n: bias.len() };
    // SAFETY: the output holds whole blocks.
    unsafe { product.run(&finish) };
}

/// `out = act(product + bias)` as a bf16 operand.
pub(crate) fn round_act<'a>(product: impl Product<'a>, act: Activation, out: &mut [u16]) {
    let (rows, bias) = product.shape();
    let n = bias.len();
    assert!(out.len() >= rows.next_multiple_of(TALL) * n, "a buffer is smaller than its blocks");
    let out = out.as_mut_ptr();
    // SAFETY: as in `round`.
    unsafe {
        match act {
            Activation::Gelu => product.run(&Round::<GELU, true> { bias, out, n }),
            Activation::GeluTanh => product.run(&Round::<GELU_TANH, true> { bias, out, n }),
            Activation::Relu => product.run(&Round::<RELU, true> { bias, out, n }),
        }
    }
}

/// `sum += product` in f32 rows.
pub(crate) fn add<'a>(product: impl Product<'a>, sum: &mut [f32]) {
    let (rows, bias) = product.shape();
    assert!(sum.len() >= rows.next_multiple_of(TALL) * bias.len(), "a buffer is smaller than its blocks");
    // SAFETY: as in `round`.
    unsafe { product.run(&Add { sum: sum.as_mut_ptr(), n: bias.len() }) };
}

/// `out = x · wᵀ + bias` in bf16 rows; `x` is an operand.
pub(super) fn linear(
    gemm: &Bf16Gemm,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    out: &mut [u16],
    blocks: &mut Blocks,
) {
    round(Bf16Product { gemm, x, rows, w, blocks }, out);
}

/// `out = act(x · wᵀ + bias)` in bf16; `x` and `out` are operands.
pub(super) fn linear_act(
    gemm: &Bf16Gemm,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    act: Activation,
    out: &mut [u16],
    blocks: &mut Blocks,
) {
    round_act(Bf16Product { gemm, x, rows, w, blocks }, act, out);
}

/// `sum += x · wᵀ` in f32 rows; `x` is an operand.
pub(super) fn linear_add(
    gemm: &Bf16Gemm,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    sum: &mut [f32],
    blocks: &mut Blocks,
) {
    add(Bf16Product { gemm, x, rows, w, blocks }, sum);
}

/// Adds to `hits` where `x · wᵀ` is at least `floor`; `x` is an operand.
pub(super) fn scores_above(
    gemm: &Bf16Gemm,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    floor: f32,
    hits: &mut Vec<Hit>,
    blocks: &mut Blocks,
) {
    let finish = ThresholdSearch { floor, rows, hits: RefCell::new(hits) };
    // SAFETY: there is no output.
    unsafe { gemm.product(x, rows, w, &finish, blocks) };
}

//! Which instructions multiply.

use super::{
    dots::{self, Dots},
    gemm::{Blocks, Finish, Tiled},
};
#[cfg(target_os = "linux")]
use super::{
    permit,
    tiles::{self, Tiles},
};
use crate::CpuPath;

/// The instructions that multiply bf16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// The matrix units of AMX.
    #[cfg(target_os = "linux")]
    Tiles,
    /// The dot products of AVX-512-BF16.
    Dots,
}

impl Engine {
    /// The engine of a path; none where the path is one of f32.
    pub(super) fn of(path: CpuPath) -> Option<Self> {
        match path {
            #[cfg(target_os = "linux")]
            CpuPath::Amx => Some(Engine::Tiles),
            CpuPath::Avx512Bf16 => Some(Engine::Dots),
            _ => None,
        }
    }

    /// As [`crate::Kernels::chunk`] says.
    pub(super) fn chunk(self) -> usize {
        match self {
            #[cfg(target_os = "linux")]
            Engine::Tiles => 384,
            Engine::Dots => 512,
        }
    }

    pub(super) fn is_available(self) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Engine::Tiles => permit::is_available(),
            Engine::Dots => dots::is_available(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(target_os = "linux")]
            Engine::Tiles => "amx bf16",
            Engine::Dots => "avx512 bf16",
        }
    }

    /// Makes it ready on this thread. Panics if the processor lacks it.
    pub(super) fn begin(self) -> Ready {
        match self {
            #[cfg(target_os = "linux")]
            Engine::Tiles => Ready::Tiles(Tiles::configure()),
            Engine::Dots => Ready::Dots(Dots::begin()),
        }
    }
}

/// The left side of a product of attention: sixteen rows of bf16, or thirty-two.
#[derive(Clone, Copy)]
pub(super) struct Strided {
    pub at: *const u16,
    /// Values from one row to the next.
    pub stride: usize,
    /// Whether there are thirty-two.
    pub both: bool,
}

/// An engine that this thread can use, until it is dropped; that the processor has it was checked.
pub(super) enum Ready {
    #[cfg(target_os = "linux")]
    Tiles(Tiles),
    Dots(Dots),
}

impl Ready {
    /// Products in registers; returns how many operations they were.
    pub(super) fn spin(&self, steps: usize) -> f64 {
        match self {
            #[cfg(target_os = "linux")]
            Ready::Tiles(tiles) => tiles::spin(tiles, steps / 8, false),
            Ready::Dots(dots) => dots::spin(dots, steps),
        }
    }

    /// Hands every block of `x · wᵀ` to `finish`; `x` is an operand.
    ///
    /// # Safety
    /// The output of `finish` holds `rows` rounded up to whole blocks.
    pub(super) unsafe fn product<F: Finish>(
        &self,
        x: &[u16],
        rows: usize,
        w: &Tiled,
        finish: &F,
        blocks: &mut Blocks,
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Ready::Tiles(tiles) => tiles::product(tiles, x, rows, w, finish, blocks),
                Ready::Dots(dots) => dots::product(dots, x, rows, w, finish),
            }
        }
    }

    /// Queries of one head times all of its keys: `columns` scores for each. `between`, other work, runs now and then.
    ///
    /// # Safety
    /// `queries` has rows of `size` values; `keys` and `out` hold `columns` tokens.
    pub(super) unsafe fn all_scores(
        &self,
        queries: Strided,
        keys: *const u16,
        size: usize,
        columns: usize,
        out: *mut f32,
        between: &mut impl FnMut(),
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Ready::Tiles(_) => tiles::all_scores(queries, keys, size, columns, out, between),
                Ready::Dots(_) => dots::all_scores(queries, keys, size, columns, out),
            }
        }
    }

    /// Rows of `weights`, as wide as they are apart, times two neighbouring tiles of values, stored side by side at
    /// `out`. `between`, other work, runs now and then.
    ///
    /// # Safety
    /// `values` has the two tiles for every 32 of the weights' width; `out` has rows of `size` values.
    pub(super) unsafe fn contexts(
        &self,
        weights: Strided,
        values: *const u16,
        size: usize,
        out: *mut f32,
        between: &mut impl FnMut(),
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Ready::Tiles(_) => tiles::contexts(weights, values, size, out, between),
                Ready::Dots(_) => dots::contexts(weights, values, size, out),
            }
        }
    }
}

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
use crate::device::CpuPath;

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

    /// Sixteen queries of one head times all of its keys: `columns` scores for each.
    ///
    /// # Safety
    /// `query` has 16 rows of `size` values, `stride` apart; `keys` and `out` hold `columns` tokens.
    pub(super) unsafe fn all_scores(
        &self,
        query: *const u16,
        stride: usize,
        keys: *const u16,
        size: usize,
        columns: usize,
        out: *mut f32,
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Ready::Tiles(_) => tiles::all_scores(query, stride, keys, size, columns, out),
                Ready::Dots(_) => dots::all_scores(query, stride, keys, size, columns, out),
            }
        }
    }

    /// Sixteen rows of `weights` (`depth` wide) times two neighbouring tiles of values, stored side by side at `out`.
    ///
    /// # Safety
    /// `weights` has 16 rows; `values` has the two tiles for every 32 of `depth`; `out` has 16 rows of `size` values.
    pub(super) unsafe fn contexts(
        &self,
        weights: *const u16,
        depth: usize,
        values: *const u16,
        size: usize,
        out: *mut f32,
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Ready::Tiles(_) => tiles::contexts(weights, depth, values, size, out),
                Ready::Dots(_) => dots::contexts(weights, depth, values, size, out),
            }
        }
    }
}

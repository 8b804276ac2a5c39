//! Which instructions multiply.

#[cfg(target_os = "linux")]
use super::{
    amx::{self, AmxGemm},
    amx_detect,
};
use super::{
    avx512_bf16::{self, Avx512Bf16Gemm},
    gemm::{Blocks, Epilogue, Tiled},
};
use crate::Isa;

/// The instructions that multiply bf16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bf16Backend {
    /// The matrix units of AMX.
    #[cfg(target_os = "linux")]
    Amx,
    /// The dot products of AVX-512-BF16.
    Avx512Bf16,
}

impl Bf16Backend {
    /// The engine of an instruction set; none where the instruction set is one of f32.
    pub(super) fn of(isa: Isa) -> Option<Self> {
        match isa {
            #[cfg(target_os = "linux")]
            Isa::Amx => Some(Bf16Backend::Amx),
            Isa::Avx512Bf16 => Some(Bf16Backend::Avx512Bf16),
            _ => None,
        }
    }

    /// As [`crate::Kernels::chunk_tokens`] says.
    pub(super) fn chunk_tokens(self) -> usize {
        match self {
            #[cfg(target_os = "linux")]
            Bf16Backend::Amx => 384,
            Bf16Backend::Avx512Bf16 => 512,
        }
    }

    pub(super) fn is_available(self) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Bf16Backend::Amx => amx_detect::is_available(),
            Bf16Backend::Avx512Bf16 => avx512_bf16::is_available(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(target_os = "linux")]
            Bf16Backend::Amx => "amx bf16",
            Bf16Backend::Avx512Bf16 => "avx512 bf16",
        }
    }

    /// Its products on this thread. Panics if the processor lacks it.
    pub(super) fn gemm(self) -> Bf16Gemm {
        match self {
            #[cfg(target_os = "linux")]
            Bf16Backend::Amx => Bf16Gemm::Amx(AmxGemm::configure()),
            Bf16Backend::Avx512Bf16 => Bf16Gemm::Avx512Bf16(Avx512Bf16Gemm::new()),
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
pub(super) enum Bf16Gemm {
    #[cfg(target_os = "linux")]
    Amx(AmxGemm),
    Avx512Bf16(Avx512Bf16Gemm),
}

impl Bf16Gemm {
    /// Products in registers; returns how many operations they were.
    pub(super) fn spin(&self, steps: usize) -> f64 {
        match self {
            #[cfg(target_os = "linux")]
            Bf16Gemm::Amx(tiles) => amx::spin(tiles, steps / 8, false),
            Bf16Gemm::Avx512Bf16(dots) => avx512_bf16::spin(dots, steps),
        }
    }

    /// Hands every block of `x · wᵀ` to `finish`; `x` is an operand.
    ///
    /// # Safety
    /// The output of `finish` holds `rows` rounded up to whole blocks.
    pub(super) unsafe fn product<F: Epilogue>(
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
                Bf16Gemm::Amx(tiles) => amx::product(tiles, x, rows, w, finish, blocks),
                Bf16Gemm::Avx512Bf16(dots) => avx512_bf16::product(dots, x, rows, w, finish),
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
                Bf16Gemm::Amx(_) => amx::all_scores(queries, keys, size, columns, out, between),
                Bf16Gemm::Avx512Bf16(_) => avx512_bf16::all_scores(queries, keys, size, columns, out),
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
                Bf16Gemm::Amx(_) => amx::contexts(weights, values, size, out, between),
                Bf16Gemm::Avx512Bf16(_) => avx512_bf16::contexts(weights, values, size, out),
            }
        }
    }
}

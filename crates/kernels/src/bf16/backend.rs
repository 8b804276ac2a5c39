//! The choice between the instructions that multiply bf16.

#[cfg(target_os = "linux")]
use super::{
    amx::{self, AmxGemm},
    amx_detect,
};
use super::{
    avx512_bf16::{self, Avx512Bf16Gemm},
    gemm::{Epilogue, SumBlocks, TiledWeights},
};
use crate::Isa;

/// The instructions that multiply bf16 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bf16Backend {
    /// The matrix units of AMX.
    #[cfg(target_os = "linux")]
    Amx,
    /// The dot products of AVX-512-BF16.
    Avx512Bf16,
}

impl Bf16Backend {
    /// The backend of `isa`, if it has bf16 products.
    pub(super) fn of(isa: Isa) -> Option<Self> {
        match isa {
            #[cfg(target_os = "linux")]
            Isa::Amx => Some(Bf16Backend::Amx),
            Isa::Avx512Bf16 => Some(Bf16Backend::Avx512Bf16),
            _ => None,
        }
    }

    /// See [`crate::Kernels::chunk_tokens`].
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

/// The left-hand side of a product in attention: 16 or 32 rows of bf16.
#[derive(Clone, Copy)]
pub(super) struct Strided {
    pub start: *const u16,
    /// Values from one row to the next.
    pub stride: usize,
    /// Whether there are 32 rows.
    pub two_tiles: bool,
}

/// A backend that this thread may use until this is dropped. Its existence proves that the processor has it.
pub(super) enum Bf16Gemm {
    #[cfg(target_os = "linux")]
    Amx(AmxGemm),
    Avx512Bf16(Avx512Bf16Gemm),
}

impl Bf16Gemm {
    /// Multiplies in registers. Returns the number of multiplications and additions.
    pub(super) fn run_peak_loop(&self, steps: usize) -> f64 {
        match self {
            #[cfg(target_os = "linux")]
            Bf16Gemm::Amx(amx) => amx::run_peak_loop(amx, steps / 8, false),
            Bf16Gemm::Avx512Bf16(gemm) => avx512_bf16::run_peak_loop(gemm, steps),
        }
    }

    /// Passes every block of `x · wᵀ` to `epilogue`; `x` is an operand.
    ///
    /// # Safety
    /// The output of `epilogue` holds `rows` rounded up to whole blocks.
    pub(super) unsafe fn product<F: Epilogue>(
        &self,
        x: &[u16],
        rows: usize,
        w: &TiledWeights,
        epilogue: &F,
        sums: &mut SumBlocks,
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Bf16Gemm::Amx(amx) => amx::product(amx, x, rows, w, epilogue, sums),
                Bf16Gemm::Avx512Bf16(gemm) => avx512_bf16::product(gemm, x, rows, w, epilogue),
            }
        }
    }

    /// The scores of queries of one head with all of its keys: `columns` for each. `interleave` is called between products,
    /// to do other work meanwhile.
    ///
    /// # Safety
    /// `queries` has rows of `size` values; `keys` and `out` hold `columns` tokens.
    pub(super) unsafe fn scores(
        &self,
        queries: Strided,
        keys: *const u16,
        size: usize,
        columns: usize,
        out: *mut f32,
        interleave: &mut impl FnMut(),
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Bf16Gemm::Amx(_) => amx::scores(queries, keys, size, columns, out, interleave),
                Bf16Gemm::Avx512Bf16(_) => avx512_bf16::scores(queries, keys, size, columns, out),
            }
        }
    }

    /// Rows of `weights` (as wide as their stride) times two neighbouring tiles of values, stored side by side at `out`.
    /// `interleave` as for [`Bf16Gemm::scores`].
    ///
    /// # Safety
    /// `values` has two tiles for every 32 columns of the weights; `out` has rows of `size` values.
    pub(super) unsafe fn contexts(
        &self,
        weights: Strided,
        values: *const u16,
        size: usize,
        out: *mut f32,
        interleave: &mut impl FnMut(),
    ) {
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                #[cfg(target_os = "linux")]
                Bf16Gemm::Amx(_) => amx::contexts(weights, values, size, out, interleave),
                Bf16Gemm::Avx512Bf16(_) => avx512_bf16::contexts(weights, values, size, out),
            }
        }
    }
}

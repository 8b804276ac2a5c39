//! The choice between the instructions that multiply int8.

use super::portable;
use crate::Isa;

/// The instructions that multiply int8. All give the same sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Int8Backend {
    /// The matrix units of AMX.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx,
    /// AVX-512-VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// AVX-VNNI: VNNI for vectors of AVX2.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX2, which multiplies 16-bit integers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The dot products of Armv8.2.
    #[cfg(target_arch = "aarch64")]
    NeonDotprod,
    /// Plain Rust.
    Portable,
}

impl Int8Backend {
    /// The backends that this processor has and `isa` allows, the fastest first.
    pub(super) fn available(isa: Isa) -> impl Iterator<Item = Self> {
        let _ = isa;
        [
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Int8Backend::Amx, isa == Isa::Amx && crate::bf16::amx_detect::has_int8()),
            #[cfg(target_arch = "x86_64")]
            (
                Int8Backend::Avx512Vnni,
                !matches!(isa, Isa::Avx2 | Isa::Portable) && super::avx512::is_available(),
            ),
            #[cfg(target_arch = "x86_64")]
            (Int8Backend::AvxVnni, isa != Isa::Portable && super::avxvnni::is_available()),
            #[cfg(target_arch = "x86_64")]
            (Int8Backend::Avx2, isa != Isa::Portable && Isa::Avx2.is_available()),
            #[cfg(target_arch = "aarch64")]
            (Int8Backend::NeonDotprod, isa != Isa::Portable && super::neon::is_available()),
            (Int8Backend::Portable, true),
        ]
        .into_iter()
        .filter_map(|(backend, available)| available.then_some(backend))
    }

    /// The fastest backend that `isa` allows.
    pub(super) fn of(isa: Isa) -> Self {
        Int8Backend::available(isa).next().expect("plain Rust is always available")
    }

    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Int8Backend::Amx => "amx",
            #[cfg(target_arch = "x86_64")]
            Int8Backend::Avx512Vnni => "vnni",
            #[cfg(target_arch = "x86_64")]
            Int8Backend::AvxVnni => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Int8Backend::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Int8Backend::NeonDotprod => "neon",
            Int8Backend::Portable => "portable",
        }
    }
}

/// Multiplies int8 in registers on this thread. Returns the number of multiplications and additions.
pub(crate) fn run_peak_loop(isa: Isa, steps: usize) -> f64 {
    match Int8Backend::of(isa) {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Int8Backend::Amx => {
            use crate::bf16::amx::{self, AmxGemm};
            amx::run_peak_loop(&AmxGemm::configure(), steps / 8, true)
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the backend was found on this processor.
        Int8Backend::Avx512Vnni => unsafe { super::avx512::peak(steps) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Int8Backend::AvxVnni => unsafe { super::avxvnni::peak(steps) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Int8Backend::Avx2 => unsafe { super::avx2::peak(steps) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the backend was found on this processor.
        Int8Backend::NeonDotprod => unsafe { super::neon::peak(steps) },
        Int8Backend::Portable => portable::peak(steps),
    }
}

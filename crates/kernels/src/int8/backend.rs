//! Which instructions multiply the bytes of an instruction set.

use super::portable;
use crate::Isa;

/// The instructions that multiply bytes. All give the same sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Int8Backend {
    /// The matrix units of AMX.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx,
    /// AVX-512-VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// AVX-VNNI, beside AVX2.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX2, which multiplies 16 bits.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The dot products of 64-bit Arm.
    #[cfg(target_arch = "aarch64")]
    NeonDotprod,
    Portable,
}

impl Int8Backend {
    /// Those that `isa` may use on this processor, the fastest first.
    pub(super) fn on(isa: Isa) -> impl Iterator<Item = Self> {
        let _ = isa;
        [
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Int8Backend::Amx, isa == Isa::Amx && crate::bf16::amx_detect::has_bytes()),
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
        .filter_map(|(backend, is)| is.then_some(backend))
    }

    pub(super) fn of(isa: Isa) -> Self {
        Int8Backend::on(isa).next().expect("plain Rust is everywhere")
    }

    /// As the manifest names it.
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

/// Multiplications and additions of bytes in registers on one thread, as [`crate::measure_ceiling`] counts them.
pub(crate) fn spin(isa: Isa, steps: usize) -> f64 {
    match Int8Backend::of(isa) {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Int8Backend::Amx => {
            use crate::bf16::amx::{AmxGemm, spin};
            spin(&AmxGemm::configure(), steps / 8, true)
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the backend is there, so the processor has it.
        Int8Backend::Avx512Vnni => unsafe { super::avx512::spin(steps) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Int8Backend::AvxVnni => unsafe { super::avxvnni::spin(steps) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Int8Backend::Avx2 => unsafe { super::avx2::spin(steps) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the backend is there, so the processor has it.
        Int8Backend::NeonDotprod => unsafe { super::neon::spin(steps) },
        Int8Backend::Portable => portable::spin(steps),
    }
}

//! Which instructions multiply the bytes of a path.

use super::portable;
use crate::CpuPath;

/// The instructions that multiply bytes. All give the same sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// The matrix units of AMX.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Tiles,
    /// AVX-512-VNNI.
    #[cfg(target_arch = "x86_64")]
    Vnni,
    /// AVX-VNNI, beside AVX2.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX2, which multiplies 16 bits.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The dot products of 64-bit Arm.
    #[cfg(target_arch = "aarch64")]
    Dots,
    Portable,
}

impl Engine {
    /// Those that `path` may use on this processor, the fastest first.
    pub(super) fn on(path: CpuPath) -> impl Iterator<Item = Self> {
        let _ = path;
        [
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Engine::Tiles, path == CpuPath::Amx && crate::bf16::permit::has_bytes()),
            #[cfg(target_arch = "x86_64")]
            (
                Engine::Vnni,
                !matches!(path, CpuPath::Avx2 | CpuPath::Portable) && super::avx512::is_available(),
            ),
            #[cfg(target_arch = "x86_64")]
            (Engine::AvxVnni, path != CpuPath::Portable && super::avxvnni::is_available()),
            #[cfg(target_arch = "x86_64")]
            (Engine::Avx2, path != CpuPath::Portable && CpuPath::Avx2.is_available()),
            #[cfg(target_arch = "aarch64")]
            (Engine::Dots, path != CpuPath::Portable && super::neon::is_available()),
            (Engine::Portable, true),
        ]
        .into_iter()
        .filter_map(|(engine, is)| is.then_some(engine))
    }

    pub(super) fn of(path: CpuPath) -> Self {
        Engine::on(path).next().expect("plain Rust is everywhere")
    }

    /// As the manifest names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Engine::Tiles => "amx",
            #[cfg(target_arch = "x86_64")]
            Engine::Vnni => "vnni",
            #[cfg(target_arch = "x86_64")]
            Engine::AvxVnni => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Engine::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Engine::Dots => "neon",
            Engine::Portable => "portable",
        }
    }
}

/// Multiplications and additions of bytes in registers on one thread, as [`crate::ceiling`] counts them.
pub(crate) fn spin(path: CpuPath, steps: usize) -> f64 {
    match Engine::of(path) {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Engine::Tiles => {
            use crate::bf16::tiles::{Tiles, spin};
            spin(&Tiles::configure(), steps / 8, true)
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the engine is there, so the processor has it.
        Engine::Vnni => unsafe { super::avx512::spin(steps) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Engine::AvxVnni => unsafe { super::avxvnni::spin(steps) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Engine::Avx2 => unsafe { super::avx2::spin(steps) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the engine is there, so the processor has it.
        Engine::Dots => unsafe { super::neon::spin(steps) },
        Engine::Portable => portable::spin(steps),
    }
}

//! The instruction sets that have kernels, and which of them this processor has.

use std::{fmt, str::FromStr};

#[cfg(target_arch = "x86_64")]
use crate::bf16;

/// An instruction set that has kernels. The fastest comes first in [`Isa::available`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// x86-64 with matrix units for bf16 (AMX), and AVX-512 for everything else; Linux only.
    Amx,
    /// x86-64 with AVX-512 and its bf16 dot products. [`Isa::detect`] takes it on AMD processors only: on a Xeon with AMX
    /// these instructions ran at half the speed of f32 products.
    Avx512Bf16,
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// 64-bit Arm with NEON, which every such processor has.
    Neon,
    /// Plain Rust, for every processor; the others are tested against it.
    Portable,
}

const ALL: [Isa; 6] = [Isa::Amx, Isa::Avx512Bf16, Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Portable];

impl Isa {
    /// The fastest instruction set of this processor.
    #[must_use]
    pub fn detect() -> Self {
        ALL.into_iter().find(|isa| isa.is_available() && isa.is_fast()).unwrap_or(Isa::Portable)
    }

    /// Whether it is faster than those after it on this processor, which has it.
    fn is_fast(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => bf16::has_fast_dot_products(),
            _ => true,
        }
    }

    /// Whether this processor, and the operating system, can execute it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx | Isa::Avx512Bf16 => bf16::is_available(self),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            Isa::Portable => true,
            _ => false,
        }
    }

    /// The instruction sets of this processor, the fastest first. Never empty.
    #[must_use]
    pub fn available() -> Vec<Self> {
        ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Its name in options and reports: `amx`, `avx512bf16`, `avx512`, `avx2`, `neon`, `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Isa::Amx => "amx",
            Isa::Avx512Bf16 => "avx512bf16",
            Isa::Avx512 => "avx512",
            Isa::Avx2 => "avx2",
            Isa::Neon => "neon",
            Isa::Portable => "portable",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = NameError;

    /// The instruction set of that name.
    ///
    /// # Errors
    ///
    /// [`NameError::UnknownIsa`] if there is none, [`NameError::UnsupportedIsa`] if this processor lacks it.
    fn from_str(name: &str) -> Result<Self, NameError> {
        match ALL.into_iter().find(|isa| isa.name() == name) {
            Some(isa) if isa.is_available() => Ok(isa),
            Some(isa) => Err(NameError::UnsupportedIsa(isa)),
            None => Err(NameError::UnknownIsa(name.into())),
        }
    }
}

/// A name that is not an instruction set or a precision, or an instruction set that this processor lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// No instruction set has this name.
    UnknownIsa(String),
    /// The processor lacks this instruction set.
    UnsupportedIsa(Isa),
    /// No precision has this name.
    UnknownPrecision(String),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::UnknownIsa(name) => write!(f, "unknown instruction set {name:?}"),
            NameError::UnsupportedIsa(isa) => write!(f, "this processor does not support {isa}"),
            NameError::UnknownPrecision(name) => write!(f, "unknown precision {name:?}"),
        }
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_its_own_names_and_rejects_others() {
        for isa in Isa::available() {
            assert_eq!(isa.name().parse(), Ok(isa));
        }
        assert_eq!("sse9".parse::<Isa>(), Err(NameError::UnknownIsa("sse9".into())));
        for isa in ALL.into_iter().filter(|isa| !isa.is_available()) {
            assert_eq!(isa.name().parse::<Isa>(), Err(NameError::UnsupportedIsa(isa)));
        }
    }
}

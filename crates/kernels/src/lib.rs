//! The arithmetic of sentence encoders and of exact vector search on CPUs, by instruction sets chosen at run time.
//!
//! A crate of its own so that tests compile it optimized, whatever the profile of the rest.

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod aligned;
mod arena;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod bf16;
mod float;
pub mod int8;
mod kernels;
mod math;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod microkernel;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(test)]
mod oracle;
mod portable;
mod precision;
mod probe;
#[cfg(test)]
#[path = "../../../src/random.rs"]
mod random;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::{fmt, str::FromStr};

pub use aligned::Aligned;
pub use arena::Arena;
#[cfg(target_arch = "x86_64")]
pub use bf16::Bf16;
pub use float::Float;
pub use int8::Int8Layers;
pub use kernels::{Above, Activation, Heads, Hit, Kernels, Norm};
pub use precision::Precision;
pub use probe::ceiling;

/// A name that stands for no instruction set or precision, or for one that this processor lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// There is no instruction set of that name.
    UnknownIsa(String),
    /// The processor lacks this instruction set.
    MissingIsa(CpuPath),
    /// There is no precision of that name.
    UnknownPrecision(String),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::UnknownIsa(name) => write!(f, "there is no instruction set {name:?}"),
            NameError::MissingIsa(isa) => write!(f, "this processor lacks {isa}"),
            NameError::UnknownPrecision(name) => write!(f, "there is no precision {name:?}"),
        }
    }
}

impl std::error::Error for NameError {}

/// The instruction sets that there are kernels for, the fastest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuPath {
    /// x86-64 with the matrix units for bf16 (AMX), and AVX-512 for the rest; on Linux.
    Amx,
    /// x86-64 with AVX-512 and its dot products of bf16. Taken unasked on processors by AMD only: on a Xeon with AMX
    /// these were measured at half the speed of f32 products.
    Avx512Bf16,
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// 64-bit Arm with NEON, which all of them have.
    Neon,
    /// Every processor; the oracle of the others.
    Portable,
}

const PATHS: [CpuPath; 6] =
    [CpuPath::Amx, CpuPath::Avx512Bf16, CpuPath::Avx512, CpuPath::Avx2, CpuPath::Neon, CpuPath::Portable];

impl CpuPath {
    /// The fastest path that this processor has.
    pub fn detect() -> Self {
        PATHS.into_iter().find(|p| p.is_available() && p.pays()).unwrap_or(CpuPath::Portable)
    }

    /// Whether it is faster than those after it, where the processor has it.
    fn pays(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx512Bf16 => bf16::dots_pay(),
            _ => true,
        }
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            CpuPath::Amx | CpuPath::Avx512Bf16 => bf16::is_available(self),
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "aarch64")]
            CpuPath::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            CpuPath::Portable => true,
            _ => false,
        }
    }

    /// The paths that this processor has, the fastest first.
    pub fn available() -> Vec<Self> {
        PATHS.into_iter().filter(|p| p.is_available()).collect()
    }

    /// As `SAMESTORY_CPU` names it.
    pub fn name(self) -> &'static str {
        match self {
            CpuPath::Amx => "amx",
            CpuPath::Avx512Bf16 => "avx512bf16",
            CpuPath::Avx512 => "avx512",
            CpuPath::Avx2 => "avx2",
            CpuPath::Neon => "neon",
            CpuPath::Portable => "portable",
        }
    }
}

impl fmt::Display for CpuPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CpuPath {
    type Err = NameError;

    /// Refuses a name that is none, and an instruction set that this processor lacks.
    fn from_str(name: &str) -> Result<Self, NameError> {
        match PATHS.into_iter().find(|p| p.name() == name) {
            Some(path) if path.is_available() => Ok(path),
            Some(path) => Err(NameError::MissingIsa(path)),
            None => Err(NameError::UnknownIsa(name.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_named_and_refused() {
        assert_eq!("portable".parse::<CpuPath>().unwrap(), CpuPath::Portable);
        assert_eq!("sse9".parse::<CpuPath>(), Err(NameError::UnknownIsa("sse9".into())));
    }
}

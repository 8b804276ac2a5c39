//! What computes: CPU kernels chosen at run time by what the processor has.

mod aligned;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod float;
mod kernels;
mod math;
#[cfg(test)]
mod oracle;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::{fmt, str::FromStr};

pub use aligned::Aligned;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use amx::Amx;
pub use float::Float;
pub use kernels::{Activation, Heads, Kernels, Norm};

use crate::Error;

/// The instruction sets that there are kernels for, the fastest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuPath {
    /// x86-64 with the matrix units for bf16 (AMX), and AVX-512 for the rest; on Linux.
    Amx,
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// Every processor; the oracle of the others.
    Portable,
}

const PATHS: [CpuPath; 4] = [CpuPath::Amx, CpuPath::Avx512, CpuPath::Avx2, CpuPath::Portable];

impl CpuPath {
    /// The fastest path that this processor has.
    pub fn detect() -> Self {
        PATHS.into_iter().find(|p| p.is_available()).unwrap_or(CpuPath::Portable)
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            CpuPath::Amx => amx::is_available(),
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
            }
            CpuPath::Portable => true,
            #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
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
            CpuPath::Avx512 => "avx512",
            CpuPath::Avx2 => "avx2",
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
    type Err = Error;

    /// Refuses a name that is none, and a path that this processor lacks.
    fn from_str(name: &str) -> Result<Self, Error> {
        let found = PATHS.into_iter().find(|p| p.name() == name);
        let have: Vec<_> = CpuPath::available().into_iter().map(CpuPath::name).collect();
        let hint = format!("this processor has {}", have.join(", "));
        match found {
            Some(path) if path.is_available() => Ok(path),
            found => Err(Error::Device {
                device: name.into(),
                reason: if found.is_some() { "this processor lacks it" } else { "there is no such path" }
                    .into(),
                hint,
            }),
        }
    }
}

/// Inner products of all rows of `a` with all rows of `b`: `out[i · rows(b) + j] = a_i · b_j`, in f32.
///
/// The order of summation differs between paths, so scores agree to about 1e-6 on unit vectors, not to the bit.
/// Panics if `a` or `b` does not divide into rows of `dim`, or `out` is not `rows(a) · rows(b)` long.
pub fn score_block(path: CpuPath, a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
    assert!(dim > 0 && a.len().is_multiple_of(dim) && b.len().is_multiple_of(dim), "no rows of {dim}");
    assert_eq!(out.len(), (a.len() / dim) * (b.len() / dim), "the block of scores has another size");
    assert!(path.is_available(), "{path} is not available");
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the path is available, so the processor has AVX-512F; the lengths were checked above.
        CpuPath::Amx | CpuPath::Avx512 => unsafe { x86::score_block_avx512(a, b, dim, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the path is available, so the processor has AVX2 and FMA; the lengths were checked above.
        CpuPath::Avx2 => unsafe { x86::score_block_avx2(a, b, dim, out) },
        _ => portable::score_block(a, b, dim, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_equals_the_portable_one_on_ragged_shapes() {
        for (m, n, dim) in [(1, 1, 1), (3, 5, 7), (4, 4, 16), (9, 6, 384), (5, 13, 100), (8, 8, 33)] {
            let value = |i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
            let a: Vec<f32> = (0..m * dim).map(value).collect();
            let b: Vec<f32> = (0..n * dim).map(|i| value(i + 77)).collect();
            let mut expect = vec![f32::NAN; m * n];
            score_block(CpuPath::Portable, &a, &b, dim, &mut expect);
            for path in CpuPath::available() {
                let mut out = vec![f32::NAN; m * n];
                score_block(path, &a, &b, dim, &mut out);
                for (x, y) in out.iter().zip(&expect) {
                    assert!((x - y).abs() < 1e-3 * (dim as f32).sqrt(), "{path} {m}x{n}x{dim}: {x} {y}");
                }
            }
        }
    }

    #[test]
    fn paths_are_named_and_refused() {
        assert_eq!("portable".parse::<CpuPath>().unwrap(), CpuPath::Portable);
        assert!("sse9".parse::<CpuPath>().unwrap_err().hint().unwrap().contains("portable"));
    }
}

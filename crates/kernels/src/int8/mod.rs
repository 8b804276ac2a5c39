//! 8-bit integers: inner products of quantized vectors, and encoder kernels with quantized linear layers.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avxvnni;
mod backend;
mod dot;
mod kernels;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod reference;
mod weights;

pub use dot::{CODE_BIAS, CODE_BLOCK, Int8Dot, MAX_CODES, QueryCodes};
pub use kernels::Int8Kernels;

pub(super) use backend::run_peak_loop;

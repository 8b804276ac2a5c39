//! Bytes: products of queries with rows of bytes, and linear layers whose operands are rounded to bytes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avxvnni;
mod backend;
mod dot;
mod layers;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod reference;
mod weights;

pub use dot::{BIAS, CODE_BLOCK, Int8Dot, MAX_CODES, QueryCodes};
pub use layers::Int8Kernels;

pub(super) use backend::spin;

//! Bytes: products of queries with rows of bytes, and linear layers whose operands are rounded to bytes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avxvnni;
mod engine;
mod layers;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(test)]
mod oracle;
mod portable;
mod products;
mod weights;

pub use layers::Int8Layers;
pub use products::{BIAS, CODES, Codes, Int8, MAX_LEN};

pub(super) use engine::spin;

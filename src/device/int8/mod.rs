//! Bytes: products of queries with rows of bytes, and linear layers whose operands are rounded to bytes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avxvnni;
mod layers;
#[cfg(test)]
mod oracle;
mod portable;
mod products;
mod weights;

pub use layers::Int8Layers;
pub use products::{BIAS, CODES, Codes, Int8, MAX_LEN};

pub(super) use layers::spin;

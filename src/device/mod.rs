//! What computes: the CPU kernels of `samestory-kernels`, and the GPUs that candle can open.

#[cfg(feature = "candle")]
mod gpu;

#[cfg(feature = "candle")]
pub use gpu::{Gpu, GpuName, compute_error};
pub use samestory_kernels::*;

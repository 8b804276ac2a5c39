//! Devices: the CPU kernels of `samestory-kernels`, and the GPUs that candle supports.

#[cfg(feature = "candle")]
mod gpu;

#[cfg(feature = "candle")]
pub use gpu::{Gpu, GpuName, compute_error};
pub use samestory_kernels::*;

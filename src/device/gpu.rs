//! The GPUs that candle supports: names, opening, free memory, and the classification of candle's errors.
//!
//! A backend is compiled in by the features `cuda` and `metal`. Whether a device, a driver and its libraries are present
//! shows only when the device is opened. candle's messages are meant for programmers; this module classifies them.

use std::{fmt, str::FromStr};

use candle_core::Device;

use crate::{Error, Result, error::DeviceFault};

/// The name of a GPU in options: `cuda`, `cuda:1`, `metal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuName {
    /// The NVIDIA GPU with this index, from 0, as `nvidia-smi -L` lists them.
    Cuda(usize),
    /// The default GPU of a Mac.
    Metal,
}

/// An opened GPU.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// Its name.
    pub name: GpuName,
    /// candle's handle.
    pub device: Device,
    /// Bytes of device memory that were free when it was opened; `None` if the backend does not report it.
    pub free_bytes: Option<u64>,
}

impl GpuName {
    /// The first GPU of each backend in this build, whether or not the machine has it.
    #[must_use]
    pub fn built() -> Vec<Self> {
        [GpuName::Cuda(0), GpuName::Metal].into_iter().filter(|gpu| gpu.is_built()).collect()
    }

    /// Whether this build contains its backend.
    #[must_use]
    pub fn is_built(self) -> bool {
        match self {
            GpuName::Cuda(_) => cfg!(feature = "cuda"),
            GpuName::Metal => cfg!(feature = "metal"),
        }
    }

    /// Opens the device.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] if the backend, the driver, a library or the device is missing.
    pub fn open(self) -> Result<Gpu> {
        if !self.is_built() {
            let feature = self.feature();
            return Err(Error::Device {
                device: self.to_string(),
                reason: format!("this build has no {feature} backend"),
                fault: DeviceFault::NotBuilt(feature),
            });
        }
        let device = match self {
            GpuName::Cuda(number) => Device::new_cuda(number),
            GpuName::Metal => Device::new_metal(0),
        };
        let device = device.map_err(|error| self.classify(&error.to_string()))?;
        let free_bytes = free_bytes(&device);
        Ok(Gpu { name: self, device, free_bytes })
    }

    fn feature(self) -> &'static str {
        match self {
            GpuName::Cuda(_) => "cuda",
            GpuName::Metal => "metal",
        }
    }

    /// The error that `message` of candle stands for.
    fn classify(self, message: &str) -> Error {
        let known = KNOWN.iter().find(|(pattern, _, _)| message.contains(pattern));
        let (reason, fault) = match known {
            _ if is_out_of_memory(message) => ("its memory is in use", DeviceFault::MemoryTaken),
            Some((_, reason, fault)) => (*reason, *fault),
            None => (message.lines().next().unwrap_or_default(), DeviceFault::Other),
        };
        Error::Device { device: self.to_string(), reason: reason.into(), fault }
    }
}

/// Patterns in candle's messages, with their meaning. The entry points of `scripts/build-cuda` return the first three if a
/// library is not installed.
const KNOWN: [(&str, &str, DeviceFault); 7] = [
    (
        "CUDA_ERROR_SHARED_OBJECT_INIT_FAILED",
        "the NVIDIA driver (libcuda.so.1) is not installed, or older than this build",
        DeviceFault::NoDriver,
    ),
    (
        "CUBLAS_STATUS_NOT_INITIALIZED",
        "cuBLAS (libcublas) could not be loaded or started",
        DeviceFault::NoLibrary,
    ),
    (
        "CURAND_STATUS_INITIALIZATION_FAILED",
        "cuRAND (libcurand) could not be loaded or started",
        DeviceFault::NoLibrary,
    ),
    ("CUDA_ERROR_NO_DEVICE", "the driver sees no GPU", DeviceFault::NoGpu),
    ("CUDA_ERROR_INVALID_DEVICE", "there is no GPU with this index", DeviceFault::NoGpu),
    (
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
        "the driver and its library are of different versions",
        DeviceFault::DriverMismatch,
    ),
    ("CUDA_ERROR_INSUFFICIENT_DRIVER", "the driver is older than this build's CUDA", DeviceFault::OldDriver),
];

/// The error for candle's failure to compute `what` on `device`. Exhausted memory is an error of its own, because a smaller
/// batch may fit.
#[must_use]
pub fn compute_error(device: String, what: String, source: candle_core::Error) -> Error {
    if is_out_of_memory(&source.to_string()) {
        Error::OutOfMemory { device, what }
    } else {
        Error::Compute { device, source: source.into() }
    }
}

fn is_out_of_memory(message: &str) -> bool {
    // CUDA's driver, the workspace of cuBLAS, Metal's buffers.
    ["OUT_OF_MEMORY", "STATUS_ALLOC_FAILED", "FailedToCreateResource", "Failed to create metal resource"]
        .iter()
        .any(|pattern| message.contains(pattern))
}

#[cfg(feature = "cuda")]
fn free_bytes(device: &Device) -> Option<u64> {
    let Device::Cuda(cuda) = device else { return None };
    let (free, _) = cuda.cuda_stream().context().mem_get_info().ok()?;
    Some(free as u64)
}

#[cfg(not(feature = "cuda"))]
fn free_bytes(_: &Device) -> Option<u64> {
    None
}

impl fmt::Display for GpuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GpuName::Cuda(0) => f.write_str("cuda"),
            GpuName::Cuda(number) => write!(f, "cuda:{number}"),
            GpuName::Metal => f.write_str("metal"),
        }
    }
}

impl FromStr for GpuName {
    type Err = Error;

    /// The GPU of that name.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] if no GPU has this name.
    fn from_str(name: &str) -> Result<Self> {
        let number = name.strip_prefix("cuda:").map(str::parse);
        match (name, number) {
            ("cuda", _) => Ok(GpuName::Cuda(0)),
            ("metal", _) => Ok(GpuName::Metal),
            (_, Some(Ok(number))) => Ok(GpuName::Cuda(number)),
            _ => Err(Error::Device {
                device: name.into(),
                reason: "there is no device of that name".into(),
                fault: DeviceFault::UnknownName,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints_names() {
        let check = |name: &str, expect: GpuName, written: &str| {
            assert_eq!(name.parse::<GpuName>().unwrap(), expect, "{name}");
            assert_eq!(expect.to_string(), written);
        };
        check("cuda", GpuName::Cuda(0), "cuda");
        check("cuda:0", GpuName::Cuda(0), "cuda");
        check("cuda:3", GpuName::Cuda(3), "cuda:3");
        check("metal", GpuName::Metal, "metal");
        for name in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "metal:1", "CUDA"] {
            let error = name.parse::<GpuName>().unwrap_err();
            assert!(matches!(error, Error::Device { fault: DeviceFault::UnknownName, .. }), "{name}");
        }
    }

    #[test]
    fn rejects_a_backend_that_is_not_built() {
        for gpu in [GpuName::Cuda(0), GpuName::Metal].into_iter().filter(|gpu| !gpu.is_built()) {
            let error = gpu.open().unwrap_err();
            assert!(error.to_string().contains(&format!("no {gpu} backend")), "{error}");
            assert!(matches!(error, Error::Device { fault: DeviceFault::NotBuilt(_), .. }));
        }
    }

    #[test]
    fn classifies_messages_of_candle() {
        let check = |message: &str, expect: &str| {
            let error = GpuName::Cuda(1).classify(message);
            assert!(error.to_string().starts_with("device cuda:1 is not available: "), "{error}");
            assert!(error.to_string().contains(expect), "{error}");
        };
        check("DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")", "sees no GPU");
        check("DriverError(CUDA_ERROR_SHARED_OBJECT_INIT_FAILED, \"<Failure…>\")", "libcuda.so.1");
        check("CublasError(CUBLAS_STATUS_NOT_INITIALIZED)", "libcublas");
        check("CublasError(CUBLAS_STATUS_ALLOC_FAILED)", "its memory is in use");
        check("something new\n   at a stack frame", "something new");
        assert!(!GpuName::Metal.classify("new\nframe").to_string().contains("frame"));
    }

    #[test]
    fn distinguishes_exhausted_memory_from_other_failures() {
        let check = |message: &str, expect| {
            let error = compute_error("cuda".into(), "all".into(), candle_core::Error::Msg(message.into()));
            assert_eq!(matches!(error, Error::OutOfMemory { .. }), expect, "{message}");
        };
        check("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", true);
        check("CublasError(CUBLAS_STATUS_ALLOC_FAILED)", true);
        check("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"an illegal memory access\")", false);
        check("shape mismatch in matmul", false);
    }
}

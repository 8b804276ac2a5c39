//! The GPUs that candle can compute on: named, opened, asked for their memory, and told apart by what is wrong.
//!
//! A backend is compiled in (`--features cuda`, `--features metal`) or it is not; whether there is a device, a driver
//! and its libraries shows only when it is opened. What candle says then is for programmers, so it is read here.

use std::{fmt, str::FromStr};

use candle_core::Device;

use crate::{Error, Result, error::DeviceFault};

/// A GPU by the name that options give it: `cuda`, `cuda:1`, `metal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuName {
    /// The NVIDIA GPU of that number, from 0, as `nvidia-smi -L` counts them.
    Cuda(usize),
    /// The default GPU of a Mac.
    Metal,
}

/// A GPU that answered.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// Its name.
    pub name: GpuName,
    /// candle's handle.
    pub device: Device,
    /// Bytes of its memory that were free when it was opened, where it can be asked.
    pub free_bytes: Option<u64>,
}

impl GpuName {
    /// The first GPU of each backend that this build has, whether or not there is such a device.
    pub fn built() -> Vec<Self> {
        [GpuName::Cuda(0), GpuName::Metal].into_iter().filter(|gpu| gpu.is_built()).collect()
    }

    /// Whether this build has its backend.
    pub fn is_built(self) -> bool {
        match self {
            GpuName::Cuda(_) => cfg!(feature = "cuda"),
            GpuName::Metal => cfg!(feature = "metal"),
        }
    }

    /// Readies the device. An error says what is missing: the backend, the driver, a library, the device.
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
        let device = device.map_err(|error| self.refused(&error.to_string()))?;
        let free_bytes = free_bytes(&device);
        Ok(Gpu { name: self, device, free_bytes })
    }

    fn feature(self) -> &'static str {
        match self {
            GpuName::Cuda(_) => "cuda",
            GpuName::Metal => "metal",
        }
    }

    /// What `message` of candle's means for the user.
    fn refused(self, message: &str) -> Error {
        let known = KNOWN.iter().find(|(sign, _, _)| message.contains(sign));
        let (reason, fault) = match known {
            _ if lacks_memory(message) => ("its memory is taken", DeviceFault::MemoryTaken),
            Some((_, reason, fault)) => (*reason, *fault),
            None => (message.lines().next().unwrap_or_default(), DeviceFault::Other),
        };
        Error::Device { device: self.to_string(), reason: reason.into(), fault }
    }
}

/// Signs in candle's messages, and what they mean. The first three are also what `scripts/build-cuda`'s
/// entry points answer when the library behind them is not installed.
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
    ("CUDA_ERROR_INVALID_DEVICE", "there is no GPU of that number", DeviceFault::NoGpu),
    (
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
        "the driver and its library are of different versions",
        DeviceFault::DriverMismatch,
    ),
    ("CUDA_ERROR_INSUFFICIENT_DRIVER", "the driver is older than this build's CUDA", DeviceFault::OldDriver),
];

/// What candle's failure at `what` on `device` means: memory that did not suffice is told from the rest, since less at a
/// time may do.
pub fn compute_error(device: String, what: String, source: candle_core::Error) -> Error {
    match lacks_memory(&source.to_string()) {
        true => Error::OutOfMemory { device, what },
        false => Error::Compute { device, source: source.into() },
    }
}

fn lacks_memory(message: &str) -> bool {
    // CUDA's driver, cuBLAS' workspace, Metal's buffers.
    ["OUT_OF_MEMORY", "STATUS_ALLOC_FAILED", "FailedToCreateResource", "Failed to create metal resource"]
        .iter()
        .any(|sign| message.contains(sign))
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

    /// Refuses what names no GPU.
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
    fn names_are_read_and_written() {
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
    fn what_is_not_built_in_is_refused_with_the_feature() {
        for gpu in [GpuName::Cuda(0), GpuName::Metal].into_iter().filter(|gpu| !gpu.is_built()) {
            let error = gpu.open().unwrap_err();
            assert!(error.to_string().contains(&format!("no {gpu} backend")), "{error}");
            assert!(matches!(error, Error::Device { fault: DeviceFault::NotBuilt(_), .. }));
        }
    }

    #[test]
    fn what_candle_says_is_read() {
        let check = |message: &str, expect: &str| {
            let error = GpuName::Cuda(1).refused(message);
            assert!(error.to_string().starts_with("device cuda:1 is not available: "), "{error}");
            assert!(error.to_string().contains(expect), "{error}");
        };
        check("DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")", "sees no GPU");
        check("DriverError(CUDA_ERROR_SHARED_OBJECT_INIT_FAILED, \"<Failure…>\")", "libcuda.so.1");
        check("CublasError(CUBLAS_STATUS_NOT_INITIALIZED)", "libcublas");
        check("CublasError(CUBLAS_STATUS_ALLOC_FAILED)", "its memory is taken");
        check("something new\n   at a stack frame", "something new");
        assert!(!GpuName::Metal.refused("new\nframe").to_string().contains("frame"));
    }

    #[test]
    fn memory_that_did_not_suffice_is_told_from_other_failures() {
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

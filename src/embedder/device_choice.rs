//! The choice of a device: the one that was asked for, or the best one and why.

use std::str::FromStr;

use crate::{
    Error, Result,
    device::{Isa, Precision},
    embed::{Encoder, cpu_encoder},
    model::Model,
    search::TensorSearch,
};
#[cfg(feature = "candle")]
use crate::{
    device::{Gpu, GpuName},
    embed::CandleEncoder,
};

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// The first GPU that answers, of those that this build has a backend for; else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// This GPU; an error if it does not answer.
    #[cfg(feature = "candle")]
    Gpu(GpuName),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    /// Reads `auto`, `cpu`, `cuda`, `cuda:1` or `metal`.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            #[cfg(feature = "candle")]
            name => name.parse().map(DeviceChoice::Gpu),
            #[cfg(not(feature = "candle"))]
            name => Err(Error::Device {
                device: name.into(),
                reason: "there is no device of that name".into(),
                fault: crate::error::DeviceFault::UnknownName,
            }),
        }
    }
}

/// How a device was chosen.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The GPU that the encoder runs on.
    #[cfg(feature = "candle")]
    gpu: Option<Gpu>,
    /// Why [`DeviceChoice::Auto`] took it.
    pub reason: Option<String>,
    /// GPUs that [`DeviceChoice::Auto`] tried before.
    pub rejected: Vec<Error>,
}

impl Chosen {
    /// The exact search on the same GPU.
    #[cfg(feature = "candle")]
    pub fn tensor_search(&self) -> Option<TensorSearch> {
        self.gpu.as_ref().map(TensorSearch::on_gpu)
    }

    /// Without candle there is no GPU to search on.
    #[cfg(not(feature = "candle"))]
    pub fn tensor_search(&self) -> Option<TensorSearch> {
        None
    }
}

type Opened = (Box<dyn Encoder>, Chosen);

impl DeviceChoice {
    /// An encoder for `model` on the device.
    pub(super) fn open(self, model: &Model, isa: Isa) -> Result<Opened> {
        match self {
            DeviceChoice::Cpu => on_cpu(model, isa, None),
            DeviceChoice::Auto if model.precision == Precision::Int8 => {
                on_cpu(model, isa, Some("auto: int8 runs on CPUs only".into()))
            }
            #[cfg(not(feature = "candle"))]
            DeviceChoice::Auto => on_cpu(model, isa, Some("auto: this build has no GPU backend".into())),
            #[cfg(feature = "candle")]
            DeviceChoice::Auto => first_available(&GpuName::built(), model, isa),
            #[cfg(feature = "candle")]
            DeviceChoice::Gpu(name) if model.precision == Precision::Int8 => Err(Error::Setting {
                setting: crate::error::Setting::Precision,
                message: format!("{name} computes in f16 only"),
            }),
            #[cfg(feature = "candle")]
            DeviceChoice::Gpu(name) => on_gpu(model, name),
        }
    }
}

fn on_cpu(model: &Model, isa: Isa, reason: Option<String>) -> Result<Opened> {
    Ok((cpu_encoder(model, isa)?, Chosen { reason, ..Chosen::default() }))
}

#[cfg(feature = "candle")]
fn on_gpu(model: &Model, name: GpuName) -> Result<Opened> {
    let gpu = name.open()?;
    let encoder = CandleEncoder::on_gpu(model, &gpu)?;
    Ok((Box::new(encoder), Chosen { gpu: Some(gpu), ..Chosen::default() }))
}

/// The first of `names` that answers, else the CPU.
#[cfg(feature = "candle")]
fn first_available(names: &[GpuName], model: &Model, isa: Isa) -> Result<Opened> {
    let mut rejected = Vec::new();
    for &name in names {
        match on_gpu(model, name) {
            Ok((encoder, chosen)) => {
                let reason = Some(format!("auto: {name} answers"));
                return Ok((encoder, Chosen { reason, rejected, ..chosen }));
            }
            Err(error) => rejected.push(error),
        }
    }
    let reason = if names.is_empty() {
        "auto: this build has no GPU backend".to_string()
    } else {
        let names: Vec<String> = names.iter().map(GpuName::to_string).collect();
        format!("auto: {} is not available", names.join(", "))
    };
    let (encoder, chosen) = on_cpu(model, isa, Some(reason))?;
    Ok((encoder, Chosen { rejected, ..chosen }))
}

#[cfg(test)]
#[cfg(feature = "candle")]
mod tests {
    use super::*;

    fn model() -> Model {
        Model::from_static(&samestory_minilm::files()).unwrap()
    }

    #[test]
    fn auto_gives_a_reason_for_its_choice() {
        let check = |names: &[GpuName], rejected: usize, reason: &str| {
            let (encoder, chosen) = first_available(names, &model(), Isa::Portable).unwrap();
            assert!(chosen.gpu.is_none() && encoder.describe().starts_with("cpu"));
            assert_eq!((chosen.rejected.len(), chosen.reason.as_deref()), (rejected, Some(reason)));
        };
        check(&[], 0, "auto: this build has no GPU backend");
        if !GpuName::Metal.is_built() {
            check(&[GpuName::Metal], 1, "auto: metal is not available");
        }
    }

    #[test]
    fn a_requested_gpu_is_not_replaced_by_the_cpu() {
        if !GpuName::Metal.is_built() {
            assert!(DeviceChoice::Gpu(GpuName::Metal).open(&model(), Isa::Portable).is_err());
        }
    }

    #[test]
    fn names_of_devices_are_parsed() {
        assert_eq!("auto".parse::<DeviceChoice>().unwrap(), DeviceChoice::Auto);
        assert_eq!("cuda:1".parse::<DeviceChoice>().unwrap(), DeviceChoice::Gpu(GpuName::Cuda(1)));
        assert!("gpu".parse::<DeviceChoice>().is_err());
    }
}

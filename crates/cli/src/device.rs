//! Which device a command computes on: what was asked for, or what `auto` takes and why.

use samestory::{
    Error, Result,
    device::{Gpu, GpuName, Isa, Precision},
    embed::{CandleEncoder, Encoder, cpu_encoder},
    model::Model,
};

use super::args::DeviceChoice;

/// An encoder on the device that was chosen.
pub struct Chosen {
    pub encoder: Box<dyn Encoder>,
    /// The GPU that it runs on, for the search to run there too.
    pub gpu: Option<Gpu>,
    /// Why `auto` took it.
    pub why: Option<String>,
}

/// Readies what `choice` says. A GPU that was asked for and is not there is an error; `auto` goes on with the CPU, and
/// says so if the build has a GPU backend that found nothing.
pub fn choose(choice: DeviceChoice, model: &Model, isa: Isa) -> Result<Chosen> {
    match choice {
        DeviceChoice::Gpu(name) if model.precision == Precision::Int8 => Err(Error::Setting {
            setting: samestory::error::Setting::Precision,
            message: format!("{name} computes in f16 only"),
        }),
        DeviceChoice::Auto if model.precision == Precision::Int8 => {
            on_cpu(model, isa, Some("auto: int8 runs on CPUs only".into()))
        }
        DeviceChoice::Cpu => on_cpu(model, isa, None),
        DeviceChoice::Gpu(name) => on_gpu(model, name),
        DeviceChoice::Auto => auto(&GpuName::built(), model, isa),
    }
}

/// The first of `names` that answers, else the CPU.
fn auto(names: &[GpuName], model: &Model, isa: Isa) -> Result<Chosen> {
    for &name in names {
        match on_gpu(model, name) {
            Ok(chosen) => return Ok(Chosen { why: Some(format!("auto: {name} answers")), ..chosen }),
            Err(error) => say!("samestory: {error}; going on without it"),
        }
    }
    let why = match names {
        [] => "auto: this build has no GPU backend".to_string(),
        names => {
            let names: Vec<String> = names.iter().map(GpuName::to_string).collect();
            format!("auto: {} is not available", names.join(", "))
        }
    };
    on_cpu(model, isa, Some(why))
}

fn on_cpu(model: &Model, isa: Isa, why: Option<String>) -> Result<Chosen> {
    Ok(Chosen { encoder: cpu_encoder(model, isa)?, gpu: None, why })
}

fn on_gpu(model: &Model, name: GpuName) -> Result<Chosen> {
    let gpu = name.open()?;
    let encoder = CandleEncoder::on_gpu(model, &gpu)?;
    Ok(Chosen { encoder: Box::new(encoder), gpu: Some(gpu), why: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::built_in_model;

    #[test]
    fn auto_says_what_it_took_and_why() {
        let model = built_in_model().unwrap();
        let none = auto(&[], &model, Isa::Portable).unwrap();
        assert!(none.gpu.is_none() && none.encoder.describe().starts_with("cpu"));
        assert_eq!(none.why.unwrap(), "auto: this build has no GPU backend");
        if !GpuName::Metal.is_built() {
            let missing = auto(&[GpuName::Metal], &model, Isa::Portable).unwrap();
            assert!(missing.encoder.describe().starts_with("cpu"));
            assert_eq!(missing.why.unwrap(), "auto: metal is not available");
        }
    }

    #[test]
    fn a_device_that_was_asked_for_is_not_replaced() {
        if !GpuName::Metal.is_built() {
            let model = built_in_model().unwrap();
            assert!(choose(DeviceChoice::Gpu(GpuName::Metal), &model, Isa::Portable).is_err());
        }
    }
}

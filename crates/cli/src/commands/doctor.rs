//! `samestory doctor`: what this machine, build, model and store are, and whether they are right.

use std::{fmt::Write as _, path::PathBuf, thread};

use clap::Args;
use samestory::{
    Error,
    device::Isa,
    error::DeviceFault,
    hex,
    model::{Model, Precision},
    progress::NoProgress,
    store::Store,
    vector::dot,
};
use serde::Deserialize;

use super::Outcome;
use crate::{
    error::{CliError, Result},
    options::ComputeArgs,
    output,
    runtime::{Runtime, built_in_model, isa, open_model},
    store,
};

/// A text and the vector that sentence-transformers gives it in float32: one of `tests/golden`.
const KNOWN: &str = include_str!("../../../../models/all-MiniLM-L6-v2/known.json");

/// The cosine to the known vector from which a device counts as right: what the tests ask of every path.
const LEAST: f32 = 0.9995;

#[derive(Deserialize)]
struct Known {
    model: String,
    text: String,
    /// Little-endian float32 in hex.
    vector: String,
}

/// One thing that was looked at: what it is, or what is wrong with it.
struct Check {
    name: &'static str,
    found: Result<String>,
}

const EXAMPLES: &str = "\
Examples:
  samestory doctor
  samestory doctor --device cuda --store archive";

/// The arguments of `samestory doctor`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// The store to check [default: SAMESTORY_STORE, or the nearest .samestory above the working folder, if any]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Runs the command.
pub fn run(args: &DoctorArgs) -> Result<Outcome> {
    let mut checks = Vec::new();
    let mut check = |name, found| checks.push(Check { name, found });
    check("version", Ok(version()));
    check("instruction set", instructions());
    match Runtime::new(&args.compute) {
        Ok(runtime) => {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            check("device", Ok(runtime.embedder.describe_device()));
            check("threads", Ok(format!("{} of {cores} cores", runtime.embedder.threads())));
            check("model", files(runtime.model()));
            check("known vector", vector(&runtime));
        }
        Err(error) => {
            // What can be told of the model without a device.
            check("model", open_model(args.compute.model.as_deref()).and_then(|m| files(&m)));
            check("device", Err(error));
        }
    }
    check("store", store(args));
    let wrong = checks.iter().filter(|c| c.found.is_err()).count();
    output::write_to(None, |out| checks.iter().try_for_each(|c| out.write_all(line(c).as_bytes())))?;
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::Unhealthy })
}

fn line(check: &Check) -> String {
    let mut text = match &check.found {
        Ok(found) => format!("ok     {:<16} {found}\n", check.name),
        Err(error) => format!("wrong  {:<16} {}\n", check.name, error.message()),
    };
    if let Some(hint) = check.found.as_ref().err().and_then(CliError::hint) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "       {:<16} hint: {hint}", "");
    }
    text
}

fn version() -> String {
    let features = [("embedded-model", cfg!(feature = "embedded-model")), ("hub", cfg!(feature = "hub"))];
    let devices = [("cuda", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))];
    let on: Vec<&str> = features.iter().chain(&devices).filter(|f| f.1).map(|f| f.0).collect();
    format!(
        "{}, built with {}",
        env!("CARGO_PKG_VERSION"),
        if on.is_empty() { "no feature".into() } else { on.join(", ") }
    )
}

fn instructions() -> Result<String> {
    let have: Vec<&str> = Isa::available().into_iter().map(Isa::name).collect();
    Ok(format!("{}; this processor has {}", isa()?, have.join(", ")))
}

fn files(model: &Model) -> Result<String> {
    let checked = model.verify()?;
    let fingerprint = model.fingerprint();
    let short = fingerprint.get(..12).unwrap_or(&fingerprint);
    let sums = match checked.len() {
        0 => "no checksum of its files is known".into(),
        files => format!("{files} files as their checksums say"),
    };
    Ok(format!("{} {short}, {sums}", model.name))
}

fn vector(runtime: &Runtime) -> Result<String> {
    let known: Known = serde_json::from_str(KNOWN).map_err(|e| Error::Model {
        file: "known.json".into(),
        expected: "a known vector".into(),
        found: e.to_string(),
    })?;
    let precision = runtime.model().precision;
    let built_in = built_in_model().map(|m| m.with_precision(precision).fingerprint()).ok();
    let embedded = runtime.embedder.embed(&[&known.text], &NoProgress)?;
    if built_in.as_deref() != Some(&*runtime.model().fingerprint()) {
        // That it comes out finite is checked where it is made.
        return Ok(format!("only that of {} is known; a text has a finite vector", known.model));
    }
    let cosine = dot(embedded.vectors.row(0), &known.values());
    match precision {
        Precision::Native => compared(cosine),
        other => Ok(format!("cosine {cosine:.6} to the golden value, which is not of {other}")),
    }
}

impl Known {
    fn values(&self) -> Vec<f32> {
        let bytes = hex::decode(&self.vector).unwrap_or_default();
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

fn compared(cosine: f32) -> Result<String> {
    // NaN is not right either.
    if cosine >= LEAST {
        return Ok(format!("cosine {cosine:.6} to its golden value, at least {LEAST} is right"));
    }
    Err(Error::Device {
        device: "this path".into(),
        reason: format!("a known text has cosine {cosine:.6} to its golden value, below {LEAST}"),
        fault: DeviceFault::WrongValues,
    }
    .into())
}

fn store(args: &DoctorArgs) -> Result<String> {
    let Some(folder) = store::folder(args.store.as_deref())? else { return Ok("none here".into()) };
    let store = Store::open(&folder)?;
    let health = store.verify()?.into_result(&store)?;
    Ok(format!(
        "{}: {} stories and {} rows are as they were written",
        folder.display(),
        health.stories,
        health.rows
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_vector_is_a_golden_one() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/golden/minilm.json")).unwrap();
        let known: Known = serde_json::from_str(KNOWN).unwrap();
        let of = golden["texts"].as_array().unwrap().iter().find(|t| t["text"] == known.text.as_str());
        assert_eq!(of.unwrap()["vector"], known.vector.as_str());
        let values = known.values();
        assert_eq!(values.len(), 384);
        assert!((dot(&values, &values) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_vector_that_is_off_is_wrong() {
        assert!(compared(0.9999).is_ok());
        assert!(compared(0.98).is_err());
        assert!(compared(f32::NAN).is_err());
    }
}

//! `samestory bench`: what is measured, and on what.

mod cold;
mod print;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use samestory::{
    Error,
    bench::{self, BenchOptions, BenchReport, REPORT_SCHEMA, Subject},
    device::{GpuName, Isa},
    embed::{CandleEncoder, cpu_encoder_with, embed_texts},
    model::{Model, Precision},
    progress::NoProgress,
    report::json_pretty,
    story::Corpus,
};

use super::{
    Outcome,
    args::Bench,
    bars::{Bars, catch_ctrl_c},
    engine::{isa_from_env, open_model, parse_isa},
    outputs, sink, stories,
};
use crate::error::{CliError, Result};

/// Runs the command.
pub fn run(args: &Bench) -> Result<Outcome> {
    catch_ctrl_c();
    let model = open_model(args.model.as_deref())?;
    let subjects = subjects(args, &model)?;
    if args.first {
        for subject in &subjects {
            embed_texts(&model, subject.encoder.as_ref(), &["a first text"], &NoProgress)?;
        }
        return Ok(Outcome::Done);
    }
    let inputs: Vec<PathBuf> = args.corpus.iter().chain(&args.against).cloned().collect();
    outputs::check(&inputs, &[("--json", args.json.as_deref())])?;
    let earlier = args.against.as_deref().map(|path| read_report(path, &model)).transpose()?;
    let bars = Bars::new(args.quiet);
    let (stories, corpus_name, bad_input) = match args.corpus.is_empty() {
        true => (
            bench::synthetic(args.stories as usize),
            format!("{} invented stories, built in", args.stories),
            false,
        ),
        false => {
            let ingested = stories::read(&args.corpus, &stories::options(&args.input)?, &bars)?;
            let names: Vec<String> = args.corpus.iter().map(|p| p.display().to_string()).collect();
            (ingested.stories, names.join(" "), !ingested.notices.is_empty())
        }
    };
    let corpus = Corpus::new(stories);
    if corpus.rows.is_empty() {
        return Err(CliError::hinted(
            Error::NoStories { place: corpus_name },
            "leave --corpus out to embed the built-in texts",
        ));
    }
    let options = BenchOptions {
        rounds: usize::from(args.rounds),
        lengths: edges(&args.lengths)?,
        parity: args.parity,
        ..BenchOptions::default()
    };
    let mut report = bench::run(&model, &corpus, &subjects, &options, &bars)?;
    report.corpus = corpus_name;
    for (figures, subject) in report.subjects.iter_mut().zip(&subjects) {
        figures.cold_start_ms = Some(cold::start(args, &subject.name, subject.threads)?);
    }
    if let Some(path) = &args.json {
        sink::write_to(Some(path), |out| json_pretty(&report, out))?;
    }
    sink::write_to(None, |out| {
        print::report(&report, out)?;
        match &earlier {
            Some(earlier) => print::changes(&bench::compare(earlier, &report), out),
            None => Ok(()),
        }
    })?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

fn edges(lengths: &[usize]) -> Result<Vec<usize>> {
    match lengths.first().is_some_and(|&n| n > 0) && lengths.is_sorted_by(|a, b| a < b) {
        true => Ok(lengths.to_vec()),
        false => Err(CliError::Usage {
            option: "--lengths".into(),
            message: "these are no edges, which ascend from 1 on".into(),
            hint: "give numbers of tokens from short to long, as in --lengths 32,64,128".into(),
        }),
    }
}

/// The report of an earlier run with `model`.
fn read_report(path: &Path, model: &Model) -> Result<BenchReport> {
    let text = fs::read_to_string(path).map_err(CliError::io("read", path))?;
    let refuse =
        |message: String, hint: String| CliError::Usage { option: "--against".into(), message, hint };
    let shown = samestory::report::sanitize_line(&path.display().to_string(), 400);
    let report: BenchReport = serde_json::from_str(&text).map_err(|e| {
        let hint = "give a file that samestory bench --json wrote".into();
        refuse(format!("{shown} is no report of a bench run: {e}"), hint)
    })?;
    if report.schema != REPORT_SCHEMA {
        let hint = format!("this version reads {REPORT_SCHEMA}");
        return Err(refuse(format!("{shown} is of schema {}, which is not known", report.schema), hint));
    }
    if report.fingerprint != model.fingerprint() {
        let theirs = samestory::report::sanitize_line(&report.model, 200);
        return Err(refuse(
            format!("{shown} is of another model: {theirs}, not {}", model.name),
            "run it with the same --model as the earlier run".into(),
        ));
    }
    Ok(report)
}

/// Every device on every number of threads.
fn subjects(args: &Bench, model: &Model) -> Result<Vec<Subject>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads: Vec<usize> = match args.threads.is_empty() {
        true => vec![cores],
        false => {
            let mut met = BTreeSet::new();
            args.threads.iter().map(|&n| usize::from(n)).filter(|n| met.insert(*n)).collect()
        }
    };
    let mut names = args.devices.clone();
    if names.is_empty() {
        names.push(isa_from_env()?.name().into());
    }
    if names.iter().any(|n| n == "all") {
        let mut all: Vec<String> = Isa::available().into_iter().map(|p| p.name().to_string()).collect();
        all.push("candle".into());
        all.extend(cfg!(feature = "yardstick").then(|| "stock".into()));
        for gpu in GpuName::built() {
            match gpu.open() {
                Ok(_) => all.push(gpu.to_string()),
                Err(error) => say!("samestory: {error}; it is left out"),
            }
        }
        let more = names.into_iter().filter(|name| name != "all" && !all.contains(name)).collect::<Vec<_>>();
        names = [all, more].concat();
    }
    // What is named twice is one subject.
    let mut met = BTreeSet::new();
    names.retain(|name| met.insert(name.clone()));
    let mut subjects = Vec::new();
    for name in names {
        let (device, precision) = match name.strip_suffix("+int8") {
            Some(device) => (device, Precision::Int8),
            None => (&*name, Precision::Native),
        };
        let (encoder, isa) = encoder(device, precision, model)?;
        for &threads in &threads {
            subjects.push(Subject {
                name: name.clone(),
                threads,
                encoder: Arc::clone(&encoder),
                isa,
                precision,
                search_isa: isa.unwrap_or(Isa::detect()),
            });
        }
    }
    Ok(subjects)
}

type Found = (Arc<dyn samestory::embed::Encoder>, Option<Isa>);

fn encoder(name: &str, precision: Precision, model: &Model) -> Result<Found> {
    if precision == Precision::Int8 && name.parse::<Isa>().is_err() {
        return Err(CliError::Usage {
            option: "--devices".into(),
            message: format!("{name} does not compute in int8"),
            hint: "int8 goes with the CPU paths, as in amx+int8".into(),
        });
    }
    Ok(match name {
        "candle" => (Arc::new(CandleEncoder::on_cpu(model)?), None),
        #[cfg(feature = "yardstick")]
        "stock" => (Arc::new(samestory::embed::CandleReferenceEncoder::new(model)?), None),
        #[cfg(not(feature = "yardstick"))]
        "stock" => {
            return Err(Error::Device {
                device: "stock".into(),
                reason: "candle-transformers is not in this build".into(),
                fault: samestory::error::DeviceFault::NotBuilt("yardstick"),
            }
            .into());
        }
        name if GpuName::from_str(name).is_ok() => {
            (Arc::new(CandleEncoder::on_gpu(model, &GpuName::from_str(name)?.open()?)?), None)
        }
        name => {
            let isa = parse_isa(name)?;
            (Arc::from(cpu_encoder_with(model, isa, precision)?), Some(isa))
        }
    })
}

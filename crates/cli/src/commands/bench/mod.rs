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

use clap::Args;
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

use super::Outcome;
use crate::{
    error::{CliError, Result},
    input,
    options::InputArgs,
    output, output_paths,
    progress::ProgressBars,
    runtime::{isa as default_isa, open_model, parse_isa},
    signals::stop_at_safe_points,
};

const EXAMPLES: &str = "\
Examples:
  samestory bench
  samestory bench --devices all --threads 1,2 --parity
  samestory bench --corpus news.jsonl --json run.json";

/// The arguments of `samestory bench`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// Files and folders to embed [default: synthetic news, the same everywhere]
    #[arg(long, value_name = "PATHS", num_args = 1..)]
    pub corpus: Vec<PathBuf>,
    /// How many synthetic stories
    #[arg(long, value_name = "N", default_value_t = 2000, conflicts_with = "corpus",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub stories: u32,
    /// Encoders to measure, in turn: amx, avx512bf16, avx512, avx2, neon, portable, candle, candle-reference (BERT of
    /// candle-transformers), cuda, cuda:1, metal, or `all` that this machine and build have. A suffix as in amx+int8
    /// selects int8 [default: the fastest instruction set]
    #[arg(long, value_name = "DEVICES", value_delimiter = ',')]
    pub devices: Vec<String>,
    /// Numbers of threads, as in 1,2 [default: all cores]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Vec<u16>,
    /// Upper edges of the passage lengths to tell apart, in tokens
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', default_value = "32,64,128,256")]
    pub lengths: Vec<usize>,
    /// How often each is measured
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Compare the vectors and the decisions of what is measured
    #[arg(long)]
    pub parity: bool,
    /// Write the measurements as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Compare with the measurements that `--json` wrote earlier
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// A model folder or a Hugging Face id [default: the built-in all-MiniLM-L6-v2]
    #[arg(long, value_name = "FOLDER|ID")]
    pub model: Option<String>,
    /// No progress on stderr
    #[arg(short, long)]
    pub quiet: bool,
    /// Embed one text and exit: measures a cold start
    #[arg(long, hide = true)]
    pub first: bool,
    #[command(flatten)]
    pub input: InputArgs,
}

/// Runs the command.
pub fn run(args: &BenchArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let model = open_model(args.model.as_deref())?;
    let subjects = subjects(args, &model)?;
    if args.first {
        for subject in &subjects {
            embed_texts(&model, subject.encoder.as_ref(), &["a first text"], &NoProgress)?;
        }
        return Ok(Outcome::Done);
    }
    let inputs: Vec<PathBuf> = args.corpus.iter().chain(&args.against).cloned().collect();
    output_paths::check(&inputs, &[("--json", args.json.as_deref())])?;
    let earlier = args.against.as_deref().map(|path| read_report(path, &model)).transpose()?;
    let progress = ProgressBars::new(args.quiet);
    let (stories, corpus_name, bad_input) = if args.corpus.is_empty() {
        let name = format!("{} synthetic stories, built in", args.stories);
        (bench::synthetic(args.stories as usize), name, false)
    } else {
        let ingested = input::read(&args.corpus, &input::options(&args.input, args.quiet)?, &progress)?;
        let names: Vec<String> = args.corpus.iter().map(|p| p.display().to_string()).collect();
        (ingested.stories, names.join(" "), !ingested.notices.is_empty())
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
    let mut report = bench::run(&model, &corpus, &subjects, &options, &progress)?;
    report.corpus = corpus_name;
    for (figures, subject) in report.subjects.iter_mut().zip(&subjects) {
        figures.cold_start_ms = Some(cold::start(args, &subject.name, subject.threads)?);
    }
    if let Some(path) = &args.json {
        output::write_to(Some(path), |out| json_pretty(&report, out))?;
    }
    output::write_to(None, |out| {
        print::report(&report, out)?;
        match &earlier {
            Some(earlier) => print::changes(&bench::compare(earlier, &report), out),
            None => Ok(()),
        }
    })?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

fn edges(lengths: &[usize]) -> Result<Vec<usize>> {
    if lengths.first().is_some_and(|&n| n > 0) && lengths.is_sorted_by(|a, b| a < b) {
        return Ok(lengths.to_vec());
    }
    Err(CliError::Usage {
        option: "--lengths".into(),
        message: "the edges do not ascend from at least 1".into(),
        hint: "give numbers of tokens from short to long, as in --lengths 32,64,128".into(),
    })
}

/// The report of an earlier run with `model`.
fn read_report(path: &Path, model: &Model) -> Result<BenchReport> {
    let text = fs::read_to_string(path).map_err(CliError::io("read", path))?;
    let refuse =
        |message: String, hint: String| CliError::Usage { option: "--against".into(), message, hint };
    let shown = output::printable_path(path);
    let report: BenchReport = serde_json::from_str(&text).map_err(|e| {
        let hint = "give a file that samestory bench --json wrote".into();
        refuse(format!("{shown} is not a report of a bench run: {e}"), hint)
    })?;
    if report.schema != REPORT_SCHEMA {
        let hint = format!("this version reads {REPORT_SCHEMA}");
        return Err(refuse(format!("{shown} has the unknown schema {}", report.schema), hint));
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
fn subjects(args: &BenchArgs, model: &Model) -> Result<Vec<Subject>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads: Vec<usize> = if args.threads.is_empty() {
        vec![cores]
    } else {
        let mut seen = BTreeSet::new();
        args.threads.iter().map(|&n| usize::from(n)).filter(|n| seen.insert(*n)).collect()
    };
    let mut names = args.devices.clone();
    if names.is_empty() {
        names.push(default_isa()?.name().into());
    }
    if names.iter().any(|n| n == "all") {
        let mut all: Vec<String> = Isa::available().into_iter().map(|p| p.name().to_string()).collect();
        all.push("candle".into());
        all.extend(cfg!(feature = "yardstick").then(|| "candle-reference".into()));
        for gpu in GpuName::built() {
            match gpu.open() {
                Ok(_) => all.push(gpu.to_string()),
                Err(error) => status!("samestory: {error}; it is not measured"),
            }
        }
        let more = names.into_iter().filter(|name| name != "all" && !all.contains(name)).collect::<Vec<_>>();
        names = [all, more].concat();
    }
    // A device that is named twice is measured once.
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
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
        "candle-reference" | "stock" => {
            (Arc::new(samestory::embed::CandleReferenceEncoder::new(model)?), None)
        }
        #[cfg(not(feature = "yardstick"))]
        "candle-reference" | "stock" => {
            return Err(Error::Device {
                device: name.into(),
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

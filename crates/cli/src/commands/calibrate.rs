//! `samestory calibrate`: thresholds from labelled stories, tried over without embedding or judging again.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use samestory::{
    Deduplicator,
    compare::{LabelledPairs, RuleTable, Score, SweepPoint, Thresholds},
    corpus,
    dedup::DedupInput,
    group::{Constraints, Decisions},
    story::Corpus,
};
use serde::Deserialize;

use super::Outcome;
use crate::{
    error::{CliError, Result},
    input,
    options::{ComputeArgs, InputArgs},
    output, output_paths,
    progress::ProgressBars,
    runtime::Runtime,
    signals::stop_at_safe_points,
};

/// Resamplings of the bootstrap.
const ROUNDS: usize = 200;

/// A threshold moves only for a gain of this in F1.
const MIN_GAIN: f64 = 0.001;

#[derive(Deserialize)]
struct Label {
    #[serde(deserialize_with = "corpus::deserialize_id")]
    id: String,
    #[serde(deserialize_with = "corpus::deserialize_id")]
    group: String,
}

/// The labels to calibrate by.
enum GroundTruth {
    /// The label of each story.
    Labels(Vec<Option<String>>),
    /// Decisions on pairs.
    Decisions(Constraints),
}

impl GroundTruth {
    fn read(args: &CalibrateArgs, corpus: &Corpus) -> Result<Self> {
        if let Some(file) = &args.labels {
            return Ok(GroundTruth::Labels(read_labels(file, corpus)?));
        }
        let file = args.decisions.as_deref().unwrap_or(Path::new(""));
        let decided = Decisions::read(file)?.resolve_file(file, corpus)?;
        if decided.must_link.is_empty() && decided.cannot_link.is_empty() {
            return Err(CliError::Usage {
                option: "--decisions".into(),
                message: format!("no line of {} names two of the stories", file.display()),
                hint: "give the decisions on the stories that are read here".into(),
            });
        }
        Ok(GroundTruth::Decisions(decided))
    }

    /// The gain in F1 for which a threshold moves: of few decisions, what two of them change.
    fn min_gain(&self) -> f64 {
        match self {
            GroundTruth::Labels(_) => MIN_GAIN,
            GroundTruth::Decisions(d) => {
                MIN_GAIN.max(2.0 / (d.must_link.len() + d.cannot_link.len()).max(8) as f64)
            }
        }
    }

    fn describe(&self, compared: usize, out: &mut dyn Write) -> io::Result<()> {
        match self {
            GroundTruth::Labels(_) => write!(out, "{compared} compared pairs with labels")?,
            GroundTruth::Decisions(d) => {
                let (same, different) = (d.must_link.len(), d.cannot_link.len());
                write!(out, "{same} pairs decided to be the same and {different} to be different")?;
                if !d.unresolved.is_empty() {
                    write!(out, ", {} on stories that are not read here", d.unresolved.len())?;
                }
                write!(
                    out,
                    "; {compared} of them were compared; the figures below are of them, not of all pairs"
                )?;
            }
        }
        writeln!(out, "; F1 of \"one origin\", pair by pair, with 95 % intervals")
    }
}

const EXAMPLES: &str = "\
Examples:
  samestory calibrate news.jsonl --labels labels.jsonl
  samestory calibrate news.jsonl --decisions decisions.jsonl --out rules.toml";

/// The arguments of `samestory calibrate`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct CalibrateArgs {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// Labelled stories: JSON lines of id and group; stories of one origin have one group
    #[arg(long, value_name = "FILE", required_unless_present = "decisions", conflicts_with = "decisions")]
    pub labels: Option<PathBuf>,
    /// Labelled pairs: JSON lines of schema (1), a, b, and decision ("same" or "different")
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Where the proposed rule table goes
    #[arg(long, value_name = "FILE", default_value = "samestory.toml")]
    pub out: PathBuf,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Runs the command.
pub fn run(args: &CalibrateArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let truth = [&args.labels, &args.decisions].into_iter().flatten();
    let read: Vec<PathBuf> = args.paths.iter().chain(truth).cloned().collect();
    output_paths::check(&read, &[("--out", Some(&args.out))])?;
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    let ingested = input::read(&args.paths, &input::options(&args.input, args.compute.quiet)?, &progress)?;
    let bad_input = !ingested.notices.is_empty();
    let corpus = Corpus::new(ingested.stories);
    let truth = GroundTruth::read(args, &corpus)?;

    let deduplicator = Deduplicator::builder().embedder(runtime.embedder.clone()).build()?;
    let outcome = deduplicator.run_with(DedupInput::of_corpus(corpus), &progress)?;
    let verdicts = outcome.verdicts();

    let labelled = match &truth {
        GroundTruth::Labels(labels) => LabelledPairs::new(verdicts, labels),
        GroundTruth::Decisions(decided) => {
            LabelledPairs::from_decisions(verdicts, &decided.must_link, &decided.cannot_link)
        }
    };
    if labelled.is_empty() {
        return Err(CliError::Usage {
            option: if args.labels.is_some() { "--labels" } else { "--decisions" }.into(),
            message: "no labelled pair of stories is similar enough to be compared".into(),
            hint: "label stories that are copies of one another, and some that only look alike".into(),
        });
    }
    let start = Thresholds::default();
    let proposed = labelled.propose(&start, truth.min_gain());
    let table = RuleTable::new(
        proposed.clone(),
        &runtime.model().fingerprint(),
        &outcome.comparer()?.prepared().cosine_baseline(),
    );
    let text = format!("{HEAD}{}", table.to_toml()?);
    output::write_to(Some(&args.out), |out| out.write_all(text.as_bytes()))?;
    output::write_to(None, |out| {
        truth.describe(labelled.len(), out)?;
        score(out, "default", labelled.score(&start), labelled.interval(&start, ROUNDS))?;
        score(out, "proposed", labelled.score(&proposed), labelled.interval(&proposed, ROUNDS))?;
        writeln!(out, "\nEach threshold over its range, the others unchanged: precision / recall / F1")?;
        sweep(out, &labelled.sweep(&start), &start, &proposed)?;
        writeln!(out, "\nWritten to {0}: samestory dedup --rules {0} uses it.", args.out.display())
    })?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

const HEAD: &str =
    "# The rule table that samestory calibrate proposes. samestory dedup --rules FILE uses it.\n\n";

fn score(out: &mut dyn Write, name: &str, s: Score, (low, high): (f64, f64)) -> io::Result<()> {
    let (precision, recall, f1) = (s.precision(), s.recall(), s.f1());
    writeln!(
        out,
        "  {name:<9} precision {precision:.4}  recall {recall:.4}  F1 {f1:.4} [{low:.4}, {high:.4}]"
    )
}

fn sweep(
    out: &mut dyn Write,
    trials: &[SweepPoint],
    start: &Thresholds,
    proposed: &Thresholds,
) -> io::Result<()> {
    let value = |of: &Thresholds, name: &str| {
        serde_json::to_value(of)
            .ok()
            .and_then(|v| v.get(name).and_then(serde_json::Value::as_f64))
            .unwrap_or(0.0)
    };
    for trials in trials.chunk_by(|x, y| x.threshold == y.threshold) {
        let Some(first) = trials.first() else { continue };
        let name = first.threshold;
        let (is, then) = (value(start, name), value(proposed, name));
        let moved = if is == then { String::new() } else { format!(", proposed {then:.2}") };
        writeln!(out, "  {name} (default {is:.2}{moved})")?;
        for t in trials {
            let s = t.score;
            writeln!(out, "    {:>6.2}   {:.4} / {:.4} / {:.4}", t.value, s.precision(), s.recall(), s.f1())?;
        }
    }
    Ok(())
}

/// Reads a rule table.
pub fn read_rules(file: &Path) -> Result<RuleTable> {
    let text = fs::read_to_string(file).map_err(CliError::io("read", file))?;
    Ok(RuleTable::from_toml(&file.display().to_string(), &text)?)
}

/// The label of each story of `corpus`.
fn read_labels(file: &Path, corpus: &Corpus) -> Result<Vec<Option<String>>> {
    let text = fs::read_to_string(file).map_err(CliError::io("read", file))?;
    let refuse = |message: String| CliError::Usage {
        option: "--labels".into(),
        message,
        hint: "a label is a line {\"id\": \"…\", \"group\": \"…\"}; stories of one origin have one group"
            .into(),
    };
    let mut of: BTreeMap<String, String> = BTreeMap::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let label: Label =
            serde_json::from_str(line).map_err(|e| refuse(format!("{}:{}: {e}", file.display(), i + 1)))?;
        let before = of.insert(label.id.clone(), label.group.clone());
        if before.is_some_and(|group| group != label.group) {
            let message = format!("{}:{}: {:?} has another group above", file.display(), i + 1, label.id);
            return Err(refuse(message));
        }
    }
    let labels: Vec<Option<String>> = corpus.stories.iter().map(|s| of.get(&s.id).cloned()).collect();
    let found = labels.iter().flatten().count();
    if found < of.len() {
        status!("samestory: {} of {} labels name stories that were not read", of.len() - found, of.len());
    }
    match found {
        0 => Err(refuse(format!("no id in {} is that of a story", file.display()))),
        _ => Ok(labels),
    }
}

//! `samestory dedup`: the whole way from files to a report.

use std::{collections::BTreeSet, path::PathBuf};

use samestory::{
    Error,
    compare::{self, Provenance},
    error::Setting,
    group::Groups,
    ingest,
    report::{self, Format, Page, json_line, json_pretty, write_html},
    search::IndexChoice,
    story::{Corpus, Origin, StoryId},
};

use super::{
    Outcome, against, archive,
    args::{Dedup, FormatChoice, IndexArg},
    bars::{Bars, catch_ctrl_c},
    boilerplate, calibrate,
    engine::Engine,
    judge::{self, Ask, Counts, Judged},
    outputs, sink, stories,
};
use crate::error::Result;

/// Runs the command.
pub fn run(args: &Dedup) -> Result<Outcome> {
    catch_ctrl_c();
    let outputs = [
        ("--out", &args.out),
        ("--kept", &args.kept),
        ("--removed", &args.removed),
        ("--pairs", &args.pairs),
        ("--manifest", &args.manifest),
        ("--html", &args.html),
    ];
    let read = [&args.decisions, &args.boilerplate, &args.rules, &args.reuse_pairs];
    let read: Vec<PathBuf> = args.paths.iter().chain(read.into_iter().flatten()).cloned().collect();
    outputs::check(&read, &outputs.map(|(option, file)| (option, file.as_deref())))?;
    if args.archive.store.is_some() && !args.paths.is_empty() {
        return against::run(args);
    }
    let bars = Bars::new(args.compute.quiet);
    let ingest_options = stories::options(&args.input)?;
    let mut ask = Ask {
        index: match args.index {
            IndexArg::Auto => IndexChoice::Auto,
            IndexArg::Exact => IndexChoice::Exact,
            IndexArg::Hnsw => IndexChoice::Hnsw,
        },
        options: compare_options(args)?,
        rules: args.rules.as_deref().map(calibrate::read_rules).transpose()?,
        min_coverage: args.min_coverage,
        keep: args.keep.parse()?,
        show: args.html.is_some(),
        every: args.pairs.is_some(),
        ..Ask::default()
    };
    let twice = args.kept.is_some();
    let (inputs, _spool) = stories::spool(&args.paths, twice)?;
    let mut engine = Engine::new(&args.compute)?;
    archive::open(&args.archive, &mut engine)?;

    let ingested = match twice {
        true => stories::read_spooled(&inputs, &ingest_options, &bars)?,
        false => archive::read(&engine, &args.paths, &ingest_options, &bars)?,
    };
    let bad_input = !ingested.notices.is_empty();
    let counts = Counts::of(&ingested);
    let corpus = Corpus::new(ingested.stories);
    let mut manifest = judge::manifest(&engine, &counts, &corpus);

    ask.decided = judge::decided(args.decisions.as_deref(), &engine, &corpus)?;
    let provenance = || {
        let (model, device) = (engine.model.fingerprint(), engine.encoder.describe());
        Provenance::new(&corpus, &model, &device, index_name(args.index), &ask.options.boilerplate)
    };
    let judged = match &args.reuse_pairs {
        Some(file) => {
            let (judged, embed_stats) =
                judge::judge_again(&ask, file, &provenance(), &engine, &corpus, &bars)?;
            manifest.embedding = embed_stats;
            judged
        }
        None => {
            let embedded = engine.embed(&corpus, &bars)?;
            manifest.embedding = embedded.stats;
            judge::judge(&ask, &engine, &corpus, &embedded.vectors, &bars)?
        }
    };
    judge::note(&judged, &ask.decided, &mut manifest);
    let Judged { search, verdicts, groups, evidence, .. } = judged;
    if let Some(path) = &args.pairs {
        sink::write_to(Some(path), |out| {
            compare::write_pairs(&provenance(), &search, &corpus, &verdicts, out)
        })?;
    }
    write_outputs(args, &inputs, &ingest_options, &corpus, &groups)?;
    manifest.stages = bars.stage_times();
    if let (Some(path), Some(evidence)) = (&args.html, &evidence) {
        let page = Page {
            command: "dedup",
            corpus: &corpus,
            groups: &groups,
            decided: &ask.decided,
            evidence,
            manifest: &manifest,
            related: None,
        };
        sink::write_to(Some(path), |out| write_html(&page, out))?;
    }
    if let Some(path) = &args.manifest {
        sink::write_to(Some(path), |out| json_pretty(&manifest, out))?;
    }
    if !args.compute.quiet {
        say!("{}", manifest.summary());
    }
    Ok(match () {
        () if bad_input && args.input.strict => Outcome::BadInput,
        () if args.fail_on_duplicates && !groups.groups.is_empty() => Outcome::Duplicates,
        () => Outcome::Done,
    })
}

fn index_name(index: IndexArg) -> &'static str {
    match index {
        IndexArg::Auto => "auto",
        IndexArg::Exact => "exact",
        IndexArg::Hnsw => "hnsw",
    }
}

/// Writes the report and the files that `args` ask for.
pub fn write_outputs(
    args: &Dedup,
    inputs: &[ingest::RecordSource],
    options: &ingest::IngestOptions,
    corpus: &Corpus,
    groups: &Groups,
) -> Result<()> {
    let gone: BTreeSet<StoryId> = judge::removed(groups).map(|m| m.story).collect();
    if let Some(path) = &args.removed {
        let items = report::items(corpus, groups);
        sink::write_to(Some(path), |out| {
            for item in items.iter().filter(|i| i.removed) {
                json_line(item, out)?;
            }
            Ok(())
        })?;
    }
    if let Some(path) = &args.kept {
        let stays: BTreeSet<_> = (0..corpus.stories.len() as u32)
            .map(StoryId)
            .filter(|id| !gone.contains(id))
            .map(|id| place(&corpus.stories[id.index()].origin))
            .collect();
        let mut failure = None;
        let written = sink::write_to(Some(path), |out| {
            ingest::copy_records(inputs, options, &|origin| stays.contains(&place(origin)), out).map_err(
                |e| {
                    let message = e.to_string();
                    failure = Some(e);
                    std::io::Error::other(message)
                },
            )
        });
        if let Some(error) = failure {
            return Err(error.into());
        }
        written?;
    }
    let format = match args.format {
        FormatChoice::Table => Format::Table,
        FormatChoice::Jsonl => Format::Jsonl,
        FormatChoice::Csv => Format::Csv,
        FormatChoice::Groups => Format::Groups,
        FormatChoice::Parquet => Format::Parquet,
    };
    sink::write_to(args.out.as_deref(), |out| report::write(format, corpus, groups, out))
}

/// What tells one story of the input from another.
fn place(origin: &Origin) -> (PathBuf, u64, u32) {
    (origin.path.clone(), origin.record, origin.part)
}

/// How `args` say that pairs are compared.
pub fn compare_options(args: &Dedup) -> Result<compare::Options> {
    let mut options = compare::Options::default();
    if let Some(share) = args.min_coverage {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::Setting {
                setting: Setting::MinCoverage,
                message: format!("{share} is no share"),
            }
            .into());
        }
        options.thresholds.copy_coverage = share;
    }
    if let Some(file) = &args.boilerplate {
        options.boilerplate = boilerplate::read(file)?;
    }
    Ok(options)
}

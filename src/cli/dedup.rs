//! `samestory dedup`: the whole way from files to a report.

use std::{collections::BTreeSet, io::Write, path::PathBuf};

use samestory::{
    Error, Result,
    compare::{self, Relation},
    group::{self, Groups, Keep},
    ingest,
    progress::{Progress, Stage},
    report::{self, Format, Item, Manifest},
    search::{IndexChoice, SearchOptions},
    store::Store,
    story::{Corpus, Origin, Story, StoryId},
};

use super::{
    Outcome, archive,
    args::{Dedup, FormatChoice, IndexArg},
    bars::{Bars, catch_ctrl_c},
    boilerplate,
    engine::Engine,
    judge::{self, Ask, Judged},
    sink, stories,
};

/// Runs the command.
pub fn run(args: &Dedup) -> Result<Outcome> {
    catch_ctrl_c();
    let bars = Bars::new(args.compute.quiet);
    let ingest_options = stories::options(&args.input)?;
    let keep: Keep = args.keep.parse()?;
    let compare_options = compare_options(args)?;
    let twice = args.kept.is_some();
    let (inputs, _spool) = stories::spool(&args.paths, twice)?;
    let mut engine = Engine::new(&args.compute)?;
    archive::open(&args.archive, &mut engine)?;
    let new_to_archive = engine.store.is_some() && !args.paths.is_empty();

    let ingested = match twice {
        true => stories::read_spooled(&inputs, &ingest_options, &bars)?,
        false if new_to_archive => stories::read(&args.paths, &ingest_options, &bars)?,
        false => archive::read(&engine, &args.paths, &ingest_options, &bars)?,
    };
    let bad_input = !ingested.notices.is_empty();
    let mut manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        model: engine.model.name.clone(),
        fingerprint: engine.model.fingerprint(),
        device: engine.encoder.describe(),
        threads: engine.threads,
        files: ingested.files,
        skipped: ingested.skipped,
        notices: ingested.notices.len() as u64,
        ..Manifest::default()
    };
    let (corpus, groups) = match engine.store.take() {
        Some(store) if new_to_archive => {
            let options = archive_options(args, &engine, compare_options, keep);
            against(store, options, &engine, ingested.stories, &bars, &mut manifest)?
        }
        store => {
            engine.store = store;
            let corpus = ingest::corpus(ingested.stories);
            manifest.stories = corpus.stories.len() as u64;
            manifest.passages = corpus.passages.iter().map(|p| p.len() as u64).sum();
            manifest.rows = corpus.rows.len() as u64;
            let groups = judge(args, &engine, &corpus, &compare_options, &keep, &bars, &mut manifest)?;
            (corpus, groups)
        }
    };
    count_found(&groups, &mut manifest);
    if let (Some(path), true) = (&args.pairs, new_to_archive) {
        return Err(Error::Option {
            option: "--pairs".into(),
            message: format!("{} cannot be written for stories judged against a store", path.display()),
            hint: "leave --pairs out, or leave PATHS out to judge all stories of the store".into(),
        });
    }
    write_outputs(args, &inputs, &ingest_options, &corpus, &groups)?;
    manifest.stages = bars.stage_times();
    if let Some(path) = &args.manifest {
        sink::write_to(Some(path), |out| {
            serde_json::to_writer_pretty(&mut *out, &manifest)?;
            out.write_all(b"\n")
        })?;
    }
    if !args.compute.quiet {
        eprintln!("{}", manifest.summary());
    }
    Ok(match () {
        () if bad_input && args.input.strict => Outcome::BadInput,
        () if args.fail_on_duplicates && !groups.groups.is_empty() => Outcome::Duplicates,
        () => Outcome::Done,
    })
}

/// From the corpus to its groups, noting each stage's figures in `manifest`.
fn judge(
    args: &Dedup,
    engine: &Engine,
    corpus: &Corpus,
    options: &compare::Options,
    keep: &Keep,
    bars: &Bars,
    manifest: &mut Manifest,
) -> Result<Groups> {
    let embedded = engine.embed(corpus, bars)?;
    manifest.ledger = embedded.ledger;

    let ask = Ask {
        index: match args.index {
            IndexArg::Auto => IndexChoice::Auto,
            IndexArg::Exact => IndexChoice::Exact,
            IndexArg::Hnsw => IndexChoice::Hnsw,
        },
        options: options.clone(),
        rules: args.rules.as_deref(),
        min_coverage: args.min_coverage,
        keep: keep.clone(),
    };
    let Judged { search, verdicts, groups } = judge::judge(&ask, engine, corpus, &embedded.vectors, bars)?;
    manifest.index = search.to_string();
    manifest.candidates = verdicts.len() as u64;
    manifest.candidate_recall = search.recall;
    manifest.recall_how = search.recall_how;
    if let Some(path) = &args.pairs {
        sink::write_to(Some(path), |out| report::pairs(corpus, &verdicts, out))?;
    }

    Ok(groups)
}

/// Judges new stories against `store` and one another.
fn against(
    store: Store,
    options: samestory::archive::Options,
    engine: &Engine,
    new: Vec<Story>,
    bars: &Bars,
    manifest: &mut Manifest,
) -> Result<(Corpus, Groups)> {
    bars.begin(Stage::Search, Some(new.len() as u64));
    let archive = samestory::archive::Archive::open(store, options)?;
    let archived = archive.store().view().stories_len()?;
    let new = archive::renamed(archive.store(), archive.store().unknown(new)?)?;
    let count = new.len();
    let embed = |texts: &[&str]| engine.embed_for_archive(texts);
    let judged = archive.judge_all(new, &embed, bars)?;
    bars.end(Stage::Search);
    manifest.stories = count as u64;
    let passages = judged.corpus.passages.iter().skip(judged.archived);
    manifest.passages = passages.map(|p| p.len() as u64).sum();
    manifest.rows = judged.ledger.rows + judged.ledger.known_rows;
    manifest.ledger = judged.ledger;
    manifest.index = format!("exact, against {archived} stories of the store");
    manifest.candidates = judged.compared;
    manifest.candidate_recall = 1.0;
    manifest.recall_how = "all rows were compared".into();
    Ok((judged.corpus, judged.groups))
}

fn archive_options(
    args: &Dedup,
    engine: &Engine,
    compare: compare::Options,
    keep: Keep,
) -> samestory::archive::Options {
    let _ = args;
    let search = SearchOptions { path: engine.path, ..SearchOptions::default() };
    samestory::archive::Options { search, compare, group: group::Options { keep, ..Default::default() } }
}

/// Puts the figures of what was found into `manifest`.
fn count_found(groups: &Groups, manifest: &mut Manifest) {
    manifest.groups = groups.groups.len() as u64;
    let count = |relation: Relation, in_groups: bool| {
        let n = match in_groups {
            true => removed(groups).filter(|m| m.relation == relation).count(),
            false => groups.links.iter().filter(|l| l.relation == relation).count(),
        };
        (relation.name().to_string(), n as u64)
    };
    let origins = [Relation::Identical, Relation::Copy, Relation::Excerpt, Relation::Update];
    manifest.removed = origins.map(|r| count(r, true)).to_vec();
    manifest.links = [Relation::Twin, Relation::Related].map(|r| count(r, false)).to_vec();
}

fn removed(groups: &Groups) -> impl Iterator<Item = &group::Member> {
    groups.groups.iter().flat_map(|g| g.members.iter().filter(|m| m.removed))
}

fn write_outputs(
    args: &Dedup,
    inputs: &[ingest::Spooled],
    options: &ingest::Options,
    corpus: &Corpus,
    groups: &Groups,
) -> Result<()> {
    let gone: BTreeSet<StoryId> = removed(groups).map(|m| m.story).collect();
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
            return Err(error);
        }
        written?;
    }
    let format = match args.format {
        FormatChoice::Table => Format::Table,
        FormatChoice::Jsonl => Format::Jsonl,
        FormatChoice::Csv => Format::Csv,
        FormatChoice::Groups => Format::Groups,
    };
    sink::write_to(args.out.as_deref(), |out| report::write(format, corpus, groups, out))
}

/// What tells one story of the input from another.
fn place(origin: &Origin) -> (PathBuf, u64, u32) {
    (origin.path.clone(), origin.record, origin.part)
}

fn json_line(item: &Item, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, item)?;
    out.write_all(b"\n")
}

fn compare_options(args: &Dedup) -> Result<compare::Options> {
    let mut options = compare::Options::default();
    if let Some(share) = args.min_coverage {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::Option {
                option: "--min-coverage".into(),
                message: format!("{share} is no share"),
                hint: "give a number between 0 and 1, as in --min-coverage 0.7".into(),
            });
        }
        options.thresholds.copy_coverage = share;
    }
    if let Some(file) = &args.boilerplate {
        options.boilerplate = boilerplate::read(file)?;
    }
    Ok(options)
}

//! `samestory dedup PATHS --store`: new stories judged against a store and one another.

use samestory::{
    compare,
    group::{self, Keep, Publishers},
    progress::{Progress, Stage},
    report::Manifest,
};

use super::{DedupArgs, Outcome, end, write_groups, write_manifest};
use crate::{
    commands::boilerplate::read_list,
    error::{CliError, Result},
    input::{self, Counts},
    notices,
    progress::ProgressBars,
    runtime::Runtime,
    store,
};

/// Runs the command.
pub fn run(args: &DedupArgs) -> Result<Outcome> {
    refuse_options(args)?;
    let progress = ProgressBars::new(args.compute.quiet);
    let ingest_options = input::options(&args.input, args.compute.quiet)?;
    let keep: Keep = args.keep.parse()?;
    let grouping =
        group::Options { keep: keep.clone(), removed: args.remove.parse()?, ..group::Options::default() };
    let mut compare_options = compare::Options::default();
    if let Some(share) = args.min_coverage {
        samestory::dedup::check_coverage(share)?;
        compare_options.thresholds.copy_coverage = share;
    }
    if let Some(file) = &args.boilerplate {
        compare_options.boilerplate = read_list(file)?;
    }
    let mut runtime = Runtime::new(&args.compute)?;
    store::open(&args.store, &mut runtime)?;
    let Some(store) = runtime.store.take() else { return Ok(Outcome::Done) };

    let ingested = input::read(&args.paths, &ingest_options, &progress)?;
    let bad_input = !ingested.notices.is_empty();
    let counts = Counts::of(&ingested);
    progress.begin(Stage::Search, Some(ingested.stories.len() as u64));
    let archive = runtime.archive_with(store, compare_options, grouping)?;
    if keep.names_sources() {
        let stored = archive.store().reader().publishers()?;
        let new = ingested.stories.iter().filter_map(|story| story.source.as_deref());
        let publishers = Publishers::of_names(stored.iter().map(String::as_str).chain(new));
        notices::show_unknown_sources(&keep, &publishers);
    }
    let stored = archive.store().reader().story_count()?;
    let new = archive.store().with_free_ids(archive.store().new_or_changed(ingested.stories)?)?;
    let outcome = archive.dedup(new, &progress)?;
    progress.end(Stage::Search);

    let (corpus, groups) = (&outcome.corpus, &outcome.groups);
    write_groups(args, &[], &ingest_options.ingest, corpus, groups)?;
    let passages = corpus.passages.iter().skip(outcome.stored);
    let manifest = Manifest {
        stories: (corpus.stories.len() - outcome.stored) as u64,
        stored: outcome.stored as u64,
        passages: passages.map(|p| p.len() as u64).sum(),
        distinct_passages: outcome.embed_stats.texts + outcome.embed_stats.cached_texts,
        embedding: outcome.embed_stats,
        index: format!("exact, against {stored} stories of the store"),
        candidates: outcome.compared_pairs,
        candidate_recall: 1.0,
        recall_method: "all rows were compared".into(),
        stages: progress.stage_times(),
        ..counts.manifest(Manifest::of_run(&runtime.embedder, corpus).with_groups(groups))
    };
    write_manifest(args, &manifest)?;
    Ok(end(args, bad_input, groups))
}

/// Refuses options that have no meaning here.
fn refuse_options(args: &DedupArgs) -> Result<()> {
    let options = [
        ("--pairs", args.pairs.is_some()),
        ("--reuse-pairs", args.reuse_pairs.is_some()),
        ("--html", args.html.is_some()),
        ("--rules", args.rules.is_some()),
        ("--decisions", args.decisions.is_some()),
    ];
    let Some((option, _)) = options.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    Err(CliError::Usage {
        option: option.into(),
        message: "it is not for new stories against a store".into(),
        hint: format!("leave {option} out, or leave PATHS out to judge all stories of the store"),
    })
}

//! `samestory dedup PATHS --store`: new stories judged against a store and one another.

use samestory::{
    archive::ArchiveOptions,
    group,
    progress::{Progress, Stage},
    report::json_pretty,
};

use super::{
    Outcome, archive,
    args::Dedup,
    bars::Bars,
    dedup::{compare_options, write_outputs},
    engine::Engine,
    judge::{self, Counts},
    sink, stories,
};
use crate::error::{CliError, Result};

/// Runs the command.
pub fn run(args: &Dedup) -> Result<Outcome> {
    for (given, option) in [
        (args.pairs.is_some(), "--pairs"),
        (args.reuse_pairs.is_some(), "--reuse-pairs"),
        (args.html.is_some(), "--html"),
        (args.rules.is_some(), "--rules"),
        (args.decisions.is_some(), "--decisions"),
    ] {
        if given {
            return Err(CliError::Usage {
                option: option.into(),
                message: "it is not for new stories against a store".into(),
                hint: format!("leave {option} out, or leave PATHS out to judge all stories of the store"),
            });
        }
    }
    let bars = Bars::new(args.compute.quiet);
    let ingest_options = stories::options(&args.input)?;
    let mut engine = Engine::new(&args.compute)?;
    let search = engine.search();
    let group = group::Options { keep: args.keep.parse()?, ..group::Options::default() };
    let options = ArchiveOptions { search, compare: compare_options(args)?, group };
    archive::open(&args.archive, &mut engine)?;
    let Some(store) = engine.store.take() else { return Ok(Outcome::Done) };

    let ingested = stories::read(&args.paths, &ingest_options, &bars)?;
    let bad_input = !ingested.notices.is_empty();
    let counts = Counts::of(&ingested);
    bars.begin(Stage::Search, Some(ingested.stories.len() as u64));
    let archive = samestory::archive::Archive::open(store, options)?;
    archive::tell_rebuilt(&archive);
    let archived = archive.store().reader().story_count()?;
    let new = archive::renamed(archive.store(), archive.store().new_or_changed(ingested.stories)?)?;
    let embed = |texts: &[&str]| engine.embed_for_archive(texts);
    let judged = archive.dedup(new, &embed, &bars)?;
    bars.end(Stage::Search);

    let (corpus, groups) = (&judged.corpus, &judged.groups);
    let mut manifest = judge::manifest(&engine, &counts, corpus);
    manifest.stories = (corpus.stories.len() - judged.stored) as u64;
    let passages = corpus.passages.iter().skip(judged.stored);
    manifest.passages = passages.map(|p| p.len() as u64).sum();
    manifest.distinct_passages = judged.embed_stats.texts + judged.embed_stats.cached_texts;
    manifest.embedding = judged.embed_stats;
    manifest.index = format!("exact, against {archived} stories of the store");
    manifest.candidates = judged.compared_pairs;
    manifest.candidate_recall = 1.0;
    manifest.recall_method = "all rows were compared".into();
    judge::count_found(groups, &mut manifest);
    write_outputs(args, &[], &ingest_options, corpus, groups)?;
    manifest.stages = bars.stage_times();
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

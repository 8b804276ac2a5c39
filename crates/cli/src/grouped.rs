//! From a command's input to its groups, for the commands that report on groups.

use std::path::{Path, PathBuf};

use samestory::{
    archive::{Archive as Archived, ArchiveOptions, GroupedCorpus},
    compare::{self, Comparer},
    story::Corpus,
};

use super::{
    archive,
    args::{Archive, Compute, Input},
    bars::Bars,
    boilerplate,
    engine::Engine,
    judge::{Ask, decided, judge},
    stories,
};
use crate::error::Result;

/// What a command was given.
pub struct Wish<'a> {
    pub paths: &'a [PathBuf],
    pub archive: &'a Archive,
    pub input: &'a Input,
    pub compute: &'a Compute,
    pub boilerplate: Option<&'a Path>,
}

/// Gives the groups to `show`: those of a store under the numbers that it knows them by, and others as `dedup` makes
/// them by default. Also tells whether something could not be read.
pub fn grouped<T>(
    wish: &Wish,
    bars: &Bars,
    show: impl FnOnce(&GroupedCorpus<'_>) -> Result<T>,
) -> Result<(T, bool)> {
    let ingest_options = stories::options(wish.input)?;
    let mut options = compare::Options::default();
    if let Some(file) = wish.boilerplate {
        options.boilerplate = boilerplate::read(file)?;
    }
    let mut engine = Engine::new(wish.compute)?;
    archive::open_or_find(wish.archive, wish.paths.is_empty(), &mut engine)?;
    if let Some(store) = engine.store.take_if(|_| wish.paths.is_empty()) {
        let options =
            ArchiveOptions { search: engine.search(), compare: options, ..ArchiveOptions::default() };
        let archived = Archived::open(store, options)?;
        archive::tell_rebuilt(&archived);
        return Ok((archived.with_groups(show)??, false));
    }
    let ingested = archive::read(&engine, wish.paths, &ingest_options, bars)?;
    let bad_input = !ingested.notices.is_empty();
    let corpus = Corpus::new(ingested.stories);
    let vectors = engine.embed(&corpus, bars)?.vectors;
    let decided = decided(None, &engine, &corpus)?;
    let ask = Ask { options: options.clone(), decided, ..Ask::default() };
    let judged = judge(&ask, &engine, &corpus, &vectors, bars)?;
    let comparer = Comparer::new(&corpus, &vectors, &options);
    let grouped = GroupedCorpus {
        corpus: &corpus,
        verdicts: &judged.verdicts,
        groups: &judged.groups,
        comparer: &comparer,
    };
    Ok((show(&grouped)?, bad_input))
}

//! From a command's input to its groups, for the commands that report on groups.

use samestory::{
    Deduplicator,
    archive::GroupedCorpus,
    compare,
    dedup::{DedupInput, VerdictScope},
    group,
    story::Corpus,
};

use crate::{
    commands::boilerplate::read_list, decisions, error::Result, input, options::GroupSourceArgs,
    progress::ProgressBars, runtime::Runtime, store,
};

/// Where the groups of a command come from.
pub struct GroupSource<'a> {
    args: &'a GroupSourceArgs,
    progress: &'a ProgressBars,
}

impl<'a> GroupSource<'a> {
    /// The files that `args` name, else a store.
    pub fn new(args: &'a GroupSourceArgs, progress: &'a ProgressBars) -> Self {
        GroupSource { args, progress }
    }

    /// Gives the groups to `show`: those of a store under the numbers that it knows them by, and others as `dedup` makes
    /// them by default. Returns whether something could not be read, too.
    pub fn with_groups<T>(&self, show: impl FnOnce(&GroupedCorpus<'_>) -> Result<T>) -> Result<(T, bool)> {
        let GroupSource { args, progress } = *self;
        let ingest_options = input::options(&args.input, args.compute.quiet)?;
        let boilerplate = args.boilerplate.as_deref().map(read_list).transpose()?.unwrap_or_default();
        let mut runtime = Runtime::new(&args.compute)?;
        store::open_or_find(&args.store, args.paths.is_empty(), &mut runtime)?;
        if let Some(store) = runtime.store.take_if(|_| args.paths.is_empty()) {
            let compare = compare::Options { boilerplate, ..compare::Options::default() };
            let archive = runtime.archive_with(store, compare, group::Options::default())?;
            return Ok((archive.with_groups(show)??, false));
        }
        let ingested = store::read(&runtime, &args.paths, &ingest_options, progress)?;
        let bad_input = !ingested.notices.is_empty();
        let corpus = Corpus::new(ingested.stories);
        let constraints = decisions::resolve(None, &runtime, &corpus)?;
        let deduplicator = Deduplicator::builder()
            .embedder(runtime.embedder.clone())
            .boilerplate(boilerplate)
            .verdicts(VerdictScope::Related)
            .build()?;
        let input =
            DedupInput::of_corpus(corpus).decisions(constraints).known_vectors(runtime.known_vectors());
        let outcome = deduplicator.run_with(input, progress)?;
        let grouped = GroupedCorpus {
            corpus: outcome.corpus(),
            verdicts: outcome.verdicts(),
            groups: outcome.grouping(),
            comparer: &outcome.comparer()?,
        };
        Ok((show(&grouped)?, bad_input))
    }
}

//! Deduplication in one call: stories in, groups with one canonical story each out.
//!
//! [`Deduplicator::run`] goes the whole way: passages, vectors, candidate pairs, comparison, groups. Its
//! [`DedupOutcome`] owns what was found and can be asked again without embedding or comparing anything twice.

mod groups;
mod outcome;
mod pairs;
#[cfg(feature = "reports")]
mod report;

use std::sync::Arc;

use crate::{
    Error, Result,
    boilerplate::BoilerplateList,
    compare::{
        self, Comparer, Explanation, MeaningScale, PreparedCorpus, Relation, RuleTable, Thresholds, Verdict,
    },
    embed::Embeddings,
    embedder::{DeviceChoice, Embedder, EmbedderBuilder, VectorSource},
    error::Setting,
    group::{self, Constraints, Keep, RemovedRelations},
    model::Model,
    progress::{NoProgress, Progress, Stage},
    search::{self, Candidates, IndexChoice, SearchOptions},
    story::{Corpus, Story, StoryId},
};

pub use groups::{Duplicate, StoryGroup};
pub use outcome::DedupOutcome;

/// Finds the stories of one origin among many, with settings made once and used for any number of runs.
pub struct Deduplicator {
    embedder: Arc<Embedder>,
    options: DedupOptions,
}

/// How stories are compared and grouped; set by [`DeduplicatorBuilder`].
#[derive(Debug, Clone, Default)]
pub(crate) struct DedupOptions {
    pub index: IndexChoice,
    pub boilerplate: BoilerplateList,
    pub rules: Option<RuleTable>,
    pub min_coverage: Option<f32>,
    pub keep: Keep,
    pub removed: RemovedRelations,
    pub verdicts: VerdictScope,
}

/// Which verdicts a [`DedupOutcome`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VerdictScope {
    /// Those on all candidate pairs, about 140 bytes each.
    #[default]
    All,
    /// Those on pairs that have a relation: a small part of a large corpus. [`DedupOutcome::rethreshold`] then considers
    /// no other pairs.
    Related,
}

/// What a run takes: stories, decisions on them, and vectors that need not be computed again.
pub struct DedupInput<'a> {
    corpus: Corpus,
    decisions: Constraints,
    known: Option<&'a dyn VectorSource>,
}

impl<'a> DedupInput<'a> {
    /// `stories`, cut into passages.
    pub fn new(stories: Vec<Story>) -> Self {
        Self::of_corpus(Corpus::new(stories))
    }

    /// Stories that are cut into passages already.
    pub fn of_corpus(corpus: Corpus) -> Self {
        DedupInput { corpus, decisions: Constraints::default(), known: None }
    }

    /// Decisions on the stories, which precede every verdict.
    #[must_use]
    pub fn decisions(self, decisions: Constraints) -> Self {
        DedupInput { decisions, ..self }
    }

    /// A source of known vectors, such as a store.
    #[must_use]
    pub fn known_vectors(self, known: Option<&'a dyn VectorSource>) -> Self {
        DedupInput { known, ..self }
    }
}

impl Deduplicator {
    /// A deduplicator with settings.
    pub fn builder() -> DeduplicatorBuilder {
        DeduplicatorBuilder::default()
    }

    /// The model and device that it embeds with.
    pub fn embedder(&self) -> &Arc<Embedder> {
        &self.embedder
    }

    /// Finds the groups of one origin among `stories`.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn run(&self, stories: impl IntoIterator<Item = Story>) -> Result<DedupOutcome> {
        self.run_with(DedupInput::new(stories.into_iter().collect()), &NoProgress)
    }

    /// As [`Deduplicator::run`], with decisions and known vectors, and with progress.
    ///
    /// # Errors
    /// As [`Deduplicator::run`]; [`Error::Interrupted`] if `progress` cancels.
    pub fn run_with(&self, input: DedupInput<'_>, progress: &dyn Progress) -> Result<DedupOutcome> {
        let DedupInput { corpus, decisions, known } = input;
        let embedded = self.embedder.embed_corpus(&corpus, known, progress)?;
        self.embedder.install(|| self.compare(corpus, decisions, embedded, progress))
    }

    /// Explains the verdict on two stories of `input`, by their numbers. All stories are embedded, since their words and
    /// boilerplate count; only these two are compared.
    ///
    /// # Errors
    /// As [`Deduplicator::run_with`].
    pub fn explain_pair(
        &self,
        input: DedupInput<'_>,
        (a, b): (StoryId, StoryId),
        progress: &dyn Progress,
    ) -> Result<Explanation> {
        let DedupInput { corpus, known, .. } = input;
        let vectors = self.embedder.embed_corpus(&corpus, known, progress)?.vectors;
        let prepared = Arc::new(PreparedCorpus::new(&corpus, vectors, &self.options.boilerplate));
        let options = self.compare_options(&corpus, &prepared);
        Ok(Comparer::with_prepared(&corpus, prepared, &options).explain(a, b))
    }

    /// Searches, compares and groups.
    fn compare(
        &self,
        corpus: Corpus,
        decisions: Constraints,
        embedded: Embeddings,
        progress: &dyn Progress,
    ) -> Result<DedupOutcome> {
        let Embeddings { vectors, stats: embed_stats } = embedded;
        progress.begin(Stage::Search, Some((corpus.rows.len() + corpus.stories.len()) as u64));
        let search_options = SearchOptions { index: self.options.index, ..self.embedder.search_options() };
        let Candidates { pairs, report: search } =
            search::candidates(&corpus, &vectors, &search_options, progress)?;
        progress.end(Stage::Search);

        let pairs: Vec<(StoryId, StoryId)> = pairs.into_iter().map(|pair| (pair.a, pair.b)).collect();
        progress.begin(Stage::Compare, Some(pairs.len() as u64));
        let vectors = Arc::new(vectors);
        let prepared = PreparedCorpus::new(&corpus, Arc::clone(&vectors), &self.options.boilerplate);
        let prepared = Arc::new(prepared);
        let compare = self.compare_options(&corpus, &prepared);
        let comparer = Comparer::with_prepared(&corpus, Arc::clone(&prepared), &compare);
        let scope = self.options.verdicts;
        let keeps = |v: &Verdict| scope == VerdictScope::All || v.relation != Relation::None;
        let verdicts = comparer.compare_filtered(&pairs, keeps, progress)?;
        progress.end(Stage::Compare);

        progress.begin(Stage::Group, Some(corpus.stories.len() as u64));
        let grouping = self.group_options(decisions);
        let groups = group::group(&corpus, &verdicts, &grouping, &|a, b| Ok(comparer.compare(a, b)))?;
        progress.end(Stage::Group);
        let content = outcome::Content { vectors, prepared };
        Ok(DedupOutcome {
            embedder: Arc::clone(&self.embedder),
            corpus: Arc::new(corpus),
            content: Arc::new(content.into()),
            compare,
            grouping,
            index: self.options.index,
            search,
            compared: pairs.len(),
            verdicts,
            groups,
            embed_stats,
        })
    }

    /// The thresholds of the rule table, fitted to the model, with the minimum coverage that was set.
    fn compare_options(&self, corpus: &Corpus, prepared: &PreparedCorpus) -> compare::Options {
        let mut thresholds = Thresholds::default();
        if let Some(table) = &self.options.rules {
            let fingerprint = self.embedder.model().fingerprint();
            thresholds = table.for_model(&fingerprint, || prepared.cosine_baseline());
        }
        let known = MeaningScale::of_model(&self.embedder.model().name);
        let scale = known.unwrap_or_else(|| prepared.meaning_scale(corpus));
        compare::Options { scale, ..self.with_min_coverage(thresholds) }
    }

    fn with_min_coverage(&self, mut thresholds: Thresholds) -> compare::Options {
        if let Some(share) = self.options.min_coverage {
            thresholds.copy_coverage = share;
        }
        compare::Options { thresholds, boilerplate: self.options.boilerplate.clone(), ..Default::default() }
    }

    fn group_options(&self, constraints: Constraints) -> group::Options {
        group::Options {
            keep: self.options.keep.clone(),
            removed: self.options.removed.clone(),
            constraints,
            ..group::Options::default()
        }
    }
}

/// Settings of a [`Deduplicator`]. Only the model has no default: [`Deduplicator::builder`].
#[derive(Default)]
#[must_use]
pub struct DeduplicatorBuilder {
    model: Option<Model>,
    embedder: Option<Arc<Embedder>>,
    device: EmbedderBuilder,
    options: DedupOptions,
}

impl DeduplicatorBuilder {
    /// The model that passages are embedded with.
    pub fn model(self, model: Model) -> Self {
        DeduplicatorBuilder { model: Some(model), ..self }
    }

    /// A model that is on its device already, in place of [`DeduplicatorBuilder::model`], `device` and `threads`.
    pub fn embedder(self, embedder: Arc<Embedder>) -> Self {
        DeduplicatorBuilder { embedder: Some(embedder), ..self }
    }

    /// What computes. By default the GPU that this build and machine have, else the CPU.
    pub fn device(self, device: DeviceChoice) -> Self {
        DeduplicatorBuilder { device: self.device.device(device), ..self }
    }

    /// A number of threads of its own, at least 1. By default those of the caller.
    pub fn threads(self, threads: usize) -> Self {
        DeduplicatorBuilder { device: self.device.threads(threads), ..self }
    }

    /// The coverage in [0, 1] from which a story is a copy. By default that of the rule table.
    pub fn min_coverage(mut self, share: f32) -> Self {
        self.options.min_coverage = Some(share);
        self
    }

    /// A rule table, as calibration proposes it. By default the built-in one.
    pub fn rules(mut self, rules: RuleTable) -> Self {
        self.options.rules = Some(rules);
        self
    }

    /// Passages that are known to be boilerplate, or not to be, in addition to what the corpus itself shows.
    pub fn boilerplate(mut self, boilerplate: BoilerplateList) -> Self {
        self.options.boilerplate = boilerplate;
        self
    }

    /// Which story of a group is kept. By default the likely origin.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.options.keep = keep;
        self
    }

    /// Which relations to the kept story a run removes. By default those that repeat its wording.
    pub fn remove(mut self, removed: RemovedRelations) -> Self {
        self.options.removed = removed;
        self
    }

    /// How neighbours are searched. By default exactly, as far as that is faster.
    pub fn index(mut self, index: IndexChoice) -> Self {
        self.options.index = index;
        self
    }

    /// Which verdicts the outcome keeps. By default all.
    pub fn verdicts(mut self, scope: VerdictScope) -> Self {
        self.options.verdicts = scope;
        self
    }

    /// Checks the settings and loads the model onto the device.
    ///
    /// # Errors
    /// [`Error::NoModel`] without a model, [`Error::Setting`] for a coverage outside [0, 1], and as
    /// [`EmbedderBuilder::build`].
    pub fn build(self) -> Result<Deduplicator> {
        self.options.min_coverage.map_or(Ok(()), check_coverage)?;
        let embedder = match (self.embedder, self.model) {
            (Some(embedder), _) => embedder,
            (None, Some(model)) => Arc::new(self.device.build(model)?),
            (None, None) => return Err(Error::NoModel),
        };
        Ok(Deduplicator { embedder, options: self.options })
    }
}

/// Checks that `share` can be a minimum coverage.
///
/// # Errors
/// [`Error::Setting`] if it is not in [0, 1].
pub fn check_coverage(share: f32) -> Result<()> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(Error::Setting { setting: Setting::MinCoverage, message: format!("{share} is no share") })
}

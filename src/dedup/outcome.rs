//! What a deduplication found, to be read and asked again.

use std::sync::{Arc, OnceLock};

use super::{StoryGroup, check_coverage};
use crate::{
    Error, Result,
    compare::{self, Comparer, Explanation, PreparedCorpus, Thresholds, Verdict},
    embed::EmbedStats,
    embedder::Embedder,
    group::{self, Constraints, Groups, Member},
    progress::NoProgress,
    search::{IndexChoice, SearchReport},
    story::{Corpus, StoryId},
    vector::Matrix,
};

/// The result of [`Deduplicator::run`](super::Deduplicator::run): stories, vectors, verdicts and groups.
#[must_use]
pub struct DedupOutcome {
    pub(super) embedder: Arc<Embedder>,
    pub(super) corpus: Arc<Corpus>,
    /// Empty until it is asked for, if the verdicts were read from a file.
    pub(super) content: Arc<OnceLock<Content>>,
    pub(super) compare: compare::Options,
    pub(super) grouping: group::Options,
    /// The index that was asked for.
    pub(super) index: IndexChoice,
    pub(super) search: SearchReport,
    pub(super) compared: usize,
    /// In order of `(a, b)`.
    pub(super) verdicts: Vec<Verdict>,
    pub(super) groups: Groups,
    pub(super) embed_stats: EmbedStats,
}

/// What a comparison needs of the corpus.
pub(super) struct Content {
    /// One unit vector for each row of the corpus.
    pub vectors: Arc<Matrix>,
    pub prepared: Arc<PreparedCorpus>,
}

impl DedupOutcome {
    /// The groups of two and more stories, in the order of their first stories.
    pub fn groups(&self) -> impl Iterator<Item = StoryGroup<'_>> {
        self.groups.groups.iter().map(|group| StoryGroup { corpus: &self.corpus, group })
    }

    /// Groups, and links between stories that all stay, by the numbers of the stories.
    pub fn grouping(&self) -> &Groups {
        &self.groups
    }

    /// The members of groups that a run which keeps one story of each group removes.
    pub fn removed(&self) -> impl Iterator<Item = &Member> {
        self.groups.groups.iter().flat_map(|group| group.members.iter().filter(|m| m.removed))
    }

    /// The stories with their passages, in the order of the input.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The verdicts that the run kept, in order of their stories.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// How many pairs were compared.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// How candidate pairs were found.
    pub fn search(&self) -> &SearchReport {
        &self.search
    }

    /// What the encoder saw: texts, tokens and windows.
    pub fn embed_stats(&self) -> &EmbedStats {
        &self.embed_stats
    }

    /// The decisions that the groups were made by.
    pub fn decisions(&self) -> &Constraints {
        &self.grouping.constraints
    }

    /// The thresholds that pairs were classified by.
    pub fn thresholds(&self) -> &Thresholds {
        &self.compare.thresholds
    }

    /// The model and device that the stories were embedded with.
    pub fn embedder(&self) -> &Arc<Embedder> {
        &self.embedder
    }

    /// How pairs were compared.
    pub fn compare_options(&self) -> &compare::Options {
        &self.compare
    }

    /// The vectors of the passages: one unit vector for each row of the corpus.
    ///
    /// # Errors
    /// As [`DedupOutcome::comparer`].
    pub fn vectors(&self) -> Result<&Matrix> {
        self.content().map(|content| &*content.vectors)
    }

    /// Compares any two of the stories, by the tables that the run prepared.
    ///
    /// # Errors
    /// As [`Embedder::embed`], if the verdicts were read from a file, so that nothing has been embedded yet.
    pub fn comparer(&self) -> Result<Comparer<'_>> {
        let prepared = Arc::clone(&self.content()?.prepared);
        Ok(Comparer::with_prepared(&self.corpus, prepared, &self.compare))
    }

    /// Corpus and vectors, to be shared with a linker or a lookup.
    ///
    /// # Errors
    /// As [`DedupOutcome::comparer`].
    pub fn shared(&self) -> Result<(Arc<Corpus>, Arc<Matrix>)> {
        Ok((Arc::clone(&self.corpus), Arc::clone(&self.content()?.vectors)))
    }

    fn content(&self) -> Result<&Content> {
        if let Some(content) = self.content.get() {
            return Ok(content);
        }
        let vectors = self.embedder.embed_corpus(&self.corpus, None, &NoProgress)?.vectors;
        let vectors = Arc::new(vectors);
        let prepared =
            Arc::new(PreparedCorpus::new(&self.corpus, Arc::clone(&vectors), &self.compare.boilerplate));
        Ok(self.content.get_or_init(|| Content { vectors, prepared }))
    }

    /// Explains the verdict on two stories: what is the same, changed, cut and added, and what would change the verdict.
    ///
    /// # Errors
    /// [`Error::UnknownStory`] if no story has one of the ids, and as [`DedupOutcome::comparer`].
    pub fn explain(&self, a: &str, b: &str) -> Result<Explanation> {
        let (a, b) = (self.find(a)?, self.find(b)?);
        Ok(self.comparer()?.explain(a, b))
    }

    fn find(&self, id: &str) -> Result<StoryId> {
        let place = self.corpus.stories.iter().position(|story| story.id == id);
        place.map(|i| StoryId(i as u32)).ok_or_else(|| Error::UnknownStory { id: id.into() })
    }

    /// The same stories with another coverage, in [0, 1], from which a story is a copy. Nothing is embedded or searched
    /// again; only a member that was never compared with its canonical story is.
    ///
    /// # Errors
    /// [`Error::Setting`] for a coverage outside [0, 1], and as [`DedupOutcome::comparer`].
    pub fn rethreshold(&self, min_coverage: f32) -> Result<DedupOutcome> {
        check_coverage(min_coverage)?;
        self.with_thresholds(Thresholds { copy_coverage: min_coverage, ..self.compare.thresholds.clone() })
    }

    /// As [`DedupOutcome::rethreshold`], with all thresholds.
    ///
    /// # Errors
    /// As [`DedupOutcome::comparer`].
    pub fn with_thresholds(&self, thresholds: Thresholds) -> Result<DedupOutcome> {
        let verdicts: Vec<Verdict> = self.verdicts.iter().map(|v| v.reclassify(&thresholds)).collect();
        let compare = compare::Options { thresholds, ..self.compare.clone() };
        let prepared = Arc::clone(&self.content()?.prepared);
        let comparer = Comparer::with_prepared(&self.corpus, prepared, &compare);
        let compare_pair = |a, b| Ok(comparer.compare(a, b));
        let groups =
            self.embedder.install(|| group::group(&self.corpus, &verdicts, &self.grouping, &compare_pair))?;
        drop(comparer);
        Ok(DedupOutcome {
            embedder: Arc::clone(&self.embedder),
            corpus: Arc::clone(&self.corpus),
            content: Arc::clone(&self.content),
            compare,
            grouping: self.grouping.clone(),
            index: self.index,
            search: self.search.clone(),
            compared: self.compared,
            verdicts,
            groups,
            embed_stats: self.embed_stats,
        })
    }
}

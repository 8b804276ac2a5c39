//! Compares pairs of stories of one corpus.

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    CorpusStatistics, Options, PairFeatures, PreparedCorpus, Verdict,
    align::{Alignment, Sequence, Vocabulary, align},
    classify::classify,
};
use crate::{
    Error, Result,
    progress::{Progress, Stage},
    story::{Corpus, StoryId},
    vector::Matrix,
};

/// Pairs that a thread compares at a time.
const CHUNK: usize = 256;

/// Compares stories of one corpus.
pub struct Comparer<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) options: &'a Options,
    pub(super) prepared: Arc<PreparedCorpus>,
}

impl<'a> Comparer<'a> {
    /// Prepares the stories of `corpus`; `vectors` holds one unit vector a row.
    pub fn new(corpus: &'a Corpus, vectors: impl Into<Arc<Matrix>>, options: &'a Options) -> Self {
        let prepared = PreparedCorpus::new(corpus, vectors, &options.boilerplate);
        Self::with_prepared(corpus, Arc::new(prepared), options)
    }

    /// As [`Comparer::new`], for a few stories out of many, with what is known of the many.
    ///
    /// # Errors
    /// If the document frequencies cannot be read.
    pub fn with_statistics(
        corpus: &'a Corpus,
        vectors: impl Into<Arc<Matrix>>,
        options: &'a Options,
        statistics: CorpusStatistics<'_>,
    ) -> Result<Self> {
        let prepared = PreparedCorpus::with_statistics(corpus, vectors, statistics)?;
        Ok(Self::with_prepared(corpus, Arc::new(prepared), options))
    }

    /// Compares stories of `corpus`, which `prepared` was made from.
    pub fn with_prepared(corpus: &'a Corpus, prepared: Arc<PreparedCorpus>, options: &'a Options) -> Self {
        Comparer { corpus, options, prepared }
    }

    /// What was prepared of the corpus, to be shared with other comparers of it.
    pub fn prepared(&self) -> &Arc<PreparedCorpus> {
        &self.prepared
    }

    /// The verdict on `a` and `b`.
    pub fn compare(&self, a: StoryId, b: StoryId) -> Verdict {
        let mut features = self.features(a, b, &self.align(a, b));
        if self.is_identical(a, b) {
            features =
                PairFeatures { coverage_ab: 1.0, coverage_ba: 1.0, cosine: 1.0, same_text: true, ..features };
        }
        let rule = classify(&features, &self.options.thresholds);
        Verdict::new(a, b, rule, features)
    }

    /// The verdicts on `pairs`, in their order.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` was cancelled.
    pub fn compare_all(&self, pairs: &[(StoryId, StoryId)], progress: &dyn Progress) -> Result<Vec<Verdict>> {
        self.compare_filtered(pairs, |_| true, progress)
    }

    /// The verdicts on `pairs` that `keep` accepts, in their order. Most pairs of a large corpus are not related, and each
    /// verdict takes 140 bytes.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` was cancelled.
    pub fn compare_filtered(
        &self,
        pairs: &[(StoryId, StoryId)],
        keep: impl Fn(&Verdict) -> bool + Sync,
        progress: &dyn Progress,
    ) -> Result<Vec<Verdict>> {
        let compared: Vec<Verdict> = pairs
            .par_chunks(CHUNK)
            .flat_map_iter(|chunk| {
                let mut verdicts: Vec<Verdict> = Vec::new();
                if !progress.cancelled() {
                    verdicts.extend(chunk.iter().map(|&(a, b)| self.compare(a, b)).filter(&keep));
                }
                progress.advance(Stage::Compare, chunk.len() as u64);
                verdicts
            })
            .collect();
        if progress.cancelled() { Err(Error::Interrupted) } else { Ok(compared) }
    }

    fn is_identical(&self, a: StoryId, b: StoryId) -> bool {
        let (x, y) = (self.corpus.story_rows(a), self.corpus.story_rows(b));
        x.len() > 0 && x.len() == y.len() && x.eq(y)
    }

    pub(super) fn align(&self, a: StoryId, b: StoryId) -> Alignment {
        let sequence = |s: StoryId| {
            let story = &self.prepared.stories[s.index()];
            Sequence { ids: &story.ids, bigrams: &story.bigrams }
        };
        let vocabulary =
            Vocabulary { tokens: &self.prepared.vocabulary, is_known_name: &self.prepared.is_known_name };
        // The greedy search is not symmetric: the lower story always comes first.
        if a <= b {
            return align(&sequence(a), &sequence(b), vocabulary);
        }
        let Alignment { of_a, of_b, longest } = align(&sequence(b), &sequence(a), vocabulary);
        Alignment { of_a: of_b, of_b: of_a, longest }
    }
}

//! Compared pairs as a file: written by one run, classified and grouped anew by another.

use std::{
    cell::RefCell,
    io::{self, Write},
    path::Path,
    sync::{Arc, OnceLock},
};

use super::{DedupInput, DedupOutcome, Deduplicator};
use crate::{
    Error, Result,
    boilerplate::BoilerplateList,
    compare::{self, Comparer, Provenance, Thresholds, Verdict},
    embed::EmbedStats,
    embedder::Embedder,
    error::Setting,
    group,
    progress::{Progress, Stage},
    search::IndexChoice,
    story::{Corpus, RowId, StoryId},
    vector::Matrix,
};

/// What the features of pairs depend on.
fn basis(
    embedder: &Embedder,
    index: IndexChoice,
    corpus: &Corpus,
    boilerplate: &BoilerplateList,
) -> Provenance {
    let (model, device) = (embedder.model().fingerprint(), embedder.encoder().describe());
    Provenance::new(corpus, &model, &device, index.name(), boilerplate)
}

impl DedupOutcome {
    /// Writes the verdicts with their features as JSON lines, for [`Deduplicator::run_from_pairs`].
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_pairs(&self, out: &mut dyn Write) -> io::Result<()> {
        let basis = basis(&self.embedder, self.index, &self.corpus, &self.compare.boilerplate);
        compare::write_pairs(&basis, &self.search, &self.corpus, &self.verdicts, out)
    }
}

impl Deduplicator {
    /// Classifies and groups the pairs of `file` anew, which [`DedupOutcome::write_pairs`] wrote of the same stories: the
    /// same result as [`Deduplicator::run_with`], without embedding, searching or comparing. Where a story is held against
    /// a canonical one that it was never compared with, the passages of those two alone are embedded.
    ///
    /// # Errors
    /// [`Error::Line`] if the file was made from other stories, another model or other settings, or is broken;
    /// [`Error::Setting`] if the rule table was measured with another model; and as [`Embedder::embed`].
    pub fn run_from_pairs(
        &self,
        input: DedupInput<'_>,
        file: &Path,
        progress: &dyn Progress,
    ) -> Result<DedupOutcome> {
        let DedupInput { corpus, decisions, .. } = input;
        let compare = self.with_min_coverage(self.table_thresholds()?);
        progress.begin(Stage::Compare, None);
        let basis = basis(&self.embedder, self.options.index, &corpus, &compare.boilerplate);
        let (search, verdicts) = compare::read_pairs(file, &basis, &corpus, &compare.thresholds)?;
        progress.end(Stage::Compare);

        let known = |a: StoryId, b: StoryId| {
            let at = verdicts.binary_search_by_key(&(a.min(b), a.max(b)), |v| (v.a, v.b)).ok()?;
            Some(if verdicts[at].a == a { verdicts[at].clone() } else { verdicts[at].flipped() })
        };
        let grouping = self.group_options(decisions);
        let missing = RefCell::new(Vec::new());
        let note = |a, b| {
            missing.borrow_mut().extend([a, b]);
            Verdict::none(a, b)
        };
        progress.begin(Stage::Group, Some(corpus.stories.len() as u64));
        let mut groups = group::group(&corpus, &verdicts, &grouping, &|a, b| {
            Ok(known(a, b).unwrap_or_else(|| note(a, b)))
        })?;
        progress.end(Stage::Group);
        let mut embed_stats = EmbedStats::default();
        let missing = missing.into_inner();
        if !missing.is_empty() {
            let vectors;
            (vectors, embed_stats) = self.embed_stories(&missing, &corpus, progress)?;
            let comparer = Comparer::new(&corpus, vectors, &compare);
            let compare_pair = |a, b| Ok(known(a, b).unwrap_or_else(|| comparer.compare(a, b)));
            groups = group::group(&corpus, &verdicts, &grouping, &compare_pair)?;
        }
        Ok(DedupOutcome {
            embedder: Arc::clone(&self.embedder),
            corpus: Arc::new(corpus),
            content: Arc::new(OnceLock::new()),
            compare,
            grouping,
            index: self.options.index,
            search,
            compared: verdicts.len(),
            verdicts,
            groups,
            embed_stats,
        })
    }

    /// The thresholds of a rule table that was measured with this model: to fit those of another one takes the vectors of
    /// all stories.
    fn table_thresholds(&self) -> Result<Thresholds> {
        let Some(table) = &self.options.rules else { return Ok(Thresholds::default()) };
        if !table.fingerprint.is_empty() && table.fingerprint != self.embedder.model().fingerprint() {
            return Err(Error::Setting {
                setting: Setting::Rules,
                message: "this table was measured with another model than the pairs were".into(),
            });
        }
        Ok(table.thresholds.clone())
    }

    /// The vectors of the rows of `stories`; those of all other rows are zero.
    fn embed_stories(
        &self,
        stories: &[StoryId],
        corpus: &Corpus,
        progress: &dyn Progress,
    ) -> Result<(Matrix, EmbedStats)> {
        let mut rows: Vec<RowId> = stories.iter().flat_map(|s| corpus.story_rows(*s)).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut vectors = Matrix::zeros(corpus.rows.len(), self.embedder.encoder().dim());
        let embed_stats = self.embedder.embed_rows(corpus, &rows, &mut vectors, progress)?;
        Ok((vectors, embed_stats))
    }
}

//! Reports on an outcome: files for people and programs, and the figures of the run.

use std::io::{self, Write};

use super::{DedupOutcome, outcome::Content};
use crate::{
    Result,
    compare::Relation,
    embedder::Embedder,
    group::{Constraints, Group, Groups},
    progress::Progress,
    report::{self, Evidence, Format, Manifest},
    story::Corpus,
};

/// The probability of one origin from which a member of a group is not in doubt.
const CERTAIN: f32 = 0.75;

impl DedupOutcome {
    /// Writes the report in `format`.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_report(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        report::write(format, &self.corpus, &self.groups, out)
    }

    /// What the review page shows of the groups: aligned passages and the coverage of all pairs.
    ///
    /// # Errors
    /// As [`DedupOutcome::comparer`].
    pub fn evidence(&self, progress: &dyn Progress) -> Result<Evidence> {
        let (comparer, thresholds) = (self.comparer()?, self.thresholds());
        Ok(self
            .embedder
            .install(|| Evidence::gather(&comparer, &self.verdicts, &self.groups, thresholds, progress)))
    }

    /// The figures of the run. Those of reading and the seconds are for the caller to add.
    pub fn manifest(&self) -> Manifest {
        let unread = |content: &Content| content.prepared.unread_languages(&self.corpus, &self.compare.scale);
        let unread = self.content.get().map(unread).unwrap_or_default();
        Manifest {
            compared_by_words: unread.into_iter().map(|(l, n)| (l.code().into(), n as u64)).collect(),
            index: self.search.to_string(),
            candidates: self.compared as u64,
            candidate_recall: self.search.recall,
            recall_method: self.search.recall_how.clone(),
            embedding: self.embed_stats,
            ..Manifest::of_run(&self.embedder, &self.corpus)
                .with_groups(&self.groups)
                .with_decisions(self.decisions())
        }
    }
}

impl Manifest {
    /// What runs, and on how much: model, device, threads, stories, passages and rows.
    pub fn of_run(embedder: &Embedder, corpus: &Corpus) -> Self {
        let model = embedder.model();
        Manifest {
            version: env!("CARGO_PKG_VERSION").into(),
            model: model.name.clone(),
            fingerprint: model.fingerprint(),
            device: embedder.describe_device(),
            threads: embedder.threads(),
            stories: corpus.stories.len() as u64,
            passages: corpus.passages.iter().map(|p| p.len() as u64).sum(),
            distinct_passages: corpus.rows.len() as u64,
            ..Manifest::default()
        }
    }

    /// With what was found: groups, removed stories and links.
    #[must_use]
    pub fn with_groups(self, groups: &Groups) -> Self {
        let members = || groups.groups.iter().flat_map(|g| &g.members).filter(|m| m.removed);
        let removed =
            |r: Relation| (r.name().to_string(), members().filter(|m| m.relation == r).count() as u64);
        let links = |r: Relation| {
            (r.name().to_string(), groups.links.iter().filter(|l| l.relation == r).count() as u64)
        };
        let origins = Relation::ALL.into_iter().filter(|relation| relation.is_origin());
        let is_in_doubt = |g: &&Group| g.members.iter().filter_map(|m| m.probability).any(|p| p < CERTAIN);
        Manifest {
            groups: groups.groups.len() as u64,
            in_doubt: groups.groups.iter().filter(is_in_doubt).count() as u64,
            removed: origins.map(removed).collect(),
            links: Relation::ALL.into_iter().filter(|relation| relation.is_link()).map(links).collect(),
            ..self
        }
    }

    /// With the number of decisions that apply to the stories.
    #[must_use]
    pub fn with_decisions(self, decisions: &Constraints) -> Self {
        let count = decisions.must_link.len() + decisions.cannot_link.len() + decisions.canonical.len();
        Manifest { decisions: count as u64, ..self }
    }
}

//! Progress reports of a run, and its cancellation.

/// The stages of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Reading stories; unit: bytes.
    Ingest,
    /// Tokenizing rows; unit: rows.
    Tokenize,
    /// Embedding rows; unit: tokens.
    Embed,
    /// Searching candidate pairs; unit: rows.
    Search,
    /// Comparing candidate pairs; unit: pairs.
    Compare,
    /// Grouping; unit: stories.
    Group,
    /// Linking related stories; unit: stories.
    Link,
    /// Writing stories to a store; unit: stories.
    Store,
    /// Aligning pairs for a report; unit: pairs.
    Report,
    /// Benchmarking; unit: rounds.
    Bench,
}

impl Stage {
    /// Its name: "reading", "tokenizing" and so on.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ingest => "reading",
            Stage::Tokenize => "tokenizing",
            Stage::Embed => "embedding",
            Stage::Search => "searching",
            Stage::Compare => "comparing",
            Stage::Group => "grouping",
            Stage::Link => "linking",
            Stage::Store => "storing",
            Stage::Report => "reporting",
            Stage::Bench => "measuring",
        }
    }

    /// The unit that [`Progress::advance`] counts.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Stage::Ingest => "bytes",
            Stage::Tokenize | Stage::Search => "rows",
            Stage::Embed => "tokens",
            Stage::Compare | Stage::Report => "pairs",
            Stage::Group | Stage::Link | Stage::Store => "stories",
            Stage::Bench => "rounds",
        }
    }
}

/// Receives the progress of a run. Called from many threads.
pub trait Progress: Sync {
    /// A stage begins; `total` is in the stage's unit, if known.
    fn begin(&self, stage: Stage, total: Option<u64>);
    /// `n` more units are done.
    fn advance(&self, stage: Stage, n: u64);
    /// The stage is done.
    fn end(&self, stage: Stage);
    /// Something the user should know although the run continues, such as a smaller batch.
    fn warn(&self, _message: &str) {}
    /// Whether the run was cancelled. Stages check about once per second.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Ignores all reports and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: Stage, _: u64) {}
    fn end(&self, _: Stage) {}
}

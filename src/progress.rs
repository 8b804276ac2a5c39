//! How a stage tells that it moves, and learns that it should stop.

/// The stages of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Putting stories into a store; unit: stories.
    Store,
    /// Laying pairs side by side for a report; unit: pairs.
    Report,
    /// Measuring; unit: measurements.
    Bench,
}

impl Stage {
    /// The stage's name, a verb.
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

    /// The unit that [`Progress::advance`] counts in.
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

/// Hears of a run's progress. Called from many threads.
pub trait Progress: Sync {
    /// A stage begins; `total` in the stage's unit, if known.
    fn begin(&self, stage: Stage, total: Option<u64>);
    /// `n` more units are done.
    fn advance(&self, stage: Stage, n: u64);
    /// The stage is done.
    fn end(&self, stage: Stage);
    /// What the user should know although the run goes on: a fallback, a smaller batch.
    fn warn(&self, _message: &str) {}
    /// Whether the user asked to stop; stages ask at least every second or so.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Says nothing and never stops.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: Stage, _: u64) {}
    fn end(&self, _: Stage) {}
}

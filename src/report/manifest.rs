//! The summary of a run: its input, results, model and device, and the time of each stage.

use serde::Serialize;

use crate::embed::EmbedStats;

/// The time of one stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageTime {
    /// The stage's name.
    pub stage: String,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// The summary of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Manifest {
    /// The program's version.
    pub version: String,
    /// The model's name.
    pub model: String,
    /// The model's fingerprint.
    pub fingerprint: String,
    /// Device, instruction set and precision.
    pub device: String,
    /// Threads used.
    pub threads: usize,
    /// Files read.
    pub files: u64,
    /// Records that could not be read.
    pub skipped: u64,
    /// Notices about the input.
    pub notices: u64,
    /// Stories.
    pub stories: u64,
    /// Passages.
    pub passages: u64,
    /// Distinct passage texts.
    pub distinct_passages: u64,
    /// The index that was searched, and why.
    pub index: String,
    /// Candidate pairs compared.
    pub candidates: u64,
    /// Share of the pairs of passages above the similarity threshold that the index found.
    pub candidate_recall: f64,
    /// How the recall was measured.
    pub recall_method: String,
    /// Reviewers' decisions on these stories; all are applied.
    pub decisions: u64,
    /// Groups of two or more stories.
    pub groups: u64,
    /// Stories removed by relation name, in the order of the relations.
    pub removed: Vec<(String, u64)>,
    /// Links by relation name.
    pub links: Vec<(String, u64)>,
    /// What was embedded.
    pub embedding: EmbedStats,
    /// Seconds per stage.
    pub stages: Vec<StageTime>,
}

impl Manifest {
    /// The summary as text, one topic a line.
    pub fn summary(&self) -> String {
        let removed: u64 = self.removed.iter().map(|(_, n)| n).sum();
        let list = |counts: &[(String, u64)]| {
            let parts: Vec<_> =
                counts.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
            if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
        };
        let links: u64 = self.links.iter().map(|(_, n)| n).sum();
        let stages: Vec<_> = self.stages.iter().map(|s| format!("{} {:.2} s", s.stage, s.seconds)).collect();
        let l = &self.embedding;
        let known = match l.cached_texts {
            0 => String::new(),
            n => format!("; {n} passages known from the store"),
        };
        let decided = match self.decisions {
            0 => String::new(),
            n => format!("; {n} decisions applied"),
        };
        [
            format!(
                "stories    {} in {} files ({} records skipped, {} notices), {} passages, {} distinct",
                self.stories, self.files, self.skipped, self.notices, self.passages, self.distinct_passages
            ),
            format!("found      {} groups, {removed} to remove{}", self.groups, list(&self.removed)),
            format!("           {links} links{}{decided}", list(&self.links)),
            format!("index      {}; {} pairs compared", self.index, self.candidates),
            format!(
                "recall     {:.4} of the row pairs above the floor: {}",
                self.candidate_recall, self.recall_method
            ),
            format!(
                "model      {} {}, {}, {} threads",
                self.model,
                short(&self.fingerprint),
                self.device,
                self.threads
            ),
            format!(
                "tokens     {} seen, {} cut; {} passages longer than the window, read as {} windows{known}",
                l.tokens, l.truncated_tokens, l.windowed_texts, l.windows
            ),
            format!("seconds    {}", stages.join(", ")),
        ]
        .join("\n")
    }
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

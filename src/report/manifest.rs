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
    /// Stories of a store that they were compared with; removed stories may be among them.
    pub stored: u64,
    /// Passages.
    pub passages: u64,
    /// Distinct passage texts.
    pub distinct_passages: u64,
    /// Stories in languages that the model does not read, which were compared by words only: codes of languages with
    /// numbers of stories.
    pub compared_by_words: Vec<(String, u64)>,
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
    /// Groups with a member whose probability of one origin is below three quarters.
    pub in_doubt: u64,
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
    /// The result as text for a person, one topic a line.
    pub fn summary(&self) -> String {
        let removed: u64 = self.removed.iter().map(|(_, n)| n).sum();
        let links: u64 = self.links.iter().map(|(_, n)| n).sum();
        let (stories, files) = (count(self.stories, "story"), count(self.files, "file"));
        let remaining = (self.stories + self.stored).saturating_sub(removed);
        let beside = match self.stored {
            0 => String::new(),
            n => format!(", beside {} of the store", grouped(n)),
        };
        let repeats = if removed == 1 { "repeats another" } else { "repeat others" };
        let mut lines = vec![
            format!(
                "{stories} in {files}{beside}: {} {repeats}{}, {} remain{}",
                grouped(removed),
                list(&self.removed),
                grouped(remaining),
                if remaining == 1 { "s" } else { "" }
            ),
            format!("{}; {}{}", count(self.groups, "group"), count(links, "link"), list(&self.links)),
        ];
        if self.decisions > 0 {
            lines[1] += &format!("; {} applied", count(self.decisions, "decision"));
        }
        if self.in_doubt > 0 {
            let (groups, are) =
                (count(self.in_doubt, "group"), if self.in_doubt == 1 { "is" } else { "are" });
            lines.push(format!("{groups} {are} in doubt: least certain first on the review page"));
        }
        lines.extend(self.languages_line());
        if self.skipped + self.notices > 0 {
            lines.push(format!(
                "{} skipped, {}",
                count(self.skipped, "record"),
                count(self.notices, "notice")
            ));
        }
        lines.join("\n")
    }

    /// The figures of the engine as text, one topic a line.
    pub fn details(&self) -> String {
        let stages: Vec<_> = self.stages.iter().map(|s| format!("{} {:.2} s", s.stage, s.seconds)).collect();
        let l = &self.embedding;
        let known = match l.cached_texts {
            0 => String::new(),
            n => format!("; {} known from the store", count(n, "passage")),
        };
        [
            format!("passages   {}, {} distinct", self.passages, self.distinct_passages),
            format!("index      {}; {} compared", self.index, count(self.candidates, "pair")),
            format!(
                "recall     {:.4} of the row pairs above the floor: {}",
                self.candidate_recall, self.recall_method
            ),
            format!(
                "model      {} {}, {}, {}",
                self.model,
                short(&self.fingerprint),
                self.device,
                count(self.threads as u64, "thread")
            ),
            format!(
                "tokens     {} seen, {} cut; {} longer than the window, read as {}{known}",
                l.tokens,
                l.truncated_tokens,
                count(l.windowed_texts, "passage"),
                count(l.windows, "window")
            ),
            format!("seconds    {}", stages.join(", ")),
        ]
        .join("\n")
    }

    /// Which stories were compared by words only, if any were.
    fn languages_line(&self) -> Option<String> {
        let stories: u64 = self.compared_by_words.iter().map(|(_, n)| n).sum();
        let codes: Vec<&str> = self.compared_by_words.iter().map(|(code, _)| code.as_str()).collect();
        (stories > 0).then(|| {
            let stories = count(stories, "story");
            format!(
                "{stories} in {}: compared by words only, as this model does not read them",
                codes.join(", ")
            )
        })
    }
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

/// " (4 copies, 1 excerpt)", of those that there are.
fn list(counts: &[(String, u64)]) -> String {
    let parts: Vec<_> = counts.iter().filter(|(_, n)| *n > 0).map(|(name, n)| count(*n, name)).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// A number with its noun: "1 story", "2 stories".
fn count(n: u64, noun: &str) -> String {
    let noun = match noun.strip_suffix('y') {
        _ if n == 1 || noun == "identical" => noun.to_string(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    };
    format!("{} {noun}", grouped(n))
}

/// A number with commas between thousands.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_nouns() {
        let check = |n, noun, expect: &str| assert_eq!(count(n, noun), expect);
        check(0, "story", "0 stories");
        check(1, "story", "1 story");
        check(2_884, "story", "2,884 stories");
        check(1_000_000, "link", "1,000,000 links");
        check(4, "copy", "4 copies");
        check(3, "identical", "3 identical");
        check(1, "quote", "1 quote");
        check(999, "update", "999 updates");
    }

    #[test]
    fn the_result_comes_first() {
        let mut manifest = Manifest {
            stories: 2_884,
            files: 1,
            removed: vec![("copy".into(), 620), ("excerpt".into(), 1), ("update".into(), 0)],
            groups: 357,
            links: vec![("twin".into(), 2)],
            ..Manifest::default()
        };
        let start = "2,884 stories in 1 file: 621 repeat others (620 copies, 1 excerpt), 2,263 remain\n\
                     357 groups; 2 links (2 twins)";
        assert_eq!(manifest.summary(), start);
        manifest.stored = 10;
        let beside = "2,884 stories in 1 file, beside 10 of the store: 621 repeat others (620 copies, 1 excerpt), 2,273 remain";
        assert_eq!(manifest.summary().lines().next(), Some(beside));
        manifest.stored = 0;
        manifest.in_doubt = 1;
        manifest.compared_by_words = vec![("de".into(), 400), ("fr".into(), 12)];
        manifest.notices = 1;
        let more = "1 group is in doubt: least certain first on the review page\n\
                    412 stories in de, fr: compared by words only, as this model does not read them\n\
                    0 records skipped, 1 notice";
        assert_eq!(manifest.summary(), format!("{start}\n{more}"));
    }
}

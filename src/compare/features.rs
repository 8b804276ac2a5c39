//! The features of a pair of stories, which the rules classify.

use serde::{Deserialize, Serialize};

/// The features of a pair. Stores of earlier versions have the aliases.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PairFeatures {
    /// Share of A's informative tokens found in B, in [0, 1].
    pub coverage_ab: f32,
    /// Share of B's informative tokens found in A, in [0, 1].
    pub coverage_ba: f32,
    /// Matched informative tokens, in tokens of average weight.
    pub matched: f32,
    /// Matched informative tokens of the longest passage that both have but for single words, in tokens of average weight.
    #[serde(alias = "passage")]
    pub longest_passage: f32,
    /// The longest common run, in words.
    #[serde(alias = "longest")]
    pub longest_run: usize,
    /// Share of the matched informative tokens of passages that both have but for single words, which are quoted in either
    /// story, in [0, 1].
    #[serde(default)]
    pub quoted: f32,
    /// Share of a story's informative tokens outside of quotations that are found in the other, in [0, 1]: the higher one of
    /// the two; `None` if what both consist of is quoted.
    #[serde(default)]
    pub prose_coverage: Option<f32>,
    /// How often one says the opposite of the other in wording that both have: "confirms" and "denies".
    #[serde(default)]
    pub contradictions: u32,
    /// Whether their titles say the opposite of one another, in words that both have but for a few.
    #[serde(default)]
    pub opposite_titles: bool,
    /// Numbers in the aligned text of the story that has fewer.
    pub numbers: u32,
    /// Share of them that are found in the other, in [0, 1].
    pub numbers_shared: f32,
    /// Names in the aligned text of the story that has fewer.
    pub names: u32,
    /// Share of them that are found in the other, in [0, 1].
    pub names_shared: f32,
    /// Share of A's passages, by weight, that say what a passage of B says, in whatever words, in [0, 1]; 0 if the stories are
    /// too far apart, or have too few facts in common, to be asked. So are the two features below.
    #[serde(default)]
    pub meaning_ab: f32,
    /// Share of B's passages that say what a passage of A says, in [0, 1].
    #[serde(default)]
    pub meaning_ba: f32,
    /// Share of a story's passages whose closest counterparts stand in the same order, in [0, 1]: the higher one of the two.
    #[serde(default)]
    pub same_order: f32,
    /// Share of a story's names and numbers that few stories have, which the other has, in (0, 1): the lower one of the two,
    /// and the higher. Of few such facts it is not far from a quarter. 0 if the stories are too far apart to be asked, as are
    /// the three features below.
    #[serde(default)]
    pub rare_facts_lower: f32,
    /// See `rare_facts_lower`.
    #[serde(default)]
    pub rare_facts_higher: f32,
    /// Share of a story's distinct numbers that the other has, in [0, 1]: the lower one of the two, and the higher.
    #[serde(default)]
    pub numbers_lower: f32,
    /// See `numbers_lower`.
    #[serde(default)]
    pub numbers_higher: f32,
    /// Words of the shorter story, boilerplate apart.
    #[serde(default)]
    pub shorter_words: u32,
    /// Length of the shorter story in lengths of the longer one, in (0, 1].
    #[serde(default)]
    pub length_ratio: f32,
    /// Cosine similarity of the two stories' vectors.
    pub cosine: f32,
    /// Rare names and terms that both have.
    #[serde(alias = "shared_rare")]
    pub shared_rare_terms: u32,
    /// Weighted overlap of their titles, in [0, 1]; `None` if one has no title.
    #[serde(alias = "title_shared")]
    pub title_overlap: Option<f32>,
    /// Whether the title of each has a name that the other story lacks.
    #[serde(default, alias = "own_subjects")]
    pub distinct_title_names: bool,
    /// Whether the title of each has an informative word, no number, that is in its text and nowhere in the other story.
    #[serde(default)]
    pub distinct_subjects: bool,
    /// Share of a title's informative words found in its own text, in [0, 1]: the higher one of the two; `None` if neither
    /// story has such a title.
    #[serde(default, alias = "title_told")]
    pub title_coverage: Option<f32>,
    /// Days between their publication times; `None` if one has no date.
    pub days_apart: Option<f32>,
    /// Whether they are by two publishers; false if one is not known.
    #[serde(default, alias = "other_source")]
    pub different_sources: bool,
    /// Whether one publisher published both, at different times.
    pub same_source_later: bool,
    /// Whether they have the same passages in the same order.
    #[serde(default)]
    pub same_text: bool,
}

impl PairFeatures {
    /// The coverage of the better covered story.
    pub fn higher_coverage(&self) -> f32 {
        self.coverage_ab.max(self.coverage_ba)
    }

    /// The coverage of the other story.
    pub fn lower_coverage(&self) -> f32 {
        self.coverage_ab.min(self.coverage_ba)
    }

    /// "; 2 numbers and 1 name differ", or nothing where all are shared.
    pub(super) fn describe_differences(&self) -> String {
        let count = |all: u32, shared: f32, noun: &str| match (all as f32 * (1.0 - shared)).round() as u32 {
            0 => None,
            1 => Some(format!("1 {noun}")),
            n => Some(format!("{n} {noun}s")),
        };
        let numbers = count(self.numbers, self.numbers_shared, "number");
        let names = count(self.names, self.names_shared, "name");
        let all: Vec<String> = numbers.into_iter().chain(names).collect();
        match &all[..] {
            [] => String::new(),
            [one] if one.starts_with("1 ") => format!("; {one} differs"),
            all => format!("; {} differ", all.join(" and ")),
        }
    }

    /// Numbers and names that differ, for each matched informative token.
    pub(super) fn difference_density(&self) -> f32 {
        let differing = |all: u32, shared: f32| all as f32 * (1.0 - shared);
        let facts = differing(self.numbers, self.numbers_shared) + differing(self.names, self.names_shared);
        facts / self.matched.max(1.0)
    }

    /// Whether both have titles, which overlap by less than `share`.
    pub(super) fn titles_overlap_less(&self, share: f32) -> bool {
        self.title_overlap.is_some_and(|overlap| overlap < share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_described() {
        let check = |(numbers, numbers_shared), (names, names_shared), expect: &str| {
            let features =
                PairFeatures { numbers, numbers_shared, names, names_shared, ..PairFeatures::default() };
            assert_eq!(features.describe_differences(), expect);
        };
        check((6, 1.0), (8, 1.0), "");
        check((0, 0.0), (0, 0.0), "");
        check((3, 0.6667), (8, 1.0), "; 1 number differs");
        check((6, 0.5), (8, 1.0), "; 3 numbers differ");
        check((6, 0.5), (8, 0.875), "; 3 numbers and 1 name differ");
        check((6, 1.0), (8, 0.75), "; 2 names differ");
    }

    #[test]
    fn reads_the_field_names_of_earlier_stores() {
        let features = PairFeatures {
            longest_passage: 3.0,
            longest_run: 7,
            shared_rare_terms: 2,
            title_overlap: Some(0.5),
            distinct_title_names: true,
            title_coverage: Some(0.25),
            different_sources: true,
            ..PairFeatures::default()
        };
        let mut text = serde_json::to_string(&features).unwrap();
        for (new, old) in [
            ("longest_passage", "passage"),
            ("longest_run", "longest"),
            ("shared_rare_terms", "shared_rare"),
            ("title_overlap", "title_shared"),
            ("distinct_title_names", "own_subjects"),
            ("title_coverage", "title_told"),
            ("different_sources", "other_source"),
        ] {
            assert!(text.contains(new), "{text}");
            text = text.replace(&format!("\"{new}\""), &format!("\"{old}\""));
        }
        assert_eq!(serde_json::from_str::<PairFeatures>(&text).unwrap(), features);
    }
}

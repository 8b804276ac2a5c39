//! Synthetic news of many lengths from a fixed seed: the same texts on every machine.

use crate::{random::SplitMix64, story::Story};

const SUBJECTS: [&str; 12] = [
    "the harbour board of Norrin",
    "a regional court",
    "the ferry operator Lindqvist",
    "miners at Ostrel",
    "the finance ministry",
    "grain exporters",
    "the opposition leader, Mara Voss,",
    "two shipping companies",
    "the central bank",
    "striking teachers",
    "a panel of engineers",
    "Governor Teodor Hallam",
];
const VERBS: [&str; 10] = [
    "said it would review",
    "declined to comment on",
    "agreed in principle to",
    "voted against",
    "postponed",
    "signed",
    "is expected to withdraw from",
    "published details of",
    "appealed against",
    "raised its estimate for",
];
const OBJECTS: [&str; 12] = [
    "a plan to rebuild the breakwater",
    "the 1998 fisheries accord",
    "a rise of 4.5 pct in port charges",
    "the purchase of three coastal tankers",
    "tariffs on refined copper",
    "an inquiry into the rail accident",
    "the budget for the coming year",
    "a loan of 120 mln dlrs",
    "new limits on nitrate in wells",
    "the merger of the two insurers",
    "this season's wheat harvest",
    "a ban on night flights",
];
const ENDS: [&str; 8] = [
    "on Tuesday",
    "after talks that lasted until dawn",
    "despite warnings from insurers",
    "according to a statement",
    "for the third time in a year",
    "pending a decision by the cabinet",
    "as prices fell to their lowest since 2009",
    "although no date was given",
];

/// `count` synthetic stories of 1 to 14 sentences.
#[must_use]
pub fn synthetic(count: usize) -> Vec<Story> {
    let story = |(i, text)| Story { id: format!("synthetic-{i}"), text, ..Story::default() };
    passages(count).into_iter().enumerate().map(story).collect()
}

/// `count` passages of 1 to 14 sentences; short ones are the most frequent, as in news.
fn passages(count: usize) -> Vec<String> {
    let mut random = SplitMix64::new(0x5eed);
    let mut below = |n: usize| random.below(n);
    let mut passage = || {
        let sentences = 1 + below(14).min(below(14));
        let mut text = String::new();
        for _ in 0..sentences {
            let parts = [
                SUBJECTS[below(SUBJECTS.len())],
                VERBS[below(VERBS.len())],
                OBJECTS[below(OBJECTS.len())],
                ENDS[below(ENDS.len())],
            ];
            let mut sentence = parts.join(" ");
            sentence[..1].make_ascii_uppercase();
            text += if text.is_empty() { "" } else { " " };
            text += &sentence;
            text.push('.');
        }
        text
    };
    (0..count).map(|_| passage()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_deterministic_and_of_many_lengths() {
        let texts = passages(500);
        assert_eq!(texts, passages(500));
        let words: Vec<usize> = texts.iter().map(|t| t.split(' ').count()).collect();
        assert!(words.iter().any(|w| *w < 25) && words.iter().any(|w| *w > 120));
    }
}

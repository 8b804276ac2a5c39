//! Properties of verdicts that hold for any stories.

use proptest::prelude::*;
use samestory::{
    compare::{Comparer, Options, Relation, Verdict},
    random::SplitMix64,
    story::{Corpus, Story, StoryId},
    vector::Matrix,
};

const NOTE: &str =
    "The Coast Gazette has reported from the harbour towns of the northern shore since the spring of 1904.";

/// A paragraph of words, names and numbers that depend on `seed` alone.
fn paragraph(seed: u64, words: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "bar", "len", "tor", "mis", "gal", "ven", "dru", "sol", "kin", "pra", "hum", "fel", "ost", "rik",
        "wen", "zad",
    ];
    let mut random = SplitMix64::new(seed);
    let mut next = || SYLLABLES[random.below(SYLLABLES.len())];
    let word = |i: usize| {
        let word = format!("{}{}{}", next(), next(), next());
        match i % 11 {
            4 => word[..1].to_uppercase() + &word[1..],
            7 => (word.bytes().map(u32::from).sum::<u32>() * 7 % 90 + 10).to_string(),
            _ => word,
        }
    };
    let text: Vec<String> = (0..words).map(word).collect();
    format!("{}.", text.join(" "))
}

/// `text` with some of its words, numbers and names moved, doubled or changed.
fn edited(text: &str, seed: u64) -> String {
    let mut out = Vec::new();
    for (i, word) in text.split(' ').enumerate() {
        match (seed.wrapping_mul(0x9e37_79b9) >> (i % 24)) % 9 {
            0 => out.push("17".to_string()),
            1 => out.extend([word.to_string(), word.to_string()]),
            2 => out.push("Ostrel".to_string()),
            3 => out.insert(out.len() / 2, word.to_string()),
            _ => out.push(word.to_string()),
        }
    }
    out.join(" ")
}

fn story(id: usize, paragraphs: &[String]) -> Story {
    Story { id: format!("s{id}"), text: paragraphs.join("\n\n"), ..Story::default() }
}

/// The verdicts on the first two stories among six others, all with a note at the end if `note` is set.
fn compare(a: &[String], b: &[String], note: bool) -> (Verdict, Verdict) {
    let others = (0..6).map(|i| vec![paragraph(1000 + i, 30), paragraph(2000 + i, 30)]);
    let all = [a.to_vec(), b.to_vec()].into_iter().chain(others);
    let stories = all.enumerate().map(|(i, mut paragraphs)| {
        if note {
            paragraphs.push(NOTE.into());
        }
        story(i, &paragraphs)
    });
    let corpus = Corpus::new(stories.collect());
    let vectors = Matrix::zeros(corpus.rows.len(), 4);
    let options = Options::default();
    let comparer = Comparer::new(&corpus, vectors.clone(), &options);
    (comparer.compare(StoryId(0), StoryId(1)), comparer.compare(StoryId(1), StoryId(0)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_verdict_is_symmetric(seed in 0u64..500, own in 0usize..4, shared in 0usize..4) {
        let common: Vec<String> = (0..shared as u64).map(|i| paragraph(seed + i, 25)).collect();
        let own_paragraphs: Vec<String> = (0..own as u64).map(|i| paragraph(seed + 5000 + i, 25)).collect();
        let theirs: Vec<String> = common.iter().map(|p| edited(p, seed)).collect();
        let a = [common, own_paragraphs].concat();
        let b = [vec![paragraph(seed + 9000, 25)], theirs].concat();
        let (one, other) = compare(&a, &b, false);
        prop_assert_eq!((one.relation, &one.rule), (other.relation, &other.rule));
        prop_assert_eq!(one, other.flipped());
    }

    #[test]
    fn the_coverages_of_an_excerpt_are_exchanged(seed in 0u64..500) {
        let short: Vec<String> = (0..2).map(|i| paragraph(seed + i, 25)).collect();
        let long: Vec<String> = (0..8).map(|i| paragraph(seed + i, 25)).collect();
        let (one, other) = compare(&short, &long, false);
        prop_assert_eq!((one.relation, other.relation), (Relation::Excerpt, Relation::Excerpt));
        prop_assert!(one.coverage_ab > 0.99 && one.coverage_ba < 0.4);
        prop_assert!(other.coverage_ba > 0.99 && other.coverage_ab < 0.4);
    }

    #[test]
    fn boilerplate_does_not_change_the_features(seed in 0u64..500, shared in 0u64..5) {
        let a: Vec<String> = (0..4).map(|i| paragraph(seed + i, 25)).collect();
        let b: Vec<String> =
            (0..4).map(|i| paragraph(if i < shared { seed + i } else { seed + 7000 + i }, 25)).collect();
        let (plain, _) = compare(&a, &b, false);
        let (noted, _) = compare(&a, &b, true);
        prop_assert_eq!(plain.relation, noted.relation);
        prop_assert_eq!(plain.features, noted.features);
        // The same note in these two stories alone is no boilerplate.
        let with = |of: &[String]| [of, &[NOTE.to_string()]].concat();
        let (counted, _) = compare(&with(&a), &with(&b), false);
        prop_assert!(counted.features != plain.features);
    }
}

//! Opposite statements in the same wording: "confirms" against "denies", or a "not" that one of two texts lacks.

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use serde::Deserialize;

use super::{
    align::{Match, aligned},
    spelling::fold_spelling,
    tokens::Token,
};
use crate::word_lists;

/// Letters that may follow a stem: "denies" is "den" and three letters.
const MAX_ENDING: usize = 4;

/// Tokens of a gap between matched ones; in a longer one the texts have other sentences.
const MAX_GAP: usize = 6;

/// The lists of `data/opposites.toml`.
#[derive(Deserialize)]
struct Lists {
    negations: HashSet<String>,
    opposites: Vec<(String, String)>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut lists: Lists = word_lists::parse("opposites.toml", include_str!("data/opposites.toml"));
    lists.negations = lists.negations.iter().map(|word| fold_spelling(word)).collect();
    lists
});

/// Whether two words are opposites, such as "confirmed" and "denied".
fn are_opposites(a: &str, b: &str) -> bool {
    let has =
        |word: &str, stem: &str| word.strip_prefix(stem).is_some_and(|ending| ending.len() <= MAX_ENDING);
    let mut pairs = LISTS.opposites.iter();
    pairs.any(|(x, y)| (has(a, x) && has(b, y)) || (has(a, y) && has(b, x)))
}

fn is_negation(word: &str) -> bool {
    LISTS.negations.contains(word) || word.ends_with("n't")
}

/// How often `a` says the opposite of `b` in a stretch that both have but for a few words.
pub(super) fn contradictions(
    a: &[u32],
    b: &[u32],
    of_a: &[Match],
    of_b: &[Match],
    vocabulary: &[Token],
) -> u32 {
    let is_aligned = aligned(of_a);
    let text = |id: &u32| vocabulary[*id as usize].text.as_str();
    let matched =
        (0..a.len()).filter(|i| is_aligned[*i]).filter_map(|i| Some((i, of_a[i].place()? as usize)));
    // What stands behind a matched token, up to the next one, in either text.
    let gaps = matched.map(|(i, place)| (gap_at(of_a, i + 1), gap_at(of_b, place + 1)));
    let short = gaps.filter(|(ours, theirs)| ours.len().max(theirs.len()) <= MAX_GAP);
    short.filter(|(ours, theirs)| is_contradicted(&a[ours.clone()], &b[theirs.clone()], &text)).count() as u32
}

/// The tokens from `i` on that have no counterpart.
fn gap_at(of: &[Match], i: usize) -> Range<usize> {
    let end = of[i..].iter().position(|m| *m != Match::None).map_or(of.len(), |n| i + n);
    i..end
}

fn is_contradicted<'v>(ours: &[u32], theirs: &[u32], text: &impl Fn(&u32) -> &'v str) -> bool {
    let negations = |words: &[u32]| words.iter().filter(|id| is_negation(text(id))).count();
    let differs = (negations(ours) + negations(theirs)) % 2 == 1;
    let opposites = ours.iter().any(|x| theirs.iter().any(|y| are_opposites(text(x), text(y))));
    differs != opposites
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{
        align::{Sequence, Vocabulary, align, bigrams},
        tokens::tokens,
    };

    #[test]
    fn opposites_are_counted() {
        let check = |x: &str, y: &str, expect: u32| {
            let mut vocabulary: Vec<Token> = Vec::new();
            let mut ids = |text: &str| -> Vec<u32> {
                let mut number = |t: Token| match vocabulary.iter().position(|v| *v == t) {
                    Some(at) => at as u32,
                    None => {
                        vocabulary.push(t);
                        vocabulary.len() as u32 - 1
                    }
                };
                tokens(text).into_iter().map(&mut number).collect()
            };
            let (a, b) = (ids(x), ids(y));
            let (of_a, of_b) = (bigrams(&a), bigrams(&b));
            let is_known_name = vec![false; vocabulary.len()];
            let tables = Vocabulary { tokens: &vocabulary, is_known_name: &is_known_name };
            let found =
                align(&Sequence { ids: &a, bigrams: &of_a }, &Sequence { ids: &b, bigrams: &of_b }, tables);
            let count = |a: &[u32], b: &[u32], of_a: &[Match], of_b: &[Match]| {
                contradictions(a, b, of_a, of_b, &vocabulary)
            };
            assert_eq!(count(&a, &b, &found.of_a, &found.of_b), expect, "{x} / {y}");
            assert_eq!(count(&b, &a, &found.of_b, &found.of_a), expect, "{y} / {x}");
        };
        let same = "the city of Norrin confirmed on Tuesday that it would sell its ferries";
        check(same, same, 0);
        check(same, "the city of Norrin denied on Tuesday that it would sell its ferries", 1);
        check(same, "the city of Norrin said on Tuesday that it would sell its ferries", 0);
        check(same, "the city of Norrin confirmed on Tuesday that it would not sell its ferries", 1);
        check(
            "the court upheld the ban on night ferries",
            "the court overturned the ban on night ferries",
            1,
        );
        check("the price of oil rose by a tenth this week", "the price of oil fell by a tenth this week", 1);
        // Opposite words with a negation say the same.
        check(
            "the city of Norrin did not confirm on Tuesday that it would sell its ferries",
            "the city of Norrin denied on Tuesday that it would sell its ferries",
            0,
        );
        check("the bank did not cut its rate this week", "the bank didn't cut its rate this week", 0);
        // Other sentences.
        check("a storm hit the coast and ferries stayed in port", "he denied it", 0);
    }
}

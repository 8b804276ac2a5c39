//! Opposite statements in the same wording: "confirms" against "denies", or a "not" that one of two texts lacks.

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use serde::Deserialize;

use super::{align::Match, spelling::fold_spelling, tokens::Token};
use crate::word_lists;

/// Letters that may follow a stem: "denies" is "den" and three letters.
const MAX_ENDING: usize = 4;

/// Tokens of a gap between matched ones; in a longer one the texts have other sentences.
const MAX_GAP: usize = 6;

/// Words that two titles need in common to be about one thing.
const MIN_SHARED_TITLE: usize = 3;

/// The lists of `data/opposites.toml`.
#[derive(Deserialize)]
struct Lists {
    negations: HashSet<String>,
    opposites: Vec<(String, String)>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut lists: Lists = word_lists::parse("opposites.toml", include_str!("data/opposites.toml"));
    lists.negations = lists.negations.iter().map(|word| fold_spelling(word)).collect();
    for (x, y) in &mut lists.opposites {
        (*x, *y) = (fold_spelling(x), fold_spelling(y));
    }
    lists
});

/// Whether two words are opposites, such as "confirmed" and "denied".
pub(super) fn are_opposites(a: &str, b: &str) -> bool {
    let has = |word: &str, stem: &str| {
        word.strip_prefix(stem).is_some_and(|ending| ending.chars().count() <= MAX_ENDING)
    };
    let mut pairs = LISTS.opposites.iter();
    pairs.any(|(x, y)| (has(a, x) && has(b, y)) || (has(a, y) && has(b, x)))
}

fn is_negation(word: &str) -> bool {
    LISTS.negations.contains(word) || word.ends_with("n't")
}

/// A text that is aligned with another.
#[derive(Clone, Copy)]
pub(super) struct AlignedText<'t> {
    /// Its tokens, as numbers of the vocabulary.
    pub ids: &'t [u32],
    /// The counterpart of each.
    pub of: &'t [Match],
    /// Whether each lies in aligned text: see [`super::align::aligned`].
    pub is_aligned: &'t [bool],
}

/// How often `a` says the opposite of `b` in a stretch that both have but for a few words.
pub(super) fn contradictions(a: AlignedText, b: AlignedText, vocabulary: &[Token]) -> u32 {
    let text = |id: &u32| vocabulary[*id as usize].text.as_str();
    let matched =
        (0..a.ids.len()).filter(|i| a.is_aligned[*i]).filter_map(|i| Some((i, a.of[i].place()? as usize)));
    // What stands behind a matched token, up to the next one, in either text.
    let gaps = matched.map(|(i, place)| (gap_at(a.of, i + 1), gap_at(b.of, place + 1)));
    let short = gaps.filter(|(ours, theirs)| ours.len().max(theirs.len()) <= MAX_GAP);
    short
        .filter(|(ours, theirs)| is_contradicted(&a.ids[ours.clone()], &b.ids[theirs.clone()], &text))
        .count() as u32
}

/// Whether two titles that have words in common say the opposite of one another; each is a sorted list of distinct tokens.
pub(super) fn are_opposite_titles(a: &[u32], b: &[u32], vocabulary: &[Token]) -> bool {
    let text = |id: &u32| vocabulary[*id as usize].text.as_str();
    let own = |of: &[u32], other: &[u32]| -> Vec<u32> {
        of.iter().copied().filter(|id| other.binary_search(id).is_err()).collect()
    };
    let (ours, theirs) = (own(a, b), own(b, a));
    let shared = a.len() - ours.len();
    let is_close = shared >= MIN_SHARED_TITLE && ours.len().max(theirs.len()) <= shared;
    is_close && is_contradicted(&ours, &theirs, &text)
}

/// The tokens from `i` on that have no counterpart.
fn gap_at(of: &[Match], i: usize) -> Range<usize> {
    let end = of[i..].iter().position(|m| *m != Match::None).map_or(of.len(), |n| i + n);
    i..end
}

fn is_contradicted<'v>(ours: &[u32], theirs: &[u32], text: &impl Fn(&u32) -> &'v str) -> bool {
    // Two negations are one: "ne … pas".
    let is_negated = |words: &[u32]| words.iter().any(|id| is_negation(text(id)));
    let differs = is_negated(ours) != is_negated(theirs);
    let opposites = ours.iter().any(|x| theirs.iter().any(|y| are_opposites(text(x), text(y))));
    differs != opposites
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::align::{align_texts, aligned};

    #[test]
    fn opposites_are_counted() {
        let check = |x: &str, y: &str, expect: u32| {
            let (vocabulary, [a, b], found) = align_texts(x, y, &[]);
            let (in_a, in_b) = (aligned(&found.of_a), aligned(&found.of_b));
            let a = AlignedText { ids: &a, of: &found.of_a, is_aligned: &in_a };
            let b = AlignedText { ids: &b, of: &found.of_b, is_aligned: &in_b };
            assert_eq!(contradictions(a, b, &vocabulary), expect, "{x} / {y}");
            assert_eq!(contradictions(b, a, &vocabulary), expect, "{y} / {x}");
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
        check(
            "die Stadt Norrin bestätigte am Dienstag den Verkauf der Fähren",
            "die Stadt Norrin dementierte am Dienstag den Verkauf der Fähren",
            1,
        );
        check("le maire de Norrin a confirmé la vente", "le maire de Norrin a démenti la vente", 1);
        check("el consejo de Norrin aprueba la venta", "el consejo de Norrin rechaza la venta", 1);
        // May is no "never", as it would be in Italian.
        check("die Fähren von Norrin fahren ab Mai wieder", "die Fähren von Norrin fahren ab Juni wieder", 0);
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

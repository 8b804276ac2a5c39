//! Tokens: words and numbers of a text, folded so that the house style of a publisher makes no difference.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use super::{contradiction::are_opposites, numbers, spelling::fold_spelling};
use crate::{
    word_lists,
    words::{ascii_digit, is_word_char, split_run},
};

/// What a token is, as far as its shape tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word.
    Word,
    /// A word with a capital inside a sentence: a person, a place, a company.
    Name,
    /// A number, a date, a price: anything with a digit, and numbers in words.
    Number,
}

/// One token: its folded text and its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub text: String,
    pub kind: TokenKind,
}

/// The lists of `data/tokens.toml`.
#[derive(Deserialize)]
struct Lists {
    function_words: HashSet<String>,
    british_endings: Vec<(String, String)>,
    abbreviations: HashMap<String, String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| word_lists::parse("tokens.toml", include_str!("data/tokens.toml")));

/// Whether `word` is a function word.
pub(crate) fn is_function(word: &str) -> bool {
    LISTS.function_words.contains(word)
}

/// The tokens of normalized `text`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    tokens_with_source(text).map(|(token, _)| token).collect()
}

/// The tokens of normalized `text`, each with the words that it was folded from.
pub(crate) fn tokens_with_source(text: &str) -> impl Iterator<Item = (Token, &str)> {
    let shouted = is_shouted(text);
    let mut sentence_start = true;
    words(text).into_iter().filter_map(move |word| {
        if word.chars().all(|c| ".!?\"'".contains(c)) {
            sentence_start = true;
            return None;
        }
        let inside = !std::mem::replace(&mut sentence_start, false);
        if let Some(digits) = numbers::in_words(word) {
            return Some((Token { text: digits.into(), kind: TokenKind::Number }, word));
        }
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        let kind = if word.chars().any(|c| ascii_digit(c).is_some()) {
            TokenKind::Number
        } else if capital && inside && !shouted {
            TokenKind::Name
        } else {
            TokenKind::Word
        };
        Some((Token { text: fold(word, kind), kind }, word))
    })
}

/// Words, numbers with their points and commas, and sentence ends. "don't" is one word, "mid-May" two.
fn words(text: &str) -> Vec<&str> {
    let bytes: Vec<(usize, char)> = text.char_indices().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let (start, c) = bytes[i];
        let at = |i: usize| bytes.get(i).map_or(' ', |b| b.1);
        let before = if i == 0 { ' ' } else { at(i - 1) };
        let is_minus =
            c == '-' && (before.is_whitespace() || before == '(') && numbers::is_amount(&text[start + 1..]);
        if !is_word_char(c) && !is_minus {
            let end = start + c.len_utf8();
            if ".!?".contains(c) || "%&".contains(c) {
                out.push(&text[start..end]);
            }
            i += 1;
            continue;
        }
        let mut j = i + 1;
        while j < bytes.len() {
            let c = bytes[j].1;
            let next = bytes.get(j + 1).map_or(' ', |n| n.1);
            let digits = ascii_digit(bytes[j - 1].1).is_some() && ascii_digit(next).is_some();
            let inside = is_word_char(c)
                || (c == '\'' && next.is_alphabetic())
                || (".,/:-٫٬".contains(c) && digits)
                || (c == '.' && next.is_uppercase() && bytes[j - 1].1.is_uppercase());
            if !inside {
                break;
            }
            j += 1;
        }
        let end = bytes.get(j).map_or(text.len(), |b| b.0);
        let groups = numbers::groups_after(&text[start..end], &text[end..]);
        for run in split_run(&text[start..end + groups]) {
            // "4m" is "4 million".
            let (number, unit) = run.split_at(numbers::amount_length(run));
            out.extend([number, unit].into_iter().filter(|part| !part.is_empty()));
        }
        i = j + text[end..end + groups].chars().count();
    }
    out
}

fn is_shouted(text: &str) -> bool {
    let (upper, lower) = text
        .chars()
        .fold((0, 0), |(u, l), c| (u + usize::from(c.is_uppercase()), l + usize::from(c.is_lowercase())));
    upper > lower
}

fn fold(word: &str, kind: TokenKind) -> String {
    let mut lower = word.to_lowercase();
    if kind == TokenKind::Number {
        return numbers::fold(&lower);
    }
    let kept = lower.strip_suffix("'s").map_or(lower.len(), str::len);
    lower.truncate(kept);
    lower.retain(|c| c != '.');
    if let Some(full) = LISTS.abbreviations.get(&lower) {
        return fold_spelling(full);
    }
    if lower.len() >= 6 {
        for (british, american) in &LISTS.british_endings {
            if let Some(stem) = lower.strip_suffix(british.as_str()) {
                return fold_spelling(&format!("{stem}{american}"));
            }
        }
    }
    fold_spelling(&lower)
}

/// Whether two tokens are one word but for scanning noise: one edit from four letters on, two from nine on.
/// Numbers are facts: for them only letters read as digits count as noise.
pub(super) fn nearly_equal(a: &Token, b: &Token) -> bool {
    if a.kind == TokenKind::Number || b.kind == TokenKind::Number {
        return a.text != b.text && undigit(&a.text) == undigit(&b.text);
    }
    let (x, y): (Vec<char>, Vec<char>) = (a.text.chars().collect(), b.text.chars().collect());
    let shorter = x.len().min(y.len());
    let allowed = match shorter {
        0..=3 => return false,
        4..=8 => 1,
        _ => 2,
    };
    let is_close = x.len().abs_diff(y.len()) <= allowed && edits(&x, &y, allowed) <= allowed;
    // "Increased" is no misreading of "decreased".
    is_close && !are_opposites(&a.text, &b.text)
}

/// Whether two words are forms of one: one begins with all of the other, or has a letter once that the other has twice.
pub(super) fn is_inflected(a: &str, b: &str) -> bool {
    let once = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.dedup();
        letters
    };
    a.starts_with(b) || b.starts_with(a) || once(a) == once(b)
}

/// Letters that scanners read for digits.
fn undigit(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'o' => '0',
            'l' | 'i' => '1',
            's' => '5',
            'b' => '8',
            'z' => '2',
            c => c,
        })
        .collect()
}

/// The Damerau-Levenshtein distance (adjacent swaps count once), or more than `most` as soon as that is sure.
fn edits(x: &[char], y: &[char], most: usize) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=y.len()).collect();
    for i in 1..=x.len() {
        let mut row = vec![i; y.len() + 1];
        for j in 1..=y.len() {
            let same = usize::from(x[i - 1] != y[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + same);
            if i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        if row.iter().all(|&d| d > most) {
            return most + 1;
        }
        before = std::mem::replace(&mut last, row);
    }
    last[y.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_folded() {
        let check = |text: &str, expect: &[&str]| {
            let found: Vec<String> = tokens(text).into_iter().map(|t| t.text).collect();
            assert_eq!(found, expect, "{text}");
        };
        check(
            "Profit rose 5.5 pct to 1,200 mln dlrs.",
            &["profit", "rose", "5.5", "percent", "to", "1200", "million", "dollars"],
        );
        check("Norrin's harbour", &["norrin", "harbor"]);
        check("the U.S. said", &["the", "us", "said"]);
        check("5% & more", &["5", "percent", "and", "more"]);
        check("mid-May", &["mid", "may"]);
        check("Revs to Aug 3, Sept. 4", &["revenus", "to", "august", "3", "september", "4"]);
        check("Seven of one hundred", &["7", "of", "one", "hundred"]);
        check("1986/87", &["1986/87"]);
        check(
            "$4m, 2.5bn and 3 Mio. in 5mm",
            &["4", "million", "2.5", "billion", "and", "3", "million", "in", "5mm"],
        );
        check("Fähren für Köln", &["fahren", "fur", "koln"]);
        check("1,200,000 and 3,5 and 12,34", &["1200000", "and", "3.5", "and", "12.34"]);
        check("4 200 000 Euro, 5 Tage", &["4200000", "euro", "5", "tage"]);
        check("换4 200人", &["换", "4200", "人"]);
        check("市政府说，造成250人受伤。", &["市政府", "说", "造成", "250", "人", "受伤"]);
        check("قتل ٢٥٠ شخصا", &["قتل", "250", "شخصا"]);
        check(
            "from -5 % to 5, in 1986-87 (-0.5), a well-5 -5 hurt- b - 7",
            &[
                "from", "-5", "percent", "to", "5", "in", "1986-87", "-0.5", "a", "well", "5", "5", "hurt",
                "b", "7",
            ],
        );
    }

    #[test]
    fn kinds_depend_on_shape() {
        let check = |text: &str, expect: &[TokenKind]| {
            let found: Vec<TokenKind> = tokens(text).into_iter().map(|t| t.kind).collect();
            assert_eq!(found, expect, "{text}");
        };
        check(
            "The mayor met Lena Ost on May 5.",
            &[
                TokenKind::Word,
                TokenKind::Word,
                TokenKind::Word,
                TokenKind::Name,
                TokenKind::Name,
                TokenKind::Word,
                TokenKind::Name,
                TokenKind::Number,
            ],
        );
        check("ALL IN CAPITALS", &[TokenKind::Word; 3]);
    }

    #[test]
    fn noise_is_forgiven_facts_are_not() {
        let token = |t: &str| tokens(t).remove(0);
        let check = |a: &str, b: &str, expect: bool| {
            assert_eq!(nearly_equal(&token(a), &token(b)), expect, "{a} {b}")
        };
        check("government", "goverment", true);
        check("minister", "minsiter", true);
        check("bank", "bonk", true);
        check("cat", "car", false);
        check("1987", "1986", false);
        check("1987", "l987", true);
        check("percent", "present", false);
    }
}

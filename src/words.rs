//! The words of a text, in any script.
//!
//! In scripts with spaces, a word is a run of letters and digits. Chinese, Japanese, Thai, Lao, Khmer and Burmese have no
//! spaces between words: they are segmented by the dictionaries of ICU (UAX #29, "Word Boundaries").

use std::sync::LazyLock;

use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed, options::WordBreakInvariantOptions};
use unicode_normalization::char::is_combining_mark;

static DICTIONARY: LazyLock<WordSegmenterBorrowed<'static>> =
    LazyLock::new(|| WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()));

/// The digit zero of each script in use; its other digits follow (Unicode general category Nd).
const ZEROS: [char; 26] = [
    '0', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}',
    '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}', '\u{a9d0}', '\u{abf0}', '\u{ff10}',
];

/// Whether `c` is part of a word: a letter, a digit, or a combining mark.
pub(crate) fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c))
}

/// The ASCII digit of the same value as `c`; `None` if `c` is no decimal digit.
pub(crate) fn ascii_digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c).filter(char::is_ascii_digit);
    }
    let value = |zero: char| u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10);
    let value = c.is_numeric().then(|| ZEROS.into_iter().find_map(value)).flatten();
    value.and_then(|value| char::from_digit(value, 10))
}

/// The words of `text`.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word_char(c)).filter(|run| !run.is_empty()).flat_map(split_run)
}

/// Splits `text` into tokens for a visual diff: words with adjacent punctuation, and white space. Concatenated, they are
/// `text`.
pub fn diff_tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_space = first.is_whitespace();
        let length = rest.find(|c: char| c.is_whitespace() != is_space).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(length);
        if piece.contains(is_unspaced_script) {
            out.extend(split_run(piece));
        } else {
            out.push(piece);
        }
        rest = after;
    }
    out
}

/// The words of `run`: letters, digits, and other characters that the caller counts as part of a word.
pub(crate) fn split_run(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    let mut ends: Vec<usize> = Vec::new();
    let mut at = 0;
    std::iter::from_fn(move || {
        if let Some(end) = ends.pop() {
            return Some(&run[std::mem::replace(&mut at, end)..end]);
        }
        let first = rest.chars().next()?;
        let unspaced = is_unspaced_script(first);
        // A combining mark does not end a run.
        let ends_here = |c: char| is_unspaced_script(c) != unspaced && !is_combining_mark(c);
        let length = if rest.is_ascii() { rest.len() } else { rest.find(ends_here).unwrap_or(rest.len()) };
        let part = &rest[..length];
        rest = &rest[length..];
        let end = if unspaced {
            ends.extend(DICTIONARY.segment_str(part).skip(1).map(|end| at + end));
            ends.reverse();
            ends.pop().unwrap_or(at + length)
        } else {
            at + length
        };
        Some(&run[std::mem::replace(&mut at, end)..end])
    })
}

/// Whether `c` belongs to a script without spaces between words.
pub(crate) fn is_unspaced_script(c: char) -> bool {
    is_cjk(c)
        || (matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}')
            && ascii_digit(c).is_none())
}

/// Whether `c` is a CJK ideograph or kana: words of these are short.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn splits_words_of_any_script() {
        let check = |text: &str, expect: &str| {
            assert_eq!(words(text).collect::<Vec<_>>().join("|"), expect, "{text}");
        };
        check("", "");
        check("The mayor's bridge, at 5.30pm.", "The|mayor|s|bridge|at|5|30pm");
        check("Brücke über Straße № 5", "Brücke|über|Straße|5");
        check("市政府周二宣布，旧港将关闭", "市政府|周二|宣布|旧港|将|关闭");
        check("造成250人受伤", "造成|250|人|受伤");
        check("コンピューターが故障した。", "コンピューター|が|故障|した");
        check("เทศบาลจะปิดสะพาน ๒๕๐ คน", "เทศบาล|จะ|ปิด|สะพาน|๒๕๐|คน");
        check("iPhone發布會", "iPhone|發布|會");
        // A virama and a vowel sign belong to the word.
        check("हिन्दी समाचार", "हिन्दी|समाचार");
        check("서울시는 화요일", "서울시는|화요일");
    }

    #[test]
    fn recognizes_digits_of_all_scripts() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.chars().filter_map(ascii_digit).collect::<String>(), expect, "{text}");
        };
        check("a1b29", "129");
        check("٠١٩ ۲۵۰ २५० ๒๕๐ ２５０", "019250250250250");
        check("½ ² Ⅷ 三 ⑤", "");
    }

    #[test]
    fn splits_a_line_for_a_diff() {
        let check = |text: &str, expect: &str| assert_eq!(diff_tokens(text).join("|"), expect, "{text}");
        check("the mayor's bridge, 5.30pm.", "the| |mayor's| |bridge,| |5.30pm.");
        check("造成250人受伤。 end", "造成|250|人|受伤|。| |end");
        check("", "");
    }

    proptest! {
        #[test]
        fn diff_tokens_concatenate_to_the_text(text in "[a-z一-龥ぁ-ヾก-๛ .,]{0,60}|\\PC{0,60}") {
            prop_assert_eq!(diff_tokens(&text).concat(), text);
        }

        #[test]
        fn words_keep_all_word_characters(text in "[a-z一-龥ぁ-ヾก-๛က-႟0-9 .,\u{301}]{0,60}|\\PC{0,60}") {
            let whole: String = text.chars().filter(|c| is_word_char(*c)).collect();
            prop_assert_eq!(words(&text).collect::<String>(), whole);
            prop_assert!(words(&text).all(|word| !word.is_empty()));
        }
    }
}

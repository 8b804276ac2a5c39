//! Numbers in texts, folded so that each has one form, whatever the style of a publisher or the script of its digits.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::{
    word_lists,
    words::{ascii_digit, is_unspaced_script, is_word_char},
};

/// The lists of `data/numbers.toml`.
#[derive(Deserialize)]
struct Lists {
    amount_units: Vec<String>,
    large_units: Vec<String>,
    number_words: BTreeMap<String, String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| word_lists::parse("numbers.toml", include_str!("data/numbers.toml")));

/// The digits of a number in words.
pub(super) fn in_words(word: &str) -> Option<&'static str> {
    let mut all = LISTS.number_words.iter();
    all.find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, digits)| digits.as_str())
}

/// Whether `text` begins with a number that may well stand below zero: a fraction, a share, degrees. A dash before another
/// number is mostly the sign of a list or of an aside.
pub(super) fn is_amount(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let fraction = rest.starts_with(['.', ',']) && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    rest.len() < text.len()
        && (fraction || LISTS.amount_units.iter().any(|unit| rest.trim_start().starts_with(unit.as_str())))
}

/// The length of the number that `word` begins with, if a unit of large numbers stands right behind it ("4m", "2.5bn"); else
/// of all of it.
pub(super) fn amount_length(word: &str) -> usize {
    let digits = word.find(|c: char| ascii_digit(c).is_none() && !".,".contains(c)).unwrap_or(word.len());
    let unit = word[digits..].to_lowercase();
    if digits > 0 && LISTS.large_units.contains(&unit) { digits } else { word.len() }
}

/// How many bytes of `after` go on with the number that `word` ends in: groups of three digits after spaces, as in much of
/// Europe ("4 200 000"), or after apostrophes, as in Switzerland ("4'200"), with the decimals behind them.
pub(super) fn groups_after(word: &str, after: &str) -> usize {
    let head = word.trim_end_matches(|c| ascii_digit(c).is_some());
    let first = &word[head.len()..];
    let begins = head.is_empty() || head == "-" || head.ends_with(is_unspaced_script);
    if !begins
        || !(1..=3).contains(&first.chars().count())
        || first.chars().next().and_then(ascii_digit) == Some('0')
    {
        return 0;
    }
    let Some(mark @ (' ' | '\'')) = after.chars().next() else { return 0 };
    let digits_at = |at: usize| {
        let rest = &after[at..];
        let end = rest.find(|c| ascii_digit(c).is_none()).unwrap_or(rest.len());
        (rest[..end].chars().count(), end)
    };
    let mut end = 0;
    while after[end..].starts_with(mark)
        && let (3, length) = digits_at(end + 1)
    {
        end += 1 + length;
    }
    if end > 0
        && after[end..].starts_with(['.', ','])
        && let (1.., length) = digits_at(end + 1)
    {
        end += 1 + length;
    }
    // Not a number, if a letter or more digits follow at once.
    let follows = after[end..].chars().next();
    if follows.is_some_and(|c| is_word_char(c) && !is_unspaced_script(c)) { 0 } else { end }
}

/// One form of the number `word`, which is in lower case: "1,200", "1.200", "1 200" and "1200" are one number, "3,5" is
/// three and a half. "5.50" stays: a price's digits are facts.
pub(super) fn fold(word: &str) -> String {
    let plain = |c: char| match c {
        '٫' => '.',
        '٬' => ',',
        c => ascii_digit(c).unwrap_or(c),
    };
    let word: String = word.chars().map(plain).filter(|c| *c != ' ' && *c != '\'').collect();
    let is_amount = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    let mut out = String::with_capacity(word.len());
    let mut rest = &word[..];
    while let Some(first) = rest.chars().next() {
        let is_part = is_amount(first);
        let length = rest.find(|c| is_amount(c) != is_part).unwrap_or(rest.len());
        if is_part {
            out.push_str(&amount(&rest[..length]));
        } else {
            out.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    out
}

/// Digits with points and commas: without those that part groups of digits, and with a point before decimals.
fn amount(text: &str) -> String {
    let whole_and_decimals = match (text.rfind('.'), text.rfind(',')) {
        // Of two marks the last one stands before the decimals, if it stands there alone.
        (Some(point), Some(comma)) => {
            let (at, mark) = if point > comma { (point, '.') } else { (comma, ',') };
            Some(at).filter(|at| !text[..*at].contains(mark))
        }
        _ => None,
    };
    if let Some(at) = whole_and_decimals {
        return format!("{}.{}", amount(&text[..at]), &text[at + 1..]);
    }
    let groups: Vec<&str> = text.split(['.', ',']).collect();
    let [first, between @ .., last] = &groups[..] else { return text.to_string() };
    // The thousands of most of the world, and the lakhs of India.
    let of = |length: usize| between.iter().all(|group| group.len() == length);
    let is_grouped =
        last.len() == 3 && (1..=3).contains(&first.len()) && !first.starts_with('0') && (of(3) || of(2));
    groups.join(if is_grouped { "" } else { "." })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        let check = |all: &[&str], expect: &str| {
            all.iter().for_each(|word| assert_eq!(fold(word), expect, "{word}"));
        };
        check(&["1200", "1,200", "1.200", "1 200", "1'200", "١٬٢٠٠", "１２００", "१,२००"], "1200");
        check(&["4,200,000", "4.200.000", "4 200 000", "42,00,000"], "4200000");
        check(&["1,250.50", "1.250,50", "1 250,50", "1'250.50", "1250.50", "1250,50"], "1250.50");
        check(&["1,234,567.125", "1.234.567,125"], "1234567.125");
        check(&["3,5", "3.5", "٣٫٥"], "3.5");
        check(&["0.125", "0,125"], "0.125");
        check(&["12.10.2024"], "12.10.2024");
        check(&["1986/87"], "1986/87");
        check(&["1,200-1,300", "1.200-1.300"], "1200-1300");
        check(&["5.50p", "5,50p"], "5.50p");
        check(&["1,200m"], "1200m");
        check(&["1,2,3"], "1.2.3");
        check(&["1986,1987"], "1986.1987");
        check(&["-4,5"], "-4.5");
    }

    #[test]
    fn digit_groups_continue_a_number() {
        let check = |word: &str, after: &str, expect: &str| {
            assert_eq!(&after[..groups_after(word, after)], expect, "{word}{after}");
        };
        check("4", " 200 000 Euro", " 200 000");
        check("250", " 000.", " 000");
        check("1", "'200", "'200");
        check("-1", " 250,50 EUR", " 250,50");
        check("1", " 250, 300", " 250");
        check("1987", " 250 men", "");
        check("5", " 25 men", "");
        check("5", " 2500 men", "");
        check("5", " 250m", "");
        check("5", " 250 000m", "");
        check("05", " 250", "");
        check("5.5", " 250", "");
        check("5", "", "");
        check("1", "'200 300", "'200");
        check("١", " ٢٠٠ يورو", " ٢٠٠");
        check("更换4", " 200人", " 200");
        check("mid4", " 200", "");
    }

    #[test]
    fn numbers_in_words() {
        let check = |word: &str, expect: Option<&str>| assert_eq!(in_words(word), expect, "{word}");
        check("Seven", Some("7"));
        check("one", None);
    }
}

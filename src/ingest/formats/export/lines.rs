//! What the layouts share: lines, blocks, labels, dates and notices of rights.

use crate::corpus::date;

/// A line of a text, without white space around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: u64,
    pub text: &'a str,
}

/// The lines of a text.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    // A form feed begins a page, and so a line.
    (1..).zip(text.split('\n')).map(|(number, line)| Line { number, text: line.trim() }).collect()
}

/// The lines that are not blank.
pub(super) fn filled<'a>(lines: &[Line<'a>]) -> Vec<Line<'a>> {
    lines.iter().copied().filter(|line| !line.text.is_empty()).collect()
}

/// The groups of lines that blank lines separate.
pub(super) fn blocks<'a, 'l>(lines: &'l [Line<'a>]) -> Vec<&'l [Line<'a>]> {
    lines.split(|line| line.text.is_empty()).filter(|block| !block.is_empty()).collect()
}

/// The lines of a block as one line.
pub(super) fn joined(block: &[Line]) -> String {
    block.iter().map(|line| line.text).collect::<Vec<_>>().join(" ")
}

/// Blocks of lines as paragraphs.
pub(super) fn paragraphs(blocks: &[&[Line]]) -> String {
    let texts = blocks.iter().map(|block| block.iter().map(|line| line.text).collect::<Vec<_>>().join("\n"));
    texts.collect::<Vec<_>>().join("\n\n")
}

/// The value behind `name` and a colon at the beginning of a line, in any case.
pub(super) fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let head = line.get(..name.len())?;
    let rest = line[name.len()..].trim_start();
    head.to_lowercase().eq(&name.to_lowercase()).then(|| rest.strip_prefix(':').map(str::trim)).flatten()
}

/// The first of `names` that a line is labelled with, and the value behind it.
pub(super) fn label<'a, 'n>(line: &'a str, names: &[&'n str]) -> Option<(&'n str, &'a str)> {
    names.iter().find_map(|name| Some((*name, value(line, name)?)))
}

/// Whether a block states rights: "Copyright 2031 Norrin Post", "All Rights Reserved".
pub(super) fn states_rights(text: &str) -> bool {
    const BEGINNINGS: [&str; 8] = [
        "copyright",
        "(c)",
        "©",
        "all rights reserved",
        "tous droits réservés",
        "alle rechte vorbehalten",
        "todos los derechos reservados",
        "tutti i diritti riservati",
    ];
    let text = text.to_lowercase();
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

/// The longest run of words in `text` that is a date: "May 6, 2031 Tuesday" and "Politics, Tuesday 6 May 2031, p. 3" have
/// one each.
pub(super) fn find_date(text: &str) -> Option<String> {
    /// No date in words is longer.
    const MAX_WORDS: usize = 8;
    /// A line with more words is no line of a date.
    const MAX_LINE_WORDS: usize = 40;
    let words: Vec<&str> = text.split_whitespace().take(MAX_LINE_WORDS).collect();
    let has_year = |words: &[&str]| words.iter().any(|word| digits(word).len() >= 4);
    for length in (1..=words.len().min(MAX_WORDS)).rev() {
        for window in words.windows(length).filter(|window| has_year(window)) {
            let joined = window.join(" ");
            let plain = joined.trim_matches(|c: char| !c.is_alphanumeric());
            // A number alone may be a year, or anything.
            if (length > 1 || plain.contains(['-', '/', '.'])) && date::parse_text(plain).is_some() {
                return Some(plain.to_string());
            }
        }
    }
    None
}

/// The longest run of digits in a word.
fn digits(word: &str) -> &str {
    word.split(|c: char| !c.is_ascii_digit()).max_by_key(|run| run.len()).unwrap_or_default()
}

/// The name behind "By ", as bylines have it in several languages.
pub(super) fn byline(line: &str) -> Option<&str> {
    const BEGINNINGS: [&str; 7] = ["By ", "BY ", "Par ", "Von ", "VON ", "Por ", "Di "];
    let name = BEGINNINGS.iter().find_map(|beginning| line.strip_prefix(beginning))?.trim();
    (!name.is_empty() && name.split_whitespace().count() <= 16).then_some(name)
}

/// Whether a line may be nothing but a name: up to five words, capitalised, without a full stop.
pub(super) fn is_name(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_part = |word: &&str| {
        word.starts_with(char::is_uppercase)
            || ["de", "van", "von", "et", "and", "und", "y", "e"].contains(word)
    };
    (2..=5).contains(&words.len()) && words.iter().all(is_part) && !line.ends_with(['.', '!', '?', ':'])
}

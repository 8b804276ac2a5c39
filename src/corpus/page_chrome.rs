//! Page chrome: text of web pages that is no part of a story, such as buttons, captions and subscription prompts.

#[cfg(feature = "readers")]
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::word_lists;

/// The lists of `data/page_chrome.toml`.
#[derive(Deserialize)]
struct Lists {
    phrases: Vec<String>,
    prefixes: Vec<String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| word_lists::parse("page_chrome.toml", include_str!("data/page_chrome.toml")));

/// A block with more words is no page chrome.
const MAX_WORDS: usize = 16;

/// Whether `block` is page chrome by its words alone.
pub(crate) fn is_page_chrome(block: &str) -> bool {
    if block.len() > 200 || block.split_whitespace().count() > MAX_WORDS {
        return false;
    }
    let words: Vec<&str> = block.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != '(');
    if text.is_empty() {
        // A rule of dashes or asterisks.
        return true;
    }
    LISTS.prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())) || is_phrase_sequence(text)
}

/// Whether `text` is a sequence of the phrases of page chrome.
fn is_phrase_sequence(text: &str) -> bool {
    text.is_empty()
        || LISTS.phrases.iter().any(|phrase| {
            text.strip_prefix(phrase.as_str())
                .filter(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_alphanumeric()))
                .is_some_and(|rest| {
                    is_phrase_sequence(rest.trim_start_matches(|c: char| !c.is_alphanumeric()))
                })
        })
}

/// The lines of `text` without page chrome, as paragraphs separated by blank lines.
#[cfg(feature = "readers")]
pub(crate) fn strip_chrome_lines(text: &str) -> String {
    let kept: Vec<&str> =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !is_page_chrome(l)).collect();
    kept.join("\n\n")
}

/// Flags the `blocks` of a page that are page chrome: by their words, as a repetition of one of the `titles` (captions), or as
/// a repeated block that is no sentence.
#[cfg(feature = "readers")]
pub(crate) fn flag_page_chrome(blocks: &[&str], titles: &[&str]) -> Vec<bool> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for block in blocks {
        *counts.entry(block.trim()).or_default() += 1;
    }
    let is_sentence = |b: &str| b.ends_with(['.', '!', '?', '"', '”', '\'', '’', ')']);
    blocks
        .iter()
        .map(|block| {
            let block = block.trim();
            let repeated = counts.get(block).is_some_and(|&n| n > 1) && !is_sentence(block);
            is_page_chrome(block) || titles.iter().any(|t| t.trim() == block) || repeated
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separates_page_chrome_from_text() {
        let check = |block: &str, expect: bool| assert_eq!(is_page_chrome(block), expect, "{block}");
        check("Next Article", true);
        check("Skip to Content Facebook Feature Image", true);
        check("Sign up for our newsletter", true);
        check("READ MORE: the other story", true);
        check("* * *", true);
        check("Share prices fell in Norrin.", false);
        check("Print workers went on strike", false);
        check(
            "Sign up for the draft began on Monday, and by noon some four thousand young men had come to the hall.",
            false,
        );
        check("The council met.", false);
    }

    #[test]
    fn captions_and_repetitions_are_page_chrome() {
        let blocks =
            ["Head", "A sentence.", "Head", "Photo by X", "Photo by X", "A sentence.", "Next Article"];
        assert_eq!(flag_page_chrome(&blocks, &["Head"]), [true, false, true, true, true, false, true]);
    }
}

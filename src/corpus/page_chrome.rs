//! What pages carry that is no part of a story: buttons, captions, calls to subscribe.

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

/// A longer block says more than a button does.
const MAX_WORDS: usize = 16;

/// Whether `block` is furniture by its words alone.
pub(crate) fn is_page_chrome(block: &str) -> bool {
    if block.len() > 200 || block.split_whitespace().count() > MAX_WORDS {
        return false;
    }
    let words: Vec<&str> = block.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != '(');
    if text.is_empty() {
        // Rules made of dashes or stars.
        return true;
    }
    LISTS.prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())) || is_chain(text)
}

/// Whether `text` is one furniture phrase after another.
fn is_chain(text: &str) -> bool {
    text.is_empty()
        || LISTS.phrases.iter().any(|phrase| {
            text.strip_prefix(phrase.as_str())
                .filter(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_alphanumeric()))
                .is_some_and(|rest| is_chain(rest.trim_start_matches(|c: char| !c.is_alphanumeric())))
        })
}

/// Lines of `text` without furniture, as paragraphs with a blank line between them.
#[cfg(feature = "readers")]
pub(crate) fn strip_chrome_lines(text: &str) -> String {
    let kept: Vec<&str> =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !is_page_chrome(l)).collect();
    kept.join("\n\n")
}

/// Which of `blocks` are furniture on a page whose stories have `titles`: by their words; by being a title once
/// more (captions); by standing there repeatedly without being a sentence.
#[cfg(feature = "readers")]
pub(crate) fn flag_page_chrome(blocks: &[&str], titles: &[&str]) -> Vec<bool> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for block in blocks {
        *seen.entry(block.trim()).or_default() += 1;
    }
    let sentence = |b: &str| b.ends_with(['.', '!', '?', '"', '”', '\'', '’', ')']);
    blocks
        .iter()
        .map(|block| {
            let block = block.trim();
            let repeated = seen.get(block).is_some_and(|&n| n > 1) && !sentence(block);
            is_page_chrome(block) || titles.iter().any(|t| t.trim() == block) || repeated
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn furniture_is_told_from_text() {
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
    fn captions_and_repeats_are_furniture_on_a_page() {
        let blocks =
            ["Head", "A sentence.", "Head", "Photo by X", "Photo by X", "A sentence.", "Next Article"];
        assert_eq!(flag_page_chrome(&blocks, &["Head"]), [true, false, true, true, true, false, true]);
    }
}

//! What pages carry that is no part of a story: buttons, captions, calls to subscribe.

#[cfg(feature = "readers")]
use std::collections::BTreeMap;

/// Blocks that are furniture when they stand alone, in lower case.
const ALONE: [&str; 26] = [
    "advertisement",
    "advertisement - continue reading below",
    "all rights reserved",
    "back to top",
    "click here to subscribe",
    "comments",
    "continue reading",
    "facebook feature image",
    "follow us on facebook",
    "follow us on twitter",
    "latest news",
    "more on this story",
    "most read",
    "next article",
    "previous article",
    "print",
    "read more",
    "read next",
    "recommended articles",
    "related articles",
    "related stories",
    "share",
    "share this article",
    "skip to content",
    "sponsored content",
    "you may also like",
];

/// Short blocks that begin like this are furniture too, in lower case.
const BEGINNINGS: [&str; 10] = [
    "click here to ",
    "download our app",
    "follow us on ",
    "read more:",
    "read also:",
    "related:",
    "sign up for ",
    "sign up to ",
    "subscribe to our ",
    "(c) copyright ",
];

/// A longer block says more than a button does.
const MAX_WORDS: usize = 16;

/// Whether `block` is furniture by its words alone.
pub(crate) fn is_furniture(block: &str) -> bool {
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
    BEGINNINGS.iter().any(|b| text.starts_with(b)) || is_chain(text)
}

/// Whether `text` is one furniture phrase after another.
fn is_chain(text: &str) -> bool {
    text.is_empty()
        || ALONE.iter().any(|phrase| {
            text.strip_prefix(phrase)
                .filter(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_alphanumeric()))
                .is_some_and(|rest| is_chain(rest.trim_start_matches(|c: char| !c.is_alphanumeric())))
        })
}

/// Lines of `text` without furniture, as paragraphs with a blank line between them.
#[cfg(feature = "readers")]
pub(crate) fn strip_lines(text: &str) -> String {
    let kept: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !is_furniture(l)).collect();
    kept.join("\n\n")
}

/// Which of `blocks` are furniture on a page whose stories have `titles`: by their words; by being a title once
/// more (captions); by standing there repeatedly without being a sentence.
#[cfg(feature = "readers")]
pub(crate) fn on_page(blocks: &[&str], titles: &[&str]) -> Vec<bool> {
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
            is_furniture(block) || titles.iter().any(|t| t.trim() == block) || repeated
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn furniture_is_told_from_text() {
        let check = |block: &str, expect: bool| assert_eq!(is_furniture(block), expect, "{block}");
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
        assert_eq!(on_page(&blocks, &["Head"]), [true, false, true, true, true, false, true]);
    }
}

//! Page chrome: text of web pages that is no part of a story.
//!
//! Such are buttons, counters, captions, prompts to share or to subscribe, and notices on consent.
//! The lists are in `data/page_chrome`, a file a language; all of them hold for every text, because what a page shows is
//! often in another language than its story.

#[cfg(feature = "readers")]
use std::collections::BTreeMap;
use std::{collections::HashMap, ops::Range, sync::LazyLock};

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use crate::word_lists;

/// The lists of one language.
#[derive(Deserialize)]
struct List {
    /// A block that consists of these alone is page chrome. `#` is a number, `@` a time of day.
    phrases: Vec<String>,
    /// A short block is page chrome if it begins like this.
    prefixes: Vec<String>,
    /// A paragraph that holds two of these is a notice on consent or subscription.
    notices: Vec<String>,
    /// A paragraph of this form is page chrome. `*` is any text.
    patterns: Vec<String>,
}

macro_rules! lists {
    ($($file:literal),*) => {
        [$(($file, include_str!(concat!("data/page_chrome/", $file)))),*]
    };
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let files = lists!["en.toml", "de.toml", "fr.toml", "es.toml", "it.toml", "nl.toml", "others.toml"];
    let lists = files.map(|(file, text)| word_lists::parse::<List>(file, text));
    let mut phrases: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for phrase in lists.iter().flat_map(|list| &list.phrases) {
        let words: Vec<String> = phrase.split_whitespace().map(String::from).collect();
        if let Some(first) = words.first() {
            phrases.entry(first.clone()).or_default().push(words);
        }
    }
    let of_language = |(language, list): (usize, &List)| {
        list.notices.iter().map(|notice| (notice.clone(), language)).collect::<Vec<_>>()
    };
    let (texts, languages): (Vec<String>, Vec<usize>) =
        lists.iter().enumerate().flat_map(of_language).unzip();
    let notices = AhoCorasick::builder().ascii_case_insensitive(true).build(texts);
    let notices = notices.unwrap_or_else(|error| panic!("the compiled-in notices are too many: {error}"));
    Lists { lists, phrases, notices, languages }
});

struct Lists {
    lists: [List; 7],
    /// Finds the notices of all lists.
    notices: AhoCorasick,
    /// The list that each notice is of.
    languages: Vec<usize>,
    /// The words of the phrases, by the first one.
    phrases: HashMap<String, Vec<Vec<String>>>,
}

/// A block with more words is no button, counter or prompt.
const MAX_WORDS: usize = 16;

/// A paragraph with more bytes is no notice.
const MAX_NOTICE: usize = 1500;

/// A paragraph with more bytes has no pattern.
const MAX_PATTERN: usize = 300;

/// Whether `block` is page chrome by its words alone.
pub(crate) fn is_page_chrome(block: &str) -> bool {
    let block = block.trim();
    let is_short = block.len() <= 200 && block.split_whitespace().count() <= MAX_WORDS;
    if is_short && (is_address(block) || is_prompt(block)) {
        return true;
    }
    block.len() <= MAX_NOTICE && is_notice(block)
}

/// Whether all paragraphs of `text` are page chrome, and there is one.
#[cfg(feature = "readers")]
pub(crate) fn is_only_chrome(text: &str) -> bool {
    let mut paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()).peekable();
    paragraphs.peek().is_some() && paragraphs.all(is_page_chrome)
}

/// The part of the paragraph at `range` that is text: without lines of page chrome before and behind it, and without the mark
/// of a text that was cut off (`… [+2045 chars]`).
pub(super) fn trim_paragraph(text: &str, mut range: Range<usize>) -> Range<usize> {
    while let Some((line, rest)) =
        text[range.clone()].split_once('\n').filter(|(line, _)| is_chrome_line(line))
    {
        range.start += line.len() + 1 + (rest.len() - rest.trim_start().len());
    }
    while let Some((rest, _)) = text[range.clone()].rsplit_once('\n').filter(|(rest, line)| {
        is_chrome_line(line) && rest.trim_end().ends_with(['.', '!', '?', '"', '”', ')', '。'])
    }) {
        range.end = range.start + rest.trim_end().len();
    }
    range.start..range.start + without_cut_mark(&text[range]).len()
}

/// Whether a line inside a paragraph consists of phrases of page chrome. The end of a sentence is none.
fn is_chrome_line(line: &str) -> bool {
    let line = line.trim();
    let is_start = line.starts_with(|c: char| !c.is_lowercase());
    line.len() <= 200
        && is_start
        && !line.ends_with(['.', ',', ';'])
        && is_phrases(&words(&line.to_lowercase()))
}

/// A paragraph without the mark at its end that says how much was cut off: `[+2045 chars]`.
fn without_cut_mark(paragraph: &str) -> &str {
    let cut = || {
        let (text, mark) = paragraph.trim_end().strip_suffix(']')?.rsplit_once("[+")?;
        let count = mark.split_once(' ')?;
        let is_count = !count.0.is_empty() && count.0.bytes().all(|b| b.is_ascii_digit());
        (is_count && ["chars", "characters", "words"].contains(&count.1)).then(|| text.trim_end())
    };
    cut().unwrap_or(paragraph)
}

/// Whether a block is one web or mail address, or several.
fn is_address(block: &str) -> bool {
    let mut words = block.split_whitespace().peekable();
    let is_web =
        |word: &str| word.contains("://") || word.starts_with("www.") || word.starts_with("pic.twitter.com/");
    let is_mail = |word: &str| {
        word.split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
    };
    words.peek().is_some() && words.all(|word| is_web(word) || is_mail(word))
}

/// Whether a short block is a button, a counter, a prompt or a rule of dashes.
fn is_prompt(block: &str) -> bool {
    let text = block.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != '(' && c != '[' && c != '【');
    if text.is_empty() {
        // A rule of dashes or asterisks.
        return true;
    }
    LISTS.lists.iter().flat_map(|list| &list.prefixes).any(|prefix| text.starts_with(prefix.as_str()))
        || is_phrases(&words(text))
}

/// Whether a paragraph holds two of the notices of a language, or has one of the patterns.
fn is_notice(block: &str) -> bool {
    // The first notice that was found of each list.
    let mut first = [None; 7];
    let mut repeated = LISTS.notices.find_overlapping_iter(block).filter(|found| {
        let notice = found.pattern().as_usize();
        *first[LISTS.languages[notice]].get_or_insert(notice) != notice
    });
    repeated.next().is_some() || is_of_pattern(block)
}

/// Whether a paragraph has one of the patterns.
fn is_of_pattern(block: &str) -> bool {
    if block.len() > MAX_PATTERN {
        return false;
    }
    let text = block.to_lowercase().replace('’', "'");
    LISTS.lists.iter().flat_map(|list| &list.patterns).any(|pattern| matches_pattern(&text, pattern))
}

/// Whether `text` has the form of `pattern`, in which `*` is any text.
fn matches_pattern(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || pattern.ends_with('*')
}

/// Whether `words` are a sequence of phrases of page chrome.
fn is_phrases(words: &[String]) -> bool {
    // Whether phrases end before each word.
    let mut reached = vec![false; words.len() + 1];
    reached[0] = true;
    for start in 0..words.len() {
        let phrases = LISTS.phrases.get(&words[start]).filter(|_| reached[start]);
        for phrase in phrases.into_iter().flatten() {
            if words[start..].starts_with(phrase) {
                reached[start + phrase.len()] = true;
            }
        }
    }
    !words.is_empty() && reached[words.len()]
}

/// The words of a text in lower case, with `#` for numbers and `@` for times of day.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        rest = &rest[start..];
        let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = if is_number {
            let inside = |(i, c): (usize, char)| {
                let between = ".,:'’ \u{a0}\u{202f}h".contains(c);
                let next = rest[i + c.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
                !(c.is_ascii_digit() || between && next)
            };
            rest.char_indices().find(|at| inside(*at)).map_or(rest.len(), |(i, _)| i)
        } else {
            rest.find(|c: char| !c.is_alphanumeric() || c.is_ascii_digit()).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        // "1.2K views".
        let unit = after.starts_with(['k', 'm']) && !after[1..].starts_with(char::is_alphanumeric);
        rest = if is_number && unit { &after[1..] } else { after };
        words.push(match is_number {
            true if is_clock(word) => "@".into(),
            true => "#".into(),
            false => word.into(),
        });
    }
    words
}

/// Whether a number is a time of day: "9:05", "21h30".
fn is_clock(number: &str) -> bool {
    number.split_once([':', 'h']).is_some_and(|(hour, minute)| {
        let is_number = |part: &str, most: u32| part.parse().is_ok_and(|n: u32| n <= most);
        is_number(hour, 24) && minute.len() == 2 && is_number(minute, 59)
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
    fn counters_times_and_prompts_are_page_chrome() {
        let check = |blocks: &[&str], expect: bool| {
            blocks.iter().for_each(|block| assert_eq!(is_page_chrome(block), expect, "{block}"));
        };
        check(
            &[
                "1,204 views | 3 min read",
                "98 views · 2 min read",
                "1.2K shares",
                "12 Comments",
                "10:45",
                "Updated 9:05",
            ],
            true,
        );
        check(
            &["Page 3 of 7", "Photo 2 of 12", "Image 1 of 5", "5 minutes ago", "3 MIN READ", "10:45 AM ET"],
            true,
        );
        check(
            &[
                "Share on Facebook Share on X",
                "Click to share on Twitter (Opens in new window)",
                "Copy link",
                "Tweet",
            ],
            true,
        );
        check(
            &[
                "Lesezeit: 4 Min.",
                "10:45 Uhr",
                "Anzeige",
                "Bild 3 von 7",
                "12 Kommentare",
                "Stand: 10:45 Uhr",
            ],
            true,
        );
        check(&["Lire la suite", "Temps de lecture : 3 min", "Mis à jour à 10h45"], true);
        check(
            &["Leia mais", "続きを読む", "Читайте также: другая новость", "Devamını oku", "Läs också: mer"],
            true,
        );
        check(
            &[
                "https://norrin.example/a/b",
                "www.norrin.example",
                "desk@norrin.example",
                "pic.twitter.com/aB3",
            ],
            true,
        );
        check(&["The post Quay closed appeared first on Norrin Post."], true);
        check(
            &[
                "Norrin 3 Brell 2",
                "3",
                "12 dead",
                "Shr 5p vs 4p",
                "Comments by the mayor",
                "Close",
                "Fire at 10:45",
                "Owl",
            ],
            false,
        );
        check(&["Cookies were sold at the fair", "The views of 98 people", "Photo finish in Norrin"], false);
    }

    #[test]
    fn notices_on_consent_and_subscription_are_page_chrome() {
        let check = |block: &str, expect: bool| assert_eq!(is_page_chrome(block), expect, "{block}");
        check(
            "We use cookies and similar technologies to store information on your device. You can change your choices at any \
             time in the privacy settings. By clicking accept you consent to the processing of your data by our 40 partners.",
            true,
        );
        check(
            "Wir verwenden Cookies und geben Daten an unsere Partner weiter. Details in der Datenschutzerklärung.",
            true,
        );
        check(
            "Cet article est réservé aux abonnés. Pour lire la suite, abonnez-vous sans engagement dès maintenant ici.",
            true,
        );
        check(
            "To continue reading this article, subscribe now. Already a subscriber? Log in here with your email address.",
            true,
        );
        check(
            "The regulator said on Monday that the firm placed cookies on computers of visitors who had not agreed, and fined \
             it four million crowns. A spokesman said that visitors could refuse them at any time.",
            false,
        );
        check(
            "The paper has 40,000 subscribers, and its newsletter is read by twice as many people in the region.",
            false,
        );
    }

    #[test]
    fn paragraphs_lose_lines_of_chrome_and_cut_marks() {
        let check = |text: &str, expect: &str| {
            let range = trim_paragraph(text, 0..text.len());
            assert_eq!(&text[range], expect, "{text}");
        };
        check("The board voted to close the quay… [+2045 chars]", "The board voted to close the quay…");
        check("It rained. [+1 chars]", "It rained.");
        check("It rained [more] today [+12]", "It rained [more] today [+12]");
        check("1,204 views | 3 min read\nThe board voted.\nShare", "The board voted.");
        check("The spokesman declined to give any\ncomments", "The spokesman declined to give any\ncomments");
        check("Share\nPrices fell.", "Prices fell.");
    }

    #[test]
    fn a_text_of_nothing_else_is_recognised() {
        let check = |text: &str, expect: bool| assert_eq!(is_only_chrome(text), expect, "{text}");
        check("Share\n\n12 comments\n\nRead more", true);
        check("Share\n\nThe board voted.", false);
        check("", false);
        check("\n\n", false);
    }

    #[test]
    fn captions_and_repetitions_are_page_chrome() {
        let blocks =
            ["Head", "A sentence.", "Head", "Photo by X", "Photo by X", "A sentence.", "Next Article"];
        assert_eq!(flag_page_chrome(&blocks, &["Head"]), [true, false, true, true, true, false, true]);
    }
}

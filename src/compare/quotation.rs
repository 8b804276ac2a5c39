//! Which words of a passage are somebody else's.
//!
//! They stand in quotation marks, or in statements, letters and posts that are shown as a whole.
//! Two reports that quote one speech share its words without one being made from the other. Normalized text has one kind of
//! double and of single mark, so that the letters beside a mark tell whether it opens or closes; where they do not ("« Non »"),
//! marks alternate. A quotation that runs over several paragraphs opens in each and closes in the last.

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use serde::Deserialize;

use crate::{word_lists, words::is_word_char};

/// Bytes of a quotation in single marks, at most: an apostrophe that looks like an opening mark has no closing one near.
const MAX_SINGLE: usize = 600;

/// Words in the first person outside of quotation marks, from which a passage is a statement …
const MIN_FIRST_PERSON: usize = 2;

/// … if there is one among so many words.
const FIRST_PERSON_ONE_IN: usize = 20;

/// The lists of `data/quotation.toml`.
#[derive(Deserialize)]
struct Lists {
    first_person: HashSet<String>,
    posts: Vec<String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| word_lists::parse("quotation.toml", include_str!("data/quotation.toml")));

/// The byte ranges of normalized `text` that are quoted, ascending and apart from one another; all of it, if it is a
/// statement in the first person or a post of a network.
pub(super) fn quotations(text: &str) -> Vec<Range<usize>> {
    let quoted = in_marks(text);
    if is_post(text) || is_statement(text, &quoted) {
        return std::iter::once(0..text.len()).collect();
    }
    quoted
}

/// Whether a passage ends in a way that presents the next one: "She wrote on Monday:".
pub(super) fn presents(text: &str) -> bool {
    text.ends_with([':', '：'])
}

/// What a character does to a quotation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Opens,
    Closes,
    /// Opens if none is open.
    Alternates,
}

/// What the mark between `before` and `after` does.
fn mark(c: char, before: Option<char>, after: Option<char>) -> Option<Mark> {
    match c {
        '「' | '『' | '‹' => return Some(Mark::Opens),
        '」' | '』' | '›' => return Some(Mark::Closes),
        '"' => {}
        _ => return None,
    }
    let is_apart = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "([{-/:".contains(c));
    Some(match (is_apart(before), after.is_none_or(char::is_whitespace)) {
        (true, false) => Mark::Opens,
        (false, true) => Mark::Closes,
        _ if before.is_some_and(|c| ".,!?".contains(c)) => Mark::Closes,
        _ => Mark::Alternates,
    })
}

fn in_marks(text: &str) -> Vec<Range<usize>> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let at = |i: usize| chars.get(i).map(|(_, c)| *c);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut i = 0;
    while let Some(&(place, c)) = chars.get(i) {
        let before = i.checked_sub(1).and_then(at);
        match (mark(c, before, at(i + 1)), open) {
            (Some(Mark::Opens | Mark::Alternates), None) => open = Some(place),
            (Some(Mark::Closes | Mark::Alternates), Some(from)) => {
                ranges.push(from..place);
                open = None;
            }
            // The passage begins within a quotation.
            (Some(Mark::Closes), None) if ranges.is_empty() => ranges.push(0..place),
            _ => {}
        }
        if c == '\''
            && open.is_none()
            && let Some(end) = single_end(text, place, before, at(i + 1))
        {
            ranges.push(place..end);
            i = chars.partition_point(|(p, _)| *p < end);
        }
        i += 1;
    }
    // It closes in a later paragraph.
    ranges.extend(open.map(|from| from..text.len()));
    ranges
}

/// The end of a quotation in single marks that opens at `place`: a mark behind a full stop or comma.
fn single_end(text: &str, place: usize, before: Option<char>, after: Option<char>) -> Option<usize> {
    let opens =
        before.is_none_or(|c| c.is_whitespace() || "([".contains(c)) && after.is_some_and(is_word_char);
    if !opens {
        return None;
    }
    let rest = &text[place + 1..];
    let closes = |(at, _): &(usize, &str)| {
        let (inside, behind) = rest.split_at(*at);
        let ends = behind[1..].chars().next().is_none_or(|c| !is_word_char(c));
        ends && inside.ends_with(['.', ',', '!', '?'])
    };
    let found = rest.match_indices('\'').take_while(|(at, _)| *at < MAX_SINGLE).find(closes);
    found.map(|(at, _)| place + 1 + at)
}

fn is_post(text: &str) -> bool {
    LISTS.posts.iter().any(|sign| text.contains(sign.as_str()))
}

/// Whether a passage speaks in the first person outside of quotation marks.
fn is_statement(text: &str, quoted: &[Range<usize>]) -> bool {
    let mut outside = String::with_capacity(text.len());
    let mut from = 0;
    for range in quoted {
        outside.push_str(&text[from..range.start]);
        from = range.end;
    }
    outside.push_str(&text[from..]);
    let words = outside.split(|c: char| !is_word_char(c)).filter(|word| !word.is_empty());
    let (mut all, mut first_person) = (0, 0);
    for word in words {
        all += 1;
        let is_first = word == "I" || LISTS.first_person.contains(&word.to_lowercase());
        first_person += usize::from(is_first);
    }
    first_person >= MIN_FIRST_PERSON && first_person * FIRST_PERSON_ONE_IN >= all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_found() {
        // Quoted text is marked with brackets.
        let check = |text: &str, expect: &str| {
            let mut marked = String::new();
            let mut from = 0;
            for range in quotations(text) {
                marked += &format!("{}[{}]", &text[from..range.start], &text[range.clone()]);
                from = range.end;
            }
            marked += &text[from..];
            assert_eq!(marked, expect, "{text}");
        };
        check("The council met on Monday.", "The council met on Monday.");
        check("\"The pier stays,\" Ostrel said.", "[\"The pier stays,]\" Ostrel said.");
        check("He spoke of \"a bad day\" twice.", "He spoke of [\"a bad day]\" twice.");
        check("\"It is late,\" he said. \"We go home.\"", "[\"It is late,]\" he said. [\"We go home.]\"");
        // Over several paragraphs.
        check("\"It rains. \"It pours.", "[\"It rains. \"It pours.]");
        check("it never ends,\" Ostrel said.", "[it never ends,]\" Ostrel said.");
        // Marks of other languages; normalized text has straight ones for most.
        check("Il dit \" Non \" et part.", "Il dit [\" Non ]\" et part.");
        check("市長は「港は残る」と述べた。", "市長は[「港は残る]」と述べた。");
        check("Er sagt: \"Nein.\"", "Er sagt: [\"Nein.]\"");
        check("(\"Norrin\") is a port", "([\"Norrin]\") is a port");
        // Single marks, and apostrophes that are none.
        check("'The pier stays,' Ostrel said.", "['The pier stays,]' Ostrel said.");
        check("'Don't leave,' he said.", "['Don't leave,]' he said.");
        check("In the '90s the workers' club closed.", "In the '90s the workers' club closed.");
        check("The town's pier and its owners' plan", "The town's pier and its owners' plan");
    }

    #[test]
    fn statements_and_posts_are_quoted_whole() {
        let check = |text: &str, expect: bool| {
            let whole = quotations(text).first().is_some_and(|range| *range == (0..text.len()));
            assert_eq!(whole, expect, "{text}");
        };
        check("I will not sign this. My duty is to the town, and I stand by it.", true);
        check("We regret what our drivers did, and we will pay for it.", true);
        check("Wir bedauern, was unsere Fahrer getan haben.", true);
        check("Nous regrettons que notre navire ait quitté le port.", true);
        check("The harbour is ours! - Lena Ostrel (@lenaostrel) May 4, 2031", true);
        check("She said the harbour was theirs, and left.", false);
        check("\"I will not sign,\" he said. \"My duty is to us.\" The vote is on Monday.", false);
        check("Our reporter was at the pier when the ships left it on Monday morning.", false);
    }

    #[test]
    fn a_colon_presents_what_follows() {
        let check = |text: &str, expect: bool| assert_eq!(presents(text), expect, "{text}");
        check("She wrote on Monday:", true);
        check("声明：", true);
        check("It ended 3:1.", false);
    }
}

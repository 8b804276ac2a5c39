//! Passage segmentation: a text is split into paragraphs; short ones are merged, long ones cut at ends of sentences.
//!
//! Spans are byte ranges of the text as it was read. Datelines, credits and page chrome are in no span.

use std::ops::Range;

use super::{dateline, page_chrome};

/// A paragraph of fewer bytes is merged with its neighbour: the embedding of a few words is not informative.
const MIN_BYTES: usize = 80;
/// The largest size of merged paragraphs, in bytes.
const MAX_MERGED_BYTES: usize = 300;
/// The largest number of estimated tokens of a passage; all-MiniLM-L6-v2 reads 256.
const MAX_TOKENS: f32 = 180.0;

/// The passages of `text` in order, as byte ranges that do not overlap.
pub fn segment_text(text: &str) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for Paragraph { range, follows_chrome } in paragraphs_of_story(text) {
        let piece = &text[range.clone()];
        match merged.last_mut() {
            // Paragraphs with page chrome between them are not merged.
            Some(last)
                if !follows_chrome
                    && last.len().min(piece.len()) < MIN_BYTES
                    && last.len() + piece.len() <= MAX_MERGED_BYTES =>
            {
                last.end = range.end;
            }
            _ => merged.push(range),
        }
    }
    merged.into_iter().flat_map(|range| split_long(text, range)).collect()
}

/// A paragraph that is part of a story.
pub(crate) struct Paragraph {
    /// The byte range in the text.
    pub range: Range<usize>,
    /// Whether page chrome stands before it.
    follows_chrome: bool,
}

/// The paragraphs of `text` without dateline, credit and page chrome.
pub(crate) fn paragraphs_of_story(text: &str) -> Vec<Paragraph> {
    let body = dateline::find_attribution(text).body;
    let (mut found, mut follows_chrome) = (Vec::new(), false);
    for paragraph in paragraphs(text, body) {
        if page_chrome::is_page_chrome(&text[paragraph.clone()]) {
            follows_chrome = true;
            continue;
        }
        let range = page_chrome::trim_paragraph(text, paragraph);
        found.push(Paragraph { range, follows_chrome: std::mem::take(&mut follows_chrome) });
    }
    found
}

/// Paragraphs separated by blank lines; if there are none, the lines, unless they are wrapped text.
fn paragraphs(text: &str, body: Range<usize>) -> Vec<Range<usize>> {
    let lines = line_ranges(text, body);
    let filled: Vec<&Range<usize>> = lines.iter().filter(|l| !l.is_empty()).collect();
    let blank = lines.iter().any(Range::is_empty);
    let ends_sentence =
        |l: &&&Range<usize>| text[l.start..l.end].ends_with(['.', '!', '?', '"', '”', ':', ')']);
    let wrapped =
        !blank && filled.iter().filter(ends_sentence).count() * 2 < filled.len() && filled.len() > 2;
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut current: Option<Range<usize>> = None;
    for line in lines {
        if line.is_empty() {
            out.extend(current.take());
            continue;
        }
        match &mut current {
            Some(range) if blank || wrapped => range.end = line.end,
            _ => {
                out.extend(current.take());
                current = Some(line);
            }
        }
    }
    out.extend(current);
    out
}

/// The lines of `text` in `body`, trimmed; an empty range is a blank line.
fn line_ranges(text: &str, body: Range<usize>) -> Vec<Range<usize>> {
    let mut at = body.start;
    let mut lines = Vec::new();
    for line in text[body].split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        let end = at + line.trim_end().len();
        lines.push(start.min(end)..end);
        at += line.len();
    }
    lines
}

/// Splits `range` into pieces of about equal length within the token limit, at ends of sentences where there are any.
fn split_long(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let total = tokens(&text[range.clone()]);
    if total <= MAX_TOKENS {
        return vec![range];
    }
    let target = total / (total / MAX_TOKENS).ceil();
    let mut pieces = Vec::new();
    let (mut start, mut sum) = (range.start, 0.0);
    for sentence in sentences(text, range.clone()) {
        let cost = tokens(&text[sentence.clone()]);
        if sum > 0.0 && sum + cost / 2.0 > target {
            pieces.push(start..sentence.start);
            (start, sum) = (sentence.start, 0.0);
        }
        sum += cost;
    }
    pieces.push(start..range.end);
    // A sentence beyond the limit is split between words, or else between characters.
    let trimmed = pieces.into_iter().map(|p| trim(text, p));
    trimmed
        .flat_map(|p| {
            if tokens(&text[p.clone()]) > MAX_TOKENS * 1.3 { split_at_spaces(text, p) } else { vec![p] }
        })
        .collect()
}

fn sentences(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let piece = &text[range.clone()];
    let mut out = Vec::new();
    let mut start = 0;
    let mut ended = false;
    for (i, c) in piece.char_indices() {
        match c {
            '.' | '!' | '?' | '。' | '！' | '？' => ended = true,
            '"' | '\'' | '”' | '’' | ')' => {}
            c if c.is_whitespace() => {}
            c => {
                let gap = piece[..i].ends_with(char::is_whitespace)
                    || "。！？".contains(piece[..i].chars().next_back().unwrap_or(' '));
                if ended && gap && !c.is_lowercase() {
                    out.push(range.start + start..range.start + i);
                    start = i;
                }
                ended = false;
            }
        }
    }
    out.push(range.start + start..range.end);
    out
}

fn split_at_spaces(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut start, mut space, mut sum) = (range.start, None, 0.0);
    for (i, c) in text[range.clone()].char_indices().map(|(i, c)| (range.start + i, c)) {
        if sum > MAX_TOKENS {
            let end = space.unwrap_or(i);
            out.push(trim(text, start..end));
            sum = tokens(&text[end..i]);
            (start, space) = (end, None);
        }
        if c.is_whitespace() {
            space = Some(i);
        }
        sum += cost(c);
    }
    out.push(trim(text, start..range.end));
    out.retain(|r| !r.is_empty());
    out
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    start..start.max(range.start + piece.trim_end().len())
}

/// The estimated number of WordPiece tokens of `text`: 4.5 letters per token, 2 digits, or one other character.
fn tokens(text: &str) -> f32 {
    text.chars().map(cost).sum()
}

fn cost(c: char) -> f32 {
    match c {
        c if c.is_ascii_alphabetic() => 1.0 / 4.5,
        c if c.is_ascii_digit() => 0.5,
        c if c.is_whitespace() => 0.0,
        c if c.is_ascii() => 0.7,
        c if c.is_alphabetic() && (c as u32) < 0x2000 => 0.4,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_are_merged_and_cleaned() {
        let check = |text: &str, expect: &[&str]| {
            let found: Vec<&str> = segment_text(text).into_iter().map(|r| &text[r]).collect();
            assert_eq!(found, expect, "{text:?}");
        };
        let long =
            "This paragraph is long enough to stand on its own, because it has more than eighty characters.";
        check(&format!("{long}\n\n{long}"), &[long, long]);
        check("Shr 5p vs 4p\n\nDiv 2p\n\nTax 4 mln", &["Shr 5p vs 4p\n\nDiv 2p\n\nTax 4 mln"]);
        check(&format!("{long}\n\nNext Article\n\nShort."), &[long, "Short."]);
        check(&format!("PARIS (AFP) - {long}"), &[long]);
        check(
            "wrapped lines of\na single para-\ngraph, that end\nanywhere",
            &["wrapped lines of\na single para-\ngraph, that end\nanywhere"],
        );
        check("", &[]);
        check(" \n\n ", &[]);
        check("Read more", &[]);
    }

    #[test]
    fn long_paragraphs_are_split_at_ends_of_sentences() {
        let text = "The council of Norrin met on Monday to hear what the harbour would cost. ".repeat(20);
        let pieces = segment_text(&text);
        assert!(pieces.len() > 1);
        for range in pieces {
            assert!(text[range.clone()].ends_with('.'), "{:?}", &text[range.clone()]);
            assert!(tokens(&text[range]) <= MAX_TOKENS * 1.3);
        }
    }

    proptest! {
        #[test]
        fn spans_are_ordered_and_lose_only_page_chrome(text in "([A-Za-z]{1,9}[ .,\n]{1,3}){0,200}|[一-龥。]{0,900}|\\PC{0,400}") {
            let body = dateline::find_attribution(&text).body;
            let spans = segment_text(&text);
            prop_assert!(spans.windows(2).all(|w| w[0].end <= w[1].start));
            let mut covered = vec![false; text.len()];
            for span in &spans {
                prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
                prop_assert!(tokens(&text[span.clone()]) <= MAX_TOKENS * 1.3 + 1.0);
                covered[span.clone()].fill(true);
            }
            for paragraph in paragraphs(&text, body) {
                if !page_chrome::is_page_chrome(&text[paragraph.clone()]) {
                    let kept = page_chrome::trim_paragraph(&text, paragraph);
                    for (i, c) in text[kept.clone()].char_indices() {
                        prop_assert!(c.is_whitespace() || covered[kept.start + i], "{:?} lost", c);
                    }
                }
            }
        }
    }
}

//! From places on pages to paragraphs: lines are joined, hyphenation undone, and what recurs at the edges of pages left out.
//!
//! Lines stay in the order of the file, in which programs write one column after another.

use std::collections::{BTreeMap, BTreeSet};

use super::content::Run;
use crate::ingest::formats::written::Paragraph;

/// The gap between two runs that is a space, as a share of the size of the font.
const SPACE: f32 = 0.15;

/// The gap between lines of one paragraph, as a multiple of the usual one.
const MAX_GAP: f32 = 1.35;

/// How much larger than most text a heading is.
const HEADING: f32 = 1.15;

/// How many lines at each edge of a page may recur on others.
const EDGE: usize = 2;

/// A line of text.
#[derive(Debug, Clone)]
struct Line {
    page: usize,
    begin: f32,
    end: f32,
    across: f32,
    angle: i32,
    size: f32,
    text: String,
}

/// The paragraphs of all pages.
pub(super) fn paragraphs(pages: Vec<Vec<Run>>) -> Vec<Paragraph> {
    let count = pages.len();
    let mut lines: Vec<Line> =
        pages.into_iter().enumerate().flat_map(|(page, runs)| lines(page, runs)).collect();
    let recurring = recurring(&lines, count);
    let mut at = 0;
    lines.retain(|_| {
        at += 1;
        !recurring.contains(&(at - 1))
    });
    join(&lines)
}

/// The lines of a page.
fn lines(page: usize, runs: Vec<Run>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut last: Option<(f32, f32, String)> = None;
    for run in runs.into_iter().filter(|run| !run.text.is_empty()) {
        // Text that is shown twice, a little apart, is bold.
        let place = (run.begin, run.across, run.text.clone());
        if last.as_ref().is_some_and(|(begin, across, text)| {
            *text == run.text && (begin - run.begin).hypot(across - run.across) < 0.2 * run.size
        }) {
            continue;
        }
        last = Some(place);
        let size = run.size.max(0.1);
        match lines.last_mut() {
            Some(line)
                if line.angle == run.angle
                    && (line.across - run.across).abs() < 0.5 * size.max(line.size)
                    && run.begin > line.end - size =>
            {
                let is_apart = run.begin - line.end > SPACE * size;
                if is_apart && !line.text.ends_with(' ') && !run.text.starts_with(' ') {
                    line.text.push(' ');
                }
                line.text.push_str(&run.text);
                line.end = run.end.max(line.end);
                line.size = line.size.max(run.size);
            }
            _ => lines.push(Line {
                page,
                begin: run.begin,
                end: run.end,
                across: run.across,
                angle: run.angle,
                size,
                text: run.text,
            }),
        }
    }
    lines.retain(|line| !line.text.trim().is_empty());
    lines.iter_mut().for_each(|line| expand_ligatures(&mut line.text));
    lines
}

/// Replaces characters that show several letters (Unicode, Alphabetic Presentation Forms).
fn expand_ligatures(text: &mut String) {
    const LETTERS: [&str; 7] = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"];
    for (ligature, letters) in ('\u{fb00}'..='\u{fb06}').zip(LETTERS) {
        if text.contains(ligature) {
            *text = text.replace(ligature, letters);
        }
    }
}

/// The lines at the edges of pages that recur, and page numbers.
fn recurring(lines: &[Line], pages: usize) -> BTreeSet<usize> {
    // The edges of each page, by the distance from its lower edge.
    let mut by_page: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.angle == 0) {
        by_page.entry(line.page).or_default().push(at);
    }
    let mut edges: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for at in by_page.values_mut() {
        at.sort_by(|a, b| lines[*a].across.total_cmp(&lines[*b].across));
        let last = at.len().saturating_sub(EDGE);
        for edge in at.iter().take(EDGE).chain(&at[last..]) {
            edges.entry(numberless(&lines[*edge].text)).or_default().insert(*edge);
        }
    }
    let is_number = |text: &str| {
        !text.contains(char::is_alphabetic) || text.starts_with("page #") || text.starts_with("seite #")
    };
    let recurs = |(text, lines): &(String, BTreeSet<usize>)| {
        let n = lines.len();
        n >= 3 && n * 3 >= pages
            || is_number(text) && text.contains('#') && text.len() < 20 && (n >= 2 || pages == 1)
    };
    edges.into_iter().filter(recurs).flat_map(|(_, lines)| lines).collect()
}

/// `text` in lower case with `#` for each number.
fn numberless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}

/// What lines are like in most of the document.
struct Usual {
    size: f32,
    /// The distance of two lines, as a multiple of the size.
    gap: f32,
    /// For each place where lines begin, in steps of two sizes: where the longest ends.
    right: BTreeMap<(usize, i64), f32>,
    /// Words with a hyphen inside of lines.
    hyphenated: BTreeSet<String>,
}

impl Usual {
    fn of(lines: &[Line]) -> Self {
        let size = median(lines.iter().map(|line| (line.size, line.text.len())));
        let gaps = lines
            .windows(2)
            .filter(|pair| pair[0].page == pair[1].page)
            .map(|pair| ((pair[0].across - pair[1].across) / pair[1].size, 1));
        let gap = median(gaps.filter(|(gap, _)| *gap > 0.5 && *gap < 3.0));
        let mut usual = Usual {
            size,
            gap: if gap > 0.0 { gap } else { 1.2 },
            right: BTreeMap::new(),
            hyphenated: BTreeSet::new(),
        };
        for line in lines {
            let right = usual.right.entry((line.page, usual_column(line.begin, size))).or_insert(line.end);
            *right = right.max(line.end);
            let words =
                line.text.split_whitespace().filter(|word| word.contains('-') && !word.ends_with('-'));
            usual.hyphenated.extend(words.map(|word| bare(word).to_lowercase()));
        }
        usual
    }

    /// Whether `line` goes on with the paragraph that ends with `last`.
    fn continues(&self, last: &Line, line: &Line) -> bool {
        let same_size = (last.size / line.size - 1.0).abs() < HEADING - 1.0;
        if last.angle != line.angle || !same_size {
            return false;
        }
        let gap = (last.across - line.across) / line.size;
        let open = !ends_sentence(&last.text) || line.text.trim_start().starts_with(char::is_lowercase);
        if last.page != line.page || gap < -0.5 {
            return open;
        }
        if gap > MAX_GAP * self.gap {
            return false;
        }
        if line.size > HEADING * self.size {
            return true;
        }
        let right =
            self.right.get(&(last.page, usual_column(last.begin, self.size))).copied().unwrap_or(last.end);
        let is_short = last.end < right - 0.2 * (right - last.begin);
        let is_indented = line.begin > last.begin + 0.8 * line.size;
        !(is_indented || is_short && ends_sentence(&last.text))
    }
}

/// The column in which a line begins.
fn usual_column(begin: f32, size: f32) -> i64 {
    (begin / (4.0 * size.max(0.1))).round() as i64
}

/// The middle of values with their weights; 0 without any.
fn median(values: impl Iterator<Item = (f32, usize)>) -> f32 {
    let mut values: Vec<(f32, usize)> = values.collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<usize>() / 2;
    let mut sum = 0;
    let middle = values.iter().find(|(_, weight)| {
        sum += weight;
        sum > half
    });
    middle.map_or(0.0, |(value, _)| *value)
}

fn join(lines: &[Line]) -> Vec<Paragraph> {
    let usual = Usual::of(lines);
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut has_heading = false;
    let mut last: Option<&Line> = None;
    for line in lines {
        match paragraphs.last_mut().filter(|_| last.is_some_and(|last| usual.continues(last, line))) {
            Some(paragraph) => append(&mut paragraph.text, &line.text, &usual.hyphenated),
            None => {
                let is_heading = !has_heading && line.page == 0 && line.size > HEADING * usual.size;
                has_heading |= is_heading;
                paragraphs.push(Paragraph { text: line.text.trim().into(), is_heading });
            }
        }
        last = Some(line);
    }
    paragraphs
}

/// Appends a line to a paragraph. A word that is divided at the end of the line is put together again, unless it is written with
/// its hyphen elsewhere.
fn append(paragraph: &mut String, line: &str, hyphenated: &BTreeSet<String>) {
    let line = line.trim();
    let end = paragraph.trim_end().len();
    paragraph.truncate(end);
    if paragraph.ends_with('\u{ad}') {
        paragraph.pop();
        paragraph.push_str(line);
        return;
    }
    let before = paragraph.strip_suffix(['-', '\u{2010}']);
    let is_divided = before
        .is_some_and(|before| before.ends_with(char::is_lowercase) && line.starts_with(char::is_lowercase));
    if is_divided {
        let first = before.and_then(|before| before.split_whitespace().next_back()).unwrap_or_default();
        let second = line.split_whitespace().next().unwrap_or_default();
        if !hyphenated.contains(&bare(&format!("{first}-{second}")).to_lowercase()) {
            paragraph.pop();
        }
    } else if before.is_none() || line.starts_with(|c: char| !c.is_alphanumeric()) {
        // Scripts without spaces have none between lines.
        let is_ideograph =
            |c: Option<char>| c.is_some_and(|c| ('\u{3000}'..'\u{a000}').contains(&c) || c > '\u{ff00}');
        if !(is_ideograph(paragraph.chars().next_back()) && is_ideograph(line.chars().next())) {
            paragraph.push(' ');
        }
    }
    paragraph.push_str(line);
}

/// A word without what stands around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end().trim_end_matches(['"', '”', '’', ')', '»', '\'']);
    text.ends_with(['.', '!', '?', ':', '…', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of ten points, each 12 points below the one before, as `(begin, end, text)`.
    fn page(lines: &[(f32, f32, &str)]) -> Vec<Run> {
        let run = |(at, (begin, end, text)): (usize, &(f32, f32, &str))| Run {
            begin: *begin,
            end: *end,
            across: 700.0 - 12.0 * at as f32,
            angle: 0,
            size: 10.0,
            text: text.to_string(),
        };
        lines.iter().enumerate().map(run).collect()
    }

    fn texts(pages: Vec<Vec<Run>>) -> Vec<String> {
        paragraphs(pages).into_iter().map(|paragraph| paragraph.text).collect()
    }

    #[test]
    fn lines_are_joined_to_paragraphs() {
        let check =
            |lines: &[(f32, f32, &str)], expect: &[&str]| assert_eq!(texts(vec![page(lines)]), expect);
        check(&[(50.0, 300.0, "It rained in"), (50.0, 200.0, "Norrin.")], &["It rained in Norrin."]);
        check(&[(50.0, 300.0, "It was hea-"), (50.0, 200.0, "vy.")], &["It was heavy."]);
        check(
            &[
                (50.0, 300.0, "A well-known town, well-"),
                (50.0, 300.0, "known for rain, is"),
                (50.0, 90.0, "wet."),
            ],
            &["A well-known town, well-known for rain, is wet."],
        );
        check(&[(50.0, 300.0, "The Norrin-"), (50.0, 200.0, "Ostrel line.")], &["The Norrin-Ostrel line."]);
        // A short last line, and an indented first one.
        check(
            &[
                (50.0, 300.0, "It rained in the whole of"),
                (50.0, 90.0, "Norrin."),
                (50.0, 300.0, "Then it did not rain."),
            ],
            &["It rained in the whole of Norrin.", "Then it did not rain."],
        );
        check(
            &[
                (62.0, 300.0, "It rained in the whole"),
                (50.0, 299.0, "of Norrin."),
                (62.0, 300.0, "Then not."),
            ],
            &["It rained in the whole of Norrin.", "Then not."],
        );
    }

    #[test]
    fn what_recurs_at_the_edges_of_pages_is_left_out() {
        let body = [
            "It rained on the hills",
            "and it rained on the",
            "town, where nobody had",
            "expected the rain.",
        ];
        let pages = body.iter().enumerate().map(|(n, text)| {
            let number = format!("Page {} of 4", n + 1);
            let lines = [(50.0, 200.0, "Norrin Post"), (50.0, 300.0, *text), (50.0, 100.0, number.as_str())];
            page(&lines)
        });
        assert_eq!(texts(pages.collect()), [body.join(" ")]);
    }

    #[test]
    fn runs_become_lines() {
        let run = |begin: f32, end: f32, across: f32, text: &str| Run {
            begin,
            end,
            across,
            angle: 0,
            size: 10.0,
            text: text.into(),
        };
        let check = |runs: Vec<Run>, expect: &[&str]| {
            let found: Vec<String> = lines(0, runs).into_iter().map(|line| line.text).collect();
            assert_eq!(found, expect);
        };
        check(
            vec![run(0.0, 10.0, 5.0, "Ra"), run(10.2, 20.0, 5.0, "in"), run(23.0, 30.0, 5.0, "fell")],
            &["Rain fell"],
        );
        check(vec![run(0.0, 10.0, 5.0, "Rain"), run(0.5, 10.5, 5.0, "Rain")], &["Rain"]);
        check(vec![run(0.0, 10.0, 5.0, "m"), run(10.0, 12.0, 8.0, "2")], &["m2"]);
        check(vec![run(100.0, 110.0, 5.0, "right"), run(0.0, 10.0, 5.0, "left")], &["right", "left"]);
    }
}

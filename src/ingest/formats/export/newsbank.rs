//! Exports of NewsBank as text.
//!
//! A head of title, outlet and date ends with "OpenURL Link" or with labelled fields; the text ends with the rights.

use super::{
    Article, Export,
    lines::{Line, blocks, filled, find_date, label, lines, paragraphs, states_rights},
};

/// The labels of fields before and behind a text.
const LABELS: [&str; 17] = [
    "Title",
    "Headline",
    "Paper",
    "Publication",
    "Source",
    "Date",
    "Author",
    "Author(s)",
    "Byline",
    "Section",
    "Edition",
    "Page",
    "Column",
    "Record Number",
    "Record",
    "Index Terms",
    "Readability",
];

/// Splits an export.
pub(super) fn split(text: &str) -> Option<Export> {
    if !text.contains("OpenURL Link") && !text.contains("Record Number:") {
        return None;
    }
    let lines = lines(text);
    let mut articles = Vec::new();
    let mut start = 0;
    for at in 0..lines.len() {
        let is_last = at + 1 == lines.len();
        let ends = states_rights(lines[at].text) || is_last;
        let part = &lines[start..at + usize::from(is_last)];
        if ends && is_marked(part) {
            articles.extend(article(part));
            start = at + 1;
        }
    }
    (!articles.is_empty()).then_some(Export { articles, stated: None })
}

/// Whether a part has what every article has: the link, or the number with a label of the head.
fn is_marked(part: &[Line]) -> bool {
    let has = |names: &[&str]| part.iter().any(|line| label(line.text, names).is_some());
    part.iter().any(|line| line.text == "OpenURL Link")
        || (has(&["Record Number"])
            && has(&["Paper", "Publication", "Source", "Title", "Headline"])
            && has(&["Date"]))
}

fn article(all: &[Line]) -> Option<Article> {
    let field = |names: &[&str]| {
        let values = all.iter().flat_map(|line| line.text.split(" | ")).filter_map(|part| label(part, names));
        values.map(|(_, value)| value.to_string()).find(|value| !value.is_empty())
    };
    // The head ends with the link, or with the last label before the text.
    let link = all.iter().position(|line| line.text == "OpenURL Link");
    let is_label = |line: &Line| label(line.text, &LABELS).is_some();
    let labels = || {
        let first = all.iter().position(is_label)?;
        // The record number may stand behind the text.
        let run = all[first..].iter().take_while(|line| line.text.is_empty() || is_label(line)).count();
        Some(first + run - 1)
    };
    let end = link.or_else(labels)?;
    let head = filled(&all[..=end]);
    let plain: Vec<&Line> =
        head.iter().filter(|line| !is_label(line) && line.text != "OpenURL Link").collect();
    let first = head.first()?;
    let dated = head.iter().find(|line| find_date(line.text).is_some());
    let title = field(&["Title", "Headline"]).or_else(|| {
        plain.iter().find(|line| find_date(line.text).is_none()).map(|line| line.text.to_string())
    })?;
    let source = field(&["Paper", "Publication", "Source"]).or_else(|| {
        let beside = dated.and_then(|line| {
            line.text
                .split(['|', '•'])
                .map(str::trim)
                .find(|part| !part.is_empty() && find_date(part).is_none())
        });
        let other = || plain.iter().find(|line| line.text != title && !is_count(line.text));
        beside.map(String::from).or_else(|| other().map(|line| line.text.to_string()))
    });
    let body: Vec<Line> = all[end + 1..].iter().copied().filter(|line| !is_label(line)).collect();
    Some(Article {
        title,
        text: paragraphs(&blocks(&body)),
        date: field(&["Date"]).or_else(|| dated.and_then(|line| find_date(line.text))),
        // "Norrin Post (ST)" names its state too.
        source: source.map(|source| source.split(" (").next().unwrap_or_default().to_string()),
        byline: field(&["Author", "Author(s)", "Byline"]),
        line: first.number,
        ..Article::default()
    })
    .filter(|article| !article.text.is_empty())
}

/// Whether a line counts words: "504 Words".
fn is_count(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()))
}

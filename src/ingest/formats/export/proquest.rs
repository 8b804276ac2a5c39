//! Exports of ProQuest as text: articles between lines of underscores, each with labelled fields.

use super::{
    Article, Export,
    lines::{Line, blocks, label, lines, paragraphs, value},
};

/// The labels of fields, apart from that of the text.
const LABELS: [&str; 37] = [
    "Title",
    "Alternate Title",
    "Author",
    "Correspondence author",
    "Publication info",
    "Publication title",
    "Publication date",
    "Publication year",
    "Publication subject",
    "Abstract",
    "Links",
    "Subject",
    "Business indexing term",
    "Location",
    "People",
    "Company / organization",
    "Classification",
    "Identifier / keyword",
    "Document feature",
    "Volume",
    "Issue",
    "Pages",
    "First page",
    "Number of pages",
    "Section",
    "Publisher",
    "Place of publication",
    "Country of publication",
    "ISSN",
    "Source type",
    "Language of publication",
    "Document type",
    "ProQuest document ID",
    "Document URL",
    "Copyright",
    "Last updated",
    "Database",
];

/// Splits an export.
pub(super) fn split(text: &str) -> Option<Export> {
    let id = ["ProQuest document ID", "ProQuest documentID"];
    if !id.iter().any(|label| text.contains(label)) {
        return None;
    }
    let lines = lines(text);
    let is_rule = |line: &Line| line.text.len() >= 20 && line.text.bytes().all(|b| b == b'_' || b == b'*');
    let articles: Vec<Article> = lines.split(is_rule).filter_map(article).collect();
    let stated = lines.iter().find_map(|line| {
        let (_, all) = line.text.strip_prefix("Document ")?.split_once(" of ")?;
        all.trim().parse().ok()
    });
    (!articles.is_empty()).then_some(Export { articles, stated })
}

fn article(all: &[Line]) -> Option<Article> {
    let field = |name: &str| {
        let at = all.iter().position(|line| value(line.text, name).is_some())?;
        let first = value(all[at].text, name)?;
        // A value may go on in the lines below, up to a blank one.
        let more = all[at + 1..]
            .iter()
            .take_while(|line| !line.text.is_empty() && label(line.text, &LABELS).is_none())
            .map(|line| line.text);
        let text: Vec<&str> = [first].into_iter().chain(more).collect();
        Some(text.join(" ").trim().to_string()).filter(|text| !text.is_empty())
    };
    let id = field("ProQuest document ID").or_else(|| field("ProQuest documentID"))?;
    let first = all.iter().find(|line| !line.text.is_empty() && !line.text.starts_with("Document "))?;
    let title = field("Title").unwrap_or_else(|| first.text.to_string());
    let text = full_text(all).or_else(|| field("Abstract")).unwrap_or_default();
    Some(Article {
        id: Some(id),
        title,
        text,
        date: field("Publication date").or_else(|| field("Publication year")),
        source: field("Publication title").map(|source| outlet(&source)),
        byline: field("Author"),
        url: field("Document URL"),
        line: first.number,
    })
}

/// The name of a publication without what follows a semicolon: "Norrin Post; Norrin, N.N." names its place too.
fn outlet(source: &str) -> String {
    source.split("; ").next().unwrap_or(source).to_string()
}

/// The paragraphs behind "Full text:", up to the next field.
fn full_text(all: &[Line]) -> Option<String> {
    let at = all.iter().position(|line| value(line.text, "Full text").is_some())?;
    let first = Line { text: value(all[at].text, "Full text")?, ..all[at] };
    let rest = &all[at + 1..];
    // A paragraph may begin with a word and a colon too: two fields in a row end the text.
    let is_field = |at: usize| label(rest[at].text, &LABELS).is_some();
    let next = |at: usize| (at + 1..rest.len()).find(|&next| !rest[next].text.is_empty());
    let is_end = |at: usize| is_field(at) && next(at).is_none_or(is_field);
    let end = (0..rest.len()).find(|&at| is_end(at)).unwrap_or(rest.len());
    let lines = [&[first], &rest[..end]].concat();
    let mut blocks = blocks(&lines);
    let is_contact = |block: &&[Line]| block[0].text.starts_with("Contact us at:");
    blocks.retain(|block| !is_contact(block));
    let text = paragraphs(&blocks);
    let is_missing =
        text.eq_ignore_ascii_case("Not available.") || text.eq_ignore_ascii_case("None available.");
    (!text.is_empty() && !is_missing).then_some(text)
}

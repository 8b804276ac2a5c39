//! OpenDocument texts (OpenDocument 1.3, part 3): paragraphs, tables and metadata.

use std::collections::BTreeSet;

use super::{
    Package, give,
    xml::{self, Token},
};
use crate::ingest::{
    formats::written::{Paragraph, Paragraphs, WrittenDocument},
    sink::StorySink,
};

/// Elements whose text is no text of the document.
const SKIPPED: [&str; 5] = ["note", "annotation", "tracked-changes", "ruby-text", "desc"];

/// The most spaces that one element may stand for.
const MAX_SPACES: usize = 64;

/// Reads one document.
pub(in crate::ingest::formats) fn read(bytes: &[u8], sink: &mut StorySink) {
    give(document(bytes), sink);
}

/// The document, and the error that ended it early.
fn document(bytes: &[u8]) -> Result<(WrittenDocument, Option<String>), String> {
    let mut package = Package::open(bytes).map_err(|error| error.to_string())?;
    package.refuse_encrypted()?;
    let content = package.required("content.xml")?;
    let meta = package.part("meta.xml").ok().flatten().unwrap_or_default();
    let [title, created, modified] =
        xml::texts(&meta, ["title", "creation-date", "date"]).unwrap_or_default();
    let (paragraphs, error) = paragraphs(&content);
    Ok((WrittenDocument { title, date: created.or(modified), paragraphs }, error))
}

fn paragraphs(xml: &str) -> (Vec<Paragraph>, Option<String>) {
    let mut out = Paragraphs::default();
    let mut title_styles = BTreeSet::from(["Title".to_string()]);
    let (mut skipped, mut depth) = (0u32, 0u32);
    let outcome = xml::for_each_token(xml, &mut |token| match token {
        Token::Start(name, _) if SKIPPED.contains(&name) => skipped += 1,
        Token::End(name) if SKIPPED.contains(&name) => skipped = skipped.saturating_sub(1),
        _ if skipped > 0 => {}
        // A style of its own that is made from that of titles.
        Token::Start("style", attributes)
            if attributes.get("parent-style-name").as_deref() == Some("Title") =>
        {
            title_styles.extend(attributes.get("name"));
        }
        Token::Start(name @ ("p" | "h"), attributes) => {
            depth += 1;
            out.begin();
            let is_first_heading =
                name == "h" && attributes.get("outline-level").is_none_or(|level| level == "1");
            if is_first_heading
                || attributes.get("style-name").is_some_and(|style| title_styles.contains(&style))
            {
                out.mark_heading();
            }
        }
        Token::End("p" | "h") => {
            depth = depth.saturating_sub(1);
            out.end();
        }
        Token::Start("s", attributes) => {
            let count = attributes.get("c").and_then(|count| count.parse().ok()).unwrap_or(1);
            out.push(&" ".repeat(count.min(MAX_SPACES)));
        }
        Token::Start("tab", _) => out.push(" "),
        Token::Start("line-break", _) => out.push("\n"),
        Token::Start("table-row", _) => out.begin_row(),
        Token::End("table-cell") => out.end_cell(),
        Token::End("table-row") => out.end_row(),
        // White space around elements, with line breaks, is that of the file.
        Token::Text(text) if depth > 0 => out.push(&text.replace(['\n', '\r', '\t'], " ")),
        _ => {}
    });
    (out.finish(), outcome.err())
}

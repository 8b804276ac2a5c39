//! Word documents (ECMA-376, WordprocessingML): paragraphs, tables and core properties.

use std::collections::BTreeSet;

use super::{
    Package, give,
    xml::{self, Token},
};
use crate::ingest::{
    formats::written::{Paragraph, Paragraphs, WrittenDocument},
    sink::StorySink,
};

/// Elements whose text is no text of the document: text that was moved away, and what other programs show in place of a
/// drawing.
const SKIPPED: [&str; 4] = ["moveFrom", "Fallback", "del", "instrText"];

/// Reads one document.
pub(in crate::ingest::formats) fn read(bytes: &[u8], sink: &mut StorySink) {
    give(document(bytes), sink);
}

/// The document, and the error that ended it early.
fn document(bytes: &[u8]) -> Result<(WrittenDocument, Option<String>), String> {
    let mut package = Package::open(bytes).map_err(|error| error.to_string())?;
    let main = package.main_part("word/document.xml");
    let body = package.required(&main)?;
    // Properties that cannot be read are missing.
    let styles = package.part("word/styles.xml").ok().flatten().unwrap_or_default();
    let core = package.part("docProps/core.xml").ok().flatten().unwrap_or_default();
    let [title, created, modified] = xml::texts(&core, ["title", "created", "modified"]).unwrap_or_default();
    let (paragraphs, error) = paragraphs(&body, &title_styles(&styles));
    Ok((WrittenDocument { title, date: created.or(modified), paragraphs }, error))
}

/// The styles of titles and first headings, by the names that they have in any language.
fn title_styles(xml: &str) -> BTreeSet<String> {
    let (mut found, mut style) = (BTreeSet::from(["Title".into(), "Heading1".into()]), None);
    // What is read up to an error is enough.
    let _ = xml::for_each_token(xml, &mut |token| match token {
        Token::Start("style", attributes) => style = attributes.get("styleId"),
        Token::Start("name", attributes) => {
            let name = attributes.get("val").unwrap_or_default().to_lowercase();
            if name == "title" || name == "heading 1" {
                found.extend(style.take());
            }
        }
        _ => {}
    });
    found
}

fn paragraphs(xml: &str, title_styles: &BTreeSet<String>) -> (Vec<Paragraph>, Option<String>) {
    let mut out = Paragraphs::default();
    let (mut skipped, mut in_text) = (0u32, false);
    let outcome = xml::for_each_token(xml, &mut |token| match token {
        Token::Start(name, _) if SKIPPED.contains(&name) => skipped += 1,
        Token::End(name) if SKIPPED.contains(&name) => skipped = skipped.saturating_sub(1),
        _ if skipped > 0 => {}
        Token::Start("p", _) => out.begin(),
        Token::End("p") => out.end(),
        Token::Start("pStyle", attributes)
            if attributes.get("val").is_some_and(|style| title_styles.contains(&style)) =>
        {
            out.mark_heading();
        }
        Token::Start("t", _) => in_text = true,
        Token::End("t") => in_text = false,
        Token::Start("tab" | "ptab", _) => out.push(" "),
        Token::Start("br" | "cr", _) => out.push("\n"),
        Token::Start("noBreakHyphen", _) => out.push("-"),
        Token::Start("tr", _) => out.begin_row(),
        Token::End("tc") => out.end_cell(),
        Token::End("tr") => out.end_row(),
        Token::Text(text) if in_text => out.push(text),
        _ => {}
    });
    (out.finish(), outcome.err())
}

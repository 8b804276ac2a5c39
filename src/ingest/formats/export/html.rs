//! The text of an export that is HTML, with marks where elements of chosen classes begin.

use crate::ingest::{
    formats::html::tokenizer::{BLOCKS, from_end_tag, next_tag},
    markup::decode_entities,
};

/// Stands around the name of a class in front of its text.
pub(super) const MARK: char = '\u{1}';

/// Elements whose content is not text of an article.
const SKIPPED: [&str; 3] = ["script", "style", "title"];

/// The text of `page` without tags: a blank line around block elements, a line break for `<br>`. An element that has a
/// class which ends in one of `classes` begins a line with the name of the class between two [`MARK`]s.
pub(super) fn to_text(page: &str, classes: &[&str]) -> String {
    let mut out = String::with_capacity(page.len() / 2);
    let mut rest = page;
    loop {
        let tag = match next_tag(rest) {
            Ok(tag) => tag,
            Err(last) => {
                push(last, &mut out);
                break;
            }
        };
        push(tag.before, &mut out);
        let markup = &rest[tag.before.len()..rest.len() - tag.after.len()];
        match tag.name.as_str() {
            "br" => out.push('\n'),
            name if BLOCKS.contains(&name) => out.push_str("\n\n"),
            _ => {}
        }
        if !tag.is_end
            && !classes.is_empty()
            && let Some(class) = classes.iter().find(|class| has_class(markup, class))
        {
            out.extend(['\n', MARK]);
            out.push_str(class);
            out.push(MARK);
        }
        let is_skipped = !tag.is_end && SKIPPED.contains(&tag.name.as_str());
        rest = if is_skipped { from_end_tag(tag.after, &tag.name) } else { tag.after };
    }
    decode_entities(&out)
}

/// Appends text with one space for each run of white space, line breaks too.
fn push(text: &str, out: &mut String) {
    for c in text.chars() {
        if !c.is_control() && !c.is_ascii_whitespace() {
            out.push(c);
        } else if !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    }
}

/// Whether a tag has a class that ends in `class`, in any case.
fn has_class(markup: &str, class: &str) -> bool {
    let lower = markup.to_ascii_lowercase();
    let Some((_, value)) = lower.split_once("class=") else { return false };
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
        _ => value.split(|c: char| c.is_whitespace() || c == '>').next(),
    };
    let class = class.to_ascii_lowercase();
    value.unwrap_or_default().split_whitespace().any(|name| name.ends_with(&class))
}

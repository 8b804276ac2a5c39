//! Stories in Markdown: paragraphs of plain text, and the fields of simple front matter.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::ingest::sink::{Record, StorySink};

/// Reads one story.
pub(super) fn read(text: &str, sink: &mut StorySink) {
    let (matter, body) = front_matter(text);
    let (heading, text) = plain_text(body);
    let field = |names: &[&str]| {
        let find = |name: &&str| matter.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        names.iter().find_map(find).map(|(_, value)| value.clone())
    };
    let record = Record {
        id: Some(field(&["id"]).unwrap_or_else(|| sink.file_id())),
        title: field(&["title", "headline"]).or(heading).unwrap_or_default(),
        text,
        date: field(&["published", "date"]),
        source: field(&["source", "publisher"]),
        url: field(&["url", "link"]),
        ..Record::default()
    };
    sink.record(record);
}

/// The `key: value` lines between two `---` lines at the head, and the rest.
fn front_matter(text: &str) -> (Vec<(String, String)>, &str) {
    let Some(matter_and_body) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return (Vec::new(), text);
    };
    let mut at = text.len() - matter_and_body.len();
    let mut matter = Vec::new();
    for line in matter_and_body.split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "---" {
            return (matter, &text[at..]);
        }
        if let Some((key, value)) = line.split_once(':') {
            let value = value.trim().trim_matches(['"', '\'']);
            matter.push((key.trim().to_string(), value.to_string()));
        }
    }
    // Without a closing line it is no front matter.
    (Vec::new(), text)
}

/// The first heading of level 1, and the paragraphs with a blank line between them.
fn plain_text(text: &str) -> (Option<String>, String) {
    let mut title = None;
    let mut out = String::new();
    let mut block = String::new();
    let mut in_title = false;
    let mut image_depth = 0;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Heading { level: pulldown_cmark::HeadingLevel::H1, .. }) if title.is_none() => {
                in_title = true;
            }
            Event::End(TagEnd::Heading(_)) if in_title => {
                title = Some(std::mem::take(&mut block));
                in_title = false;
            }
            Event::Start(Tag::Image { .. }) => image_depth += 1,
            Event::End(TagEnd::Image) => image_depth -= 1,
            Event::Text(text) | Event::Code(text) if image_depth == 0 => block.push_str(&text),
            Event::SoftBreak | Event::HardBreak => block.push(' '),
            Event::InlineHtml(tag) if tag.starts_with("<br") => block.push(' '),
            // A list inside an item ends the item's own text.
            Event::Start(Tag::List(_)) => push_paragraph(&mut block, &mut out),
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock | TagEnd::TableRow,
            ) => {
                push_paragraph(&mut block, &mut out);
            }
            Event::End(TagEnd::TableCell) => block.push(' '),
            _ => {}
        }
    }
    push_paragraph(&mut block, &mut out);
    (title, out)
}

fn push_paragraph(block: &mut String, out: &mut String) {
    if !block.trim().is_empty() {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(block.trim());
    }
    block.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_markdown_to_paragraphs() {
        let check = |text: &str, title: Option<&str>, body: &str| {
            assert_eq!(plain_text(text), (title.map(String::from), body.to_string()), "{text:?}");
        };
        check(
            "# Head\n\nOne *two*\nthree.\n\nFour [five](http://x).",
            Some("Head"),
            "One two three.\n\nFour five.",
        );
        check("- a\n- b", None, "a\n\nb");
        check("![alt](x.png)\n\ntext", None, "text");
        check("", None, "");
    }

    #[test]
    fn separates_front_matter_from_the_body() {
        let check = |text: &str, pairs: &[(&str, &str)], rest: &str| {
            let (found, body) = front_matter(text);
            let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!((found.as_slice(), body), (pairs, rest), "{text:?}");
        };
        check(
            "---\ntitle: \"A: b\"\ndate: 2031-01-02\n---\nbody",
            &[("title", "A: b"), ("date", "2031-01-02")],
            "body",
        );
        check("---\nno end", &[], "---\nno end");
        check("body", &[], "body");
    }
}

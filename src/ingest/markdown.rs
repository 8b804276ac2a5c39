//! Markdown to paragraphs of plain text, with the fields of simple front matter.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{
    NoticeKind,
    collect::{Collector, Found},
};
use crate::corpus::date;

/// Reads one story.
pub(super) fn read(text: &str, collector: &mut Collector) {
    let (matter, body) = front_matter(text);
    let (heading, text) = plain(body);
    let field = |names: &[&str]| {
        let of = |name: &&str| matter.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        names.iter().find_map(of).map(|(_, value)| value.clone())
    };
    let when = field(&["published", "date"]);
    let published = when.as_deref().and_then(date::parse);
    if let Some(when) = when.filter(|_| published.is_none()) {
        collector.here(0, NoticeKind::Date(when.chars().take(40).collect()));
    }
    let found = Found {
        id: Some(field(&["id"]).unwrap_or_else(|| collector.stem())),
        title: field(&["title", "headline"]).or(heading).unwrap_or_default(),
        text,
        published,
        source: field(&["source", "publisher"]),
        url: field(&["url", "link"]),
        ..Found::default()
    };
    collector.story(found);
}

/// The `key: value` lines between two `---` lines at the head, and the rest.
fn front_matter(text: &str) -> (Vec<(String, String)>, &str) {
    let Some(inside) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return (Vec::new(), text);
    };
    let mut at = text.len() - inside.len();
    let mut matter = Vec::new();
    for line in inside.split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "---" {
            return (matter, &text[at..]);
        }
        if let Some((key, value)) = line.split_once(':') {
            let value = value.trim().trim_matches(['"', '\'']);
            matter.push((key.trim().to_string(), value.to_string()));
        }
    }
    // No second line: it was no front matter.
    (Vec::new(), text)
}

/// The first top heading, and the paragraphs with a blank line between them.
fn plain(text: &str) -> (Option<String>, String) {
    let mut title = None;
    let mut out = String::new();
    let mut block = String::new();
    let mut in_title = false;
    let mut image = 0;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Heading { level: pulldown_cmark::HeadingLevel::H1, .. }) if title.is_none() => {
                in_title = true;
            }
            Event::End(TagEnd::Heading(_)) if in_title => {
                title = Some(std::mem::take(&mut block));
                in_title = false;
            }
            Event::Start(Tag::Image { .. }) => image += 1,
            Event::End(TagEnd::Image) => image -= 1,
            Event::Text(text) | Event::Code(text) if image == 0 => block.push_str(&text),
            Event::SoftBreak | Event::HardBreak => block.push(' '),
            Event::InlineHtml(tag) if tag.starts_with("<br") => block.push(' '),
            // A list inside an item ends the item's own text.
            Event::Start(Tag::List(_)) => flush(&mut block, &mut out),
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock | TagEnd::TableRow,
            ) => {
                flush(&mut block, &mut out);
            }
            Event::End(TagEnd::TableCell) => block.push(' '),
            _ => {}
        }
    }
    flush(&mut block, &mut out);
    (title, out)
}

fn flush(block: &mut String, out: &mut String) {
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
    fn markdown_becomes_paragraphs() {
        let check = |text: &str, title: Option<&str>, body: &str| {
            assert_eq!(plain(text), (title.map(String::from), body.to_string()), "{text:?}");
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
    fn front_matter_is_cut_off() {
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

//! Stories in Markdown: paragraphs of plain text, those of HTML blocks too, and the fields of front matter.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::front_matter;
use crate::ingest::{
    fields::Field,
    markup,
    sink::{Record, StorySink},
};

/// Reads one story.
pub(super) fn read(text: &str, sink: &mut StorySink) {
    let (matter, body) = front_matter::split(text);
    let (heading, text) = plain_text(body);
    let (keys, values): (Vec<String>, Vec<String>) = matter.into_iter().unzip();
    let columns = sink.options.fields.find_columns(&keys);
    let field = |field: Field| {
        let mut found = columns[field].iter().filter_map(|column| values.get(*column));
        found.find(|value| !value.trim().is_empty()).cloned()
    };
    let record = Record {
        id: Some(field(Field::Id).unwrap_or_else(|| sink.file_id())),
        title: field(Field::Title).or(heading).unwrap_or_default(),
        text,
        date: field(Field::Published),
        source: field(Field::Source),
        url: field(Field::Url),
        ..Record::default()
    };
    sink.record(record);
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
            Event::Start(Tag::HtmlBlock) => block.clear(),
            Event::Html(html) => block.push_str(&html),
            Event::End(TagEnd::HtmlBlock) => {
                let html = std::mem::take(&mut block);
                block = markup::strip(&html);
                if title.is_none() && html.trim_start().to_ascii_lowercase().starts_with("<h1") {
                    title = Some(std::mem::take(&mut block));
                }
                push_paragraph(&mut block, &mut out);
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
    use crate::ingest::{IngestOptions, tests::read_file};

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
    fn reads_html_blocks() {
        let check = |text: &str, title: Option<&str>, body: &str| {
            assert_eq!(plain_text(text), (title.map(String::from), body.to_string()), "{text:?}");
        };
        check(
            "# Head\n\n<div class=\"lead\">\n<p>One <b>two</b> &amp; three.</p>\n<p>Four.</p>\n</div>\n\nFive.",
            Some("Head"),
            "One two & three.\n\nFour.\n\nFive.",
        );
        check("<h1>Head</h1>\n\nOne.", Some("Head"), "One.");
        check("One.\n\n<!-- a note -->\n\n<script>\nvar x = 1;\n</script>\n\nTwo.", None, "One.\n\nTwo.");
        check("<figure><img src=\"a.jpg\"></figure>\n\nOne <span>two</span>.", None, "One two.");
        check("If a < b, then <b>.", None, "If a < b, then .");
    }

    #[test]
    fn the_names_of_front_matter_are_those_of_records() {
        let text = "+++\ntitle = \"Rain\"\npublishDate = 2031-05-06\npermalink = \"https://norrin.example/rain\"\n+++\nIt rained.";
        let outcome = read_file("a.md", text, &IngestOptions::default());
        let story = &outcome.stories[0];
        assert_eq!((story.title.as_str(), story.id.as_str()), ("Rain", "a"));
        assert_eq!((story.source.as_deref(), story.published.is_some()), (Some("norrin.example"), true));
    }
}

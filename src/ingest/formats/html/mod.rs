//! Stories on web pages: title, date, publisher and main text, by a port of Mozilla's Readability.

mod body;
mod dates;
mod depth;
mod json_ld;
mod metadata;
pub(in crate::ingest) mod tokenizer;

use dom_query::Document;
use dom_smoothie::{Config, Readability, TextMode};

use crate::{
    corpus::normalize::decode_entities,
    ingest::{
        NoticeKind,
        sink::{Record, StorySink},
    },
};
use metadata::Metadata;

/// The deepest nesting of elements that is given to the recursive HTML parser, which deeper nesting could overflow.
const MAX_DEPTH: usize = 512;

/// Reads one page.
pub(super) fn read(page: &str, sink: &mut StorySink) {
    let id = Some(sink.file_id());
    if depth::depth(page, MAX_DEPTH) > MAX_DEPTH {
        sink.notice(0, NoticeKind::NoMainText);
        return sink.record(Record {
            id,
            text: decode_entities(&tokenizer::strip_tags(page)),
            ..Record::default()
        });
    }
    let document = Document::from(page);
    let metadata = Metadata::read(&document);
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let article = Readability::with_document(document, None, Some(config)).and_then(|mut r| r.parse()).ok();
    let extracted = article.as_ref().map(|article| article.text_content.to_string());
    let text = body::choose(extracted, metadata.body.as_deref(), page).unwrap_or_else(|| {
        sink.notice(0, NoticeKind::NoMainText);
        decode_entities(&tokenizer::strip_tags(page))
    });
    // What the extractor found of the metadata, where the page does not state it in a form that is known here.
    let (mut title, mut date, mut source, mut url) = (None, None, None, None);
    if let Some(article) = article {
        (title, date) = (Some(article.title), article.published_time);
        (source, url) = (article.site_name, article.url);
    }
    sink.record(Record {
        id,
        published: metadata.published(date.as_deref()),
        title: metadata.title.or(title).unwrap_or_default(),
        text,
        source: metadata.publisher.or(source),
        url: metadata.url.or(url),
        ..Record::default()
    });
}

#[cfg(test)]
mod tests {
    use crate::{
        corpus::parse_date,
        ingest::{IngestOptions, tests::read_file},
    };

    #[test]
    fn a_page_without_main_text_keeps_what_it_states() {
        let head = "<title>Norrin closes eastern quay - Norrin Post</title><meta property=\"og:title\" content=\"Norrin closes \
                    eastern quay\"><meta property=\"og:site_name\" content=\"Norrin Post\"><meta property=\"article:published_time\" \
                    content=\"2031-05-06T08:00:00+02:00\">";
        let check = |body: &str, text: &str, notices: usize| {
            let page = format!("<!doctype html><html><head>{head}</head><body>{body}</body></html>");
            let outcome = read_file("page.html", page, &IngestOptions::default());
            let story = &outcome.stories[0];
            assert_eq!((story.title.as_str(), story.text.as_str()), ("Norrin closes eastern quay", text));
            assert_eq!(story.source.as_deref(), Some("Norrin Post"));
            assert_eq!(story.published, parse_date("2031-05-06T06:00:00Z", false));
            assert_eq!(outcome.notices.len(), notices, "{:?}", outcome.notices);
        };
        let nav = "<nav><a href=\"/\">Home</a> <a href=\"/sport\">Sport</a></nav>";
        check(
            &format!(
                "{nav}<article><h1>Norrin closes eastern quay</h1><p>Norrin will close its quay for repairs.</p></article>"
            ),
            "Norrin will close its quay for repairs.",
            0,
        );
        let stated = "The board of Norrin voted on Tuesday to close its eastern quay for repairs. ".repeat(5);
        check(
            &format!(
                "{nav}<script type=\"application/ld+json\">{{\"@type\":\"NewsArticle\",\"articleBody\":\"{stated}\"}}</script>"
            ),
            stated.trim(),
            0,
        );
    }
}

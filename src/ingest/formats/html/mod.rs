//! Stories on web pages: title, date, publisher and main text, by a port of Mozilla's Readability.

mod depth;
mod metadata;
pub(in crate::ingest) mod tokenizer;

use dom_query::Document;
use dom_smoothie::{Config, Readability, TextMode};

use super::export;
use crate::{
    corpus::{normalize::decode_entities, page_chrome},
    ingest::{
        NoticeKind,
        sink::{Record, StorySink},
    },
};
use metadata::Metadata;

/// The deepest nesting of elements that is given to the recursive HTML parser, which deeper nesting could overflow.
const MAX_DEPTH: usize = 512;

/// The shortest main text, in bytes, that is trusted; below it the whole page is read.
const MIN_TEXT: usize = 80;

/// Reads one page, or the articles of an export.
pub(super) fn read(page: &str, sink: &mut StorySink) {
    if export::read_html(page, sink) {
        return;
    }
    let (record, notice) = extract(page);
    if let Some(notice) = notice {
        sink.notice(0, notice);
    }
    let id = Some(sink.file_id());
    sink.record(Record { id, ..record });
}

/// The story of a page, and what was wrong with the page.
pub(super) fn extract(page: &str) -> (Record, Option<NoticeKind>) {
    let whole = |metadata: Metadata| {
        let record = Record {
            published: metadata.published(None),
            title: metadata.title.unwrap_or_default(),
            text: decode_entities(&tokenizer::strip_tags(page)),
            source: metadata.publisher,
            url: metadata.url,
            ..Record::default()
        };
        (record, Some(NoticeKind::NoMainText))
    };
    if depth::depth(page, MAX_DEPTH) > MAX_DEPTH {
        return whole(Metadata::default());
    }
    let document = Document::from(page);
    let metadata = Metadata::read(&document);
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let article = Readability::with_document(document, None, Some(config)).and_then(|mut r| r.parse());
    let article = article.ok().filter(|article| article.text_content.trim().len() >= MIN_TEXT);
    let Some(article) = article else { return whole(metadata) };
    let record = Record {
        title: Some(article.title)
            .filter(|t| !t.trim().is_empty())
            .or(metadata.title.clone())
            .unwrap_or_default(),
        text: page_chrome::strip_chrome_lines(&article.text_content),
        published: metadata.published(article.published_time.as_deref()),
        source: article.site_name.or(metadata.publisher),
        url: article.url.or(metadata.url),
        ..Record::default()
    };
    (record, None)
}

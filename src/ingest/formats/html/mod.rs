//! Stories on web pages: title, date, publisher and main text, by a port of Mozilla's Readability.

use dom_smoothie::{Config, Readability, TextMode};

mod depth;
mod tokenizer;

use crate::{
    corpus::{normalize::decode_entities, page_chrome},
    ingest::{
        NoticeKind,
        sink::{Record, StorySink},
    },
};

/// The deepest nesting of elements that is given to the recursive HTML parser, which deeper nesting could overflow.
const MAX_DEPTH: usize = 512;

/// The shortest main text, in bytes, that is trusted; below it the whole page is read.
const MIN_TEXT: usize = 80;

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
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let article = Readability::new(page, None, Some(config)).and_then(|mut r| r.parse());
    match article {
        Ok(article) if article.text_content.trim().len() >= MIN_TEXT => {
            let text = page_chrome::strip_chrome_lines(&article.text_content);
            sink.record(Record {
                id,
                title: article.title,
                text,
                date: article.published_time,
                source: article.site_name,
                url: article.url,
                ..Record::default()
            });
        }
        _ => {
            sink.notice(0, NoticeKind::NoMainText);
            sink.record(Record {
                id,
                text: decode_entities(&tokenizer::strip_tags(page)),
                ..Record::default()
            });
        }
    }
}

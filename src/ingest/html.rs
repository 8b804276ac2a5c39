//! Web pages: title, date, publisher and main text, by a port of Mozilla's Readability.

use dom_smoothie::{Config, Readability, TextMode};

use super::{
    NoticeKind,
    collect::{Collector, Found},
    tags,
};
use crate::corpus::{date, normalize::entities, page_chrome};

/// Nesting beyond this is no article but an attack on a recursive parser.
const MAX_DEPTH: usize = 512;

/// A main text shorter than this, in bytes, is doubtful: the page is then read whole.
const MIN_TEXT: usize = 80;

/// Reads one page.
pub(super) fn read(page: &str, collector: &mut Collector) {
    let id = Some(collector.stem());
    if tags::depth(page, MAX_DEPTH) > MAX_DEPTH {
        collector.here(0, NoticeKind::NoMainText);
        return collector.story(Found { id, text: entities(&tags::strip(page)), ..Found::default() });
    }
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let article = Readability::new(page, None, Some(config)).and_then(|mut r| r.parse());
    match article {
        Ok(article) if article.text_content.trim().len() >= MIN_TEXT => {
            let published = article.published_time.as_deref().and_then(date::parse);
            let text = page_chrome::strip_chrome_lines(&article.text_content);
            collector.story(Found {
                id,
                title: article.title,
                text,
                published,
                source: article.site_name,
                url: article.url,
                ..Found::default()
            });
        }
        _ => {
            collector.here(0, NoticeKind::NoMainText);
            collector.story(Found { id, text: entities(&tags::strip(page)), ..Found::default() });
        }
    }
}

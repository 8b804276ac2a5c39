//! Web pages: title, date, publisher and main text, by a port of Mozilla's Readability.

use dom_smoothie::{Config, Readability, TextMode};

use super::{
    NoticeKind,
    collect::{Collector, Found},
    date, furniture,
};

/// Nesting beyond this is no article but an attack on a recursive parser.
const MAX_DEPTH: usize = 512;

/// A main text shorter than this, in bytes, is doubtful: the page is then read whole.
const MIN_TEXT: usize = 80;

/// Reads one page.
pub(super) fn read(page: &str, collector: &mut Collector) {
    let id = Some(collector.stem());
    if depth(page) > MAX_DEPTH {
        collector.here(0, NoticeKind::NoMainText);
        return collector.story(Found { id, text: strip(page), ..Found::default() });
    }
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let article = Readability::new(page, None, Some(config)).and_then(|mut r| r.parse());
    match article {
        Ok(article) if article.text_content.trim().len() >= MIN_TEXT => {
            let published = article.published_time.as_deref().and_then(date::parse);
            let text = furniture::strip_lines(&article.text_content);
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
            collector.story(Found { id, text: strip(page), ..Found::default() });
        }
    }
}

/// The deepest nesting of tags, counted without building a tree. Void and unclosed tags count too: too deep is
/// only ever guessed too early.
fn depth(page: &str) -> usize {
    let bytes = page.as_bytes();
    let (mut now, mut most) = (0usize, 0);
    for (i, &b) in bytes.iter().enumerate() {
        if b != b'<' {
            continue;
        }
        match bytes.get(i + 1) {
            Some(b'/') => now = now.saturating_sub(1),
            Some(c) if c.is_ascii_alphabetic() => {
                const VOID: [&str; 9] = ["br", "img", "meta", "link", "hr", "input", "li", "wbr", "source"];
                let name = &bytes[i + 1..];
                let is = |v: &&str| name.get(..v.len()).is_some_and(|n| n.eq_ignore_ascii_case(v.as_bytes()));
                if !VOID.iter().any(is) {
                    now += 1;
                    most = most.max(now);
                }
            }
            _ => {}
        }
    }
    most
}

/// The page's text without its tags: block ends become blank lines, scripts and styles are left out.
fn strip(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name: String = rest[1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        let name = name.to_ascii_lowercase();
        if ["script", "style"].contains(&&*name) {
            let close = format!("</{name}");
            let end = rest.match_indices("</").find(|(i, _)| {
                rest.get(*i..*i + close.len()).is_some_and(|t| t.eq_ignore_ascii_case(&close))
            });
            rest = end.map_or("", |(i, _)| &rest[i..]);
        }
        if ["p", "/p", "div", "/div", "br", "li", "h1", "h2", "h3", "/h1", "/h2", "/h3", "tr"]
            .contains(&&*name)
        {
            out.push_str("\n\n");
        }
        rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_stripped() {
        let check = |page: &str, expect: &str| assert_eq!(strip(page), expect, "{page}");
        check("<p>a</p>b", "\n\na\n\nb");
        check("a<script>if (x<y) {}</script>b", "ab");
        check("a<SCRIPT>x</Script >b", "ab");
        check("a<b", "a");
        check("a<script>never closed", "a");
    }

    #[test]
    fn depth_is_counted() {
        assert_eq!(depth("<div><p>a</p><br></div>"), 2);
        assert!(depth(&"<div>".repeat(5000)) > MAX_DEPTH);
    }
}

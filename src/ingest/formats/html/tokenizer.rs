//! A tokenizer of HTML tags that builds no tree, and the text of a page without its tags.
//!
//! Tags, comments and raw text end where the HTML standard's tokenizer ends them (WHATWG, "HTML", 13.2.5).

/// Elements whose content is not text of the page.
const NOT_TEXT: [&str; 2] = ["script", "style"];

/// Block elements: text before and after them is not one word.
pub(in crate::ingest) const BLOCKS: [&str; 42] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
    "title",
    "ul",
];

/// One tag, or a comment, which has no name.
pub(in crate::ingest) struct Tag<'a> {
    /// In lower case.
    pub name: String,
    /// Whether it is an end tag.
    pub is_end: bool,
    /// Whether it ends in "/>".
    pub self_closing: bool,
    /// The text before it.
    pub before: &'a str,
    /// The page after it.
    pub after: &'a str,
}

/// The first tag of `page`.
///
/// # Errors
/// The page has no more tags: the rest of its text.
pub(in crate::ingest) fn next_tag(page: &str) -> Result<Tag<'_>, &str> {
    let mut from = 0;
    loop {
        let Some(at) = page[from..].find('<').map(|at| from + at) else { return Err(page) };
        let (before, rest) = (&page[..at], &page[at + 1..]);
        let is_end = rest.starts_with('/');
        let body = &rest[usize::from(is_end)..];
        if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if !is_end && !rest.starts_with(['!', '?']) {
                from = at + 1;
                continue;
            }
            return Ok(Tag {
                name: String::new(),
                is_end: false,
                self_closing: true,
                before,
                after: after_comment(rest),
            });
        }
        let name =
            body.split(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').next().unwrap_or_default();
        let (self_closing, after) = skip_attributes(&body[name.len()..]);
        return Ok(Tag { name: name.to_ascii_lowercase(), is_end, self_closing, before, after });
    }
}

/// The page after a comment, or after what a parser takes for one; `rest` begins after "<".
fn after_comment(rest: &str) -> &str {
    let after = |end: Option<usize>| end.map_or("", |end| &rest[end..]);
    let Some(text) = rest.strip_prefix("!--") else { return after(rest.find('>').map(|end| end + 1)) };
    for empty in [">", "->"] {
        if let Some(after) = text.strip_prefix(empty) {
            return after;
        }
    }
    let ends = ["-->", "--!>"].map(|end| text.find(end).map(|at| at + 3 + end.len()));
    after(ends.into_iter().flatten().min())
}

/// Skips the attributes of a tag: whether it ends in "/>", and the page after it. `text` begins after the tag's name.
fn skip_attributes(text: &str) -> (bool, &str) {
    #[derive(PartialEq)]
    enum State {
        Outside,
        Name,
        AfterName,
        Equals,
        Quoted(u8),
        Value,
    }
    let mut state = State::Outside;
    let mut slash = false;
    for (i, &b) in text.as_bytes().iter().enumerate() {
        if b == b'>' && !matches!(state, State::Quoted(_)) {
            return (slash, &text[i + 1..]);
        }
        let space = b.is_ascii_whitespace();
        slash = b == b'/' && matches!(state, State::Outside | State::Name | State::AfterName);
        state = match (state, b) {
            (State::Quoted(quote), b) if b != quote => State::Quoted(quote),
            (State::Equals, b'"' | b'\'') => State::Quoted(b),
            (State::Equals, _) if space => State::Equals,
            (State::Equals, _) => State::Value,
            (State::Value, _) if !space => State::Value,
            (State::Name | State::AfterName, b'=') => State::Equals,
            (State::Name | State::AfterName, _) if space => State::AfterName,
            (State::Outside | State::Quoted(_) | State::Value, _) if space => State::Outside,
            (State::Quoted(_), _) => State::Outside,
            (_, b'/') => State::Outside,
            _ => State::Name,
        };
    }
    (false, "")
}

/// The rest of `text`, beginning with the first end tag of `name`.
pub(in crate::ingest) fn from_end_tag<'a>(text: &'a str, name: &str) -> &'a str {
    let end = |i: usize| {
        let tag = text[i + 2..].get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name));
        tag && text[i + 2 + name.len()..]
            .starts_with(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')
    };
    text.match_indices("</").find(|(i, _)| end(*i)).map_or("", |(i, _)| &text[i..])
}

/// The text of a page without its tags. Block elements are separated by blank lines; scripts and styles are removed.
pub(in crate::ingest) fn strip_tags(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    loop {
        match next_tag(rest) {
            Ok(tag) => {
                out.push_str(tag.before);
                if BLOCKS.contains(&&*tag.name) {
                    out.push_str("\n\n");
                }
                let skipped = !tag.is_end && NOT_TEXT.contains(&&*tag.name);
                rest = if skipped { from_end_tag(tag.after, &tag.name) } else { tag.after };
            }
            Err(last) => {
                out.push_str(last);
                return out;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strips_tags() {
        let check = |page: &str, expect: &str| assert_eq!(strip_tags(page), expect, "{page}");
        check("<p>a</p>b", "\n\na\n\nb");
        check("a<script>if (x<y) {}</script>b", "ab");
        check("a<SCRIPT>x</Script >b", "ab");
        check("a<b", "a");
        check("a < b", "a < b");
        check("a<script>never closed", "a");
        check("a<!-- <p> -->b<!-- never closed", "ab");
        check("a<!-- x --!>b<!-->c<!--->d", "abcd");
        check("a<br/>b<td>c</td><TD>d", "a\n\nb\n\nc\n\n\n\nd");
        check("<!DOCTYPE html><i title='>'>a</i =\">b", "ab");
    }

    proptest! {
        #[test]
        fn strips_tags_of_any_text(page in "(<|</|[a-z]{1,2}|>|/>|<!--|-->|=|\"|script|é| |\n){0,60}") {
            strip_tags(&page);
        }
    }
}

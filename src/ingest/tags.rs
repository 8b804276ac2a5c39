//! Tags of a page, read without building a tree: a bound of how deep it nests, and its text without them.
//!
//! Tags, comments and raw text end where the HTML standard's tokenizer ends them (WHATWG, "HTML", 13.2.5). Where what
//! follows depends on the tree, what gives the greater depth is taken.

/// Elements without an end.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements whose text has no tags in it but their own end.
const RAW: [&str; 8] = ["script", "style", "title", "textarea", "iframe", "xmp", "noembed", "noframes"];

/// Elements whose text is no text of the page.
const SILENT: [&str; 2] = ["script", "style"];

/// Elements of drawings that no page has elsewhere; only they close themselves.
const DRAWING: [&str; 18] = [
    "circle",
    "clippath",
    "defs",
    "ellipse",
    "filter",
    "g",
    "line",
    "lineargradient",
    "mask",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialgradient",
    "rect",
    "stop",
    "symbol",
    "use",
];

/// Elements that end where one of these begins.
const ENDED_BY: [(&str, &[&str]); 8] = [
    ("p", &["p", "li", "div", "table", "ul", "ol"]),
    ("li", &["li"]),
    ("dt", &["dt", "dd"]),
    ("dd", &["dt", "dd"]),
    ("option", &["option"]),
    ("td", &["td", "th", "tr"]),
    ("th", &["td", "th", "tr"]),
    ("tr", &["tr"]),
];

/// Elements that need no end of their own: the end of what is around them ends them too.
const IMPLIED: [&str; 5] = ["p", "li", "dt", "dd", "option"];

/// As [`IMPLIED`], inside a table.
const OF_TABLES: [&str; 6] = ["td", "th", "tr", "tbody", "thead", "tfoot"];

/// Elements that stand by themselves on a page: text before and after them is not one word.
const BLOCKS: [&str; 42] = [
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

/// One tag, or a comment: that has no name.
struct Tag<'a> {
    name: String,
    closes: bool,
    /// Whether it ends in "/>".
    alone: bool,
    /// The text before it.
    before: &'a str,
    after: &'a str,
}

/// The first tag of `page`; none at its end, with what is left.
fn next(page: &str) -> Result<Tag<'_>, &str> {
    let mut from = 0;
    loop {
        let Some(at) = page[from..].find('<').map(|at| from + at) else { return Err(page) };
        let (before, rest) = (&page[..at], &page[at + 1..]);
        let closes = rest.starts_with('/');
        let body = &rest[usize::from(closes)..];
        if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if !closes && !rest.starts_with(['!', '?']) {
                from = at + 1;
                continue;
            }
            return Ok(Tag { name: String::new(), closes: false, alone: true, before, after: comment(rest) });
        }
        let name =
            body.split(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').next().unwrap_or_default();
        let (alone, after) = attributes(&body[name.len()..]);
        return Ok(Tag { name: name.to_ascii_lowercase(), closes, alone, before, after });
    }
}

/// What follows a comment, or what a parser takes for one, that begins behind "<".
fn comment(rest: &str) -> &str {
    let behind = |end: Option<usize>| end.map_or("", |end| &rest[end..]);
    let Some(text) = rest.strip_prefix("!--") else { return behind(rest.find('>').map(|end| end + 1)) };
    for short in [">", "->"] {
        if let Some(after) = text.strip_prefix(short) {
            return after;
        }
    }
    let ends = ["-->", "--!>"].map(|end| text.find(end).map(|at| at + 3 + end.len()));
    behind(ends.into_iter().flatten().min())
}

/// Whether a tag ends in "/>", and what follows it; `text` begins behind its name.
fn attributes(text: &str) -> (bool, &str) {
    #[derive(PartialEq)]
    enum At {
        Outside,
        Name,
        AfterName,
        Equals,
        Quoted(u8),
        Value,
    }
    let mut at = At::Outside;
    let mut slash = false;
    for (i, &b) in text.as_bytes().iter().enumerate() {
        if b == b'>' && !matches!(at, At::Quoted(_)) {
            return (slash, &text[i + 1..]);
        }
        let space = b.is_ascii_whitespace();
        slash = b == b'/' && matches!(at, At::Outside | At::Name | At::AfterName);
        at = match (at, b) {
            (At::Quoted(quote), b) if b != quote => At::Quoted(quote),
            (At::Equals, b'"' | b'\'') => At::Quoted(b),
            (At::Equals, _) if space => At::Equals,
            (At::Equals, _) => At::Value,
            (At::Value, _) if !space => At::Value,
            (At::Name | At::AfterName, b'=') => At::Equals,
            (At::Name | At::AfterName, _) if space => At::AfterName,
            (At::Outside | At::Quoted(_) | At::Value, _) if space => At::Outside,
            (At::Quoted(_), _) => At::Outside,
            (_, b'/') => At::Outside,
            _ => At::Name,
        };
    }
    (false, "")
}

/// `text` from the end tag of `name` on.
fn from_end<'a>(text: &'a str, name: &str) -> &'a str {
    let end = |i: usize| {
        let tag = text[i + 2..].get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name));
        tag && text[i + 2 + name.len()..]
            .starts_with(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')
    };
    text.match_indices("</").find(|(i, _)| end(*i)).map_or("", |(i, _)| &text[i..])
}

/// At least about as deep as a parser would nest the elements of `page`; counted no further than a little past `most`.
pub(super) fn depth(page: &str, most: usize) -> usize {
    // Whether scripts run decides how a parser reads what is for browsers without them.
    depth_with(page, most, false).max(depth_with(page, most, true))
}

fn depth_with(page: &str, most: usize, noscript_is_raw: bool) -> usize {
    let (mut open, mut deepest) = (Vec::<String>::new(), 0);
    // Inside a drawing, as long as nothing came that would end it.
    let mut drawing = false;
    let mut rest = page;
    while let Ok(tag) = next(rest) {
        let Tag { name, closes, alone, before, after } = tag;
        let markup = &rest[before.len()..rest.len() - after.len()];
        rest = after;
        let foreign = open.iter().any(|o| o == "svg" || o == "math");
        if foreign && markup.starts_with("<![CDATA[") {
            // Where that ends hangs on the tree.
            return most + 1;
        }
        if name.is_empty() {
            continue;
        }
        if closes {
            drawing &= name != "svg";
            close(&mut open, &name);
            continue;
        }
        if (RAW.contains(&&*name) || noscript_is_raw && name == "noscript") && !foreign {
            let end = from_end(rest, &name);
            let inside = rest[..rest.len() - end.len()].to_ascii_lowercase();
            if name == "script" && inside.contains("<!--") && inside.contains("<script") {
                // A script in a comment in a script ends elsewhere.
                return most + 1;
            }
            rest = end;
            continue;
        }
        if VOID.contains(&&*name) && !foreign {
            continue;
        }
        let ends = |last: &String| ENDED_BY.iter().any(|(of, by)| of == last && by.contains(&&*name));
        while open.last().is_some_and(ends) {
            open.pop();
        }
        drawing = name == "svg" || drawing && DRAWING.contains(&&*name);
        if !(alone && drawing) {
            open.push(name);
        }
        deepest = deepest.max(open.len());
        if deepest > most {
            break;
        }
    }
    deepest
}

/// Closes the innermost element if it is a `name`, and what ends with it. Any other end may end nothing.
fn close(open: &mut Vec<String>, name: &str) {
    let of_table = name == "table" || OF_TABLES.contains(&name);
    let passed = |last: &&String| {
        let last = last.as_str();
        last != name
            && (IMPLIED.contains(&last)
                || of_table && OF_TABLES.contains(&last)
                || name == "svg" && DRAWING.contains(&last))
    };
    let at = open.len() - open.iter().rev().take_while(passed).count();
    if at > 0 && open[at - 1] == name {
        open.truncate(at - 1);
    }
}

/// The page's text without its tags: ends of blocks become blank lines, scripts and styles are left out.
pub(super) fn strip(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    loop {
        match next(rest) {
            Ok(tag) => {
                out.push_str(tag.before);
                if BLOCKS.contains(&&*tag.name) {
                    out.push_str("\n\n");
                }
                let silent = !tag.closes && SILENT.contains(&&*tag.name);
                rest = if silent { from_end(tag.after, &tag.name) } else { tag.after };
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
    fn tags_are_stripped() {
        let check = |page: &str, expect: &str| assert_eq!(strip(page), expect, "{page}");
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

    #[test]
    fn depth_is_counted() {
        let check = |page: &str, expect: usize| assert_eq!(depth(page, 512), expect, "{page:.60}");
        check("<div><p>a</p><br></div>", 2);
        check(&"<div><p>a</div>".repeat(2000), 2);
        check(&"<p>a<b>b</b>".repeat(2000), 2);
        check(&"<ul><li>a<li>b</ul>".repeat(2000), 2);
        check(&"<table><tr><td>a<td>b<tr><td>c</table>".repeat(600), 3);
        check(&"<svg viewBox='0 0 1 1'><g><path d='x'/></g><path></svg>".repeat(2000), 2);
        check(&format!("<svg>{}</svg>", "<path d='x'/>".repeat(2000)), 1);
        check(&"<noscript><img></noscript><script>'</div>'</script>".repeat(2000), 1);
    }

    #[test]
    fn no_trick_makes_it_smaller() {
        let deep = "<div>".repeat(2000);
        for page in [
            deep.clone(),
            "<div/>".repeat(2000),
            "<div></x>".repeat(2000),
            "<div><b></div>".repeat(2000),
            "<div a=\"></div>\">".repeat(2000),
            "<div><table><tr><td></div>".repeat(2000),
            "<b><object></b></object>".repeat(2000),
            "<div><script><!--<script></script></div>--></script>".repeat(2000),
            "<br_x>".repeat(2000),
            "<svg><path d=x/>".to_string() + &"<path d=x/>".repeat(2000),
            "<svg><div></div>".to_string() + &"<path/>".repeat(2000),
            "<svg>".to_string() + &"<link>".repeat(2000),
            "<svg><style>".to_string() + &"<g>".repeat(2000),
            "<svg><![CDATA[></svg>]]>".to_string() + &"<link>".repeat(2000),
            "<!-- x --!>".to_string() + &deep,
            "<!-->".to_string() + &deep,
            "<title><!--</title>".to_string() + &deep,
            "<textarea><script></textarea>".to_string() + &deep,
            "<noscript><!--</noscript>".to_string() + &deep,
            "<noscript>".to_string() + &deep,
            "<div =\">".to_string() + &deep,
        ] {
            assert!(depth(&page, 512) > 512, "{page:.60}");
        }
    }

    proptest! {
        #[test]
        fn no_page_makes_it_fall_over(page in "(<|</|[a-z]{1,2}|>|/>|<!--|-->|=|\"|script|é| |\n){0,60}") {
            let (_, _) = (depth(&page, 512), strip(&page));
        }
    }
}

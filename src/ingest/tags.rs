//! Tags of a page, read without building a tree: how deep it nests, and its text without them.

/// Elements without an end.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements that a parser opens again in whatever follows until they are closed by name.
const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Elements that end where one of these begins.
const ENDED_BY: [(&str, &[&str]); 9] = [
    ("p", &["p", "li", "div", "table", "ul", "ol"]),
    ("li", &["li"]),
    ("dt", &["dt", "dd"]),
    ("dd", &["dt", "dd"]),
    ("option", &["option"]),
    ("td", &["td", "th", "tr"]),
    ("th", &["td", "th", "tr"]),
    ("tr", &["tr"]),
    ("rp", &["rp"]),
];

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

/// Elements whose text is no text of the page.
const SILENT: [&str; 2] = ["script", "style"];

/// One tag.
struct Tag<'a> {
    name: String,
    closes: bool,
    /// Whether it ends in "/>".
    alone: bool,
    /// The text before it.
    before: &'a str,
    /// What follows it, and the text of an element that is no text of the page.
    after: &'a str,
}

/// The first tag of `page`. Comments are passed over; none at the end, with what is left.
fn next(page: &str) -> Result<Tag<'_>, &str> {
    let mut from = 0;
    loop {
        let Some(at) = page[from..].find('<').map(|at| from + at) else { return Err(page) };
        let rest = &page[at + 1..];
        if rest.starts_with("!--") {
            let end = rest.find("-->").map_or(page.len(), |end| at + 1 + end + 3);
            // What stood before the comment is a text of its own.
            return Ok(Tag {
                name: String::new(),
                closes: false,
                alone: true,
                before: &page[..at],
                after: &page[end..],
            });
        }
        let closes = rest.starts_with('/');
        let name: String =
            rest[usize::from(closes)..].chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() && !rest.starts_with(['!', '?', '/']) {
            from = at + 1;
            continue;
        }
        let name = name.to_ascii_lowercase();
        let end = rest.find('>');
        let alone = end.is_some_and(|end| rest[..end].ends_with('/'));
        let mut after = end.map_or("", |end| &rest[end + 1..]);
        if !closes && SILENT.contains(&&*name) {
            let close = format!("</{name}");
            let same =
                |i: usize| after.get(i..i + close.len()).is_some_and(|t| t.eq_ignore_ascii_case(&close));
            after = after.match_indices("</").find(|(i, _)| same(*i)).map_or("", |(i, _)| &after[i..]);
        }
        return Ok(Tag { name, closes, alone, before: &page[..at], after });
    }
}

/// How deep a parser would nest the elements of `page`, or deeper; counted no further than a little past `most`.
pub(super) fn depth(page: &str, most: usize) -> usize {
    let (mut open, mut formatting, mut deepest) = (Vec::<String>::new(), Vec::<String>::new(), 0);
    let mut rest = page;
    while let Ok(tag) = next(rest) {
        rest = tag.after;
        let Tag { name, closes, alone, .. } = tag;
        if name.is_empty() || VOID.contains(&&*name) || SILENT.contains(&&*name) {
            continue;
        }
        if FORMATTING.contains(&&*name) {
            match closes {
                // The last one of the name; an end without a beginning ends nothing.
                true => formatting.iter().rposition(|o| *o == name).map(|at| formatting.remove(at)),
                false => {
                    formatting.push(name);
                    None
                }
            };
        } else if closes {
            if let Some(at) = open.iter().rposition(|o| *o == name) {
                open.truncate(at);
            }
        } else {
            let ends = |last: &String| ENDED_BY.iter().any(|(of, by)| of == last && by.contains(&&*name));
            while open.last().is_some_and(ends) {
                open.pop();
            }
            // Only drawings and formulas have elements that close themselves.
            if !(alone && open.iter().any(|o| o == "svg" || o == "math")) {
                open.push(name);
            }
        }
        deepest = deepest.max(open.len() + formatting.len());
        if deepest > most {
            break;
        }
    }
    deepest
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
                rest = tag.after;
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
        check("a<br/>b<td>c</td><TD>d", "a\n\nb\n\nc\n\n\n\nd");
        check("<!DOCTYPE html><i>a</i>", "a");
    }

    #[test]
    fn depth_is_counted() {
        let check = |page: &str, expect: usize| assert_eq!(depth(page, 512), expect, "{page:.60}");
        check("<div><p>a</p><br></div>", 2);
        check(&"<p>a<b>b</b>".repeat(2000), 2);
        check(&"<ul><li>a<li>b</ul>".repeat(2000), 2);
        check(&"<table><tr><td>a<td>b<tr><td>c</table>".repeat(600), 3);
        check(&format!("<svg>{}</svg>", "<path d='x'/>".repeat(2000)), 1);
        check(&"<div/>".repeat(2000), 513);
        check(&"<div>".repeat(2000), 513);
        check(&"<div></x>".repeat(2000), 513);
        check(&"<li></ul>".repeat(2000), 1);
        check(&"<div><b></div>".repeat(2000), 513);
    }

    proptest! {
        #[test]
        fn no_page_makes_it_fall_over(page in "(<|</|[a-z]{1,2}|>|/>|<!--|-->|é| |\n){0,60}") {
            let (_, _) = (depth(&page, 512), strip(&page));
        }
    }
}

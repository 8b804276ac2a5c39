//! An upper estimate of how deep the elements of a page nest, made without building a tree.
//!
//! Where the depth depends on rules of the tree that are not followed here, the greater depth is assumed.

use super::tokenizer::{Tag, from_end_tag, next_tag};

/// Void elements, which have no end tag.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Raw text elements: the only tag in their content is their own end tag.
const RAW: [&str; 8] = ["script", "style", "title", "textarea", "iframe", "xmp", "noembed", "noframes"];

/// Elements of SVG that HTML does not have; only these can be self-closing.
const SVG: [&str; 18] = [
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

/// Elements that end where one of the listed elements begins.
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

/// Elements with an optional end tag: the end of the element around them ends them too.
const OPTIONAL_END: [&str; 5] = ["p", "li", "dt", "dd", "option"];

/// The same, inside a table.
const TABLE_PARTS: [&str; 6] = ["td", "th", "tr", "tbody", "thead", "tfoot"];

/// An upper estimate of how deep a parser nests the elements of `page`; counting stops soon after `most`.
pub(super) fn depth(page: &str, most: usize) -> usize {
    // A parser reads <noscript> in two ways, by whether scripts run.
    depth_with(page, most, false).max(depth_with(page, most, true))
}

fn depth_with(page: &str, most: usize, noscript_is_raw: bool) -> usize {
    let (mut open, mut deepest) = (Vec::<String>::new(), 0);
    // Whether the position is inside <svg>, with only SVG elements since.
    let mut in_svg = false;
    let mut rest = page;
    while let Ok(tag) = next_tag(rest) {
        let Tag { name, is_end, self_closing, before, after } = tag;
        let markup = &rest[before.len()..rest.len() - after.len()];
        rest = after;
        let foreign = open.iter().any(|o| o == "svg" || o == "math");
        if foreign && markup.starts_with("<![CDATA[") {
            // Where this ends depends on the tree.
            return most + 1;
        }
        if name.is_empty() {
            continue;
        }
        if is_end {
            in_svg &= name != "svg";
            close(&mut open, &name);
            continue;
        }
        if (RAW.contains(&&*name) || noscript_is_raw && name == "noscript") && !foreign {
            let end = from_end_tag(rest, &name);
            let inside = rest[..rest.len() - end.len()].to_ascii_lowercase();
            if name == "script" && inside.contains("<!--") && inside.contains("<script") {
                // A script inside a comment inside a script ends at another tag.
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
        in_svg = name == "svg" || in_svg && SVG.contains(&&*name);
        if !(self_closing && in_svg) {
            open.push(name);
        }
        deepest = deepest.max(open.len());
        if deepest > most {
            break;
        }
    }
    deepest
}

/// Closes the innermost element if it is a `name`, with the elements that end with it. Any other end tag is assumed to
/// close nothing.
fn close(open: &mut Vec<String>, name: &str) {
    let is_table_part = name == "table" || TABLE_PARTS.contains(&name);
    let closed_too = |last: &&String| {
        let last = last.as_str();
        last != name
            && (OPTIONAL_END.contains(&last)
                || is_table_part && TABLE_PARTS.contains(&last)
                || name == "svg" && SVG.contains(&last))
    };
    let at = open.len() - open.iter().rev().take_while(closed_too).count();
    if at > 0 && open[at - 1] == name {
        open.truncate(at - 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_depth() {
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
    fn no_trick_lowers_the_depth() {
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
        fn counts_the_depth_of_any_text(page in "(<|</|[a-z]{1,2}|>|/>|<!--|-->|=|\"|script|é| |\n){0,60}") {
            depth(&page, 512);
        }
    }
}

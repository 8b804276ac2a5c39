//! Storylines and links as graphs, in GraphML and DOT.

use std::io::{self, Write};

use super::{
    related::{MemberItem, Related},
    sanitize::{acts, replace_acting, visible},
    sanitize_line,
};

/// Characters of a title in a label.
const TITLE: usize = 60;

/// The stories of storylines with the storyline's number, then linked stories outside of storylines.
fn nodes(related: &Related) -> impl Iterator<Item = (Option<u32>, &MemberItem)> {
    let inside = related.storylines.iter().flat_map(|s| s.members.iter().map(|m| (Some(s.storyline), m)));
    inside.chain(related.outside.iter().map(|m| (None, m)))
}

/// Writes all stories that are in a storyline or linked, and all links, as GraphML
/// (<http://graphml.graphdrawing.org/specification.html>).
pub(super) fn graphml(related: &Related, out: &mut dyn Write) -> io::Result<()> {
    const KEYS: [(&str, &str, &str); 10] = [
        ("title", "node", "string"),
        ("source", "node", "string"),
        ("published", "node", "string"),
        ("storyline", "node", "int"),
        ("copies", "node", "int"),
        ("copy_ids", "node", "string"),
        ("score", "edge", "double"),
        ("cosine", "edge", "double"),
        ("days_apart", "edge", "double"),
        ("reason", "edge", "string"),
    ];
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">")?;
    for (name, of, kind) in KEYS {
        writeln!(out, "  <key id=\"{name}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>")?;
    }
    writeln!(out, "  <graph edgedefault=\"undirected\">")?;
    for (storyline, member) in nodes(related) {
        writeln!(out, "    <node id=\"{}\">", escape_xml_id(&member.id))?;
        write_data("title", Some(&member.title), out)?;
        write_data("source", member.source.as_deref(), out)?;
        write_data("published", member.published.as_deref(), out)?;
        write_data("storyline", storyline.map(|s| s.to_string()).as_deref(), out)?;
        write_data("copies", Some(&member.copies.len().to_string()), out)?;
        if !member.copies.is_empty() {
            let ids: Vec<String> = member.copies.iter().map(|id| escape_xml_id(id)).collect();
            writeln!(out, "      <data key=\"copy_ids\">{}</data>", ids.join("\n"))?;
        }
        writeln!(out, "    </node>")?;
    }
    for link in &related.links {
        writeln!(
            out,
            "    <edge source=\"{}\" target=\"{}\">",
            escape_xml_id(&link.a),
            escape_xml_id(&link.b)
        )?;
        write_data("score", Some(&link.score.to_string()), out)?;
        write_data("cosine", Some(&link.cosine.to_string()), out)?;
        write_data("days_apart", link.days_apart.map(|d| d.to_string()).as_deref(), out)?;
        write_data("reason", Some(&link.reason), out)?;
        writeln!(out, "    </edge>")?;
    }
    writeln!(out, "  </graph>\n</graphml>")
}

fn write_data(key: &str, value: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let Some(value) = value else { return Ok(()) };
    writeln!(out, "      <data key=\"{key}\">{}</data>", escape_xml(value))
}

/// `text` for XML: markup is escaped, characters that XML 1.0 forbids become spaces.
fn escape_xml(text: &str) -> String {
    escape_markup(text, |_| " ".into())
}

/// An id for XML: white space is kept, characters that XML 1.0 forbids become Unicode control pictures.
fn escape_xml_id(id: &str) -> String {
    escape_markup(id, |c| match c {
        '\0'..' ' if !matches!(c, '\t' | '\n' | '\r') => visible(c),
        '\u{fffe}' | '\u{ffff}' => "\u{fffd}".into(),
        c => format!("&#{};", u32::from(c)),
    })
}

/// `text` with its markup escaped, and noncharacters and what terminals act on replaced by `replace`.
fn escape_markup(text: &str, replace: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if acts(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => out += &replace(c),
            c => out.push(c),
        }
    }
    out
}

/// Writes storylines as clusters, stories and links, in the DOT language of Graphviz.
pub(super) fn dot(related: &Related, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "graph storylines {{\n  node [shape=box];")?;
    for storyline in &related.storylines {
        writeln!(out, "  subgraph cluster_{} {{", storyline.storyline)?;
        writeln!(out, "    label={};", quote(&sanitize_line(&storyline.label, TITLE)))?;
        for member in &storyline.members {
            writeln!(out, "    {}", node_statement(member))?;
        }
        writeln!(out, "  }}")?;
    }
    for member in &related.outside {
        writeln!(out, "  {}", node_statement(member))?;
    }
    for link in &related.links {
        let (a, b) = (quote_id(&link.a), quote_id(&link.b));
        let shared: Vec<&str> = link.names.iter().chain(&link.terms).take(3).map(String::as_str).collect();
        let label = quote(&sanitize_line(&shared.join(", "), TITLE));
        writeln!(out, "  {a} -- {b} [weight={}, label={label}];", link.score.round().max(1.0))?;
    }
    writeln!(out, "}}")
}

fn node_statement(member: &MemberItem) -> String {
    let mut label = sanitize_line(&member.title, TITLE);
    if let Some(source) = &member.source {
        label = format!("{label} ({})", sanitize_line(source, 24));
    }
    if !member.copies.is_empty() {
        label = format!("{label} +{}", member.copies.len());
    }
    format!("{} [label={}];", quote_id(&member.id), quote(&label))
}

/// An id as a quoted DOT id; characters that terminals act on are named.
fn quote_id(id: &str) -> String {
    quote(&replace_acting(id, |_| false, visible))
}

/// `text` as a quoted DOT id on one line.
fn quote(text: &str) -> String {
    let plain = text.replace(acts, " ");
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_markup_and_quotes() {
        let check = |text: &str, expect: &str| assert_eq!(escape_xml(text), expect);
        check("a & <b> \"c\"", "a &amp; &lt;b&gt; &quot;c&quot;");
        check("]]> \u{1}\u{1b}[31m", "]]&gt;   [31m");
        let check = |text: &str, expect: &str| assert_eq!(quote(text), expect);
        check("a\"]; evil [x=\"", "\"a\\\"]; evil [x=\\\"\"");
        check("back\\", "\"back\\\\\"");
        check("two\nlines", "\"two lines\"");
    }

    #[test]
    fn different_ids_remain_different() {
        let check =
            |id: &str, xml: &str, dot: &str| assert_eq!((&*escape_xml_id(id), &*quote_id(id)), (xml, dot));
        check("a b", "a b", "\"a b\"");
        check("a\nb", "a&#10;b", "\"a␊b\"");
        check("a\tb", "a&#9;b", "\"a␉b\"");
        check("<\u{1}>", "&lt;␁&gt;", "\"<␁>\"");
    }
}

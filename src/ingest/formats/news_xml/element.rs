//! An element of XML with all that is inside it.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::ingest::markup::decode_entities;

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 256;

/// Elements whose text is a paragraph of its own, in XHTML and NITF.
const BLOCKS: [&str; 24] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hl1",
    "hl2",
    "li",
    "ul",
    "ol",
    "div",
    "section",
    "blockquote",
    "bq",
    "pre",
    "table",
    "tr",
    "td",
    "th",
    "br",
    "block",
    "body.content",
];

/// Elements that are no text of a story: heads of pages, and pictures with their captions.
const SKIPPED: [&str; 8] =
    ["head", "script", "style", "media", "figure", "nitf-table-metadata", "aside", "title"];

/// An element.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Element {
    /// Without its prefix.
    pub name: String,
    attributes: Vec<(String, String)>,
    nodes: Vec<Node>,
}

#[derive(Debug, PartialEq)]
enum Node {
    Element(Element),
    Text(String),
}

/// The name of an element without its prefix.
pub(super) fn local_name(start: &BytesStart) -> String {
    start.local_name().as_ref().to_string()
}

impl Element {
    /// Reads the element that `start` has begun.
    ///
    /// # Errors
    /// A message if the document ends inside it or cannot be parsed, or if it has more than `limit` elements.
    pub fn read(reader: &mut Reader<&[u8]>, start: &BytesStart, limit: usize) -> Result<Element, String> {
        let mut open = vec![Element::begin(start)];
        for elements in 0.. {
            if elements > limit * 4 {
                return Err("an item has too many elements".into());
            }
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => {
                    open.push(Element::begin(&start));
                    if open.len() > MAX_DEPTH {
                        return Err("an item is nested too deeply".into());
                    }
                }
                Event::Empty(start) => add(&mut open, Node::Element(Element::begin(&start))),
                Event::Text(text) => add(&mut open, Node::Text(text.to_string())),
                Event::CData(text) => add(&mut open, Node::Text(text.to_string())),
                Event::GeneralRef(name) => {
                    add(&mut open, Node::Text(decode_entities(&format!("&{};", &*name))))
                }
                Event::End(_) => {
                    let Some(done) = open.pop() else { break };
                    if open.is_empty() {
                        return Ok(done);
                    }
                    add(&mut open, Node::Element(done));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        Err("it ends inside an item".into())
    }

    fn begin(start: &BytesStart) -> Element {
        let mut found = start.attributes();
        let attributes = found.with_checks(false).flatten().map(|attribute| {
            let name = attribute.key.local_name().as_ref().to_string();
            (name, decode_entities(&attribute.value))
        });
        Element { name: local_name(start), attributes: attributes.collect(), nodes: Vec::new() }
    }

    /// The value of an attribute, by its name without prefix; `None` if it is blank.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The elements directly inside.
    pub fn children(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first element of this name directly inside.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children().find(|child| child.name == name)
    }

    /// The first element of this name anywhere inside.
    pub fn find(&self, name: &str) -> Option<&Element> {
        self.children().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    /// All of its text in one line; `None` if it has none.
    pub fn line(&self) -> Option<String> {
        let mut text = String::new();
        self.add_text(&mut text);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!line.is_empty()).then_some(line)
    }

    fn add_text(&self, out: &mut String) {
        for node in &self.nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Element(element) => {
                    let separate = if BLOCKS.contains(&element.name.as_str()) { " " } else { "" };
                    out.push_str(separate);
                    element.add_text(out);
                    out.push_str(separate);
                }
            }
        }
    }

    /// Its text as paragraphs, with blank lines between them.
    pub fn paragraphs(&self) -> String {
        let mut paragraphs = vec![String::new()];
        self.add_paragraphs(&mut paragraphs);
        let joined = paragraphs.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        joined.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    fn add_paragraphs(&self, out: &mut Vec<String>) {
        for node in &self.nodes {
            match node {
                Node::Text(text) => {
                    if let Some(last) = out.last_mut() {
                        last.push_str(text);
                    }
                }
                Node::Element(element) if SKIPPED.contains(&element.name.as_str()) => {}
                Node::Element(element) => {
                    let is_block = BLOCKS.contains(&element.name.as_str());
                    if is_block {
                        out.push(String::new());
                    }
                    element.add_paragraphs(out);
                    if is_block {
                        out.push(String::new());
                    }
                }
            }
        }
    }

    /// Its text as it stands, for plain text.
    pub fn plain(&self) -> String {
        let mut text = String::new();
        self.add_text(&mut text);
        text.trim().to_string()
    }
}

/// Adds a node to the innermost open element.
fn add(open: &mut [Element], node: Node) {
    if let Some(last) = open.last_mut() {
        last.nodes.push(node);
    }
}

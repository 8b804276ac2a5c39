//! Articles in the JSON-LD of a page (schema.org): in lists, `@graph` and `mainEntity` too.

use dom_query::Document;
use serde_json::Value;

use crate::ingest::markup;

/// How deep articles are looked for.
const MAX_DEPTH: usize = 8;

/// What JSON-LD says of an article.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Article {
    pub headline: Option<String>,
    pub date: Option<String>,
    pub publisher: Option<String>,
    pub url: Option<String>,
    /// The whole text, without its paragraphs.
    pub body: Option<String>,
}

/// The JSON-LD of a page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct JsonLd {
    pub articles: Vec<Article>,
    /// Dates of the web pages around the articles.
    pub page_dates: Vec<String>,
    /// Names of organizations and web sites.
    pub sites: Vec<String>,
}

impl JsonLd {
    /// That of all scripts of a page.
    pub fn read(page: &Document) -> JsonLd {
        let mut data = JsonLd::default();
        for script in page.select("script[type*='ld+json']").iter() {
            if let Some(value) = parse(&script.text()) {
                data.add(&value, 0);
            }
        }
        data
    }

    fn add(&mut self, data: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if let Value::Array(items) = data {
            items.iter().for_each(|item| self.add(item, depth + 1));
        }
        let Value::Object(object) = data else { return };
        let text = |key: &str| object.get(key).and_then(text_of);
        let kind = match object.get("@type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        let is_article = ["Article", "Posting", "Report", "Review"].iter().any(|name| kind.contains(name));
        let date = || text("datePublished").or_else(|| text("dateCreated"));
        if is_article {
            self.articles.push(Article {
                headline: text("headline").or_else(|| text("name")),
                date: date(),
                publisher: object.get("publisher").and_then(name_of),
                url: text("url").or_else(|| object.get("mainEntityOfPage").and_then(address_of)),
                body: text("articleBody"),
            });
        } else if kind.contains("WebPage") {
            self.page_dates.extend(date());
        } else if kind.contains("WebSite") || kind.contains("Organization") {
            self.sites.extend(text("name"));
        }
        for key in ["@graph", "mainEntity", "mainEntityOfPage", "hasPart"] {
            if let Some(inner) = object.get(key) {
                self.add(inner, depth + 1);
            }
        }
    }
}

/// A string that is not empty, or the first of a list.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(markup::decode_entities(text.trim())).filter(|text| !text.is_empty()),
        Value::Array(items) => items.first().and_then(text_of),
        _ => None,
    }
}

/// The name of an organization, or of the first of a list.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) => object.get("name").and_then(text_of),
        Value::Array(items) => items.first().and_then(name_of),
        other => text_of(other),
    }
}

/// The address that a page is known by.
fn address_of(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) => object.get("@id").or_else(|| object.get("url")).and_then(text_of),
        other => text_of(other),
    }
}

/// Parses JSON-LD, in which line breaks may stand inside strings and comments around the whole.
fn parse(text: &str) -> Option<Value> {
    let text = text.trim().trim_start_matches("<!--").trim_end_matches("-->").trim();
    let text = text.trim_start_matches("//<![CDATA[").trim_end_matches("//]]>").trim().trim_end_matches(';');
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&text.replace(|c: char| c.is_control(), " ")))
        .ok()
}

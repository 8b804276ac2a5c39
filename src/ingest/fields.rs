//! Which field of a record is the id, the title, the text, ….

use serde_json::Value;

use crate::{Error, Result};

/// The fields of a story.
const NAMES: [&str; 6] = ["id", "title", "text", "published", "source", "url"];

/// Names that records give to them, the likeliest first.
const DEFAULTS: [&[&str]; 6] = [
    &["id", "_id", "guid", "uid", "doc_id"],
    &["title", "headline", "name"],
    &["text", "body", "content", "article", "maintext"],
    &["published", "date", "published_at", "publish_date", "timestamp", "time", "pubdate", "created_at"],
    &["source", "publisher", "outlet", "site", "domain"],
    &["url", "link", "href"],
];

/// Where the fields of a record are found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldMap {
    /// For each of [`NAMES`], the path that the user gave.
    given: [Option<String>; 6],
}

/// The values of a record's fields, in the order id, title, text, published, source, url.
pub(super) type Values<T> = [Option<T>; 6];

impl FieldMap {
    /// Reads `name=path` pairs; a path may go into objects: `text=article.body`.
    pub fn parse<T: AsRef<str>>(pairs: &[T]) -> Result<Self> {
        let mut map = FieldMap::default();
        for pair in pairs {
            let pair = pair.as_ref();
            let found = pair
                .split_once('=')
                .filter(|(_, path)| !path.is_empty())
                .and_then(|(name, path)| Some((NAMES.iter().position(|n| *n == name.trim())?, path.trim())));
            let Some((i, path)) = found else {
                return Err(Error::Option {
                    option: "--field".into(),
                    message: format!("{pair:?} names no field of a story"),
                    hint: format!(
                        "write NAME=PATH with one of {}, as in text=article.body",
                        NAMES.join(", ")
                    ),
                });
            };
            map.given[i] = Some(path.to_string());
        }
        Ok(map)
    }

    /// The values of a JSON object's fields.
    pub(super) fn of_json<'a>(&self, record: &'a Value) -> Values<&'a Value> {
        std::array::from_fn(|i| match &self.given[i] {
            Some(path) => walk(record, path),
            None => {
                let mut found = DEFAULTS[i].iter().filter_map(|name| any_case(record, name));
                // One that is there and empty does not hide what stands under another name.
                let first = found.clone().find(|v| !v.is_null());
                found.find(|v| says_something(v)).or(first)
            }
        })
    }

    /// The columns of a CSV header that may hold each field, the likeliest first.
    pub(super) fn of_header(&self, header: &[String]) -> [Vec<usize>; 6] {
        let column = |name: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
        std::array::from_fn(|i| match &self.given[i] {
            Some(name) => column(name).into_iter().collect(),
            None => DEFAULTS[i].iter().filter_map(|name| column(name)).collect(),
        })
    }

    /// Whether cells named `header` are fields of a story: a title or a text, and another one.
    pub(super) fn is_header(header: &[String]) -> bool {
        let found = FieldMap::default().of_header(header).map(|columns| columns.len().min(1));
        found[1] + found[2] > 0 && found.iter().sum::<usize>() > 1
    }
}

/// Whether a value may be that of a field: neither null nor blank nor a truth value.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        Value::Number(_) | Value::Object(_) => true,
    }
}

fn walk<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    // A key that holds dots itself wins over a path.
    let found = record.get(path).or_else(|| path.split('.').try_fold(record, |value, key| value.get(key)));
    found.filter(|v| !v.is_null())
}

fn any_case<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    let object = record.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_or_path() {
        let record = serde_json::json!({"Headline": "H", "body": "B", "meta": {"by": "S"}, "a.b": 1});
        let check = |pairs: &[&str], i: usize, expect: Option<&str>| {
            let found = FieldMap::parse(pairs).unwrap().of_json(&record)[i].map(Value::to_string);
            assert_eq!(found.as_deref(), expect, "{pairs:?}");
        };
        check(&[], 1, Some("\"H\""));
        check(&[], 2, Some("\"B\""));
        check(&[], 4, None);
        check(&["source=meta.by"], 4, Some("\"S\""));
        check(&["id=a.b"], 0, Some("1"));
        check(&["text=none"], 2, None);
        let record = serde_json::json!({"text": null, "body": " ", "content": "C", "date": "2031", "published": true,
            "title": "", "id": null});
        let found = FieldMap::default().of_json(&record).map(|v| v.map(Value::to_string));
        assert_eq!(found.map(Option::unwrap_or_default), ["", "\"\"", "\"C\"", "\"2031\"", "", ""]);
    }

    #[test]
    fn a_wrong_pair_is_refused_with_the_names() {
        for pair in ["body=x", "text", "text=", "=x"] {
            let error = FieldMap::parse(&[pair]).unwrap_err();
            assert!(error.hint().unwrap().contains("published"), "{pair}");
        }
    }
}

//! Which fields of a record are the id, the title, the text, … of its story.

use std::ops::Index;

use serde_json::Value;

use crate::{Error, Result, error::Setting};

/// A field of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Title,
    Text,
    Published,
    Source,
    Url,
}

/// The fields with their names, in the order of [`Field`].
const FIELDS: [(Field, &str); 6] = [
    (Field::Id, "id"),
    (Field::Title, "title"),
    (Field::Text, "text"),
    (Field::Published, "published"),
    (Field::Source, "source"),
    (Field::Url, "url"),
];

/// The names that records give to a field, the likeliest first.
fn known_names(field: Field) -> &'static [&'static str] {
    match field {
        Field::Id => &["id", "_id", "guid", "uid", "doc_id"],
        Field::Title => &["title", "headline", "name"],
        Field::Text => &["text", "body", "content", "article", "maintext"],
        Field::Published => &[
            "published",
            "date",
            "published_at",
            "publish_date",
            "timestamp",
            "time",
            "pubdate",
            "created_at",
        ],
        Field::Source => &["source", "publisher", "outlet", "site", "domain"],
        Field::Url => &["url", "link", "href"],
    }
}

impl Field {
    /// The name of the field in samestory's own records.
    pub(super) fn name(self) -> &'static str {
        FIELDS[self as usize].1
    }
}

/// A value for each field of a story.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields<T>([T; 6]);

impl<T> Fields<T> {
    /// The values that `value` gives for each field.
    pub(super) fn from_fn(mut value: impl FnMut(Field) -> T) -> Self {
        Fields(FIELDS.map(|(field, _)| value(field)))
    }
}

impl<T> Index<Field> for Fields<T> {
    type Output = T;

    fn index(&self, field: Field) -> &T {
        &self.0[field as usize]
    }
}

/// Where the fields of a record are found: by known names, or by the paths that the user gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldMap {
    /// The path of each field, if the user gave one.
    paths: Fields<Option<String>>,
}

impl FieldMap {
    /// Reads `name=path` pairs; a path may lead into objects: `text=article.body`.
    ///
    /// # Errors
    /// [`Error::Setting`] if a pair has another form, or a name is not that of a field.
    pub fn parse<T: AsRef<str>>(pairs: &[T]) -> Result<Self> {
        let mut map = FieldMap::default();
        for pair in pairs {
            let pair = pair.as_ref();
            let parsed =
                pair.split_once('=').filter(|(_, path)| !path.is_empty()).and_then(|(name, path)| {
                    let (field, _) = FIELDS.iter().find(|(_, known)| *known == name.trim())?;
                    Some((*field, path.trim()))
                });
            let Some((field, path)) = parsed else {
                return Err(Error::Setting {
                    setting: Setting::Field,
                    message: format!("{pair:?} names no field of a story"),
                });
            };
            map.paths.0[field as usize] = Some(path.to_string());
        }
        Ok(map)
    }

    /// The values of a JSON object's fields.
    pub(super) fn find_in_json<'a>(&self, record: &'a Value) -> Fields<Option<&'a Value>> {
        Fields::from_fn(|field| match &self.paths[field] {
            Some(path) => follow(record, path),
            None => {
                let mut found = known_names(field).iter().filter_map(|name| get_ignoring_case(record, name));
                // An empty value does not hide one under another name.
                let first = found.clone().find(|v| !v.is_null());
                found.find(|v| has_content(v)).or(first)
            }
        })
    }

    /// The columns of a header that may hold each field, the likeliest first. A path that is no name in the header may be the
    /// number of a column, from 1.
    pub(super) fn find_columns(&self, header: &[String]) -> Fields<Vec<usize>> {
        let column = |name: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
        Fields::from_fn(|field| match &self.paths[field] {
            Some(name) => column(name).or_else(|| column_number(name)).into_iter().collect(),
            None => known_names(field).iter().filter_map(|name| column(name)).collect(),
        })
    }

    /// Whether a field is given by the number of a column.
    pub(super) fn has_column_numbers(&self) -> bool {
        self.paths.0.iter().flatten().any(|path| column_number(path).is_some())
    }

    /// Whether `cells` name fields of a story: a title or a text, and another one.
    pub(super) fn is_header(cells: &[String]) -> bool {
        let columns = FieldMap::default().find_columns(cells);
        let named = FIELDS.iter().filter(|(field, _)| !columns[*field].is_empty()).count();
        named > 1 && !(columns[Field::Title].is_empty() && columns[Field::Text].is_empty())
    }
}

/// The index of the column that has this number, from 1.
fn column_number(path: &str) -> Option<usize> {
    path.parse::<usize>().ok()?.checked_sub(1)
}

/// Whether a value may be that of a field: neither null nor blank nor a boolean.
fn has_content(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        Value::Number(_) | Value::Object(_) => true,
    }
}

/// The value at `path`, with dots between keys. A key that contains dots itself wins over a path.
fn follow<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    let found = record.get(path).or_else(|| path.split('.').try_fold(record, |value, key| value.get(key)));
    found.filter(|v| !v.is_null())
}

fn get_ignoring_case<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    let object = record.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields_by_name_or_path() {
        let record = serde_json::json!({"Headline": "H", "body": "B", "meta": {"by": "S"}, "a.b": 1});
        let check = |pairs: &[&str], field: Field, expect: Option<&str>| {
            let found = FieldMap::parse(pairs).unwrap().find_in_json(&record)[field].map(Value::to_string);
            assert_eq!(found.as_deref(), expect, "{pairs:?}");
        };
        check(&[], Field::Title, Some("\"H\""));
        check(&[], Field::Text, Some("\"B\""));
        check(&[], Field::Source, None);
        check(&["source=meta.by"], Field::Source, Some("\"S\""));
        check(&["id=a.b"], Field::Id, Some("1"));
        check(&["text=none"], Field::Text, None);
        let record = serde_json::json!({"text": null, "body": " ", "content": "C", "date": "2031", "published": true,
            "title": "", "id": null});
        let found = FieldMap::default().find_in_json(&record);
        let found = FIELDS.map(|(field, _)| found[field].map(Value::to_string).unwrap_or_default());
        assert_eq!(found, ["", "\"\"", "\"C\"", "\"2031\"", "", ""]);
    }

    #[test]
    fn rejects_a_malformed_pair_with_the_names() {
        for pair in ["body=x", "text", "text=", "=x"] {
            let error = FieldMap::parse(&[pair]).unwrap_err();
            assert!(error.to_string().contains("names no field"), "{pair}");
        }
    }
}

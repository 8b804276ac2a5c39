//! The records inside a JSON value: itself, a list of objects somewhere in it, or columns.
//!
//! Answers of programs wrap their list of articles in an object (`{"status": "ok", "articles": […]}`), pandas writes tables
//! column by column. The list is found by its objects, which have a title or a text.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

use super::ninjs;
use crate::ingest::{
    IngestOptions,
    fields::{Field, FieldMap},
};

/// How deep a list of records is looked for.
const MAX_DEPTH: usize = 6;

/// Where the records inside a value are.
enum Place {
    /// The value is one record.
    Itself,
    /// In the list, or the map, that this path of keys and numbers leads to.
    List(Vec<String>),
    /// In a table with names and rows.
    Rows,
    /// In a table that is written column by column.
    Columns(Vec<Value>),
}

fn locate(value: &Value, options: &IngestOptions) -> Place {
    if let Some(path) = &options.records {
        let path: Vec<String> = path.split('.').map(String::from).collect();
        let found = path.iter().try_fold(value, |value, key| value.get(key));
        return if found.is_some_and(|v| v.is_array() || v.is_object()) {
            Place::List(path)
        } else {
            Place::Itself
        };
    }
    if value.get("columns").is_some_and(Value::is_array) && value.get("data").is_some_and(Value::is_array) {
        return Place::Rows;
    }
    if let Some(rows) = columns(value, &options.fields) {
        return Place::Columns(rows);
    }
    if !value.is_object() || is_story(value, &options.fields) {
        return Place::Itself;
    }
    let mut best = None;
    find_list(value, &options.fields, &mut Vec::new(), &mut best);
    best.map_or(Place::Itself, |(_, path)| Place::List(path))
}

/// The records inside `value`, in their order.
pub(in crate::ingest) fn records(mut value: Value, options: &IngestOptions) -> Vec<Value> {
    match locate(&value, options) {
        Place::Itself => vec![value],
        Place::Rows => split_table(&value),
        Place::Columns(rows) => rows,
        Place::List(path) => {
            let list = path.iter().try_fold(&mut value, |value, key| match value {
                Value::Object(object) => object.get_mut(key),
                Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
                _ => None,
            });
            match list.map(Value::take) {
                Some(Value::Array(items)) => items,
                Some(Value::Object(items)) => items.into_iter().map(|(_, item)| item).collect(),
                _ => Vec::new(),
            }
        }
    }
}

/// The text of each record inside `value`, which was parsed from `text`; `None` if the records do not stand in it as they
/// are.
pub(super) fn raw_records<'a>(text: &'a str, value: &Value, options: &IngestOptions) -> Option<Vec<&'a str>> {
    /// The elements of an array, or the values of an object.
    enum Inner<'a> {
        List(Vec<&'a RawValue>),
        Map(BTreeMap<String, &'a RawValue>),
    }
    fn inner(text: &str) -> Option<Inner<'_>> {
        if text.trim_start().starts_with('[') {
            serde_json::from_str(text).ok().map(Inner::List)
        } else {
            serde_json::from_str(text).ok().map(Inner::Map)
        }
    }
    let path = match locate(value, options) {
        Place::Itself => return Some(vec![text.trim()]),
        Place::List(path) => path,
        Place::Rows | Place::Columns(_) => return None,
    };
    let list = path.iter().try_fold(text, |text, key| match inner(text)? {
        Inner::List(items) => items.get(key.parse::<usize>().ok()?).map(|item| item.get()),
        Inner::Map(items) => items.get(key).map(|item| item.get()),
    });
    match inner(list?)? {
        Inner::List(items) => Some(items.into_iter().map(RawValue::get).collect()),
        Inner::Map(items) => Some(items.into_values().map(RawValue::get).collect()),
    }
}

/// Whether an object has a title or a text that can be read.
pub(super) fn is_story(value: &Value, fields: &FieldMap) -> bool {
    let found = fields.find_in_json(value);
    let has = |field| {
        found[field].is_some_and(|value| match value {
            Value::String(_) | Value::Number(_) => true,
            Value::Array(parts) => parts.iter().all(Value::is_string),
            Value::Object(_) => super::text::join(value).is_some(),
            _ => false,
        })
    };
    value.is_object() && (has(Field::Title) || has(Field::Text) || ninjs::is_item(value))
}

/// The number of stories in a list or map, and its path.
type Found = (usize, Vec<String>);

/// The list, or the map, with the most objects that are stories, below `value`, which is at `path`.
fn find_list(value: &Value, fields: &FieldMap, path: &mut Vec<String>, best: &mut Option<Found>) {
    if path.len() > MAX_DEPTH {
        return;
    }
    let items: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect(),
        Value::Object(items) => items.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => return,
    };
    let stories = items.iter().filter(|(_, item)| is_story(unwrap(item, fields), fields)).count();
    // Of a map all values must be stories; in a list some may be broken.
    let fits = stories > 0 && (value.is_array() || stories == items.len());
    if fits && best.as_ref().is_none_or(|(most, _)| stories > *most) {
        *best = Some((stories, path.clone()));
        return;
    }
    for (key, item) in items {
        path.push(key);
        find_list(item, fields, path, best);
        path.pop();
    }
}

/// The object inside a record that holds its title and text, as `_source` of Elasticsearch; else the record itself.
pub(super) fn unwrap<'a>(record: &'a Value, fields: &FieldMap) -> &'a Value {
    const WRAPPERS: [&str; 9] =
        ["_source", "fields", "article", "data", "attributes", "node", "document", "item", "story"];
    if is_story(record, fields) {
        return record;
    }
    let inner = WRAPPERS.iter().filter_map(|key| record.get(key));
    inner.into_iter().find(|inner| is_story(inner, fields)).unwrap_or(record)
}

/// The rows of a table that is written column by column: `{"title": {"0": …}, "text": {"0": …}}` or
/// `{"title": […], "text": […]}`.
fn columns(value: &Value, fields: &FieldMap) -> Option<Vec<Value>> {
    let found = fields.find_in_json(value);
    let keys = |value: &Value| match value {
        Value::Object(rows) if rows.keys().all(|key| key.parse::<u64>().is_ok()) => {
            Some(rows.keys().cloned().collect::<Vec<_>>())
        }
        _ => None,
    };
    let rows = |column: Option<&Value>| column.and_then(keys).filter(|keys| !keys.is_empty());
    let (title, text) = (found[Field::Title], found[Field::Text]);
    let object = value.as_object()?;
    if let Some(keys) = rows(title).or_else(|| rows(text)) {
        let row = |key: &String| {
            let cells =
                object.iter().filter_map(|(name, column)| Some((name.clone(), column.get(key)?.clone())));
            Value::Object(cells.collect())
        };
        return Some(keys.iter().map(row).collect());
    }
    let (Value::Array(titles), Value::Array(texts)) = (title?, text?) else { return None };
    if titles.len() != texts.len() || titles.is_empty() {
        return None;
    }
    let row = |i: usize| {
        let cells = object.iter().filter_map(|(name, column)| Some((name.clone(), column.get(i)?.clone())));
        Value::Object(cells.collect())
    };
    Some((0..titles.len()).map(row).collect())
}

/// The rows of `{"columns": […], "data": [[…], …]}`.
fn split_table(value: &Value) -> Vec<Value> {
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    let names: Vec<String> = list("columns")
        .iter()
        .map(|name| name.as_str().map_or_else(|| name.to_string(), String::from))
        .collect();
    let row = |cells: Value| match cells {
        Value::Array(cells) => Value::Object(names.iter().cloned().zip(cells).collect::<Map<_, _>>()),
        other => other,
    };
    list("data").into_iter().map(row).collect()
}

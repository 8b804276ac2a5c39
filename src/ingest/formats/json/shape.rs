//! The records inside a JSON value: itself, a list of objects somewhere in it, or columns.
//!
//! Answers of programs wrap their list of articles in an object (`{"status": "ok", "articles": […]}`), pandas writes tables
//! column by column. The list is found by its objects, which have a title or a text.

use serde_json::{Map, Value};

use super::ninjs;
use crate::ingest::{
    IngestOptions,
    fields::{Field, FieldMap},
};

/// How deep a list of records is looked for.
const MAX_DEPTH: usize = 6;

/// The records inside `value`, in their order.
pub(in crate::ingest) fn records(value: Value, options: &IngestOptions) -> Vec<Value> {
    if let Some(path) = &options.records {
        return match path.split('.').try_fold(&value, |value, key| value.get(key)) {
            Some(Value::Array(items)) => items.clone(),
            Some(Value::Object(items)) => items.values().cloned().collect(),
            _ => vec![value],
        };
    }
    if value.get("columns").is_some_and(Value::is_array) && value.get("data").is_some_and(Value::is_array) {
        return split_table(&value);
    }
    if let Some(rows) = columns(&value, &options.fields) {
        return rows;
    }
    if !value.is_object() || is_story(&value, &options.fields) {
        return vec![value];
    }
    let mut best = None;
    find_list(&value, &options.fields, 0, &mut best);
    match best {
        Some((_, items)) => items.into_iter().cloned().collect(),
        None => vec![value],
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

/// The list, or the map, with the most objects that are stories.
fn find_list<'a>(
    value: &'a Value,
    fields: &FieldMap,
    depth: usize,
    best: &mut Option<(usize, Vec<&'a Value>)>,
) {
    if depth > MAX_DEPTH {
        return;
    }
    let items: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(items) => items.values().collect(),
        _ => return,
    };
    let inner = |item: &&Value| is_story(unwrap(item, fields), fields);
    let stories = items.iter().filter(|item| inner(item)).count();
    // Of a map all values must be stories; in a list some may be broken.
    let fits = stories > 0 && (value.is_array() || stories == items.len());
    if fits && best.as_ref().is_none_or(|(most, _)| stories > *most) {
        *best = Some((stories, items));
        return;
    }
    items.into_iter().for_each(|item| find_list(item, fields, depth + 1, best));
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

//! Strings of JSON values: texts in parts, ids and dates of databases.

use serde_json::Value;

/// Keys of an object that hold its text, the likeliest first.
const TEXT_KEYS: [&str; 10] =
    ["text", "rendered", "main", "value", "content", "body", "html", "default", "full", "name"];

/// Keys of an object whose values are parts of a text, in their order.
const PART_KEYS: [&str; 8] =
    ["summary", "headline", "sections", "paragraphs", "blocks", "children", "items", "elements"];

/// How deep parts of a text are looked for.
const MAX_DEPTH: usize = 8;

/// The text of a value whose parts are paragraphs; `None` if there is none in it.
pub(super) fn join(value: &Value) -> Option<String> {
    let mut parts = Vec::new();
    collect(value, 0, &mut parts);
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The first part of such a text.
pub(super) fn first(value: &Value) -> Option<String> {
    let mut parts = Vec::new();
    collect(value, 0, &mut parts);
    parts.into_iter().next()
}

fn collect(value: &Value, depth: usize, parts: &mut Vec<String>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::String(text) if !text.trim().is_empty() => parts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, depth + 1, parts)),
        Value::Object(object) => match TEXT_KEYS.iter().find_map(|key| object.get(*key)) {
            Some(text) => collect(text, depth + 1, parts),
            None => {
                PART_KEYS.iter().filter_map(|key| object.get(*key)).for_each(|p| collect(p, depth + 1, parts))
            }
        },
        _ => {}
    }
}

/// A value as a short string: a string, a number, or what MongoDB writes for ids, dates and numbers.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(object) if object.len() == 1 => {
            let (key, value) = object.iter().next()?;
            ["$oid", "$date", "$numberLong", "$numberInt", "$numberDouble", "$uuid", "#text", "@value"]
                .contains(&key.as_str())
                .then(|| scalar(value))
                .flatten()
        }
        _ => None,
    }
}

/// Replaces `NaN`, `Infinity` and `-Infinity`, which Python writes, by `null`, outside strings.
pub(super) fn replace_non_finite(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !in_string {
            let word = ["NaN", "-Infinity", "Infinity"].iter().find(|word| rest.starts_with(**word));
            if let Some(word) = word {
                out.push_str("null");
                rest = &rest[word.len()..];
                continue;
            }
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn joins_texts_in_parts() {
        let check =
            |value: Value, expect: Option<&str>| assert_eq!(join(&value).as_deref(), expect, "{value}");
        check(json!(["One.", "Two."]), Some("One.\n\nTwo."));
        check(json!([{"type": "p", "text": "One."}, {"text": ["Two.", " "]}]), Some("One.\n\nTwo."));
        check(json!({"rendered": "One."}), Some("One."));
        check(
            json!({"summary": ["Lead."], "sections": [{"headline": ["Head"], "paragraphs": ["One.", "Two."]}]}),
            Some("Lead.\n\nHead\n\nOne.\n\nTwo."),
        );
        check(json!({"id": 3}), None);
        check(json!([1, null]), None);
    }

    #[test]
    fn reads_values_of_databases() {
        let check =
            |value: Value, expect: Option<&str>| assert_eq!(scalar(&value).as_deref(), expect, "{value}");
        check(json!({"$oid": "5f1"}), Some("5f1"));
        check(json!({"$date": "2031-05-06T06:00:00Z"}), Some("2031-05-06T06:00:00Z"));
        check(json!({"$date": {"$numberLong": "1935813600000"}}), Some("1935813600000"));
        check(json!({"a": "x"}), None);
        check(json!(true), None);
    }

    #[test]
    fn replaces_non_finite_numbers_outside_strings() {
        let check = |text: &str, expect: &str| assert_eq!(replace_non_finite(text), expect);
        check(
            r#"{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN \" NaN"}"#,
            r#"{"a":null,"b":[null,null],"c":"NaN \" NaN"}"#,
        );
        check("[1]", "[1]");
    }
}

//! News items in JSON: ninjs 1.x to 3.x (IPTC). Their fields are given the names that records usually have.

use serde_json::{Map, Value};

use super::super::news_xml::{is_kill_headline, is_withdrawn};

/// What an item is.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    /// The record, with the fields `id`, `title`, `text`, `published` and `source` added to it.
    Story(Value),
    /// The ids that a publisher withdraws, and the time at which it does.
    Withdrawal { ids: Vec<String>, date: Option<String> },
}

/// The value under a key of ninjs: of version 3 `versionCreated`, before it `versioncreated`.
fn get<'a>(item: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    item.get(key).or_else(|| item.get(&key.to_ascii_lowercase())).filter(|value| !value.is_null())
}

fn text(item: &Map<String, Value>, key: &str) -> Option<String> {
    get(item, key)?.as_str().map(String::from).filter(|text| !text.trim().is_empty())
}

/// Whether a value is an item of ninjs.
pub(super) fn is_item(value: &Value) -> bool {
    value.as_object().is_some_and(has_item_fields)
}

/// Whether an object has an address, and what no other records have.
fn has_item_fields(item: &Map<String, Value>) -> bool {
    let has_role =
        |key: &str| get(item, key).and_then(Value::as_array).is_some_and(|list| list.iter().any(is_entry));
    item.get("uri").is_some_and(Value::is_string)
        && (["pubStatus", "versionCreated", "body_text", "body_xhtml"]
            .iter()
            .any(|key| get(item, key).is_some())
            || has_role("headlines")
            || has_role("bodies"))
}

fn is_entry(entry: &Value) -> bool {
    entry.get("value").is_some_and(Value::is_string)
}

/// Reads an item; `None` if `value` is none.
pub(super) fn read(value: &Value) -> Option<Item> {
    let item = value.as_object().filter(|item| has_item_fields(item))?;
    let uri = text(item, "uri")?;
    let date = ["versionCreated", "contentModified", "contentCreated", "firstCreated"]
        .iter()
        .find_map(|key| text(item, key));
    let title = text(item, "headline")
        .or_else(|| text(item, "title"))
        .or_else(|| entry(item, "headlines", &["main", "headline"], &[]));
    let is_killed = text(item, "pubStatus").is_some_and(|status| is_withdrawn(&status))
        || title.as_deref().is_some_and(is_kill_headline);
    if is_killed {
        let earlier = text(item, "evolvedFrom");
        return Some(Item::Withdrawal { ids: [uri].into_iter().chain(earlier).collect(), date });
    }
    let body = entry(item, "bodies", &["main", "body"], &["html", "text"]).or_else(|| {
        let keys = ["body_xhtml", "body_html", "body_html5", "body_text"];
        let other = || item.iter().find(|(key, _)| key.starts_with("body_")).map(|(key, _)| key.as_str());
        keys.iter().find_map(|key| text(item, key)).or_else(|| text(item, other()?))
    });
    let first_name = |key: &str| {
        let first = get(item, key)?.as_array()?.first()?;
        first.get("name").and_then(Value::as_str).map(String::from)
    };
    let source = ["provider", "source", "copyrightHolder"]
        .iter()
        .find_map(|key| text(item, key))
        .or_else(|| first_name("infoSources"));
    let fields =
        [("id", Some(uri)), ("title", title), ("text", body), ("published", date), ("source", source)];
    let mut record = item.clone();
    for (name, value) in fields {
        if let Some(value) = value {
            record.insert(name.into(), Value::String(value));
        }
    }
    Some(Item::Story(Value::Object(record)))
}

/// The value of an entry in a list of ninjs 2 and later: of one of the roles, and of the first of the types that there is.
fn entry(item: &Map<String, Value>, key: &str, roles: &[&str], types: &[&str]) -> Option<String> {
    let entries: Vec<&Map<String, Value>> = get(item, key)?
        .as_array()?
        .iter()
        .filter(|entry| is_entry(entry))
        .filter_map(Value::as_object)
        .collect();
    let is_main = |entry: &&&Map<String, Value>| {
        text(entry, "role").is_some_and(|role| roles.iter().any(|name| role.to_lowercase().contains(name)))
    };
    let is_type = |entry: &&Map<String, Value>, kind: &str| {
        text(entry, "contentType").is_some_and(|found| found.to_lowercase().contains(kind))
    };
    let main: Vec<_> = entries.iter().filter(is_main).copied().collect();
    let chosen = if main.is_empty() { &entries } else { &main };
    let typed = types.iter().find_map(|kind| chosen.iter().find(|entry| is_type(entry, kind)));
    text(typed.or(chosen.first())?, "value")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::ingest::{IngestOptions, tests::read_file};

    #[test]
    fn reads_items_of_every_version() {
        let one = json!({"uri": "urn:norrin:1", "type": "text", "pubstatus": "usable", "firstcreated": "2031-05-05T08:00:00Z",
            "versioncreated": "2031-05-06T08:00:00Z", "headline": "Rain", "byline": "Irena Holt", "copyrightholder": "Norrin Post",
            "body_xhtml": "<p>It rained.</p><p>Again.</p>", "body_text": "It rained."});
        let two = json!({"uri": "urn:norrin:1", "versioncreated": "2031-05-06T08:00:00Z", "by": "Irena Holt",
            "headlines": [{"role": "short", "value": "R"}, {"role": "main", "value": "Rain"}], "provider": "Norrin Post",
            "bodies": [{"role": "summary", "value": "S"}, {"role": "main", "contenttype": "text/plain", "value": "It rained."},
                {"role": "main", "contenttype": "text/html", "value": "<p>It rained.</p><p>Again.</p>"}]});
        let three = json!({"uri": "urn:norrin:1", "pubStatus": "usable", "versionCreated": "2031-05-06T08:00:00Z",
            "headlines": [{"value": "Rain"}], "infoSources": [{"name": "Norrin Post"}],
            "bodies": [{"contentType": "text/html", "value": "<p>It rained.</p><p>Again.</p>"}]});
        for item in [one, two, three] {
            for text in [item.to_string(), json!([item]).to_string(), json!({"items": [item]}).to_string()] {
                let read = read_file("a.json", &text, &IngestOptions::default());
                assert_eq!((read.stories.len(), &read.notices[..]), (1, &[][..]), "{text}");
                let story = &read.stories[0];
                let found = [&story.id, &story.title, &story.text];
                assert_eq!(found, ["urn:norrin:1", "Rain", "It rained.\n\nAgain."], "{text}");
                assert_eq!(story.source.as_deref(), Some("Norrin Post"), "{text}");
                assert_eq!(story.published, crate::corpus::date::parse("2031-05-06T08:00:00Z"), "{text}");
            }
        }
    }

    #[test]
    fn a_withdrawn_story_is_left_out() {
        let item = |uri: &str, hour: u32, more: serde_json::Value| {
            let mut item = json!({"uri": uri, "versioncreated": format!("2031-05-06T0{hour}:00:00Z"), "headline": "Rain",
                "body_text": "It rained."});
            item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            item.to_string()
        };
        let check = |lines: &[String], expect: &[&str]| {
            let read = read_file("a.jsonl", lines.join("\n"), &IngestOptions::default());
            assert_eq!(read.stories.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), expect, "{lines:?}");
            assert!(
                read.information.iter().any(|n| n.to_string().contains("withdrawn")),
                "{:?}",
                read.information
            );
        };
        let (rain, sun) = (item("a", 1, json!({})), item("b", 1, json!({})));
        for kill in [
            item("a", 2, json!({"pubstatus": "canceled"})),
            item("a", 2, json!({"pubStatus": "withheld"})),
            item("a", 2, json!({"headline": "KILL: Rain"})),
            item("c", 2, json!({"pubstatus": "canceled", "evolvedfrom": "a"})),
        ] {
            check(&[rain.clone(), sun.clone(), kill.clone()], &["b"]);
            check(&[kill, sun.clone(), rain.clone()], &["b"]);
        }
        let later = item("a", 3, json!({}));
        check(&[rain, item("a", 2, json!({"pubstatus": "canceled"})), later], &["a~2"]);
    }
}

//! Items of NewsML-G2.

use super::{Item, element::Element, is_kill_headline, is_withdrawn, nitf};
use crate::ingest::{markup, sink::Record};

/// Reads a `newsItem`.
pub(super) fn read(item: &Element) -> Item {
    let empty = Element::default();
    let meta = item.child("itemMeta").unwrap_or(&empty);
    let content = item.child("contentMeta").unwrap_or(&empty);
    let guid = item.attribute("guid").map(String::from);
    // The time of this version, so that a later one is later than the one before.
    let date = ["versionCreated", "contentModified", "contentCreated", "firstCreated"]
        .iter()
        .find_map(|name| meta.child(name).or(content.child(name))?.line());
    let headline = content.child("headline").or_else(|| meta.child("title")).and_then(Element::line);
    let status = meta.child("pubStatus").and_then(code).unwrap_or_default();
    let is_killed =
        meta.children().any(|child| child.name == "signal" && code(child).is_some_and(is_kill_signal));
    if is_withdrawn(&status) || is_killed || headline.as_deref().is_some_and(is_kill_headline) {
        let earlier = meta.children().filter(|child| child.name == "link").filter_map(|link| {
            let rel = link.attribute("rel")?.to_lowercase();
            let is_earlier = rel.ends_with("evolvedfrom") || rel.ends_with("previousversion");
            is_earlier.then(|| link.attribute("residref").or(link.attribute("href"))).flatten()
        });
        let ids = guid.into_iter().chain(earlier.map(String::from)).collect();
        return Item::Withdrawal { ids, date };
    }
    let set = item.child("contentSet").unwrap_or(&empty);
    let Some(inner) = set.children().find_map(inline) else {
        let class = meta.child("itemClass").and_then(code).unwrap_or_else(|| "no class".into());
        return Item::Other(format!("items without text ({})", suffix(&class)));
    };
    let name = |element: Option<&Element>| {
        let element = element?;
        let name = element.child("name").and_then(Element::line);
        name.or_else(|| element.attribute("literal").map(String::from))
            .or_else(|| element.attribute("qcode").map(|code| suffix(code).to_string()))
            .or_else(|| element.line())
    };
    let rights = item.child("rightsInfo").and_then(|info| info.child("copyrightHolder"));
    let source = name(meta.child("provider"))
        .or_else(|| name(content.child("infoSource")))
        .or_else(|| name(rights))
        .or(inner.source);
    let url = meta.children().filter(|child| child.name == "link").find_map(|link| {
        let is_own = link.attribute("rel").is_some_and(|rel| rel.to_lowercase().ends_with("canonical"));
        is_own.then(|| link.attribute("href").map(String::from)).flatten()
    });
    Item::Story(Record {
        id: guid.or(inner.id),
        title: headline.unwrap_or(inner.title),
        text: inner.text,
        date: date.or(inner.date),
        source,
        url,
        ..Record::default()
    })
}

/// The text of a content, if it stands inside the item.
fn inline(content: &Element) -> Option<Record> {
    let kind = content.attribute("contenttype").unwrap_or_default().to_lowercase();
    let record = match content.name.as_str() {
        "inlineXML" => match content.find("nitf") {
            Some(article) => nitf::record(article),
            None => Record { text: content.paragraphs(), ..Record::default() },
        },
        "inlineData" if kind.contains("html") => {
            Record { text: markup::to_text(content.plain()), ..Record::default() }
        }
        "inlineData" if kind.is_empty() || kind.contains("text") => {
            Record { text: content.plain(), ..Record::default() }
        }
        _ => return None,
    };
    (!record.text.is_empty()).then_some(record)
}

/// The code of a property, whether it is qualified or a URI.
fn code(element: &Element) -> Option<String> {
    let code = element.attribute("qcode").or(element.attribute("uri")).or(element.attribute("code"));
    code.map(String::from).or_else(|| element.line())
}

/// A code without what qualifies it.
fn suffix(code: &str) -> &str {
    code.rsplit([':', '/']).next().unwrap_or(code)
}

fn is_kill_signal(code: String) -> bool {
    ["kill", "withdraw", "withdrawal", "cancel"].iter().any(|name| suffix(&code).eq_ignore_ascii_case(name))
}

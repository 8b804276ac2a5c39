//! News items in XML: NewsML-G2 (IPTC, "NewsML-G2 Specification 2.x") and NITF (IPTC, "News Industry Text Format 3.x").
//!
//! The items of a message are read one at a time. An item that its publisher has withdrawn (`pubStatus`,
//! `management-status`) is no story, and its earlier versions are left out.

mod element;
mod newsml;
mod nitf;

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};

use crate::ingest::{
    NoticeKind,
    sink::{Record, StorySink},
};
use element::{Element, local_name};

/// Roots of documents that are news items.
const ROOTS: [&str; 5] = ["newsMessage", "newsItem", "packageItem", "conceptItem", "nitf"];

/// The most elements of an item.
const MAX_ELEMENTS: usize = 200_000;

/// What an item is.
enum Item {
    Story(Record),
    /// The ids that a publisher withdraws, and the day on which it does.
    Withdrawal {
        ids: Vec<String>,
        date: Option<String>,
    },
    /// No text: a package, a picture.
    Other(String),
}

/// The name of the root of a document; `None` if it has none.
fn root(xml: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    // Comments and processing instructions may stand before the root, but not for long.
    for _ in 0..100 {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(local_name(&start)),
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}

/// Whether a document holds news items.
pub(super) fn is_news(xml: &str) -> bool {
    root(xml).is_some_and(|name| ROOTS.contains(&name.as_str()))
}

/// Reads the news items of a document.
pub(super) fn read(xml: &str, sink: &mut StorySink) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let (mut record, mut stories, mut withdrawals) = (0, 0u64, 0u64);
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    let (mut line, mut counted) = (1, 0);
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(xml.len()).min(xml.len());
        line += xml.as_bytes()[counted..at].iter().filter(|b| **b == b'\n').count() as u64;
        counted = at;
        let read = match reader.read_event() {
            Ok(Event::Start(start)) => match local_name(&start).as_str() {
                name @ ("newsItem" | "packageItem" | "conceptItem" | "nitf") => {
                    Element::read(&mut reader, &start, MAX_ELEMENTS)
                        .map(|item| Some((name.to_string(), item)))
                }
                _ => Ok(None),
            },
            Ok(Event::Eof) => break,
            Ok(_) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        let item = match read {
            Ok(Some((name, item))) => match name.as_str() {
                "nitf" => nitf::read(&item),
                "newsItem" => newsml::read(&item),
                _ => Item::Other(format!("{name} elements")),
            },
            Ok(None) => continue,
            Err(message) => {
                sink.notice(line, NoticeKind::Xml(message));
                break;
            }
        };
        match item {
            Item::Story(story) => {
                stories += 1;
                sink.record(Record { line, record, ..story });
            }
            Item::Withdrawal { ids, date } => {
                withdrawals += 1;
                sink.withdraw(line, ids, date.as_deref());
            }
            Item::Other(name) => *others.entry(name).or_default() += 1,
        }
        record += 1;
    }
    if stories + withdrawals == 0 {
        sink.notice(0, NoticeKind::Xml("it has no news items with text".into()));
    }
    if !others.is_empty() {
        sink.notice(0, NoticeKind::UnreadRecords(others));
    }
}

/// Whether a headline says that its story is withdrawn, as agencies do: "KILL: Rain in Norrin", "STORY KILL - Rain".
pub(super) fn is_kill_headline(headline: &str) -> bool {
    const NOTICES: [&str; 7] = [
        "KILL",
        "STORY KILL",
        "MANDATORY KILL",
        "KILL NOTICE",
        "STORY WITHDRAWN",
        "STORY REMOVED",
        "ELIMINATION",
    ];
    let headline = headline.trim_start_matches(|c: char| !c.is_alphanumeric());
    NOTICES.iter().any(|notice| {
        let rest = headline.strip_prefix(notice).map(str::trim_start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '-', '–', '—', '/', ')', ']', ',']))
    })
}

/// Whether a status says that an item must not be used: "canceled", "stat:canceled", "withheld".
pub(super) fn is_withdrawn(status: &str) -> bool {
    let status = status.rsplit([':', '/']).next().unwrap_or_default().trim();
    ["canceled", "cancelled", "withheld", "killed", "withdrawn"]
        .iter()
        .any(|name| status.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;

//! Articles of NITF.

use super::{Item, element::Element, is_kill_headline, is_withdrawn};
use crate::ingest::sink::Record;

/// Reads an article.
pub(super) fn read(article: &Element) -> Item {
    let data = article.find("docdata");
    let status = data.and_then(|data| data.attribute("management-status")).unwrap_or_default();
    let record = record(article);
    if is_withdrawn(status) || is_kill_headline(&record.title) {
        return Item::Withdrawal { ids: record.id.into_iter().collect(), date: record.date };
    }
    Item::Story(record)
}

/// The fields of an article.
pub(super) fn record(article: &Element) -> Record {
    let empty = Element::default();
    let head = article.child("head").unwrap_or(&empty);
    let body = article.child("body").unwrap_or(&empty);
    let top = body.child("body.head").unwrap_or(&empty);
    let data = head.child("docdata").unwrap_or(&empty);
    let attribute = |element: &str, name: &str| {
        data.find(element)
            .or_else(|| head.find(element))
            .and_then(|found| found.attribute(name))
            .map(String::from)
    };
    let headline = top.find("hl1").or_else(|| head.child("title")).and_then(Element::line);
    let content = body.child("body.content");
    Record {
        id: attribute("doc-id", "id-string"),
        title: headline.unwrap_or_default(),
        text: content.map(Element::paragraphs).unwrap_or_default(),
        date: attribute("pubdata", "date.publication")
            .or_else(|| attribute("date.issue", "norm"))
            .or_else(|| attribute("date.release", "norm")),
        source: attribute("pubdata", "name")
            .or_else(|| top.find("distributor").and_then(Element::line))
            .or_else(|| attribute("doc.copyright", "holder"))
            .or_else(|| attribute("doc-id", "regsrc")),
        url: attribute("pubdata", "ex-ref"),
        ..Record::default()
    }
}

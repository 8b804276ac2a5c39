//! Web archives: WARC files and WET files, the plain text that is made from them (ISO 28500, "WARC file format").
//!
//! Stories are the pages of `response` and `resource` records, and the texts of `conversion` records. What else an archive
//! holds is counted. Pages are extracted by several threads, a bounded batch at a time, and given to the sink in the order
//! of the file. The date of a record is when its page was fetched; it is no date of publication and is not read as one.

mod http;
mod records;

use std::{
    collections::BTreeMap,
    io::BufRead,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rayon::prelude::*;

use super::{Format, html};
use crate::{
    Error, Result,
    corpus::page_chrome,
    ingest::{
        NoticeKind,
        decode::{Charset, decode_unicode, is_binary},
        sink::{Record, StorySink},
    },
    progress::Progress,
};
use http::{Body, ContentType};
use records::{ArchiveReader, ArchiveRecord, Next};

/// Pages that are extracted at once: at most so many, and so many bytes.
const BATCH_PAGES: usize = 256;
const BATCH_BYTES: usize = 16 << 20;

/// The longest title of a text, in bytes.
const MAX_TITLE: usize = 200;

/// A page or a text of a record, not yet read.
struct Page {
    id: Option<String>,
    url: Option<String>,
    /// The number of the archive's record, from 1, which stands for a line.
    number: u64,
    content: Content,
}

enum Content {
    Html(String),
    Text(String),
}

/// Reads the records of an archive.
pub(super) fn read(reader: &mut dyn BufRead, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    let mut archive = ArchiveReader::new(reader, sink.options.max_record());
    let mut batch = Batch::default();
    // Records that are no stories, by what they are.
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    let mut stories = false;
    loop {
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let next = archive.next();
        let number = archive.number;
        match next {
            Ok(Next::Record(record)) => match page(record, number, sink) {
                Ok(Some(page)) => {
                    stories = true;
                    batch.push(page, sink);
                }
                Ok(None) => {}
                Err(other) => count(&mut others, other),
            },
            Ok(Next::TooLong) => {
                batch.flush(sink);
                sink.count_record();
                sink.notice(number, NoticeKind::TooLong(sink.options.max_record()));
            }
            Ok(Next::Malformed(message)) => {
                batch.flush(sink);
                sink.notice(number, NoticeKind::Warc(message));
            }
            Ok(Next::End) => break,
            Err(error) => {
                batch.flush(sink);
                sink.read_error(number, &error);
                break;
            }
        }
    }
    batch.flush(sink);
    if !stories {
        sink.notice(0, NoticeKind::Warc("it has no responses, resources or texts".into()));
    }
    if !others.is_empty() {
        sink.notice(0, NoticeKind::UnreadRecords(others));
    }
    Ok(())
}

/// Counts a record that is no page. Names come from the archive: there are at most so many.
fn count(others: &mut BTreeMap<String, u64>, name: String) {
    const MAX_NAMES: usize = 100;
    let name = name.chars().take(60).collect::<String>();
    let is_known = others.contains_key(&name) || others.len() < MAX_NAMES;
    *others.entry(if is_known { name } else { "others".into() }).or_default() += 1;
}

/// The page of a record; `None` for records about records.
///
/// # Errors
/// What the record is, if it is no page.
fn page(
    record: ArchiveRecord,
    number: u64,
    sink: &mut StorySink,
) -> std::result::Result<Option<Page>, String> {
    let (kind, content_type) = (record.kind.as_str(), ContentType::parse(record.content_type.as_deref()));
    let (content_type, content) = match kind {
        "response" if content_type.media == "application/http" || content_type.media.is_empty() => {
            let response = http::parse(&record.content).ok_or("responses that are no HTTP")?;
            if !(200..300).contains(&response.status) {
                return Err(format!("responses of status {}", response.status));
            }
            let content = match http::decode_body(&response, sink.options.max_record()) {
                Body::Decoded(content) => content,
                Body::Unknown(coding) => return Err(format!("responses encoded as {coding}")),
                Body::TooLong => {
                    sink.count_record();
                    sink.notice(number, NoticeKind::TooLong(sink.options.max_record()));
                    return Ok(None);
                }
            };
            (ContentType::parse(response.header("content-type")), content)
        }
        "resource" => (content_type, record.content),
        "conversion" => (content_type, record.content),
        "revisit" | "continuation" => return Err(format!("{kind} records")),
        _ => return Ok(None),
    };
    if content.trim_ascii().is_empty() {
        return Err("empty pages".into());
    }
    let is_html = match content_type.media.as_str() {
        "text/html" | "application/xhtml+xml" => true,
        "text/plain" => false,
        "" | "application/octet-stream" if is_binary(&content) => return Err("binary data".into()),
        "" | "application/octet-stream" => Format::detect(&content) == Format::Html,
        other => return Err(other.into()),
    };
    if is_binary(&content) {
        return Err("binary data".into());
    }
    let text = decode(&content, content_type.charset, number, sink);
    let content = if is_html { Content::Html(text) } else { Content::Text(text) };
    Ok(Some(Page { id: record.id, url: record.url, number, content }))
}

/// Decodes a page: as UTF-8 if it is, else in the encoding of the HTTP header, else in the one that it declares, or the
/// likeliest.
fn decode(bytes: &[u8], charset: Option<Charset>, number: u64, sink: &mut StorySink) -> String {
    match (decode_unicode(bytes), charset) {
        (Some(text), _) => text.into_owned(),
        (None, Some(charset)) => charset.decode(bytes).into_owned(),
        (None, None) => {
            // Each page has an encoding of its own.
            sink.charset = None;
            sink.decode(bytes, number).into_owned()
        }
    }
}

/// Pages that wait to be extracted.
#[derive(Default)]
struct Batch {
    pages: Vec<Page>,
    bytes: usize,
    /// Stories so far.
    records: u64,
}

impl Batch {
    fn push(&mut self, page: Page, sink: &mut StorySink) {
        self.bytes += match &page.content {
            Content::Html(text) | Content::Text(text) => text.len(),
        };
        self.pages.push(page);
        if self.pages.len() >= BATCH_PAGES || self.bytes >= BATCH_BYTES {
            self.flush(sink);
        }
    }

    /// Extracts the pages and gives them to the sink.
    fn flush(&mut self, sink: &mut StorySink) {
        self.bytes = 0;
        let pages = std::mem::take(&mut self.pages);
        let read: Vec<_> = pages.into_par_iter().map(extract).collect();
        for (number, record, notice) in read {
            if let Some(notice) = notice {
                sink.notice(number, notice);
            }
            match record {
                Some(record) => sink.record(Record { record: self.records, ..record }),
                None => sink.count_record(),
            }
            self.records += 1;
        }
    }
}

/// The story of a page, and what was wrong with it.
fn extract(page: Page) -> (u64, Option<Record>, Option<NoticeKind>) {
    let number = page.number;
    let read = catch_unwind(AssertUnwindSafe(|| match &page.content {
        Content::Html(text) => html::extract(text),
        Content::Text(text) => (plain(text), None),
    }));
    let Ok((record, notice)) = read else {
        return (number, None, Some(NoticeKind::Warc("a page that cannot be parsed; skipped".into())));
    };
    let url = page.url.or(record.url);
    (number, Some(Record { id: page.id, url, line: number, ..record }), notice)
}

/// The story of a text of lines, the first of which is the title of the page that the text was made from.
fn plain(text: &str) -> Record {
    let text = text.trim();
    let (first, rest) = text.split_once('\n').unwrap_or(("", text));
    let has_title = !first.trim().is_empty() && first.len() <= MAX_TITLE;
    let (title, body) = if has_title { (first.trim(), rest) } else { ("", text) };
    Record { title: title.into(), text: page_chrome::strip_chrome_lines(body), ..Record::default() }
}

#[cfg(test)]
mod tests;

//! JSON records: one object a line, or an array, or objects one after another.

use std::{
    fmt,
    io::{self, BufRead},
    path::Path,
};

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::{Value, value::RawValue};

use super::{
    Ingested, NoticeKind, Options,
    bytes::{self, Line, MAX_RECORD},
    collect::{Collector, Found},
};
use crate::{Error, Result, corpus::date, progress::Progress};

/// Reads one object a line.
pub(super) fn read_lines(
    reader: &mut dyn BufRead,
    collector: &mut Collector,
    progress: &dyn Progress,
) -> Result<()> {
    let mut buffer = Vec::new();
    let (mut line, mut record) = (0, 0);
    loop {
        if line % 1024 == 0 && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        line += 1;
        match bytes::read_line(reader, &mut buffer, MAX_RECORD) {
            Ok(Line::End) => break,
            Ok(Line::TooLong) => {
                collector.here(line, NoticeKind::TooLong(MAX_RECORD));
                record += 1;
            }
            Ok(Line::Whole) => {
                let (text, bad) = bytes::decode(&buffer);
                if text.trim().is_empty() {
                    continue;
                }
                if bad {
                    collector.here(line, NoticeKind::Encoding);
                }
                read_record(&text, line, record, collector);
                record += 1;
            }
            Err(error) => {
                collector.broken(line, &error);
                break;
            }
        }
    }
    if line == 1 && record == 0 {
        collector.here(0, NoticeKind::Empty);
    }
    Ok(())
}

/// Reads the next record of a stream of JSON lines that may never end: one story or none, with what was wrong. `line`
/// is the number of the last line, and becomes that of the record. None at the end of the stream.
pub fn read_next(reader: &mut dyn BufRead, line: &mut u64, options: &Options) -> Result<Option<Ingested>> {
    let mut buffer = Vec::new();
    let mut collector = Collector::of(options, Path::new("-"));
    loop {
        let read = bytes::read_line(reader, &mut buffer, MAX_RECORD);
        *line += 1;
        match read.map_err(Error::io("read", "standard input"))? {
            Line::End => return Ok(None),
            Line::TooLong => collector.here(*line, NoticeKind::TooLong(MAX_RECORD)),
            Line::Whole => {
                let (text, bad) = bytes::decode(&buffer);
                if text.trim().is_empty() {
                    continue;
                }
                if bad {
                    collector.here(*line, NoticeKind::Encoding);
                }
                read_record(&text, *line, 0, &mut collector);
            }
        }
        return Ok(Some(collector.finish()));
    }
}

/// Reads one JSON object that stands at `line` of the file `path`, as its record `record` (from 0): one story or none,
/// with what was wrong.
pub fn read_json(json: &str, path: &Path, line: u64, record: u64, options: &Options) -> Ingested {
    let mut collector = Collector::of(options, path);
    read_record(json, line, record, &mut collector);
    collector.finish()
}

/// Reads an array of objects, or objects one after another, without holding more than one.
pub(super) fn read_document(reader: &mut dyn BufRead, collector: &mut Collector) {
    let mut record = 0;
    let result = each_value(reader, &mut |value| {
        read_record(value.get(), 0, record, collector);
        record += 1;
    });
    match result {
        Ok(true) => {}
        Ok(false) => collector.here(0, NoticeKind::Empty),
        Err(error) => {
            let line = error.line() as u64;
            match error.io_error_kind() {
                Some(kind) => collector.broken(line, &io::Error::new(kind, error.to_string())),
                None => collector.here(line, NoticeKind::Json(error.to_string())),
            }
        }
    }
}

/// Gives `each` the elements of an array, or values one after another, as far as they can be read. False if there is
/// nothing.
pub(super) fn each_value(
    reader: &mut dyn BufRead,
    each: &mut dyn FnMut(&RawValue),
) -> serde_json::Result<bool> {
    let array = loop {
        let head = reader.fill_buf().map_err(serde_json::Error::io)?;
        if head.is_empty() {
            return Ok(false);
        }
        // Its first byte that is neither white space nor a byte order mark.
        let at = head.iter().position(|b| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b));
        let array = at.map(|at| head[at] == b'[');
        let skip = at.unwrap_or(head.len());
        reader.consume(skip);
        if let Some(array) = array {
            break array;
        }
    };
    let mut json = serde_json::Deserializer::from_reader(reader);
    if array {
        json.deserialize_seq(Elements { each })?;
        json.end()?;
    } else {
        for value in json.into_iter::<Box<RawValue>>() {
            each(&value?);
        }
    }
    Ok(true)
}

struct Elements<'a> {
    each: &'a mut dyn FnMut(&RawValue),
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of stories")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<(), A::Error> {
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            (self.each)(&element);
        }
        Ok(())
    }
}

fn read_record(text: &str, line: u64, record: u64, collector: &mut Collector) {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return collector.here(line, NoticeKind::Json(error.to_string())),
    };
    read_value(&value, line, record, collector);
}

/// Takes the story that an object is.
pub(super) fn read_value(value: &Value, line: u64, record: u64, collector: &mut Collector) {
    if !value.is_object() {
        return collector.here(line, NoticeKind::Json("not an object".into()));
    }
    let [id, title, body, published, source, url] = collector.options.fields.of_json(value);
    let mut string = |name: &str, value: Option<&Value>| match value {
        None => None,
        Some(Value::String(s)) => Some(s.clone()),
        Some(Value::Number(n)) => Some(n.to_string()),
        Some(Value::Array(parts)) if name == "text" && parts.iter().all(Value::is_string) => {
            let parts: Vec<_> = parts.iter().filter_map(Value::as_str).collect();
            Some(parts.join("\n\n"))
        }
        Some(Value::Object(o)) if name == "source" && o.get("name").is_some_and(Value::is_string) => {
            o["name"].as_str().map(String::from)
        }
        Some(_) => {
            collector.here(line, NoticeKind::Field(name.into()));
            None
        }
    };
    let found = Found {
        id: string("id", id),
        title: string("title", title).unwrap_or_default(),
        text: string("text", body).unwrap_or_default(),
        source: string("source", source),
        url: string("url", url),
        published: None,
        line,
        record,
        part: 0,
    };
    let when = string("published", published);
    let published = when.as_deref().and_then(date::parse);
    if let Some(text) = when.filter(|text| published.is_none() && !text.trim().is_empty()) {
        collector.here(line, NoticeKind::Date(text.chars().take(40).collect()));
    }
    collector.story(Found { published, ..found });
}

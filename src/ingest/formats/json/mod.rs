//! JSON records: one object a line, an array of objects, or objects one after another.

use std::{
    fmt,
    io::{self, BufRead},
    path::Path,
};

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::{Value, value::RawValue};

use crate::{
    Error, Result,
    ingest::{
        IngestOptions, IngestOutcome, NoticeKind,
        decode::decode,
        fields::Field,
        lines::{Line, MAX_RECORD, read_line},
        sink::{Record, StorySink},
    },
    progress::Progress,
};

/// Reads one object a line.
pub(super) fn read_lines(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    let mut buffer = Vec::new();
    let (mut line, mut record) = (0, 0);
    loop {
        if line % 1024 == 0 && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        line += 1;
        match read_line(reader, &mut buffer, MAX_RECORD) {
            Ok(Line::End) => break,
            Ok(Line::TooLong) => {
                sink.notice(line, NoticeKind::TooLong(MAX_RECORD));
                record += 1;
            }
            Ok(Line::Complete) => {
                let (text, invalid) = decode(&buffer);
                if text.trim().is_empty() {
                    continue;
                }
                if invalid {
                    sink.notice(line, NoticeKind::Encoding);
                }
                read_record(&text, line, record, sink);
                record += 1;
            }
            Err(error) => {
                sink.read_error(line, &error);
                break;
            }
        }
    }
    if line == 1 && record == 0 {
        sink.notice(0, NoticeKind::Empty);
    }
    Ok(())
}

/// Reads the next record of a stream of JSON lines that need not end: at most one story, with its notices. `line` is the
/// number of the last line read, and is advanced to that of the record. `None` at the end of the stream.
///
/// # Errors
/// [`Error::Io`] if the stream cannot be read.
pub fn read_json_line(
    reader: &mut dyn BufRead,
    line: &mut u64,
    options: &IngestOptions,
) -> Result<Option<IngestOutcome>> {
    let mut buffer = Vec::new();
    let mut sink = StorySink::for_path(options, Path::new("-"));
    loop {
        let read = read_line(reader, &mut buffer, MAX_RECORD);
        *line += 1;
        match read.map_err(Error::io("read", "standard input"))? {
            Line::End => return Ok(None),
            Line::TooLong => sink.notice(*line, NoticeKind::TooLong(MAX_RECORD)),
            Line::Complete => {
                let (text, invalid) = decode(&buffer);
                if text.trim().is_empty() {
                    continue;
                }
                if invalid {
                    sink.notice(*line, NoticeKind::Encoding);
                }
                read_record(&text, *line, 0, &mut sink);
            }
        }
        return Ok(Some(sink.finish()));
    }
}

/// Reads one JSON object that stands at `line` of the file `path` and is its record number `record` (from 0): at most one
/// story, with its notices.
pub fn read_json_record(
    json: &str,
    path: &Path,
    line: u64,
    record: u64,
    options: &IngestOptions,
) -> IngestOutcome {
    let mut sink = StorySink::for_path(options, path);
    read_record(json, line, record, &mut sink);
    sink.finish()
}

/// Reads an array of objects, or objects one after another. Memory holds one object at a time.
pub(super) fn read_document(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    _progress: &dyn Progress,
) -> Result<()> {
    let mut record = 0;
    let result = for_each_value(reader, &mut |value| {
        read_record(value.get(), 0, record, sink);
        record += 1;
    });
    match result {
        Ok(true) => {}
        Ok(false) => sink.notice(0, NoticeKind::Empty),
        Err(error) => {
            let line = error.line() as u64;
            match error.io_error_kind() {
                Some(kind) => sink.read_error(line, &io::Error::new(kind, error.to_string())),
                None => sink.notice(line, NoticeKind::Json(error.to_string())),
            }
        }
    }
    Ok(())
}

/// Calls `visit` with each element of an array, or with each of several values one after another, up to the first syntax
/// error. False if the stream is empty.
///
/// # Errors
/// The stream cannot be read, or is not valid JSON.
pub(in crate::ingest) fn for_each_value(
    reader: &mut dyn BufRead,
    visit: &mut dyn FnMut(&RawValue),
) -> serde_json::Result<bool> {
    let array = loop {
        let head = reader.fill_buf().map_err(serde_json::Error::io)?;
        if head.is_empty() {
            return Ok(false);
        }
        // The first byte that is neither white space nor part of a byte order mark.
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
        json.deserialize_seq(ElementVisitor { visit })?;
        json.end()?;
    } else {
        for value in json.into_iter::<Box<RawValue>>() {
            visit(&value?);
        }
    }
    Ok(true)
}

struct ElementVisitor<'a> {
    visit: &'a mut dyn FnMut(&RawValue),
}

impl<'de> Visitor<'de> for ElementVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of stories")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<(), A::Error> {
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            (self.visit)(&element);
        }
        Ok(())
    }
}

fn read_record(text: &str, line: u64, record: u64, sink: &mut StorySink) {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return sink.notice(line, NoticeKind::Json(error.to_string())),
    };
    read_value(&value, line, record, sink);
}

/// Reads the story of one JSON object.
pub(super) fn read_value(value: &Value, line: u64, record: u64, sink: &mut StorySink) {
    if !value.is_object() {
        return sink.notice(line, NoticeKind::Json("not an object".into()));
    }
    let fields = sink.options.fields.find_in_json(value);
    let mut string = |field: Field| match fields[field] {
        None => None,
        Some(Value::String(s)) => Some(s.clone()),
        Some(Value::Number(n)) => Some(n.to_string()),
        Some(Value::Array(parts)) if field == Field::Text && parts.iter().all(Value::is_string) => {
            let parts: Vec<_> = parts.iter().filter_map(Value::as_str).collect();
            Some(parts.join("\n\n"))
        }
        Some(Value::Object(o)) if field == Field::Source && o.get("name").is_some_and(Value::is_string) => {
            o["name"].as_str().map(String::from)
        }
        Some(_) => {
            sink.notice(line, NoticeKind::Field(field.name().into()));
            None
        }
    };
    let found = Record {
        id: string(Field::Id),
        title: string(Field::Title).unwrap_or_default(),
        text: string(Field::Text).unwrap_or_default(),
        source: string(Field::Source),
        url: string(Field::Url),
        published: None,
        date: string(Field::Published),
        line,
        record,
        part: 0,
    };
    sink.record(found);
}

//! JSON records: one a line, one after another, in an array, or in a list inside an object.

mod ninjs;
mod shape;
mod split;
mod text;

use std::{
    io::{self, BufRead},
    path::Path,
};

use serde_json::{Map, Value};

use crate::{
    Error, Result,
    ingest::{
        IngestOptions, IngestOutcome, NoticeKind,
        decode::decode,
        fields::Field,
        lines::{Line, read_line},
        sink::{Record, StorySink},
    },
    progress::Progress,
};
use split::{Piece, Splitter};

/// Reads one record a line; also an array, and records written over several lines.
pub(super) fn read_lines(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    read_pieces(Splitter::lines(reader, sink.options.max_record()), sink, progress)
}

/// Reads an array of records, records one after another, or an object that holds a list of records.
pub(super) fn read_document(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    read_pieces(Splitter::values(reader, sink.options.max_record()), sink, progress)
}

fn read_pieces(splitter: io::Result<Splitter>, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    let mut splitter = match splitter {
        Ok(splitter) => splitter,
        Err(error) => {
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    let mut buffer = Vec::new();
    let (mut pieces, mut record) = (0u64, 0);
    loop {
        if pieces.is_multiple_of(1024) && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        pieces += 1;
        let piece = match splitter.next(&mut buffer) {
            Ok(piece) => piece,
            Err(error) => {
                sink.read_error(splitter.start, &error);
                return Ok(());
            }
        };
        let line = splitter.start;
        match piece {
            Piece::End if record == 0 => {
                sink.notice(0, NoticeKind::Empty);
                return Ok(());
            }
            Piece::End => return Ok(()),
            Piece::TooLong => {
                sink.notice(line, NoticeKind::TooLong(sink.options.max_record()));
                record += 1;
            }
            Piece::Complete | Piece::Truncated => read_piece(&buffer, line, &mut record, sink),
        }
    }
}

/// Reads the records of one value.
fn read_piece(bytes: &[u8], line: u64, record: &mut u64, sink: &mut StorySink) {
    if bytes.trim_ascii().is_empty() {
        return;
    }
    let text = sink.decode(bytes, line);
    match parse(&text) {
        Ok(value) => {
            let lines = record_lines(&text, &value, line, sink.options);
            for (i, value) in shape::records(value, sink.options).into_iter().enumerate() {
                read_value(&value, lines.get(i).copied().unwrap_or(line), *record, sink);
                *record += 1;
            }
        }
        Err(error) => {
            sink.notice(line, NoticeKind::Json(error.to_string()));
            *record += 1;
        }
    }
}

/// The lines where the records inside `value` begin, which was parsed from `text` that begins at `line`; empty if that is
/// the line of all.
fn record_lines(text: &str, value: &Value, mut line: u64, options: &IngestOptions) -> Vec<u64> {
    if !text.contains('\n') {
        return Vec::new();
    }
    let (mut lines, mut counted) = (Vec::new(), 0);
    for raw in shape::raw_records(text, value, options).unwrap_or_default() {
        // Records are parts of the text, in its order but for maps, whose keys are sorted.
        let at = raw.as_ptr() as usize - text.as_ptr() as usize;
        if at < counted {
            return Vec::new();
        }
        line += text.as_bytes()[counted..at].iter().filter(|b| **b == b'\n').count() as u64;
        counted = at;
        lines.push(line);
    }
    lines
}

/// Parses one value. Numbers that are not finite, which Python writes, are null, and a comma after the value is ignored.
pub(in crate::ingest) fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|error| {
        let text = text.trim().trim_end_matches(',');
        serde_json::from_str(&text::replace_non_finite(text)).map_err(|_| error)
    })
}

/// Calls `visit` with each record of a stream as JSON, and its number: byte for byte, but for tables of columns.
///
/// # Errors
/// [`Error::Io`] from `visit`. Bad input was reported when the stream was read first.
pub(in crate::ingest) fn for_each_record(
    reader: &mut dyn BufRead,
    lines: bool,
    options: &IngestOptions,
    visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let limit = options.max_record();
    let splitter = if lines { Splitter::lines(reader, limit) } else { Splitter::values(reader, limit) };
    let Ok(mut splitter) = splitter else { return Ok(()) };
    let mut buffer = Vec::new();
    let mut record = 0;
    loop {
        match splitter.next(&mut buffer) {
            Ok(Piece::End) | Err(_) => return Ok(()),
            Ok(Piece::TooLong) => record += 1,
            Ok(Piece::Complete | Piece::Truncated) => {
                let text = decode(&buffer);
                if text.trim().is_empty() {
                    continue;
                }
                let Ok(value) = parse(&text) else {
                    record += 1;
                    continue;
                };
                match shape::raw_records(&text, &value, options) {
                    // The bytes of the stream, which need not be UTF-8.
                    Some(records) if records == [text.trim()] => {
                        visit(record, buffer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&buffer).trim_ascii())?;
                        record += 1;
                    }
                    Some(records) => {
                        for json in records {
                            visit(record, json.as_bytes())?;
                            record += 1;
                        }
                    }
                    None => {
                        for value in shape::records(value, options) {
                            visit(record, value.to_string().as_bytes())?;
                            record += 1;
                        }
                    }
                }
            }
        }
    }
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
        let read = read_line(reader, &mut buffer, options.max_record());
        *line += 1;
        match read.map_err(Error::io("read", "standard input"))? {
            Line::End => return Ok(None),
            Line::TooLong => sink.notice(*line, NoticeKind::TooLong(options.max_record())),
            Line::Complete => {
                if buffer.trim_ascii().is_empty() {
                    continue;
                }
                let text = sink.decode(&buffer, *line);
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

fn read_record(text: &str, line: u64, record: u64, sink: &mut StorySink) {
    let value: Value = match parse(text) {
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
    let inner = shape::unwrap(value, &sink.options.fields);
    match ninjs::read(inner) {
        Some(ninjs::Item::Story(item)) => read_fields(&item, value, line, record, sink),
        Some(ninjs::Item::Withdrawal { ids, date }) => sink.withdraw(line, ids, date.as_deref()),
        None => read_fields(inner, value, line, record, sink),
    }
}

/// Reads the story of the object `inner`, which may stand inside the record `value`.
fn read_fields(inner: &Value, value: &Value, line: u64, record: u64, sink: &mut StorySink) {
    let map = &sink.options.fields;
    sink.fields().see_record(value, inner, map);
    let fields = map.find_named_in_json(inner);
    // A wrapper may hold what the object inside does not, as its id.
    let outer = (!std::ptr::eq(inner, value)).then(|| map.find_named_in_json(value));
    let mut string = |field: Field| {
        let (name, value) = fields[field].or_else(|| outer.as_ref()?[field])?;
        let found = match field {
            _ if value.is_null() => return None,
            Field::Text => text::scalar(value).or_else(|| text::join(value)),
            Field::Title => text::scalar(value).or_else(|| text::first(value)),
            Field::Source => text::scalar(value).or_else(|| named(value)),
            _ => text::scalar(value).or_else(|| text::scalar(value.as_array()?.first()?)),
        };
        let empty =
            value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
        if found.is_none() && !empty {
            sink.notice(line, NoticeKind::Field(field.name().into()));
        }
        if found.as_ref().is_some_and(|text| !text.trim().is_empty()) {
            sink.fields().count(field, name);
        }
        found
    };
    let record = Record {
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
    sink.record(record);
}

/// The name of a publisher that is an object, or a list of them.
fn named(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.first().and_then(|item| text::scalar(item).or_else(|| named(item))),
        Value::Object(object) => ["name", "title", "domain", "uri", "url", "id"]
            .iter()
            .find_map(|key| text::scalar(object.get(*key)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::ingest::{
        IngestOptions,
        tests::{read_file, stories},
    };

    /// Two stories that a file of any shape must give.
    fn check(name: &str, text: &str) {
        let (found, notices) = stories(name, text);
        let expect =
            [("Rain", "It rained."), ("Sun", "It shone.")].map(|(a, b)| (a.to_string(), b.to_string()));
        assert_eq!((found, notices), (expect.to_vec(), vec![]), "{text}");
    }

    #[test]
    fn finds_the_records_of_every_shape() {
        let (rain, sun) =
            (json!({"title": "Rain", "text": "It rained."}), json!({"title": "Sun", "text": "It shone."}));
        let list = json!([rain, sun]);
        for value in [
            list.clone(),
            json!({"status": "ok", "articles": list, "sources": [{"name": "Norrin Post"}]}),
            json!({"response": {"docs": list, "facets": [1, 2]}}),
            json!({"data": {"items": list}}),
            json!({"hits": {"hits": [{"_id": "a", "_source": rain}, {"_id": "b", "_source": sun}]}}),
            json!({"a": rain, "b": sun}),
            json!({"0": rain, "1": sun}),
            json!({"title": {"0": "Rain", "1": "Sun"}, "text": {"0": "It rained.", "1": "It shone."}}),
            json!({"title": ["Rain", "Sun"], "text": ["It rained.", "It shone."]}),
            json!({"columns": ["title", "text"], "index": [0, 1], "data": [["Rain", "It rained."], ["Sun", "It shone."]]}),
            json!({"schema": {"fields": [{"name": "title"}, {"name": "text"}]}, "data": list}),
        ] {
            for name in ["a.json", "a.jsonl"] {
                check(name, &value.to_string());
                check(name, &serde_json::to_string_pretty(&value).unwrap());
            }
        }
        let lines = format!("{rain}\n{sun}\n");
        for name in ["a.jsonl", "a.jl", "a.jsonlines", "a.ndjson", "a.json"] {
            check(name, &lines);
            check(
                name,
                &format!(
                    "{}\n{}\n",
                    serde_json::to_string_pretty(&rain).unwrap(),
                    serde_json::to_string_pretty(&sun).unwrap()
                ),
            );
            check(name, &format!("{rain},\n{sun},\n"));
        }
    }

    #[test]
    fn reads_records_at_a_stated_path() {
        let value =
            json!({"top": [{"title": "Ads"}, {"title": "More"}], "news": {"today": [{"title": "Rain"}]}});
        let options = IngestOptions { records: Some("news.today".into()), ..IngestOptions::default() };
        let read = read_file("a.json", value.to_string(), &options);
        assert_eq!(read.stories.iter().map(|s| s.title.as_str()).collect::<Vec<_>>(), ["Rain"]);
    }

    #[test]
    fn notices_have_the_line_of_their_record() {
        let check = |name: &str, text: &str, lines: &[u64]| {
            let outcome = read_file(name, text, &IngestOptions::default());
            let found: Vec<u64> = outcome.notices.iter().map(|notice| notice.line).collect();
            assert_eq!(found, lines, "{text}: {:?}", outcome.notices);
        };
        let story = "{\"title\": \"Rain\", \"text\": \"It rained.\"}";
        check("a.json", &format!("[\n{story},\n{{}},\n{story},\n{{\"a\": 1}}]"), &[3, 5]);
        check(
            "a.json",
            &format!("{{\"status\": \"ok\",\n\"articles\": [\n{story},\n\n{{}},\n{{\"b\":\n1}}]}}"),
            &[5, 6],
        );
        check("a.jsonl", &format!("{story}\n\n{{}}\n1\n"), &[3, 4]);
        check("a.json", &format!("{{\"data\": {{\"items\": [{story}, {{}}]}}}}"), &[1]);
    }

    #[test]
    fn a_bad_record_does_not_take_its_neighbours() {
        let bad = "{\"title\": \"x\", \"text\": \"\\x\"}";
        let text = format!(
            "[{{\"title\":\"Rain\",\"text\":\"It rained.\",\"date\":NaN}},\n{bad},\n{{\"title\":\"Sun\",\"text\":\"It shone.\"}}]"
        );
        let (found, notices) = stories("a.json", &text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(notices.len() == 1 && notices[0].starts_with("2: invalid JSON"), "{notices:?}");
        check(
            "a.jsonl",
            "{\"title\":\"Rain\",\"text\":\"It rained.\",\"n\":NaN}\n{\"title\":\"Sun\",\"text\":\"It shone.\",\"n\":-Infinity}\n",
        );
    }
}

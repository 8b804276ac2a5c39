//! Records of a Parquet file, each row read as a JSON object.
//!
//! Memory holds one row, and a page of each column, whose size is limited. A corrupt file can make the `parquet` crate
//! panic: that ends the reading of this file with a notice, and the run goes on.

mod compressed_pages;
mod copy;
mod page_headers;
mod page_limits;

use std::fs::File;

use parquet::{
    errors::ParquetError,
    file::reader::FileReader,
    record::{Field, Row},
};
use serde_json::{Map, Number, Value};

pub(in crate::ingest) use copy::copy_rows;

use super::json;
use crate::{
    Error, Result,
    ingest::{NoticeKind, sink::StorySink},
    panics::catch,
    progress::Progress,
};
use page_limits::LimitedReader;

/// How many records of the largest size a page may hold: a page has the values of many rows.
const RECORDS_OF_PAGE: u64 = 4;

/// Reads the rows of `file`. The line of a row is its number, from 1.
pub(super) fn read(file: File, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    let bytes = file.metadata().map_or(0, |m| m.len());
    let limit = sink.options.max_record();
    let rows = match rows(file, limit) {
        Ok(rows) => rows,
        Err(message) => {
            sink.notice(0, NoticeKind::Parquet(message));
            return Ok(());
        }
    };
    for (record, row) in (0..).zip(rows) {
        if record % 1024 == 0 && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        match row {
            Ok(None) => {
                sink.count_record();
                sink.notice(record + 1, NoticeKind::TooLong(limit));
            }
            Ok(Some(row)) => json::read_value(&row, record + 1, record, sink),
            Err(message) => {
                sink.notice(record + 1, NoticeKind::Parquet(message));
                break;
            }
        }
    }
    progress.advance(crate::progress::Stage::Ingest, bytes);
    Ok(())
}

/// The rows of a file as JSON objects, up to the first error; `None` for a row of more than `limit` bytes of text.
///
/// # Errors
/// A message if the file cannot be opened as Parquet.
pub(in crate::ingest) fn rows(
    file: File,
    limit: u64,
) -> std::result::Result<impl Iterator<Item = std::result::Result<Option<Value>, String>>, String> {
    let open = || -> std::result::Result<_, ParquetError> {
        let max_page = limit.saturating_mul(RECORDS_OF_PAGE);
        let reader: Box<dyn FileReader> = Box::new(LimitedReader::open(file, max_page)?);
        Ok(parquet::record::reader::RowIter::from_file_into(reader))
    };
    let mut rows = Some(catch_panic(open)?);
    Ok(std::iter::from_fn(move || {
        let iterator = rows.as_mut()?;
        let row = match catch_panic(|| iterator.next().transpose()) {
            Ok(row) => row.map(|row| Ok((text_bytes(&row) <= limit).then(|| object(&row)))),
            Err(message) => Some(Err(message)),
        };
        // After an error the state of the reader cannot be relied on.
        if !matches!(row, Some(Ok(_))) {
            rows = None;
        }
        row
    }))
}

/// Runs `read` and returns its error or panic as a message.
fn catch_panic<T>(
    read: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> std::result::Result<T, String> {
    match catch(read) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(describe(&error)),
        None => Err("the file is corrupt".into()),
    }
}

/// The message of an error; names the known codecs if the file uses another one.
fn describe(error: &ParquetError) -> String {
    let text = error.to_string();
    if text.contains("Disabled feature") {
        format!("{text}; write it with Zstandard, Snappy, gzip, LZ4, Brotli or no compression")
    } else {
        text
    }
}

/// The bytes of text in a row.
fn text_bytes(row: &Row) -> u64 {
    fn of_field(field: &Field) -> u64 {
        match field {
            Field::Str(text) => text.len() as u64,
            Field::Bytes(bytes) => bytes.len() as u64,
            Field::Group(row) => text_bytes(row),
            Field::ListInternal(list) => list.elements().iter().map(of_field).sum(),
            Field::MapInternal(map) => map.entries().iter().map(|(k, v)| of_field(k) + of_field(v)).sum(),
            _ => 0,
        }
    }
    row.get_column_iter().map(|(_, field)| of_field(field)).sum()
}

fn object(row: &Row) -> Value {
    let columns = row.get_column_iter().map(|(name, field)| (name.clone(), value(field)));
    Value::Object(columns.collect::<Map<String, Value>>())
}

fn value(field: &Field) -> Value {
    let number = |x: f64| Number::from_f64(x).map_or(Value::Null, Value::Number);
    let time = |t: Option<jiff::Timestamp>| t.map_or(Value::Null, |t| Value::String(t.to_string()));
    match field {
        Field::Null => Value::Null,
        Field::Bool(x) => Value::Bool(*x),
        Field::Byte(x) => (*x).into(),
        Field::Short(x) => (*x).into(),
        Field::Int(x) => (*x).into(),
        Field::Long(x) => (*x).into(),
        Field::UByte(x) => (*x).into(),
        Field::UShort(x) => (*x).into(),
        Field::UInt(x) => (*x).into(),
        Field::ULong(x) => (*x).into(),
        Field::Float(x) => number(f64::from(*x)),
        Field::Double(x) => number(*x),
        Field::Str(x) => Value::String(x.clone()),
        // Many writers do not mark columns of text as UTF-8.
        Field::Bytes(x) => Value::String(String::from_utf8_lossy(x.data()).into_owned()),
        Field::Date(days) => time(jiff::Timestamp::from_second(i64::from(*days) * 86_400).ok()),
        Field::TimestampMillis(t) => time(jiff::Timestamp::from_millisecond(*t).ok()),
        Field::TimestampMicros(t) => time(jiff::Timestamp::from_microsecond(*t).ok()),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect()),
        Field::MapInternal(map) => {
            let key = |k: &Field| match value(k) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(map.entries().iter().map(|(k, v)| (key(k), value(v))).collect())
        }
        // Times of day, decimals and half floats are not fields of a story.
        other => Value::String(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, sync::Arc};

    use parquet::{
        basic::{Compression, GzipLevel},
        data_type::{ByteArray, ByteArrayType, Int64Type},
        file::{properties::WriterProperties, reader::SerializedFileReader, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ingest::{FileFormat, IngestOptions, Input, RecordSource, copy_records},
        progress::NoProgress,
    };

    /// Three stories, the second without a date, in each of so many row groups; `by` is a column that is not a field
    /// of a story.
    fn file(compression: Compression, groups: usize) -> Vec<u8> {
        let schema = "message story { required binary id (utf8); required binary body (utf8); \
                      optional int64 date (timestamp(micros,true)); required binary by (utf8); }";
        let properties = WriterProperties::builder().set_compression(compression).build();
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
        let texts = |of: [&str; 3]| of.map(ByteArray::from);
        let columns = [
            texts(["a", "b", "c"]),
            texts(["The dam is raised.", "The mill is shut.", "The bees are free."]),
            texts(["", "", ""]),
            texts(["x", "y", "z"]),
        ];
        for _ in 0..groups {
            let mut group = file.next_row_group().unwrap();
            for (i, values) in columns.iter().enumerate() {
                let mut column = group.next_column().unwrap().unwrap();
                if i == 2 {
                    let times = [1_930_000_000_000_000, 1_930_000_060_000_000];
                    column.typed::<Int64Type>().write_batch(&times, Some(&[1, 0, 1]), None).unwrap();
                } else {
                    column.typed::<ByteArrayType>().write_batch(values, None, None).unwrap();
                }
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        file.into_inner().unwrap()
    }

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stories.parquet");
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn reads_rows_of_every_compression() {
        let gzip = Compression::GZIP(GzipLevel::default());
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip, Compression::LZ4_RAW] {
            let (_folder, path) = written(&file(compression, 1));
            let read =
                crate::ingest::read(vec![Input::Path(path)], &IngestOptions::default(), &NoProgress).unwrap();
            assert_eq!(read.notices, [], "{compression}");
            let stories =
                read.stories.iter().map(|s| (s.id.as_str(), s.text.as_str(), s.published, s.origin.line));
            assert_eq!(
                stories.collect::<Vec<_>>(),
                [
                    ("a", "The dam is raised.", Some(1_930_000_000_000), 1),
                    ("b", "The mill is shut.", None, 2),
                    ("c", "The bees are free.", Some(1_930_000_060_000), 3),
                ]
            );
        }
    }

    /// Files that pyarrow 26 wrote, with pages of both versions, and Polars 2.1, whose default is Zstandard.
    const FILES: [&str; 5] = ["zstd-pages-1", "zstd-pages-2", "brotli-pages-1", "brotli-pages-2", "polars"];

    #[test]
    fn reads_zstandard_and_brotli() {
        for name in FILES {
            let path = format!("{}/tests/data/parquet/{name}.parquet", env!("CARGO_MANIFEST_DIR"));
            let whole = fs::read(&path).unwrap();
            let read =
                crate::ingest::read(vec![Input::Path(path.into())], &IngestOptions::default(), &NoProgress)
                    .unwrap();
            assert_eq!(read.notices, [], "{name}");
            let stories: Vec<_> =
                read.stories.iter().map(|s| (s.id.as_str(), s.text.as_str(), s.published)).collect();
            let texts = ["The dam is raised.", "The mill is shut.", "The bees are free."];
            let (first, last) = (Some(1_929_985_600_000), Some(1_929_985_660_000));
            assert_eq!(
                stories,
                [("a", texts[0], first), ("b", texts[1], None), ("c", texts[2], last)],
                "{name}"
            );
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 0x2a;
                let (_folder, path) = written(&bytes);
                let read =
                    crate::ingest::read(vec![Input::Path(path)], &IngestOptions::default(), &NoProgress)
                        .unwrap();
                assert_eq!(read.files, 1, "{name} {at}");
            }
        }
    }

    #[test]
    fn copied_rows_keep_all_their_columns() {
        let (_folder, path) = written(&file(Compression::SNAPPY, 1));
        let mut out = Vec::new();
        let inputs = [RecordSource { path, name: None }];
        let format = FileFormat::default();
        copy_records(&inputs, &IngestOptions::default(), format, &|o| o.record == 1, &mut out).unwrap();
        let line: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            line,
            serde_json::json!({"id": "b", "body": "The mill is shut.", "date": null, "by": "y"})
        );
    }

    #[test]
    fn keeps_row_groups_before_a_corrupt_one() {
        let mut bytes = file(Compression::SNAPPY, 3);
        let (_folder, path) = written(&bytes);
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let (start, len) = reader.metadata().row_group(1).column(1).byte_range();
        bytes[start as usize..][..len as usize].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        let read =
            crate::ingest::read(vec![Input::Path(path)], &IngestOptions::default(), &NoProgress).unwrap();
        assert_eq!(read.stories.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let notices = read.notices.iter().map(|n| (n.line, matches!(n.kind, NoticeKind::Parquet(_))));
        assert_eq!(notices.collect::<Vec<_>>(), [(4, true)]);
    }

    #[test]
    fn a_row_beyond_the_limit_is_refused_with_its_number() {
        let (_folder, path) = written(&file(Compression::SNAPPY, 1));
        let check = |limit: u64, ids: &[&str], notices: &[(u64, &str)]| {
            let options = IngestOptions { max_record: Some(limit), ..IngestOptions::default() };
            let read = crate::ingest::read(vec![Input::Path(path.clone())], &options, &NoProgress).unwrap();
            let found: Vec<_> = read.notices.iter().map(|n| (n.line, n.kind.name())).collect();
            assert_eq!(found, notices, "{limit}: {:?}", read.notices);
            assert_eq!(read.stories.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ids, "{limit}");
        };
        // "The mill is shut." is shorter by a letter than the two others; each has an id and an initial.
        check(20, &["a", "b", "c"], &[]);
        check(19, &["b"], &[(1, "too-long"), (3, "too-long")]);
        // A page of three texts.
        check(10, &[], &[(1, "parquet")]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_corrupt_file_is_a_notice(at in 0usize..900, byte: u8, cut in 0usize..900) {
            let mut bytes = file(Compression::SNAPPY, 1);
            let (at, cut) = (at % bytes.len(), cut % bytes.len());
            bytes[at] = byte;
            for bytes in [&bytes[..], &bytes[..cut]] {
                let (_folder, path) = written(bytes);
                let read = crate::ingest::read(vec![Input::Path(path)], &IngestOptions::default(), &NoProgress).unwrap();
                prop_assert_eq!(read.files, 1);
            }
        }
    }
}

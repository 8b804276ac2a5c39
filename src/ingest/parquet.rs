//! Rows of a Parquet file, each as the JSON object that it would be.
//!
//! One row at a time; memory holds a page of each column. A broken file may make the reader of the format panic: that
//! ends the reading of this file, with a notice, and the run goes on.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

use parquet::{
    errors::ParquetError,
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::{Field, Row},
};
use serde_json::{Map, Number, Value};

use super::{NoticeKind, collect::Collector, json};
use crate::{Error, Result, progress::Progress};

/// Reads the rows of `file`; their line is their number, from 1.
pub(super) fn read(file: File, collector: &mut Collector, progress: &dyn Progress) -> Result<()> {
    let bytes = file.metadata().map_or(0, |m| m.len());
    let mut rows = match rows(file) {
        Ok(rows) => rows,
        Err(message) => {
            collector.here(0, NoticeKind::Parquet(message));
            return Ok(());
        }
    };
    let mut record = 0;
    for row in &mut rows {
        if record % 1024 == 0 && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        match row {
            Ok(row) => json::read_value(&row, record + 1, record, collector),
            Err(message) => {
                collector.here(record + 1, NoticeKind::Parquet(message));
                break;
            }
        }
        record += 1;
    }
    progress.advance(crate::progress::Stage::Ingest, bytes);
    Ok(())
}

/// The rows of a file as JSON objects; what goes wrong, in words.
pub(super) fn rows(
    file: File,
) -> std::result::Result<impl Iterator<Item = std::result::Result<Value, String>>, String> {
    let open = || -> std::result::Result<_, ParquetError> {
        let reader: Box<dyn FileReader> = Box::new(SerializedFileReader::new(file)?);
        Ok(parquet::record::reader::RowIter::from_file_into(reader))
    };
    let mut rows = Some(guarded(open)?);
    Ok(std::iter::from_fn(move || {
        let iterator = rows.as_mut()?;
        let row = match guarded(|| iterator.next().transpose()) {
            Ok(row) => row.map(|row| Ok(object(&row))),
            Err(message) => Some(Err(message)),
        };
        // After an error the reader is in no state that can be relied on.
        if !matches!(row, Some(Ok(_))) {
            rows = None;
        }
        row
    }))
}

/// What `read` gives; its error, or its panic, in words.
fn guarded<T>(read: impl FnOnce() -> std::result::Result<T, ParquetError>) -> std::result::Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(told(&error)),
        Err(_) => Err("the file is broken".into()),
    }
}

/// Says what to do about a compression that this build has no code for.
fn told(error: &ParquetError) -> String {
    let text = error.to_string();
    match text.contains("Disabled feature") {
        true => format!("{text}; write it with Snappy, gzip, LZ4 or no compression"),
        false => text,
    }
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
        // Writers often leave out that a column of bytes is text.
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
        // Times of day, decimals and half floats are no field of a story.
        other => Value::String(other.to_string()),
    }
}

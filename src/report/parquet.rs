//! A table of columns as a Parquet file, compressed with Snappy.
//!
//! | column type | Parquet type |
//! |---|---|
//! | `Int32`, `Int64`, `Boolean`, `Float` | INT32, INT64, BOOLEAN, FLOAT |
//! | `Text`, `Texts` (joined by "; ") | UTF-8 |
//! | `Time` | TIMESTAMP in milliseconds, UTC |

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::Compression,
    column::writer::{ColumnWriter, ColumnWriterImpl},
    data_type::{ByteArray, DataType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::columns::{Column, Value};

/// Rows of a row group: what is held in memory at once.
const ROWS: usize = 1 << 16;

/// Writes `rows` as a file whose schema is called `name`.
///
/// # Errors
/// If `out` cannot be written to.
pub(super) fn write<R>(name: &str, columns: &[Column<R>], rows: &[R], out: &mut dyn Write) -> io::Result<()> {
    let bytes = encode(name, columns, rows).map_err(io::Error::other)?;
    out.write_all(&bytes)
}

fn encode<R>(name: &str, columns: &[Column<R>], rows: &[R]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(&schema(name, columns))?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for rows in rows.chunks(ROWS) {
        let mut group = file.next_row_group()?;
        for column in Column::flat(columns) {
            let Some(mut writer) = group.next_column()? else { break };
            write_column(column, rows, writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
    }
    file.into_inner()
}

/// The schema in Parquet's notation.
fn schema<R>(name: &str, columns: &[Column<R>]) -> String {
    let field = |column: &Column<R>| {
        let repetition = if column.nullable { "optional" } else { "required" };
        let (physical, logical) = match column.value {
            Value::Int32(_) => ("int32", ""),
            Value::Int64(_) => ("int64", ""),
            Value::Float(_) => ("float", ""),
            Value::Boolean(_) => ("boolean", ""),
            Value::Text(_) | Value::Texts(_) | Value::Json(_) => ("binary", " (utf8)"),
            Value::Time(_) => ("int64", " (timestamp(millis,true))"),
        };
        format!("{repetition} {physical} {}{logical};", column.name)
    };
    format!("message {name} {{ {} }}", Column::flat(columns).map(field).collect::<Vec<_>>().join(" "))
}

fn write_column<R>(column: &Column<R>, rows: &[R], writer: &mut ColumnWriter) -> Result<(), ParquetError> {
    let nullable = column.nullable;
    match (&column.value, writer) {
        (Value::Int32(of), ColumnWriter::Int32ColumnWriter(w)) => {
            write_values(w, nullable, rows.iter().map(of))
        }
        (Value::Int64(of) | Value::Time(of), ColumnWriter::Int64ColumnWriter(w)) => {
            write_values(w, nullable, rows.iter().map(of))
        }
        (Value::Float(of), ColumnWriter::FloatColumnWriter(w)) => {
            write_values(w, nullable, rows.iter().map(of))
        }
        (Value::Boolean(of), ColumnWriter::BoolColumnWriter(w)) => {
            write_values(w, nullable, rows.iter().map(of))
        }
        (Value::Text(of), ColumnWriter::ByteArrayColumnWriter(w)) => {
            write_values(w, nullable, rows.iter().map(|row| of(row).map(|text| ByteArray::from(&*text))))
        }
        (Value::Texts(of), ColumnWriter::ByteArrayColumnWriter(w)) => {
            write_values(w, nullable, rows.iter().map(|row| Some(ByteArray::from(&*of(row).join("; ")))))
        }
        (Value::Json(of), ColumnWriter::ByteArrayColumnWriter(w)) => {
            write_values(w, nullable, rows.iter().map(|row| of(row).map(|text| ByteArray::from(&*text))))
        }
        _ => Err(ParquetError::General(format!("column {} is not of its type", column.name))),
    }
}

fn write_values<T: DataType>(
    writer: &mut ColumnWriterImpl<'_, T>,
    nullable: bool,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Option<Vec<i16>> = nullable.then(|| values.iter().map(|v| i16::from(v.is_some())).collect());
    let present: Vec<T::T> = values.into_iter().flatten().collect();
    writer.write_batch(&present, levels.as_deref(), None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;
    use crate::report::{Item, item::COLUMNS};

    fn item(id: &str, group: Option<u32>, source: Option<&str>, published: Option<i64>) -> Item {
        Item {
            id: id.into(),
            relation: "copy".into(),
            removed: group.is_some(),
            kept: "k".into(),
            group,
            coverage: 0.75,
            coverage_of_kept: 0.5,
            cosine: 0.25,
            probability: Some(0.875),
            reason: "r".into(),
            title: "t".into(),
            source: source.map(Into::into),
            published,
            path: "p".into(),
            line: 7,
            health: None,
        }
    }

    fn read(items: &[Item]) -> Vec<String> {
        let mut written = tempfile::tempfile().unwrap();
        write("item", &COLUMNS, items, &mut written).unwrap();
        written.rewind().unwrap();
        let reader = SerializedFileReader::new(written).unwrap();
        reader.get_row_iter(None).unwrap().map(|r| r.unwrap().to_string()).collect()
    }

    #[test]
    fn files_can_be_read_back() {
        let items = [
            item("a", Some(3), None, Some(1_930_414_800_000)),
            item("ü\u{2028}", None, Some("Harbour Wire"), None),
        ];
        let expect = |id: &str, group: &str, removed: bool, source: &str, published: &str| {
            format!(
                "{{schema: 2, id: \"{id}\", relation: \"copy\", removed: {removed}, kept: \"k\", group: {group}, \
                 coverage: 0.75, coverage_of_kept: 0.5, cosine: 0.25, probability: 0.875, reason: \"r\", title: \"t\", source: {source}, \
                 published: {published}, path: \"p\", line: 7}}"
            )
        };
        assert_eq!(
            read(&items),
            [
                expect("a", "3", true, "null", "2031-03-04 18:20:00.000 +00:00"),
                expect("ü\u{2028}", "null", false, "\"Harbour Wire\"", "null"),
            ]
        );
    }

    #[test]
    fn a_file_may_have_no_rows() {
        assert_eq!(read(&[]).len(), 0);
    }
}

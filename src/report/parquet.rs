//! The report as a Parquet file: the columns of [`Item`], one row an item, compressed with Snappy.
//!
//! | column | type |
//! |---|---|
//! | `schema`, `group` | INT32; `group` is null for links |
//! | `id`, `relation`, `kept`, `reason`, `title`, `source`, `path` | UTF-8; `source` may be null |
//! | `removed` | BOOLEAN |
//! | `coverage`, `coverage_of_kept`, `cosine` | FLOAT |
//! | `published` | TIMESTAMP in milliseconds, UTC; may be null |
//! | `line` | INT64 |

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::Compression,
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::Item;

const COLUMNS: &str = "message item {
    required int32 schema;
    required binary id (utf8);
    required binary relation (utf8);
    required boolean removed;
    required binary kept (utf8);
    optional int32 group;
    required float coverage;
    required float coverage_of_kept;
    required float cosine;
    required binary reason (utf8);
    required binary title (utf8);
    optional binary source (utf8);
    optional int64 published (timestamp(millis,true));
    required binary path (utf8);
    required int64 line;
}";

/// Items of a row group: what is held in memory at once.
const ROWS: usize = 1 << 16;

pub(super) fn write(items: &[Item], out: &mut dyn Write) -> io::Result<()> {
    let bytes = file(items).map_err(io::Error::other)?;
    out.write_all(&bytes)
}

fn file(items: &[Item]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(COLUMNS)?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for items in items.chunks(ROWS) {
        let mut group = file.next_row_group()?;
        let mut number = 0;
        while let Some(mut column) = group.next_column()? {
            column_of(number, items, column.untyped())?;
            column.close()?;
            number += 1;
        }
        group.close()?;
    }
    file.into_inner()
}

/// Writes the column `number` of [`COLUMNS`].
fn column_of(number: usize, items: &[Item], column: &mut ColumnWriter) -> Result<(), ParquetError> {
    let texts =
        |of: &dyn Fn(&Item) -> &str| -> Vec<ByteArray> { items.iter().map(|i| of(i).into()).collect() };
    let given =
        |has: &dyn Fn(&Item) -> bool| -> Vec<i16> { items.iter().map(|i| i16::from(has(i))).collect() };
    let time = |i: &Item| Some(i.published.as_deref()?.parse::<jiff::Timestamp>().ok()?.as_millisecond());
    match (number, column) {
        (0, ColumnWriter::Int32ColumnWriter(w)) => {
            let values: Vec<i32> = items.iter().map(|i| i.schema as i32).collect();
            w.write_batch(&values, None, None)?;
        }
        (3, ColumnWriter::BoolColumnWriter(w)) => {
            let values: Vec<bool> = items.iter().map(|i| i.removed).collect();
            w.write_batch(&values, None, None)?;
        }
        (5, ColumnWriter::Int32ColumnWriter(w)) => {
            let values: Vec<i32> = items.iter().filter_map(|i| i.group).map(|g| g as i32).collect();
            w.write_batch(&values, Some(&given(&|i| i.group.is_some())), None)?;
        }
        (6..=8, ColumnWriter::FloatColumnWriter(w)) => {
            let of = |i: &Item| [i.coverage, i.coverage_of_kept, i.cosine][number - 6];
            let values: Vec<f32> = items.iter().map(of).collect();
            w.write_batch(&values, None, None)?;
        }
        (11, ColumnWriter::ByteArrayColumnWriter(w)) => {
            let values: Vec<ByteArray> =
                items.iter().filter_map(|i| i.source.as_deref()).map(Into::into).collect();
            w.write_batch(&values, Some(&given(&|i| i.source.is_some())), None)?;
        }
        (12, ColumnWriter::Int64ColumnWriter(w)) => {
            let values: Vec<i64> = items.iter().filter_map(time).collect();
            w.write_batch(&values, Some(&given(&|i| time(i).is_some())), None)?;
        }
        (14, ColumnWriter::Int64ColumnWriter(w)) => {
            let values: Vec<i64> = items.iter().map(|i| i.line as i64).collect();
            w.write_batch(&values, None, None)?;
        }
        (number, ColumnWriter::ByteArrayColumnWriter(w)) => {
            let of: &dyn Fn(&Item) -> &str = match number {
                1 => &|i| &i.id,
                2 => &|i| &i.relation,
                4 => &|i| &i.kept,
                9 => &|i| &i.reason,
                10 => &|i| &i.title,
                _ => &|i| &i.path,
            };
            w.write_batch(&texts(of), None, None)?;
        }
        (number, _) => return Err(ParquetError::General(format!("column {number} is not of its type"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    fn item(id: &str, group: Option<u32>, source: Option<&str>, published: Option<&str>) -> Item {
        Item {
            schema: 1,
            id: id.into(),
            relation: "copy".into(),
            removed: group.is_some(),
            kept: "k".into(),
            group,
            coverage: 0.75,
            coverage_of_kept: 0.5,
            cosine: 0.25,
            reason: "r".into(),
            title: "t".into(),
            source: source.map(Into::into),
            published: published.map(Into::into),
            path: "p".into(),
            line: 7,
            health: None,
        }
    }

    fn read(items: &[Item]) -> Vec<String> {
        let mut written = tempfile::tempfile().unwrap();
        write(items, &mut written).unwrap();
        written.rewind().unwrap();
        let reader = SerializedFileReader::new(written).unwrap();
        reader.get_row_iter(None).unwrap().map(|r| r.unwrap().to_string()).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let items = [
            item("a", Some(3), None, Some("2031-03-04T18:20:00Z")),
            item("ü\u{2028}", None, Some("Harbour Wire"), None),
        ];
        let expect = |id: &str, group: &str, removed: bool, source: &str, published: &str| {
            format!(
                "{{schema: 1, id: \"{id}\", relation: \"copy\", removed: {removed}, kept: \"k\", group: {group}, \
                 coverage: 0.75, coverage_of_kept: 0.5, cosine: 0.25, reason: \"r\", title: \"t\", source: {source}, \
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
    fn no_items_make_a_file_too() {
        assert_eq!(read(&[]).len(), 0);
    }
}

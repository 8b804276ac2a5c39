//! Records of any format as a table: CSV, TSV or Parquet, with a column for each name that a record has.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as PhysicalType},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};
use serde_json::Value;

use super::{Keep, read::InputFile, write_error};
use crate::{Result, ingest::IngestOptions};

/// Rows of a row group of a Parquet file: what is held in memory at once.
const ROWS: usize = 1 << 12;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Empty,
    Boolean,
    Integer,
    Float,
    Text,
}

impl Kind {
    /// The kind of a column of this kind that also holds `value`.
    fn with(self, value: &Value) -> Kind {
        let own = match value {
            Value::Null => return self,
            Value::Bool(_) => Kind::Boolean,
            Value::Number(number) if number.is_i64() => Kind::Integer,
            Value::Number(_) => Kind::Float,
            _ => Kind::Text,
        };
        match (self, own) {
            (Kind::Empty, own) => own,
            (known, own) if known == own => own,
            (Kind::Integer, Kind::Float) | (Kind::Float, Kind::Integer) => Kind::Float,
            _ => Kind::Text,
        }
    }
}

/// The columns of a table, in the order in which their names were met.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    kinds: Vec<Kind>,
}

impl Columns {
    /// Those of all records that are kept.
    fn find(files: &[InputFile], options: &IngestOptions, keep: &Keep) -> Result<Columns> {
        let mut columns = Columns::default();
        for file in files {
            file.for_each(options, keep, &mut |record| {
                for (name, value) in record.into_cells() {
                    let column = columns.position(&name).unwrap_or_else(|| {
                        columns.names.push(name);
                        columns.kinds.push(Kind::Empty);
                        columns.names.len() - 1
                    });
                    columns.kinds[column] = columns.kinds[column].with(&value);
                }
                Ok(())
            })?;
        }
        Ok(columns)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The values of a record, one for each column.
    fn row(&self, cells: Vec<(String, Value)>) -> Vec<Value> {
        let mut row = vec![Value::Null; self.names.len()];
        for (name, value) in cells {
            if let Some(column) = self.position(&name) {
                row[column] = value;
            }
        }
        row
    }
}

/// A value in a cell: text as it is, nothing for null, and else JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Writes a table with a header and `delimiter` between the cells.
pub(super) fn write_table(
    files: &[InputFile],
    options: &IngestOptions,
    delimiter: u8,
    keep: &Keep,
    out: &mut dyn Write,
) -> Result<()> {
    let columns = Columns::find(files, options, keep)?;
    let fail = |error: csv::Error| write_error(io::Error::other(error));
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(out);
    if !columns.names.is_empty() {
        writer.write_record(&columns.names).map_err(fail)?;
    }
    for file in files {
        file.for_each(options, keep, &mut |record| {
            writer.write_record(columns.row(record.into_cells()).iter().map(cell)).map_err(fail)
        })?;
    }
    writer.flush().map_err(write_error)
}

/// Writes a Parquet file. Columns of booleans and of numbers keep their kind; all others are text.
pub(super) fn write_parquet(
    files: &[InputFile],
    options: &IngestOptions,
    keep: &Keep,
    out: &mut dyn Write,
) -> Result<()> {
    let columns = Columns::find(files, options, keep)?;
    let fail = |error: ParquetError| write_error(io::Error::other(error));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = schema(&columns).map_err(fail)?;
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).map_err(fail)?;
    let mut rows = Vec::new();
    for file in files {
        file.for_each(options, keep, &mut |record| {
            rows.push(columns.row(record.into_cells()));
            if rows.len() < ROWS {
                return Ok(());
            }
            write_group(&mut writer, &columns, &std::mem::take(&mut rows)).map_err(fail)
        })?;
    }
    if !rows.is_empty() {
        write_group(&mut writer, &columns, &rows).map_err(fail)?;
    }
    out.write_all(&writer.into_inner().map_err(fail)?).map_err(write_error)
}

fn schema(columns: &Columns) -> std::result::Result<TypePtr, ParquetError> {
    let column = |(name, kind): (&String, &Kind)| {
        let physical = match kind {
            Kind::Boolean => PhysicalType::BOOLEAN,
            Kind::Integer => PhysicalType::INT64,
            Kind::Float => PhysicalType::DOUBLE,
            Kind::Empty | Kind::Text => PhysicalType::BYTE_ARRAY,
        };
        let logical = (physical == PhysicalType::BYTE_ARRAY).then_some(LogicalType::String);
        let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        builder.with_logical_type(logical).build().map(Arc::new)
    };
    let fields = columns.names.iter().zip(&columns.kinds).map(column);
    let fields = fields.collect::<std::result::Result<Vec<_>, _>>()?;
    Type::group_type_builder("record").with_fields(fields).build().map(Arc::new)
}

fn write_group(
    writer: &mut SerializedFileWriter<Vec<u8>>,
    columns: &Columns,
    rows: &[Vec<Value>],
) -> std::result::Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for column in 0..columns.names.len() {
        let Some(mut writer) = group.next_column()? else { break };
        let values = || rows.iter().map(|row| &row[column]);
        let levels: Vec<i16> = values().map(|value| i16::from(!value.is_null())).collect();
        match writer.untyped() {
            ColumnWriter::BoolColumnWriter(writer) => {
                let values: Vec<bool> = values().filter_map(Value::as_bool).collect();
                writer.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::Int64ColumnWriter(writer) => {
                let values: Vec<i64> = values().filter_map(Value::as_i64).collect();
                writer.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::DoubleColumnWriter(writer) => {
                let values: Vec<f64> = values().filter_map(Value::as_f64).collect();
                writer.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                let present = values().filter(|value| !value.is_null());
                let values: Vec<ByteArray> =
                    present.map(|value| ByteArray::from(cell(value).into_bytes())).collect();
                writer.write_batch(&values, Some(&levels), None)?;
            }
            _ => return Err(ParquetError::General("a column of another type".into())),
        }
        writer.close()?;
    }
    group.close().map(drop)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_column_has_the_kind_of_all_its_values() {
        let check = |values: Value, expect: Kind| {
            let values = values.as_array().cloned().unwrap_or_default();
            assert_eq!(values.iter().fold(Kind::Empty, Kind::with), expect, "{values:?}");
        };
        check(json!([]), Kind::Empty);
        check(json!([null, true, false]), Kind::Boolean);
        check(json!([1, null, 2]), Kind::Integer);
        check(json!([1, 2.5]), Kind::Float);
        check(json!([2.5, 1]), Kind::Float);
        check(json!([u64::MAX]), Kind::Float);
        check(json!([1, "a"]), Kind::Text);
        check(json!([true, 1]), Kind::Text);
        check(json!([["a"], {"b": 1}]), Kind::Text);
    }
}

//! Tables of columns as Arrow fields and arrays.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, Float32Array, Int32Array, Int64Array, StringArray};
use arrow_schema::{DataType, Field};

use crate::report::{Column, Value};

/// The key of a column's id in the metadata of its field.
pub(super) const FIELD_ID: &str = "PARQUET:field_id";

/// The fields of those `columns` that are in a stream.
pub(super) fn fields<R>(columns: &[Column<R>]) -> Vec<Field> {
    let field = |column: &Column<R>| {
        let id = column.stream_id?;
        let of = match column.value {
            Value::Int32(_) => DataType::Int32,
            Value::Int64(_) | Value::Time(_) => DataType::Int64,
            Value::Float(_) => DataType::Float32,
            Value::Boolean(_) => DataType::Boolean,
            Value::Text(_) | Value::Texts(_) | Value::Json(_) => DataType::Utf8,
        };
        let metadata = HashMap::from([(FIELD_ID.into(), id.to_string())]);
        Some(Field::new(column.name, of, column.nullable).with_metadata(metadata))
    };
    columns.iter().filter_map(field).collect()
}

/// The values of `rows` in those `columns` that are in a stream.
pub(super) fn arrays<R>(columns: &[Column<R>], rows: &[R]) -> Vec<ArrayRef> {
    columns.iter().filter(|c| c.stream_id.is_some()).map(|column| array(&column.value, rows)).collect()
}

fn array<R>(value: &Value<R>, rows: &[R]) -> ArrayRef {
    match value {
        Value::Int32(of) => Arc::new(rows.iter().map(of).collect::<Int32Array>()),
        Value::Int64(of) | Value::Time(of) => Arc::new(rows.iter().map(of).collect::<Int64Array>()),
        Value::Float(of) => Arc::new(rows.iter().map(of).collect::<Float32Array>()),
        Value::Boolean(of) => Arc::new(rows.iter().map(of).collect::<BooleanArray>()),
        Value::Text(of) => Arc::new(rows.iter().map(of).collect::<StringArray>()),
        Value::Texts(of) => {
            Arc::new(rows.iter().map(|row| Some(of(row).join("; "))).collect::<StringArray>())
        }
        Value::Json(of) => Arc::new(rows.iter().map(of).collect::<StringArray>()),
    }
}

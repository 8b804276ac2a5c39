//! Values of Arrow arrays as JSON.

use arrow_array::{
    Array,
    cast::AsArray,
    types::{
        Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

/// The value in a row of `array`, which is below its length. Values of types that no field of a story has are null.
pub(super) fn at(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    macro_rules! number {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row)
        };
    }
    match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type).into(),
        DataType::Int16 => number!(Int16Type).into(),
        DataType::Int32 => number!(Int32Type).into(),
        DataType::Int64 => number!(Int64Type).into(),
        DataType::UInt8 => number!(UInt8Type).into(),
        DataType::UInt16 => number!(UInt16Type).into(),
        DataType::UInt32 => number!(UInt32Type).into(),
        DataType::UInt64 => number!(UInt64Type).into(),
        DataType::Float16 => float(number!(Float16Type).to_f64()),
        DataType::Float32 => float(f64::from(number!(Float32Type))),
        DataType::Float64 => float(number!(Float64Type)),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => bytes(array.as_binary_view().value(row)),
        DataType::Date32 => time(Timestamp::from_second(i64::from(number!(Date32Type)) * 86_400).ok()),
        DataType::Date64 => time(Timestamp::from_millisecond(number!(Date64Type)).ok()),
        DataType::Timestamp(unit, _) => time(match unit {
            TimeUnit::Second => Timestamp::from_second(number!(TimestampSecondType)).ok(),
            TimeUnit::Millisecond => Timestamp::from_millisecond(number!(TimestampMillisecondType)).ok(),
            TimeUnit::Microsecond => Timestamp::from_microsecond(number!(TimestampMicrosecondType)).ok(),
            TimeUnit::Nanosecond => {
                Timestamp::from_nanosecond(i128::from(number!(TimestampNanosecondType))).ok()
            }
        }),
        DataType::List(_) => list(array.as_list::<i32>().value(row).as_ref()),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row).as_ref()),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row).as_ref()),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            Value::Object(
                columns
                    .map(|(field, column)| (field.name().clone(), at(column.as_ref(), row)))
                    .collect::<Map<_, _>>(),
            )
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = at(dictionary.keys(), row).as_u64().and_then(|key| usize::try_from(key).ok());
            let key = key.filter(|key| *key < dictionary.values().len());
            key.map_or(Value::Null, |key| at(dictionary.values().as_ref(), key))
        }
        _ => Value::Null,
    }
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Bytes as text: many writers do not mark columns of text.
fn bytes(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or(Value::Null, Value::from)
}

fn time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| Value::String(time.to_string()))
}

fn list(items: &dyn Array) -> Value {
    Value::Array((0..items.len()).map(|row| at(items, row)).collect())
}

//! Tables of columns: each column's name, type and accessor, once for JSON lines, CSV, Parquet and worker streams.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap},
};
use serde_json::value::RawValue;

use super::{item::iso, sanitize::escape_cell};

/// A column of a table with one `R` a row.
pub(crate) struct Column<R> {
    pub name: &'static str,
    pub value: Value<R>,
    pub nullable: bool,
    /// Whether only JSON and worker streams have the column.
    json_only: bool,
    /// The column's id in a worker stream; none if the stream does not have it.
    #[cfg_attr(not(feature = "workers"), allow(dead_code))]
    pub stream_id: Option<u32>,
}

/// The type of a column and the value that a row has in it, none for null.
pub(crate) enum Value<R> {
    Int32(fn(&R) -> Option<i32>),
    Int64(fn(&R) -> Option<i64>),
    Float(fn(&R) -> Option<f32>),
    Boolean(fn(&R) -> Option<bool>),
    /// Text that may come from stories; CSV cells are escaped.
    Text(fn(&R) -> Option<Cow<'_, str>>),
    /// Texts; one cell in CSV, joined by "; ".
    Texts(fn(&R) -> &[String]),
    /// Milliseconds since 1970 UTC; ISO 8601 in JSON and CSV.
    Time(fn(&R) -> Option<i64>),
    /// JSON as text; embedded in JSON, and left out there if null.
    Json(fn(&R) -> Option<String>),
}

impl<R> Column<R> {
    /// A column without nulls.
    pub const fn required(name: &'static str, value: Value<R>) -> Self {
        Column { name, value, nullable: false, json_only: false, stream_id: None }
    }

    /// A column with nulls.
    pub const fn nullable(name: &'static str, value: Value<R>) -> Self {
        Column { name, value, nullable: true, json_only: false, stream_id: None }
    }

    /// Leaves the column out of CSV and Parquet.
    pub const fn json_only(mut self) -> Self {
        self.json_only = true;
        self
    }

    /// Puts the column into a worker stream.
    pub const fn in_stream(mut self, id: u32) -> Self {
        self.stream_id = Some(id);
        self
    }

    /// The columns of CSV and Parquet.
    pub fn flat(columns: &[Self]) -> impl Iterator<Item = &Self> {
        columns.iter().filter(|c| !c.json_only)
    }
}

/// Serializes `row` as a JSON object.
///
/// # Errors
/// What `serializer` fails with; it must be one of `serde_json`.
pub(super) fn serialize_row<R, S: Serializer>(
    columns: &[Column<R>],
    row: &R,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    for Column { name, value, .. } in columns {
        match value {
            Value::Int32(of) => object.serialize_entry(name, &of(row)),
            Value::Int64(of) => object.serialize_entry(name, &of(row)),
            Value::Float(of) => object.serialize_entry(name, &of(row)),
            Value::Boolean(of) => object.serialize_entry(name, &of(row)),
            Value::Text(of) => object.serialize_entry(name, &of(row)),
            Value::Texts(of) => object.serialize_entry(name, of(row)),
            Value::Time(of) => object.serialize_entry(name, &of(row).and_then(iso)),
            Value::Json(of) => match of(row) {
                Some(text) => {
                    object.serialize_entry(name, &RawValue::from_string(text).map_err(S::Error::custom)?)
                }
                None => Ok(()),
            },
        }?;
    }
    object.end()
}

/// A row as a JSON object, for rows that are no objects by themselves.
pub(super) struct JsonRow<'a, R> {
    pub columns: &'a [Column<R>],
    pub row: &'a R,
}

impl<R> Serialize for JsonRow<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_row(self.columns, self.row, serializer)
    }
}

/// Writes a header and a row for each of `rows`; no cell is taken for a formula by a spreadsheet.
///
/// # Errors
/// If `out` cannot be written to.
pub(super) fn write_csv<'r, R: 'r>(
    columns: &[Column<R>],
    rows: impl IntoIterator<Item = &'r R>,
    delimiter: u8,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().delimiter(delimiter).from_writer(out);
    csv.write_record(Column::flat(columns).map(|c| c.name))?;
    for row in rows {
        csv.write_record(Column::flat(columns).map(|c| cell(&c.value, row)).map(|cell| cell.into_owned()))?;
    }
    csv.flush()
}

fn cell<'r, R>(value: &Value<R>, row: &'r R) -> Cow<'r, str> {
    fn number<T: ToString>(value: Option<T>) -> Cow<'static, str> {
        value.map_or(Cow::Borrowed(""), |v| Cow::Owned(v.to_string()))
    }
    match value {
        Value::Int32(of) => number(of(row)),
        Value::Int64(of) => number(of(row)),
        Value::Float(of) => number(of(row)),
        Value::Boolean(of) => number(of(row)),
        Value::Text(of) => of(row).map_or(Cow::Borrowed(""), |text| escape_cell(&text).into_owned().into()),
        Value::Texts(of) => escape_cell(&of(row).join("; ")).into_owned().into(),
        Value::Time(of) => number(of(row).and_then(iso)),
        Value::Json(of) => number(of(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row {
        id: String,
        published: Option<i64>,
        names: Vec<String>,
        health: Option<String>,
    }

    type RowColumn = Column<Row>;

    const COLUMNS: [RowColumn; 5] = [
        RowColumn::required("schema", Value::Int32(|_| Some(2))).json_only(),
        RowColumn::required("id", Value::Text(|r| Some(r.id.as_str().into()))),
        RowColumn::nullable("published", Value::Time(|r| r.published)),
        RowColumn::required("names", Value::Texts(|r| &r.names)),
        RowColumn::nullable("health", Value::Json(|r| r.health.clone())).json_only(),
    ];

    fn rows() -> [Row; 2] {
        let names = ["Ostrel".to_string(), "Velsk".to_string()];
        [
            Row {
                id: "=a".into(),
                published: Some(0),
                names: names.to_vec(),
                health: Some("{\"x\":0.1}".into()),
            },
            Row { id: "b".into(), published: None, names: Vec::new(), health: None },
        ]
    }

    #[test]
    fn writes_json_objects() {
        let json =
            rows().map(|row| serde_json::to_string(&JsonRow { columns: &COLUMNS, row: &row }).unwrap());
        assert_eq!(
            json,
            [
                r#"{"schema":2,"id":"=a","published":"1970-01-01T00:00:00Z","names":["Ostrel","Velsk"],"health":{"x":0.1}}"#,
                r#"{"schema":2,"id":"b","published":null,"names":[]}"#,
            ]
        );
    }

    #[test]
    fn writes_csv_with_escaped_cells() {
        let mut out = Vec::new();
        write_csv(&COLUMNS, &rows(), b',', &mut out).unwrap();
        let expect = "id,published,names\n'=a,1970-01-01T00:00:00Z,Ostrel; Velsk\nb,,\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }
}

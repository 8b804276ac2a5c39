//! How much of each publisher's text is agency copy, copied, boilerplate and original, as a table, JSON lines or CSV.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use super::{
    SCHEMA,
    columns::{Column, JsonRow, Value, write_csv},
    item::rounded,
    json_line, sanitize_line,
};
use crate::group::Outlet;

/// Columns of a name in the table.
const NAME: usize = 28;

/// The name of the stories without a source.
const NO_SOURCE: &str = "(no source)";

/// How outlets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OutletsFormat {
    /// An aligned table.
    #[default]
    Table,
    /// One object a line.
    Jsonl,
    /// One row an outlet, with a header; cells are safe to open in a spreadsheet.
    Csv,
}

type OutletColumn = Column<Outlet>;

/// The columns of an outlet; shares of its passages are in [0, 1], and together 1.
const COLUMNS: [OutletColumn; 9] = [
    OutletColumn::required("schema", Value::Int32(|_| Some(SCHEMA.cast_signed()))).json_only(),
    OutletColumn::required("kind", Value::Text(|_| Some("outlet".into()))).json_only(),
    // Null for the stories without a source.
    OutletColumn::nullable("source", Value::Text(|o| o.source.as_deref().map(Cow::Borrowed))),
    OutletColumn::required("stories", Value::Int64(|o| Some(o.stories as i64))),
    OutletColumn::required("passages", Value::Int64(|o| Some(o.passages() as i64))),
    OutletColumn::required("agency", Value::Float(|o| Some(share(o, o.agency)))),
    OutletColumn::required("copied", Value::Float(|o| Some(share(o, o.copied)))),
    OutletColumn::required("boilerplate", Value::Float(|o| Some(share(o, o.boilerplate)))),
    OutletColumn::required("original", Value::Float(|o| Some(share(o, o.original)))),
];

/// `passages` as a share of the outlet's passages.
fn share(outlet: &Outlet, passages: usize) -> f32 {
    rounded(passages as f32 / outlet.passages().max(1) as f32)
}

/// Writes `outlets` in `format`.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_outlets(format: OutletsFormat, outlets: &[Outlet], out: &mut dyn Write) -> io::Result<()> {
    match format {
        OutletsFormat::Table => table(outlets, out),
        OutletsFormat::Jsonl => {
            outlets.iter().try_for_each(|row| json_line(&JsonRow { columns: &COLUMNS, row }, out))
        }
        OutletsFormat::Csv => write_csv(&COLUMNS, outlets, b',', out),
    }
}

fn table(outlets: &[Outlet], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<NAME$} {:>8} {:>9} {:>7} {:>7} {:>12} {:>9}",
        "outlet", "stories", "passages", "agency", "copied", "boilerplate", "original"
    )?;
    for outlet in outlets {
        let name = sanitize_line(outlet.source.as_deref().unwrap_or(NO_SOURCE), NAME);
        // Padding counts characters, a terminal columns.
        let columns: usize =
            name.chars().map(|c| unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)).sum();
        let pad = NAME.saturating_sub(columns);
        let percent = |passages: usize| format!("{:.0} %", share(outlet, passages) * 100.0);
        writeln!(
            out,
            "{name}{:pad$} {:>8} {:>9} {:>7} {:>7} {:>12} {:>9}",
            "",
            outlet.stories,
            outlet.passages(),
            percent(outlet.agency),
            percent(outlet.copied),
            percent(outlet.boilerplate),
            percent(outlet.original)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_formats_have_the_same_shares() {
        let outlets = [
            Outlet { source: None, stories: 1, original: 1, ..Outlet::default() },
            Outlet {
                source: Some("=Wire".into()),
                stories: 3,
                agency: 4,
                copied: 2,
                boilerplate: 1,
                original: 1,
            },
        ];
        let written = |format| {
            let mut out = Vec::new();
            write_outlets(format, &outlets, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let check = |format, expect: &str| {
            let text = written(format);
            assert!(text.contains(expect), "{text}");
        };
        check(
            OutletsFormat::Jsonl,
            r#""passages":8,"agency":0.5,"copied":0.25,"boilerplate":0.125,"original":0.125}"#,
        );
        check(OutletsFormat::Jsonl, r#""source":null"#);
        check(OutletsFormat::Csv, "'=Wire,3,8,0.5,0.25,0.125,0.125");
        check(OutletsFormat::Table, "50 %    25 %");
        check(OutletsFormat::Table, "(no source)");
    }
}

//! What publishers' text is made of, as a table, JSON lines or CSV.

use std::io::{self, Write};

use serde::Serialize;

use super::{escape_cell, item::rounded, json_line, sanitize_line};
use crate::group::Outlet;

/// The version of the objects that `outlets` writes.
const SCHEMA: u32 = 1;

/// Columns of a name in the table.
const NAME: usize = 28;

/// What stands for the stories without a source.
const NONE: &str = "(no source)";

/// How outlets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutletsFormat {
    /// For people.
    #[default]
    Table,
    /// One object a line.
    Jsonl,
    /// One row an outlet, with a header; cells are safe to open in a spreadsheet.
    Csv,
}

/// An outlet with shares of its passages.
#[derive(Debug, Clone, Serialize)]
struct OutletItem<'a> {
    schema: u32,
    kind: &'static str,
    /// Null for the stories without a source.
    source: Option<&'a str>,
    stories: usize,
    passages: usize,
    /// Shares of the passages, in [0, 1]; together 1.
    agency: f32,
    copied: f32,
    boilerplate: f32,
    original: f32,
}

fn item(outlet: &Outlet) -> OutletItem<'_> {
    let share = |n: usize| rounded(n as f32 / outlet.passages().max(1) as f32);
    OutletItem {
        schema: SCHEMA,
        kind: "outlet",
        source: outlet.source.as_deref(),
        stories: outlet.stories,
        passages: outlet.passages(),
        agency: share(outlet.agency),
        copied: share(outlet.copied),
        boilerplate: share(outlet.boilerplate),
        original: share(outlet.original),
    }
}

/// Writes `outlets` in `format`.
pub fn write_outlets(format: OutletsFormat, outlets: &[Outlet], out: &mut dyn Write) -> io::Result<()> {
    let items = outlets.iter().map(item);
    match format {
        OutletsFormat::Table => table(items.collect(), out),
        OutletsFormat::Jsonl => items.into_iter().try_for_each(|item| json_line(&item, out)),
        OutletsFormat::Csv => csv(items.collect(), out),
    }
}

fn table(items: Vec<OutletItem>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<NAME$} {:>8} {:>9} {:>7} {:>7} {:>12} {:>9}",
        "outlet", "stories", "passages", "agency", "copied", "boilerplate", "original"
    )?;
    for item in items {
        let name = sanitize_line(item.source.unwrap_or(NONE), NAME);
        // Padding counts characters, a terminal columns.
        let columns: usize =
            name.chars().map(|c| unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)).sum();
        let pad = NAME.saturating_sub(columns);
        let percent = |share: f32| format!("{:.0} %", share * 100.0);
        writeln!(
            out,
            "{name}{:pad$} {:>8} {:>9} {:>7} {:>7} {:>12} {:>9}",
            "",
            item.stories,
            item.passages,
            percent(item.agency),
            percent(item.copied),
            percent(item.boilerplate),
            percent(item.original)
        )?;
    }
    Ok(())
}

fn csv(items: Vec<OutletItem>, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["source", "stories", "passages", "agency", "copied", "boilerplate", "original"])?;
    for item in items {
        csv.write_record([
            &*escape_cell(item.source.unwrap_or("")),
            &*item.stories.to_string(),
            &*item.passages.to_string(),
            &*item.agency.to_string(),
            &*item.copied.to_string(),
            &*item.boilerplate.to_string(),
            &*item.original.to_string(),
        ])?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_the_same_shares() {
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

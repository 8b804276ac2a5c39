//! OpenDocument spreadsheets (OpenDocument 1.3, part 3): the rows of their tables.

use super::{
    Package,
    sheet::{Row, Sheets},
    xml::{self, Token},
};
use crate::ingest::{NoticeKind, sink::StorySink};

/// A cell that is not ended.
#[derive(Default)]
struct Cell {
    /// The value, where the text is only how it is shown.
    value: Option<String>,
    text: String,
    repeated: usize,
}

/// Reads one workbook.
pub(in crate::ingest::formats) fn read(bytes: &[u8], sink: &mut StorySink) {
    if let Err(error) = read_tables(bytes, sink) {
        sink.notice(0, NoticeKind::Document(error));
    }
}

fn read_tables(bytes: &[u8], sink: &mut StorySink) -> Result<(), String> {
    let mut package = Package::open(bytes).map_err(|error| error.to_string())?;
    package.refuse_encrypted()?;
    let content = package.sheet_part("content.xml")?.ok_or("it has no content")?;
    let mut sheets = Sheets::new(sink);
    let (mut row, mut number, mut column) = (Row::default(), 0u64, 0usize);
    let (mut repeated_rows, mut cell, mut skipped) = (1u64, None::<Cell>, 0u32);
    xml::for_each_token(&content, &mut |token| match token {
        Token::Start("annotation", _) => skipped += 1,
        Token::End("annotation") => skipped = skipped.saturating_sub(1),
        _ if skipped > 0 => {}
        Token::Start("table", _) => number = 0,
        Token::End("table") => sheets.end_sheet(),
        Token::Start("table-row", attributes) => {
            column = 0;
            repeated_rows = attributes.get("number-rows-repeated").and_then(|n| n.parse().ok()).unwrap_or(1);
        }
        Token::End("table-row") => {
            sheets.row(number + 1, row.take());
            number = number.saturating_add(repeated_rows);
        }
        Token::Start("table-cell" | "covered-table-cell", attributes) => {
            let value = match attributes.get("value-type").as_deref() {
                Some("date") => attributes.get("date-value"),
                Some("float") => attributes.get("value"),
                _ => None,
            };
            let repeated =
                attributes.get("number-columns-repeated").and_then(|n| n.parse().ok()).unwrap_or(1);
            cell = Some(Cell { value, text: String::new(), repeated });
        }
        Token::End("table-cell" | "covered-table-cell") => {
            if let Some(Cell { value, text, repeated }) = cell.take() {
                row.set(column, value.unwrap_or(text));
                column = column.saturating_add(repeated);
            }
        }
        Token::Start("p", _) => {
            if let Some(cell) = cell.as_mut().filter(|cell| !cell.text.is_empty()) {
                cell.text.push('\n');
            }
        }
        Token::Start("s" | "tab" | "line-break", _) => {
            if let Some(cell) = &mut cell {
                cell.text.push(' ');
            }
        }
        Token::Text(text) => {
            if let Some(cell) = &mut cell {
                cell.text.push_str(text);
            }
        }
        _ => {}
    })
}

//! Excel workbooks (ECMA-376, SpreadsheetML): the rows of their sheets.

use std::collections::BTreeMap;

use super::{
    Package,
    sheet::{MAX_COLUMNS, Row, Sheets},
    xml::{self, Token},
};
use crate::ingest::{NoticeKind, sink::StorySink};

/// Days from the first day of Excel's calendar, and of that of its older program for the Macintosh, to 1970.
const EPOCH_1900: f64 = 25569.0;
const EPOCH_1904: f64 = 24107.0;

const DAY: f64 = 86_400_000.0;

/// What the cells of a workbook refer to.
#[derive(Default)]
struct Workbook {
    strings: Vec<String>,
    /// For each style, whether it shows a date.
    is_date: Vec<bool>,
    epoch: f64,
}

/// Reads one workbook.
pub(in crate::ingest::formats) fn read(bytes: &[u8], sink: &mut StorySink) {
    if let Err(error) = read_sheets(bytes, sink) {
        sink.notice(0, NoticeKind::Document(error));
    }
}

fn read_sheets(bytes: &[u8], sink: &mut StorySink) -> Result<(), String> {
    let mut package = Package::open(bytes).map_err(|error| error.to_string())?;
    let main = package.main_part("xl/workbook.xml");
    let book = package.required(&main)?;
    let targets = package.relationships(&main);
    let (mut sheets, mut is_1904) = (Vec::new(), false);
    xml::for_each_token(&book, &mut |token| match token {
        Token::Start("sheet", attributes) => {
            sheets.extend(attributes.get("id").and_then(|id| targets.get(&id).cloned()));
        }
        Token::Start("workbookPr", attributes) => {
            is_1904 = attributes.get("date1904").is_some_and(|value| value == "1" || value == "true");
        }
        _ => {}
    })?;
    let strings = package.sheet_part("xl/sharedStrings.xml")?.map(|xml| shared_strings(&xml)).transpose()?;
    let styles = package.sheet_part("xl/styles.xml")?.unwrap_or_default();
    let workbook = Workbook {
        strings: strings.unwrap_or_default(),
        is_date: date_styles(&styles),
        epoch: if is_1904 { EPOCH_1904 } else { EPOCH_1900 },
    };
    let mut rows = Sheets::new(sink);
    for sheet in sheets {
        // A sheet that is a chart has no rows.
        let Some(xml) = package.sheet_part(&sheet)? else { continue };
        workbook.read_sheet(&xml, &mut rows)?;
        rows.end_sheet();
    }
    Ok(())
}

/// The texts that cells refer to by number.
fn shared_strings(xml: &str) -> Result<Vec<String>, String> {
    let (mut strings, mut in_text, mut phonetic) = (Vec::new(), false, false);
    xml::for_each_token(xml, &mut |token| match token {
        Token::Start("si", _) => strings.push(String::new()),
        Token::Start("rPh", _) => phonetic = true,
        Token::End("rPh") => phonetic = false,
        Token::Start("t", _) => in_text = !phonetic,
        Token::End("t") => in_text = false,
        Token::Text(text) if in_text => {
            if let Some(string) = strings.last_mut() {
                string.push_str(text);
            }
        }
        _ => {}
    })?;
    Ok(strings)
}

/// For each style of cells, whether its format shows a date.
fn date_styles(xml: &str) -> Vec<bool> {
    let mut formats: BTreeMap<u32, bool> = BTreeMap::new();
    let (mut styles, mut in_styles) = (Vec::new(), false);
    let number = |value: Option<String>| value.and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
    // What is read up to an error is enough.
    let _ = xml::for_each_token(xml, &mut |token| match token {
        Token::Start("numFmt", attributes) => {
            let code = attributes.get("formatCode").unwrap_or_default();
            formats.insert(number(attributes.get("numFmtId")), shows_date(&code));
        }
        Token::Start("cellXfs", _) => in_styles = true,
        Token::End("cellXfs") => in_styles = false,
        Token::Start("xf", attributes) if in_styles => {
            let format = number(attributes.get("numFmtId"));
            // The formats that need no code (ECMA-376, part 1, 18.8.30).
            let is_known = matches!(format, 14..=17 | 22 | 27..=36 | 50..=58);
            styles.push(formats.get(&format).copied().unwrap_or(is_known));
        }
        _ => {}
    });
    styles
}

/// Whether a format shows a year or a day: `dd/mm/yyyy`, not `0.00` or `"day" 0`.
fn shows_date(code: &str) -> bool {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    let mut letters = code.chars().filter(|c| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '"' => quoted = !quoted,
            '\\' | '_' | '*' => escaped = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ => return !quoted && !bracketed,
        }
        false
    });
    letters.any(|c| "yYdD".contains(c))
}

impl Workbook {
    fn read_sheet(&self, xml: &str, rows: &mut Sheets) -> Result<(), String> {
        let (mut row, mut number, mut column) = (Row::default(), 0u64, 0usize);
        let (mut kind, mut style, mut text, mut in_value) = (String::new(), 0usize, String::new(), false);
        xml::for_each_token(xml, &mut |token| match token {
            Token::Start("row", attributes) => {
                number = attributes.get("r").and_then(|r| r.parse().ok()).unwrap_or(number + 1);
                column = 0;
            }
            Token::Start("c", attributes) => {
                column = attributes.get("r").and_then(|place| column_of(&place)).unwrap_or(column);
                kind = attributes.get("t").unwrap_or_default();
                style = attributes.get("s").and_then(|s| s.parse().ok()).unwrap_or(0);
                text.clear();
            }
            Token::Start("v" | "t", _) => in_value = true,
            Token::End("v" | "t") => in_value = false,
            Token::Text(part) if in_value => text.push_str(part),
            Token::End("c") => {
                row.set(column, self.value(&kind, style, &text));
                column += 1;
            }
            Token::End("row") => rows.row(number, row.take()),
            _ => {}
        })
    }

    /// The text of a cell.
    fn value(&self, kind: &str, style: usize, text: &str) -> String {
        match kind {
            "s" => text
                .trim()
                .parse::<usize>()
                .ok()
                .and_then(|n| self.strings.get(n).cloned())
                .unwrap_or_default(),
            "b" | "e" => String::new(),
            "str" | "inlineStr" | "d" => text.to_string(),
            _ => {
                let is_date = self.is_date.get(style).copied().unwrap_or(false);
                let date = text.trim().parse::<f64>().ok().filter(|_| is_date).and_then(|day| self.date(day));
                date.unwrap_or_else(|| text.trim().to_string())
            }
        }
    }

    /// The date of a number of days.
    fn date(&self, day: f64) -> Option<String> {
        // Seconds are what people mean; the fractions of days hold them nearly.
        let milliseconds = ((day - self.epoch) * DAY / 1000.0).round() * 1000.0;
        let milliseconds = milliseconds.is_finite().then_some(milliseconds as i64)?;
        Some(jiff::Timestamp::from_millisecond(milliseconds).ok()?.to_string())
    }
}

/// The column of a place such as `AB12`, from 0.
fn column_of(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let column =
        letters.fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    column.checked_sub(1).filter(|column| *column < MAX_COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_formats_of_dates() {
        let check = |code: &str, expect: bool| assert_eq!(shows_date(code), expect, "{code}");
        check("dd/mm/yyyy", true);
        check("[$-409]d\\-mmm\\-yy;@", true);
        check("yyyy\"年\"m\"月\"", true);
        check("0.00", false);
        check("General", false);
        check("\"day\" 0", false);
        check("[Red]0;_(0\\d", false);
        check("h:mm", false);
    }

    #[test]
    fn reads_places_and_dates() {
        assert_eq!(column_of("A1"), Some(0));
        assert_eq!(column_of("AB12"), Some(27));
        assert_eq!(column_of("XFD1"), Some(16383));
        assert_eq!(column_of("ZZZZZZ1"), None);
        assert_eq!(column_of("12"), None);
        let workbook = Workbook { epoch: EPOCH_1900, ..Workbook::default() };
        assert_eq!(workbook.date(47974.354166666664).unwrap(), "2031-05-06T08:30:00Z");
        assert_eq!(workbook.date(f64::NAN), None);
        assert_eq!(workbook.date(1e300), None);
    }
}

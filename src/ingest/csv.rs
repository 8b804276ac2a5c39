//! CSV and TSV records under a header line.

use std::io::BufRead;

use super::{
    NoticeKind,
    bytes::{self, MAX_RECORD},
    collect::{Collector, Found},
};
use crate::{Error, Result, corpus::date, progress::Progress};

/// Reads rows; a row with more or fewer cells than the header is read as far as its cells go.
pub(super) fn read(
    reader: &mut dyn BufRead,
    delimiter: u8,
    collector: &mut Collector,
    progress: &dyn Progress,
) -> Result<()> {
    // The `csv` crate counts the end of such a line when it reads the next one.
    let behind = u64::from(reader.fill_buf().is_ok_and(ends_with_returns));
    let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(reader);
    let header: Vec<String> = match csv.byte_headers() {
        Ok(header) => header.iter().map(|h| bytes::decode(h).0.into_owned()).collect(),
        Err(error) => {
            fail(collector, 1, &error);
            return Ok(());
        }
    };
    if header.is_empty() {
        collector.here(0, NoticeKind::Empty);
        return Ok(());
    }
    let columns = collector.options.fields.of_header(&header);
    if columns[1].is_empty() && columns[2].is_empty() {
        collector.here(1, NoticeKind::NoText);
        return Ok(());
    }
    let mut row = csv::ByteRecord::new();
    let mut record = 0;
    loop {
        if record % 1024 == 0 && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        match csv.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => {
                let line = csv.position().line();
                fail(collector, line, &error);
                return Ok(());
            }
        }
        let line = row.position().map_or(0, csv::Position::line) + behind;
        let swallowed = row.iter().map(|cell| rows_in(cell, delimiter, header.len())).max().unwrap_or(0);
        if swallowed > 0 {
            collector.here(line, NoticeKind::OpenQuote(swallowed));
        } else if row.len() != header.len() {
            collector.here(line, NoticeKind::Ragged { expected: header.len(), found: row.len() });
        }
        if row.as_slice().len() as u64 > MAX_RECORD {
            collector.here(line, NoticeKind::TooLong(MAX_RECORD));
        } else {
            read_row(&row, &columns, line, record, collector);
        }
        record += 1;
    }
}

fn read_row(
    row: &csv::ByteRecord,
    columns: &[Vec<usize>; 6],
    line: u64,
    record: u64,
    collector: &mut Collector,
) {
    let mut encoding = false;
    let mut cell = |i: usize| {
        columns[i].iter().find_map(|c| {
            let (text, bad) = bytes::decode(row.get(*c)?);
            encoding |= bad;
            Some(text.into_owned()).filter(|t| !t.trim().is_empty())
        })
    };
    let (id, title, text) = (cell(0), cell(1).unwrap_or_default(), cell(2).unwrap_or_default());
    let (when, source, url) = (cell(3), cell(4), cell(5));
    if encoding {
        collector.here(line, NoticeKind::Encoding);
    }
    let published = when.as_deref().and_then(date::parse);
    if let Some(text) = when.filter(|_| published.is_none()) {
        collector.here(line, NoticeKind::Date(text.chars().take(40).collect()));
    }
    collector.story(Found { id, title, text, published, source, url, line, record, part: 0 });
}

/// Whether the first line that ends in `head` ends with a carriage return.
fn ends_with_returns(head: &[u8]) -> bool {
    head.iter().position(|b| *b == b'\n').is_some_and(|end| head[..end].ends_with(b"\r"))
}

/// How many lines of `cell`, the first and the last apart, look like rows of so many cells; 0 for fewer than three, or where
/// a text might as well have as many commas.
fn rows_in(cell: &[u8], delimiter: u8, cells: usize) -> usize {
    let inner = cell.iter().filter(|b| **b == b'\n').count().saturating_sub(1);
    if cells < 3 || inner < 3 {
        return 0;
    }
    let alike = |line: &&[u8]| line.iter().filter(|b| **b == delimiter).count() == cells - 1;
    let rows = cell.split(|b| *b == b'\n').skip(1).take(inner).filter(alike).count();
    // A text of several lines may hold a few that do.
    if rows > 2 && rows * 4 > inner * 3 { rows } else { 0 }
}

fn fail(collector: &mut Collector, line: u64, error: &csv::Error) {
    match error.kind() {
        csv::ErrorKind::Io(e) => collector.broken(line, e),
        _ => collector.here(line, NoticeKind::Csv(error.to_string())),
    }
}

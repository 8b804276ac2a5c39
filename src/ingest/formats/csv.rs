//! Records of CSV and TSV files, below a header line.

use std::io::BufRead;

use crate::{
    Error, Result,
    ingest::{
        NoticeKind,
        decode::decode,
        fields::{Field, Fields},
        lines::MAX_RECORD,
        sink::{Record, StorySink},
    },
    progress::Progress,
};

/// Reads rows with commas between cells.
pub(super) fn read_commas(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    read(reader, b',', sink, progress)
}

/// Reads rows with tabs between cells.
pub(super) fn read_tabs(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    read(reader, b'\t', sink, progress)
}

/// Reads rows. Of a row with more or fewer cells than the header, the cells that it has are read.
fn read(
    reader: &mut dyn BufRead,
    delimiter: u8,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    // The `csv` crate counts the end of a line that ends in "\r\n" when it reads the next one.
    let line_offset = u64::from(reader.fill_buf().is_ok_and(has_carriage_returns));
    let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(reader);
    let header: Vec<String> = match csv.byte_headers() {
        Ok(header) => header.iter().map(|h| decode(h).0.into_owned()).collect(),
        Err(error) => {
            csv_error(sink, 1, &error);
            return Ok(());
        }
    };
    if header.is_empty() {
        sink.notice(0, NoticeKind::Empty);
        return Ok(());
    }
    let columns = sink.options.fields.find_columns(&header);
    if columns[Field::Title].is_empty() && columns[Field::Text].is_empty() {
        sink.notice(1, NoticeKind::NoText);
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
                csv_error(sink, line, &error);
                return Ok(());
            }
        }
        let line = row.position().map_or(0, csv::Position::line) + line_offset;
        let swallowed = row.iter().map(|cell| count_rows(cell, delimiter, header.len())).max().unwrap_or(0);
        if swallowed > 0 {
            sink.notice(line, NoticeKind::UnclosedQuote(swallowed));
        } else if row.len() != header.len() {
            sink.notice(line, NoticeKind::Ragged { expected: header.len(), found: row.len() });
        }
        if row.as_slice().len() as u64 > MAX_RECORD {
            sink.notice(line, NoticeKind::TooLong(MAX_RECORD));
        } else {
            read_row(&row, &columns, line, record, sink);
        }
        record += 1;
    }
}

fn read_row(
    row: &csv::ByteRecord,
    columns: &Fields<Vec<usize>>,
    line: u64,
    record: u64,
    sink: &mut StorySink,
) {
    let mut invalid_utf8 = false;
    let mut cell = |field: Field| {
        columns[field].iter().find_map(|column| {
            let (text, invalid) = decode(row.get(*column)?);
            invalid_utf8 |= invalid;
            Some(text.into_owned()).filter(|t| !t.trim().is_empty())
        })
    };
    let found = Record {
        id: cell(Field::Id),
        title: cell(Field::Title).unwrap_or_default(),
        text: cell(Field::Text).unwrap_or_default(),
        published: None,
        date: cell(Field::Published),
        source: cell(Field::Source),
        url: cell(Field::Url),
        line,
        record,
        part: 0,
    };
    if invalid_utf8 {
        sink.notice(line, NoticeKind::Encoding);
    }
    sink.record(found);
}

/// Whether the first line in `head` ends with a carriage return and a line feed.
fn has_carriage_returns(head: &[u8]) -> bool {
    head.iter().position(|b| *b == b'\n').is_some_and(|end| head[..end].ends_with(b"\r"))
}

/// How many lines of `cell`, the first and the last excepted, look like rows of `cells` cells. 0 for fewer than three such
/// lines, or where ordinary text might have as many delimiters.
fn count_rows(cell: &[u8], delimiter: u8, cells: usize) -> usize {
    let inner = cell.iter().filter(|b| **b == b'\n').count().saturating_sub(1);
    if cells < 3 || inner < 3 {
        return 0;
    }
    let is_row = |line: &&[u8]| line.iter().filter(|b| **b == delimiter).count() == cells - 1;
    let rows = cell.split(|b| *b == b'\n').skip(1).take(inner).filter(is_row).count();
    // A text of several lines may hold a few lines with as many delimiters.
    if rows > 2 && rows * 4 > inner * 3 { rows } else { 0 }
}

fn csv_error(sink: &mut StorySink, line: u64, error: &csv::Error) {
    match error.kind() {
        csv::ErrorKind::Io(e) => sink.read_error(line, e),
        _ => sink.notice(line, NoticeKind::Csv(error.to_string())),
    }
}

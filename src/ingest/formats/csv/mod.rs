//! Records of delimited tables: CSV, TSV and their dialects.

mod dialect;

use std::io::{self, BufRead, Read};

use crate::{
    Error, Result,
    ingest::{
        IngestOptions, NoticeKind,
        fields::{Field, Fields},
        lines::MAX_RECORD,
        sink::{Record, StorySink},
    },
    progress::Progress,
};
use dialect::{Dialect, SAMPLE};

/// Reads a table whose usual delimiter is a comma.
pub(super) fn read_commas(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    read(reader, b',', sink, progress)
}

/// Reads a table whose usual delimiter is a tab.
pub(super) fn read_tabs(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    read(reader, b'\t', sink, progress)
}

/// A table with its dialect, and the beginning from which that was decided.
pub(in crate::ingest) struct Table<'a> {
    pub dialect: Dialect,
    /// The rows, after the lines of the preamble.
    pub reader: csv::Reader<Box<dyn BufRead + 'a>>,
    sample: Vec<u8>,
}

/// Opens a table.
///
/// # Errors
/// The stream cannot be read.
pub(in crate::ingest) fn open<'a>(
    mut reader: Box<dyn BufRead + 'a>,
    delimiter: u8,
    options: &IngestOptions,
) -> io::Result<Table<'a>> {
    let mut sample = Vec::new();
    // What can be read before an error is read; the error comes again behind the sample.
    let mut error = (&mut reader).take(SAMPLE).read_to_end(&mut sample).err();
    if let Some(error) = error.take_if(|_| sample.is_empty()) {
        return Err(error);
    }
    let dialect = Dialect::detect(&sample, delimiter, options);
    let mut beginning = io::Cursor::new(sample.clone());
    beginning.set_position(dialect.start(&sample) as u64);
    let failure = FailedRead(error);
    let rows: Box<dyn BufRead + 'a> = Box::new(beginning.chain(io::BufReader::new(failure)).chain(reader));
    Ok(Table { dialect, reader: dialect.builder().from_reader(rows), sample })
}

/// Gives the error that it holds, once.
struct FailedRead(Option<io::Error>);

impl Read for FailedRead {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Reads rows. Of a row with more or fewer cells than the header, the cells that it has are read.
fn read(
    reader: &mut dyn BufRead,
    delimiter: u8,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    let mut table = match open(Box::new(reader), delimiter, sink.options) {
        Ok(table) => table,
        Err(error) => {
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    let Some((columns, width)) = find_columns(&mut table, sink) else { return Ok(()) };
    // The `csv` crate counts the end of a line that ends in "\r\n" when it reads the next one.
    let line_offset = table.dialect.preamble as u64
        + u64::from(has_carriage_returns(&table.sample) && table.dialect.header);
    let mut row = csv::ByteRecord::new();
    let mut record = 0;
    loop {
        if record % 1024 == 0 && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        match table.reader.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => {
                let line = table.reader.position().line();
                csv_error(sink, line, &error);
                return Ok(());
            }
        }
        let line = row.position().map_or(0, csv::Position::line) + line_offset;
        let swallowed =
            row.iter().map(|cell| count_rows(cell, table.dialect.delimiter, width)).max().unwrap_or(0);
        if swallowed > 0 {
            sink.notice(line, NoticeKind::UnclosedQuote(swallowed));
        } else if row.len() != width {
            sink.notice(line, NoticeKind::Ragged { expected: width, found: row.len() });
        }
        if row.as_slice().len() as u64 > MAX_RECORD {
            sink.notice(line, NoticeKind::TooLong(MAX_RECORD));
        } else {
            read_row(&row, &columns, line, record, sink);
        }
        record += 1;
    }
}

/// The columns of each field, and how many columns there are; `None`, with a notice, if there is no title and no text.
fn find_columns(table: &mut Table, sink: &mut StorySink) -> Option<(Fields<Vec<usize>>, usize)> {
    let line = table.dialect.preamble as u64 + 1;
    let first = match if table.dialect.header {
        table.reader.byte_headers().cloned()
    } else {
        peek(&table.sample, &table.dialect)
    } {
        Ok(first) => first,
        Err(error) => {
            csv_error(sink, line, &error);
            return None;
        }
    };
    if first.is_empty() {
        sink.notice(0, NoticeKind::Empty);
        return None;
    }
    let width = first.len();
    let swallowed = first.iter().map(|cell| lines_like_rows(cell, table.dialect.delimiter, width)).max();
    if let Some(swallowed @ 1..) = swallowed.filter(|_| table.dialect.header) {
        sink.notice(line, NoticeKind::UnclosedQuote(swallowed));
    }
    let names: Vec<String> = first.iter().map(|name| sink.decode(name, line).into_owned()).collect();
    let mut columns = sink.options.fields.find_columns(if table.dialect.header { &names } else { &[] });
    if !table.dialect.header && columns[Field::Title].is_empty() && columns[Field::Text].is_empty() {
        columns = dialect::guess_columns(&table.sample, &table.dialect);
        sink.notice(
            line,
            NoticeKind::NoHeader {
                title: columns[Field::Title].first().copied(),
                text: columns[Field::Text].first().copied(),
            },
        );
    }
    if columns[Field::Title].is_empty() && columns[Field::Text].is_empty() {
        sink.notice(line, NoticeKind::UnknownFields(names));
        return None;
    }
    Some((columns, width))
}

/// The first row of a table without a header.
fn peek(sample: &[u8], dialect: &Dialect) -> csv::Result<csv::ByteRecord> {
    let mut row = csv::ByteRecord::new();
    dialect.builder().from_reader(&sample[dialect.start(sample)..]).read_byte_record(&mut row)?;
    Ok(row)
}

fn read_row(
    row: &csv::ByteRecord,
    columns: &Fields<Vec<usize>>,
    line: u64,
    record: u64,
    sink: &mut StorySink,
) {
    let mut cell = |field: Field| {
        let texts = columns[field]
            .iter()
            .filter_map(|column| Some(sink.decode(row.get(*column)?, line).into_owned()));
        texts.into_iter().find(|text| !text.trim().is_empty())
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
    let rows = lines_like_rows(cell, delimiter, cells);
    // A text of several lines may hold a few lines with as many delimiters.
    if rows > 2 && rows * 4 > inner * 3 { rows } else { 0 }
}

/// How many lines of `cell`, the first and the last excepted, have the delimiters of a row of `cells` cells.
fn lines_like_rows(cell: &[u8], delimiter: u8, cells: usize) -> usize {
    let inner = cell.iter().filter(|b| **b == b'\n').count().saturating_sub(1);
    let is_row = |line: &&[u8]| line.iter().filter(|b| **b == delimiter).count() == cells - 1;
    if cells < 2 { 0 } else { cell.split(|b| *b == b'\n').skip(1).take(inner).filter(is_row).count() }
}

fn csv_error(sink: &mut StorySink, line: u64, error: &csv::Error) {
    match error.kind() {
        csv::ErrorKind::Io(e) => sink.read_error(line, e),
        _ => sink.notice(line, NoticeKind::Csv(error.to_string())),
    }
}

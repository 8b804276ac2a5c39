//! Records of delimited tables: CSV, TSV and their dialects.

mod dialect;
mod rows;

use std::io::{self, BufRead, Read};

use crate::{
    Error, Result,
    ingest::{
        IngestOptions, NoticeKind,
        fields::{Field, Fields},
        sink::{Record, StorySink},
    },
    progress::Progress,
};
use dialect::{Dialect, SAMPLE};
pub(in crate::ingest) use rows::{Row, RowRead, Rows};

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
    /// The rows, the header among them, after the lines of the preamble.
    pub rows: Rows<'a>,
    sample: Vec<u8>,
}

impl Table<'_> {
    /// The line ending of the first line.
    pub(in crate::ingest) fn line_ending(&self) -> &'static str {
        let end = self.sample.iter().position(|b| *b == b'\n');
        if end.is_some_and(|end| self.sample[..end].ends_with(b"\r")) { "\r\n" } else { "\n" }
    }

    /// The lines before the header.
    pub(in crate::ingest) fn preamble(&self) -> &[u8] {
        &self.sample[..self.dialect.start(&self.sample)]
    }
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
    let stream: Box<dyn BufRead + 'a> = Box::new(beginning.chain(io::BufReader::new(failure)).chain(reader));
    let rows = Rows::new(stream, dialect.parser(), dialect.preamble as u64 + 1, options.max_record());
    Ok(Table { dialect, rows, sample })
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
    let columns = match find_columns(&mut table, sink) {
        Ok(Some(columns)) => columns,
        Ok(None) => return Ok(()),
        Err(error) => {
            sink.read_error(table.dialect.preamble as u64 + 1, &error);
            return Ok(());
        }
    };
    let width = columns.names.len();
    let mut row = Row::default();
    let mut record = 0;
    loop {
        if record % 1024 == 0 && progress.cancelled() {
            return Err(Error::Interrupted);
        }
        match table.rows.next(&mut row) {
            Ok(RowRead::End) => return Ok(()),
            Ok(RowRead::TooLong) => {
                sink.count_record();
                sink.notice(row.line, NoticeKind::TooLong(sink.options.max_record()));
            }
            Ok(RowRead::Complete) => {
                let delimiter = table.dialect.delimiter;
                let swallowed = row.cells().map(|cell| count_rows(cell, delimiter, width)).max().unwrap_or(0);
                if swallowed > 0 {
                    sink.notice(row.line, NoticeKind::UnclosedQuote(swallowed));
                } else if row.len() != width {
                    sink.notice(row.line, NoticeKind::Ragged { expected: width, found: row.len() });
                }
                read_row(&row, &columns, record, sink);
            }
            Err(error) => {
                sink.read_error(row.line, &error);
                return Ok(());
            }
        }
        record += 1;
    }
}

/// The columns of a table.
struct Columns {
    /// Their names; numbers, from 1, if there is no header.
    names: Vec<String>,
    /// Those that may hold each field, the likeliest first.
    of: Fields<Vec<usize>>,
}

/// The columns; `None`, with a notice, if there is no title and no text.
///
/// # Errors
/// The stream cannot be read.
fn find_columns(table: &mut Table, sink: &mut StorySink) -> io::Result<Option<Columns>> {
    let line = table.dialect.preamble as u64 + 1;
    let mut first = Row::default();
    let read = if table.dialect.header { table.rows.next(&mut first)? } else { peek(table, &mut first)? };
    match read {
        RowRead::Complete => {}
        RowRead::TooLong => {
            sink.notice(line, NoticeKind::TooLong(sink.options.max_record()));
            return Ok(None);
        }
        RowRead::End => {
            sink.notice(0, NoticeKind::Empty);
            return Ok(None);
        }
    }
    let (width, delimiter) = (first.len(), table.dialect.delimiter);
    let swallowed = first.cells().map(|cell| lines_like_rows(cell, delimiter, width)).max();
    if let Some(swallowed @ 1..) = swallowed.filter(|_| table.dialect.header) {
        sink.notice(line, NoticeKind::UnclosedQuote(swallowed));
    }
    let names: Vec<String> = if table.dialect.header {
        first.cells().map(|name| sink.decode(name, line).into_owned()).collect()
    } else {
        (1..=width).map(|number| number.to_string()).collect()
    };
    let map = &sink.options.fields;
    let mut of = map.find_columns(if table.dialect.header { &names } else { &[] });
    if !table.dialect.header && of[Field::Title].is_empty() && of[Field::Text].is_empty() {
        of = dialect::guess_columns(&table.sample, &table.dialect);
        let first = |field: Field| of[field].first().copied();
        sink.notice(line, NoticeKind::NoHeader { title: first(Field::Title), text: first(Field::Text) });
    }
    sink.fields().see_columns(&names, &of, map);
    if of[Field::Title].is_empty() && of[Field::Text].is_empty() {
        sink.notice(line, NoticeKind::UnknownFields(names));
        return Ok(None);
    }
    Ok(Some(Columns { names, of }))
}

/// The first row of a table without a header, which remains to be read.
fn peek(table: &Table, row: &mut Row) -> io::Result<RowRead> {
    let sample = &table.sample[table.preamble().len()..];
    Rows::new(Box::new(sample), table.dialect.parser(), 1, SAMPLE).next(row)
}

fn read_row(row: &Row, columns: &Columns, record: u64, sink: &mut StorySink) {
    let line = row.line;
    let mut cell = |field: Field| {
        for column in &columns.of[field] {
            let Some(cell) = row.get(*column) else { continue };
            let text = sink.decode(cell, line);
            if !text.trim().is_empty() {
                let text = text.into_owned();
                sink.fields().count(field, columns.names.get(*column).map_or("", |name| name.trim()));
                return Some(text);
            }
        }
        None
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

//! Rows of a table, read one at a time in bounded memory, with the bytes that they stand in.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

/// A row with more cells is refused like one with too many bytes.
const MAX_CELLS: usize = 1 << 16;

/// Bytes and cells that are reserved at first.
const FIRST_BYTES: usize = 1 << 10;
const FIRST_CELLS: usize = 16;

/// A row of a table.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Row {
    /// The cells without quotes and escapes, one after another.
    bytes: Vec<u8>,
    /// Where each cell ends.
    ends: Vec<usize>,
    /// The bytes of the input, without the line ending.
    pub raw: Vec<u8>,
    /// The line where the row begins, from 1.
    pub line: u64,
}

impl Row {
    /// The number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cell of a column, from 0.
    pub fn get(&self, column: usize) -> Option<&[u8]> {
        let start = column.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.bytes.get(start..*self.ends.get(column)?)
    }

    /// The cells.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|column| self.get(column))
    }
}

/// What [`Rows::next`] met.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ingest) enum RowRead {
    /// A row was read.
    Complete,
    /// A row longer than the limit was skipped; of the row only the line is set.
    TooLong,
    /// There are no more rows.
    End,
}

/// The rows of a stream.
pub(in crate::ingest) struct Rows<'a> {
    reader: Box<dyn BufRead + 'a>,
    parser: csv_core::Reader,
    limit: u64,
    /// The line that the next byte belongs to, from 1.
    line: u64,
}

impl<'a> Rows<'a> {
    /// The rows of `reader`, which begins at `line`; a row of more than `limit` bytes is skipped.
    pub fn new(reader: Box<dyn BufRead + 'a>, parser: csv_core::Reader, line: u64, limit: u64) -> Self {
        Rows { reader, parser, limit, line }
    }

    /// Reads the next row into `row`. Empty lines are no rows.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn next(&mut self, row: &mut Row) -> io::Result<RowRead> {
        self.skip_line_breaks()?;
        row.raw.clear();
        row.line = self.line;
        row.bytes.resize(row.bytes.len().max(FIRST_BYTES), 0);
        row.ends.resize(row.ends.capacity().clamp(FIRST_CELLS, MAX_CELLS), 0);
        let (mut bytes, mut cells, mut read) = (0, 0, 0);
        let mut too_long = false;
        loop {
            let input = self.reader.fill_buf()?;
            let (result, used, written, ended) =
                self.parser.read_record(input, &mut row.bytes[bytes..], &mut row.ends[cells..]);
            self.line += input[..used].iter().filter(|b| **b == b'\n').count() as u64;
            read += used as u64;
            too_long |= read > self.limit;
            if !too_long {
                row.raw.extend_from_slice(&input[..used]);
            }
            self.reader.consume(used);
            (bytes, cells) = (bytes + written, cells + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                // Of a row that is too long nothing is kept.
                _ if too_long
                    && matches!(result, ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull) =>
                {
                    (bytes, cells) = (0, 0);
                }
                ReadRecordResult::OutputFull => row.bytes.resize(row.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if cells >= MAX_CELLS => {
                    too_long = true;
                    cells = 0;
                }
                ReadRecordResult::OutputEndsFull => row.ends.resize(cells * 2, 0),
                ReadRecordResult::Record if too_long => {
                    *row = Row { line: row.line, ..Row::default() };
                    return Ok(RowRead::TooLong);
                }
                ReadRecordResult::Record => {
                    row.ends.truncate(cells);
                    for ending in [b'\n', b'\r'] {
                        row.raw.pop_if(|last| *last == ending);
                    }
                    return Ok(RowRead::Complete);
                }
                ReadRecordResult::End => return Ok(RowRead::End),
            }
        }
    }

    /// Skips line breaks before a row: those of empty lines, and the second byte of `\r\n` behind the row before.
    fn skip_line_breaks(&mut self) -> io::Result<()> {
        loop {
            let input = self.reader.fill_buf()?;
            let breaks = input.iter().take_while(|b| b"\r\n".contains(b)).count();
            let all = breaks == input.len();
            self.line += input[..breaks].iter().filter(|b| **b == b'\n').count() as u64;
            self.reader.consume(breaks);
            if breaks == 0 || !all {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rows of `text`, each with its line and bytes; no cells where it was skipped.
    fn rows(text: &[u8], limit: u64) -> Vec<(u64, Vec<String>, String)> {
        let reader: Box<dyn BufRead> = Box::new(io::BufReader::with_capacity(3, text));
        let mut rows = Rows::new(reader, csv_core::ReaderBuilder::new().build(), 1, limit);
        let (mut row, mut found) = (Row::default(), Vec::new());
        loop {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            match rows.next(&mut row).unwrap() {
                RowRead::End => return found,
                RowRead::TooLong => found.push((row.line, Vec::new(), String::new())),
                RowRead::Complete => {
                    assert_eq!(row.cells().count(), row.len());
                    found.push((row.line, row.cells().map(text).collect(), text(&row.raw)));
                }
            }
        }
    }

    #[test]
    fn reads_rows_with_their_lines_and_bytes() {
        let check = |text: &str, expect: &[(u64, &[&str], &str)]| {
            for text in [text.to_string(), text.replace('\n', "\r\n")] {
                let expect: Vec<_> = expect
                    .iter()
                    .map(|(line, cells, raw)| {
                        let cells = cells.iter().map(|cell| cell.to_string()).collect::<Vec<_>>();
                        (*line, cells, raw.to_string())
                    })
                    .collect();
                assert_eq!(rows(text.as_bytes(), 1000), expect, "{text:?}");
            }
        };
        check("", &[]);
        check("a,b\n1,\"x\"\n", &[(1, &["a", "b"], "a,b"), (2, &["1", "x"], "1,\"x\"")]);
        check("\n\na\n\n\"b\"\"c\",\n", &[(3, &["a"], "a"), (5, &["b\"c", ""], "\"b\"\"c\",")]);
        check("a,b", &[(1, &["a", "b"], "a,b")]);
        assert_eq!(
            rows(b"\"a\nb\",c\n\"d\n", 1000),
            [
                (1, vec!["a\nb".into(), "c".into()], "\"a\nb\",c".into()),
                (3, vec!["d\n".into()], "\"d".into()),
            ]
        );
    }

    #[test]
    fn a_row_beyond_the_limit_costs_no_other() {
        let long = format!("a,b\n1,\"{}\"\n2,c\n", "x\n".repeat(50));
        let skipped = rows(long.as_bytes(), 40);
        let lines: Vec<_> = skipped.iter().map(|(line, cells, _)| (*line, cells.len())).collect();
        assert_eq!(lines, [(1, 2), (2, 0), (53, 2)]);
        let cells = format!("{}\nb,c\n", ",".repeat(MAX_CELLS));
        let found = rows(cells.as_bytes(), u64::MAX);
        assert_eq!(found.iter().map(|(_, cells, _)| cells.len()).collect::<Vec<_>>(), [0, 2]);
    }

    proptest! {
        #[test]
        fn reads_what_the_csv_crate_reads(text in "[a,\"\r\n]{0,60}") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let expect: Vec<Vec<String>> = reader.records().map(|r| r.unwrap().iter().map(String::from).collect()).collect();
            let found: Vec<Vec<String>> = rows(text.as_bytes(), 1000).into_iter().map(|(_, cells, _)| cells).collect();
            prop_assert_eq!(found, expect);
        }
    }
}

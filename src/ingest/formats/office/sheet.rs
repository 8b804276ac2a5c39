//! Sheets of a workbook: the row of a header names the fields, and each row below is a record.

use crate::ingest::{
    NoticeKind,
    fields::{Field, FieldMap, Fields},
    sink::{Record, StorySink},
};

/// Among how many first rows the header is looked for.
const HEADER_ROWS: usize = 20;

/// The most columns of a sheet (Excel has as many).
pub(super) const MAX_COLUMNS: usize = 1 << 14;

/// Reads the rows of sheets, one after another.
pub(super) struct Sheets<'s, 'o> {
    sink: &'s mut StorySink<'o>,
    /// The first rows of the sheet with their numbers, until its header is found.
    first: Vec<(u64, Vec<String>)>,
    columns: Option<Fields<Vec<usize>>>,
    record: u64,
}

impl<'s, 'o> Sheets<'s, 'o> {
    pub(super) fn new(sink: &'s mut StorySink<'o>) -> Self {
        Sheets { sink, first: Vec::new(), columns: None, record: 0 }
    }

    /// Reads a row of the current sheet; `number` counts from 1.
    pub(super) fn row(&mut self, number: u64, cells: Vec<String>) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        if let Some(columns) = self.columns.take() {
            self.give(number, &cells, &columns);
            self.columns = Some(columns);
            return;
        }
        self.first.push((number, cells));
        if self.first.len() == HEADER_ROWS {
            self.find_header();
        }
    }

    /// Ends the current sheet.
    pub(super) fn end_sheet(&mut self) {
        if self.columns.is_none() {
            self.find_header();
        }
        self.columns = None;
        self.first.clear();
    }

    /// Finds the header among the first rows, and reads those below it.
    fn find_header(&mut self) {
        let rows = std::mem::take(&mut self.first);
        let options = self.sink.options;
        let has_text = |columns: &Fields<Vec<usize>>| {
            !(columns[Field::Title].is_empty() && columns[Field::Text].is_empty())
        };
        // A header that names known fields, else one that names those that the user gives.
        let known = rows.iter().position(|(_, cells)| FieldMap::is_header(cells));
        let named = || {
            rows.iter()
                .position(|(_, cells)| cells.len() > 1 && has_text(&options.fields.find_columns(cells)))
        };
        let Some(at) = known.filter(|_| !options.no_header).or_else(named) else {
            // A sheet of one column is a note.
            if let Some((number, cells)) = rows.into_iter().find(|(_, cells)| cells.len() > 1) {
                self.sink.notice(number, NoticeKind::UnknownFields(cells));
            }
            return;
        };
        let columns = options.fields.find_columns(&rows[at].1);
        let data = if options.no_header { at } else { at + 1 };
        for (number, cells) in &rows[data..] {
            self.give(*number, cells, &columns);
        }
        self.columns = Some(columns);
    }

    fn give(&mut self, number: u64, cells: &[String], columns: &Fields<Vec<usize>>) {
        let cell = |field: Field| {
            let texts = columns[field].iter().filter_map(|column| cells.get(*column));
            texts.into_iter().find(|text| !text.trim().is_empty()).cloned()
        };
        self.sink.record(Record {
            id: cell(Field::Id),
            title: cell(Field::Title).unwrap_or_default(),
            text: cell(Field::Text).unwrap_or_default(),
            date: cell(Field::Published),
            source: cell(Field::Source),
            url: cell(Field::Url),
            line: number,
            record: self.record,
            ..Record::default()
        });
        self.record += 1;
    }
}

/// A row that is put together cell by cell.
#[derive(Default)]
pub(super) struct Row(Vec<String>);

impl Row {
    /// Puts `text` into a column, counted from 0.
    pub(super) fn set(&mut self, column: usize, text: String) {
        if column < MAX_COLUMNS && !text.is_empty() {
            if self.0.len() <= column {
                self.0.resize(column + 1, String::new());
            }
            self.0[column] = text;
        }
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}

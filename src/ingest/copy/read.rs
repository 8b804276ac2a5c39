//! The records of an input, read a second time.

use std::{
    fs::File,
    io::BufRead,
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::{Map, Value};

use super::{Keep, to_json_line};
use crate::{
    Error, Result,
    ingest::{
        Format, IngestOptions, Input,
        content::{Content, HEAD},
        decode::{self, decode},
        formats::{
            csv::{self, Row, RowRead, Table},
            json, parquet,
        },
        input::resolve,
        packing, read,
    },
    progress::NoProgress,
    story::Origin,
};

/// A file that records are copied from.
pub(super) struct InputFile {
    pub path: PathBuf,
    /// What origins call it.
    pub name: PathBuf,
    pub format: Option<Format>,
}

/// A record as it was read.
pub(super) enum Record<'a> {
    /// JSON as it stands in the input.
    Json(&'a [u8]),
    /// A row of a table, with the names of its columns.
    Row { names: &'a [String], row: &'a Row },
    /// A row of a Parquet file, or a story of another format.
    Value(Value),
}

impl Record<'_> {
    /// The record as JSON.
    pub fn into_json(self) -> Vec<u8> {
        match self {
            Record::Json(bytes) => bytes.to_vec(),
            Record::Value(value) => value.to_string().into_bytes(),
            Record::Row { .. } => {
                let cells = self.into_cells();
                let cell = |(name, value): (String, Value)| format!("{}:{value}", Value::String(name));
                format!("{{{}}}", cells.into_iter().map(cell).collect::<Vec<_>>().join(",")).into_bytes()
            }
        }
    }

    /// The values of the record, each with its name; none if it is no object.
    pub fn into_cells(self) -> Vec<(String, Value)> {
        let value = match self {
            Record::Json(bytes) => json::parse(&decode(bytes)).unwrap_or_default(),
            Record::Value(value) => value,
            Record::Row { names, row } => {
                let name = |column: usize| {
                    names.get(column).cloned().unwrap_or_else(|| format!("column {}", column + 1))
                };
                let cells = row.cells().enumerate();
                return cells
                    .map(|(column, cell)| (name(column), Value::String(decode(cell).into_owned())))
                    .collect();
            }
        };
        match value {
            Value::Object(object) => object.into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

impl InputFile {
    /// A file with its format by its extension, else by its first bytes.
    pub fn new(path: PathBuf, name: PathBuf, options: &IngestOptions) -> Self {
        let format = detect_format(&path, options);
        InputFile { path, name, format }
    }

    /// Whether `keep` is true of a record.
    pub fn is_kept(&self, record: u64, keep: &Keep) -> bool {
        keep(&Origin { path: self.name.clone(), record, ..Origin::default() })
    }

    /// The table in the file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened.
    pub fn open_table(&self, options: &IngestOptions) -> Result<Table<'static>> {
        let delimiter = if self.format == Some(Format::Tsv) { b'\t' } else { b',' };
        csv::open(open(&self.path, options)?, delimiter, options).map_err(Error::io("read", &self.path))
    }

    /// Calls `visit` with each record for which `keep` is true.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened, and those of `visit`.
    pub fn for_each(
        &self,
        options: &IngestOptions,
        keep: &Keep,
        visit: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        let lines = self.format == Some(Format::JsonLines);
        match self.format {
            Some(Format::Csv | Format::Tsv) => self.for_each_row(options, keep, visit),
            Some(Format::JsonLines | Format::Json) => {
                let mut stream = open(&self.path, options)?;
                json::for_each_record(stream.as_mut(), lines, options, &mut |record, json| {
                    if self.is_kept(record, keep) { visit(Record::Json(json)) } else { Ok(()) }
                })
            }
            Some(Format::Parquet) => self.for_each_parquet_row(options, keep, visit),
            _ => self.for_each_story(options, keep, visit),
        }
    }

    fn for_each_row(
        &self,
        options: &IngestOptions,
        keep: &Keep,
        visit: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        let mut table = self.open_table(options)?;
        let mut row = Row::default();
        let mut names = Vec::new();
        if table.dialect.header && matches!(table.rows.next(&mut row), Ok(RowRead::Complete)) {
            names = row.cells().map(|name| decode(name).into_owned()).collect();
        }
        let mut record = 0;
        loop {
            match table.rows.next(&mut row) {
                // Read errors were reported when the input was read first.
                Ok(RowRead::End) | Err(_) => return Ok(()),
                Ok(RowRead::Complete) if self.is_kept(record, keep) => {
                    visit(Record::Row { names: &names, row: &row })?;
                }
                Ok(_) => {}
            }
            record += 1;
        }
    }

    fn for_each_parquet_row(
        &self,
        options: &IngestOptions,
        keep: &Keep,
        visit: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        let file = File::open(&self.path).map_err(Error::io("read", &self.path))?;
        // Read errors were reported when the input was read first.
        let Ok(rows) = parquet::rows(file, options.max_record()) else { return Ok(()) };
        for (record, row) in (0..).zip(rows.map_while(std::result::Result::ok)) {
            if let Some(row) = row.filter(|_| self.is_kept(record, keep)) {
                visit(Record::Value(row))?;
            }
        }
        Ok(())
    }

    fn for_each_story(
        &self,
        options: &IngestOptions,
        keep: &Keep,
        visit: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        let outcome = read(vec![Input::Path(self.path.clone())], options, &NoProgress)?;
        // The files of an archive are below its path.
        let renamed = |origin: &Origin| {
            let inside =
                origin.path.strip_prefix(&self.path).ok().filter(|rest| !rest.as_os_str().is_empty());
            let path = inside.map_or_else(
                || self.name.clone(),
                |rest| packing::member_path(&self.name, &rest.to_string_lossy()),
            );
            Origin { path, ..origin.clone() }
        };
        for story in outcome.stories.iter().filter(|story| keep(&renamed(&story.origin))) {
            let object: Map<String, Value> = serde_json::from_str(&to_json_line(story)).unwrap_or_default();
            visit(Record::Value(Value::Object(object)))?;
        }
        Ok(())
    }
}

/// The format of a file, if it is one of a format that is read.
fn detect_format(path: &Path, options: &IngestOptions) -> Option<Format> {
    let mut source = unpack(path).ok()?;
    match resolve(path, source.peek(HEAD).ok()?, options) {
        Content::Format(format) => Some(format),
        _ => None,
    }
}

fn unpack(path: &Path) -> Result<packing::Source<'static>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    packing::open(file, &Rc::default(), &NoProgress).map_err(Error::io("read", path))
}

fn open(path: &Path, options: &IngestOptions) -> Result<Box<dyn BufRead>> {
    let stream = decode::to_utf8(Box::new(unpack(path)?), options.encoding);
    stream.map(|stream| stream.reader).map_err(Error::io("read", path))
}

//! Copying of selected records, in their order: unchanged where the output has the format of the inputs, else converted.

mod columns;
mod format;
mod read;

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

pub use format::{FileFormat, RecordFormat};

use super::{
    Format, IngestOptions,
    formats::{
        csv::{Row, RowRead},
        parquet,
    },
    sink::StorySink,
    walk,
};
use crate::{
    Error, Result,
    story::{Origin, Story},
};
use read::InputFile;

/// An input that can be read again.
#[derive(Debug, Clone)]
pub struct RecordSource {
    /// The file or folder.
    pub path: PathBuf,
    /// Its name in [`Origin::path`], if that is not `path`: `-` for standard input that was saved to a file.
    pub name: Option<PathBuf>,
}

/// A story as a JSON line.
#[derive(Serialize)]
struct JsonStory<'a> {
    id: &'a str,
    title: &'a str,
    text: &'a str,
    source: Option<&'a str>,
    url: Option<&'a str>,
    published: Option<String>,
    path: String,
}

/// Which records are copied.
pub(super) type Keep<'k> = dyn Fn(&Origin) -> bool + 'k;

/// Writes the records of `inputs` for which `keep` is true. Records whose inputs all have the format that is written are
/// copied byte for byte; others are converted: cells of tables to strings, nested values to JSON in a cell, stories of
/// pages to their fields. A `format` without a kind of records is CSV or TSV if all inputs are, and else JSON lines.
///
/// # Errors
/// [`Error::Io`] if an input cannot be opened or `out` cannot be written.
pub fn copy_records(
    inputs: &[RecordSource],
    options: &IngestOptions,
    format: FileFormat,
    keep: &dyn Fn(&Origin) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    if !format.gzip {
        return copy(inputs, options, format.records, keep, out);
    }
    let mut packed = GzEncoder::new(out, Compression::default());
    copy(inputs, options, format.records, keep, &mut packed)?;
    packed.finish().map(drop).map_err(write_error)
}

fn copy(
    inputs: &[RecordSource],
    options: &IngestOptions,
    format: Option<RecordFormat>,
    keep: &Keep,
    out: &mut dyn Write,
) -> Result<()> {
    let mut files = Vec::new();
    // Its notices were reported when the inputs were read first.
    let mut sink = StorySink::new(options);
    for input in inputs {
        for path in walk::files(&input.path, options, &mut sink)? {
            let name = input.name.clone().unwrap_or_else(|| path.clone());
            files.push(InputFile::new(path, name, options));
        }
    }
    let all = |format: Format| !files.is_empty() && files.iter().all(|file| file.format == Some(format));
    let format = format.unwrap_or(match () {
        () if all(Format::Csv) => RecordFormat::Csv,
        () if all(Format::Tsv) => RecordFormat::Tsv,
        () => RecordFormat::JsonLines,
    });
    match format {
        RecordFormat::JsonLines => copy_to_lines(&files, options, keep, out),
        RecordFormat::Json => copy_to_array(&files, options, keep, out),
        RecordFormat::Csv if all(Format::Csv) && have_one_header(&files, options)? => {
            copy_rows(&files, options, keep, out)
        }
        RecordFormat::Tsv if all(Format::Tsv) && have_one_header(&files, options)? => {
            copy_rows(&files, options, keep, out)
        }
        RecordFormat::Csv => columns::write_table(&files, options, b',', keep, out),
        RecordFormat::Tsv => columns::write_table(&files, options, b'\t', keep, out),
        RecordFormat::Parquet if all(Format::Parquet) => match copy_parquet(&files, options, keep, out)? {
            Some(()) => Ok(()),
            None => columns::write_parquet(&files, options, keep, out),
        },
        RecordFormat::Parquet => columns::write_parquet(&files, options, keep, out),
    }
}

/// One record a line.
fn copy_to_lines(
    files: &[InputFile],
    options: &IngestOptions,
    keep: &Keep,
    out: &mut dyn Write,
) -> Result<()> {
    for file in files {
        file.for_each(options, keep, &mut |record| {
            // A line break inside JSON is white space, never part of a string.
            let mut line: Vec<u8> = record.into_json();
            line.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
            line.push(b'\n');
            out.write_all(&line).map_err(write_error)
        })?;
    }
    Ok(())
}

/// An array with one record a line, or more where a record has line breaks.
fn copy_to_array(
    files: &[InputFile],
    options: &IngestOptions,
    keep: &Keep,
    out: &mut dyn Write,
) -> Result<()> {
    let mut before: &[u8] = b"[\n";
    for file in files {
        file.for_each(options, keep, &mut |record| {
            let written = out.write_all(before).and_then(|()| out.write_all(&record.into_json()));
            before = b",\n";
            written.map_err(write_error)
        })?;
    }
    let end: &[u8] = if before == b"[\n" { b"[]\n" } else { b"\n]\n" };
    out.write_all(end).map_err(write_error)
}

/// Whether all tables have the same delimiter and the same header.
fn have_one_header(files: &[InputFile], options: &IngestOptions) -> Result<bool> {
    let mut first = None;
    for file in files {
        let mut table = file.open_table(options)?;
        let mut row = Row::default();
        if table.dialect.header && matches!(table.rows.next(&mut row), Err(_) | Ok(RowRead::TooLong)) {
            return Ok(false);
        }
        let header: Vec<Vec<u8>> = row.cells().map(<[u8]>::to_vec).collect();
        let own = (table.dialect.delimiter, table.dialect.backslash, header);
        if *first.get_or_insert_with(|| own.clone()) != own {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Rows as they stand in their files, below the header of the first.
fn copy_rows(files: &[InputFile], options: &IngestOptions, keep: &Keep, out: &mut dyn Write) -> Result<()> {
    let mut line = |row: &[u8], ending: &str| {
        out.write_all(row).and_then(|()| out.write_all(ending.as_bytes())).map_err(write_error)
    };
    for (i, file) in files.iter().enumerate() {
        let mut table = file.open_table(options)?;
        let (ending, mut row) = (table.line_ending(), Row::default());
        if i == 0 {
            line(table.preamble(), "")?;
        }
        if table.dialect.header && matches!(table.rows.next(&mut row), Ok(RowRead::Complete)) && i == 0 {
            line(&row.raw, ending)?;
        }
        let mut record = 0;
        loop {
            match table.rows.next(&mut row) {
                // Read errors were reported when the input was read first.
                Ok(RowRead::End) | Err(_) => break,
                Ok(RowRead::Complete) if file.is_kept(record, keep) => line(&row.raw, ending)?,
                Ok(_) => {}
            }
            record += 1;
        }
    }
    Ok(())
}

/// Rows with the schema of their files; `None` if the schemas differ.
fn copy_parquet(
    files: &[InputFile],
    options: &IngestOptions,
    keep: &Keep,
    out: &mut dyn Write,
) -> Result<Option<()>> {
    let mut opened = Vec::new();
    for file in files {
        opened.push(File::open(&file.path).map_err(Error::io("read", &file.path))?);
    }
    let wanted = |file: usize, record: u64| files[file].is_kept(record, keep);
    match parquet::copy_rows(opened, options.max_record(), &wanted) {
        Some(bytes) => out.write_all(&bytes).map(Some).map_err(write_error),
        None => Ok(None),
    }
}

/// A story as one line of JSON, without a line ending. Reading it gives the same story.
pub fn to_json_line(story: &Story) -> String {
    // Strings and an integer cannot fail to serialize.
    serde_json::to_string(&json_story(story)).unwrap_or_default()
}

fn json_story(story: &Story) -> JsonStory<'_> {
    let published = story.published.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    JsonStory {
        id: &story.id,
        title: &story.title,
        text: &story.text,
        source: story.source.as_deref(),
        url: story.url.as_deref(),
        published: published.map(|t| t.to_string()),
        path: story.origin.path.display().to_string(),
    }
}

fn write_error(error: io::Error) -> Error {
    Error::Io { action: "write", path: Path::new("the kept records").into(), source: error }
}

#[cfg(test)]
mod tests;

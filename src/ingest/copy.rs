//! Copying of selected records, unchanged and in their order: lines as lines, rows as rows.

use std::{
    fs::File,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    rc::Rc,
};

use serde::Serialize;

use super::{
    Format, IngestOptions, Input,
    content::{Content, HEAD},
    decode,
    formats::{csv, json, parquet},
    input::resolve,
    packing, read,
    sink::StorySink,
    walk,
};
use crate::{
    Error, Result,
    progress::NoProgress,
    story::{Origin, Story},
};

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

/// Writes the records of `inputs` for which `keep` is true. If all inputs are CSV, or all are TSV, so is the output, with the
/// header of the first; all other records are written as JSON lines, byte for byte where they were JSON.
///
/// # Errors
/// [`Error::Io`] if an input cannot be opened or `out` cannot be written.
pub fn copy_records(
    inputs: &[RecordSource],
    options: &IngestOptions,
    keep: &dyn Fn(&Origin) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    let mut files = Vec::new();
    // Its notices were reported when the inputs were read first.
    let mut sink = StorySink::new(options);
    for input in inputs {
        for path in walk::files(&input.path, options, &mut sink)? {
            let name = input.name.clone().unwrap_or_else(|| path.clone());
            let format = detect_format(&path, options);
            files.push((name, path, format));
        }
    }
    let first = files.first().and_then(|f| f.2);
    let table = matches!(first, Some(Format::Csv | Format::Tsv)) && files.iter().all(|f| f.2 == first);
    let mut header_done = false;
    for (name, path, format) in &files {
        let wanted = |record| keep(&Origin { path: name.clone(), record, ..Origin::default() });
        match *format {
            Some(Format::Csv | Format::Tsv) if table => {
                copy_rows(path, first == Some(Format::Tsv), options, &mut header_done, &wanted, out)?;
            }
            Some(Format::JsonLines) => copy_json(path, true, options, &wanted, out)?,
            Some(Format::Json) => copy_json(path, false, options, &wanted, out)?,
            Some(Format::Parquet) => copy_parquet_rows(path, &wanted, out)?,
            _ => copy_stories(name, path, options, keep, out)?,
        }
    }
    Ok(())
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

fn copy_rows(
    path: &Path,
    tabs: bool,
    options: &IngestOptions,
    header_done: &mut bool,
    wanted: &dyn Fn(u64) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    let mut table = csv::open(open(path, options)?, if tabs { b'\t' } else { b',' }, options)
        .map_err(Error::io("read", path))?;
    let mut writer = table.dialect.writer().from_writer(out);
    let fail =
        |e: ::csv::Error| Error::Io { action: "write", path: path.into(), source: io::Error::other(e) };
    if table.dialect.header
        && let Ok(header) = table.reader.byte_headers()
        && !std::mem::replace(header_done, true)
    {
        writer.write_byte_record(header).map_err(fail)?;
    }
    let mut row = ::csv::ByteRecord::new();
    let mut record = 0;
    while let Ok(true) = table.reader.read_byte_record(&mut row) {
        if wanted(record) {
            writer.write_byte_record(&row).map_err(fail)?;
        }
        record += 1;
    }
    writer.flush().map_err(Error::io("write", "the kept records"))
}

/// JSON records, one a line.
fn copy_json(
    path: &Path,
    lines: bool,
    options: &IngestOptions,
    wanted: &dyn Fn(u64) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    json::for_each_record(open(path, options)?.as_mut(), lines, options, &mut |record, json| {
        if !wanted(record) {
            return Ok(());
        }
        // A line break inside JSON is white space, never part of a string.
        let line: Vec<u8> = json.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }).collect();
        write(out, &line)?;
        write(out, b"\n")
    })
}

/// Rows as JSON lines, with all their columns.
fn copy_parquet_rows(path: &Path, wanted: &dyn Fn(u64) -> bool, out: &mut dyn Write) -> Result<()> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    // Read errors were reported when the input was read first.
    let Ok(rows) = parquet::rows(file) else { return Ok(()) };
    for (record, row) in (0..).zip(rows.map_while(std::result::Result::ok)) {
        if wanted(record) {
            write(out, row.to_string().as_bytes())?;
            write(out, b"\n")?;
        }
    }
    Ok(())
}

fn copy_stories(
    name: &Path,
    path: &Path,
    options: &IngestOptions,
    keep: &dyn Fn(&Origin) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    let outcome = read(vec![Input::Path(path.into())], options, &NoProgress)?;
    // The files of an archive are below its path.
    let renamed = |origin: &Origin| {
        let inside = origin.path.strip_prefix(path).ok().filter(|rest| !rest.as_os_str().is_empty());
        let path =
            inside.map_or_else(|| name.into(), |rest| packing::member_path(name, &rest.to_string_lossy()));
        Origin { path, ..origin.clone() }
    };
    for story in outcome.stories.iter().filter(|s| keep(&renamed(&s.origin))) {
        write(out, to_json_line(story).as_bytes())?;
        write(out, b"\n")?;
    }
    Ok(())
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

fn write(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).map_err(Error::io("write", "the kept records"))
}

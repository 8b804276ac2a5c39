//! Copies records that survive, untouched and in their order: lines as lines, rows as rows.

use std::{
    fs::File,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Format, Input, Options,
    bytes::{self, Line, MAX_RECORD},
    collect::Collector,
    json, parquet, read, walk,
};
use crate::{
    Error, Result,
    progress::NoProgress,
    story::{Origin, Story},
};

/// An input that can be read again.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// The file or folder.
    pub path: PathBuf,
    /// What [`Origin::path`] calls it, if not by `path`: `-` for standard input that was put into a file.
    pub name: Option<PathBuf>,
}

/// A story that was a file, as a JSON line.
#[derive(Serialize)]
struct FileStory<'a> {
    id: &'a str,
    title: &'a str,
    text: &'a str,
    source: Option<&'a str>,
    url: Option<&'a str>,
    published: Option<String>,
    path: String,
}

/// Writes the records of `inputs` that `keep` wants. If all inputs are CSV (or all TSV) with one header, so is
/// the output; everything else comes as JSON lines, byte for byte where it was JSON.
pub fn copy_records(
    inputs: &[Spooled],
    options: &Options,
    keep: &dyn Fn(&Origin) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    let mut files = Vec::new();
    let mut unheard = Collector::new(options);
    for input in inputs {
        for path in walk::files(&input.path, options, &mut unheard)? {
            let name = input.name.clone().unwrap_or_else(|| path.clone());
            let format = format_of(&path, options);
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
                rows(path, first == Some(Format::Tsv), &mut header_done, &wanted, out)?;
            }
            Some(Format::JsonLines) => lines(path, &wanted, out)?,
            Some(Format::Json) => elements(path, &wanted, out)?,
            Some(Format::Parquet) => parquet_rows(path, &wanted, out)?,
            _ => stories(name, path, options, keep, out)?,
        }
    }
    Ok(())
}

/// By its name, else by its first bytes.
fn format_of(path: &Path, options: &Options) -> Option<Format> {
    let sniffed = || open(path).ok().and_then(|mut r| r.fill_buf().ok().map(Format::sniff));
    options.format.or_else(|| Format::of(path)).or_else(sniffed)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    bytes::unpack(file, &NoProgress).map(|(reader, _)| reader).map_err(Error::io("read", path))
}

fn lines(path: &Path, wanted: &dyn Fn(u64) -> bool, out: &mut dyn Write) -> Result<()> {
    let mut reader = open(path)?;
    let mut buffer = Vec::new();
    let mut record = 0;
    loop {
        // What could not be read to its end was told when it was read first.
        match bytes::read_line(reader.as_mut(), &mut buffer, MAX_RECORD) {
            Ok(Line::End) | Err(_) => return Ok(()),
            Ok(Line::TooLong) => record += 1,
            Ok(Line::Whole) if bytes::decode(&buffer).0.trim().is_empty() => {}
            Ok(Line::Whole) => {
                if wanted(record) {
                    write(out, &buffer)?;
                    write(out, b"\n")?;
                }
                record += 1;
            }
        }
    }
}

fn rows(
    path: &Path,
    tabs: bool,
    header_done: &mut bool,
    wanted: &dyn Fn(u64) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    let delimiter = if tabs { b'\t' } else { b',' };
    let mut csv = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(open(path)?);
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(out);
    let fail = |e: csv::Error| Error::Io { action: "write", path: path.into(), source: io::Error::other(e) };
    let mut row = csv::ByteRecord::new();
    let mut record = None;
    while let Ok(true) = csv.read_byte_record(&mut row) {
        let copy = match record {
            None => !std::mem::replace(header_done, true),
            Some(n) => wanted(n),
        };
        if copy {
            writer.write_byte_record(&row).map_err(fail)?;
        }
        record = Some(record.map_or(0, |n| n + 1));
    }
    writer.flush().map_err(Error::io("write", "the kept records"))
}

fn elements(path: &Path, wanted: &dyn Fn(u64) -> bool, out: &mut dyn Write) -> Result<()> {
    let (mut record, mut written) = (0, Ok(()));
    // What could not be read to its end was told when it was read first.
    let _ = json::each_value(open(path)?.as_mut(), &mut |value: &RawValue| {
        if written.is_ok() && wanted(record) {
            // One record a line: line ends inside are white space of the JSON, not of its strings.
            written = write(out, (value.get().replace(['\n', '\r'], " ") + "\n").as_bytes());
        }
        record += 1;
    });
    written
}

/// Rows as JSON lines, with all their columns.
fn parquet_rows(path: &Path, wanted: &dyn Fn(u64) -> bool, out: &mut dyn Write) -> Result<()> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    // What could not be read to its end was told when it was read first.
    let Ok(rows) = parquet::rows(file) else { return Ok(()) };
    for (record, row) in (0..).zip(rows.map_while(std::result::Result::ok)) {
        if wanted(record) {
            write(out, row.to_string().as_bytes())?;
            write(out, b"\n")?;
        }
    }
    Ok(())
}

fn stories(
    name: &Path,
    path: &Path,
    options: &Options,
    keep: &dyn Fn(&Origin) -> bool,
    out: &mut dyn Write,
) -> Result<()> {
    let found = read(vec![Input::Path(path.into())], options, &NoProgress)?;
    let named = |origin: &Origin| Origin { path: name.into(), ..origin.clone() };
    for story in found.stories.iter().filter(|s| keep(&named(&s.origin))) {
        write(out, story_line(story).as_bytes())?;
        write(out, b"\n")?;
    }
    Ok(())
}

/// A story as one line of JSON that is read as the same story again, its end of line left out.
pub fn story_line(story: &Story) -> String {
    // Texts and an integer: nothing in it can fail.
    serde_json::to_string(&file_story(story)).unwrap_or_default()
}

fn file_story(story: &Story) -> FileStory<'_> {
    let published = story.published.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    FileStory {
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

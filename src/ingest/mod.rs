//! Files to stories.
//!
//! Every record that cannot be read gives a [`Notice`] with its place, and reading goes on.

mod bytes;
mod claims;
mod collect;
mod csv;
mod fields;
mod headers;
mod html;
mod json;
mod kept;
mod markdown;
mod notice;
mod page;
mod parquet;
mod tags;
mod walk;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

pub use fields::FieldMap;
pub use json::{read_json, read_next};
pub use kept::{Spooled, copy_records, story_line};
pub use notice::{Notice, NoticeKind};

use crate::{Result, progress::Progress, progress::Stage, story::Story};
use collect::Collector;

/// One source of stories.
pub enum Input {
    /// A file, or a folder that is walked.
    Path(PathBuf),
    /// A stream whose format is found by its first bytes.
    Stdin(Box<dyn Read + Send>),
}

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One page of plain text; it may hold several stories.
    Text,
    /// One story in Markdown, with or without front matter.
    Markdown,
    /// One web page.
    Html,
    /// One JSON object a line.
    JsonLines,
    /// An array of objects, or one object.
    Json,
    /// Records with a header line; the delimiter is a comma.
    Csv,
    /// Records with a header line; the delimiter is a tab.
    Tsv,
    /// Rows of a Parquet file, compressed with nothing, Snappy, gzip or LZ4; not from a stream.
    Parquet,
}

impl Format {
    /// The format that a file name's ending stands for, `.gz` and `.zst` taken off.
    pub fn of(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        Some(match name.rsplit_once('.')?.1 {
            "txt" | "text" => Format::Text,
            "md" | "markdown" => Format::Markdown,
            "html" | "htm" | "xhtml" => Format::Html,
            "jsonl" | "ndjson" => Format::JsonLines,
            "json" => Format::Json,
            "csv" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "parquet" | "pq" => Format::Parquet,
            _ => return None,
        })
    }

    /// The format of a stream by its first bytes.
    pub fn sniff(head: &[u8]) -> Format {
        if head.starts_with(b"PAR1") {
            return Format::Parquet;
        }
        let text = String::from_utf8_lossy(&head[..head.len().min(4096)]);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let lower = text.get(..text.len().min(15)).unwrap_or_default().to_ascii_lowercase();
        match text.chars().next() {
            Some('[') if text[1..].trim_start().starts_with('{') => Format::Json,
            Some('{') => Format::JsonLines,
            Some('<') if lower.starts_with("<!doctype html") || lower.starts_with("<html") => Format::Html,
            _ => Format::of_header(text.lines().next().unwrap_or_default()).unwrap_or(Format::Text),
        }
    }

    /// That of a table whose first line names fields of a story.
    fn of_header(line: &str) -> Option<Format> {
        [("\t", Format::Tsv), (",", Format::Csv)].into_iter().find_map(|(delimiter, format)| {
            let cells = line.split(delimiter).map(|cell| cell.trim().trim_matches('"').to_string());
            FieldMap::is_header(&cells.collect::<Vec<_>>()).then_some(format)
        })
    }
}

/// How stories are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the fields of a record are found.
    pub fields: FieldMap,
    /// The format of every input; by file name or first bytes if none.
    pub format: Option<Format>,
    /// Whether hidden files are read too.
    pub hidden: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Ingested {
    /// In the order of the inputs; files of a folder by path.
    pub stories: Vec<Story>,
    /// What was wrong with the input, in the same order.
    pub notices: Vec<Notice>,
    /// Files that were opened.
    pub files: u64,
    /// Records that were met.
    pub records: u64,
    /// Records that gave no story.
    pub skipped: u64,
}

/// Reads all `inputs`. An input that is not there is an error; whatever is wrong inside is a notice.
pub fn read(inputs: Vec<Input>, options: &Options, progress: &dyn Progress) -> Result<Ingested> {
    progress.begin(Stage::Ingest, walk::total_bytes(&inputs));
    let mut collector = Collector::new(options);
    for input in inputs {
        match input {
            Input::Stdin(stream) => collector.stream(Path::new("-"), stream, progress)?,
            Input::Path(path) => {
                for file in walk::files(&path, options, &mut collector)? {
                    collector.file(&file, progress)?;
                }
            }
        }
    }
    progress.end(Stage::Ingest);
    Ok(collector.finish())
}

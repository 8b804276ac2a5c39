//! The formats that records are written in, by the name of the file.

use std::path::Path;

use crate::{Error, Result, ingest::Format};

/// A format that selected records are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordFormat {
    /// One JSON object a line.
    JsonLines,
    /// One JSON array.
    Json,
    /// A table with commas.
    Csv,
    /// A table with tabs.
    Tsv,
    /// A Parquet file.
    Parquet,
}

/// How a file of records is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileFormat {
    /// The format; that of the inputs if `None`.
    pub records: Option<RecordFormat>,
    /// Whether the file is compressed with gzip.
    pub gzip: bool,
}

/// Extensions of formats that people may expect, and that records are not written in.
const OTHERS: [&str; 24] = [
    "7z", "arrow", "avro", "br", "bz2", "db", "doc", "docx", "eml", "epub", "feather", "ipc", "lz4", "mbox",
    "ods", "odt", "orc", "pdf", "pkl", "sqlite", "xlsx", "xz", "zip", "zst",
];

impl FileFormat {
    /// The format that the name of a file says; that of the inputs where it says none, as `clean` or `clean.out`.
    ///
    /// # Errors
    /// [`Error::OutputFormat`] if the name says a format that records are not written in.
    pub fn from_path(path: &Path) -> Result<FileFormat> {
        let refuse = |message: &str| Err(Error::OutputFormat { path: path.into(), message: message.into() });
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else {
            return Ok(FileFormat::default());
        };
        let (inner, gzip) = match name.strip_suffix(".gz") {
            Some(inner) => (inner, true),
            None => (&*name, false),
        };
        let extension = inner.rsplit_once('.').map_or("", |(_, extension)| extension);
        if OTHERS.contains(&extension) {
            return refuse(&format!("records are not written as .{extension}"));
        }
        let records = match Format::from_path(Path::new(inner)) {
            Some(Format::JsonLines) => Some(RecordFormat::JsonLines),
            Some(Format::Json) => Some(RecordFormat::Json),
            Some(Format::Csv) => Some(RecordFormat::Csv),
            Some(Format::Tsv) => Some(RecordFormat::Tsv),
            Some(Format::Parquet) if gzip => return refuse("Parquet is compressed inside, not by gzip"),
            Some(Format::Parquet) => Some(RecordFormat::Parquet),
            Some(other) => return refuse(&format!("records are not written as {}", other.name())),
            None => None,
        };
        Ok(FileFormat { records, gzip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_its_format() {
        let check = |name: &str, expect: Option<(Option<RecordFormat>, bool)>| {
            let found = FileFormat::from_path(Path::new(name)).ok().map(|f| (f.records, f.gzip));
            assert_eq!(found, expect, "{name}");
        };
        check("a.jsonl", Some((Some(RecordFormat::JsonLines), false)));
        check("a.b.NDJSON.GZ", Some((Some(RecordFormat::JsonLines), true)));
        check("a.json", Some((Some(RecordFormat::Json), false)));
        check("dir.json/a.csv", Some((Some(RecordFormat::Csv), false)));
        check("a.tsv.gz", Some((Some(RecordFormat::Tsv), true)));
        check("a.parquet", Some((Some(RecordFormat::Parquet), false)));
        check("clean", Some((None, false)));
        check("clean.out", Some((None, false)));
        for name in ["a.parquet.gz", "a.html", "a.txt", "a.md", "a.xml", "a.xlsx", "a.jsonl.zst", "a.zip"] {
            check(name, None);
        }
    }
}

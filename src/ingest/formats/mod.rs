//! The table of formats that are read.
//!
//! To add a format, write a file here with a function of one of the shapes of [`ReadFn`], and add a row to the table. The
//! row says by which file extensions and first bytes the format is found, and which function reads it.

pub(super) mod csv;
mod feed;
mod front_matter;
pub(super) mod html;
pub(super) mod json;
mod markdown;
pub(super) mod parquet;
mod text;

use std::{fs::File, io::BufRead, path::Path};

use super::{fields::FieldMap, sink::StorySink};
use crate::{Result, progress::Progress};

/// A row of the table.
pub(super) struct Reader {
    /// What people call the format.
    pub name: &'static str,
    /// File extensions, in lower case and without the dot.
    pub extensions: &'static [&'static str],
    /// Whether the first bytes of a stream are of this format. Rows are asked in the order of the table.
    pub detect: fn(&Head) -> bool,
    /// What reads it.
    pub read: ReadFn,
}

/// A function that reads one input and gives its records to the sink. What is wrong with the input is a notice; the
/// error is [`crate::Error::Interrupted`] only.
pub(super) enum ReadFn {
    /// Many records, read one at a time from a stream.
    Records(fn(&mut dyn BufRead, &mut StorySink, &dyn Progress) -> Result<()>),
    /// One document, held in memory as text.
    Document(fn(&str, &mut StorySink)),
    /// A file that is read at any position.
    File(fn(File, &mut StorySink, &dyn Progress) -> Result<()>),
}

/// The beginning of a stream, from which a format is detected.
pub(super) struct Head<'a> {
    /// Its first bytes.
    pub bytes: &'a [u8],
    /// The same as text, at most 4096 bytes, without byte order mark and leading white space.
    pub text: &'a str,
}

impl Head<'_> {
    /// Whether the text begins with `prefix`, in any case.
    fn starts_with(&self, prefix: &str) -> bool {
        self.text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    }

    /// Whether the first line names fields of a story, with `delimiter` between them.
    fn has_header(&self, delimiter: char) -> bool {
        let line = self.text.lines().next().unwrap_or_default();
        let cells = line.split(delimiter).map(|cell| cell.trim().trim_matches('"').to_string());
        FieldMap::is_header(&cells.collect::<Vec<_>>())
    }
}

/// Makes [`Format`] and its table of readers from the rows.
macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident: $reader:expr,)*) => {
        /// The formats that are read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])* $format,)*
        }

        /// All formats, in the order in which they are detected.
        const FORMATS: &[(Format, Reader)] = &[$((Format::$format, $reader)),*];
    };
}

formats! {
    /// Rows of a Parquet file, compressed with nothing, Snappy, gzip or LZ4; not from a stream.
    Parquet: Reader {
        name: "Parquet",
        extensions: &["parquet", "pq"],
        detect: |head| head.bytes.starts_with(b"PAR1"),
        read: ReadFn::File(parquet::read),
    },
    /// An array of objects, or objects one after another.
    Json: Reader {
        name: "JSON",
        extensions: &["json"],
        detect: |head| head.text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{')),
        read: ReadFn::Records(json::read_document),
    },
    /// One JSON object a line.
    JsonLines: Reader {
        name: "JSON lines",
        extensions: &["jsonl", "ndjson", "jl", "jsonlines", "ldjson"],
        detect: |head| head.text.starts_with('{'),
        read: ReadFn::Records(json::read_lines),
    },
    /// An RSS or Atom feed.
    Feed: Reader {
        name: "RSS and Atom",
        extensions: &["xml", "rss", "atom", "rdf"],
        detect: |head| {
            let is_xml = ["<?xml", "<rss", "<feed", "<rdf:"].iter().any(|start| head.starts_with(start));
            is_xml && !head.text.contains("<html")
        },
        read: ReadFn::Document(feed::read),
    },
    /// One web page.
    Html: Reader {
        name: "HTML",
        extensions: &["html", "htm", "xhtml"],
        detect: |head| {
            let is_xhtml = head.starts_with("<?xml") && head.text.contains("<html");
            head.starts_with("<!doctype html") || head.starts_with("<html") || is_xhtml
        },
        read: ReadFn::Document(html::read),
    },
    /// A table whose usual delimiter is a tab.
    Tsv: Reader {
        name: "TSV",
        extensions: &["tsv", "tab"],
        detect: |head| head.has_header('\t'),
        read: ReadFn::Records(csv::read_tabs),
    },
    /// A table whose usual delimiter is a comma; others are detected.
    Csv: Reader {
        name: "CSV",
        extensions: &["csv"],
        detect: |head| [',', ';', '|'].iter().any(|delimiter| head.has_header(*delimiter)),
        read: ReadFn::Records(csv::read_commas),
    },
    /// One story in Markdown, with or without front matter.
    Markdown: Reader {
        name: "Markdown",
        extensions: &["md", "markdown"],
        detect: |_| false,
        read: ReadFn::Document(markdown::read),
    },
    /// One page of plain text; it may hold several stories. What no other format detects is read as text.
    Text: Reader {
        name: "plain text",
        extensions: &["txt", "text"],
        detect: |_| true,
        read: ReadFn::Document(text::read),
    },
}

impl Format {
    /// The format of a file by its extension, `.gz` and `.zst` taken off; `None` if no format has it.
    pub fn from_path(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        let extension = name.rsplit_once('.')?.1;
        let row = FORMATS.iter().find(|(_, reader)| reader.extensions.contains(&extension));
        row.map(|(format, _)| *format)
    }

    /// The format of a stream by its first bytes; plain text if nothing else fits.
    pub fn detect(bytes: &[u8]) -> Format {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
        let head = Head { bytes, text: text.trim_start_matches('\u{feff}').trim_start() };
        let row = FORMATS.iter().find(|(_, reader)| (reader.detect)(&head));
        row.map_or(Format::Text, |(format, _)| *format)
    }

    /// What people call the format: "JSON lines".
    pub fn name(self) -> &'static str {
        self.reader().name
    }

    pub(super) fn reader(self) -> &'static Reader {
        // The rows stand in the order of the variants.
        &FORMATS[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_formats_by_extension_and_first_bytes() {
        for (i, (format, reader)) in FORMATS.iter().enumerate() {
            assert_eq!(*format as usize, i, "{}", reader.name);
            for extension in reader.extensions {
                let found = Format::from_path(Path::new(&format!("a.b.{}.GZ", extension.to_uppercase())));
                assert_eq!(found, Some(*format), "{extension}");
            }
        }
        assert_eq!(Format::from_path(Path::new("notes")), None);
        let check =
            |head: &str, expect: Format| assert_eq!(Format::detect(head.as_bytes()), expect, "{head}");
        check("PAR1", Format::Parquet);
        check("\u{feff} [\n{", Format::Json);
        check("{\"id\": 1}", Format::JsonLines);
        check("<!DOCTYPE html>", Format::Html);
        check("<HTML lang=en>", Format::Html);
        check("<?xml version='1.0'?>\n<html>", Format::Html);
        check("<?xml version='1.0'?>\n<rss>", Format::Feed);
        check("<feed xmlns='x'>", Format::Feed);
        check("id\ttitle\ttext\n", Format::Tsv);
        check("\"id\",\"title\"\n", Format::Csv);
        check("[1] A note", Format::Text);
        check("", Format::Text);
    }
}

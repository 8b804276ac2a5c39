//! Notices: what was wrong with an input, where, and what was done about it.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::{FileGroup, Format};
use crate::corpus::DateOrder;

/// One thing that was wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The file, or `-` for standard input.
    pub path: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: u64,
    /// What was wrong.
    pub kind: NoticeKind,
}

/// The kinds of bad input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeKind {
    /// The file could not be opened, or not be read to its end.
    Unreadable(String),
    /// The compressed data is truncated or corrupt; what comes before was read.
    Compressed(String),
    /// The input expands to more than the limits allow; what comes before was read.
    TooExpanded(String),
    /// A file of a type that is not read, and what people call it.
    Unsupported(FileGroup, &'static str),
    /// A document, or a file of an archive, that needs a password.
    Encrypted,
    /// An archive inside of archives, deeper than is read.
    NestedArchive,
    /// Bytes that are not UTF-8, read in this encoding.
    Encoding(&'static str),
    /// Bytes that are invalid in the stated encoding, or in UTF-16, read as U+FFFD.
    InvalidEncoding,
    /// NUL bytes: no text.
    Binary,
    /// A record longer than the limit, in bytes.
    TooLong(u64),
    /// JSON that cannot be parsed.
    Json(String),
    /// A row whose number of cells is not that of the header.
    Ragged {
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// A quote that opens here and swallows this many lines that look like rows.
    UnclosedQuote(usize),
    /// CSV that cannot be parsed.
    Csv(String),
    /// A Parquet file that cannot be read, or not to its end.
    Parquet(String),
    /// An Arrow stream or file that cannot be read, or not to its end.
    Arrow(String),
    /// An SQLite database that cannot be read, or whose table is not known.
    Database(String),
    /// XML that cannot be parsed, or that holds no stories.
    Xml(String),
    /// A PDF of images, without a text layer.
    NoTextLayer,
    /// A document that cannot be read, or not to its end.
    Document(String),
    /// A stream of a format that can be read from a file only.
    NeedsFile(Format),
    /// An empty file.
    Empty,
    /// A record with neither text nor title.
    NoText,
    /// A table whose header names neither a text nor a title; the names.
    UnknownFields(Vec<String>),
    /// A table without a header, and the columns (from 0) that were read as title and text.
    NoHeader {
        /// The column of the title.
        title: Option<usize>,
        /// The column of the text.
        text: Option<usize>,
    },
    /// A file of several records none of which has a text.
    TitlesOnly,
    /// A field of the wrong type.
    Field(String),
    /// A date in no known form.
    Date(String),
    /// A date before 1800 or after 2099.
    ImplausibleDate(String),
    /// A date of numbers whose order of day and month no other date of the input shows.
    AmbiguousDate(String),
    /// The order of day and month that a date of the input shows, in which its ambiguous dates were read.
    DateOrder(DateOrder, String),
    /// An id that an earlier story has; the new id.
    DuplicateId(String),
    /// A symbolic link to a folder above it.
    LinkLoop,
    /// A file that was read already, under this name or another.
    DuplicateFile,
    /// A file of a folder whose first bytes are of this format, but whose extension is not.
    NotRead(Format),
    /// Files of a folder that were not read.
    UnreadFiles {
        /// Those of unknown formats, by extension.
        by_extension: BTreeMap<String, u64>,
        /// Hidden files and folders.
        hidden: u64,
        /// Files that ignore files exclude.
        ignored: u64,
    },
    /// An export of a news archive, and how many articles it has.
    Export {
        /// The archive: "LexisNexis".
        archive: &'static str,
        /// The articles that were found.
        found: u64,
        /// The number that the export states.
        stated: Option<u64>,
    },
    /// An export of this news archive in a layout that is not known, read as one story.
    UnknownExport(&'static str),
    /// A web archive that cannot be read here, or that holds no stories.
    Warc(String),
    /// Records of an archive or of a collection of items that are no stories, by what they are.
    UnreadRecords(BTreeMap<String, u64>),
    /// A story that its publisher has withdrawn, or the item that withdraws it; left out.
    Withdrawn,
    /// A web page whose main text was not found: all of its text was read.
    NoMainText,
    /// A story that consists of page chrome and bylines alone.
    ChromeOnly,
}

impl NoticeKind {
    /// Whether the record gave no story.
    pub fn skips(&self) -> bool {
        use NoticeKind::*;
        matches!(
            self,
            Unreadable(_)
                | Binary
                | Unsupported(..)
                | Encrypted
                | NestedArchive
                | Document(_)
                | NoTextLayer
                | TooLong(_)
                | Json(_)
                | Csv(_)
                | Parquet(_)
                | Arrow(_)
                | NeedsFile(_)
                | Xml(_)
                | Database(_)
                | Warc(_)
                | Empty
                | NoText
                | UnknownFields(_)
                | LinkLoop
        )
    }

    /// Whether nothing is wrong: the notice says how the input was read.
    pub fn is_information(&self) -> bool {
        matches!(
            self,
            NoticeKind::DateOrder(..)
                | NoticeKind::NoHeader { .. }
                | NoticeKind::UnreadFiles { .. }
                | NoticeKind::UnreadRecords(_)
                | NoticeKind::Withdrawn
        ) || matches!(self, NoticeKind::Export { found, stated, .. } if stated.is_none_or(|n| n == *found))
    }

    /// Whether the file may hold stories that were not read, or that were read without their ids.
    pub fn may_lose_stories(&self) -> bool {
        use NoticeKind::*;
        self.skips()
            || matches!(
                self,
                Compressed(_) | TooExpanded(_) | NotRead(_) | Ragged { .. } | UnclosedQuote(_) | Field(_)
            )
            || matches!(self, Export { .. } if !self.is_information())
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.kind)
    }
}

/// How many articles an export has, and how many it states if these are others.
fn describe_export(archive: &str, found: u64, stated: Option<u64>) -> String {
    match stated.filter(|stated| *stated != found) {
        Some(stated) => format!("an export of {archive}; {found} articles found where it names {stated}"),
        None => format!("an export of {archive}; read as {found} articles"),
    }
}

/// Counts of files or records by what they are, and others that may be zero: "12 .jpg, 3 hidden".
fn join_counts(counts: &BTreeMap<String, u64>, others: &[(&str, u64)]) -> String {
    let others = others.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}"));
    let all = counts.iter().map(|(what, n)| format!("{n} {what}")).chain(others);
    all.collect::<Vec<_>>().join(", ")
}

/// The columns that were read as title and text of a table without a header.
fn write_columns(f: &mut fmt::Formatter<'_>, title: Option<usize>, text: Option<usize>) -> fmt::Result {
    f.write_str("no header;")?;
    for (name, column) in [("title", title), ("text", text)] {
        if let Some(column) = column {
            write!(f, " {name} = column {}", column + 1)?;
        }
    }
    Ok(())
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoticeKind::Unreadable(e) => write!(f, "cannot be read ({e}); skipped"),
            NoticeKind::Compressed(e) => {
                write!(f, "the compressed data is corrupt ({e}); read up to that point")
            }
            NoticeKind::TooExpanded(e) => write!(f, "{e}; read up to that point"),
            NoticeKind::Unsupported(_, name) => write!(f, "{name}; skipped"),
            NoticeKind::Encrypted => f.write_str("protected by a password; skipped"),
            NoticeKind::NestedArchive => f.write_str("an archive inside of other archives; skipped"),
            NoticeKind::Encoding(name) => write!(f, "not UTF-8; read as {name}"),
            NoticeKind::InvalidEncoding => {
                f.write_str("bytes that are invalid in the encoding; read as U+FFFD")
            }
            NoticeKind::Binary => f.write_str("not text (NUL bytes); skipped"),
            NoticeKind::TooLong(limit) => write!(f, "longer than {} MiB; skipped", limit >> 20),
            NoticeKind::Json(e) => write!(f, "invalid JSON ({e}); skipped"),
            NoticeKind::Ragged { expected, found } => {
                write!(f, "{found} cells where the header has {expected}; known cells read")
            }
            NoticeKind::UnclosedQuote(rows) => {
                write!(
                    f,
                    "a quote opens here and takes in {rows} lines that look like rows; read as one record"
                )
            }
            NoticeKind::Csv(e) => write!(f, "invalid CSV ({e}); skipped"),
            NoticeKind::Parquet(e) => write!(f, "not read, or not to its end ({e})"),
            NoticeKind::Database(e) => write!(f, "SQLite: {e}"),
            NoticeKind::Arrow(e) => write!(f, "Arrow not read, or not to its end ({e})"),
            NoticeKind::Xml(e) => write!(f, "XML not read, or not to its end ({e})"),
            NoticeKind::NoTextLayer => f.write_str("a PDF without a text layer; skipped"),
            NoticeKind::Document(e) => write!(f, "the document was not read, or not to its end ({e})"),
            NoticeKind::NeedsFile(format) => {
                write!(f, "{} cannot be read from a stream, only from a file; skipped", format.name())
            }
            NoticeKind::Empty => f.write_str("empty; skipped"),
            NoticeKind::NoText => f.write_str("has neither a text nor a title; skipped"),
            NoticeKind::UnknownFields(names) => {
                write!(f, "no column is known as a text or a title; skipped; columns: {}", names.join(", "))
            }
            NoticeKind::NoHeader { title, text } => write_columns(f, *title, *text),
            NoticeKind::TitlesOnly => f.write_str("no record has a text; titles alone are compared"),
            NoticeKind::Field(name) => {
                write!(f, "the field {name} is neither a string nor a number; ignored")
            }
            NoticeKind::Date(text) => write!(f, "unrecognised date {text:?}; ignored"),
            NoticeKind::ImplausibleDate(text) => write!(f, "implausible date {text:?}; ignored"),
            NoticeKind::AmbiguousDate(text) => {
                write!(f, "the date {text:?} may be day-first or month-first; ignored")
            }
            NoticeKind::DateOrder(order, text) => {
                let order = if *order == DateOrder::DayFirst { "day-first" } else { "month-first" };
                write!(f, "dates are read {order}, because of {text:?}")
            }
            NoticeKind::DuplicateId(id) => write!(f, "an earlier story has the same id; renamed to {id}"),
            NoticeKind::LinkLoop => f.write_str("a symbolic link to a folder above it; not followed"),
            NoticeKind::DuplicateFile => f.write_str("already read, under this name or another; read once"),
            NoticeKind::NotRead(format) => {
                write!(f, "looks like {}, but has another extension; not read", format.name())
            }
            NoticeKind::UnreadFiles { by_extension, hidden, ignored } => {
                write!(
                    f,
                    "not read: {}",
                    join_counts(by_extension, &[("hidden", *hidden), ("excluded by ignore files", *ignored)])
                )
            }
            NoticeKind::Export { archive, found, stated } => {
                f.write_str(&describe_export(archive, *found, *stated))
            }
            NoticeKind::UnknownExport(archive) => {
                write!(f, "looks like an export of {archive}, but has an unknown layout; read as one story")
            }
            NoticeKind::Warc(message) => write!(f, "WARC: {message}"),
            NoticeKind::UnreadRecords(kinds) => write!(f, "not read: {}", join_counts(kinds, &[])),
            NoticeKind::Withdrawn => f.write_str("withdrawn by its publisher; left out"),
            NoticeKind::NoMainText => f.write_str("main text not found; the whole page was read"),
            NoticeKind::ChromeOnly => f.write_str("nothing but page chrome; read as a headline"),
        }
    }
}

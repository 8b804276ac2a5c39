//! Notices: what was wrong with an input, where, and what was done about it.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::Serialize;

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

/// A notice as a JSON line.
#[derive(Serialize)]
struct JsonNotice {
    path: String,
    line: u64,
    kind: &'static str,
    message: String,
    skipped: bool,
    information: bool,
}

impl Notice {
    /// The notice as one line of JSON, without a line ending: `path`, `line` (from 1; 0 for the whole file), `kind` (see
    /// [`NoticeKind::name`]), `message`, and whether a record was `skipped`, or nothing is wrong (`information`).
    pub fn to_json_line(&self) -> String {
        let notice = JsonNotice {
            path: self.path.display().to_string(),
            line: self.line,
            kind: self.kind.name(),
            message: self.kind.to_string(),
            skipped: self.kind.skips(),
            information: self.kind.is_information(),
        };
        // Strings, numbers and booleans cannot fail to serialize.
        serde_json::to_string(&notice).unwrap_or_default()
    }
}

/// How many notices of each kind there were, by the name of the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeCounts(BTreeMap<&'static str, u64>);

impl NoticeCounts {
    /// Counts a notice.
    pub fn add(&mut self, notice: &Notice) {
        *self.0.entry(notice.kind.name()).or_default() += 1;
    }

    /// The number of notices.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The kinds with their numbers, less those in `shown`, the most frequent first.
    pub fn without(&self, shown: &NoticeCounts) -> Vec<(&'static str, u64)> {
        let rest = self.0.iter().map(|(kind, n)| (*kind, n.saturating_sub(*shown.0.get(kind).unwrap_or(&0))));
        let mut rest: Vec<_> = rest.filter(|(_, n)| *n > 0).collect();
        rest.sort_by_key(|(kind, n)| (std::cmp::Reverse(*n), *kind));
        rest
    }
}

impl<'a> FromIterator<&'a Notice> for NoticeCounts {
    fn from_iter<I: IntoIterator<Item = &'a Notice>>(notices: I) -> Self {
        let mut counts = NoticeCounts::default();
        notices.into_iter().for_each(|notice| counts.add(notice));
        counts
    }
}

/// The kinds of bad input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeKind {
    /// The file could not be opened, or not be read to its end.
    Unreadable(String),
    /// The compressed data is truncated or corrupt; what comes before was read.
    Compressed(String),
    /// A file that another program wrote while it was read.
    Changed,
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
    /// A hidden file of a folder whose name is of this format.
    Hidden(Format),
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
    /// A name of the kind that does not change between versions: "no-text".
    pub fn name(&self) -> &'static str {
        use NoticeKind::*;
        match self {
            Unreadable(_) => "unreadable",
            Compressed(_) => "compressed",
            Changed => "changed",
            Encoding(_) => "encoding",
            InvalidEncoding => "invalid-encoding",
            Binary => "binary",
            TooLong(_) => "too-long",
            Json(_) => "json",
            Ragged { .. } => "ragged",
            UnclosedQuote(_) => "unclosed-quote",
            TooExpanded(_) => "too-expanded",
            Unsupported(..) => "unsupported",
            Encrypted => "encrypted",
            NestedArchive => "nested-archive",
            Parquet(_) => "parquet",
            Arrow(_) => "arrow",
            Database(_) => "database",
            NoTextLayer => "no-text-layer",
            Document(_) => "document",
            Export { .. } => "export",
            UnknownExport(_) => "unknown-export",
            Warc(_) => "warc",
            UnreadRecords(_) => "unread-records",
            Withdrawn => "withdrawn",
            Xml(_) => "xml",
            NeedsFile(_) => "needs-file",
            Empty => "empty",
            NoText => "no-text",
            UnknownFields(_) => "unknown-fields",
            NoHeader { .. } => "no-header",
            TitlesOnly => "titles-only",
            Field(_) => "field",
            Date(_) => "date",
            ImplausibleDate(_) => "implausible-date",
            AmbiguousDate(_) => "ambiguous-date",
            DateOrder(..) => "date-order",
            DuplicateId(_) => "duplicate-id",
            LinkLoop => "link-loop",
            DuplicateFile => "duplicate-file",
            NotRead(_) => "not-read",
            Hidden(_) => "hidden",
            UnreadFiles { .. } => "unread-files",
            NoMainText => "no-main-text",
            ChromeOnly => "chrome-only",
        }
    }

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
                Compressed(_)
                    | Changed
                    | TooExpanded(_)
                    | NotRead(_)
                    | Hidden(_)
                    | Ragged { .. }
                    | UnclosedQuote(_)
                    | Field(_)
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

fn write_unclosed_quote(f: &mut fmt::Formatter<'_>, rows: usize) -> fmt::Result {
    write!(f, "a quote opens here and takes in {rows} lines that look like rows; read as one record")
}

fn write_unknown_fields(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    let names = list_names(names.iter().map(String::as_str));
    write!(f, "no column is known as a text or a title; skipped; columns: {names}")
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoticeKind::Unreadable(e) => write!(f, "cannot be read ({e}); skipped"),
            NoticeKind::Compressed(e) => {
                write!(f, "the compressed data is corrupt ({e}); read up to that point")
            }
            NoticeKind::Changed => {
                f.write_str("changed while it was read; what was read may be neither version")
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
            NoticeKind::TooLong(limit) if limit % (1 << 20) == 0 => {
                write!(f, "longer than {} MiB; skipped", limit >> 20)
            }
            NoticeKind::TooLong(limit) => write!(f, "longer than {limit} bytes; skipped"),
            NoticeKind::Json(e) => write!(f, "invalid JSON ({e}); skipped"),
            NoticeKind::Ragged { expected, found } => {
                write!(f, "{found} cells where the header has {expected}; known cells read")
            }
            NoticeKind::UnclosedQuote(rows) => write_unclosed_quote(f, *rows),
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
            NoticeKind::UnknownFields(names) => write_unknown_fields(f, names),
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
            NoticeKind::Hidden(format) => write!(f, "hidden, and named like {}; not read", format.name()),
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
            NoticeKind::ChromeOnly => f.write_str("no article text, only page chrome; compared by its title"),
        }
    }
}

/// Names with commas between them; of many, the first and how many more there are.
pub(super) fn list_names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    /// More names do not help to find one.
    const MAX_NAMES: usize = 40;
    let more = names.len().saturating_sub(MAX_NAMES);
    let mut list = names.take(MAX_NAMES).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_line_of_json() {
        let notice = Notice { path: "a\nb.csv".into(), line: 7, kind: NoticeKind::NoText };
        assert_eq!(
            notice.to_json_line(),
            r#"{"path":"a\nb.csv","line":7,"kind":"no-text","message":"has neither a text nor a title; skipped","skipped":true,"information":false}"#
        );
    }

    #[test]
    fn counts_what_is_not_shown_by_kind() {
        let notice = |kind: NoticeKind| Notice { path: "a".into(), line: 1, kind };
        let all: Vec<Notice> = (0..3)
            .map(|_| notice(NoticeKind::Empty))
            .chain((0..5).map(|_| notice(NoticeKind::NoText)))
            .chain([notice(NoticeKind::LinkLoop)])
            .collect();
        let counts: NoticeCounts = all.iter().collect();
        assert_eq!(counts.total(), 9);
        assert_eq!(counts.without(&all[..4].iter().collect()), [("no-text", 4), ("link-loop", 1)]);
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names: Vec<String> = (0..42).map(|n| n.to_string()).collect();
        let list = list_names(names.iter().map(String::as_str));
        assert!(list.starts_with("0, 1, ") && list.ends_with(", 39 and 2 more"), "{list}");
    }
}

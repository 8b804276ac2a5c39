//! What was wrong with an input, where, and what was done about it.

use std::{fmt, path::PathBuf};

/// One thing that was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The file, or `-`.
    pub path: PathBuf,
    /// The line, from 1; 0 where it is the whole file.
    pub line: u64,
    /// What it was.
    pub kind: NoticeKind,
}

/// The kinds of bad input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeKind {
    /// The file could not be opened or read to its end.
    Unreadable(String),
    /// The compressed data ends early or is broken; what came before was read.
    Compressed(String),
    /// Bytes that are not UTF-8, read as windows-1252.
    Encoding,
    /// UTF-16 with halves of pairs or of units, which were read as U+FFFD.
    Utf16,
    /// NUL bytes: not text at all.
    Binary,
    /// A record longer than the limit, in bytes.
    TooLong(u64),
    /// JSON that cannot be parsed.
    Json(String),
    /// A row with another number of cells than the header.
    Ragged {
        /// Cells that the header has.
        expected: usize,
        /// Cells that the row has.
        found: usize,
    },
    /// A quote that opens here and takes in so many lines that look like rows.
    OpenQuote(usize),
    /// CSV that cannot be parsed.
    Csv(String),
    /// A Parquet file that cannot be read, or not to its end.
    Parquet(String),
    /// A file without a byte.
    Empty,
    /// A record without text and title.
    NoText,
    /// A file of several records of which none has a text.
    TitlesAlone,
    /// A field of the wrong type.
    Field(String),
    /// A date that no known form fits.
    Date(String),
    /// An id that another story has; the new id.
    DuplicateId(String),
    /// A link that leads back to a folder above it.
    Loop,
    /// A file that was read already, by this name or another.
    Twice,
    /// A web page whose main text could not be told from the rest: all of its text was read.
    NoMainText,
    /// A story of which only furniture or credits were left.
    OnlyFurniture,
}

impl NoticeKind {
    /// Whether the record gave no story.
    pub fn skips(&self) -> bool {
        use NoticeKind::*;
        matches!(
            self,
            Unreadable(_) | Binary | TooLong(_) | Json(_) | Csv(_) | Parquet(_) | Empty | NoText | Loop
        )
    }

    /// Whether the file may hold stories that were not read, or not under their ids.
    pub fn hides_stories(&self) -> bool {
        use NoticeKind::*;
        self.skips() || matches!(self, Compressed(_) | Ragged { .. } | OpenQuote(_) | Field(_))
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

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoticeKind::Unreadable(e) => write!(f, "cannot be read ({e}); skipped"),
            NoticeKind::Compressed(e) => write!(f, "the compressed data is broken ({e}); read up to there"),
            NoticeKind::Encoding => f.write_str("not UTF-8; read as windows-1252"),
            NoticeKind::Utf16 => f.write_str("broken UTF-16; what is broken is read as U+FFFD"),
            NoticeKind::Binary => f.write_str("holds NUL bytes, so it is no text; skipped"),
            NoticeKind::TooLong(limit) => write!(f, "longer than {} MiB; skipped", limit >> 20),
            NoticeKind::Json(e) => write!(f, "not valid JSON ({e}); skipped"),
            NoticeKind::Ragged { expected, found } => {
                write!(f, "{found} cells where the header has {expected}; read as far as they go")
            }
            NoticeKind::OpenQuote(rows) => {
                write!(
                    f,
                    "a quote opens here and takes in {rows} lines that look like rows; read as one record"
                )
            }
            NoticeKind::Csv(e) => write!(f, "not valid CSV ({e}); skipped"),
            NoticeKind::Parquet(e) => write!(f, "not read, or not to its end ({e})"),
            NoticeKind::Empty => f.write_str("empty; skipped"),
            NoticeKind::NoText => {
                f.write_str("has neither a text nor a title; skipped (--field text=NAME names the field)")
            }
            NoticeKind::TitlesAlone => f.write_str(
                "no record has a text, so titles alone are compared (--field text=NAME names the field)",
            ),
            NoticeKind::Field(name) => {
                write!(f, "the field {name} is neither a string nor a number; left out")
            }
            NoticeKind::Date(text) => write!(f, "{text:?} is no date that is known; left out"),
            NoticeKind::DuplicateId(id) => write!(f, "an earlier story has the same id; renamed to {id}"),
            NoticeKind::Loop => f.write_str("a link that leads back to itself; not followed"),
            NoticeKind::Twice => f.write_str("was read already, under this name or another; read once"),
            NoticeKind::NoMainText => {
                f.write_str("the main text could not be told from the rest; read whole")
            }
            NoticeKind::OnlyFurniture => f.write_str("holds nothing but page furniture; read as a headline"),
        }
    }
}

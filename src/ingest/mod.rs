//! Files to stories.
//!
//! [`read`] takes files, folders and streams. `formats` holds one reader per format, which give their records to a sink.
//! A record that cannot be read gives a [`Notice`] with its place, and reading goes on.

mod archive_members;
mod content;
mod copy;
mod date_column;
mod decode;
mod domain;
mod fields;
mod formats;
mod headline;
mod input;
mod lines;
mod markup;
mod notice;
mod packing;
mod sink;
#[cfg(test)]
mod tests;
mod walk;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

pub use content::FileGroup;
pub use copy::{RecordSource, copy_records, to_json_line};
pub use decode::Charset;
pub use fields::FieldMap;
pub use formats::{
    Format,
    json::{read_json_line, read_json_record},
};
pub use notice::{Notice, NoticeKind};

use crate::{Result, corpus::DateOrder, progress::Progress, progress::Stage, story::Story};
use sink::StorySink;

/// One input of stories.
pub enum Input {
    /// A file, or a folder that is searched for files.
    Path(PathBuf),
    /// A stream whose format is detected by its first bytes.
    Stdin(Box<dyn Read + Send>),
}

/// How stories are read.
#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    /// Where the fields of a record are found.
    pub fields: FieldMap,
    /// The format of every input; by file extension or first bytes if `None`.
    pub format: Option<Format>,
    /// Whether hidden files of a folder are read too.
    pub hidden: bool,
    /// Whether `.gitignore`, `.ignore` and git's own exclude files are respected in folders.
    pub respect_ignore: bool,
    /// The encoding of every input; detected if `None`.
    pub encoding: Option<Charset>,
    /// Where the list of records is in a JSON object, with dots between keys; found by its structure if `None`.
    pub records: Option<String>,
    /// The delimiter of tables; by their header, or by their rows, if `None`.
    pub delimiter: Option<u8>,
    /// Whether tables have no header. The fields are then found by column numbers, or guessed.
    pub no_header: bool,
    /// The order of day and month in dates of numbers; by the dates of each input if `None`.
    pub date_order: Option<DateOrder>,
}

/// The stories of all inputs, and what was wrong with the inputs.
#[must_use]
#[derive(Debug, Default)]
pub struct IngestOutcome {
    /// In the order of the inputs; files of a folder by path.
    pub stories: Vec<Story>,
    /// What was wrong with the inputs, in the same order.
    pub notices: Vec<Notice>,
    /// How the inputs were read where there was a choice; nothing is wrong.
    pub information: Vec<Notice>,
    /// Files that were opened.
    pub files: u64,
    /// Records in these files.
    pub records: u64,
    /// Records that gave no story.
    pub skipped: u64,
}

/// Reads all `inputs`. What is wrong inside an input is a [`Notice`], not an error.
///
/// # Errors
/// [`crate::Error::Io`] if a path does not exist; [`crate::Error::Interrupted`] if `progress` is cancelled.
pub fn read(inputs: Vec<Input>, options: &IngestOptions, progress: &dyn Progress) -> Result<IngestOutcome> {
    progress.begin(Stage::Ingest, walk::total_bytes(&inputs));
    let mut sink = StorySink::new(options);
    for input in inputs {
        match input {
            Input::Stdin(stream) => input::read_stream(Path::new("-"), stream, &mut sink, progress)?,
            Input::Path(path) => {
                for file in walk::files(&path, options, &mut sink)? {
                    input::read_file(&file, &mut sink, progress)?;
                }
            }
        }
    }
    progress.end(Stage::Ingest);
    Ok(sink.finish())
}

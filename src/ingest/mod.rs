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
mod field_usage;
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
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
};

pub use content::FileGroup;
pub use copy::{FileFormat, RecordFormat, RecordSource, copy_records, to_json_line};
pub use decode::Charset;
pub use field_usage::FieldUsage;
pub use fields::FieldMap;
pub use formats::{
    Format,
    json::{read_json_line, read_json_record},
};
pub use notice::{Notice, NoticeCounts, NoticeKind};

use crate::{Result, corpus::DateOrder, progress::Progress, progress::Stage, story::Story};
use sink::StorySink;

/// The notices of each list that an [`IngestOutcome`] holds; later ones are counted.
pub const MAX_NOTICES: usize = 1000;

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
    /// The longest record, in bytes; [`DEFAULT_MAX_RECORD`] if `None`. A longer one is skipped with a notice.
    pub max_record: Option<u64>,
}

/// The longest record that is read unless another limit is given: 64 MiB.
pub const DEFAULT_MAX_RECORD: u64 = 64 << 20;

impl IngestOptions {
    /// The longest record, in bytes.
    pub(crate) fn max_record(&self) -> u64 {
        self.max_record.unwrap_or(DEFAULT_MAX_RECORD)
    }
}

/// The stories of all inputs, and what was wrong with the inputs.
#[must_use]
#[derive(Debug, Default)]
pub struct IngestOutcome {
    /// In the order of the inputs; files of a folder by path.
    pub stories: Vec<Story>,
    /// What was wrong with the inputs, in the same order: the first [`MAX_NOTICES`] notices.
    pub notices: Vec<Notice>,
    /// How many notices there were, of each kind.
    pub notice_counts: NoticeCounts,
    /// How the inputs were read where there was a choice; nothing is wrong. At most [`MAX_NOTICES`].
    pub information: Vec<Notice>,
    /// Files that may hold stories which were not read.
    pub incomplete: BTreeSet<PathBuf>,
    /// Which names of records were read as which fields.
    pub fields: FieldUsage,
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
/// [`crate::Error::Io`] if a path does not exist; [`crate::Error::FieldNotFound`] if a field that `options` state is that of
/// no record; [`crate::Error::Interrupted`] if `progress` is cancelled.
pub fn read(inputs: Vec<Input>, options: &IngestOptions, progress: &dyn Progress) -> Result<IngestOutcome> {
    read_with(inputs, options, &mut |_| {}, progress)
}

/// As [`read`], and calls `on_notice` with every notice and every information, also those that the outcome does not hold.
///
/// # Errors
/// Those of [`read`].
pub fn read_with(
    inputs: Vec<Input>,
    options: &IngestOptions,
    on_notice: &mut dyn FnMut(&Notice),
    progress: &dyn Progress,
) -> Result<IngestOutcome> {
    progress.begin(Stage::Ingest, walk::total_bytes(&inputs));
    let mut sink = StorySink::new(options);
    sink.on_notice = Some(on_notice);
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
    let outcome = sink.finish();
    outcome.fields.check(&options.fields)?;
    Ok(outcome)
}

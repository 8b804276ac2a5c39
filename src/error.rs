//! The typed errors of the library, each with the path or id that it concerns.
//!
//! An `Error` means that the caller can act. What to do next depends on the caller: a command line names an option, a
//! service its configuration. So errors carry a kind to choose a hint by ([`Setting`], [`FileKind`], [`StoreFault`], …),
//! and no hint. Bad records of the input are not errors but notices: the run goes on.

use std::path::PathBuf;

/// The library's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong, with the place where it did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "read", "write", "map".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// No model was given.
    #[error("no model was given")]
    NoModel,
    /// A model file is missing.
    #[error("the model file {} is missing", path.display())]
    ModelMissing {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// A model is neither a folder nor in the local cache.
    #[error("the model {name} is missing")]
    ModelNotFound {
        /// The folder or id that was asked for.
        name: String,
    },
    /// The name of a model is neither that of a folder nor an id.
    #[error("{name:?} is neither a folder nor an id such as org/name")]
    ModelName {
        /// The name that was given.
        name: String,
    },
    /// A model could not be downloaded.
    #[error("cannot download {}: {message}", file.display())]
    Download {
        /// The model's id, with the file.
        file: PathBuf,
        /// The error of the client.
        message: String,
    },
    /// A model file is there, but is not what it should be.
    #[error("the model file {file} is not usable: expected {expected}, found {found}")]
    Model {
        /// The file.
        file: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// The tokenizer failed on a text.
    #[error("the tokenizer failed: {message}")]
    Tokenizer {
        /// The tokenizer's own message.
        message: String,
    },
    /// A device was asked for that is not available.
    #[error("device {device} is not available: {reason}")]
    Device {
        /// The device as it was asked for.
        device: String,
        /// Why it is not available, in words.
        reason: String,
        /// The kind of reason.
        fault: DeviceFault,
    },
    /// A tensor operation failed.
    #[error("the computation on {device} failed")]
    Compute {
        /// The device.
        device: String,
        /// The error of the tensor library.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A device's memory does not hold what is to be computed at once.
    #[error("the memory of {device} does not hold {what} at once")]
    OutOfMemory {
        /// The device.
        device: String,
        /// What did not fit.
        what: String,
    },
    /// A setting has a value that cannot be used.
    #[error("{setting}: {message}")]
    Setting {
        /// The setting.
        setting: Setting,
        /// Why its value cannot be used.
        message: String,
    },
    /// A file that a setting names is not what it should be.
    #[error("{}: not a {kind}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should be.
        kind: FileKind,
        /// What is wrong with it.
        message: String,
    },
    /// A line of a file that a setting names is not what it should be.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What the file should be.
        kind: FileKind,
        /// What is wrong with the line.
        message: String,
    },
    /// Decisions that contradict one another: a must-link and a cannot-link on the same stories.
    #[error("{}:{line}: {a:?} and {b:?} are different here, but other lines join them by \"same\"", path.display())]
    DecisionConflict {
        /// The file.
        path: PathBuf,
        /// The line of the cannot-link decision, from 1.
        line: u64,
        /// The id of one story.
        a: String,
        /// The id of the other.
        b: String,
    },
    /// A table could not be written as TOML: a fault of this library.
    #[error("the {kind} cannot be written: {message}")]
    Serialize {
        /// What was to be written.
        kind: FileKind,
        /// The serializer's message.
        message: String,
    },
    /// No story was found in the input.
    #[error("no story was found in {place}")]
    NoStories {
        /// Where they were looked for.
        place: String,
    },
    /// A field was named that no record has.
    #[error("no record has {path:?}, named as the field {field}; fields seen: {}", seen.join(", "))]
    FieldNotFound {
        /// The field of a story.
        field: &'static str,
        /// The name or path that was given for it.
        path: String,
        /// The names that records have, in the order in which they were met.
        seen: Vec<String>,
    },
    /// A file of records was to be written in a format that they are not written in.
    #[error("{}: {message}", path.display())]
    OutputFormat {
        /// The file.
        path: PathBuf,
        /// What is wrong with its name.
        message: String,
    },
    /// A story was asked for by an id that no story has.
    #[error("no story has the id {id:?}")]
    UnknownStory {
        /// The id asked for.
        id: String,
    },
    /// A stream into a worker is not what it should be.
    #[error("the stream of {stream}: {message}")]
    Stream {
        /// The name and version of the stream that was expected.
        stream: &'static str,
        /// The kind of fault.
        fault: StreamFault,
        /// What is wrong with it, in words.
        message: String,
    },
    /// A store could not be read or written.
    #[error("the store {}: {message}", path.display())]
    Store {
        /// The store's folder or file.
        path: PathBuf,
        /// The kind of fault.
        fault: StoreFault,
        /// What is wrong with it, in words.
        message: String,
    },
    /// A store is being written to by another process.
    #[error("the store {} is being written to by {holder}", path.display())]
    StoreBusy {
        /// The store's folder.
        path: PathBuf,
        /// The process that holds the lock.
        holder: String,
    },
    /// A run that commits as it goes was cancelled.
    #[error("stopped before the end; {done}")]
    Stopped {
        /// What was done by then.
        done: String,
    },
    /// A run was cancelled.
    #[error("stopped before the end; nothing was written")]
    Interrupted,
}

/// A setting that has a value of its own to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// Where the fields of a record are found.
    Field,
    /// The hours that halve the score of a link.
    HalfLife,
    /// Which story of a group is kept.
    Keep,
    /// The coverage from which a story is a copy.
    MinCoverage,
    /// What the layers of a model are computed in.
    Precision,
    /// Which relations are removed.
    Remove,
    /// The rule table.
    Rules,
    /// The number of threads.
    Threads,
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Setting::Field => "field",
            Setting::HalfLife => "half-life",
            Setting::Keep => "keep policy",
            Setting::MinCoverage => "minimum coverage",
            Setting::Precision => "precision",
            Setting::Remove => "relations to remove",
            Setting::Rules => "rule table",
            Setting::Threads => "threads",
        })
    }
}

/// A file that people or this library write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A list of boilerplate passages, in TOML.
    Boilerplate,
    /// Decisions on pairs of stories, as JSON lines.
    Decisions,
    /// Compared pairs with their features, as JSON lines.
    Pairs,
    /// A rule table, in TOML.
    RuleTable,
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FileKind::Boilerplate => "list of boilerplate",
            FileKind::Decisions => "file of decisions",
            FileKind::Pairs => "file of pairs",
            FileKind::RuleTable => "rule table",
        })
    }
}

/// Why a device is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceFault {
    /// This build lacks the cargo feature of that name.
    NotBuilt(&'static str),
    /// No device has that name.
    UnknownName,
    /// The processor lacks the instruction set, or there is none of that name.
    InstructionSet,
    /// Other programs hold its memory.
    MemoryTaken,
    /// The driver is not installed.
    NoDriver,
    /// A library of the vendor could not be loaded.
    NoLibrary,
    /// The driver sees no such GPU.
    NoGpu,
    /// The driver and its library are of different versions.
    DriverMismatch,
    /// The driver is older than this build needs.
    OldDriver,
    /// It computes wrong values.
    WrongValues,
    /// Anything else.
    Other,
}

/// What is wrong with a stream into a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFault {
    /// It is no Arrow IPC stream.
    NotArrow,
    /// It ends early or is broken.
    Truncated,
    /// It is another stream, or of another version.
    OtherStream,
    /// Its passages were made by another version of the text rules.
    TextVersion,
    /// Its vectors are of another model or precision.
    OtherModel,
    /// A column is missing or of another type.
    Columns,
    /// A value is out of order or out of range.
    Values,
    /// Its schema lacks the number of stories that the words were counted in.
    StoryCount,
}

/// What is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// There is none in the folder.
    Missing,
    /// It was written by another version of this library.
    Version,
    /// Its vectors are of another model.
    OtherModel {
        /// The name of the store's model.
        model: String,
    },
    /// Its vectors are of the same model in another precision, or of other files of the same name.
    OtherPrecision,
    /// Vectors of zero values.
    NoDimensions,
    /// Records do not fit their digests.
    Records,
    /// Its tables are other than this library makes them.
    Schema,
    /// The database file is damaged.
    Damaged,
    /// The disk is full.
    DiskFull,
    /// The folder or file cannot be written.
    ReadOnly,
    /// Another program holds it.
    Locked,
    /// New decisions contradict those that it keeps.
    DecisionConflict,
    /// Anything else.
    Other,
}

impl Error {
    /// An [`Error::Io`] for `path`, to be used with `map_err`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }
}

//! The typed errors of the library, each with the path or id it speaks of.
//!
//! An `Error` means that the caller can act; [`Error::hint`] says how. Bad records of the input are not
//! errors but notices: the run goes on.

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
        /// What the system said.
        source: std::io::Error,
    },
    /// A model file is missing.
    #[error("the model file {} is missing", path.display())]
    ModelMissing {
        /// The file that was looked for.
        path: PathBuf,
        /// What to do about it.
        hint: String,
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
        /// What the tokenizer said.
        message: String,
    },
    /// A device was asked for that is not there.
    #[error("device {device} is not available: {reason}")]
    Device {
        /// The device as it was asked for.
        device: String,
        /// Why it is not there.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// A tensor operation failed.
    #[error("the computation on {device} failed")]
    Compute {
        /// The device.
        device: String,
        /// What candle said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A device's memory does not hold what is to be computed at once.
    #[error("the memory of {device} does not hold {what} at once")]
    OutOfMemory {
        /// The device.
        device: String,
        /// How much it was.
        what: String,
    },
    /// An option's value makes no sense.
    #[error("{option}: {message}")]
    Option {
        /// The option.
        option: String,
        /// Why its value does not do.
        message: String,
        /// What would.
        hint: String,
    },
    /// A line of a file that an option names is not what it should be.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// No story was found in the input.
    #[error("no story was found in {place}")]
    NoStories {
        /// Where they were looked for.
        place: String,
        /// What to do about it.
        hint: String,
    },
    /// A story was asked for by an id that is not there.
    #[error("no story has the id {id:?}")]
    UnknownStory {
        /// The id asked for.
        id: String,
        /// The nearest ids, if any.
        hint: String,
    },
    /// A stream into a stage is not what it should be.
    #[error("the stream of {stream}: {message}")]
    Stream {
        /// The name and version of the stream that was expected.
        stream: &'static str,
        /// What is wrong with what came.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A store could not be read or written.
    #[error("the store {}: {message}", path.display())]
    Store {
        /// The store's folder or file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A store is being written to by another process.
    #[error("the store {} is being written to by {holder}", path.display())]
    StoreBusy {
        /// The store's folder.
        path: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// Ctrl-C in a command that commits as it goes.
    #[error("stopped before the end; {done}")]
    Stopped {
        /// What was done.
        done: String,
        /// How to go on.
        hint: String,
    },
    /// Ctrl-C.
    #[error("stopped before the end; nothing was written")]
    Interrupted,
}

impl Error {
    /// The next step for the user, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Io { action, source, .. } => Some(match source.kind() {
                std::io::ErrorKind::NotFound => "check the path".into(),
                std::io::ErrorKind::PermissionDenied => format!("you have no permission to {action} it"),
                std::io::ErrorKind::StorageFull => "the disk is full: free some space and run again".into(),
                std::io::ErrorKind::AlreadyExists => "there is a file of this name: give another name".into(),
                std::io::ErrorKind::NotADirectory => "what should be a folder on this path is a file".into(),
                std::io::ErrorKind::IsADirectory => "it is a folder: give a file".into(),
                _ => source.to_string(),
            }),
            Error::Model { .. } => {
                Some("get the model again: samestory model verify <folder> checks every file".into())
            }
            Error::ModelMissing { hint, .. }
            | Error::Device { hint, .. }
            | Error::Option { hint, .. }
            | Error::Line { hint, .. }
            | Error::NoStories { hint, .. }
            | Error::Stream { hint, .. }
            | Error::UnknownStory { hint, .. }
            | Error::Store { hint, .. }
            | Error::Stopped { hint, .. } => Some(hint.clone()),
            Error::Compute { source, .. } => {
                // candle puts a backtrace below its message.
                let said = source.to_string();
                let said = said.lines().next().unwrap_or_default();
                Some(format!("{said}; --device cpu works everywhere"))
            }
            Error::OutOfMemory { .. } => Some("free some of it, or use --device cpu".into()),
            Error::StoreBusy { .. } => Some("run again when it is done; reading goes on meanwhile".into()),
            Error::Tokenizer { .. } | Error::Interrupted => None,
        }
    }

    /// An [`Error::Io`] for `path`, to be used with `map_err`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }
}

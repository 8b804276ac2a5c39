//! What ends a command: an error of the library, or an option that cannot be used; with the next step for the user.

use std::{io, path::PathBuf};

use samestory::Error;

use crate::hints;

/// The result of a command.
pub type Result<T> = std::result::Result<T, CliError>;

/// What can go wrong in a command.
#[derive(Debug)]
pub enum CliError {
    /// An option, an environment variable or a file that it names cannot be used.
    Usage {
        /// The option as it is written: `--group`.
        option: String,
        /// Why it cannot be used.
        message: String,
        /// What to do instead.
        hint: String,
    },
    /// An error of the library.
    Library(Error),
    /// An error of the library for which this command knows a better hint than [`hints::hint`] has.
    Hinted {
        /// The error.
        error: Error,
        /// What to do about it.
        hint: String,
    },
}

impl CliError {
    /// `error`, with a hint of this command.
    pub fn hinted(error: Error, hint: impl Into<String>) -> Self {
        CliError::Hinted { error, hint: hint.into() }
    }

    /// An [`Error::Io`] for `path`, to be used with `map_err`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> CliError {
        let error = Error::io(action, path);
        move |source| CliError::Library(error(source))
    }

    /// The error of the library, if it is one.
    pub fn library(&self) -> Option<&Error> {
        match self {
            CliError::Usage { .. } => None,
            CliError::Library(error) | CliError::Hinted { error, .. } => Some(error),
        }
    }

    /// What went wrong, in one line as far as the message has one.
    pub fn message(&self) -> String {
        match self {
            CliError::Usage { option, message, .. } => format!("{option}: {message}"),
            CliError::Library(error) | CliError::Hinted { error, .. } => hints::message(error),
        }
    }

    /// The next step for the user, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            CliError::Usage { hint, .. } | CliError::Hinted { hint, .. } => Some(hint.clone()),
            CliError::Library(error) => hints::hint(error),
        }
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        CliError::Library(error)
    }
}

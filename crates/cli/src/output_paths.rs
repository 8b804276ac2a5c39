//! The files that a command is to write, looked at before it begins.

use std::path::{Path, PathBuf};

use samestory::{
    ingest::Format,
    store::{DATABASE, WRITER_LOCK},
};

use crate::{
    error::{CliError, Result},
    input, output,
};

/// Refuses outputs that would take the place of what is read or of one another, and those that cannot be written.
pub fn check(inputs: &[PathBuf], outputs: &[(&str, Option<&Path>)]) -> Result<()> {
    let mut met: Vec<(&str, PathBuf)> = Vec::new();
    for (option, path) in outputs {
        let Some(path) = path else { continue };
        let refuse = |message: String, hint: &str| {
            Err(CliError::Usage { option: (*option).into(), message, hint: hint.into() })
        };
        let shown = output::printable_path(path);
        // A device or a pipe is written to, not replaced.
        if output::is_device(path) {
            continue;
        }
        if path.is_dir() {
            return refuse(format!("{shown} is a folder"), "name a file");
        }
        let real = real(path)?;
        if is_of_a_store(&real) {
            return refuse(format!("{shown} belongs to a store"), "name another file");
        }
        if real.is_file() && real.extension().is_some_and(|e| e == "safetensors") {
            return refuse(format!("{shown} holds the weights of a model"), "name another file");
        }
        if let Some((other, _)) = met.iter().find(|(_, file)| *file == real) {
            return refuse(format!("{shown} is written by {other} too"), "name another file");
        }
        for path in inputs.iter().filter(|path| !input::is_stdin(path)) {
            let Ok(input) = path.canonicalize() else { continue };
            if real == input {
                return refuse(format!("{shown} is read, and would be overwritten"), "name another file");
            }
            if real.is_file() && real.starts_with(&input) && Format::from_path(&real).is_some() {
                return refuse(
                    format!("{shown} lies in a folder that is read, and would be overwritten"),
                    "name a file elsewhere, or remove that one if it is of an earlier run",
                );
            }
        }
        met.push((option, real));
    }
    Ok(())
}

/// Whether `file` is what a store consists of; what it can make again may go.
fn is_of_a_store(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_part = name.starts_with(DATABASE) || name == WRITER_LOCK;
    is_part && file.parent().is_some_and(|folder| folder.join(DATABASE).is_file())
}

/// `path` without links, also where the last leads to nothing yet. An error if a file cannot be made beside it.
fn real(path: &Path) -> Result<PathBuf> {
    let real = path.canonicalize().or_else(|_| {
        let path = output::followed(path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(folder.canonicalize()?.join(path.file_name().unwrap_or_default()))
    });
    let real = real.map_err(CliError::io("write", path))?;
    if let Some(folder) = real.parent() {
        tempfile::tempfile_in(folder).map_err(CliError::io("write", path))?;
    }
    Ok(real)
}

//! Where output goes: standard output, or a file that appears whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write, stdout},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use samestory::{Error, report::sanitize_line};
use tempfile::NamedTempFile;

use crate::{
    error::{CliError, Result},
    signals::{Stoppable, Waiting, stopped, waiting},
};

/// Files that have no name of their own yet: they go if the run ends before they are whole.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A poisoned lock means that a thread panicked; the list is still right.
fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes files that are being written, for a process that ends now. No new one is begun after that.
pub fn remove_unfinished() {
    let files = unfinished();
    for file in files.iter() {
        // Its name says what it is.
        let _ = fs::remove_file(file);
    }
    // Whoever begins another one waits for the end of the process.
    std::mem::forget(files);
}

/// A path without characters that control a terminal.
pub fn printable_path(path: &Path) -> String {
    sanitize_line(&path.display().to_string(), 400)
}

/// Who may read an output that is made of files.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The permissions that all of the files have.
    #[cfg(unix)]
    mode: Option<u32>,
}

impl Access {
    /// That of whoever may read all `files`, of which some may be gone.
    #[cfg(unix)]
    pub fn of_files<'a>(files: impl Iterator<Item = &'a Path>) -> Access {
        use std::os::unix::fs::PermissionsExt;
        let (mut mode, mut last) = (None, Path::new(""));
        for file in files {
            // Stories of one file stand one after another.
            if std::mem::replace(&mut last, file) == file {
                continue;
            }
            if let Ok(metadata) = fs::metadata(file).map(|m| m.permissions().mode()) {
                mode = Some(mode.unwrap_or(0o777) & metadata);
            }
        }
        Access { mode }
    }

    /// As the user's other files.
    #[cfg(not(unix))]
    pub fn of_files<'a>(_: impl Iterator<Item = &'a Path>) -> Access {
        Access {}
    }

    /// Takes what this does not allow away from a new file.
    #[cfg(unix)]
    fn restrict(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let Some(mode) = self.mode else { return Ok(()) };
        let own = file.metadata()?.permissions().mode();
        // Whoever writes the file can read it.
        file.set_permissions(fs::Permissions::from_mode(own & (mode | 0o600)))
    }

    #[cfg(not(unix))]
    fn restrict(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `write` on standard output, or on a file beside `path` that takes its name once it is whole.
pub fn write_to(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write_as(path, &Access::default(), write)
}

/// As [`write_to`]; a new file is for those whom `access` allows.
pub fn write_as(
    path: Option<&Path>,
    access: &Access,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let Some(path) = path else {
        let mut out = BufWriter::new(Stoppable(Waiting(stdout().lock())));
        return write(&mut out).and_then(|()| out.flush()).map_err(failed(Path::new("standard output")));
    };
    // A device or a pipe is written to, not replaced; a link stays a link.
    let real = fs::canonicalize(path).unwrap_or_else(|_| followed(path));
    if is_device(&real) {
        let written = waiting(|| File::options().write(true).open(&real)).and_then(|file| {
            let mut out = BufWriter::new(Stoppable(Waiting(file)));
            write(&mut out)?;
            out.flush()
        });
        return written.map_err(failed(path));
    }
    let fill = |file: &NamedTempFile| {
        let mut out = BufWriter::new(Stoppable(file.as_file()));
        write(&mut out)?;
        out.flush()
    };
    replace(&real, access, fill).map_err(failed(path))
}

/// Runs `make` on the path of an empty file beside `path`, which takes its name once it is whole.
pub fn make_file(path: &Path, make: impl FnOnce(&Path) -> samestory::Result<()>) -> Result<()> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| followed(path));
    let mut failure = None;
    let fill = |file: &NamedTempFile| {
        make(file.path()).map_err(|error| {
            failure = Some(error);
            io::Error::other("it could not be made")
        })
    };
    let replaced = replace(&real, &Access::default(), fill);
    match failure {
        Some(error) => Err(error.into()),
        None => replaced.map_err(failed(path)),
    }
}

/// The error for an output that could not be written.
fn failed(path: &Path) -> impl FnOnce(io::Error) -> CliError {
    move |source| {
        CliError::Library(if stopped() {
            Error::Interrupted
        } else {
            Error::Io { action: "write", path: path.into(), source }
        })
    }
}

/// Makes an empty file beside `path`, lets `fill` fill it, and gives it that name.
fn replace(
    path: &Path,
    access: &Access,
    fill: impl FnOnce(&NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    // A new file under a name that nobody can know before: never what a link leads to.
    let mut prefix = path.file_name().unwrap_or_default().to_os_string();
    prefix.push(".");
    #[cfg_attr(not(unix), allow(unused_mut, reason = "only Unix has permissions"))]
    let mut builder = tempfile::Builder::new();
    // As the user's other files: the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // In the same folder, so that the rename stays on one file system.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = {
        let mut unfinished = unfinished();
        let file = builder.prefix(&prefix).suffix(".partial").tempfile_in(folder)?;
        unfinished.push(file.path().into());
        file
    };
    let temporary = file.path().to_path_buf();
    let written = (|| {
        // Who may read a file that is there may read what takes its place, and nobody else.
        match fs::metadata(path) {
            Ok(known) => file.as_file().set_permissions(known.permissions())?,
            Err(_) => access.restrict(file.as_file())?,
        }
        fill(&file)?;
        file.as_file().sync_all()
    })();
    let mut unfinished = unfinished();
    unfinished.retain(|file| *file != temporary);
    // Dropped with an error, the file is removed.
    written.and_then(|()| file.persist(path).map(drop).map_err(|error| error.error))
}

/// Where `path` leads if it is a link, though nothing is there.
pub fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    // No more links than Linux follows.
    for _ in 0..40 {
        let Ok(to) = fs::read_link(&path) else { break };
        path = path.parent().map_or(to.clone(), |folder| folder.join(to));
    }
    path
}

/// Whether `path` is there and neither a file nor a folder, as a pipe is.
pub fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

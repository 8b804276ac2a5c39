//! Where output goes: standard output, or a file that appears whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write, stdout},
    path::{Path, PathBuf},
};

use samestory::{Error, report::sanitize_line};

use crate::error::{CliError, Result};

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
        let mut out = BufWriter::new(stdout().lock());
        return write(&mut out).and_then(|()| out.flush()).map_err(CliError::io("write", "standard output"));
    };
    // A device or a pipe is written to, not replaced; a link stays a link.
    let real = fs::canonicalize(path).unwrap_or_else(|_| followed(path));
    if is_device(&real) {
        let written = File::options().write(true).open(&real).and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            out.flush()
        });
        return written.map_err(CliError::io("write", path));
    }
    let partial = partial_name(&real);
    let result = File::create(&partial).and_then(|file| {
        // Who may read a file that is there may read what takes its place, and nobody else.
        match fs::metadata(&real) {
            Ok(known) => file.set_permissions(known.permissions())?,
            Err(_) => access.restrict(&file)?,
        }
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    });
    let result = result.and_then(|()| fs::rename(&partial, &real));
    result.map_err(|source| {
        // The error is what matters; a partial file that cannot be removed says so by its name.
        let _ = fs::remove_file(&partial);
        CliError::Library(Error::Io { action: "write", path: path.into(), source })
    })
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

/// A name in the same folder, so that the rename stays on one file system.
fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

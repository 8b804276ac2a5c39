//! The lock that admits one writer at a time.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
};

use crate::{Error, Result};

/// The file in the folder of a store that its writer locks.
pub const WRITER_LOCK: &str = "writer.lock";

/// The right to write. It is released when it is dropped, or when the process ends for any reason.
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Acquires the lock of the store in `folder`.
    ///
    /// # Errors
    /// [`Error::StoreBusy`] with the process that holds it, [`Error::Io`] if the file cannot be written.
    pub fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join(WRITER_LOCK);
        let mut file = open(&path).map_err(Error::io("write", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The name serves the message only.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another process".into() } else { holder };
                return Err(Error::StoreBusy { path: folder.into(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
        let name = format!("process {}", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(name.as_bytes()))
            .map_err(Error::io("write", &path))?;
        Ok(WriterLock { _file: file })
    }
}

/// Opens or makes the file, whose contents are replaced: never what a link leads to, nor a file that has other names.
fn open(path: &Path) -> io::Result<File> {
    let file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match File::options().read(true).write(true).create_new(true).open(path) {
                // Another process was quicker; a link that leads nowhere is found below.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    File::options().read(true).write(true).open(path)?
                }
                file => file?,
            }
        }
        file => file?,
    };
    let (opened, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    if named.is_file() && is_only_name(&opened, &named) {
        Ok(file)
    } else {
        Err(io::Error::other("it is a link, or a file with other names: remove it"))
    }
}

#[cfg(unix)]
fn is_only_name(opened: &fs::Metadata, named: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (opened.dev(), opened.ino()) == (named.dev(), named.ino()) && opened.nlink() == 1
}

#[cfg(not(unix))]
fn is_only_name(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_lock_is_never_what_a_link_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let check = |make: &dyn Fn(), expect: bool| {
            fs::write(at("precious"), "precious").unwrap();
            make();
            assert_eq!(WriterLock::acquire(folder.path()).is_ok(), expect);
            assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious");
            assert!(!at("nothing").exists());
            fs::remove_file(at(WRITER_LOCK)).unwrap();
        };
        check(&|| {}, true);
        check(&|| fs::write(at(WRITER_LOCK), "process 1, long ago").unwrap(), true);
        check(&|| symlink(at("precious"), at(WRITER_LOCK)).unwrap(), false);
        check(&|| symlink(at("nothing"), at(WRITER_LOCK)).unwrap(), false);
        check(&|| fs::hard_link(at("precious"), at(WRITER_LOCK)).unwrap(), false);
    }
}

//! The lock that admits one writer at a time.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
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
        let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open().map_err(Error::io("write", &path))?;
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

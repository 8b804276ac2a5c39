//! Connections to the file of a store, also where nothing can be written.

use std::{fmt::Write as _, path::Path};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema::{self, Content};

/// Opens the file at `path`, and looks at what it is.
///
/// To read a database with a write-ahead log, SQLite writes two files beside it. In a folder where it cannot, on a medium
/// that is read-only or of another user, the file is read as it lies, provided that no log waits beside it.
pub fn open(path: &Path, write: bool) -> rusqlite::Result<(Connection, Content)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|db| look_at(db, write));
    match opened {
        Err(error) if !write && cannot_write(&error) => open_read_only(path).unwrap_or(Err(error)),
        opened => opened,
    }
}

/// None if the file alone is not what was committed.
fn open_read_only(path: &Path) -> Option<rusqlite::Result<(Connection, Content)>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // With the log and its index there, and readable, nothing need be written.
    let opened = Connection::open_with_flags(path, flags).and_then(|db| look_at(db, false));
    match opened {
        Err(error) if cannot_write(&error) => {}
        opened => return Some(opened),
    }
    let mut log = path.as_os_str().to_os_string();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let flags = flags | OpenFlags::SQLITE_OPEN_URI;
    Some(Connection::open_with_flags(immutable(path)?, flags).and_then(|db| look_at(db, false)))
}

fn look_at(mut db: Connection, write: bool) -> rusqlite::Result<(Connection, Content)> {
    let content = schema::open(&mut db, write)?;
    Ok((db, content))
}

fn cannot_write(error: &rusqlite::Error) -> bool {
    let denied =
        [ErrorCode::ReadOnly, ErrorCode::CannotOpen, ErrorCode::PermissionDenied, ErrorCode::SystemIoFailure];
    error.sqlite_error_code().is_some_and(|code| denied.contains(&code))
}

/// The address of a file that nobody changes, as SQLite reads it.
#[cfg(unix)]
fn immutable(path: &Path) -> Option<String> {
    use std::os::unix::ffi::OsStrExt;
    let mut address = String::from("file:");
    for byte in std::path::absolute(path).ok()?.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                address.push(char::from(*byte))
            }
            // Writing to a string does not fail.
            _ => drop(write!(address, "%{byte:02X}")),
        }
    }
    Some(address + "?immutable=1")
}

#[cfg(not(unix))]
fn immutable(_: &Path) -> Option<String> {
    None
}

//! An archive of stories with the vectors of their passages: an SQLite database in a folder of its own.
//!
//! A write is one transaction in a write-ahead log that is synced before it counts: what was reported as committed
//! survives a kill or a power cut, and nothing else does. There is one writer at a time (`writer.lock`); readers go on
//! meanwhile.

mod boilerplate_counts;
mod compact;
mod connection;
mod digests;
mod groups;
mod lock;
mod migrate;
mod numbers;
mod reader;
mod rebuild;
mod records;
mod schema;
mod schema_check;
mod sources;
mod status;
mod stories;
mod story_ids;
mod transaction;
mod verify;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

pub use lock::WRITER_LOCK;
use lock::WriterLock;
pub(crate) use numbers::Number;
pub use numbers::{GroupNumber, RowNumber, RunNumber, StoryNumber};
pub use reader::Reader;
pub(crate) use records::EventKind;
pub use records::{StoredEvent, StoredMember, StoredPair, StoredPassage, StoredRow};
use schema::Content;
pub use status::{StoryStatus, digest_stories};
pub(crate) use transaction::WriteTransaction;
pub use verify::{IntegrityReport, StoreInfo};

use crate::{Error, Result, corpus::TEXT_VERSION, error::StoreFault, model::Model};

/// The file in a store's folder that holds everything.
pub const DATABASE: &str = "archive.sqlite";

/// In the names of files that are to become a store's.
const UNFINISHED: &str = ".partial";

/// What the vectors of a store depend on. Vectors of different identities are not mixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name of the model, for messages.
    pub model: String,
    /// The fingerprint of the model, with the version of the rules that make passages: see [`Identity::of`].
    pub fingerprint: String,
    /// The number of values of a vector, at least one.
    pub dim: usize,
}

impl Identity {
    /// The identity of vectors that `model` computes.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        Identity {
            model: model.name.clone(),
            fingerprint: format!("{}-t{TEXT_VERSION}", model.fingerprint()),
            dim: model.config.hidden_size,
        }
    }
}

/// An open store.
pub struct Store {
    folder: PathBuf,
    db: Connection,
    identity: Identity,
    /// The version of its tables.
    version: i64,
    /// The lock of a writer.
    _lock: Option<WriterLock>,
}

impl Store {
    /// Opens the store in `folder` for reading.
    ///
    /// # Errors
    /// [`Error::Store`] if there is none, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::connect(folder, None)
    }

    /// Opens the store in `folder` for writing. A store of an earlier version is migrated.
    ///
    /// # Errors
    /// [`Error::StoreBusy`] if another process has it open for writing; [`Error::Store`] if there is none, or it cannot
    /// be written.
    pub fn open_to_write(folder: &Path) -> Result<Self> {
        let lock = WriterLock::acquire(folder)?;
        Self::connect(folder, Some(lock))
    }

    /// Opens the store in `folder` for writing; creates one if there is none.
    ///
    /// # Errors
    /// As [`Store::open_to_write`], and [`Error::Store`] if the vectors of the store are of another identity.
    pub fn open_or_create(folder: &Path, identity: &Identity) -> Result<Self> {
        if identity.dim == 0 {
            return Err(Error::Store {
                path: folder.into(),
                message: "vectors need at least one dimension".into(),
                fault: StoreFault::NoDimensions,
            });
        }
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let lock = WriterLock::acquire(folder)?;
        let path = folder.join(DATABASE);
        if !path.exists() {
            create(folder, &path, identity)?;
        }
        let store = Self::connect(folder, Some(lock))?;
        store.check_identity(identity)?;
        Ok(store)
    }

    fn connect(folder: &Path, lock: Option<WriterLock>) -> Result<Self> {
        let path = folder.join(DATABASE);
        if !path.is_file() {
            return Err(Error::Store {
                path: folder.into(),
                message: "there is no store".into(),
                fault: StoreFault::Missing,
            });
        }
        let write = lock.is_some();
        let (db, content) = connection::open(&path, write).map_err(failed(&path))?;
        let refuse = |fault, message| Err(Error::Store { path: path.clone(), message, fault });
        let (version, identity) = match content {
            Content::Store { version, identity } => (version, identity),
            Content::Altered(message) => return refuse(StoreFault::Schema, message),
            Content::Unknown => {
                let message = format!("not a store, or one of a version after {}", schema::VERSION);
                return refuse(StoreFault::Version, message);
            }
        };
        let mut store = Store { folder: folder.into(), db, identity, version, _lock: lock };
        if write {
            store.update_boilerplate_counts()?;
        }
        Ok(store)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The identity of its vectors.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Checks that vectors of `identity` can be compared with those of the store.
    ///
    /// # Errors
    /// [`Error::Store`] if they are of another model or precision.
    pub fn check_identity(&self, identity: &Identity) -> Result<()> {
        if self.identity == *identity {
            return Ok(());
        }
        Err(Error::Store {
            path: self.folder.clone(),
            message: format!(
                "its vectors are of {} ({}), not of {} ({})",
                self.identity.model, self.identity.fingerprint, identity.model, identity.fingerprint
            ),
            fault: if self.identity.model == identity.model {
                StoreFault::OtherPrecision
            } else {
                StoreFault::OtherModel { model: self.identity.model.clone() }
            },
        })
    }

    /// A number that changes whenever another connection commits: what was read before may be outdated then.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn data_version(&self) -> Result<i64> {
        self.db.pragma_query_value(None, "data_version", |row| row.get(0)).map_err(self.failed())
    }

    /// Reads what it holds.
    pub fn reader(&self) -> Reader<'_> {
        Reader { db: &self.db, folder: &self.folder }
    }

    /// Begins a transaction.
    pub(crate) fn begin_write(&mut self) -> Result<WriteTransaction<'_>> {
        let failed = self.failed();
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate);
        WriteTransaction::new(transaction.map_err(failed)?, &self.folder)
    }

    fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        failed(&self.folder.join(DATABASE))
    }
}

/// Creates an empty store in the file at `path`, under another name until it is whole: there is a whole store, or none.
fn create(folder: &Path, path: &Path, identity: &Identity) -> Result<()> {
    remove_unfinished(folder).map_err(Error::io("write", folder))?;
    #[cfg_attr(not(unix), allow(unused_mut, reason = "only Unix has permissions"))]
    let mut builder = tempfile::Builder::new();
    // As the user's other files: the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let partial = builder.prefix(DATABASE).suffix(UNFINISHED).tempfile_in(folder);
    let partial = partial.map_err(Error::io("write", path))?.into_temp_path();
    schema::create(&partial, identity).map_err(failed(&partial))?;
    partial.persist(path).map_err(|error| Error::io("write", path)(error.error))
}

/// Removes what killed runs left of stores that they were making. The caller holds the lock.
fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(DATABASE) && name.contains(UNFINISHED)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The error for a failure of SQLite on the file at `path`.
fn failed(path: &Path) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |error| {
        let fault = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreFault::DiskFull,
            // SQLite writes to the folder even for reading.
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                StoreFault::ReadOnly
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreFault::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreFault::Damaged,
            _ => StoreFault::Other,
        };
        Error::Store { path, fault, message: error.to_string() }
    }
}

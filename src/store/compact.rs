//! Removes unused rows and space; copies a store.

use std::path::Path;

use super::Store;
use crate::Result;

impl Store {
    /// Removes the rows that no story contains, and returns unused space to the disk; the number of rows removed.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be written.
    pub fn compact(&mut self) -> Result<u64> {
        let transaction = self.begin_write()?;
        const UNUSED: &str = "NOT IN (SELECT row FROM passages UNION ALL \
                              SELECT title_row FROM stories WHERE title_row IS NOT NULL)";
        // The reference between the tables would remove these by itself, past the digests.
        transaction.delete("rebuilt_vectors", &format!("row {UNUSED}"), [])?;
        let removed = transaction.delete("rows", &format!("number {UNUSED}"), [])?;
        transaction.delete("words", "stories <= 0", [])?;
        transaction.commit()?;
        self.db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").map_err(self.failed())?;
        Ok(removed as u64)
    }

    /// Copies the database into the file at `path`, which is empty or not there: a store of one moment, whoever writes
    /// meanwhile. It is not synced to the disk. Index files are not copied; they are made again.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if this one could not be read, or the file not be written.
    pub fn backup(&self, path: &Path) -> Result<()> {
        let copy = || -> rusqlite::Result<()> {
            self.db.pragma_update(None, "query_only", false)?;
            let copied = self.db.execute("VACUUM INTO ?1", [path.to_string_lossy()]).map(drop);
            copied.and(self.db.pragma_update(None, "query_only", self._lock.is_none()))
        };
        copy().map_err(super::failed(path))
    }
}

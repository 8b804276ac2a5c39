//! Removes unused rows, and returns unused space to the disk.

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
}

//! Removes unused rows, and returns unused space to the disk.

use super::Store;
use crate::Result;

impl Store {
    /// Removes the rows that no story contains, and returns unused space to the disk; the number of rows removed.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the file could not be written.
    pub fn compact(&mut self) -> Result<u64> {
        let compact = || -> rusqlite::Result<u64> {
            let orphans = "DELETE FROM rows WHERE number NOT IN (SELECT row FROM passages) \
                           AND number NOT IN (SELECT title_row FROM stories WHERE title_row IS NOT NULL)";
            let removed = self.db.execute(orphans, [])?;
            self.db.execute("DELETE FROM words WHERE stories <= 0", [])?;
            self.db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
            Ok(removed as u64)
        };
        compact().map_err(self.failed())
    }
}

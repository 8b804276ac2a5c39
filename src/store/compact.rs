//! Giving back the room of what no story uses.

use super::Store;
use crate::Result;

impl Store {
    /// Drops rows that no story has, and gives unused room back to the disk; the number of rows.
    pub fn compact(&mut self) -> Result<u64> {
        let compact = || -> rusqlite::Result<u64> {
            let orphans = "DELETE FROM rows WHERE number NOT IN (SELECT row FROM passages) \
                           AND number NOT IN (SELECT title_row FROM stories WHERE title_row IS NOT NULL)";
            let gone = self.db.execute(orphans, [])?;
            self.db.execute("DELETE FROM words WHERE stories <= 0", [])?;
            self.db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
            Ok(gone as u64)
        };
        compact().map_err(self.failed())
    }
}

//! Files whose stories are all in the store, with a digest of what they held.

use rusqlite::{OptionalExtension, params};

use super::Store;
use crate::Result;

impl Store {
    /// The digest of the file `path` when its stories were last added.
    pub fn source(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let find = || {
            let mut find = self.db.prepare_cached("SELECT digest FROM sources WHERE path = ?1")?;
            find.query_row([path], |row| row.get(0)).optional()
        };
        find().map_err(self.failed())
    }

    /// The files that stories were added from, in order.
    pub fn sources(&self) -> Result<Vec<String>> {
        let list = || {
            let mut list = self.db.prepare("SELECT path FROM sources ORDER BY path")?;
            let paths = list.query_map([], |row| row.get(0))?;
            paths.collect::<rusqlite::Result<Vec<String>>>()
        };
        list().map_err(self.failed())
    }

    /// Notes that all `stories` of the file `path` are in.
    pub fn set_source(&mut self, path: &str, digest: &[u8], stories: u64) -> Result<()> {
        let set = "INSERT OR REPLACE INTO sources VALUES (?1, ?2, ?3)";
        self.db.execute(set, params![path, digest, stories as i64]).map_err(self.failed())?;
        Ok(())
    }

    /// Forgets the file `path`.
    pub fn forget_source(&mut self, path: &str) -> Result<()> {
        self.db.execute("DELETE FROM sources WHERE path = ?1", [path]).map_err(self.failed())?;
        Ok(())
    }
}

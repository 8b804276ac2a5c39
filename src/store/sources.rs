//! Files whose stories are all in the store, with a digest of what they held.

use rusqlite::OptionalExtension;

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

    /// The ids of the stories of the file `path`, in the order they were added.
    pub fn ids_of(&self, path: &str) -> Result<Vec<String>> {
        let list = || {
            let mut list =
                self.db.prepare_cached("SELECT id FROM stories WHERE path = ?1 ORDER BY number")?;
            let ids = list.query_map([path], |row| row.get(0))?;
            ids.collect::<rusqlite::Result<Vec<String>>>()
        };
        list().map_err(self.failed())
    }

    /// Forgets the file `path`.
    pub fn forget_source(&mut self, path: &str) -> Result<()> {
        self.db.execute("DELETE FROM sources WHERE path = ?1", [path]).map_err(self.failed())?;
        Ok(())
    }
}

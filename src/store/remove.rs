//! Taking stories out of a store, and giving back the room.

use rusqlite::params;

use super::Store;
use crate::{Error, Result};

impl Store {
    /// Removes the stories with these ids, all of them or none; an unknown id is an error.
    pub fn remove(&mut self, ids: &[String]) -> Result<u64> {
        let path = self.folder.join(super::DATABASE);
        let change = self.db.transaction().map_err(super::failed(&path))?;
        for id in ids {
            let gone = change.execute("DELETE FROM stories WHERE id = ?1", [id]);
            if gone.map_err(super::failed(&path))? == 0 {
                return Err(Error::UnknownStory {
                    id: id.clone(),
                    hint: "samestory index export lists the ids; nothing was removed".into(),
                });
            }
        }
        change.commit().map_err(super::failed(&path))?;
        Ok(ids.len() as u64)
    }

    /// Removes the stories of the file `path` but those whose ids are in `keep`: they are no longer in it.
    pub fn remove_vanished(&mut self, path: &str, keep: &[String]) -> Result<u64> {
        let file = self.folder.join(super::DATABASE);
        let mut remove = || -> rusqlite::Result<u64> {
            let change = self.db.transaction()?;
            let vanished: Vec<String> = {
                let mut of_path = change.prepare_cached("SELECT id FROM stories WHERE path = ?1")?;
                let ids = of_path.query_map([path], |row| row.get::<_, String>(0))?;
                let keep: std::collections::BTreeSet<&String> = keep.iter().collect();
                ids.filter(|id| id.as_ref().map_or(true, |id| !keep.contains(id)))
                    .collect::<rusqlite::Result<_>>()?
            };
            for id in &vanished {
                change.execute("DELETE FROM stories WHERE id = ?1", params![id])?;
            }
            change.commit()?;
            Ok(vanished.len() as u64)
        };
        remove().map_err(super::failed(&file))
    }

    /// Drops rows that no story has, and gives unused room back to the disk; the number of rows.
    pub fn compact(&mut self) -> Result<u64> {
        let compact = || -> rusqlite::Result<u64> {
            let orphans = "DELETE FROM rows WHERE number NOT IN (SELECT row FROM passages)";
            let gone = self.db.execute(orphans, [])?;
            self.db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
            Ok(gone as u64)
        };
        compact().map_err(self.failed())
    }
}

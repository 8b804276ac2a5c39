//! Files whose stories are all in the store, with a digest of what they held.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use rusqlite::OptionalExtension;

use super::{Store, transaction::tombstone};
use crate::{Error, Result};

impl Store {
    /// What the store calls the file `path`, from whatever folder it is named: relative to the folder that the store
    /// lies in if it is below that, so that both can be moved together, else absolute.
    pub fn source_name(&self, path: &Path) -> Result<PathBuf> {
        let file = absolute(path).map_err(Error::io("read", path))?;
        Ok(file.strip_prefix(self.beside()?).map_or(file.clone(), Path::to_path_buf))
    }

    /// Where the file lies that the store calls `name`; as seen from the working folder if it is below that.
    pub fn source_path(&self, name: &str) -> Result<PathBuf> {
        let file = self.beside()?.join(name);
        let here = env::current_dir().map_err(Error::io("read", "the working folder"))?;
        Ok(file.strip_prefix(here).map_or(file.clone(), Path::to_path_buf))
    }

    /// The file, by its name here, of the story with this id that people took out; none if they did not.
    pub fn tombstone(&self, id: &str) -> Result<Option<String>> {
        self.reader().meta(&tombstone(id))
    }

    /// The folder that the store's folder lies in.
    fn beside(&self) -> Result<PathBuf> {
        let mut folder = absolute(&self.folder).map_err(Error::io("read", &self.folder))?;
        folder.pop();
        Ok(folder)
    }

    /// The digest of the file `path` when its stories were last added.
    pub fn source_digest(&self, path: &str) -> Result<Option<Vec<u8>>> {
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
    pub fn ids_from_source(&self, path: &str) -> Result<Vec<String>> {
        let list = || {
            let mut list =
                self.db.prepare_cached("SELECT id FROM stories WHERE path = ?1 ORDER BY number")?;
            let ids = list.query_map([path], |row| row.get(0))?;
            ids.collect::<rusqlite::Result<Vec<String>>>()
        };
        list().map_err(self.failed())
    }
}

/// `path` from the root, by folders that are no links: the same whatever name they were reached by.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let whole = std::path::absolute(path)?;
    let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
    Ok(match (folder, whole.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        // A folder that is not there has no other name.
        _ => whole,
    })
}

//! The files that the stories of a store came from.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use super::Store;
use crate::{Error, Result};

impl Store {
    /// The name by which the store knows the file `path`: relative to the folder that contains the store if the file is
    /// below that, so that both can be moved together, else absolute.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no working folder.
    pub fn source_name(&self, path: &Path) -> Result<PathBuf> {
        let file = absolute(path).map_err(Error::io("read", path))?;
        Ok(file.strip_prefix(self.parent()?).map_or(file.clone(), Path::to_path_buf))
    }

    /// The path of the file that the store knows as `name`, relative to the working folder if it is below that.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no working folder.
    pub fn source_path(&self, name: &str) -> Result<PathBuf> {
        let file = self.parent()?.join(name);
        let here = env::current_dir().map_err(Error::io("read", "the working folder"))?;
        Ok(file.strip_prefix(here).map_or(file.clone(), Path::to_path_buf))
    }

    /// The folder that contains the store's folder.
    fn parent(&self) -> Result<PathBuf> {
        let mut folder = absolute(&self.folder).map_err(Error::io("read", &self.folder))?;
        folder.pop();
        Ok(folder)
    }

    /// The file, by its name in the store, of a story that people removed; none if they did not. Such a story returns
    /// only when people add it.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn tombstone(&self, id: &str) -> Result<Option<String>> {
        self.reader().one("SELECT path FROM tombstones WHERE id = ?1", [id], |row| row.get(0))
    }

    /// The digest of the stories of the file `path` when they were last added: see [`super::digest_stories`].
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn source_digest(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.reader().one("SELECT digest FROM sources WHERE path = ?1", [path], |row| row.get(0))
    }

    /// The names of the files that stories were added from, in alphabetical order.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn sources(&self) -> Result<Vec<String>> {
        self.reader().all("SELECT path FROM sources ORDER BY path", [], |row| row.get(0))
    }

    /// The ids of the stories of the file `path`, in the order in which they were added.
    ///
    /// # Errors
    /// [`Error::Store`] if the file could not be read.
    pub fn ids_from_source(&self, path: &str) -> Result<Vec<String>> {
        self.reader().all("SELECT id FROM stories WHERE path = ?1 ORDER BY number", [path], |row| row.get(0))
    }
}

/// `path` as an absolute path through folders that are no symbolic links: one file has one such path.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let whole = std::path::absolute(path)?;
    let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
    Ok(match (folder, whole.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        // The folder does not exist.
        _ => whole,
    })
}

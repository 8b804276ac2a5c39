//! Index files: caches in the folder of the store. Each is rebuilt from the store when it is missing, outdated or damaged.
//!
//! A file holds the items up to a number. It belongs to a store if its generation is that of the store, mixed with the
//! digest of its last item: numbers are never reused, but a store can be restored from a copy.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use memmap2::Mmap;

use crate::{Error, Result, search::CorruptFile, store::Reader};

/// The name of the file of rows.
pub(super) const ROWS: &str = "rows.q8";
/// The name of the file of stories.
pub(super) const STORIES: &str = "stories.q8";
/// The name of the file of shingles.
pub(super) const SHINGLES: &str = "shingles";

/// The generation of a file whose last item has this digest.
pub(super) fn generation(reader: Reader<'_>, digest: &[u8]) -> Result<u64> {
    let of_store = reader.meta("generation")?.and_then(|g| g.parse::<u64>().ok()).unwrap_or(0);
    let last = digest.first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    Ok(of_store.rotate_left(32) ^ last)
}

/// Parses the file `name`. None if there is no such file, the inner error if it cannot be used.
pub(super) fn read<T>(
    folder: &Path,
    name: &str,
    parse: impl FnOnce(Mmap) -> std::result::Result<T, CorruptFile>,
) -> Option<std::result::Result<T, String>> {
    let file = match File::open(folder.join(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(error.to_string())),
    };
    // SAFETY: the file is replaced as a whole, never written in place. If another program truncates it, reading raises a
    // bus error, as with any mapped file; the command ends with a message then.
    let map = match unsafe { Mmap::map(&file) } {
        Ok(map) => map,
        Err(error) => return Some(Err(error.to_string())),
    };
    Some(parse(map).map_err(|broken| broken.to_string()))
}

/// Replaces a file as a whole.
pub(super) fn write(
    folder: &Path,
    name: &str,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let path = folder.join(name);
    let replace = || -> io::Result<()> {
        #[cfg_attr(not(unix), allow(unused_mut, reason = "only Unix has permissions"))]
        let mut builder = tempfile::Builder::new();
        // As readable as the store itself: the umask decides.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        let mut out = io::BufWriter::with_capacity(1 << 20, file.as_file_mut());
        body(&mut out)?;
        out.flush()?;
        drop(out);
        file.persist(&path).map_err(|e| e.error)?;
        Ok(())
    };
    replace().map_err(Error::io("write", &path))
}

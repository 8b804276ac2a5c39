//! Files beside the store that spare reading it whole; each is made anew when it is missing, stale or broken.
//!
//! A file holds what had numbers up to its last. It belongs to its store if its generation is that of the store, mixed
//! with the digest of that last item: numbers are never given twice, but a store can be put back from a copy.

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

/// What a file that ends with an item of this digest has as its generation.
pub(super) fn stamp(reader: Reader<'_>, digest: &[u8]) -> Result<u64> {
    let generation = reader.meta("generation")?.and_then(|g| g.parse::<u64>().ok()).unwrap_or(0);
    let last = digest.first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    Ok(generation.rotate_left(32) ^ last)
}

/// What `parse` reads from the file `name`, or why it cannot be used. None if there is no such file.
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
    // SAFETY: the file is replaced as a whole, never written in place; a program that cut it under us would end this
    // one with a bus error, as with any mapped file.
    let map = match unsafe { Mmap::map(&file) } {
        Ok(map) => map,
        Err(error) => return Some(Err(error.to_string())),
    };
    Some(parse(map).map_err(|broken| broken.to_string()))
}

/// Puts a file in place as a whole.
pub(super) fn write(
    folder: &Path,
    name: &str,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let path = folder.join(name);
    let put = || -> io::Result<()> {
        #[cfg_attr(not(unix), allow(unused_mut, reason = "others have no such mask"))]
        let mut builder = tempfile::Builder::new();
        // Whoever may read the store may read this: the user's mask decides, as for the store itself.
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
    put().map_err(Error::io("write", &path))
}

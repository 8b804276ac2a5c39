//! Members of tar archives, in the order of the archive.

use std::io::{self, Read};

use super::zip::Member;
use crate::{Result, panics::contain};

/// Bytes of a header.
const HEADER: usize = 512;

/// Whether a stream begins with the header of a tar archive: its checksum is right (POSIX.1-2017, pax).
pub(in crate::ingest) fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..HEADER).filter(|header| header[0] != 0) else { return false };
    let field = String::from_utf8_lossy(&header[148..156]);
    let stored = u32::from_str_radix(field.trim_matches(['\0', ' ']), 8);
    // The checksum counts as spaces.
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(i, b)| u32::from(if (148..156).contains(&i) { b' ' } else { *b }))
        .sum();
    stored == Ok(sum)
}

/// Gives each file of an archive to `read`, with its name. Returns the error that ended the archive early.
///
/// # Errors
/// That of `read`.
pub(in crate::ingest) fn for_each_member(
    source: &mut dyn Read,
    read: &mut dyn FnMut(&str, Member) -> Result<()>,
) -> Result<Option<io::Error>> {
    let mut archive = ::tar::Archive::new(source);
    // Archives that were appended to one another.
    archive.set_ignore_zeros(true);
    let mut entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return Ok(Some(error)),
    };
    loop {
        let entry = match contain(|| entries.next().transpose()) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(error)),
        };
        if entry.header().entry_type().is_file() {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            read(&name, Member::File(Box::new(entry)))?;
        }
    }
}

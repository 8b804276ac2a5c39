//! Packing of inputs: compression, which [`open`] takes off a stream, and archives of files.

mod expansion;
mod members;
mod peek;
pub(super) mod tar;
pub(super) mod zip;
mod zstd;

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

pub(super) use expansion::{Expansion, TooExpanded};
use expansion::{Limited, Metered};
use members::Members;
pub(super) use peek::PeekReader;

use crate::{corpus::ids::strip_compression, progress::Progress};

/// A stream with its next bytes, compressed or not.
pub(super) type Source<'a> = PeekReader<Box<dyn Read + 'a>>;

/// The bytes at the beginning of a stream by which a compression is told.
const MAGIC: usize = 16;

/// How often a stream may be compressed: files of a server that compresses what is compressed are.
const MAX_LAYERS: usize = 2;

/// Endings of archives whose compression is part of the ending.
const TAR_ENDINGS: [&str; 7] = ["tar", "tgz", "taz", "tbz", "tbz2", "txz", "tzst"];

/// A compression that is taken off while a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Compression {
    /// The compression of a stream by its first bytes.
    fn detect(head: &[u8]) -> Option<Compression> {
        match head {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            // A frame, or one to be skipped (RFC 8878, 3.1).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            // A block, or the end of a file without one.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
                Some(Compression::Bzip2)
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            _ => None,
        }
    }

    /// What people call it.
    fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "Zstandard",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
        }
    }
}

/// Opens a stream: what is compressed is decompressed while it is read, and `progress` is told of its compressed bytes.
/// What it expands to is counted in `expansion`, and limited.
///
/// # Errors
/// The stream cannot be read.
pub(super) fn open<'a>(
    stream: impl Read + 'a,
    expansion: &Rc<Expansion>,
    progress: &'a dyn Progress,
) -> io::Result<Source<'a>> {
    unpack(Metered { inner: stream, expansion: Rc::clone(expansion), progress }, expansion)
}

/// As [`open`], for a stream that is part of another one, which is counted already.
///
/// # Errors
/// The stream cannot be read.
pub(super) fn unpack<'a>(stream: impl Read + 'a, expansion: &Rc<Expansion>) -> io::Result<Source<'a>> {
    let mut source: Source<'a> = PeekReader::new(Box::new(stream));
    for _ in 0..MAX_LAYERS {
        let Some(compression) = Compression::detect(source.peek(MAGIC)?) else { break };
        let members = Members::new(compression, source);
        source = PeekReader::new(Box::new(Limited::new(members, expansion)));
    }
    Ok(source)
}

/// Whether a stream that begins with `head` is compressed in a way that is taken off.
pub(super) fn is_compressed(head: &[u8]) -> bool {
    Compression::detect(head).is_some()
}

/// Whether a file is an archive by its name.
pub(super) fn is_archive_name(path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let name = name.to_string_lossy().to_lowercase();
    let extension = strip_compression(&name).rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| extension == "zip" || TAR_ENDINGS.contains(&extension))
}

/// The path of a member of an archive: `news.zip/2031/rain.txt`. A name that leads elsewhere leads nowhere: it is only shown.
pub(super) fn member_path(archive: &Path, name: &str) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push("/");
    path.push(name.trim_start_matches("./").trim_start_matches('/'));
    path.into()
}

#[cfg(test)]
mod tests;

//! Decompression of an input stream: gzip and Zstandard, found by their first bytes.

use std::{
    cell::Cell,
    io::{self, BufRead, BufReader, Read},
    rc::Rc,
};

use flate2::bufread::MultiGzDecoder;

use super::decode::{self, Charset};
use crate::progress::{Progress, Stage};

/// Bytes of each buffer between two steps of the stream.
const BUFFER: usize = 1 << 16;

/// A decompressed stream.
pub(super) struct Decompressed<'a> {
    /// The bytes; UTF-16 with a byte order mark, and a stated encoding, are UTF-8 here.
    pub reader: Box<dyn BufRead + 'a>,
    /// Whether bytes were met so far that are invalid in that encoding.
    pub invalid: Rc<Cell<bool>>,
}

/// Decompresses `stream` while it is read, decodes it if it is in `charset`, and reports its compressed bytes to `progress`.
///
/// # Errors
/// The stream cannot be read, or its compression header is invalid.
pub(super) fn decompress<'a>(
    stream: impl Read + 'a,
    charset: Option<Charset>,
    progress: &'a dyn Progress,
) -> io::Result<Decompressed<'a>> {
    let mut raw = BufReader::with_capacity(BUFFER, ProgressReader { inner: stream, progress });
    let plain: Box<dyn BufRead + 'a> = match raw.fill_buf()? {
        [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(raw).map_err(io::Error::other)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
        _ => Box::new(raw),
    };
    let invalid = Rc::new(Cell::new(false));
    let reader = decode::to_utf8(plain, charset, &invalid)?;
    Ok(Decompressed { reader, invalid })
}

/// Reports the bytes that pass through it.
struct ProgressReader<'a, R> {
    inner: R,
    progress: &'a dyn Progress,
}

impl<R: Read> Read for ProgressReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.progress.advance(Stage::Ingest, n as u64);
        Ok(n)
    }
}

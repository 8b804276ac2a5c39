//! Frames of Zstandard (RFC 8878), with their checksums compared.

use std::io::{self, BufRead, ErrorKind, Read};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::Source;

/// One frame that is decompressed while it is read.
pub(super) struct Frame<'a>(StreamingDecoder<Source<'a>, FrameDecoder>);

impl<'a> Frame<'a> {
    /// Opens the frame at the beginning of `source`; one that is to be skipped is skipped, and `source` returned.
    ///
    /// # Errors
    /// The frame is invalid, or the stream ends inside a frame that is skipped.
    pub(super) fn open(mut source: Source<'a>) -> io::Result<std::result::Result<Self, Source<'a>>> {
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = *source.peek(8)? {
            let length = u64::from(u32::from_le_bytes([a, b, c, d]));
            source.consume(8);
            let skipped = io::copy(&mut (&mut source).take(length), &mut io::sink())?;
            if skipped < length {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "the data ends inside a frame"));
            }
            return Ok(Err(source));
        }
        StreamingDecoder::new(source).map(|decoder| Ok(Frame(decoder))).map_err(io::Error::other)
    }

    pub(super) fn into_inner(self) -> Source<'a> {
        self.0.into_inner()
    }
}

impl Read for Frame<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        if n == 0 && !buffer.is_empty() {
            let stored = self.0.decoder.get_checksum_from_data();
            if stored.is_some() && stored != self.0.decoder.get_calculated_checksum() {
                return Err(io::Error::new(ErrorKind::InvalidData, "the checksum does not match"));
            }
        }
        Ok(n)
    }
}

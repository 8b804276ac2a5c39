//! Bytes of an input: unpacked, counted, cut into lines of bounded length, decoded to UTF-8.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

use encoding_rs::{Encoding, WINDOWS_1252};
use flate2::bufread::MultiGzDecoder;

use crate::progress::{Progress, Stage};

/// No record may be longer: what is, is skipped in bounded memory.
pub(super) const MAX_RECORD: u64 = 64 << 20;

/// Reads through `stream`, unpacking gzip and Zstandard as their first bytes tell.
pub(super) fn unpack<'a>(
    stream: impl Read + 'a,
    progress: &'a dyn Progress,
) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut raw = BufReader::with_capacity(1 << 16, Counted { inner: stream, progress });
    let head = raw.fill_buf()?;
    Ok(match head {
        [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(raw))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(raw).map_err(io::Error::other)?;
            Box::new(BufReader::with_capacity(1 << 16, decoder))
        }
        _ => Box::new(raw),
    })
}

/// Tells progress of the bytes that go through.
struct Counted<'a, R> {
    inner: R,
    progress: &'a dyn Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.progress.advance(Stage::Ingest, n as u64);
        Ok(n)
    }
}

/// What [`read_line`] met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line is in the buffer, without its end.
    Whole,
    /// A line longer than the limit was passed over.
    TooLong,
    /// There are no more lines.
    End,
}

/// Reads the next line into `buffer`; memory stays below `limit` however long the line is.
pub(super) fn read_line(reader: &mut dyn BufRead, buffer: &mut Vec<u8>, limit: u64) -> io::Result<Line> {
    buffer.clear();
    let mut too_long = false;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(match (too_long, buffer.is_empty()) {
                (true, _) => Line::TooLong,
                (false, true) => Line::End,
                (false, false) => Line::Whole,
            });
        }
        let end = chunk.iter().position(|&b| b == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        too_long |= buffer.len() as u64 + part.len() as u64 > limit;
        if too_long {
            buffer.clear();
        } else {
            buffer.extend_from_slice(part);
        }
        let used = end.map_or(chunk.len(), |e| e + 1);
        let ended = end.is_some();
        reader.consume(used);
        if ended {
            if buffer.last() == Some(&b'\r') {
                buffer.pop();
            }
            // An empty line is a line: the caller skips it, the count stays right.
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

/// All bytes of `reader`, or none if there are more than `limit`. The second part is the error that ended the
/// reading early, with what came before it.
pub(super) fn read_all(reader: &mut dyn BufRead, limit: u64) -> (Option<Vec<u8>>, Option<io::Error>) {
    let mut bytes = Vec::new();
    let error = reader.take(limit + 1).read_to_end(&mut bytes).err();
    match bytes.len() as u64 > limit {
        true => (None, error),
        false => (Some(bytes), error),
    }
}

/// `bytes` as text, and whether they had to be read as windows-1252.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let (text, bad) = encoding.decode_without_bom_handling(&bytes[length..]);
        return (text, bad);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0, true),
    }
}

/// Whether `bytes` cannot be text. UTF-16 with a mark may hold NULs.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    Encoding::for_bom(bytes).is_none() && bytes[..bytes.len().min(1 << 16)].contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_counted() {
        let check = |text: &str, expect: &[(Line, &str)]| {
            let mut reader = BufReader::with_capacity(3, text.as_bytes());
            let mut buffer = Vec::new();
            for (kind, line) in expect {
                assert_eq!(read_line(&mut reader, &mut buffer, 5).unwrap(), *kind, "{text:?}");
                assert_eq!(buffer, line.as_bytes(), "{text:?}");
            }
        };
        check("", &[(Line::End, "")]);
        check("a\nb", &[(Line::Whole, "a"), (Line::Whole, "b"), (Line::End, "")]);
        check("a\r\n\nb\n", &[(Line::Whole, "a"), (Line::Whole, ""), (Line::Whole, "b"), (Line::End, "")]);
        check("123456\nb", &[(Line::TooLong, ""), (Line::Whole, "b"), (Line::End, "")]);
        check("12345678901", &[(Line::TooLong, ""), (Line::End, "")]);
        check("12345\n", &[(Line::Whole, "12345"), (Line::End, "")]);
    }

    #[test]
    fn text_is_decoded_by_its_bytes() {
        let check =
            |bytes: &[u8], text: &str, bad: bool| assert_eq!(decode(bytes), (text.into(), bad), "{bytes:?}");
        check(b"plain", "plain", false);
        check("é".as_bytes(), "é", false);
        check(b"caf\xe9 \x93quoted\x94", "café “quoted”", true);
        check(b"\xef\xbb\xbfmarked", "marked", false);
        check(b"\xff\xfea\0b\0", "ab", false);
    }
}

//! Bytes of an input: unpacked, counted, cut into lines of bounded length, decoded to UTF-8.

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, BufRead, BufReader, Read},
    rc::Rc,
};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::bufread::MultiGzDecoder;

use crate::progress::{Progress, Stage};

/// No record may be longer: what is, is skipped in bounded memory.
pub(super) const MAX_RECORD: u64 = 64 << 20;

/// A stream of bytes, unpacked; and whether it has met UTF-16 that is broken.
pub(super) type Unpacked<'a> = (Box<dyn BufRead + 'a>, Rc<Cell<bool>>);

/// Reads through `stream`, unpacking gzip and Zstandard as their first bytes tell; UTF-16 with a mark becomes UTF-8.
pub(super) fn unpack<'a>(stream: impl Read + 'a, progress: &'a dyn Progress) -> io::Result<Unpacked<'a>> {
    let mut raw = BufReader::with_capacity(1 << 16, Counted { inner: stream, progress });
    let head = raw.fill_buf()?;
    let mut plain: Box<dyn BufRead + 'a> = match head {
        [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(raw))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(raw).map_err(io::Error::other)?;
            Box::new(BufReader::with_capacity(1 << 16, decoder))
        }
        _ => Box::new(raw),
    };
    let marked = Encoding::for_bom(plain.fill_buf()?).map(|(encoding, _)| encoding);
    let broken = Rc::new(Cell::new(false));
    let reader: Box<dyn BufRead + 'a> = match marked {
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
            let decoder = encoding.new_decoder_with_bom_removal();
            Box::new(BufReader::with_capacity(
                1 << 16,
                Utf16 { inner: plain, decoder, ended: false, broken: Rc::clone(&broken) },
            ))
        }
        _ => plain,
    };
    Ok((reader, broken))
}

/// UTF-16 as UTF-8, so that lines end where they end. What is broken becomes U+FFFD.
struct Utf16<R> {
    inner: R,
    decoder: Decoder,
    ended: bool,
    broken: Rc<Cell<bool>>,
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let bytes = self.inner.fill_buf()?;
            let last = bytes.is_empty();
            let (result, read, written, broken) = self.decoder.decode_to_utf8(bytes, buffer, last);
            self.broken.set(self.broken.get() || broken);
            self.inner.consume(read);
            self.ended = last && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
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
    fn lines_of_utf_16_are_lines() {
        let pack = |text: &str, big: bool| -> Vec<u8> {
            let pair = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            format!("\u{feff}{text}").encode_utf16().flat_map(pair).collect()
        };
        let check = |bytes: &[u8], expect: &str| {
            let (mut reader, broken) = unpack(bytes, &crate::progress::NoProgress).unwrap();
            let (read, error) = read_all(&mut reader, 1 << 20);
            assert_eq!((decode(&read.unwrap()).0, error.is_none()), (expect.into(), true), "{bytes:?}");
            assert_eq!(broken.get(), expect.contains('\u{fffd}'), "{bytes:?}");
        };
        let text = "one\ntwö 🌊\r\n三\n".repeat(9000);
        check(&pack(&text, false), &text);
        check(&pack(&text, true), &text);
        check(&pack("", false), "");
        // Half of a pair, and half of a unit.
        check(b"\xff\xfea\0\0\xd8b\0", "a\u{fffd}b");
        check(b"\xff\xfea\0b", "a\u{fffd}");
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

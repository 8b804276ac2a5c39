//! Decoding of bytes to text: UTF-8, UTF-16 with a byte order mark, else windows-1252.

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, BufRead, BufReader, Read},
    rc::Rc,
};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decodes `bytes`. The second value is whether they were not valid UTF-8 (or not valid in the encoding of their byte
/// order mark).
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[length..]);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0, true),
    }
}

/// Whether `bytes` hold NUL bytes and so cannot be text. UTF-16 with a byte order mark may hold them.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    Encoding::for_bom(bytes).is_none() && bytes[..bytes.len().min(1 << 16)].contains(&0)
}

/// Decodes a stream that begins with the byte order mark of UTF-16, so that its lines end at a byte `\n`; any other
/// stream is returned as it is. Sets `invalid` when it meets invalid UTF-16.
///
/// # Errors
/// The stream cannot be read.
pub(super) fn utf16_to_utf8<'a>(
    mut stream: Box<dyn BufRead + 'a>,
    invalid: &Rc<Cell<bool>>,
) -> io::Result<Box<dyn BufRead + 'a>> {
    let encoding = Encoding::for_bom(stream.fill_buf()?).map(|(encoding, _)| encoding);
    let Some(encoding) = encoding.filter(|e| *e == UTF_16LE || *e == UTF_16BE) else { return Ok(stream) };
    let decoder = encoding.new_decoder_with_bom_removal();
    let utf16 = Utf16Reader { inner: stream, decoder, ended: false, invalid: Rc::clone(invalid) };
    Ok(Box::new(BufReader::with_capacity(1 << 16, utf16)))
}

/// UTF-16 as UTF-8. Invalid sequences become U+FFFD.
struct Utf16Reader<R> {
    inner: R,
    decoder: Decoder,
    ended: bool,
    invalid: Rc<Cell<bool>>,
}

impl<R: BufRead> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let bytes = self.inner.fill_buf()?;
            let last = bytes.is_empty();
            let (result, read, written, invalid) = self.decoder.decode_to_utf8(bytes, buffer, last);
            self.invalid.set(self.invalid.get() || invalid);
            self.inner.consume(read);
            self.ended = last && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{decompress::decompress, lines::read_all};

    #[test]
    fn decodes_utf_16_streams_to_lines() {
        let encode = |text: &str, big: bool| -> Vec<u8> {
            let pair = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            format!("\u{feff}{text}").encode_utf16().flat_map(pair).collect()
        };
        let check = |bytes: &[u8], expect: &str| {
            let mut stream = decompress(bytes, &crate::progress::NoProgress).unwrap();
            let (read, error) = read_all(stream.reader.as_mut(), 1 << 20);
            assert_eq!((decode(&read.unwrap()).0, error.is_none()), (expect.into(), true), "{bytes:?}");
            assert_eq!(stream.invalid_utf16.get(), expect.contains('\u{fffd}'), "{bytes:?}");
        };
        let text = "one\ntwö 🌊\r\n三\n".repeat(9000);
        check(&encode(&text, false), &text);
        check(&encode(&text, true), &text);
        check(&encode("", false), "");
        // Half of a surrogate pair, and half of a code unit.
        check(b"\xff\xfea\0\0\xd8b\0", "a\u{fffd}b");
        check(b"\xff\xfea\0b", "a\u{fffd}");
    }

    #[test]
    fn decodes_text_by_its_bytes() {
        let check = |bytes: &[u8], text: &str, invalid: bool| {
            assert_eq!(decode(bytes), (text.into(), invalid), "{bytes:?}");
        };
        check(b"plain", "plain", false);
        check("é".as_bytes(), "é", false);
        check(b"caf\xe9 \x93quoted\x94", "café “quoted”", true);
        check(b"\xef\xbb\xbfmarked", "marked", false);
        check(b"\xff\xfea\0b\0", "ab", false);
    }
}

//! Decoding of bytes to text: UTF-8, UTF-16 with a byte order mark, else a declared or detected encoding.

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, BufRead, BufReader, Read},
    rc::Rc,
    str::FromStr,
};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A stream that is UTF-8 where it was UTF-16 or in a stated encoding.
pub(super) struct Utf8Stream<'a> {
    pub reader: Box<dyn BufRead + 'a>,
    /// Whether bytes were met so far that are invalid in that encoding.
    pub invalid: Rc<Cell<bool>>,
}

/// The character encoding of an input, by its name in the WHATWG Encoding Standard or one of its labels: `gbk`, `latin1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl FromStr for Charset {
    type Err = String;

    fn from_str(label: &str) -> Result<Self, Self::Err> {
        Encoding::for_label(label.as_bytes()).map(Charset).ok_or_else(|| "no such encoding".into())
    }
}

impl Charset {
    /// The name of the encoding: "windows-1251".
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Decodes `bytes`; invalid sequences become U+FFFD.
    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(bytes).0
    }

    /// The encoding of bytes that are not UTF-8: the one that a page or an XML document declares, else the likeliest.
    pub(super) fn detect(bytes: &[u8]) -> Charset {
        declared(bytes).unwrap_or_else(|| {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
            detector.feed(bytes, true);
            Charset(detector.guess(None, Utf8Detection::Deny))
        })
    }
}

/// The encoding that markup declares: `<meta charset=…>`, `content="text/html; charset=…"` or `<?xml encoding=…?>`.
fn declared(bytes: &[u8]) -> Option<Charset> {
    let head = &bytes[..bytes.len().min(4096)];
    if head.trim_ascii_start().first() != Some(&b'<') {
        return None;
    }
    let head = WINDOWS_1252.decode_without_bom_handling(head).0.to_ascii_lowercase();
    let value = ["charset=", "encoding="].iter().find_map(|key| head.split_once(key))?.1;
    let value = value.trim_start_matches(['"', '\'', ' ']);
    let label = value.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).next()?;
    let charset = Encoding::for_label(label.as_bytes()).filter(|encoding| *encoding != UTF_8)?;
    Some(Charset(charset))
}

/// Decodes `bytes` that are UTF-8, or have a byte order mark; `None` for others.
pub(super) fn decode_unicode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let (text, invalid) = encoding.decode_without_bom_handling(&bytes[length..]);
        return (!invalid).then_some(text);
    }
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

/// Decodes `bytes`, in an encoding that is guessed if they are not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    decode_unicode(bytes).unwrap_or_else(|| Charset::detect(bytes).decode(bytes))
}

/// Whether `head`, which may end inside a character, is UTF-8.
pub(super) fn is_utf8(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// Whether `bytes` hold NUL bytes and so cannot be text. UTF-16 with a byte order mark may hold them.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    Encoding::for_bom(bytes).is_none() && bytes[..bytes.len().min(1 << 16)].contains(&0)
}

/// Decodes a stream that is in `charset`, or that begins with the byte order mark of UTF-16, so that its lines end at a
/// byte `\n`; any other stream is returned as it is.
///
/// # Errors
/// The stream cannot be read.
pub(super) fn to_utf8<'a>(
    mut stream: Box<dyn BufRead + 'a>,
    charset: Option<Charset>,
) -> io::Result<Utf8Stream<'a>> {
    let invalid = Rc::new(Cell::new(false));
    let encoding = Encoding::for_bom(stream.fill_buf()?).map(|(encoding, _)| encoding);
    let utf16 = encoding.filter(|e| *e == UTF_16LE || *e == UTF_16BE);
    let Some(encoding) = utf16.or(charset.map(|charset| charset.0)) else {
        return Ok(Utf8Stream { reader: stream, invalid });
    };
    let decoder = encoding.new_decoder_with_bom_removal();
    let utf8 = Transcoder { inner: stream, decoder, ended: false, invalid: Rc::clone(&invalid) };
    Ok(Utf8Stream { reader: Box::new(BufReader::with_capacity(1 << 16, utf8)), invalid })
}

/// A stream of another encoding as UTF-8. Invalid sequences become U+FFFD.
struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    ended: bool,
    invalid: Rc<Cell<bool>>,
}

impl<R: BufRead> Read for Transcoder<R> {
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
    use crate::ingest::lines::read_all;

    #[test]
    fn decodes_utf_16_streams_to_lines() {
        let encode = |text: &str, big: bool| -> Vec<u8> {
            let pair = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            format!("\u{feff}{text}").encode_utf16().flat_map(pair).collect()
        };
        let check = |bytes: &[u8], expect: &str| {
            let mut stream = to_utf8(Box::new(bytes), None).unwrap();
            let (read, error) = read_all(stream.reader.as_mut(), 1 << 20);
            assert_eq!((decode(&read.unwrap()), error.is_none()), (expect.into(), true), "{bytes:?}");
            assert_eq!(stream.invalid.get(), expect.contains('\u{fffd}'), "{bytes:?}");
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
        let check = |bytes: &[u8], text: &str| assert_eq!(decode(bytes), text, "{bytes:?}");
        check(b"plain", "plain");
        check("é".as_bytes(), "é");
        check(b"caf\xe9 \x93quoted\x94", "café “quoted”");
        check(b"\xef\xbb\xbfmarked", "marked");
        check(b"\xff\xfea\0b\0", "ab");
    }

    #[test]
    fn detects_declared_and_likely_encodings() {
        let check = |head: &str, text: &str, label: &str| {
            let charset: Charset = label.parse().unwrap();
            let encode = |text: &str| charset.0.encode(text).0.into_owned();
            let bytes = [head.as_bytes(), &encode(text)].concat();
            assert_eq!(Charset::detect(&bytes).name(), charset.name(), "{head}{text}");
            assert_eq!(decode(&bytes), format!("{head}{text}"));
        };
        check("<meta charset=\"gb2312\">", "港务局周二投票决定关闭东码头", "gbk");
        check(
            "<meta http-equiv=x content='text/html; charset=iso-8859-2'>",
            "Příliš žluťoučký",
            "iso-8859-2",
        );
        check("<?xml version='1.0' encoding='windows-1251'?>", "Порт закрыт", "windows-1251");
        check(
            "",
            "Портовое управление Норрина во вторник проголосовало за закрытие причала.",
            "windows-1251",
        );
        check("", "港務局は火曜日に東の桟橋を閉鎖することを決めた。", "shift_jis");
        check("", "Le café de la jetée a fermé mardi, a annoncé la société à Genève.", "windows-1252");
        assert!("klingon".parse::<Charset>().is_err());
    }
}

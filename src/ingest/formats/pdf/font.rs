//! Fonts: which text the bytes of a string show, and how wide it is.

use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_16BE, WINDOWS_1252};
use lopdf::{Dictionary, Document, Object};

use super::cmap::ToUnicode;

/// The most bytes that the map of a font may expand to.
const MAX_MAP: usize = 4 << 20;

/// The widths of a font that a file may state one by one.
const MAX_WIDTHS: usize = 1 << 16;

/// A font as far as its text needs it.
pub(super) struct Font {
    /// Bytes of a code; none where the bytes are text in an encoding of old.
    code_bytes: usize,
    legacy: Option<&'static Encoding>,
    to_unicode: HashMap<u32, String>,
    /// The text of each byte of a simple font.
    simple: Vec<String>,
    widths: HashMap<u32, f32>,
    default_width: f32,
}

/// A piece of text that a code shows.
pub(super) struct Glyph<'a> {
    /// `None` if the font does not say.
    pub text: Option<&'a str>,
    /// Its width at a size of 1.
    pub width: f32,
    /// Whether it is the code of a space, to which word spacing applies.
    pub is_space: bool,
}

impl Font {
    /// Reads a font; what is missing is guessed.
    pub(super) fn read(font: &Dictionary, pdf: &Document) -> Self {
        let stream = font.get_deref(b"ToUnicode", pdf).and_then(Object::as_stream);
        let map = stream.and_then(|stream| stream.get_plain_content_with_limit(MAX_MAP)).ok();
        let ToUnicode { code_bytes, texts } = map.map(|map| ToUnicode::parse(&map)).unwrap_or_default();
        let name = |key: &[u8]| font.get_deref(key, pdf).and_then(Object::as_name).ok();
        if name(b"Subtype") == Some(b"Type0") {
            let (widths, default_width) = composite_widths(font, pdf);
            let legacy = if texts.is_empty() { legacy(name(b"Encoding").unwrap_or_default()) } else { None };
            return Font {
                code_bytes: code_bytes.unwrap_or(2).min(4),
                legacy,
                to_unicode: texts,
                simple: Vec::new(),
                widths,
                default_width,
            };
        }
        Font {
            code_bytes: 1,
            legacy: None,
            to_unicode: texts,
            simple: simple_texts(font, pdf),
            widths: simple_widths(font, pdf),
            default_width: 0.5,
        }
    }

    /// Gives the pieces of text that the bytes of a string show.
    pub(super) fn glyphs(&self, bytes: &[u8], give: &mut dyn FnMut(Glyph)) {
        if let Some(encoding) = self.legacy {
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            for c in text.chars() {
                give(Glyph { text: Some(c.encode_utf8(&mut [0; 4])), width: 1.0, is_space: c == ' ' });
            }
            return;
        }
        for code in bytes.chunks(self.code_bytes) {
            let number = code.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
            let simple =
                || self.simple.get(number as usize).map(String::as_str).filter(|text| !text.is_empty());
            let text = self.to_unicode.get(&number).map(String::as_str).or_else(simple);
            let width = self.widths.get(&number).copied().unwrap_or(self.default_width);
            give(Glyph { text, width, is_space: code == b" " });
        }
    }
}

/// The encoding of a predefined map of Chinese, Japanese or Korean (ISO 32000-1, table 118).
fn legacy(name: &[u8]) -> Option<&'static Encoding> {
    let name = String::from_utf8_lossy(name);
    let known: [(&str, &[u8]); 8] = [
        ("UCS2", b"utf-16be"),
        ("UTF16", b"utf-16be"),
        ("GBK", b"gbk"),
        ("GB-EUC", b"gbk"),
        ("RKSJ", b"shift_jis"),
        ("ETen-B5", b"big5"),
        ("KSCms-UHC", b"euc-kr"),
        ("KSC-EUC", b"euc-kr"),
    ];
    let (_, label) = known.iter().find(|(part, _)| name.contains(part))?;
    if *label == b"utf-16be" { Some(UTF_16BE) } else { Encoding::for_label(label) }
}

/// The text of each byte by the encoding of the font.
fn simple_texts(font: &Dictionary, pdf: &Document) -> Vec<String> {
    let encoding = font.get_font_encoding_with_limit(pdf, MAX_MAP).ok();
    let text = |byte: u8| match &encoding {
        Some(encoding) => encoding.bytes_to_string(&[byte]).unwrap_or_default(),
        None => WINDOWS_1252.decode_without_bom_handling(&[byte]).0.into_owned(),
    };
    (0..=255u8).map(text).collect()
}

fn simple_widths(font: &Dictionary, pdf: &Document) -> HashMap<u32, f32> {
    let first = font.get_deref(b"FirstChar", pdf).and_then(Object::as_i64).unwrap_or(0);
    let widths = font.get_deref(b"Widths", pdf).and_then(Object::as_array);
    let (Ok(widths), Ok(first)) = (widths, u32::try_from(first)) else { return HashMap::new() };
    let widths = widths.iter().take(256).map(|width| resolve(width, pdf).as_float().unwrap_or(0.0) / 1000.0);
    (first..).zip(widths).collect()
}

/// The widths of a composite font (ISO 32000-1, 9.7.4.3), and the one of other codes. Codes are taken for those of glyphs.
fn composite_widths(font: &Dictionary, pdf: &Document) -> (HashMap<u32, f32>, f32) {
    let mut widths = HashMap::new();
    let descendants = font.get_deref(b"DescendantFonts", pdf).and_then(Object::as_array);
    let descendant = descendants.ok().and_then(|list| resolve(list.first()?, pdf).as_dict().ok());
    let Some(descendant) = descendant else { return (widths, 1.0) };
    let default = descendant.get_deref(b"DW", pdf).and_then(Object::as_float).unwrap_or(1000.0) / 1000.0;
    let Ok(list) = descendant.get_deref(b"W", pdf).and_then(Object::as_array) else {
        return (widths, default);
    };
    let mut rest = list.iter().map(|object| resolve(object, pdf));
    while let (Some(first), Some(second)) = (rest.next(), rest.next()) {
        let Some(first) = first.as_i64().ok().and_then(|first| u32::try_from(first).ok()) else { break };
        let room = MAX_WIDTHS.saturating_sub(widths.len());
        if let Ok(each) = second.as_array() {
            let each = each.iter().map(|width| resolve(width, pdf).as_float().unwrap_or(0.0) / 1000.0);
            widths.extend((first..).zip(each).take(room));
        } else if let (Ok(last), Some(Ok(width))) = (second.as_i64(), rest.next().map(Object::as_float)) {
            let last = u32::try_from(last).unwrap_or(0);
            widths.extend((first..=last).take(room).map(|code| (code, width / 1000.0)));
        }
    }
    (widths, default)
}

/// What a reference leads to.
pub(super) fn resolve<'a>(object: &'a Object, pdf: &'a Document) -> &'a Object {
    pdf.dereference(object).map_or(object, |(_, object)| object)
}

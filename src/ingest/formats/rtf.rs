//! Rich Text Format (specification 1.9.1): paragraphs, tables, title and time of creation.
//!
//! Text is bytes in the code page of the document or of the font, and `\uN`, each with a replacement for programs that do not know
//! it. Groups of a destination that is no text of the document are skipped.

use std::collections::{BTreeMap, BTreeSet};

use encoding_rs::{Encoding, WINDOWS_1252};

use super::written::{Paragraphs, WrittenDocument};
use crate::ingest::sink::StorySink;

/// How deep groups may lie in one another; deeper ones have the properties of the one around them.
const MAX_DEPTH: usize = 1000;

/// Destinations that are no text of the document, beside those that are marked as unknown to older programs.
const SKIPPED: [&str; 30] = [
    "annotation",
    "atnauthor",
    "atnid",
    "bkmkend",
    "bkmkstart",
    "colortbl",
    "comment",
    "fldinst",
    "filetbl",
    "footer",
    "footerf",
    "footerl",
    "footerr",
    "footnote",
    "header",
    "headerf",
    "headerl",
    "headerr",
    "listtext",
    "nonshppict",
    "objdata",
    "pict",
    "pntext",
    "private",
    "rxe",
    "tc",
    "template",
    "txe",
    "xe",
    "deleted",
];

/// What a group holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    Body,
    Skipped,
    FontTable,
    StyleSheet,
    Info,
    Title,
    Created,
}

/// The properties of a group.
#[derive(Debug, Clone, Copy)]
struct Group {
    destination: Destination,
    /// How many characters replace one that is given by its number.
    replacements: usize,
    encoding: &'static Encoding,
    is_hidden: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    group: Group,
    outer: Vec<Group>,
    /// Groups below the deepest that are not kept.
    below: usize,
    encoding: &'static Encoding,
    fonts: BTreeMap<i32, &'static Encoding>,
    font: i32,
    /// Styles of titles and first headings.
    headings: BTreeSet<i32>,
    style: (i32, String),
    /// Text that is not decoded yet.
    pending: Vec<u8>,
    /// The first half of a character outside of the basic plane.
    surrogate: Option<u16>,
    /// How many of the next characters replace one that was read.
    replaced: usize,
    out: Paragraphs,
    in_row: bool,
    title: String,
    /// Year, month, day, hour, minute.
    created: [i32; 5],
}

/// Reads one document.
pub(super) fn read(bytes: &[u8], sink: &mut StorySink) {
    let mut reader = Reader::new(bytes);
    reader.read();
    reader.finish().give(sink);
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let group = Group {
            destination: Destination::Body,
            replacements: 1,
            encoding: WINDOWS_1252,
            is_hidden: false,
        };
        let mut out = Paragraphs::default();
        out.begin();
        Reader {
            bytes,
            at: 0,
            group,
            outer: Vec::new(),
            below: 0,
            encoding: WINDOWS_1252,
            fonts: BTreeMap::new(),
            font: 0,
            headings: BTreeSet::new(),
            style: (0, String::new()),
            pending: Vec::new(),
            surrogate: None,
            replaced: 0,
            out,
            in_row: false,
            title: String::new(),
            created: [0; 5],
        }
    }

    fn finish(mut self) -> WrittenDocument {
        self.flush();
        let [year, month, day, hour, minute] = self.created;
        let date = (year > 0).then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"));
        WrittenDocument { title: Some(self.title), date, paragraphs: self.out.finish() }
    }

    fn read(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'{' => self.open(),
                b'}' => self.close(),
                b'\\' => self.control(),
                b'\r' | b'\n' | 0 => {}
                _ if self.replaced > 0 => self.replaced -= 1,
                _ => self.pending.push(byte),
            }
        }
    }

    fn open(&mut self) {
        self.flush();
        if self.outer.len() < MAX_DEPTH { self.outer.push(self.group) } else { self.below += 1 }
    }

    fn close(&mut self) {
        self.flush();
        if self.below > 0 {
            self.below -= 1;
        } else if let Some(outer) = self.outer.pop() {
            self.group = outer;
        }
    }

    /// A control word or symbol, behind its backslash.
    fn control(&mut self) {
        let rest = &self.bytes[self.at..];
        let letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters == 0 {
            return self.symbol();
        }
        let word = String::from_utf8_lossy(&rest[..letters]).into_owned();
        let sign = usize::from(rest.get(letters) == Some(&b'-'));
        let digits = rest[letters + sign..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = letters;
        let mut number = None;
        if digits > 0 {
            end += sign + digits;
            number = std::str::from_utf8(&rest[letters..end]).ok().and_then(|text| text.parse::<i32>().ok());
        }
        self.at += end + usize::from(rest.get(end) == Some(&b' '));
        self.word(&word, number);
    }

    fn symbol(&mut self) {
        let Some(&symbol) = self.bytes.get(self.at) else { return };
        self.at += 1;
        match symbol {
            b'\'' => {
                let digits =
                    self.bytes.get(self.at..self.at + 2).and_then(|hex| std::str::from_utf8(hex).ok());
                let Some(byte) = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else { return };
                self.at += 2;
                if self.replaced > 0 { self.replaced -= 1 } else { self.pending.push(byte) }
            }
            b'\\' | b'{' | b'}' if self.replaced > 0 => self.replaced -= 1,
            b'\\' | b'{' | b'}' => self.pending.push(symbol),
            b'~' | b'_' => {
                self.flush();
                self.text(if symbol == b'~' { "\u{a0}" } else { "-" });
            }
            b'\r' | b'\n' => self.end_paragraph(),
            // A destination that older programs do not know; those that are read here are named below.
            b'*' => {
                self.flush();
                let is_read = self.bytes[self.at..].starts_with(b"\\fonttbl");
                if !is_read {
                    self.group.destination = Destination::Skipped;
                }
            }
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        if word != "u" {
            self.flush();
            self.replaced = 0;
        }
        let on = number != Some(0);
        match (word, number) {
            ("u", Some(number)) => self.unit(number as u16),
            ("uc", Some(number)) => self.group.replacements = usize::try_from(number).unwrap_or(0).min(16),
            ("bin", Some(number)) => self.at += usize::try_from(number).unwrap_or(0),
            ("ansicpg", Some(number)) => self.set_encoding(code_page(number)),
            ("mac", _) => self.set_encoding(Some(encoding_rs::MACINTOSH)),
            ("f", Some(number)) => {
                self.font = number;
                self.group.encoding = self.fonts.get(&number).copied().unwrap_or(self.encoding);
            }
            ("fcharset", Some(number)) if self.group.destination == Destination::FontTable => {
                if let Some(encoding) = charset(number) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            ("plain", _) => (self.group.is_hidden, self.group.encoding) = (false, self.encoding),
            ("v" | "deleted", _) => self.group.is_hidden = on,
            ("s", Some(number)) => self.style(number),
            // A row may be begun again before it ends.
            ("trowd", _) if self.group.destination == Destination::Body && !self.in_row => {
                self.in_row = true;
                self.out.begin_row();
            }
            ("par" | "sect" | "page", _) => self.end_paragraph(),
            ("cell" | "nestcell", _) => {
                self.end_paragraph();
                self.out.end_cell();
            }
            ("row", _) if self.in_row => {
                self.in_row = false;
                self.out.end_row();
            }
            ("line", _) => self.text("\n"),
            ("yr" | "mo" | "dy" | "hr" | "min", Some(number))
                if self.group.destination == Destination::Created =>
            {
                let place = ["yr", "mo", "dy", "hr", "min"].iter().position(|name| *name == word);
                self.created[place.unwrap_or(0)] = number.clamp(0, 9999);
            }
            _ => self.destination_or_character(word),
        }
    }

    fn destination_or_character(&mut self, word: &str) {
        let inside = self.group.destination;
        match word {
            "fonttbl" => self.group.destination = Destination::FontTable,
            "stylesheet" => self.group.destination = Destination::StyleSheet,
            "info" => self.group.destination = Destination::Info,
            "title" if inside == Destination::Info => self.group.destination = Destination::Title,
            "creatim" if inside == Destination::Info => self.group.destination = Destination::Created,
            _ if SKIPPED.contains(&word) => self.group.destination = Destination::Skipped,
            "tab" => self.text(" "),
            "emspace" | "enspace" | "qmspace" => self.text(" "),
            "emdash" => self.text("—"),
            "endash" => self.text("–"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            "bullet" => self.text("•"),
            _ => {}
        }
    }

    fn set_encoding(&mut self, encoding: Option<&'static Encoding>) {
        if let Some(encoding) = encoding {
            (self.encoding, self.group.encoding) = (encoding, encoding);
        }
    }

    /// The style of a paragraph, or of the entry of the style sheet.
    fn style(&mut self, number: i32) {
        if self.group.destination == Destination::StyleSheet {
            self.style = (number, String::new());
        } else if self.headings.contains(&number) {
            self.out.mark_heading();
        }
    }

    /// A character by its UTF-16 code unit, whose replacements are left out.
    fn unit(&mut self, unit: u16) {
        let before = self.surrogate.take();
        self.decode();
        let units = [before.unwrap_or_default(), unit];
        let units = if before.is_some() { &units[..] } else { &units[1..] };
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(c)) => self.text(c.encode_utf8(&mut [0; 4])),
            _ if (0xd800..0xdc00).contains(&unit) => self.surrogate = Some(unit),
            _ => {}
        }
        self.replaced = self.group.replacements;
    }

    /// Decodes the text so far.
    fn decode(&mut self) {
        if !self.pending.is_empty() {
            let bytes = std::mem::take(&mut self.pending);
            let (text, _) = self.group.encoding.decode_without_bom_handling(&bytes);
            self.text(&text);
        }
    }

    fn flush(&mut self) {
        self.decode();
        self.surrogate = None;
    }

    fn text(&mut self, text: &str) {
        match self.group.destination {
            Destination::Body if !self.group.is_hidden => self.out.push(text),
            Destination::Title => self.title.push_str(text),
            Destination::StyleSheet => self.style.1.push_str(text),
            _ => return,
        }
        if self.group.destination == Destination::StyleSheet && self.style.1.ends_with(';') {
            let name = std::mem::take(&mut self.style.1).to_lowercase();
            if ["heading 1;", "title;"].contains(&name.trim()) {
                self.headings.insert(self.style.0);
            }
        }
    }

    fn end_paragraph(&mut self) {
        self.flush();
        if self.group.destination == Destination::Body {
            self.out.end();
            self.out.begin();
        }
    }
}

/// The encoding of a code page.
fn code_page(number: i32) -> Option<&'static Encoding> {
    let label = match number {
        932 => "shift_jis".into(),
        936 => "gbk".into(),
        949 => "euc-kr".into(),
        950 => "big5".into(),
        866 => "ibm866".into(),
        10000 => "macintosh".into(),
        874 | 1250..=1258 => format!("windows-{number}"),
        65001 => "utf-8".into(),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// The encoding of a font, by its character set; `None` for that of the document.
fn charset(number: i32) -> Option<&'static Encoding> {
    let page = match number {
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    code_page(page)
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::stories;

    #[test]
    fn reads_text_in_code_pages_and_by_number() {
        let check = |body: &str, expect: &str| {
            let (stories, notices) =
                stories("a.rtf", format!("{{\\rtf1\\ansi\\ansicpg1252 Rain in Norrin\\par {body}}}"));
            assert_eq!(stories, [("Rain in Norrin".into(), expect.into())], "{body}: {notices:?}");
        };
        check("It rained\\par again.", "It rained\n\nagain.");
        check("caf\\'e9 \\{x\\} a\\\\b", "café {x} a\\b");
        check("won\\u8217?t \\uc0\\u8212 it", "won’t —it");
        check("{\\uc2\\u26085\\'93\\'fa}!", "日!");
        check("It rained \\u-10179?\\u-8704?", "It rained 😀");
        check(
            "{\\fonttbl{\\f1\\fcharset204 Arial;}{\\f2\\fcharset128 Gothic;}}\\f1\\'cf\\'ee\\'f0\\'f2",
            "Порт",
        );
        check("{\\fonttbl{\\f2\\fcharset128 Gothic;}}{\\f2\\'93\\'fa\\'96\\'7b\\'83A}", "日本ア");
        check("One\\line two\\tab three\\~four", "One\ntwo three four");
        check("\\ldblquote Rain\\rdblquote  \\emdash  sun", "“Rain” — sun");
        check(
            "{\\*\\generator X;}{\\pict 00ff}{\\header Page}{\\footnote Note}It rained{\\v hidden}.",
            "It rained.",
        );
        check("{\\field{\\*\\fldinst HYPERLINK \"https://norrin.example\"}{\\fldrslt Here}}.", "Here.");
        check("\\bin4 {{{{It rained.", "It rained.");
        check(
            "\\trowd Town\\cell Rain\\cell\\row\\trowd Norrin\\cell 7\\cell\\row",
            "Town | Rain\n\nNorrin | 7",
        );
    }

    #[test]
    fn reads_title_and_date() {
        let info = "{\\info{\\title Rain in Norrin}{\\author I. Holt}{\\creatim\\yr2031\\mo5\\dy6\\hr8\\min30}{\\revtim\\yr2032}}";
        let rtf =
            format!("{{\\rtf1\\ansi{info}{{\\stylesheet{{\\s1 heading 1;}}}}It rained.\\par Again.\\par}}");
        let read = crate::ingest::tests::read_file("a.rtf", rtf, &crate::ingest::IngestOptions::default());
        let story = &read.stories[0];
        assert_eq!((story.title.as_str(), story.text.as_str()), ("Rain in Norrin", "It rained.\n\nAgain."));
        assert_eq!(story.published, crate::corpus::parse_date("2031-05-06T08:30:00Z", false));
        let styled = "{\\rtf1{\\stylesheet{\\s3 Title;}{\\s4 heading 2;}}\\pard\\s4 Aside\\par\\pard\\s3 Rain\\par\\pard It rained.}";
        let (stories, _) = stories("a.rtf", styled);
        assert_eq!(stories, [("Rain".into(), "Aside\n\nIt rained.".into())]);
    }
}

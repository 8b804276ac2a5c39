//! PDF files with a text layer (ISO 32000-1): paragraphs, title and date.
//!
//! The `lopdf` crate parses the file; `content` finds the text and its places on the page, `layout` puts it together.

mod cmap;
mod content;
mod font;
mod layout;

use lopdf::{Dictionary, Document, LoadOptions, Object};

use super::written::WrittenDocument;
use crate::{
    ingest::{NoticeKind, sink::StorySink},
    panics::catch,
};
use content::Interpreter;

/// The most bytes that a stream of the file may expand to, and the content of one page: more is a drawing.
const MAX_STREAM: usize = 64 << 20;
const MAX_PAGE: usize = 8 << 20;

/// The share of characters without a name among all, above which a file is not read.
const MAX_UNNAMED: f32 = 0.5;

/// Reads one file.
pub(super) fn read(bytes: &[u8], sink: &mut StorySink) {
    match catch(|| document(bytes)) {
        Some(Ok((document, skipped_pages))) => {
            if skipped_pages > 0 {
                let pages = if skipped_pages == 1 { "page" } else { "pages" };
                sink.notice(0, NoticeKind::Document(format!("{skipped_pages} {pages} could not be read")));
            }
            document.give(sink);
        }
        Some(Err(kind)) => sink.notice(0, kind),
        None => sink.notice(0, NoticeKind::Document("the file is corrupt".into())),
    }
}

/// The document, and the number of pages that could not be read.
fn document(bytes: &[u8]) -> Result<(WrittenDocument, usize), NoticeKind> {
    let pdf = Document::load_mem_with_options(bytes, LoadOptions::with_max_decompressed_size(MAX_STREAM))
        .map_err(|error| failure(&error))?;
    if pdf.is_encrypted() && !pdf.was_encrypted() {
        return Err(NoticeKind::Encrypted);
    }
    let mut interpreter = Interpreter::new(&pdf);
    let (mut pages, mut skipped) = (Vec::new(), 0);
    for page in pdf.page_iter() {
        match pdf.get_page_content_with_limit(page, MAX_PAGE) {
            Ok(content) => pages.push(interpreter.page(page, &content)),
            Err(_) => skipped += 1,
        }
    }
    let (named, unnamed) = interpreter.characters();
    if named + unnamed == 0 {
        return Err(NoticeKind::NoTextLayer);
    }
    if unnamed as f32 > MAX_UNNAMED * (named + unnamed) as f32 {
        return Err(NoticeKind::Document("its fonts do not say which characters they show".into()));
    }
    let (title, date) = information(&pdf);
    Ok((WrittenDocument { title, date, paragraphs: layout::paragraphs(pages) }, skipped))
}

/// Why a file cannot be read.
fn failure(error: &lopdf::Error) -> NoticeKind {
    match error {
        lopdf::Error::InvalidPassword
        | lopdf::Error::Decryption(_)
        | lopdf::Error::UnsupportedSecurityHandler(_) => NoticeKind::Encrypted,
        error => NoticeKind::Document(error.to_string()),
    }
}

/// Title and date in the information dictionary.
fn information(pdf: &Document) -> (Option<String>, Option<String>) {
    let Some(info) = pdf.trailer.get_deref(b"Info", pdf).and_then(Object::as_dict).ok() else {
        return (None, None);
    };
    let text = |info: &Dictionary, key: &[u8]| {
        info.get_deref(key, pdf)
            .and_then(lopdf::decode_text_string)
            .ok()
            .filter(|text| !text.trim().is_empty())
    };
    let date = text(info, b"CreationDate").or_else(|| text(info, b"ModDate"));
    (text(info, b"Title"), date.and_then(|date| iso_date(&date)))
}

/// `D:20310506083000+02'00'` as `2031-05-06T08:30:00+02:00` (ISO 32000-1, 7.9.4).
fn iso_date(text: &str) -> Option<String> {
    let digits = text.trim().trim_start_matches("D:");
    let clock: String = digits.chars().take_while(char::is_ascii_digit).collect();
    let part = |from: usize, default: &'static str| clock.get(from..from + 2).unwrap_or(default).to_string();
    let year = clock.get(..4)?;
    let date = format!("{year}-{}-{}", part(4, "01"), part(6, "01"));
    let zone: String =
        digits[clock.len()..].chars().filter(|c| c.is_ascii_digit() || "+-".contains(*c)).collect();
    let zone = match (zone.get(..3), zone.get(3..5)) {
        (Some(hours), minutes) => format!("{hours}:{}", minutes.unwrap_or("00")),
        _ => "Z".into(),
    };
    Some(format!("{date}T{}:{}:{}{zone}", part(8, "00"), part(10, "00"), part(12, "00")))
}

#[cfg(test)]
mod tests;

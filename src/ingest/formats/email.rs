//! Messages of electronic mail (RFC 5322), alone or in an mbox file (RFC 4155): each is a story.

use std::io::BufRead;

use mail_parser::MessageParser;

use crate::{
    Error, Result,
    ingest::{
        NoticeKind,
        lines::{Line, read_line},
        markup,
        sink::{Record, StorySink},
    },
    panics::catch,
    progress::Progress,
};

/// Header fields that a message has, in lower case: three of them at the beginning of a stream show one.
const HEADERS: [&str; 10] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "received",
    "mime-version",
    "return-path",
    "delivered-to",
    "content-type",
];

/// A plain text with less than this share of the letters of the page beside it only says that there is a page.
const MIN_PLAIN: f64 = 0.25;

/// Reads one message.
pub(super) fn read(bytes: &[u8], sink: &mut StorySink) {
    let id = sink.file_id();
    match story(bytes) {
        Some(record) => sink.record(Record { id: Some(id), ..record }),
        None => sink.notice(0, NoticeKind::Document("it is no message".into())),
    }
}

/// Reads the messages of an mbox file.
pub(super) fn read_mbox(
    reader: &mut dyn BufRead,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    let (mut message, mut begin) = (Vec::new(), 0);
    let (mut buffer, mut number, mut record) = (Vec::new(), 0, 0);
    let (mut was_blank, mut too_long) = (true, false);
    let limit = sink.options.max_record();
    loop {
        let line = read_line(reader, &mut buffer, limit);
        let is_end = !matches!(line, Ok(Line::Complete | Line::TooLong));
        if is_end || was_blank && buffer.starts_with(b"From ") {
            if begin > 0 {
                give(&message, begin, record, too_long, sink);
                record += 1;
            }
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            if let Err(error) = &line {
                sink.read_error(number, error);
            }
            if is_end {
                return Ok(());
            }
            message.clear();
            (begin, too_long, was_blank) = (number + 1, false, false);
            number += 1;
            continue;
        }
        number += 1;
        was_blank = buffer.is_empty();
        too_long |= matches!(line, Ok(Line::TooLong)) || (message.len() + buffer.len()) as u64 > limit;
        if begin > 0 && !too_long {
            // A line of a message that looks like the beginning of another is written with a mark.
            let quotes = buffer.iter().take_while(|byte| **byte == b'>').count();
            let is_quoted = quotes > 0 && buffer[quotes..].starts_with(b"From ");
            message.extend_from_slice(&buffer[usize::from(is_quoted)..]);
            message.push(b'\n');
        }
    }
}

fn give(message: &[u8], line: u64, record: u64, too_long: bool, sink: &mut StorySink) {
    if too_long {
        return sink.notice(line, NoticeKind::TooLong(sink.options.max_record()));
    }
    match story(message) {
        Some(found) => sink.record(Record { line, record, ..found }),
        None => sink.notice(line, NoticeKind::Document("it is no message".into())),
    }
}

/// The story of a message: its subject, sender, date and best text.
fn story(bytes: &[u8]) -> Option<Record> {
    catch(|| {
        let message = MessageParser::default().parse(bytes)?;
        let sender = message.from().and_then(|from| from.first());
        let name = sender.and_then(|sender| sender.name()).map(String::from);
        let domain = sender.and_then(|sender| sender.address()).and_then(|address| address.rsplit_once('@'));
        let plain = message.body_text(0).map(|text| text.into_owned()).unwrap_or_default();
        let page = message.body_html(0).map(|html| markup::to_text(html.into_owned())).unwrap_or_default();
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count() as f64;
        let text = if letters(&plain) < MIN_PLAIN * letters(&page) { page } else { plain };
        Some(Record {
            id: message.message_id().map(String::from),
            title: message.subject().unwrap_or_default().trim().to_string(),
            text: without_signature(&text).to_string(),
            date: message.date().map(|date| date.to_rfc3339()),
            source: name.or(domain.map(|(_, domain)| domain.to_string())),
            ..Record::default()
        })
    })?
}

/// `text` without the signature at its end (RFC 3676, 4.3).
fn without_signature(text: &str) -> &str {
    let end = ["\n-- \n", "\n-- \r\n"].iter().filter_map(|mark| text.rfind(mark)).max();
    text[..end.unwrap_or(text.len())].trim()
}

/// Whether a text begins as a message does.
pub(super) fn is_message(text: &str) -> bool {
    let fields = header_fields(text);
    fields >= 3
}

/// Whether a text begins as an mbox file does.
pub(super) fn is_mbox(text: &str) -> bool {
    let rest = text.strip_prefix("From ").and_then(|rest| rest.split_once('\n'));
    rest.is_some_and(|(_, rest)| header_fields(rest) > 0)
}

/// How many known fields a text begins with.
fn header_fields(text: &str) -> usize {
    let mut count = 0;
    for line in text.lines().take(60) {
        let name = line.split_once(':').map(|(name, _)| name.to_ascii_lowercase());
        let is_field = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        match name.filter(is_field) {
            Some(name) => count += usize::from(HEADERS.contains(&name.as_str())),
            // A field may go on in a line that begins with white space.
            None if line.starts_with([' ', '\t']) && count > 0 => {}
            None => break,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use crate::ingest::{IngestOptions, tests::read_file};

    const MESSAGE: &str = "From: Norrin Post <news@norrin.example>\r\nTo: a@ostrel.example\r\n\
        Subject: =?utf-8?q?Rain_in_N=C3=B6rrin?=\r\nDate: Tue, 06 May 2031 08:30:00 +0200\r\nMessage-ID: <7@norrin.example>\r\n";

    fn check(name: &str, message: &str, expect: &[(&str, &str)]) {
        let read = read_file(name, message, &IngestOptions::default());
        let found: Vec<_> = read.stories.iter().map(|s| (s.title.as_str(), s.text.as_str())).collect();
        assert_eq!(found, expect, "{message}: {:?}", read.notices);
        for story in &read.stories {
            assert_eq!(story.source.as_deref(), Some("Norrin Post"));
            assert_eq!(story.published, crate::corpus::parse_date("2031-05-06T06:30:00Z", false));
        }
    }

    #[test]
    fn reads_the_best_text_of_a_message() {
        let plain = "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIt rained, caf=E9.\r\n";
        let page = "Content-Type: text/html\r\n\r\n<p>It rained on the <b>hills</b>.</p><p>And again in the town.</p>\r\n";
        let stub = "Content-Type: text/plain\r\n\r\nSee it.\r\n";
        let parts = |first: &str, second: &str| {
            format!(
                "{MESSAGE}MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n{first}--x\r\n{second}--x--\r\n"
            )
        };
        check("a.eml", &format!("{MESSAGE}{plain}"), &[("Rain in Nörrin", "It rained, café.")]);
        check(
            "a",
            &format!("{MESSAGE}{plain}--=20\r\nI. Holt\r\n"),
            &[("Rain in Nörrin", "It rained, café.")],
        );
        check("a.eml", &parts(plain, page), &[("Rain in Nörrin", "It rained, café.")]);
        check(
            "a.eml",
            &parts(stub, page),
            &[("Rain in Nörrin", "It rained on the hills.\n\nAnd again in the town.")],
        );
    }

    #[test]
    fn each_message_of_an_mbox_is_a_story() {
        let one = format!(
            "From news@norrin.example Tue May  6 08:30:00 2031\r\n{MESSAGE}\r\nIt rained.\r\n>From the hills.\r\n\r\n"
        );
        let two = one.replace("<7@", "<8@").replace("Rain", "Sun");
        for name in ["a.mbox", "inbox"] {
            let text = "It rained.\nFrom the hills.";
            check(name, &format!("{one}{two}"), &[("Rain in Nörrin", text), ("Sun in Nörrin", text)]);
        }
    }
}

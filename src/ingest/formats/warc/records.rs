//! The records of a WARC file, one at a time and in bounded memory.

use std::io::{self, BufRead, Read};

use crate::ingest::lines::{Line, read_line};

/// The longest line of a header, and the largest number of lines.
const MAX_LINE: u64 = 64 << 10;
const MAX_LINES: usize = 1000;

/// A record of an archive.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ArchiveRecord {
    /// `WARC-Type`, in lower case.
    pub kind: String,
    /// `WARC-Record-ID` without its brackets.
    pub id: Option<String>,
    /// `WARC-Target-URI`.
    pub url: Option<String>,
    pub content_type: Option<String>,
    pub content: Vec<u8>,
}

/// What [`ArchiveReader::next`] met.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    Record(ArchiveRecord),
    /// A record longer than the limit was skipped.
    TooLong,
    /// What stands here is no record; reading goes on at the next one.
    Malformed(String),
    End,
}

/// Reads the records of an archive.
pub(super) struct ArchiveReader<'r> {
    reader: &'r mut dyn BufRead,
    limit: u64,
    /// The number of the last record, from 1.
    pub number: u64,
    /// Whether lines are being skipped up to the next record.
    lost: bool,
}

impl<'r> ArchiveReader<'r> {
    /// A reader of records whose contents have at most `limit` bytes.
    pub fn new(reader: &'r mut dyn BufRead, limit: u64) -> Self {
        ArchiveReader { reader, limit, number: 0, lost: false }
    }

    /// The next record.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn next(&mut self) -> io::Result<Next> {
        let mut line = Vec::new();
        loop {
            match read_line(self.reader, &mut line, MAX_LINE)? {
                Line::End => return Ok(Next::End),
                Line::Complete if line.is_empty() => {}
                Line::Complete if line.starts_with(b"WARC/") => break,
                Line::Complete | Line::TooLong => {
                    if !std::mem::replace(&mut self.lost, true) {
                        return Ok(Next::Malformed(
                            "no record where one should begin; skipped to the next".into(),
                        ));
                    }
                }
            }
        }
        self.lost = false;
        self.number += 1;
        let mut record = ArchiveRecord::default();
        let mut length = None;
        for lines in 0.. {
            if read_line(self.reader, &mut line, MAX_LINE)? != Line::Complete || lines > MAX_LINES {
                self.lost = true;
                return Ok(Next::Malformed("a record whose header does not end; skipped".into()));
            }
            if line.is_empty() {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            let Some((name, value)) = text.split_once(':') else { continue };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "warc-type" => record.kind = value.to_ascii_lowercase(),
                "warc-record-id" => record.id = id(value),
                "warc-target-uri" => record.url = Some(value.trim_matches(['<', '>']).to_string()),
                "content-type" => record.content_type = Some(value.to_string()),
                "content-length" => length = value.parse::<u64>().ok(),
                _ => {}
            }
        }
        let Some(length) = length else {
            self.lost = true;
            return Ok(Next::Malformed("a record without a length; skipped".into()));
        };
        let mut content = (&mut *self.reader).take(length);
        if length > self.limit {
            let skipped = io::copy(&mut content, &mut io::sink())?;
            return Ok(whole(skipped, length).unwrap_or(Next::TooLong));
        }
        // The buffer grows with the bytes that arrive, whatever the length says.
        content.read_to_end(&mut record.content)?;
        Ok(whole(record.content.len() as u64, length).unwrap_or(Next::Record(record)))
    }
}

/// What a record is that the end of the stream cuts off; `None` for a whole one.
fn whole(read: u64, length: u64) -> Option<Next> {
    (read != length)
        .then(|| Next::Malformed(format!("the last record has {read} of its {length} bytes; skipped")))
}

/// The id of a record: `<urn:uuid:…>` without what all have.
fn id(value: &str) -> Option<String> {
    let id = value.trim_matches(['<', '>']);
    let id = id.strip_prefix("urn:uuid:").unwrap_or(id);
    (!id.is_empty()).then(|| id.to_string())
}

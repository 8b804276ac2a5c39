//! Documents of word processors: zip archives of XML.

pub(super) mod docx;
pub(super) mod ods;
pub(super) mod odt;
mod sheet;
pub(super) mod xlsx;
mod xml;

use std::{
    collections::BTreeMap,
    io::{self, Cursor, ErrorKind},
};

use ::zip::ZipArchive;

use crate::ingest::{
    DEFAULT_MAX_RECORD, NoticeKind, decode,
    formats::written::WrittenDocument,
    lines::{MAX_DOCUMENT, read_all},
    packing::{Expansion, PeekReader, zip},
    sink::StorySink,
};
use xml::Token;

/// Gives a document to `sink`, with the error that ended it early, or that it could not be read for.
fn give(read: Result<(WrittenDocument, Option<String>), String>, sink: &mut StorySink) {
    let (document, error) = match read {
        Ok((document, error)) => (Some(document), error),
        Err(error) => (None, Some(error)),
    };
    if let Some(error) = error {
        sink.notice(0, NoticeKind::Document(error));
    }
    if let Some(document) = document {
        document.give(sink);
    }
}

/// The parts of a document.
struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    size: u64,
}

impl<'a> Package<'a> {
    /// Opens a document.
    ///
    /// # Errors
    /// It is no zip archive.
    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        Ok(Package { archive: zip::open(Cursor::new(bytes))?, size: bytes.len() as u64 })
    }

    /// The text of a part; `None` if there is none of this name.
    ///
    /// # Errors
    /// The part cannot be read, or is larger than a record may be.
    fn part(&mut self, name: &str) -> io::Result<Option<String>> {
        self.part_up_to(name, DEFAULT_MAX_RECORD)
    }

    /// As [`Self::part`], for a part that holds many records, and with the error as a message.
    fn sheet_part(&mut self, name: &str) -> Result<Option<String>, String> {
        self.part_up_to(name, MAX_DOCUMENT).map_err(|error| error.to_string())
    }

    /// The text of a part that must be there.
    fn required(&mut self, name: &str) -> Result<String, String> {
        self.part(name).map_err(|error| error.to_string())?.ok_or_else(|| format!("{name} is missing"))
    }

    /// The part that the document begins with, which may have another name than the usual one.
    fn main_part(&mut self, usual: &str) -> String {
        let relationships = self.part("_rels/.rels").ok().flatten().unwrap_or_default();
        let mut main = None;
        // What is read up to an error is enough.
        let _ = xml::for_each_token(&relationships, &mut |token| {
            if let Token::Start("Relationship", attributes) = token
                && attributes.get("Type").is_some_and(|kind| kind.ends_with("/officeDocument"))
            {
                main = attributes.get("Target");
            }
        });
        main.map_or_else(|| usual.into(), |main| main.trim_start_matches('/').to_string())
    }

    /// The parts that a part refers to, by the ids of the references.
    fn relationships(&mut self, part: &str) -> BTreeMap<String, String> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let relationships =
            self.part(&format!("{folder}/_rels/{name}.rels")).ok().flatten().unwrap_or_default();
        let mut targets = BTreeMap::new();
        let _ = xml::for_each_token(&relationships, &mut |token| {
            if let Token::Start("Relationship", attributes) = token {
                let target = attributes.get("Target").unwrap_or_default();
                let target = match target.strip_prefix('/') {
                    Some(absolute) => absolute.to_string(),
                    None => format!("{folder}/{target}"),
                };
                targets.extend(attributes.get("Id").map(|id| (id, target)));
            }
        });
        targets
    }

    /// Refuses an OpenDocument file that needs a password.
    fn refuse_encrypted(&mut self) -> Result<(), String> {
        let manifest = self.part("META-INF/manifest.xml").ok().flatten();
        match manifest.is_some_and(|manifest| manifest.contains("encryption-data")) {
            true => Err("it is protected by a password".into()),
            false => Ok(()),
        }
    }

    fn part_up_to(&mut self, name: &str, limit: u64) -> io::Result<Option<String>> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        let stream = match zip::open_member(&mut self.archive, index, &Expansion::of_size(self.size)) {
            zip::Member::File(stream) => stream,
            zip::Member::Encrypted => return Err(io::Error::other("it is protected by a password")),
            zip::Member::Failed(error) => return Err(error),
        };
        let (bytes, error) = read_all(&mut PeekReader::new(stream), limit);
        match (bytes, error) {
            (_, Some(error)) => Err(error),
            (None, _) => Err(io::Error::new(ErrorKind::InvalidData, format!("{name} is too long"))),
            (Some(bytes), None) => Ok(Some(decode::decode(&bytes).into_owned())),
        }
    }
}

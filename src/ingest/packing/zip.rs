//! Members of zip archives, and the documents that are zip archives.

use std::{
    io::{self, Read, Seek},
    rc::Rc,
};

use ::zip::{ZipArchive, result::ZipError};

use super::expansion::{Expansion, Limited};
use crate::{
    Result,
    ingest::{Format, content::FileGroup},
    panics::contain,
};

/// A file of an archive.
pub(in crate::ingest) enum Member<'a> {
    /// Its bytes.
    File(Box<dyn Read + 'a>),
    /// It needs a password.
    Encrypted,
    /// It cannot be opened.
    Failed(io::Error),
}

/// What a zip archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum ZipKind {
    Document(Format),
    Unsupported(FileGroup, &'static str),
    Archive,
}

/// Documents by the beginning of the name of a member beside their list of types (ECMA-376, part 2).
const OFFICE: [(&str, ZipKind); 4] = [
    ("word/", ZipKind::Document(Format::Docx)),
    ("xl/workbook.bin", ZipKind::Unsupported(FileGroup::Office, "a binary Excel workbook (.xlsb)")),
    ("xl/", ZipKind::Document(Format::Xlsx)),
    ("ppt/", ZipKind::Unsupported(FileGroup::Office, "a PowerPoint presentation")),
];

/// Documents by the media type that they state in their first member (OpenDocument 1.3, part 2; EPUB 3.3).
const MEDIA_TYPES: [(&str, ZipKind); 4] = [
    ("application/vnd.oasis.opendocument.text", ZipKind::Document(Format::Odt)),
    ("application/vnd.oasis.opendocument.spreadsheet", ZipKind::Document(Format::Ods)),
    (
        "application/vnd.oasis.opendocument.",
        ZipKind::Unsupported(FileGroup::Office, "an OpenDocument drawing or presentation"),
    ),
    ("application/epub+zip", ZipKind::Unsupported(FileGroup::Ebook, "an EPUB book")),
];

/// Other files that are zip archives, by a member that they must have.
const OTHERS: [(&str, ZipKind); 3] = [
    ("Index/Document.iwa", ZipKind::Unsupported(FileGroup::Office, "a Pages, Numbers or Keynote document")),
    ("AndroidManifest.xml", ZipKind::Unsupported(FileGroup::Program, "an Android app")),
    ("META-INF/MANIFEST.MF", ZipKind::Unsupported(FileGroup::Program, "a Java archive")),
];

/// The longest media type.
const MAX_MEDIA_TYPE: u64 = 128;

/// Opens an archive.
///
/// # Errors
/// It has no valid directory.
pub(in crate::ingest) fn open<R: Read + Seek>(reader: R) -> io::Result<ZipArchive<R>> {
    contain(|| ZipArchive::new(reader).map_err(io_error))
}

/// What an archive is, by its members.
pub(in crate::ingest) fn kind<R: Read + Seek>(archive: &mut ZipArchive<R>) -> ZipKind {
    let has_type =
        |(name, _): &(&str, ZipKind)| archive.file_names_raw().any(|n| n.starts_with(name.as_bytes()));
    let is_office = archive.index_for_name("[Content_Types].xml").is_some();
    let office = OFFICE.into_iter().filter(|_| is_office).find(has_type);
    let other = OTHERS.into_iter().find(|(name, _)| archive.index_for_name(name).is_some());
    let media_type = || {
        let index = archive.index_for_name("mimetype")?;
        let mut text = String::new();
        if let Member::File(stream) = open_member(archive, index, &Rc::default()) {
            stream.take(MAX_MEDIA_TYPE).read_to_string(&mut text).ok()?;
        }
        MEDIA_TYPES.into_iter().find(|(start, _)| text.starts_with(start))
    };
    office.or(other).or_else(media_type).map_or(ZipKind::Archive, |(_, kind)| kind)
}

/// Gives each file of an archive to `read`, with its name, in the order of the directory.
///
/// # Errors
/// That of `read`.
pub(in crate::ingest) fn for_each_member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    expansion: &Rc<Expansion>,
    read: &mut dyn FnMut(&str, Member) -> Result<()>,
) -> Result<()> {
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index_data(index) else { continue };
        let name = match entry.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
        };
        let (is_file, is_encrypted) = (!entry.is_dir() && !entry.is_symlink(), entry.encrypted());
        drop(entry);
        let member = match (is_file, is_encrypted) {
            (false, _) => continue,
            (true, true) => Member::Encrypted,
            (true, false) => open_member(archive, index, expansion),
        };
        read(&name, member)?;
    }
    Ok(())
}

/// Opens the member of this number.
pub(in crate::ingest) fn open_member<'a, R: Read + Seek>(
    archive: &'a mut ZipArchive<R>,
    index: usize,
    expansion: &Rc<Expansion>,
) -> Member<'a> {
    match contain(move || archive.by_index(index).map_err(io_error)) {
        Ok(file) => Member::File(Box::new(Limited::new(Contained(file), expansion))),
        Err(error) => Member::Failed(error),
    }
}

fn io_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

/// A stream whose panics are errors.
struct Contained<R>(R);

impl<R: Read> Read for Contained<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        contain(|| self.0.read(buffer))
    }
}

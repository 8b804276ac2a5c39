//! What a file is by its first bytes, where these leave no doubt: a format that is read, an archive, or a type that is not read.

use super::{Format, decode, formats::Head, packing::tar};

/// Bytes at the beginning of an input that its content is told by.
pub(super) const HEAD: usize = 4096;

/// What an input is by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A format that is read.
    Format(Format),
    /// A zip archive, or a document that is one.
    Zip,
    /// A tar archive.
    Tar,
    /// An Office file that needs a password.
    Encrypted,
    /// A type that is not read.
    Unsupported(FileGroup, &'static str),
}

/// Groups of files that are not read, by what can be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileGroup {
    /// Archives that other programs unpack.
    Archive,
    /// Files of office programs, to be saved in a newer format.
    Office,
    /// Books.
    Ebook,
    /// Pages without text: images, PostScript.
    Image,
    /// Sound and video.
    Recording,
    /// Programs and their parts.
    Program,
    /// Databases and data of statistics programs.
    Data,
}

/// A type of file by bytes at a place. `weak` bytes are short enough to begin a text: they count only where the beginning is no
/// text.
struct Signature {
    at: usize,
    bytes: &'static [u8],
    weak: bool,
    group: FileGroup,
    name: &'static str,
}

const fn strong(bytes: &'static [u8], group: FileGroup, name: &'static str) -> Signature {
    Signature { at: 0, bytes, weak: false, group, name }
}

const fn weak(bytes: &'static [u8], group: FileGroup, name: &'static str) -> Signature {
    Signature { at: 0, bytes, weak: true, group, name }
}

const fn inside(at: usize, bytes: &'static [u8], group: FileGroup, name: &'static str) -> Signature {
    Signature { at, bytes, weak: true, group, name }
}

/// Types that are not read, as the signatures of file(1) and the formats' own specifications have them.
const SIGNATURES: &[Signature] = &[
    strong(b"7z\xbc\xaf\x27\x1c", FileGroup::Archive, "a 7-Zip archive"),
    strong(b"Rar!\x1a\x07", FileGroup::Archive, "a RAR archive"),
    strong(b"MSCF\0\0\0\0", FileGroup::Archive, "a cabinet archive"),
    strong(b"!<arch>\n", FileGroup::Archive, "an ar archive"),
    strong(b"\x04\x22\x4d\x18", FileGroup::Archive, "an LZ4 file"),
    weak(b"LZIP", FileGroup::Archive, "an lzip file"),
    weak(b"\x1f\x9d", FileGroup::Archive, "a compress file (.Z)"),
    weak(b"!BDN", FileGroup::Archive, "an Outlook mailbox (.pst)"),
    strong(b"{\\pwi", FileGroup::Office, "a Pocket Word file"),
    weak(b"\xffWPC", FileGroup::Office, "a WordPerfect file"),
    inside(60, b"BOOKMOBI", FileGroup::Ebook, "a Kindle book"),
    strong(b"ITSF\x03\0\0\0", FileGroup::Ebook, "a compiled help file"),
    strong(b"\x89PNG\r\n\x1a\n", FileGroup::Image, "a PNG image"),
    strong(b"\xff\xd8\xff", FileGroup::Image, "a JPEG image"),
    weak(b"GIF87a", FileGroup::Image, "a GIF image"),
    weak(b"GIF89a", FileGroup::Image, "a GIF image"),
    strong(b"II*\0", FileGroup::Image, "a TIFF image"),
    strong(b"MM\0*", FileGroup::Image, "a TIFF image"),
    inside(8, b"WEBP", FileGroup::Image, "a WebP image"),
    weak(b"BM", FileGroup::Image, "a BMP image"),
    weak(b"8BPS", FileGroup::Image, "a Photoshop image"),
    weak(b"AT&TFORM", FileGroup::Image, "a DjVu document"),
    inside(4, b"ftypheic", FileGroup::Image, "a HEIC image"),
    inside(4, b"ftypavif", FileGroup::Image, "an AVIF image"),
    strong(b"%!PS-Adobe", FileGroup::Image, "a PostScript file"),
    weak(b"ID3", FileGroup::Recording, "an MP3 recording"),
    weak(b"\xff\xfb", FileGroup::Recording, "an MP3 recording"),
    weak(b"OggS", FileGroup::Recording, "an Ogg recording"),
    weak(b"fLaC", FileGroup::Recording, "a FLAC recording"),
    inside(8, b"WAVE", FileGroup::Recording, "a WAV recording"),
    inside(8, b"AVI ", FileGroup::Recording, "an AVI video"),
    inside(4, b"ftyp", FileGroup::Recording, "an MP4 recording"),
    strong(b"\x1a\x45\xdf\xa3", FileGroup::Recording, "a Matroska video"),
    strong(b"\x7fELF", FileGroup::Program, "a program"),
    weak(b"MZ", FileGroup::Program, "a Windows program"),
    strong(b"\xca\xfe\xba\xbe", FileGroup::Program, "a program"),
    strong(b"\xcf\xfa\xed\xfe", FileGroup::Program, "a program"),
    strong(b"\0asm", FileGroup::Program, "a WebAssembly program"),
    strong(b"\x89HDF\r\n\x1a\n", FileGroup::Data, "an HDF5 file"),
    strong(b"\x93NUMPY", FileGroup::Data, "a NumPy array"),
    inside(4, b"Standard Jet DB", FileGroup::Data, "an Access database"),
    inside(4, b"Standard ACE DB", FileGroup::Data, "an Access database"),
    weak(b"\x80\x04\x95", FileGroup::Data, "a Python pickle"),
    weak(b"\x80\x05\x95", FileGroup::Data, "a Python pickle"),
    weak(b"RDX2\n", FileGroup::Data, "an R data file"),
    weak(b"RDX3\n", FileGroup::Data, "an R data file"),
    weak(b"Obj\x01", FileGroup::Data, "an Avro file"),
    strong(b"ORC\x0a", FileGroup::Data, "an ORC file"),
    strong(b"<stata_dta>", FileGroup::Data, "a Stata file"),
];

/// Formats whose first bytes leave no doubt.
const SIGNED: [Format; 4] = [Format::Parquet, Format::Pdf, Format::Rtf, Format::Sqlite];

/// The compound files of older office programs ([MS-CFB], 2.2).
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The beginning of the name `EncryptedPackage` in such a file ([MS-OFFCRYPTO], 1.3.3), in UTF-16.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0";

/// What a stream is that begins with `head`; `None` if its first bytes leave a doubt.
pub(super) fn detect(head: &[u8]) -> Option<Content> {
    let detected = Head { bytes: head, text: "" };
    if let Some(format) = SIGNED.into_iter().find(|format| (format.reader().detect)(&detected)) {
        return Some(Content::Format(format));
    }
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Some(Content::Zip),
        _ if head.starts_with(COMPOUND_FILE)
            && head.windows(ENCRYPTED.len()).any(|name| name == ENCRYPTED) =>
        {
            return Some(Content::Encrypted);
        }
        _ if head.starts_with(COMPOUND_FILE) => {
            return Some(Content::Unsupported(
                FileGroup::Office,
                "an old Office file (.doc, .xls, .ppt, .msg)",
            ));
        }
        _ if tar::is_tar(head) => return Some(Content::Tar),
        _ => {}
    }
    let is_text = decode::is_utf8(head) && !decode::is_binary(head);
    let is_at = |s: &&Signature| {
        head.get(s.at..).is_some_and(|rest| rest.starts_with(s.bytes)) && !(s.weak && is_text)
    };
    let found = SIGNATURES.iter().find(is_at)?;
    Some(Content::Unsupported(found.group, found.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_files_by_their_first_bytes() {
        let check = |head: &[u8], expect: &str| {
            let name = match detect(head) {
                Some(Content::Unsupported(_, name)) => name,
                Some(Content::Format(format)) => format.name(),
                Some(Content::Zip) => "zip",
                Some(Content::Tar) => "tar",
                Some(Content::Encrypted) => "encrypted",
                None => "",
            };
            assert_eq!(name, expect, "{head:?}");
        };
        check(b"PAR1\x15\x04", "Parquet");
        check(b"PK\x03\x04\x14\0", "zip");
        check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "an old Office file (.doc, .xls, .ppt, .msg)");
        check(&[COMPOUND_FILE, &[0; 600], ENCRYPTED].concat(), "encrypted");
        check(b"%PDF-1.7\n", "PDF");
        check(b"{\\rtf1\\ansi", "RTF");
        check(b"\x89PNG\r\n\x1a\n\0", "a PNG image");
        check(b"MZ\x90\0\x03", "a Windows program");
        check(b"\0\0\0\x18ftypmp42\0\0", "an MP4 recording");
        check(b"\0\0\0\x18ftypheic\0\0", "a HEIC image");
        check(b"SQLite format 3\0", "SQLite");
        // Words that begin a text.
        for text in [
            "BM Holdings rose.",
            "MZ is a code.",
            "ID3 was named.",
            "%PD",
            "PK",
            "",
            "Obj",
            "GIF89a is a format.",
        ] {
            check(text.as_bytes(), "");
        }
    }
}

//! Tests of compressed inputs and archives, as they are read.

use std::{
    io::{Cursor, Write},
    path::Path,
};

use crate::ingest::{IngestOptions, IngestOutcome, tests::read_file};

/// Records 1 to 5, and 6 to 10, as JSON lines.
fn halves() -> [Vec<u8>; 2] {
    [1..=5, 6..=10].map(|range| {
        let line = |n: u32| {
            format!("{{\"id\": {n}, \"title\": \"Rain {n}\", \"text\": \"It rained {n} times.\"}}\n")
        };
        range.map(line).collect::<String>().into_bytes()
    })
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One block of LZMA2 that holds the bytes as they are, with a CRC32 of them (the .xz file format, 1.2.0).
fn xz(bytes: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let varint = |mut n: usize| {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    };
    let flags = [0, 1];
    let mut out = [b"\xfd7zXZ\0".as_slice(), &flags, &crc(&flags)].concat();
    // Two words, one filter, no sizes: LZMA2 with a dictionary of 4 KiB.
    let header = [2, 0, 0x21, 1, 0, 0, 0, 0];
    let block = [header.as_slice(), &crc(&header)].concat();
    let mut data = Vec::new();
    for (i, chunk) in bytes.chunks(1 << 16).enumerate() {
        data.push(if i == 0 { 1 } else { 2 });
        data.extend(((chunk.len() - 1) as u16).to_be_bytes());
        data.extend(chunk);
    }
    data.push(0);
    let unpadded = block.len() + data.len() + 4;
    data.resize(data.len().next_multiple_of(4), 0);
    out.extend([block, data, crc(bytes).to_vec()].concat());
    let mut index = [vec![0], varint(1), varint(unpadded), varint(bytes.len())].concat();
    index.resize(index.len().next_multiple_of(4), 0);
    index.extend(crc(&index));
    let footer = [&((index.len() / 4 - 1) as u32).to_le_bytes(), flags.as_slice()].concat();
    out.extend([index, crc(&footer).to_vec(), footer, b"YZ".to_vec()].concat());
    out
}

type Packer = fn(&[u8]) -> Vec<u8>;

const PACKERS: [(&str, Packer); 4] = [("gz", gz), ("zst", zst), ("bz2", bz2), ("xz", xz)];

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(name: &str, bytes: &[u8]) -> IngestOutcome {
    read_file(name, bytes, &IngestOptions::default())
}

/// The notices, without the folder: notices, then information.
fn messages(outcome: &IngestOutcome) -> Vec<String> {
    let all = outcome.notices.iter().chain(&outcome.information);
    all.map(|notice| {
        let path = notice.path.to_string_lossy().into_owned();
        let inside = path.find("news.").map_or(path.as_str(), |at| &path[at..]);
        format!("{inside}: {}", notice.kind)
    })
    .collect()
}

#[test]
fn all_members_of_a_compressed_file_are_read() {
    for (extension, pack) in PACKERS {
        let [first, second] = halves().map(|half| pack(&half));
        let check = |bytes: Vec<u8>, stories: usize, notices: usize| {
            let read = read(&format!("a.jsonl.{extension}"), &bytes);
            assert_eq!(
                (read.stories.len(), read.notices.len()),
                (stories, notices),
                "{extension}: {:?}",
                read.notices
            );
        };
        let both = [first.clone(), second.clone()].concat();
        check(both.clone(), 10, 0);
        check([both.clone(), vec![0; 512]].concat(), 10, 0);
        check([both.clone(), b"more".to_vec()].concat(), 10, 1);
        check([first.clone(), vec![0; 4], second.clone()].concat(), 10, 0);
        check([first.clone(), second[..second.len() / 2].to_vec()].concat(), 5, 1);
        // A frame of Zstandard gives its last bytes once its checksum is read.
        check(both[..both.len() - 3].to_vec(), if extension == "zst" { 5 } else { 10 }, 1);
        check([first.clone(), gz(b"x")].concat(), 5, 1);
    }
}

#[test]
fn frames_that_are_to_be_skipped_are_skipped() {
    let [first, second] = halves().map(|half| zst(&half));
    let skipped = [b"\x5a\x2a\x4d\x18\x03\0\0\0".as_slice(), b"xyz"].concat();
    let check = |parts: &[&[u8]], stories: usize, notices: usize| {
        let read = read("a.jsonl.zst", &parts.concat());
        assert_eq!((read.stories.len(), read.notices.len()), (stories, notices), "{:?}", read.notices);
    };
    check(&[&first, &skipped, &second], 10, 0);
    check(&[&skipped, &first, &second], 10, 0);
    check(&[&first, &second, &skipped, &skipped], 10, 0);
    check(&[&first, &skipped[..9]], 5, 1);
}

#[test]
fn a_wrong_checksum_is_reported() {
    for (extension, pack) in PACKERS {
        let [half, _] = halves();
        let whole = pack(&half);
        // The last bytes of a gzip member are its size, those of xz an index; Zstandard ends with the checksum.
        let at = match extension {
            "gz" => whole.len() - 8,
            "zst" => whole.len() - 1,
            "bz2" => 11,
            _ => whole.windows(5).rposition(|w| w == b"imes.").unwrap(),
        };
        let mut broken = whole.clone();
        broken[at] ^= 1;
        let read = read(&format!("a.jsonl.{extension}"), &broken);
        let kinds: Vec<_> = read.notices.iter().map(|notice| &notice.kind).collect();
        assert!(
            matches!(kinds[..], [.., crate::ingest::NoticeKind::Compressed(_)]),
            "{extension}: {kinds:?}"
        );
        assert!(kinds[kinds.len() - 1].may_lose_stories());
    }
}

#[test]
fn files_of_an_archive_are_read_as_files() {
    let [first, second] = halves();
    let packed = gz(&second);
    let files: [(&str, &[u8]); 7] = [
        ("news/a.jsonl", &first),
        ("b.jsonl.gz", &packed),
        ("../c.txt", b"Rain in Norrin\n\nIt rained."),
        ("d.jpg", b"\xff\xd8\xff"),
        ("e.JPG", b"\xff\xd8\xff"),
        ("f.dat", &second),
        (".hidden/g.txt", b"Hidden."),
    ];
    let tar_bytes = {
        // The crate that writes tar archives refuses names that lead elsewhere.
        let mut files = files;
        files[2].0 = "c.txt";
        tar(&files)
    };
    let archives: [(&str, Vec<u8>); 6] = [
        ("news.zip", zip(&files)),
        ("news.tar", tar_bytes.clone()),
        ("news.tgz", gz(&tar_bytes)),
        ("news.tar.zst", zst(&tar_bytes)),
        ("news.tar.bz2", bz2(&tar_bytes)),
        ("news.tar.xz", xz(&tar_bytes)),
    ];
    for (name, bytes) in archives {
        let outcome = read(name, &bytes);
        assert_eq!(outcome.stories.len(), 11, "{name}: {:?}", outcome.notices);
        let path = &outcome.stories[0].origin.path;
        assert!(path.ends_with(Path::new(name).join("news/a.jsonl")), "{path:?}");
        assert_eq!(outcome.stories[10].id, "c");
        assert_eq!(
            messages(&outcome),
            [
                format!("{name}/f.dat: looks like JSON lines, but has another extension; not read"),
                format!("{name}: not read: 1 .dat, 2 .jpg, 1 hidden"),
            ]
        );
    }
}

#[test]
fn archives_may_lie_in_archives() {
    let story: (&str, &[u8]) = ("rain.txt", b"Rain in Norrin\n\nIt rained.");
    let inner = zip(&[story]);
    let middle = tar(&[("news.zip", &inner)]);
    let outer = zip(&[("a.tar", &middle), story]);
    let outcome = read("b.zip", &inner);
    assert_eq!((outcome.stories.len(), outcome.notices.len()), (1, 0));
    let outcome = read("b.tar", &middle);
    assert_eq!((outcome.stories.len(), outcome.notices.len()), (1, 0));
    let outcome = read("b.zip", &outer);
    assert_eq!(messages(&outcome), ["news.zip: an archive inside of other archives; skipped"]);
    assert_eq!(outcome.stories.len(), 1);
}

#[test]
fn archives_that_are_broken_or_need_a_password_are_reported() {
    let [first, second] = halves();
    let files: [(&str, &[u8]); 2] = [("a.jsonl", &first), ("b.jsonl", &second)];
    let mut encrypted = zip(&files);
    // The flag of the first member, in its own header and in the directory (APPNOTE 4.4.4).
    encrypted[6] |= 1;
    let directory = encrypted.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    encrypted[directory + 8] |= 1;
    let outcome = read("news.zip", &encrypted);
    assert_eq!(messages(&outcome), ["news.zip/a.jsonl: protected by a password; skipped"]);
    assert_eq!(outcome.stories.len(), 5);
    let archive = tar(&files);
    let outcome = read("news.tar", &archive[..archive.len() / 2]);
    assert_eq!((outcome.stories.len(), outcome.notices.is_empty()), (5, false));
    let whole = zip(&files);
    let outcome = read("news.zip", &whole[..whole.len() - 30]);
    assert_eq!((outcome.stories.len(), outcome.notices.len()), (0, 1), "{:?}", outcome.notices);
}

#[test]
fn what_expands_without_end_is_broken_off() {
    let blank = [vec![b' '; (1 << 20) - 1], b"\n".to_vec()].concat().repeat(80);
    let outcome = read("a.jsonl.gz", &gz(&gz(&blank)));
    let kinds: Vec<_> = outcome.notices.iter().map(|notice| notice.kind.to_string()).collect();
    assert_eq!(kinds, ["it expands to more than 1000 times its size; read up to that point"]);
}

#[test]
fn records_of_an_archive_are_copied_by_their_place() {
    let [first, second] = halves();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("news.zip");
    std::fs::write(&path, zip(&[("a.jsonl", &first), ("b/c.jsonl", &second)])).unwrap();
    for name in [None, Some("-".into())] {
        let shown = name.clone().unwrap_or_else(|| path.clone()).join("b/c.jsonl");
        let keep = |origin: &crate::story::Origin| origin.path == shown && origin.record > 2;
        let mut out = Vec::new();
        let source = crate::ingest::RecordSource { path: path.clone(), name };
        let format = crate::ingest::FileFormat::default();
        crate::ingest::copy_records(&[source], &IngestOptions::default(), format, &keep, &mut out).unwrap();
        let ids: Vec<_> =
            String::from_utf8(out).unwrap().lines().map(|line| line[..10].to_string()).collect();
        assert_eq!(ids, ["{\"id\":\"9\",", "{\"id\":\"10\""]);
    }
}

#[test]
fn binary_files_are_refused_by_name_whatever_they_are_called() {
    let check = |name: &str, bytes: &[u8], expect: &str| {
        let outcome = read(name, bytes);
        let notices: Vec<_> = outcome.notices.iter().map(|notice| notice.kind.to_string()).collect();
        assert_eq!((outcome.stories.len(), notices), (0, vec![format!("{expect}; skipped")]), "{name}");
    };
    for name in ["a.txt", "a.csv", "a"] {
        check(name, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image");
        check(name, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an old Office file (.doc, .xls, .ppt, .msg)");
        check(name, b"\x7fELF\x02\x01\x01\0", "a program");
        check(name, b"Rar!\x1a\x07\x01\0", "a RAR archive");
        check(name, &gz(b"7z\xbc\xaf\x27\x1c\0\x04"), "a 7-Zip archive");
        check(
            name,
            &zip(&[("ppt/presentation.xml", b"<p/>"), ("[Content_Types].xml", b"<t/>")]),
            "a PowerPoint presentation",
        );
        check(name, &zip(&[("mimetype", b"application/epub+zip"), ("a.xhtml", b"<html>")]), "an EPUB book");
    }
}

//! Tests of the readers of web archives.

use std::io::Write;

use crate::ingest::{IngestOptions, tests::read_file};

const TEXT: &str = "Rain fell on the hills of Norrin on Tuesday, the council said, and more of it is expected by the weekend.";

fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html><head><title>{title}</title></head><body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    )
}

fn record(kind: &str, number: u32, content_type: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:r{number}>\r\nWARC-Date: 2031-05-06T08:00:00Z\r\n\
         WARC-Target-URI: https://www.norrin.example/{number}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    [head.as_bytes(), content, b"\r\n\r\n"].concat()
}

fn response(number: u32, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n");
    record("response", number, "application/http; msgtype=response", &[head.as_bytes(), body].concat())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// Each story as id, title and text, and all notices.
fn read(name: &str, bytes: &[u8]) -> (Vec<[String; 3]>, Vec<String>) {
    let read = read_file(name, bytes, &IngestOptions::default());
    assert!(
        read.stories.iter().all(|s| s.published.is_none() && s.source.as_deref() == Some("norrin.example"))
    );
    let stories = read.stories.iter().map(|s| [s.id.clone(), s.title.clone(), s.text.clone()]).collect();
    (
        stories,
        read.notices.iter().chain(&read.information).map(|n| format!("{}: {}", n.line, n.kind)).collect(),
    )
}

fn story(number: u32, title: &str, text: &str) -> [String; 3] {
    [format!("r{number}"), title.into(), text.into()]
}

#[test]
fn reads_responses_of_every_encoding() {
    let html = page("Rain", TEXT);
    let chunked =
        format!("10;x=y\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n", &html[..16], html.len() - 16, &html[16..]);
    let cyrillic = "Совет Норрина во вторник проголосовал за закрытие восточного причала на время ремонта, сообщили власти.";
    let (legacy, _, _) = encoding_rs::WINDOWS_1251.encode(cyrillic);
    let legacy = [
        b"<html><head><title>x</title></head><body><article><p>".as_slice(),
        &legacy,
        b"</p></article></body></html>",
    ]
    .concat();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(html.as_bytes()).unwrap();
    let zstd =
        ruzstd::encoding::compress_to_vec(html.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let records = [
        record("warcinfo", 0, "application/warc-fields", b"software: x\r\n"),
        record("request", 1, "application/http", b"GET / HTTP/1.1\r\n\r\n"),
        response(2, "Content-Type: text/html; charset=utf-8", html.as_bytes()),
        response(3, "Content-Type: text/html\r\nTransfer-Encoding: chunked", chunked.as_bytes()),
        response(4, "content-type: text/html\r\ncontent-encoding: gzip", &gzip(html.as_bytes())),
        response(5, "Content-Type: text/html\r\nContent-Encoding: deflate", &zlib.finish().unwrap()),
        response(6, "Content-Type: text/html\r\nContent-Encoding: zstd", &zstd),
        // Crawlers decode bodies and keep the headers.
        response(
            7,
            "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip",
            html.as_bytes(),
        ),
        response(8, "Content-Type: text/html; charset=\"windows-1251\"", &legacy),
        record("resource", 9, "text/html", html.as_bytes()),
    ];
    let mut expect: Vec<_> = [2, 3, 4, 5, 6, 7].map(|number| story(number, "Rain", TEXT)).to_vec();
    expect.extend([story(8, "x", cyrillic), story(9, "Rain", TEXT)]);
    let members: Vec<u8> = records.iter().flat_map(|record| gzip(record)).collect();
    for (name, bytes) in [("a.warc", records.concat()), ("a", records.concat()), ("a.warc.gz", members)] {
        assert_eq!(read(name, &bytes), (expect.clone(), vec![]), "{name}");
    }
}

#[test]
fn reads_texts_of_wet_files() {
    let text = format!("Rain\nHome\n{TEXT}\nIt fell again.\n");
    let wet = [
        record("warcinfo", 0, "application/warc-fields", b"x: y\r\n"),
        record("conversion", 1, "text/plain", text.as_bytes()),
    ];
    let (stories, notices) = read("a.warc.wet.gz", &gzip(&wet.concat()));
    assert_eq!((stories.len(), notices.len()), (1, 0), "{notices:?}");
    assert_eq!(stories[0][1], "Rain");
    assert!(stories[0][2].starts_with(TEXT) || stories[0][2].contains(TEXT), "{stories:?}");
}

#[test]
fn reports_what_is_no_story() {
    let html = page("Rain", TEXT);
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html>gone</html>";
    let records = [
        response(1, "Content-Type: text/html", html.as_bytes()),
        record("response", 2, "application/http; msgtype=response", missing),
        response(3, "Content-Type: image/jpeg", b"\xff\xd8\0\0"),
        record("revisit", 4, "application/http", b""),
        response(5, "Content-Type: text/html\r\nContent-Encoding: shout", b"HTML"),
    ];
    let (stories, notices) = read("a.warc", &records.concat());
    assert_eq!(stories, [story(1, "Rain", TEXT)]);
    assert_eq!(
        notices,
        [
            "0: not read: 1 image/jpeg, 1 responses encoded as shout, 1 responses of status 404, 1 revisit records"
        ]
    );
    let (stories, notices) = read("a.warc", &record("warcinfo", 0, "application/warc-fields", b"x: y\r\n"));
    assert_eq!(stories.len(), 0);
    assert!(notices[0].contains("no responses, resources or texts"), "{notices:?}");
}

#[test]
fn goes_on_after_a_malformed_record() {
    let html = page("Rain", TEXT);
    let rain = |number| response(number, "Content-Type: text/html", html.as_bytes());
    let unmeasured = b"WARC/1.0\r\nWARC-Type: response\r\n\r\nx\r\n\r\n".to_vec();
    for bad in [b"noise\nmore noise\n".to_vec(), unmeasured] {
        let (stories, notices) = read("a.warc", &[rain(1), bad, rain(2)].concat());
        assert_eq!(stories, [story(1, "Rain", TEXT), story(2, "Rain", TEXT)]);
        assert_eq!(notices.len(), 1, "{notices:?}");
    }
    let cut = [rain(1), rain(2)].concat();
    let (stories, notices) = read("a.warc", &cut[..cut.len() - 40]);
    assert_eq!((stories.len(), notices.len()), (1, 1), "{notices:?}");
}

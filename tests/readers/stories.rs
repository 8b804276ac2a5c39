//! Mutation and fuzz targets for the readers of stories, one per format.

use std::{
    collections::BTreeSet,
    fs,
    io::{Cursor, Write},
    path::Path,
    sync::Arc,
};

use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use samestory::{
    ingest::{self, FileFormat, Format, IngestOptions, IngestOutcome, Input, RecordFormat, RecordSource},
    progress::NoProgress,
};

use super::{
    Reader, head,
    samples::{self, gz, tar, zip, zst},
    text::check_passages,
};

/// A reader of one format.
macro_rules! reader {
    ($name:literal, $format:expr, $seeds:expr) => {
        Reader { name: $name, read: |bytes| read(bytes, $format), seeds: $seeds, cost: 1 }
    };
}

pub const JSON_LINES: Reader = Reader {
    name: "json_lines",
    read: |bytes| {
        read(bytes, Some(Format::JsonLines));
        read_one_by_one(bytes);
    },
    seeds: || vec![JSONL.into(), head("tests/data/wire/wire.jsonl", 2500)],
    cost: 1,
};
pub const JSON: Reader = reader!("json", Some(Format::Json), || {
    let lines = JSONL.trim().replace('\n', ",");
    let pandas = "{\"title\":{\"0\":\"Rain\"},\"text\":{\"0\":\"It rained.\"},\"date\":{\"0\":NaN}}";
    vec![
        format!("[{lines}]").into(),
        format!("{{\"status\":\"ok\",\"articles\":[{lines}]}}").into(),
        pandas.into(),
        NINJS.into(),
    ]
});
pub const CSV: Reader = reader!("csv", Some(Format::Csv), || {
    vec![
        TABLE.into(),
        format!("sep=;\n{}", TABLE.replace(',', ";")).into(),
        head("tests/data/wire/archive.csv", 1500),
    ]
});
pub const TSV: Reader = reader!("tsv", Some(Format::Tsv), || vec![TABLE.replace(',', "\t").into_bytes()]);
pub const FEED: Reader = reader!("feed", Some(Format::Feed), || vec![RSS.into(), ATOM.into()]);
pub const HTML: Reader = reader!("html", Some(Format::Html), || vec![
    WEB.into(),
    FACTIVA.into(),
    EUROPRESSE.into(),
    super::data("tests/data/wire/html/fire.html")
]);
pub const MARKDOWN: Reader = reader!("markdown", Some(Format::Markdown), || {
    vec![MD.into(), super::data("tests/data/wire/md/torvik-vote.md")]
});
pub const TEXT: Reader = reader!("text", Some(Format::Text), || {
    let exports = [LEXISNEXIS, NEXIS_UNI, PROQUEST, NEWSBANK].map(Into::into);
    let pages = [PAGE.into(), super::data("tests/data/wire/page/two-stories.txt")];
    pages.into_iter().chain(exports).collect()
});
pub const NEWS_XML: Reader = reader!("news_xml", Some(Format::NewsXml), || vec![NEWSML.into(), NITF.into()]);
pub const WARC: Reader = reader!("warc", Some(Format::Warc), || vec![warc_seed()]);
pub const SQLITE: Reader = Reader {
    name: "sqlite",
    read: |bytes| read_named(bytes, "news.db"),
    seeds: || vec![sqlite_seed()],
    cost: 8,
};
pub const ARROW: Reader = reader!("arrow", Some(Format::Arrow), arrow_seeds);
/// Streams without a name, compressed or not, whose format is detected by their first bytes.
pub const PACKED: Reader = reader!("packed", None, packed_seeds);
/// Archives, whose members are read by their names.
pub const ARCHIVES: Reader = reader!("archives", None, archive_seeds);
pub const DOCX: Reader = reader!("docx", Some(Format::Docx), || vec![samples::docx()]);
pub const ODT: Reader = reader!("odt", Some(Format::Odt), || vec![samples::odt()]);
pub const XLSX: Reader = reader!("xlsx", Some(Format::Xlsx), || vec![samples::xlsx()]);
pub const ODS: Reader = reader!("ods", Some(Format::Ods), || vec![samples::ods()]);
/// XML of documents, each part in an archive that is whole: no fuzzer finds the checksums of an archive.
pub const OFFICE: Reader = Reader { name: "office", read: read_office, seeds: office_seeds, cost: 2 };
pub const RTF: Reader = reader!("rtf", Some(Format::Rtf), || vec![samples::rtf()]);
pub const PDF: Reader = Reader {
    name: "pdf",
    read: |bytes| read(bytes, Some(Format::Pdf)),
    seeds: || vec![samples::pdf("Rain", &[("Rain", &["It rained on the hills (twice)."])])],
    cost: 2,
};
pub const EMAIL: Reader = reader!("email", Some(Format::Email), || vec![samples::message().into()]);
pub const MBOX: Reader = reader!("mbox", Some(Format::Mbox), || {
    let message = format!("From a@b Tue May  6 08:30:00 2031\r\n{}\r\n", samples::message());
    vec![message.repeat(2).into()]
});
pub const SUBTITLES: Reader =
    reader!("subtitles", Some(Format::Subtitles), || vec![samples::srt(), samples::vtt()]);
pub const PARQUET: Reader = Reader { name: "parquet", read: read_parquet, seeds: parquet_seeds, cost: 4 };

const JSONL: &str = "{\"id\":\"a\",\"title\":\"Rain \\u00e9\",\"text\":\"LONDON, May 3 (Reuters) - Rain fell.\\n\\nIt fell again.\",\
    \"date\":\"2024-05-03T10:00:00Z\",\"source\":\"wire\",\"url\":\"https://x.example/a\"}\n{\"id\":2,\"body\":[\"one\",\"two\"]}\n";
const TABLE: &str = "id,title,text,date\n1,Rain,\"It \"\"rained\"\", twice\nand again\",2024-05-03\n2,Sun,It shone.,3 May 2024\n";
const WEB: &str = "<!doctype html><html><head><title>Rain</title><meta charset=windows-1252></head><body><nav>Home</nav>\
    <article><h1>Rain</h1><p>Rain fell on the hills of Valemont on Tuesday, the council said, and more is expected.</p>\
    <p>Roads &amp; bridges were closed&nbsp;for hours.</p></article><script>x<y</script></body></html>";
const RSS: &str = "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:dc=\"d\"><channel><title>Norrin</title><item><title>Rain &amp; sun</title>\
    <link>https://norrin.example/1</link><guid>g1</guid><pubDate>Tue, 06 May 2031 08:00:00 +0200</pubDate>\
    <content:encoded><![CDATA[<p>It rained&nbsp;twice.</p>]]></content:encoded></item></channel></rss>";
const ATOM: &str = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><id>a</id><title type=\"html\">Rain &amp;mdash; again</title>\
    <link href=\"https://norrin.example/1\"/><updated>2031-05-06T06:00:00Z</updated><content type=\"xhtml\"><div><p>It <b>rained</b>.\
    </p></div></content></entry></feed>";
const MD: &str = "---\ntitle: Rain\ndate: 2024-05-03\n---\n# Rain\n\nRain *fell* on [hills](http://x.example).\n\n\
    | a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n```\ncode\n```\n";
const PAGE: &str = "Rain in Valemont\n2024-07-04 20:36 Last Updated At:22:47\nVALEMONT, July 4 - Rain fell.\n\nIt fell again.\n\n\
    Next Article\nSun in Norrin\n2024-07-04 19:00\nNORRIN (AP) - The sun shone.\n";
const NEWSML: &str = "<?xml version=\"1.0\"?><newsMessage><itemSet><newsItem guid=\"urn:a\" version=\"1\"><itemMeta><provider><name>Norrin</name></provider>\
    <versionCreated>2031-05-06T08:00:00Z</versionCreated></itemMeta><contentMeta><headline>Rain &amp; sun</headline></contentMeta><contentSet><inlineXML>\
    <html><body><p>It <b>rained</b>.</p><p>Again.</p></body></html></inlineXML></contentSet></newsItem><newsItem guid=\"urn:b\"><itemMeta>\
    <pubStatus qcode=\"stat:canceled\"/></itemMeta></newsItem></itemSet></newsMessage>";
const NITF: &str = "<nitf><head><docdata><doc-id id-string=\"n1\"/><date.issue norm=\"20310506T080000Z\"/></docdata></head><body><body.head><hedline>\
    <hl1>Rain</hl1></hedline></body.head><body.content><media><media-caption>x</media-caption></media><p>It rained.</p></body.content></body></nitf>";
const NINJS: &str = "[{\"uri\":\"a\",\"versioncreated\":\"2031-05-06T08:00:00Z\",\"headline\":\"Rain\",\"body_text\":\"It rained.\"},\
    {\"uri\":\"b\",\"headlines\":[{\"role\":\"main\",\"value\":\"Sun\"}],\"bodies\":[{\"contentType\":\"text/html\",\"value\":\"<p>It shone.\"}]},\
    {\"uri\":\"a\",\"pubStatus\":\"canceled\",\"evolvedFrom\":\"c\"}]";
const LEXISNEXIS: &str = "   1 of 2 DOCUMENTS\n\n   Norrin Post\n\n   May 6, 2031 Tuesday\n\nRain\n\nBYLINE: Jo\n\nLENGTH: 2 words\n\nIt rained.\n\n\
    LOAD-DATE: May 6, 2031\n\n   2 of 2 DOCUMENTS\n\nEcho\n\nMay 7, 2031\n\nSun\n\nLENGTH: 2 words\n\nIt shone.\n\nCORRECTION: It did not.\n";
const NEXIS_UNI: &str = "Documents (1)\n\nRain\nNorrin Post\nMay 6, 2031 Tuesday\n\nLength: 2 words\nByline: Jo\nBody\n\nIt rained.\n\n\
    Classification\n\nLoad-Date: May 6, 2031\n\nEnd of Document\n";
const PROQUEST: &str = "____________________________________________________________\nDocument 1 of 1\nRain\nAuthor: Jo\nFull text: It rained.\n\
    Subject: x\nTitle: Rain\nPublication title: Norrin Post\nPublication date: May 6, 2031\nProQuest document ID: 1\n";
const NEWSBANK: &str = "Rain\nMay 6, 2031 | Norrin Post (NN)\nOpenURL Link\n\nIt rained.\n\nCopyright (c) 2031\nPaper: Echo\nTitle: Sun\n\
    Date: May 7, 2031\n\nIt shone.\n\nRecord Number: 1\nCopyright (c) 2031\n";
const FACTIVA: &str = "<div class=\"article enArticle\"><p><b>Rain</b></p><p>2 words</p><p>6 May 2031</p><p>Norrin Post</p><p>It rained.</p>\
    <p>Document NORP000020310506e7560001a</p></div><table><tr><td>HD</td><td>Sun</td></tr><tr><td>TD</td><td><p class=\"articleParagraph\">\
    It shone.</p></td></tr><tr><td>AN</td><td>Document NORP000020310506e7560001b</td></tr></table>";
const EUROPRESSE: &str = "<article><span class=\"DocPublicationName\">Norrin Post</span><span class=\"DocHeader\">6 mai 2031</span>\
    <p class=\"titreArticleVisu\">Rain</p><div>Jo Brandt</div><p>It rained.</p><p>Num\u{e9}ro de document : 1</p></article>";

/// A record, compressed by bzip2 and xz.
const BZIP2: &[u8] = b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x17\xdf\xd1\x14\x00\x00\x08\x5b\x80\x00\x10\x50\x00\x00\x10\x10\x00\x22\x25\x04\x0a\x20\x00\x22\x13\x4c\x23\x3d\x42\x01\xa0\x01\xe9\xcc\xa4\xf6\x58\x84\x70\x6d\x17\x72\x45\x38\x50\x90\x17\xdf\xd1\x14";
const XZ: &[u8] = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x1c\x00\x00\x00\x10\xcf\x58\xcc\x01\x00\x11\x7b\x22\x74\x69\x74\x6c\x65\x22\x3a\x20\x22\x52\x61\x69\x6e\x22\x7d\x0a\x00\x00\x00\x52\x6e\x4e\x5e\x35\x6c\x5e\xb1\x00\x01\x2a\x12\x4b\x08\x54\xbc\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";

fn read(bytes: &[u8], format: Option<Format>) {
    let options = IngestOptions { format, ..IngestOptions::default() };
    let input = Input::Stdin(Box::new(Cursor::new(bytes.to_vec())));
    check_outcome(
        ingest::read(vec![input], &options, &NoProgress).expect("bad input is a notice, not an error"),
    );
}

/// Invariants of stories that were read from any input.
fn check_outcome(read: IngestOutcome) {
    assert!(read.skipped <= read.notice_counts.total());
    read.notices.iter().for_each(|notice| assert!(!notice.to_string().is_empty()));
    let ids: BTreeSet<&str> = read.stories.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids.len(), read.stories.len(), "duplicate id");
    for story in &read.stories {
        // A story that is exported and read again is the same story.
        let line = ingest::to_json_line(story);
        let again = ingest::read_json_record(&line, Path::new("-"), 1, 0, &IngestOptions::default());
        assert_eq!(again.stories.len(), 1, "{line}: {:?}", again.notices);
        let mut back = again.stories[0].clone();
        back.origin = story.origin.clone();
        assert_eq!(&back, story, "{line}");
    }
    check_passages(read.stories);
}

/// Reads records one at a time, as the command `check` does.
fn read_one_by_one(bytes: &[u8]) {
    let (mut reader, mut line) = (bytes, 0);
    while let Ok(Some(read)) = ingest::read_json_line(&mut reader, &mut line, &IngestOptions::default()) {
        assert!(read.stories.len() <= 1);
    }
}

fn packed_seeds() -> Vec<Vec<u8>> {
    let lines = JSONL.as_bytes();
    let twice = [zst(lines), b"\x50\x2a\x4d\x18\x02\0\0\0xy".to_vec(), zst(lines)].concat();
    vec![gz(lines), twice, BZIP2.into(), XZ.into(), JSONL.into(), WEB.into(), PAGE.into()]
}

fn archive_seeds() -> Vec<Vec<u8>> {
    let files: [(&str, &[u8]); 3] =
        [("a.jsonl", JSONL.as_bytes()), ("b/c.txt", PAGE.as_bytes()), ("d.jpg", b"\xff\xd8\xff")];
    let inner = zip(&files[..2]);
    vec![zip(&files), tar(&files), gz(&tar(&[("e.zip", &inner), files[0]]))]
}

/// The parts that are put into documents.
const PARTS: [(&str, Format, &str); 4] = [
    ("<w:", Format::Docx, "word/document.xml"),
    ("<worksheet", Format::Xlsx, "xl/worksheets/sheet1.xml"),
    ("<office:spreadsheet", Format::Ods, "content.xml"),
    ("", Format::Odt, "content.xml"),
];

fn read_office(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (_, format, part) = PARTS.into_iter().find(|(mark, ..)| text.contains(mark)).expect("the last fits");
    let book: &[u8] = b"<workbook><sheets><sheet id=\"a\"/></sheets></workbook>";
    let links: &[u8] =
        b"<Relationships><Relationship Id=\"a\" Target=\"worksheets/sheet1.xml\"/></Relationships>";
    let files = [(part, bytes), ("xl/workbook.xml", book), ("xl/_rels/workbook.xml.rels", links)];
    read(&zip(&files), Some(format));
}

fn office_seeds() -> Vec<Vec<u8>> {
    let body = "<w:p><w:pPr><w:pStyle w:val=\"Title\"/></w:pPr><w:r><w:t>Rain</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:t>It \
                rained.</w:t></w:p></w:tc></w:tr></w:tbl>";
    let sheet = "<worksheet><row r=\"1\"><c r=\"A1\" t=\"str\"><v>title</v></c><c r=\"B1\" t=\"str\"><v>text</v></c></row>\
                 <row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>Rain</t></is></c><c r=\"B2\"><v>47974.5</v></c></row></worksheet>";
    let table = "<office:spreadsheet><table:table><table:table-row><table:table-cell><text:p>title</text:p></table:table-cell>\
                 <table:table-cell table:number-columns-repeated=\"2\"><text:p>text</text:p></table:table-cell></table:table-row>\
                 </table:table></office:spreadsheet>";
    let text = "<office:text><text:h text:outline-level=\"1\">Rain</text:h><text:p>It<text:s text:c=\"3\"/>rained.</text:p></office:text>";
    [body, sheet, table, text].map(|part| part.as_bytes().to_vec()).into()
}

/// A request, a page in chunks, a compressed page, and a text.
fn warc_seed() -> Vec<u8> {
    let record = |kind: &str, content: &[u8]| {
        let head = format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Target-URI: https://norrin.example/1\r\n\
             Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
            if kind == "conversion" { "text/plain" } else { "application/http" },
            content.len()
        );
        [head.as_bytes(), content, b"\r\n\r\n"].concat()
    };
    let response = |coding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=latin1\r\n{coding}\r\n\r\n");
        record("response", &[head.as_bytes(), body].concat())
    };
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(WEB.as_bytes()).unwrap();
    let chunks = format!("8\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n", &WEB[..8], WEB.len() - 8, &WEB[8..]);
    [
        record("request", b"GET / HTTP/1.1\r\n\r\n"),
        response("Transfer-Encoding: chunked", chunks.as_bytes()),
        response("Content-Encoding: gzip", &gz.finish().unwrap()),
        record("conversion", PAGE.as_bytes()),
    ]
    .concat()
}

fn sqlite_seed() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("news.db");
    let sql = "PRAGMA page_size = 512; CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT, text TEXT, date TEXT);
        INSERT INTO articles VALUES (1, 'Rain', 'It rained.', '2031-05-06'), (2, 'Sun', x'c3a9', 0.5);";
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    fs::read(&path).unwrap()
}

/// A stream, and a file that is compressed.
fn arrow_seeds() -> Vec<Vec<u8>> {
    let text = |values: [&str; 2]| -> arrow_array::ArrayRef {
        Arc::new(arrow_array::StringArray::from(values.to_vec()))
    };
    let key: arrow_array::DictionaryArray<arrow_array::types::Int8Type> =
        ["wire", "wire"].into_iter().collect();
    let source: arrow_array::ArrayRef = Arc::new(key);
    let columns = [
        ("id", text(["a", "b"])),
        ("text", text(["The dam is raised.", "The mill is shut."])),
        ("source", source),
    ];
    let batch = arrow_array::RecordBatch::try_from_iter(columns).unwrap();
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    let lz4 = Some(arrow_ipc::CompressionType::LZ4_FRAME);
    let options = arrow_ipc::writer::IpcWriteOptions::default().try_with_compression(lz4).unwrap();
    let mut file =
        arrow_ipc::writer::FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    file.write(&batch).unwrap();
    vec![stream.into_inner().unwrap(), file.into_inner().unwrap()]
}

/// Reads a file, because a Parquet file has its index at the end, and copies its records.
fn read_parquet(bytes: &[u8]) {
    read_named(bytes, "stories.parquet");
}

/// Reads a file of this name, and copies its records.
fn read_named(bytes: &[u8], name: &str) {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    let options = IngestOptions::default();
    let read = ingest::read(vec![Input::Path(path.clone())], &options, &NoProgress);
    check_outcome(read.expect("bad input is a notice, not an error"));
    let inputs = [RecordSource { path, name: None }];
    for records in [RecordFormat::JsonLines, RecordFormat::Parquet] {
        let format = FileFormat { records: Some(records), gzip: false };
        ingest::copy_records(&inputs, &options, format, &|o| o.record != 1, &mut Vec::new())
            .expect("a corrupt file is copied up to the error");
    }
}

fn parquet_seeds() -> Vec<Vec<u8>> {
    let compressed = ["zstd-pages-1", "zstd-pages-2", "brotli-pages-1"];
    let compressed = compressed.map(|name| super::data(&format!("tests/data/parquet/{name}.parquet")));
    [parquet_seed()].into_iter().chain(compressed).collect()
}

fn parquet_seed() -> Vec<u8> {
    let schema = "message story { required binary id (utf8); required binary text (utf8); \
                  optional int64 date (timestamp(micros,true)); }";
    // Without statistics, which no reader uses.
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = file.next_row_group().unwrap();
    for values in [["a", "b"], ["The dam is raised.", "The mill is shut."]] {
        let mut column = group.next_column().unwrap().unwrap();
        let values = values.map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1_930_000_000_000_000], Some(&[1, 0]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.into_inner().unwrap()
}

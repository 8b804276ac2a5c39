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

use super::{Reader, head, text::check_passages};

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
pub const HTML: Reader =
    reader!("html", Some(Format::Html), || vec![WEB.into(), super::data("tests/data/wire/html/fire.html")]);
pub const MARKDOWN: Reader = reader!("markdown", Some(Format::Markdown), || {
    vec![MD.into(), super::data("tests/data/wire/md/torvik-vote.md")]
});
pub const TEXT: Reader = reader!("text", Some(Format::Text), || {
    vec![PAGE.into(), super::data("tests/data/wire/page/two-stories.txt")]
});
/// Streams without a name, compressed or not, whose format is detected by their first bytes.
pub const PACKED: Reader = reader!("packed", None, packed_seeds);
pub const PARQUET: Reader =
    Reader { name: "parquet", read: read_parquet, seeds: || vec![parquet_seed()], cost: 4 };

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
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(JSONL.as_bytes()).unwrap();
    let fastest = ruzstd::encoding::CompressionLevel::Fastest;
    let zst = ruzstd::encoding::compress_to_vec(JSONL.as_bytes(), fastest);
    vec![gz.finish().unwrap(), zst, JSONL.into(), WEB.into(), PAGE.into()]
}

/// Reads a file, because a Parquet file has its index at the end, and copies its records.
fn read_parquet(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("stories.parquet");
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

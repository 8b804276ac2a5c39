//! One invented story in every format, put together by hand as other programs write it.
//!
//! To add a format, write a function that gives a file, and add a row to [`samples`]: `tests/library/every_format.rs` checks that
//! the same story is read from it, and the targets take it for a seed.

use std::io::{Cursor, Write};

use serde_json::json;

/// The story. Its title, the publisher and the date are those of all files that have room for them.
pub const TITLE: &str = "Rain closes the east quay in Nörrin";
pub const SOURCE: &str = "Norrin Post";
pub const DATE: &str = "2031-05-06T08:30:00Z";
pub const PARAGRAPHS: [&str; 3] = [
    "The harbour board of Nörrin closed the east quay on Tuesday after three days of heavy rain, and said that no ship \
     will be loaded there before the water has fallen by a metre.",
    "“We have not seen such rain for forty years,” said Irena Holt, who heads the board. Two cranes & a shed were moved \
     to higher ground in the night, at a cost of 41,000 crowns.",
    "Ferries to Ostrel leave from the west quay until Friday. The board meets again on Thursday to decide whether the \
     fish market can open at the weekend.",
];

/// A file, and which fields of the story it has beside the text.
pub struct Sample {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub title: bool,
    pub date: bool,
    pub source: bool,
}

/// The story in every format.
pub fn samples() -> Vec<Sample> {
    let sample =
        |name, bytes: Vec<u8>, [title, date, source]: [bool; 3]| Sample { name, bytes, title, date, source };
    let (all, plain) = ([true; 3], [true, false, false]);
    let dated = [true, true, false];
    vec![
        sample("rain.txt", text().into(), plain),
        sample(
            "rain.md",
            format!("---\ntitle: {TITLE}\ndate: {DATE}\nsource: {SOURCE}\n---\n{}", body("\n\n")).into(),
            all,
        ),
        sample("rain.html", html().into(), all),
        sample("rain.xml", feed().into(), all),
        sample("rain.json", format!("[{}]", json_record()).into(), all),
        sample("rain.jsonl", format!("{}\n", json_record()).into(), all),
        sample("rain.csv", table(','), all),
        sample("rain.tsv", table('\t'), all),
        sample("rain.jsonl.gz", gz(json_record().as_bytes()), all),
        sample("rain.jsonl.zst", zst(json_record().as_bytes()), all),
        sample("rain.zip", zip(&[("2031/rain.txt", text().as_bytes())]), plain),
        sample("rain.tar", tar(&[("2031/rain.txt", text().as_bytes())]), plain),
    ]
}

fn body(between: &str) -> String {
    PARAGRAPHS.join(between)
}

fn text() -> String {
    format!("{TITLE}\n\n{}\n", body("\n\n"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn html() -> String {
    let paragraphs: String = PARAGRAPHS.iter().map(|text| format!("<p>{}</p>\n", escape(text))).collect();
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>{TITLE}</title><meta property=\"og:title\" \
         content=\"{TITLE}\"><meta property=\"og:site_name\" content=\"{SOURCE}\"><meta property=\"article:published_time\" \
         content=\"{DATE}\"></head><body><nav><a href=\"/\">Home</a></nav><article><h1>{TITLE}</h1>\n{paragraphs}</article>\
         </body></html>"
    )
}

fn feed() -> String {
    let paragraphs: String = PARAGRAPHS.iter().map(|text| format!("<p>{}</p>", escape(text))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\" xmlns:content=\"c\"><channel><title>{SOURCE}</title>\
         <item><title>{TITLE}</title><pubDate>Tue, 06 May 2031 10:30:00 +0200</pubDate><content:encoded><![CDATA[{paragraphs}]]>\
         </content:encoded></item></channel></rss>"
    )
}

fn json_record() -> String {
    json!({"title": TITLE, "text": body("\n\n"), "date": DATE, "source": SOURCE}).to_string()
}

fn table(delimiter: char) -> Vec<u8> {
    let cells = [TITLE, &body("\n\n"), DATE, SOURCE].map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
    let line = |cells: [&str; 4]| cells.join(&delimiter.to_string());
    let rows =
        [line(["title", "text", "date", "source"]), line([&cells[0], &cells[1], &cells[2], &cells[3]])];
    format!("{}\n", rows.join("\n")).into_bytes()
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A zip archive; its first member is not compressed.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = ::zip::CompressionMethod::Stored;
    for (at, (name, bytes)) in files.iter().enumerate() {
        let options = ::zip::write::SimpleFileOptions::default();
        writer.start_file(*name, if at == 0 { options.compression_method(stored) } else { options }).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

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
        sample("rain.docx", docx(), dated),
        sample("rain.odt", odt(), dated),
        sample("rain.rtf", rtf(), dated),
        sample("rain.srt", srt(), [false; 3]),
        sample("rain.vtt", vtt(), [false; 3]),
        sample("rain.pdf", pdf(TITLE, &[(TITLE, &PARAGRAPHS)]), dated),
        sample("rain.xlsx", xlsx(), all),
        sample("rain.ods", ods(), all),
        sample("rain.eml", message().into_bytes(), all),
        sample(
            "rain.mbox",
            format!("From news@norrin.example Tue May  6 08:30:00 2031\r\n{}", message()).into_bytes(),
            all,
        ),
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

pub fn docx() -> Vec<u8> {
    let paragraph = |style: &str, text: &str| {
        format!(
            "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>",
            escape(text)
        )
    };
    let paragraphs: String = PARAGRAPHS.iter().map(|text| paragraph("Normal", text)).collect();
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:document xmlns:w=\"w\"><w:body>{}{paragraphs}\
         <w:sectPr/></w:body></w:document>",
        paragraph("Title", TITLE)
    );
    let core = format!(
        "<cp:coreProperties xmlns:cp=\"c\" xmlns:dc=\"d\" xmlns:dcterms=\"t\"><dc:title>{TITLE}</dc:title><dc:creator>Irena Holt\
         </dc:creator><dcterms:created>{DATE}</dcterms:created></cp:coreProperties>"
    );
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
        ("docProps/core.xml", core.as_bytes()),
    ])
}

pub fn odt() -> Vec<u8> {
    let paragraphs: String =
        PARAGRAPHS.iter().map(|text| format!("<text:p>{}</text:p>", escape(text))).collect();
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:text=\"t\"><office:body><office:text><text:h \
         text:outline-level=\"1\">{TITLE}</text:h>{paragraphs}</office:text></office:body></office:document-content>"
    );
    let meta = format!(
        "<office:document-meta><office:meta><dc:title>{TITLE}</dc:title><meta:creation-date>{DATE}</meta:creation-date>\
         </office:meta></office:document-meta>"
    );
    zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", content.as_bytes()),
        ("meta.xml", meta.as_bytes()),
    ])
}

pub fn rtf() -> Vec<u8> {
    let encode = |text: &str| -> String {
        let unit = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\u{}?", c as u32) };
        text.chars().map(unit).collect()
    };
    let paragraphs: String = PARAGRAPHS.iter().map(|text| format!("{}\\par\r\n", encode(text))).collect();
    let title = encode(TITLE);
    format!(
        "{{\\rtf1\\ansi\\ansicpg1252{{\\fonttbl{{\\f0 Arial;}}}}{{\\info{{\\title {title}}}{{\\author Irena Holt}}\
         {{\\creatim\\yr2031\\mo5\\dy6\\hr8\\min30}}}}\r\n\\pard\\f0 {title}\\par\r\n{paragraphs}}}"
    )
    .into_bytes()
}

pub fn srt() -> Vec<u8> {
    cues(',', "")
}

pub fn vtt() -> Vec<u8> {
    cues('.', "WEBVTT\n\n")
}

/// A cue for every five words, in two lines.
fn cues(point: char, head: &str) -> Vec<u8> {
    let text = body(" ");
    let words: Vec<&str> = text.split(' ').collect();
    let cue = |(n, words): (usize, &[&str])| {
        let (first, second) = words.split_at(words.len().div_ceil(2));
        format!(
            "{}\n00:00:{:02}{point}000 --> 00:00:{:02}{point}900\n{}\n{}\n\n",
            n + 1,
            n,
            n,
            first.join(" "),
            second.join(" ")
        )
    };
    let cues: String = words.chunks(5).enumerate().map(cue).collect();
    format!("{head}{cues}").into_bytes()
}

pub fn message() -> String {
    let paragraphs = body("\r\n\r\n");
    format!(
        "From: {SOURCE} <news@norrin.example>\r\nTo: desk@ostrel.example\r\nSubject: =?utf-8?q?{}?=\r\n\
         Date: Tue, 06 May 2031 10:30:00 +0200\r\nMessage-ID: <1@norrin.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{paragraphs}\r\n",
        TITLE.replace(' ', "_").replace('ö', "=C3=B6")
    )
}

pub fn xlsx() -> Vec<u8> {
    let cell = |text: &str| {
        format!("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", escape(text))
    };
    let header: String = ["Title", "Text", "Date", "Source"].map(cell).concat();
    // The 6th of May 2031 at half past eight, in days since 1899.
    let row =
        [cell(TITLE), cell(&body("\n\n")), "<c s=\"1\"><v>47974.354166666664</v></c>".into(), cell(SOURCE)]
            .concat();
    let sheet = format!(
        "<worksheet><sheetData><row r=\"1\">{header}</row><row r=\"2\">{row}</row></sheetData></worksheet>"
    );
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook xmlns:r=\"r\"><sheets><sheet name=\"News\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/></Relationships>"),
        ("xl/styles.xml", b"<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

pub fn ods() -> Vec<u8> {
    let paragraphs = |text: &str| -> String {
        text.split("\n\n").map(|text| format!("<text:p>{}</text:p>", escape(text))).collect()
    };
    let cell = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\">{}</table:table-cell>", paragraphs(text))
    };
    let header: String = ["Title", "Text", "Date", "Source"].map(cell).concat();
    let date = "<table:table-cell office:value-type=\"date\" office:date-value=\"2031-05-06T08:30:00\"><text:p>6 May</text:p></table:table-cell>";
    let row = [cell(TITLE), cell(&body("\n\n")), date.into(), cell(SOURCE)].concat();
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"News\"><table:table-row>{header}\
         </table:table-row><table:table-row>{row}</table:table-row><table:table-row table:number-rows-repeated=\"1048574\">\
         <table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row></table:table></office:spreadsheet>\
         </office:body></office:document-content>"
    );
    zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
    ])
}

/// A PDF file with as many pages as `stories`, each a title with its paragraphs, in Helvetica.
pub fn pdf(title: &str, stories: &[(&str, &[&str])]) -> Vec<u8> {
    const WIDTH: usize = 84;
    let mut objects = vec![
        "<</Type /Catalog /Pages 2 0 R>>".to_string(),
        String::new(),
        "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>".into(),
        format!("<</Title {} /CreationDate (D:20310506103000+02'00')>>", utf16(title)),
    ];
    let mut kids = Vec::new();
    for (number, (title, paragraphs)) in (1..).zip(stories) {
        let mut content =
            format!("BT /F1 18 Tf 72 760 Td ({}) Tj /F1 11 Tf 13 TL 0 -22 Td\n", win_ansi(title));
        for paragraph in *paragraphs {
            let mut line = String::new();
            for word in paragraph.split(' ') {
                if line.chars().count() + word.chars().count() > WIDTH {
                    content.push_str(&format!("({}) ' ", win_ansi(&std::mem::take(&mut line))));
                }
                line.push_str(word);
                line.push(' ');
            }
            content.push_str(&format!("({}) ' 0 -10 Td\n", win_ansi(line.trim_end())));
        }
        content.push_str(&format!("1 0 0 1 290 40 Tm ({number}) Tj ET"));
        objects.push(format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()));
        objects.push(format!(
            "<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources <</Font <</F1 3 0 R>>>>>>",
            objects.len()
        ));
        kids.push(format!("{} 0 R", objects.len()));
    }
    objects[1] = format!("<</Type /Pages /Kids [{}] /Count {}>>", kids.join(" "), kids.len());
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    places.iter().for_each(|place| out.extend(format!("{place:010} 00000 n \n").bytes()));
    let trailer = format!(
        "trailer\n<</Size {} /Root 1 0 R /Info 4 0 R>>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    );
    out.extend(trailer.bytes());
    out
}

/// A string of PDF in UTF-16.
fn utf16(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    format!("<FEFF{units}>")
}

/// The inside of a string of PDF, in windows-1252.
fn win_ansi(text: &str) -> String {
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    let escape = |byte: &u8| match byte {
        b'(' | b')' | b'\\' => format!("\\{}", *byte as char),
        0x20..=0x7e => (*byte as char).to_string(),
        _ => format!("\\{byte:03o}"),
    };
    bytes.iter().map(escape).collect()
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

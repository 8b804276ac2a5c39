//! Mutation and fuzz targets: each reader of untrusted bytes as one function that must not panic, whatever the bytes are.
//!
//! `tests/library/mutations.rs` mutates the seeds and replays what fuzzing found; the targets in `fuzz/` run longer.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a failed expectation is a finding")]

pub mod files;
pub mod index_files;
pub mod samples;
pub mod store;
pub mod stories;
pub mod streams;
pub mod text;

/// A reader with its seeds.
pub struct Reader {
    /// The name of its fuzz target, and of the folder of its regressions in `tests/data/regressions`.
    pub name: &'static str,
    /// Reads the bytes. Panics if an invariant of what was read does not hold; rejecting the bytes is correct.
    pub read: fn(&[u8]),
    /// Small valid inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Its cost relative to a reader of text: the tests run it proportionally less often.
    pub cost: u64,
}

/// All readers.
pub const READERS: [&Reader; 36] = [
    &index_files::GRAPH,
    &index_files::QUANTIZED,
    &index_files::POSTINGS,
    &stories::JSON_LINES,
    &stories::JSON,
    &stories::CSV,
    &stories::TSV,
    &stories::FEED,
    &stories::HTML,
    &stories::MARKDOWN,
    &stories::TEXT,
    &stories::PACKED,
    &stories::ARCHIVES,
    &stories::DOCX,
    &stories::ODT,
    &stories::XLSX,
    &stories::ODS,
    &stories::OFFICE,
    &stories::RTF,
    &stories::PDF,
    &stories::EMAIL,
    &stories::MBOX,
    &stories::SUBTITLES,
    &stories::WARC,
    &stories::NEWS_XML,
    &stories::SQLITE,
    &stories::ARROW,
    &stories::PARQUET,
    &streams::WORKERS,
    &text::PASSAGES,
    &text::COMPARE,
    &text::TOKENIZER,
    &files::SETTINGS,
    &files::PAIRS,
    &files::WEIGHTS,
    &store::STORE,
];

/// The bytes of a file of the repository; also works where this module is part of the crate in `fuzz/`.
pub fn data(path: &str) -> Vec<u8> {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let there = [here.join(path), here.join("..").join(path)].into_iter().find(|p| p.is_file());
    std::fs::read(there.unwrap_or_else(|| panic!("{path} not found"))).unwrap()
}

/// At most the first `most` bytes of a text file, up to the end of a line.
fn head(path: &str, most: usize) -> Vec<u8> {
    let mut bytes = data(path);
    let end = bytes.iter().take(most).rposition(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.truncate(end);
    bytes
}

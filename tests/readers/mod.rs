//! The readers of bytes that come from outside, each as one function that must hold whatever the bytes are.
//!
//! `tests/mutations.rs` damages their seeds and reads what fuzzing has found before; the targets in `fuzz/` look longer.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "what is not as it should be is a finding")]

pub mod files;
pub mod index_files;
pub mod store;
pub mod stories;
pub mod streams;
pub mod text;

/// A reader with what it is tried on.
pub struct Reader {
    /// The name of its fuzz target, and of the folder of its regressions in `tests/data/regressions`.
    pub name: &'static str,
    /// Reads. Panics if something falls over, or if what was read is not as it must be; refusing the bytes is right.
    pub read: fn(&[u8]),
    /// Bytes that it takes, small ones.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many times as long as a plain one it takes: the tests try it so much less often.
    pub cost: u64,
}

/// All of them.
pub const READERS: [&Reader; 20] = [
    &index_files::GRAPH,
    &index_files::QUANTIZED,
    &index_files::POSTINGS,
    &stories::JSON_LINES,
    &stories::JSON,
    &stories::CSV,
    &stories::TSV,
    &stories::HTML,
    &stories::MARKDOWN,
    &stories::TEXT,
    &stories::PACKED,
    &stories::PARQUET,
    &streams::STAGES,
    &text::PASSAGES,
    &text::COMPARE,
    &text::TOKENIZER,
    &files::SETTINGS,
    &files::PAIRS,
    &files::WEIGHTS,
    &store::STORE,
];

/// A file of the repository, also where this module is compiled into the crate in `fuzz/`.
pub fn data(path: &str) -> Vec<u8> {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let there = [here.join(path), here.join("..").join(path)].into_iter().find(|p| p.is_file());
    std::fs::read(there.unwrap_or_else(|| panic!("there is no {path}"))).unwrap()
}

/// The first `most` bytes of a text file, up to the end of a line.
fn head(path: &str, most: usize) -> Vec<u8> {
    let mut bytes = data(path);
    let end = bytes.iter().take(most).rposition(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.truncate(end);
    bytes
}

//! Damaged input never panics: files of every format, cut, spliced and flipped many times over.
//!
//! `SAMESTORY_MUTATIONS=1000000 cargo test --release --test mutations` looks longer.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its seeds fails")]

use std::io::{Cursor, Write};

use samestory::{
    device::CpuPath,
    ingest::{self, Format, Input, Options},
    progress::Silent,
    search::{
        Graph, GraphBuilder, GraphOptions, GraphScratch, Quantized, QuantizedRows, Query, RowSet, Want,
    },
    vector::{Matrix, normalize},
};

/// Mutations of each seed.
fn rounds() -> u64 {
    std::env::var("SAMESTORY_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// What readers have stumbled over elsewhere.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"[[[[[[[[",
    b"}",
    b"\r",
    b"\n\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"&#x110000;",
    b"&",
    b"<",
    b"<![CDATA[",
    b"<table><td>",
    b"</",
    b"---\n",
    b"```",
    b"|",
    b"* ",
    b"2024-07-04 20:36 Last Updated At:22:47",
    b"Next Article",
    b"\xf0\x9f\x92\xa9",
    b"\xcc\x81\xcc\x81\xcc\x81",
    b"1e999",
    b"-9223372036854775808",
    b"\xe2\x80\xae",
];

fn mutated(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(6) {
        let (at, other) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
        let (low, high) = (at.min(other), at.max(other));
        match random.below(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = random.next() as u8,
            3 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            4 => drop(bytes.drain(low..high.min(low + 64))),
            5 => {
                let part = bytes[low..high.min(low + 64)].to_vec();
                drop(bytes.splice(other..other, part));
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())].repeat(1 + random.below(300));
                drop(bytes.splice(at..at, piece));
            }
        }
    }
    bytes
}

fn read(bytes: &[u8], format: Option<Format>) {
    let options = Options { format, ..Options::default() };
    let input = Input::Stdin(Box::new(Cursor::new(bytes.to_vec())));
    if let Ok(read) = ingest::read(vec![input], &options, &Silent) {
        let corpus = ingest::corpus(read.stories);
        for passage in corpus.passages.iter().flatten() {
            assert!(passage.row.index() < corpus.rows.len());
        }
    }
}

fn check(seed: &[u8], format: Option<Format>, start: u64) {
    for round in 0..rounds() {
        let bytes = mutated(seed, &mut Random(start << 40 | round));
        let outcome = std::panic::catch_unwind(|| read(&bytes, format));
        assert!(outcome.is_ok(), "round {round} of {format:?}: {:?}", String::from_utf8_lossy(&bytes));
    }
}

const JSONL: &str = "{\"id\":\"a\",\"title\":\"Rain \\u00e9\",\"text\":\"LONDON, May 3 (Reuters) - Rain fell.\\n\\nIt fell again.\",\
    \"date\":\"2024-05-03T10:00:00Z\",\"source\":\"wire\",\"url\":\"https://x.example/a\"}\n{\"id\":2,\"body\":[\"one\",\"two\"]}\n";
const CSV: &str = "id,title,text,date\n1,Rain,\"It \"\"rained\"\", twice\nand again\",2024-05-03\n2,Sun,It shone.,3 May 2024\n";
const HTML: &str = "<!doctype html><html><head><title>Rain</title><meta charset=windows-1252></head><body><nav>Home</nav>\
    <article><h1>Rain</h1><p>Rain fell on the hills of Valemont on Tuesday, the council said, and more is expected.</p>\
    <p>Roads &amp; bridges were closed&nbsp;for hours.</p></article><script>x<y</script></body></html>";
const MARKDOWN: &str = "---\ntitle: Rain\ndate: 2024-05-03\n---\n# Rain\n\nRain *fell* on [hills](http://x.example).\n\n\
    | a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n```\ncode\n```\n";
const PAGE: &str = "Rain in Valemont\n2024-07-04 20:36 Last Updated At:22:47\nVALEMONT, July 4 - Rain fell.\n\nIt fell again.\n\n\
    Next Article\nSun in Norrin\n2024-07-04 19:00\nNORRIN (AP) - The sun shone.\n";

#[test]
fn records_are_read_or_noticed() {
    check(JSONL.as_bytes(), Some(Format::JsonLines), 1);
    let json = format!("[{}]", JSONL.trim().replace('\n', ","));
    check(json.as_bytes(), Some(Format::Json), 2);
    check(CSV.as_bytes(), Some(Format::Csv), 3);
    check(CSV.replace(',', "\t").as_bytes(), Some(Format::Tsv), 4);
}

#[test]
fn pages_are_read_or_noticed() {
    check(HTML.as_bytes(), Some(Format::Html), 5);
    check(MARKDOWN.as_bytes(), Some(Format::Markdown), 6);
    check(PAGE.as_bytes(), Some(Format::Text), 7);
}

#[test]
fn packed_and_nameless_streams_are_read_or_noticed() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(JSONL.as_bytes()).unwrap();
    check(&gz.finish().unwrap(), None, 8);
    let zst =
        ruzstd::encoding::compress_to_vec(JSONL.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    check(&zst, None, 9);
    for (i, seed) in [JSONL, HTML, PAGE].into_iter().enumerate() {
        check(seed.as_bytes(), None, 10 + i as u64);
    }
}

#[test]
fn derived_files_are_read_or_refused() {
    let mut random = Random(77);
    let values = (0..80 * 20).map(|_| (random.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5).collect();
    let mut rows = Matrix::from_vec(values, 20);
    (0..80).for_each(|i| normalize(rows.row_mut(i)));
    let quantized = QuantizedRows::from_matrix(&rows);
    let view = quantized.view(CpuPath::Portable);
    let mut builder = GraphBuilder::empty(view, GraphOptions { m: 4, ef_construction: 20 });
    builder.extend(&Silent).unwrap();
    let (mut vectors, mut graph) = (Vec::new(), Vec::new());
    view.write(1, &mut vectors).unwrap();
    builder.freeze(1, &mut graph).unwrap();
    let query = [Query::new(rows.row(3))];
    let near = |view: Quantized| view.candidates(&query, Want::Nearest(5), &RowSet::default());
    let expect = near(view);
    for round in 0..rounds() {
        let mut random = Random(20 << 40 | round);
        if let Ok((read, _)) = Quantized::open(&mutated(&vectors, &mut random), CpuPath::Portable) {
            assert_eq!(near(read), expect, "round {round}");
        }
        if let Ok((read, _)) = Graph::open(&mutated(&graph, &mut random), view) {
            let found = read.candidates(&query[0], 80, &RowSet::default(), &mut GraphScratch::default());
            assert_eq!(found.len(), 80, "round {round}");
        }
    }
}

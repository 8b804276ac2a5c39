//! The same story is read from a file of every format.

use samestory::{
    corpus::parse_date,
    ingest::{IngestOptions, IngestOutcome, Input, read},
    progress::NoProgress,
};

use crate::readers::samples::{DATE, PARAGRAPHS, SOURCE, Sample, TITLE, samples};

fn read_sample(sample: &Sample, bytes: &[u8]) -> IngestOutcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(sample.name);
    std::fs::write(&path, bytes).unwrap();
    read(vec![Input::Path(path)], &IngestOptions::default(), &NoProgress).unwrap()
}

/// `text` without differences in white space.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_story_is_the_same_in_every_format() {
    for sample in samples() {
        let outcome = read_sample(&sample, &sample.bytes);
        let name = sample.name;
        assert_eq!(outcome.notices, [], "{name}");
        let [story] = &outcome.stories[..] else { panic!("{name}: {:?}", outcome.stories) };
        assert_eq!(words(&story.text), words(&PARAGRAPHS.join(" ")), "{name}");
        assert_eq!(story.title, if sample.title { TITLE } else { "" }, "{name}");
        assert_eq!(story.published, parse_date(DATE, false).filter(|_| sample.date), "{name}");
        assert_eq!(story.source.as_deref(), Some(SOURCE).filter(|_| sample.source), "{name}");
    }
}

#[test]
fn an_archive_or_document_that_is_broken_off_is_told() {
    const PACKED: [&str; 8] = ["docx", "odt", "xlsx", "ods", "zip", "tar", "gz", "zst"];
    for sample in samples() {
        let is_packed = PACKED.iter().any(|extension| sample.name.ends_with(extension));
        // Lengths near the ends, where headers and directories are, and some between.
        let length = sample.bytes.len();
        let step = (length / 40).max(1);
        for n in (0..length).filter(|n| *n < 24 || *n + 24 > length || n % step == 0) {
            // No length makes a reader panic.
            let outcome = read_sample(&sample, &sample.bytes[..n]);
            let is_told = !outcome.notices.is_empty() || !outcome.stories.is_empty();
            assert!(is_told || !is_packed, "{} cut after {n} of {length} bytes", sample.name);
        }
    }
}

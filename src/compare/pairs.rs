//! Compared pairs with their features, as JSON lines: to look at, to calibrate thresholds on, and to classify again.
//!
//! The first line says what the features were made from; the others are pairs, in the order of the input's stories.
//! Classifying and grouping cost little, but features need embedding, search and comparison. So other rules can be applied
//! to the features of a file, if they were made from the same stories by the same model and search.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{PairFeatures, Rule, Thresholds, Verdict, classify::classify};
use crate::{
    Error, Result,
    boilerplate::BoilerplateList,
    corpus::TEXT_VERSION,
    error::FileKind,
    hex,
    search::SearchReport,
    story::{Corpus, StoryId},
};

/// The version of the file; it grows when a feature is added or changes its meaning.
const SCHEMA: u32 = 6;

/// Lines that are parsed together.
const BLOCK: usize = 1 << 14;

/// What the features of a file were made from; each part as text or as a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of this library.
    pub program: String,
    /// SHA-256 of all that a comparison depends on in the stories, in their order.
    pub stories: String,
    /// The model's fingerprint.
    pub model: String,
    /// Device and precision.
    pub device: String,
    /// The setting that candidates were searched with.
    pub search: String,
    /// SHA-256 of the list of boilerplate.
    pub boilerplate: String,
}

impl Provenance {
    /// The provenance of features of the stories of `corpus`.
    pub fn new(
        corpus: &Corpus,
        model: &str,
        device: &str,
        search: &str,
        boilerplate: &BoilerplateList,
    ) -> Self {
        let mut list = Sha256::new();
        for entry in &boilerplate.passages {
            list.update((entry.text.len() as u64).to_le_bytes());
            list.update(entry.text.as_bytes());
            list.update([u8::from(entry.exclude)]);
        }
        Provenance {
            program: env!("CARGO_PKG_VERSION").into(),
            stories: digest(corpus),
            model: model.into(),
            device: device.into(),
            search: search.into(),
            boilerplate: hex::encode(&list.finalize()),
        }
    }

    /// The first part that differs, in words.
    fn difference(&self, other: &Provenance) -> Option<String> {
        let parts = [
            ("another version of samestory", &self.program, &other.program),
            ("other stories, or in another order", &self.stories, &other.stories),
            ("another model", &self.model, &other.model),
            ("another device", &self.device, &other.device),
            ("another search", &self.search, &other.search),
            ("another list of boilerplate", &self.boilerplate, &other.boilerplate),
        ];
        let differing = parts.into_iter().find(|(_, x, y)| x != y);
        differing.map(|(part, x, y)| format!("{part} ({} there, {} here)", short(x), short(y)))
    }
}

/// A digest shortened; another text as it is.
fn short(text: &str) -> &str {
    let is_digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_digest { &text[..12] } else { text }
}

fn digest(corpus: &Corpus) -> String {
    let mut sum = Sha256::new();
    sum.update(TEXT_VERSION.to_le_bytes());
    for (story, passages) in corpus.stories.iter().zip(&corpus.passages) {
        let absent = u64::MAX.to_le_bytes();
        for text in [Some(&story.id), Some(&story.title), story.source.as_ref()] {
            sum.update(text.map_or(absent, |t| (t.len() as u64).to_le_bytes()));
            sum.update(text.map_or("", |t| t));
        }
        sum.update([u8::from(story.published.is_some())]);
        sum.update(story.published.unwrap_or(0).to_le_bytes());
        sum.update((passages.len() as u64).to_le_bytes());
        passages.iter().for_each(|p| sum.update(corpus.rows[p.row.index()].hash));
    }
    hex::encode(&sum.finalize())
}

/// The part of the first line that every version has.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    schema: u32,
    provenance: Cow<'a, Provenance>,
    search: Cow<'a, SearchReport>,
}

#[derive(Serialize)]
struct Line<'a> {
    a: &'a str,
    b: &'a str,
    relation: &'a str,
    rule: Rule,
    #[serde(flatten)]
    features: &'a PairFeatures,
}

/// A line as it is read: relation and rule are ignored, and the features classified again.
#[derive(Deserialize)]
struct ReadLine<'a> {
    #[serde(borrow)]
    a: Cow<'a, str>,
    #[serde(borrow)]
    b: Cow<'a, str>,
    #[serde(flatten)]
    features: PairFeatures,
}

/// Writes `verdicts` in their order, after a line with their provenance.
///
/// # Errors
/// If `out` cannot be written.
pub fn write_pairs(
    provenance: &Provenance,
    search: &SearchReport,
    corpus: &Corpus,
    verdicts: &[Verdict],
    out: &mut dyn Write,
) -> io::Result<()> {
    let head = Head { schema: SCHEMA, provenance: Cow::Borrowed(provenance), search: Cow::Borrowed(search) };
    serde_json::to_writer(&mut *out, &head)?;
    out.write_all(b"\n")?;
    for v in verdicts {
        let id = |s: StoryId| corpus.stories[s.index()].id.as_str();
        let line =
            Line { a: id(v.a), b: id(v.b), relation: v.relation.name(), rule: v.rule, features: &v.features };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads the pairs of a file that [`write_pairs`] wrote, and classifies them by `thresholds`; also gives the report of the
/// search that found them.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Line`] if it has another schema or provenance, or a line is broken.
pub fn read_pairs(
    file: &Path,
    provenance: &Provenance,
    corpus: &Corpus,
    thresholds: &Thresholds,
) -> Result<(SearchReport, Vec<Verdict>)> {
    let refuse = |line: usize, message: String| Error::Line {
        path: file.into(),
        line: line as u64,
        message,
        kind: FileKind::Pairs,
    };
    let mut lines = BufReader::new(File::open(file).map_err(Error::io("read", file))?).lines();
    let first = lines.next().transpose().map_err(Error::io("read", file))?.unwrap_or_default();
    let not_pairs = |e: serde_json::Error| refuse(1, format!("not a file of pairs: {e}"));
    let Version { schema } = serde_json::from_str(&first).map_err(not_pairs)?;
    if schema != SCHEMA {
        return Err(refuse(1, format!("it has schema {schema}; this version reads schema {SCHEMA}")));
    }
    let head: Head = serde_json::from_str(&first).map_err(not_pairs)?;
    if let Some(difference) = head.provenance.difference(provenance) {
        return Err(refuse(1, format!("the pairs were made from {difference}")));
    }
    let ids: HashMap<&str, StoryId> =
        corpus.stories.iter().zip(0..).map(|(story, i)| (story.id.as_str(), StoryId(i))).collect();
    let read = |(line, text): (usize, &String)| -> Result<Verdict> {
        let read: ReadLine = serde_json::from_str(text).map_err(|e| refuse(line, e.to_string()))?;
        let story = |id: &str| {
            ids.get(id).copied().ok_or_else(|| refuse(line, format!("no story has the id {id:?}")))
        };
        let (a, b) = (story(&read.a)?, story(&read.b)?);
        Ok(Verdict::new(a, b, classify(&read.features, thresholds), read.features))
    };
    let mut verdicts = Vec::new();
    let mut from = 2;
    loop {
        let block: Vec<String> =
            lines.by_ref().take(BLOCK).collect::<io::Result<_>>().map_err(Error::io("read", file))?;
        if block.is_empty() {
            break;
        }
        let classified: Vec<Result<Verdict>> =
            block.par_iter().enumerate().map(|(i, text)| read((from + i, text))).collect();
        for verdict in classified {
            verdicts.push(verdict?);
        }
        from += block.len();
    }
    if let Some(at) = verdicts.windows(2).position(|w| (w[0].a, w[0].b) >= (w[1].a, w[1].b)) {
        return Err(refuse(at + 3, "the pairs are not in the order of the stories".into()));
    }
    Ok((head.search.into_owned(), verdicts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::Relation, story::Story};

    fn corpus() -> Corpus {
        let story = |id: &str| Story { id: id.into(), text: format!("A text of {id}."), ..Story::default() };
        Corpus::new(["x", "y", "z"].map(story).to_vec())
    }

    fn provenance(corpus: &Corpus) -> Provenance {
        Provenance::new(corpus, "model", "cpu", "auto", &BoilerplateList::default())
    }

    fn verdicts(features: &[PairFeatures]) -> Vec<Verdict> {
        let pairs = [(0, 1), (0, 2), (1, 2)];
        let verdict = |(f, (a, b)): (&PairFeatures, (u32, u32))| {
            Verdict::new(StoryId(a), StoryId(b), classify(f, &Thresholds::default()), *f)
        };
        features.iter().zip(pairs).map(verdict).collect()
    }

    /// Writes, spoils and reads.
    fn again(
        features: &[PairFeatures],
        spoil: impl Fn(String) -> String,
        provenance_then: &Provenance,
    ) -> Result<Vec<Verdict>> {
        let (corpus, mut bytes) = (corpus(), Vec::new());
        let report = SearchReport::default();
        write_pairs(&provenance(&corpus), &report, &corpus, &verdicts(features), &mut bytes).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), spoil(String::from_utf8(bytes).unwrap())).unwrap();
        read_pairs(file.path(), provenance_then, &corpus, &Thresholds::default())
            .map(|(_, verdicts)| verdicts)
    }

    #[test]
    fn rejects_other_files_and_broken_lines() {
        let here = provenance(&corpus());
        let features = [PairFeatures::default(); 3];
        let check = |spoil: &dyn Fn(String) -> String, provenance: &Provenance, expect: &str| {
            let error = again(&features, spoil, provenance).expect_err(expect);
            assert!(error.to_string().contains(expect), "{error}");
        };
        check(&|_| String::new(), &here, ":1: not a file of pairs");
        let schema = format!("\"schema\":{SCHEMA}");
        check(&|t| t.replacen(&schema, "\"schema\":9", 1), &here, ":1: it has schema 9");
        check(
            &|t| t,
            &Provenance { model: "other".into(), ..here.clone() },
            ":1: the pairs were made from another model",
        );
        check(
            &|t| t,
            &Provenance { stories: "0".into(), ..here.clone() },
            "other stories, or in another order",
        );
        check(&|t| t.replace("\"b\":\"z\"", "\"b\":\"w\""), &here, ":3: no story has the id \"w\"");
        check(&|t| t + "{}\n", &here, ":5: missing field");
        let back = |t: String| {
            let lines: Vec<&str> = t.lines().collect();
            [lines[0], lines[2], lines[1]].join("\n")
        };
        check(&back, &here, ":3: the pairs are not in the order");
    }

    #[test]
    fn the_digest_covers_all_that_a_comparison_depends_on() {
        let plain = corpus();
        let other = |change: &dyn Fn(&mut Corpus)| {
            let mut corpus = plain.clone();
            change(&mut corpus);
            digest(&corpus)
        };
        assert_eq!(other(&|_| ()), digest(&plain));
        assert_ne!(other(&|c| c.stories[1].title = "T".into()), digest(&plain));
        assert_ne!(other(&|c| c.stories[1].source = Some(String::new())), digest(&plain));
        assert_ne!(other(&|c| c.stories[1].published = Some(0)), digest(&plain));
        assert_ne!(other(&|c| c.stories.swap(0, 1)), digest(&plain));
        assert_ne!(other(&|c| c.passages.swap(0, 1)), digest(&plain));
        assert_ne!(other(&|c| c.rows[0].hash[0] ^= 1), digest(&plain));
    }

    proptest::proptest! {
        #[test]
        fn figures_come_back_to_the_bit(
            shares in proptest::collection::vec(proptest::num::f32::POSITIVE, 6), counts: [u16; 3], known: bool, same: bool,
        ) {
            let features = PairFeatures {
                coverage_ab: shares[0], coverage_ba: shares[1], matched: shares[2], longest_passage: shares[3],
                cosine: -shares[4], days_apart: known.then_some(shares[5]), longest_run: counts[0].into(),
                numbers: counts[1].into(), names: counts[2].into(), same_text: same, ..PairFeatures::default()
            };
            let found = again(&[features], |t| t, &provenance(&corpus())).unwrap();
            proptest::prop_assert_eq!(found, verdicts(&[features]));
        }
    }

    #[test]
    fn relations_are_classified_again() {
        let same =
            PairFeatures { coverage_ab: 1.0, coverage_ba: 1.0, same_text: true, ..PairFeatures::default() };
        let lie = |t: String| t.replace("\"relation\":\"identical\"", "\"relation\":\"none\"");
        let found = again(&[same], lie, &provenance(&corpus())).unwrap();
        assert_eq!(found[0].relation, Relation::Identical);
    }
}

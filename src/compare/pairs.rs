//! Every compared pair with its features, as JSON lines: to see why, to set thresholds by, and to classify anew from.
//!
//! The first line says what the features were made from; the others are pairs, in the order of the input's stories. What
//! rules and groups make of the features is cheap to do again, what it takes to get them is not: with other rules the
//! same features are read back, if they were made from the same stories by the same model and search.

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

/// The version of the lines; another one if a figure is added or comes to mean something else.
const SCHEMA: u32 = 4;

/// Lines that are read at a time.
const BLOCK: usize = 1 << 14;

/// What features depend on; each part in words or as a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The program's version.
    pub program: String,
    /// SHA-256 of all stories, as far as a comparison sees them, in their order.
    pub stories: String,
    /// The model's fingerprint.
    pub model: String,
    /// Device and precision.
    pub device: String,
    /// How candidates were searched, as it was asked for.
    pub search: String,
    /// SHA-256 of the list of boilerplate.
    pub boilerplate: String,
}

impl Provenance {
    /// What features on the stories of `corpus` depend on.
    pub fn new(
        corpus: &Corpus,
        model: &str,
        device: &str,
        search: &str,
        boilerplate: &BoilerplateList,
    ) -> Self {
        let mut known = Sha256::new();
        for entry in &boilerplate.passages {
            known.update((entry.text.len() as u64).to_le_bytes());
            known.update(entry.text.as_bytes());
            known.update([u8::from(entry.exclude)]);
        }
        Provenance {
            program: env!("CARGO_PKG_VERSION").into(),
            stories: digest(corpus),
            model: model.into(),
            device: device.into(),
            search: search.into(),
            boilerplate: hex::encode(&known.finalize()),
        }
    }

    /// The first part in which two differ, in words.
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
        differing.map(|(what, x, y)| format!("{what} ({} there, {} here)", short(x), short(y)))
    }
}

fn short(text: &str) -> &str {
    match text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => &text[..12],
        false => text,
    }
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

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    schema: u32,
    basis: Cow<'a, Provenance>,
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

/// A line as it is read: the relation is decided anew.
#[derive(Deserialize)]
struct Known<'a> {
    #[serde(borrow)]
    a: Cow<'a, str>,
    #[serde(borrow)]
    b: Cow<'a, str>,
    #[serde(flatten)]
    features: PairFeatures,
}

/// Writes `verdicts` in their order, after a line on what they were made from.
///
/// # Errors
/// If `out` cannot be written.
pub fn write_pairs(
    basis: &Provenance,
    search: &SearchReport,
    corpus: &Corpus,
    verdicts: &[Verdict],
    out: &mut dyn Write,
) -> io::Result<()> {
    let head = Head { schema: SCHEMA, basis: Cow::Borrowed(basis), search: Cow::Borrowed(search) };
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

/// Reads what [`write_pairs`] wrote of the stories of `corpus`, and decides by `thresholds`. Gives the search that had
/// found the pairs, too.
///
/// # Errors
/// [`Error::Line`] if the file was made from anything else than `basis`, or a line is broken.
pub fn read_pairs(
    file: &Path,
    basis: &Provenance,
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
    let head: Head =
        serde_json::from_str(&first).map_err(|e| refuse(1, format!("not a file of pairs: {e}")))?;
    if head.schema != SCHEMA {
        return Err(refuse(1, format!("schema {} is not known; this version reads {SCHEMA}", head.schema)));
    }
    if let Some(difference) = head.basis.difference(basis) {
        return Err(refuse(1, format!("the pairs were made from {difference}")));
    }
    let ids: HashMap<&str, StoryId> =
        corpus.stories.iter().zip(0..).map(|(story, i)| (story.id.as_str(), StoryId(i))).collect();
    let read = |(line, text): (usize, &String)| -> Result<Verdict> {
        let known: Known = serde_json::from_str(text).map_err(|e| refuse(line, e.to_string()))?;
        let story = |id: &str| {
            ids.get(id).copied().ok_or_else(|| refuse(line, format!("no story has the id {id:?}")))
        };
        let (a, b) = (story(&known.a)?, story(&known.b)?);
        Ok(Verdict::new(a, b, classify(&known.features, thresholds), known.features))
    };
    let mut verdicts = Vec::new();
    let mut from = 2;
    loop {
        let block: Vec<String> =
            lines.by_ref().take(BLOCK).collect::<io::Result<_>>().map_err(Error::io("read", file))?;
        if block.is_empty() {
            break;
        }
        let judged: Vec<Result<Verdict>> =
            block.par_iter().enumerate().map(|(i, text)| read((from + i, text))).collect();
        for verdict in judged {
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

    fn basis(corpus: &Corpus) -> Provenance {
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
        basis_then: &Provenance,
    ) -> Result<Vec<Verdict>> {
        let (corpus, mut bytes) = (corpus(), Vec::new());
        let report = SearchReport::default();
        write_pairs(&basis(&corpus), &report, &corpus, &verdicts(features), &mut bytes).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), spoil(String::from_utf8(bytes).unwrap())).unwrap();
        read_pairs(file.path(), basis_then, &corpus, &Thresholds::default()).map(|(_, verdicts)| verdicts)
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_line() {
        let here = basis(&corpus());
        let features = [PairFeatures::default(); 3];
        let check = |spoil: &dyn Fn(String) -> String, basis: &Provenance, expect: &str| {
            let error = again(&features, spoil, basis).expect_err(expect);
            assert!(error.to_string().contains(expect), "{error}");
        };
        check(&|_| String::new(), &here, ":1: this is no file of pairs");
        check(&|t| t.replacen("\"schema\":4", "\"schema\":9", 1), &here, ":1: schema 9 is not known");
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
    fn whatever_a_comparison_sees_changes_the_digest() {
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
            let found = again(&[features], |t| t, &basis(&corpus())).unwrap();
            proptest::prop_assert_eq!(found, verdicts(&[features]));
        }
    }

    #[test]
    fn relations_are_decided_anew() {
        let same =
            PairFeatures { coverage_ab: 1.0, coverage_ba: 1.0, same_text: true, ..PairFeatures::default() };
        let lie = |t: String| t.replace("\"relation\":\"identical\"", "\"relation\":\"none\"");
        let found = again(&[same], lie, &basis(&corpus())).unwrap();
        assert_eq!(found[0].relation, Relation::Identical);
    }
}

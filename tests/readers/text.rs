//! The processing of text after it is read: passages, tokens, comparison, groups and reports.

use std::sync::OnceLock;

use samestory::{
    compare::{self, Comparer, Thresholds},
    corpus, group,
    model::Tokenizer,
    progress::NoProgress,
    report,
    search::{ShingleOptions, shingles},
    story::{Corpus, Row, Story, StoryId},
    vector::{Matrix, normalize},
};

use super::{Reader, head};

pub const PASSAGES: Reader =
    Reader { name: "passages", read: passages, seeds: || vec![WIRE.into(), ENTITIES.into()], cost: 1 };
/// Titles and texts of stories, alternating, separated by U+001E.
pub const COMPARE: Reader = Reader { name: "compare", read: compare, seeds: compare_seeds, cost: 8 };
pub const TOKENIZER: Reader = Reader {
    name: "tokenizer",
    read: tokenizer,
    seeds: || vec![WIRE.into(), "Čafé 日本 ¿x?".into()],
    cost: 4,
};

const WIRE: &str = "LONDON, May 3 (Reuters) - Rain fell on the “hills” of Valemont – 12.5 mm in a day, up 3%.\n\n\
    Next Article\n\nIt fell again. Roads were closed for hours, the council said; the U.S. dollar was steady.\n";
const ENTITIES: &str =
    "AT&amp;T &amp;lt;T.N&gt; cafe\u{301} co\u{ad}operate 1914–18…\n\n&#39;Don’t&nbsp;&quot;\n";

fn passages(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    check_passages(vec![Story { id: "a".into(), title: text.clone(), text, ..Story::default() }]);
}

/// Checks the invariants of the passages of any stories.
pub fn check_passages(stories: Vec<Story>) {
    for story in &stories {
        let once = corpus::normalize(&story.text);
        assert_eq!(corpus::normalize(&once), once, "normalizing twice");
        let spans = corpus::segment_text(&story.text);
        assert!(spans.windows(2).all(|w| w[0].end <= w[1].start), "{spans:?}");
    }
    let corpus = Corpus::new(stories);
    for (i, (story, passages)) in corpus.stories.iter().zip(&corpus.passages).enumerate() {
        for passage in passages {
            let row = Row::from_text(compare::passage_text(story, passage)).expect("a passage is not empty");
            assert_eq!(row.text, corpus.row_text(passage.row));
        }
        let found = shingles(&corpus, StoryId(i as u32), ShingleOptions::default().words);
        assert!(found.windows(2).all(|w| w[0] < w[1]), "shingles are sorted and distinct");
    }
}

/// A unit vector for each row, derived from its hash.
fn vectors(corpus: &Corpus) -> Matrix {
    let values = corpus.rows.iter().flat_map(|row| row.hash[..8].iter().map(|b| f32::from(*b) - 127.5));
    let mut vectors = Matrix::from_vec(values.collect(), 8);
    (0..vectors.rows()).for_each(|i| normalize(vectors.row_mut(i)));
    vectors
}

/// Compares all pairs of stories, groups them, and writes every report.
fn compare(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<&str> = text.split('\u{1e}').take(10).collect();
    let stories: Vec<Story> = parts
        .chunks(2)
        .enumerate()
        .map(|(i, part)| Story {
            id: format!("s{i}"),
            title: part[0].into(),
            text: part.get(1).copied().unwrap_or_default().into(),
            published: (i % 3 > 0).then_some(1_700_000_000_000 + 40_000_000 * i as i64),
            source: (i % 2 > 0).then(|| "wire".into()),
            ..Story::default()
        })
        .collect();
    let corpus = Corpus::new(stories);
    let (vectors, options) = (vectors(&corpus), compare::Options::default());
    let comparer = Comparer::new(&corpus, vectors.clone(), &options);
    let n = corpus.stories.len() as u32;
    let pairs: Vec<_> = (0..n).flat_map(|a| (a + 1..n).map(move |b| (StoryId(a), StoryId(b)))).collect();
    let verdicts = comparer.compare_all(&pairs, &NoProgress).expect("nothing interrupts it");
    for verdict in &verdicts {
        let share = |x: f32| (0.0..=1.0).contains(&x);
        assert!(share(verdict.coverage_ab) && share(verdict.coverage_ba), "{:?}", verdict.features);
        assert!(verdict.cosine.is_finite() && !verdict.reason(&corpus).is_empty());
        comparer.explain(verdict.b, verdict.a);
        comparer.novel_passages(verdict.a, &[verdict.b]);
    }
    let groups =
        group::group(&corpus, &verdicts, &group::Options::default(), &|a, b| Ok(comparer.compare(a, b)))
            .expect("comparing does not fail");
    let members: usize = groups.groups.iter().map(|g| g.members.len()).sum();
    assert!(members <= corpus.stories.len(), "a story is in one group");
    for group in &groups.groups {
        group::reach(&corpus, &comparer, group, &group::Options::default());
    }
    report::Evidence::gather(&comparer, &verdicts, &groups, &Thresholds::default(), &NoProgress);
    use report::Format::{Csv, Groups, Jsonl, Parquet, Table};
    for format in [Table, Jsonl, Csv, Groups, Parquet] {
        report::write(format, &corpus, &groups, &mut std::io::sink()).expect("writing does not fail");
    }
}

fn compare_seeds() -> Vec<Vec<u8>> {
    let lines = head("tests/data/wire/wire.jsonl", 4000);
    let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let text = String::from_utf8(lines).unwrap();
    let stories: Vec<serde_json::Value> = text.lines().map(read).collect();
    let part = |story: &serde_json::Value| {
        let of = |name: &str| story[name].as_str().unwrap_or_default().to_string();
        [of("title"), of("text")].join("\u{1e}")
    };
    let all: Vec<String> = stories.iter().map(part).collect();
    let same = format!("Rain\u{1e}{WIRE}\u{1e}Sun\u{1e}{}", WIRE.replace("12.5", "13.1"));
    vec![all.join("\u{1e}").into_bytes(), same.into_bytes()]
}

/// The tokens equal those of the reference tokenizer, and the windows lose none.
fn tokenizer(bytes: &[u8]) {
    static BOTH: OnceLock<(Tokenizer, tokenizers::Tokenizer)> = OnceLock::new();
    let (ours, theirs) = BOTH.get_or_init(|| {
        let json = super::data("models/all-MiniLM-L6-v2/tokenizer.json");
        let mut theirs = tokenizers::Tokenizer::from_bytes(&json).unwrap();
        theirs.with_padding(None);
        theirs.with_truncation(None).unwrap();
        (Tokenizer::from_json("tokenizer.json", &json, 16, "").unwrap(), theirs)
    });
    let text = String::from_utf8_lossy(bytes);
    let ids = ours.encode(&text).expect("every text is tokenized");
    assert_eq!(ids, theirs.encode_fast(&*text, true).expect("every text is tokenized").get_ids(), "{text:?}");
    let windows = ours.windows(&text).expect("every text is tokenized");
    let inside: Vec<u32> = windows.iter().flat_map(|w| w[1..w.len() - 1].iter().copied()).collect();
    assert_eq!(inside, ids[1..ids.len() - 1], "windows lose nothing");
    assert!(windows.iter().all(|w| w.len() <= 16));
}

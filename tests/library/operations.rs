//! Random sequences of additions, changes, removals, compactions and reopenings of an archive, compared with a map.

use std::{collections::BTreeMap, path::Path};

use proptest::prelude::*;
use samestory::{
    Result,
    archive::{Archive, Removal},
    boilerplate::{detect_boilerplate, is_boilerplate},
    embed::{EmbedStats, Embeddings},
    group::Decisions,
    store::{DATABASE, Identity, Store},
    story::{Corpus, Origin, Story},
    vector::{Matrix, normalize},
};

const DIM: usize = 8;

#[derive(Debug, Clone)]
enum Step {
    /// Adds or replaces stories, given as pairs of number and text.
    Add(Vec<(u8, u8)>),
    Remove(u8),
    /// Decides whether two stories are of one origin.
    Decide(u8, u8, bool),
    Compact,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => proptest::collection::vec((0u8..12, 0u8..6), 1..6).prop_map(Step::Add),
        2 => (0u8..12).prop_map(Step::Remove),
        1 => (0u8..6, 6u8..12, any::<bool>()).prop_map(|(a, b, same)| Step::Decide(a, b, same)),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

/// A story of up to three paragraphs, which other stories share in many combinations. The last is in most stories; it is
/// boilerplate in those that do not mention its tower.
fn story(number: u8, text: u8) -> Story {
    let paragraph = |n: u8, named: &str| {
        let words: Vec<String> =
            ["harbour", "ships", "storm", "mayor", "crane", "berth", "captain", "morning"]
                .iter()
                .map(|word| format!("{word}{n}"))
                .collect();
        format!("Of {} {named} it is told at length in part {n}.", words.join(" and "))
    };
    let named = if text < 2 { "lantern tower signal" } else { "" };
    let mut parts = vec![paragraph(text, named)];
    if !(text + number).is_multiple_of(3) {
        parts.push(paragraph(10 + number / 6, ""));
    }
    if text != 5 {
        parts.push(paragraph(20, "lantern tower signal"));
    }
    Story {
        id: format!("s{number}"),
        title: format!("Part {text}"),
        text: parts.join("\n\n"),
        published: Some(i64::from(number) * 3_600_000),
        origin: Origin { path: "in.jsonl".into(), line: u64::from(number) + 1, ..Origin::default() },
        ..Story::default()
    }
}

/// Vectors that depend only on the text and are similar for texts that share words.
fn embed(texts: &[&str]) -> Result<Embeddings> {
    let mut vectors = Matrix::zeros(texts.len(), DIM);
    for (i, text) in texts.iter().enumerate() {
        let row = vectors.row_mut(i);
        row[0] = 1.0;
        text.bytes().enumerate().for_each(|(at, b)| row[(at * 7 + usize::from(b)) % DIM] += 0.05);
        normalize(row);
    }
    Ok(Embeddings { vectors, stats: EmbedStats { texts: texts.len() as u64, ..EmbedStats::default() } })
}

fn identity() -> Identity {
    Identity { model: "test".into(), fingerprint: "test".into(), dim: DIM }
}

fn open(folder: &Path) -> Archive {
    Archive::builder().embed_with(identity(), embed).open_or_create(folder).unwrap()
}

/// Checks the invariants of a store, and that it holds the stories of `expect`.
fn check(archive: &Archive, folder: &Path, expect: &BTreeMap<String, Story>) {
    let store = archive.store();
    let health = store.verify().unwrap();
    assert!(health.faults.is_empty(), "{:?}", health.faults);
    let mut stories = store.stories().unwrap();
    let corpus = Corpus::new(stories.clone());
    stories.sort_by(|x, y| x.id.cmp(&y.id));
    assert_eq!(stories, expect.values().cloned().collect::<Vec<_>>());
    // Boilerplate counted incrementally equals boilerplate detected on the whole corpus.
    let reader = store.reader();
    for (row, flag) in corpus.rows.iter().zip(detect_boilerplate(&corpus, &Default::default())) {
        let number = reader.row_number(&row.hash).unwrap().unwrap();
        let stored = reader.row(number).unwrap().unwrap();
        assert_eq!(is_boilerplate(stored.occurrences, stored.unrelated_neighbours), flag, "{stored:?}");
    }
    let groups = reader.groups().unwrap();
    for (group, canonical) in &groups {
        let members = reader.members(*group).unwrap();
        assert!(members.len() > 1, "group {group} has {members:?}");
        assert_eq!(members.iter().filter(|m| m.relation == "kept").count(), 1);
        assert!(members.iter().any(|m| m.story == *canonical && m.relation == "kept"));
    }
    let db = rusqlite::Connection::open(folder.join(DATABASE)).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        count(
            "SELECT count(*) FROM members WHERE grp NOT IN (SELECT number FROM groups WHERE canonical NOTNULL)"
        ),
        0
    );
    assert_eq!(count("SELECT count(*) FROM words WHERE stories < 0"), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_store_holds_the_result_of_all_operations(steps in proptest::collection::vec(step(), 1..14)) {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = open(folder.path());
        let mut expect: BTreeMap<String, Story> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Add(stories) => {
                    archive.begin_run(0, "add").unwrap();
                    let mut new = Vec::new();
                    // An id occurs once per batch.
                    let once: BTreeMap<u8, u8> = stories.into_iter().collect();
                    for (number, text) in once {
                        let story = story(number, text);
                        expect.insert(story.id.clone(), story.clone());
                        new.push(story);
                    }
                    let count = new.len() as u64;
                    let added = archive.add(new).unwrap();
                    prop_assert_eq!(added.added + added.replaced + added.unchanged, count);
                }
                Step::Remove(number) => {
                    archive.begin_run(0, "remove").unwrap();
                    let id = format!("s{number}");
                    let existed = expect.remove(&id).is_some();
                    prop_assert_eq!(archive.remove(&[id], Removal::ByPeople).is_ok(), existed);
                }
                Step::Decide(a, b, same) => {
                    let decision = if same { "same" } else { "different" };
                    let lines = format!(
                        "{{\"schema\":1,\"a\":\"s{a}\",\"b\":\"s{b}\",\"decision\":\"{decision}\"}}\n\
                         {{\"schema\":1,\"id\":\"s{a}\",\"decision\":\"canonical\"}}\n"
                    );
                    // It may contradict an earlier one: then nothing is changed.
                    let _ = archive.apply_decisions(&Decisions::parse(Path::new("d"), &lines).unwrap());
                }
                Step::Compact | Step::Reopen => {
                    archive.save_index().unwrap();
                    drop(archive);
                    if matches!(step, Step::Compact) {
                        Store::open_to_write(folder.path()).unwrap().compact().unwrap();
                    }
                    archive = open(folder.path());
                }
            }
            check(&archive, folder.path(), &expect);
        }
    }
}

#[test]
fn opening_a_store_of_an_earlier_version_recounts_boilerplate() {
    let folder = tempfile::tempdir().unwrap();
    let stories: Vec<Story> = (0..12).map(|n| story(n, n % 6)).collect();
    let expect = stories.iter().map(|s| (s.id.clone(), s.clone())).collect();
    let mut archive = open(folder.path());
    archive.begin_run(0, "add").unwrap();
    archive.add(stories).unwrap();
    drop(archive);
    let db = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    let unrelated = || {
        db.query_row("SELECT sum(unrelated_neighbours) FROM rows", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let counted = unrelated();
    assert!(counted > 3, "{counted}");
    db.execute_batch(
        "UPDATE rows SET unrelated_neighbours = 0; DELETE FROM meta WHERE key = 'boilerplate_version'; \
         DROP TABLE digests; PRAGMA user_version = 2",
    )
    .unwrap();
    check(&open(folder.path()), folder.path(), &expect);
    assert_eq!(unrelated(), counted);
}

#[test]
fn test_stories_contain_boilerplate_and_shared_leads() {
    let corpus = Corpus::new((0..12).map(|n| story(n, n % 6)).collect());
    let flags = detect_boilerplate(&corpus, &Default::default());
    let often = corpus.occurrences().iter().filter(|of| of.len() > 3).count();
    let found = flags.iter().filter(|f| **f).count();
    assert!(found > 0 && often > found, "{found} of {often}");
}

#[test]
fn rejects_invalid_vectors_before_storing_anything() {
    let folder = tempfile::tempdir().unwrap();
    fn check(folder: &Path, vectors: impl Fn(&[&str]) -> Matrix + Send + 'static, found: &str) {
        let embed =
            move |texts: &[&str]| Ok(Embeddings { vectors: vectors(texts), stats: EmbedStats::default() });
        let mut archive = Archive::builder().embed_with(identity(), embed).open_or_create(folder).unwrap();
        let error = archive.add(vec![story(1, 1)]).unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
        assert!(archive.store().stories().unwrap().is_empty());
    }
    let of =
        |value: f32, dim: usize| move |texts: &[&str]| Matrix::from_vec(vec![value; dim * texts.len()], dim);
    let folder = folder.path();
    check(folder, of(f32::NAN, DIM), "number 0, the square of whose length is NaN");
    check(folder, of(0.0, DIM), "number 0, the square of whose length is 0");
    check(folder, of(7.0, DIM), "number 0, the square of whose length is 392");
    check(folder, of(0.5, DIM / 2), "of 4 values");
    check(folder, |_| Matrix::zeros(1, DIM), "1 of 8 values");
    check(folder, |_| Matrix::default(), "0 of 0 values");
    let none = Identity { dim: 0, ..identity() };
    let empty = tempfile::tempdir().unwrap();
    assert!(Store::open_or_create(empty.path(), &none).is_err());
    assert!(std::fs::read_dir(empty.path()).unwrap().next().is_none());
}

//! The constraint rules on the test vectors that the review page passes too.

use std::{collections::BTreeMap, fs, path::Path};

use samestory::{
    Error,
    corpus::text_digest,
    group::{ConstraintSet, Decisions, PairConstraint},
    story::{Corpus, Story, StoryId},
};
use serde::Deserialize;
use serde_json::Value;

/// A case of `conflicts.json`.
#[derive(Deserialize)]
struct ConflictCase {
    name: String,
    constraints: Vec<(String, String, PairConstraint)>,
    conflict: Option<[String; 2]>,
    sets: Vec<Vec<String>>,
}

/// A case of `resolution/`.
#[derive(Deserialize)]
struct ResolutionCase {
    name: String,
    stories: Vec<StoryVector>,
    #[serde(default)]
    earlier: Vec<Value>,
    lines: Vec<Value>,
    expect: Option<Expected>,
    conflict: Option<ExpectedConflict>,
}

#[derive(Deserialize)]
struct StoryVector {
    id: String,
    text: String,
    digest: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Expected {
    must_link: Vec<[String; 2]>,
    cannot_link: Vec<[String; 2]>,
    canonical: Vec<String>,
    unresolved: Vec<usize>,
    text_mismatches: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
struct ExpectedConflict {
    line: u64,
    a: String,
    b: String,
}

fn vectors(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/constraints");
    fs::read_to_string(folder.join(file)).unwrap()
}

fn parse(lines: &[Value]) -> Result<Decisions, Error> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    Decisions::parse(Path::new("decisions.jsonl"), &lines.join("\n"))
}

#[test]
fn conflicts_and_linked_sets_match_the_vectors() {
    let cases: Vec<ConflictCase> = serde_json::from_str(&vectors("conflicts.json")).unwrap();
    for ConflictCase { name, constraints, conflict, sets } in cases {
        let mut set = ConstraintSet::default();
        let mut first_conflict = None;
        for ((a, b, constraint), line) in constraints.iter().zip(1..) {
            let replaced = set.insert(line, [a.clone(), b.clone()], *constraint);
            // A file that decides a pair both ways is rejected at the second line.
            if replaced.is_some_and(|(_, before)| before != *constraint) {
                first_conflict.get_or_insert([a.clone(), b.clone()]);
                set.insert(line, [a.clone(), b.clone()], PairConstraint::MustLink);
            }
        }
        let found = first_conflict.or_else(|| set.conflict().map(|conflict| [conflict.a, conflict.b]));
        let sorted = |pair: [String; 2]| {
            let mut pair = pair;
            pair.sort();
            pair
        };
        assert_eq!(found.map(sorted), conflict.clone().map(sorted), "{name}");
        let mut linked = set.linked_sets();
        linked.sort();
        let mut sets = sets;
        sets.sort();
        assert_eq!(linked, sets, "{name}");

        let line = |(a, b, constraint): &(String, String, PairConstraint)| serde_json::json!({"schema": 1, "a": a, "b": b, "decision": constraint});
        let parsed = parse(&constraints.iter().map(line).collect::<Vec<_>>());
        assert_eq!(parsed.is_err(), conflict.is_some(), "{name}: {parsed:?}");
    }
}

#[test]
fn resolved_decisions_match_the_vectors() {
    for file in ["ids.json", "texts.json", "merge.json"] {
        let text = vectors(&format!("resolution/{file}"));
        for case in serde_json::from_str::<Vec<ResolutionCase>>(&text).unwrap() {
            check(file, &case);
        }
    }
}

fn check(file: &str, case: &ResolutionCase) {
    let name = &case.name;
    let story = |s: &StoryVector| Story { id: s.id.clone(), text: s.text.clone(), ..Story::default() };
    let corpus = Corpus::new(case.stories.iter().map(story).collect());
    for (story, vector) in corpus.stories.iter().zip(&case.stories) {
        assert_eq!(text_digest(story), vector.digest, "{file}: {name}");
    }
    let found = resolve(case, &corpus);
    match (&case.expect, &case.conflict) {
        (Some(expect), None) => assert_eq!(found.as_ref(), Ok(expect), "{file}: {name}"),
        (None, Some(conflict)) => assert_eq!(found.as_ref(), Err(conflict), "{file}: {name}"),
        _ => panic!("{file}: {name} expects nothing, or two things"),
    }
}

fn resolve(case: &ResolutionCase, corpus: &Corpus) -> Result<Expected, ExpectedConflict> {
    let in_file = |error: Error| match error {
        Error::DecisionConflict { line, a, b, .. } => ExpectedConflict { line, a, b },
        error => panic!("{}: {error}", case.name),
    };
    let conflict = |c: samestory::group::Conflict<String>| ExpectedConflict { line: c.line, a: c.a, b: c.b };
    let earlier = parse(&case.earlier).map_err(in_file)?;
    let later = parse(&case.lines).map_err(in_file)?;
    let resolved = earlier.merge(&later).map_err(conflict)?.resolve(corpus).map_err(conflict)?;
    let id = |story: &StoryId| corpus.stories[story.index()].id.clone();
    let pairs = |pairs: &[(StoryId, StoryId)]| pairs.iter().map(|(a, b)| [id(a), id(b)]).collect();
    let numbers: BTreeMap<String, usize> = case
        .lines
        .iter()
        .zip(1..)
        .map(|(line, number)| (serde_json::from_str::<Value>(&line.to_string()).unwrap().to_string(), number))
        .collect();
    let number = |line: &String| numbers[&serde_json::from_str::<Value>(line).unwrap().to_string()];
    Ok(Expected {
        must_link: pairs(&resolved.must_link),
        cannot_link: pairs(&resolved.cannot_link),
        canonical: resolved.canonical.iter().map(id).collect(),
        unresolved: resolved.unresolved.iter().map(number).collect(),
        text_mismatches: resolved.text_mismatches,
    })
}

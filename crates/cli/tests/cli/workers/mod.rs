//! Workers: joined by plain loops they give the results of one machine; streams that do not fit are refused.

mod engine;
mod streams;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
    cast::AsArray,
    types::{Float32Type, Int32Type, Int64Type},
};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{DataType, Schema};
use samestory::{
    Error, Result,
    boilerplate::is_boilerplate,
    compare::{self, Comparer},
    group,
    ingest::IngestOptions,
    progress::NoProgress,
    report,
    search::{self, SearchOptions},
    story::{Corpus, Story, StoryId},
    vector::{Matrix, normalize},
    worker::{self, CompareContext, JoinKind, Stream, WordTable},
};
use serde_json::{Value, json};

const MODEL: &str = "the model of the test";

use engine::*;
use streams::*;

#[test]
fn workers_give_the_results_of_one_machine() {
    let (stories, notices) = ingested(&lines());
    assert_eq!((stories.len(), notices.len()), (50, 3), "{notices:?}");
    assert!(notices.iter().any(|n| n.starts_with("in.jsonl:51")), "{notices:?}");
    let expect = on_one_machine(&stories, &words_as_vectors);
    let relations: BTreeSet<&str> = expect.verdicts.iter().map(|v| v["relation"].as_str().unwrap()).collect();
    assert!(relations.len() >= 4 && expect.items.len() > 20, "{relations:?}");
    let number = |id: &str| stories.iter().find(|s| s.id == id).unwrap().number;
    let payouts = (number("ZOLTREL"), number("KARVIN"));
    assert!(
        expect.verdicts.iter().any(|v| v["a"] == payouts.0 && v["b"] == payouts.1 && v["relation"] == "twin")
    );
    for blocks in [1, 3, 7] {
        let engine = Engine::new(&stories, &words_as_vectors, blocks);
        assert!(!engine.boilerplate().is_empty());
        assert_eq!(engine.run(), expect, "{blocks} blocks");
    }
}

fn expect_refusal(result: Result<worker::Counts>, expect: &str) {
    let error = result.expect_err(expect);
    assert!(matches!(error, Error::Stream { .. }), "{error:?}");
    assert!(error.to_string().contains(expect), "{expect:?} is not in {error}");
}

fn embed(model: &str, stream: &[u8]) -> Result<worker::Counts> {
    worker::embed(model, &words_as_vectors, &mut &stream[..], &mut Vec::new())
}

fn some_texts() -> Vec<ArrayRef> {
    vec![bytes((0..7u8).map(|i| vec![i; 16])), texts((0..7).map(|i| format!("text {i}")))]
}

#[test]
fn rejects_a_truncated_stream() {
    let whole = written(schema(Stream::Texts), some_texts());
    assert_eq!(embed(MODEL, &whole).unwrap().read, 7);
    for length in 0..whole.len() {
        let error = embed(MODEL, &whole[..length]).expect_err("cut");
        assert!(matches!(error, Error::Stream { .. }), "cut at {length}: {error:?}");
    }
    expect_refusal(embed(MODEL, &whole[..whole.len() - 8]), "it ends too early");
    expect_refusal(embed(MODEL, b"{\"id\": \"a story\"}"), "no Arrow IPC stream");
}

#[test]
fn rejects_unsuitable_streams() {
    let with_metadata = |key: &str, value: &str| {
        let mut schema = schema(Stream::Texts);
        schema.metadata.insert(key.to_string(), value.to_string());
        written(schema, some_texts())
    };
    expect_refusal(embed(MODEL, &with_metadata("samestory.stream", "texts/2")), "texts/2");
    expect_refusal(embed(MODEL, &with_metadata("samestory.stream", "vectors/1")), "vectors/1");
    expect_refusal(embed(MODEL, &with_metadata("samestory.text", "0")), "version 0 of the text rules");
    let columns = |stream: Stream, drop: usize| {
        let mut schema = schema(stream);
        let kept: Vec<_> = schema.fields().iter().enumerate().filter(|(i, _)| *i != drop).collect();
        schema.fields = kept.into_iter().map(|(_, f)| f.clone()).collect();
        schema
    };
    expect_refusal(
        embed(MODEL, &written(columns(Stream::Texts, 1), vec![some_texts()[0].clone()])),
        "no column \"text\"",
    );

    let point = |task: i64, side: i32, key: u8, vector: &[f32]| (task, side, key, vector.to_vec());
    let join = |model: &str, points: &[(i64, i32, u8, Vec<f32>)]| {
        let columns = vec![
            ints(points.iter().map(|p| p.0)),
            Arc::new(Int32Array::from_iter_values(points.iter().map(|p| p.1))) as ArrayRef,
            bytes(points.iter().map(|p| vec![p.2])),
            bytes(points.iter().map(|p| p.3.iter().flat_map(|x| x.to_le_bytes()).collect())),
        ];
        let points = written(schema(Stream::Points), columns);
        let options = SearchOptions::default();
        worker::candidates(
            model,
            JoinKind::Passages,
            &options,
            &NoProgress,
            &mut &points[..],
            &mut Vec::new(),
        )
    };
    let unit = [1.0, 0.0];
    assert_eq!(join(MODEL, &[point(1, 0, 1, &unit), point(1, 1, 1, &unit)]).unwrap().written, 1);
    expect_refusal(
        join("another model", &[point(1, 0, 1, &unit)]),
        "its vectors are of the model the model of",
    );
    expect_refusal(join(MODEL, &[point(1, 0, 1, &unit), point(1, 0, 1, &unit)]), "duplicated");
    expect_refusal(join(MODEL, &[point(1, 1, 1, &unit), point(1, 0, 2, &unit)]), "side 0 in task 1");
    expect_refusal(join(MODEL, &[point(1, 2, 1, &unit)]), "side 2 in task 1");
    expect_refusal(join(MODEL, &[point(2, 0, 1, &unit), point(1, 0, 1, &unit)]), "task 1 comes after 2");
    expect_refusal(join(MODEL, &[point(1, 0, 1, &unit), point(1, 0, 2, &[1.0])]), "a vector has 4 bytes");
    expect_refusal(join(MODEL, &[point(1, 0, 1, &[f32::NAN, 0.0])]), "not finite");

    let sum = |words: &[&str]| words.iter().map(|w| ((0, w.to_string()), (2, 0))).collect();
    assert_eq!(word_table(&sum(&["a", "b", "c", "d"]), "9").unwrap().len(), 4);
    let error = word_table(&sum(&["a"]), "many").err().unwrap();
    assert!(error.to_string().contains("\"many\""), "{error}");
}

#[test]
fn rejects_pairs_of_missing_stories() {
    let (stories, _) = ingested(&lines());
    let engine = Engine::new(&stories, &words_as_vectors, 1);
    let table = word_table(&BTreeMap::new(), "9").unwrap();
    let check = |tasks: &[Task], expect: &str| {
        let contents = engine.contents(tasks, &BTreeSet::new());
        let options = compare::Options::default();
        let context =
            CompareContext { model: MODEL, words: &table, options: &options, progress: &NoProgress };
        expect_refusal(worker::compare(&context, &mut &contents[..], &mut Vec::new()), expect);
    };
    check(&[(vec![0], vec![(0, 1)])], "the pair 0, 10, but not both");
    check(&[(vec![0, 1], vec![(1, 0)])], "the pair 10, 0");
    check(&[(vec![1, 0], vec![])], "story 0 in task 0 is out of order");
}

/// Workers as processes, with the built-in model.
#[test]
fn runs_workers_as_processes() {
    let run = |args: &[&str], input: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_samestory"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A worker that refuses its input closes the pipe early.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    };
    let stories = run(&["worker", "ingest"], &records(&lines()));
    assert!(stories.status.success());
    assert!(String::from_utf8_lossy(&stories.stderr).contains("52 rows read, 50 written"));
    let vectors = run(&["worker", "embed", "--quiet"], &written(schema(Stream::Texts), some_texts()));
    assert!(vectors.status.success() && vectors.stderr.is_empty());
    let found = pairs_of_bytes(&vectors.stdout);
    assert!(found.len() == 7 && found.values().all(|v| v.len() == 4 * 384));

    let points = written(
        schema(Stream::Points),
        vec![
            ints([0]),
            Arc::new(Int32Array::from(vec![0])),
            bytes([vec![1]]),
            bytes([found[&vec![0; 16]].clone()]),
        ],
    );
    let refused = run(&["worker", "candidates", "--near", "rows"], &points);
    let messages = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{messages}");
    assert!(
        messages.contains("points/1: its vectors are of the model") && messages.contains("hint: "),
        "{messages}"
    );
}

//! Every format of records from every other, and untouched within one.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::{
    ingest::{Input, read, read_with},
    progress::NoProgress,
};

/// The same three records in each format.
fn inputs() -> Vec<(&'static str, String)> {
    vec![
        ("in.jsonl", "{\"id\": \"a\",  \"text\":\"It rained, \\\"twice\\\".\"}\n{\"id\":\"b\",\"text\":\"It shone.\"}\n{\"id\":\"c\",\"text\":\"Fog\\tcame.\"}\n".into()),
        ("in.json", "{\"articles\": [\n {\"id\": \"a\",\n  \"text\": \"It rained, \\\"twice\\\".\"},\n {\"id\":\"b\",\"text\":\"It shone.\"},\n {\"id\":\"c\",\"text\":\"Fog\\tcame.\"}]}\n".into()),
        ("in.csv", "id;text\r\na;\"It rained, \"\"twice\"\".\"\r\nb;\"It shone.\"\r\n\"c\";Fog\tcame.\r\n".into()),
        ("in.tsv", "id\ttext\na\t\"It rained, \"\"twice\"\".\"\nb\tIt shone.\nc\t\"Fog\tcame.\"\n".into()),
    ]
}

/// The records of `name` but for the second one, as they are written to a file called `out`.
fn copied(name: &str, bytes: &[u8], out: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let sources = [RecordSource { path, name: None }];
    let mut written = Vec::new();
    let format = FileFormat::from_path(Path::new(out)).unwrap();
    copy_records(&sources, &IngestOptions::default(), format, &|o| o.record != 1, &mut written).unwrap();
    written
}

fn stories(name: &str, bytes: &[u8]) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let outcome = read(vec![Input::Path(path)], &IngestOptions::default(), &NoProgress).unwrap();
    assert_eq!(outcome.notices, [], "{name}: {}", String::from_utf8_lossy(bytes));
    outcome.stories.into_iter().map(|story| (story.id, story.text)).collect()
}

#[test]
fn every_format_becomes_every_other() {
    let expect = [("a", "It rained, \"twice\"."), ("c", "Fog\tcame.")].map(|(a, b)| (a.into(), b.into()));
    let outs = ["out.jsonl", "out.json", "out.csv", "out.tsv", "out.parquet", "out.ndjson.gz", "out.csv.gz"];
    let mut all = inputs().into_iter().map(|(name, text)| (name, text.into_bytes())).collect::<Vec<_>>();
    all.push((
        "in.parquet",
        copied(
            "in.csv",
            b"id,text\na,\"It rained, \"\"twice\"\".\"\n,\nb,It shone.\nc,Fog\tcame.\n",
            "x.parquet",
        ),
    ));
    for (name, bytes) in &all {
        for out in outs {
            let found = stories(out, &copied(name, bytes, out));
            assert_eq!(found, expect, "{name} to {out}");
        }
    }
}

#[test]
fn records_of_the_same_format_are_not_touched() {
    let check = |name: &str, out: &str, expect: &str| {
        let text = inputs().into_iter().find(|(of, _)| *of == name).unwrap().1;
        assert_eq!(String::from_utf8(copied(name, text.as_bytes(), out)).unwrap(), expect, "{name}");
    };
    let lines =
        "{\"id\": \"a\",  \"text\":\"It rained, \\\"twice\\\".\"}\n{\"id\":\"c\",\"text\":\"Fog\\tcame.\"}\n";
    check("in.jsonl", "out.jsonl", lines);
    check("in.jsonl", "out", lines);
    let rows = "id;text\r\na;\"It rained, \"\"twice\"\".\"\r\n\"c\";Fog\tcame.\r\n";
    check("in.csv", "out.csv", rows);
    check("in.csv", "out", rows);
    check("in.tsv", "out.tab", "id\ttext\na\t\"It rained, \"\"twice\"\".\"\nc\t\"Fog\tcame.\"\n");
    check(
        "in.json",
        "out.json",
        "[\n{\"id\": \"a\",\n  \"text\": \"It rained, \\\"twice\\\".\"},\n{\"id\":\"c\",\"text\":\"Fog\\tcame.\"}\n]\n",
    );
    // Below the lines that stand before the header, which are copied too.
    let table = "sep=,\nid,text\na,\"Rain\n\nagain\"\nb,Sun\nc,Fog";
    assert_eq!(
        copied("in.csv", table.as_bytes(), "out.csv"),
        b"sep=,\nid,text\na,\"Rain\n\nagain\"\nc,Fog\n"
    );
}

#[test]
fn tables_with_other_columns_are_joined_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let source = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        RecordSource { path, name: None }
    };
    let sources = [
        source("a.csv", "id,text\na,Rain\n"),
        source("b.csv", "text,id,desk\nSun,b,=1+1\n"),
        source("c.jsonl", "{\"id\":3,\"text\":\"Fog\",\"tags\":[\"x\",{\"y\":null}],\"desk\":null}\n"),
    ];
    let mut out = Vec::new();
    let format = FileFormat::from_path(Path::new("o.csv")).unwrap();
    copy_records(&sources, &IngestOptions::default(), format, &|_| true, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "id,text,desk,tags\na,Rain,,\nb,Sun,=1+1,\n3,Fog,,\"[\"\"x\"\",{\"\"y\"\":null}]\"\n"
    );
    let mut out = Vec::new();
    copy_records(&sources[1..], &IngestOptions::default(), FileFormat::default(), &|_| true, &mut out)
        .unwrap();
    let lines: Vec<Value> = out
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert_eq!(lines[0], json!({"text": "Sun", "id": "b", "desk": "=1+1"}));
}

#[test]
fn stories_of_pages_become_records() {
    let text = copied("page.txt", b"Rain in Norrin\n\nIt rained on the quay all day.", "o.json");
    let value: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((&value[0]["title"], &value[0]["id"]), (&json!("Rain in Norrin"), &json!("page")));
    assert_eq!(copied("in.jsonl", b"", "o.json"), b"[]\n");
    assert_eq!(copied("in.jsonl", b"", "o.csv"), b"");
}

#[test]
fn all_notices_are_given_and_some_are_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, "1\n".repeat(5000)).unwrap();
    let mut given = 0;
    let inputs = vec![Input::Path(path)];
    let outcome = read_with(inputs, &IngestOptions::default(), &mut |_| given += 1, &NoProgress).unwrap();
    assert_eq!(
        (given, outcome.notice_counts.total(), outcome.notices.len()),
        (5000, 5000, crate::ingest::MAX_NOTICES)
    );
    assert_eq!((outcome.skipped, outcome.incomplete.len()), (5000, 1));
}

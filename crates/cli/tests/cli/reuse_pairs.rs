//! Compared pairs are reused: classified by other rules, or to calibrate rules on decisions and labels.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

fn samestory(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_samestory")).args(args).output().unwrap()
}

fn wire() -> String {
    crate::support::repository().join("tests/data/wire").display().to_string()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn run(args: &[&str]) -> Vec<u8> {
    let output = samestory(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The demo corpus's pairs in a file of a new folder.
fn pairs() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let pairs = path(folder.path(), "pairs.jsonl");
    run(&["dedup", &wire(), "-q", "--pairs", &pairs]);
    (folder, pairs)
}

#[test]
fn reused_pairs_with_other_rules_give_the_bytes_of_a_full_run() {
    let (folder, pairs) = pairs();
    let (wire, rules) = (wire(), path(folder.path(), "rules.toml"));
    let mut reports = Vec::new();
    for table in [
        "schema = 2\n[thresholds]\n",
        "schema = 2\n[thresholds]\ncopy_coverage = 0.95\nexcerpt_coverage = 0.99\npassage_matched = 90.0\n",
        "schema = 2\n[thresholds]\ncopy_coverage = 0.3\ncopy_other = 0.1\ntwin_density = 0.9\npassage_matched = 12.0\nshort = 0.0\n",
        "schema = 2\n[thresholds]\nrelated = [[0.1, 0]]\nmin_matched = 1.0\nmin_run = 1\npassage_matched = 2.0\npassage_run = 1\npassage_coverage = 0.0\n",
    ] {
        fs::write(&rules, table).unwrap();
        let given = ["dedup", &wire, "-q", "--rules", &rules, "--format", "jsonl", "--min-coverage", "0.7"];
        let whole = run(&given);
        let again = run(&[&given[..], &["--reuse-pairs", &pairs]].concat());
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&whole), "{table}");
        reports.push(whole);
    }
    // The tables give different results.
    assert!(reports.windows(2).all(|w| w[0] != w[1]));
}

#[test]
fn reused_pairs_are_written_unchanged_without_embedding() {
    let (folder, pairs) = pairs();
    let (again, manifest) = (path(folder.path(), "again.jsonl"), path(folder.path(), "manifest.json"));
    run(&["dedup", &wire(), "-q", "--reuse-pairs", &pairs, "--pairs", &again, "--manifest", &manifest]);
    assert_eq!(fs::read(again).unwrap(), fs::read(&pairs).unwrap());
    let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    assert!(manifest["candidates"].as_u64().unwrap() > 0);
    let whole = path(folder.path(), "whole.json");
    run(&["dedup", &wire(), "-q", "--manifest", &whole]);
    let whole: Value = serde_json::from_slice(&fs::read(whole).unwrap()).unwrap();
    for field in ["candidates", "index", "groups", "removed", "links", "candidate_recall", "recall_method"] {
        assert_eq!(manifest[field], whole[field], "{field}");
    }
    let tokens = |m: &Value| m["embedding"]["tokens"].as_u64().unwrap();
    assert!(tokens(&manifest) * 10 < tokens(&whole), "{} of {}", tokens(&manifest), tokens(&whole));
}

#[test]
fn rejects_pairs_of_another_input() {
    let (folder, pairs) = pairs();
    let check = |args: &[&str], expect: &str| {
        let output = samestory(&[&["dedup", "-q", "--reuse-pairs", &pairs], args].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(expect) && text.contains("hint: "), "{args:?}: {text}");
    };
    let (wire, part) = (wire(), wire() + "/wire.jsonl");
    check(&[&part], "pairs.jsonl:1: the pairs were made from other stories");
    check(&[&wire, "--index", "exact"], "another search (auto there, exact here)");
    let list = path(folder.path(), "boilerplate.toml");
    fs::write(&list, "[[passage]]\ntext = \"Any.\"\n").unwrap();
    check(&[&wire, "--boilerplate", &list], "another list of boilerplate");
    let rules = path(folder.path(), "rules.toml");
    fs::write(&rules, "schema = 2\nfingerprint = \"other\"\n[thresholds]\n").unwrap();
    check(&[&wire, "--rules", &rules], "measured with another model");
    fs::write(&pairs, "{}").unwrap();
    check(&[&wire], "pairs.jsonl:1: not a file of pairs");
}

#[test]
fn calibrates_from_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let (decisions, rules) = (path(folder.path(), "decisions.jsonl"), path(folder.path(), "rules.toml"));
    let line = |a: &str, b: &str, decision: &str| {
        format!("{{\"schema\":1,\"a\":\"{a}\",\"b\":\"{b}\",\"decision\":\"{decision}\"}}\n")
    };
    let calibrate = || samestory(&["calibrate", &wire(), "-q", "--decisions", &decisions, "--out", &rules]);
    let text = |output: &Output| {
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };

    fs::write(&decisions, line("hw-101", "vc-17", "same") + &line("wx-1", "wx-2", "different")).unwrap();
    let output = calibrate();
    assert!(output.status.success(), "{}", text(&output));
    assert!(
        text(&output)
            .contains("1 pairs decided to be the same and 1 to be different; 2 of them were compared")
    );
    run(&["dedup", &wire(), "-q", "--rules", &rules]);

    fs::write(&decisions, line("hw-101", "vc-17", "same") + "{\"schema\":1}").unwrap();
    let output = calibrate();
    assert!(
        output.status.code() == Some(2) && text(&output).contains("decisions.jsonl:2: missing field"),
        "{}",
        text(&output)
    );
    fs::write(&decisions, line("no", "such", "same")).unwrap();
    assert!(text(&calibrate()).contains("no line of"));
}

#[test]
fn rejects_empty_and_contradictory_labels() {
    let folder = tempfile::tempdir().unwrap();
    let (labels, rules) = (path(folder.path(), "labels.jsonl"), path(folder.path(), "rules.toml"));
    let label = |id: &str, group: &str| format!("{{\"id\":\"{id}\",\"group\":{group}}}\n");
    let check = |text: String, expect: &str| {
        fs::write(&labels, text).unwrap();
        let output = samestory(&["calibrate", &wire(), "-q", "--labels", &labels, "--out", &rules]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && text.contains(expect), "{text}");
        assert!(!folder.path().join("rules.toml").exists());
    };
    check(label("hw-101", "1") + &label("hw-101", "2"), "labels.jsonl:2: \"hw-101\" has another group above");
    check(label("hw-101", "1") + &label("no-such", "2"), "1 of 2 labels name stories that were not read");
    check(label("hw-101", "\"1\""), "no labelled pair");
}

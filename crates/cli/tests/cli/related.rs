//! Tests of `link` and `similar` on two running stories and their coverage.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Output},
};

use serde_json::Value;

fn data(name: &str) -> String {
    crate::support::repository().join("tests/data").join(name).to_str().unwrap().into()
}

fn samestory(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_samestory")).args(args).arg("--quiet").output().unwrap()
}

fn text(args: &[&str]) -> String {
    let output = samestory(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn of<'a>(item: &'a Value, key: &str) -> &'a str {
    item[key].as_str().unwrap_or_default()
}

/// Runs `link` on a dozen stories of two events and a page with two more.
fn link(extra: &[&str]) -> String {
    text(&[&["link", &data("related"), &data("wire/page")], extra].concat())
}

/// The event of a story.
fn event(id: &str) -> &str {
    match id {
        "two-stories#1" => "sum",
        "two-stories#2" => "ai",
        id => id.split('-').next().unwrap(),
    }
}

#[test]
fn storylines_are_the_two_events() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in objects(&link(&["--format", "groups"])) {
        found.entry(of(&line, "group").into()).or_default().insert(of(&line, "id").into());
    }
    let several: Vec<&BTreeSet<String>> = found.values().filter(|s| s.len() > 1).collect();
    assert_eq!(several.len(), 2, "{found:?}");
    for storyline in several {
        let subjects: BTreeSet<&str> = storyline.iter().map(|id| event(id)).collect();
        assert_eq!((subjects.len(), storyline.len()), (1, 6), "{storyline:?}");
    }
}

#[test]
fn links_connect_stories_of_one_event_and_give_reasons() {
    let items = objects(&link(&["--format", "jsonl"]));
    let links: Vec<&Value> = items.iter().filter(|i| of(i, "kind") == "link").collect();
    assert!(links.len() >= 10, "{links:?}");
    let known = |subject: &str| match subject {
        "sum" => ["Aldane", "Compact", "Torvik", "Maronne"],
        _ => ["Sel", "Lakeside", "Principles", "Hallam"],
    };
    for link in links {
        let (a, b, reason) = (of(link, "a"), of(link, "b"), of(link, "reason"));
        assert_eq!(event(a), event(b), "{reason}");
        assert!(known(event(a)).iter().any(|name| reason.contains(name)), "{a} {b}: {reason}");
        assert!(reason.contains("apart") || reason.contains("hour"), "{reason}");
    }
    for storyline in items.iter().filter(|i| of(i, "kind") == "storyline") {
        let members = storyline["members"].as_array().unwrap();
        assert!(members.iter().any(|m| m["title"] == storyline["label"]), "{storyline}");
        assert!(of(storyline, "first") < of(storyline, "last"), "{storyline}");
    }
}

#[test]
fn related_stories_are_not_copies() {
    let removed =
        text(&["dedup", &data("related"), &data("wire/page"), "--format", "jsonl", "--removed", "/dev/null"]);
    for item in objects(&removed) {
        assert_eq!(of(&item, "relation"), "twin", "{item}");
    }
}

#[test]
fn a_group_of_copies_is_one_node() {
    let items = objects(&text(&["link", &data("wire"), "--format", "jsonl"]));
    let storyline =
        items.iter().find(|i| of(i, "kind") == "storyline" && i["stories"] != i["distinct"]).unwrap();
    let (stories, distinct) =
        (storyline["stories"].as_u64().unwrap(), storyline["distinct"].as_u64().unwrap());
    let copies: usize =
        storyline["members"].as_array().unwrap().iter().map(|m| m["copies"].as_array().unwrap().len()).sum();
    assert_eq!(stories, distinct + copies as u64);
    assert!(storyline["independent"].as_u64() < storyline["outlets"].as_u64(), "{storyline}");
    // Weather reports and results of one template are not linked.
    let linked = |id: &str| items.iter().any(|i| of(i, "a").starts_with(id) || of(i, "b").starts_with(id));
    assert!(!linked("wx-") && !linked("res-"));
}

#[test]
fn output_does_not_depend_on_threads() {
    for format in ["table", "jsonl", "csv", "graphml", "dot"] {
        let one = link(&["--format", format, "--threads", "1"]);
        assert_eq!(one, link(&["--format", format, "--threads", "3"]), "{format}");
        assert!(one.contains("sum-hw"), "{one}");
    }
}

#[test]
fn similar_accepts_text_id_and_file() {
    let check = |query: &str, extra: &[&str], expect: &[&str]| {
        let related = data("related");
        let args = [&["similar", query, "--in", &related, "--format", "jsonl"], extra].concat();
        let found = objects(&text(&args));
        let ids: Vec<&str> = found.iter().map(|h| of(h, "id")).collect();
        assert_eq!(ids, expect, "{query} {extra:?}");
    };
    check("rovers lose a two-goal lead", &["-k", "1"], &["other-match"]);
    check("blue cheese ripens in a mine", &["-k", "1"], &["other-cheese"]);
    check("sum-hw", &["-k", "1", "--source", "sound gazette"], &["sum-sg"]);
    check("sum-hw", &["-k", "9", "--since", "2031-07-06", "--until", "2031-07-06"], &["sum-sg"]);
    check("sum-hw", &["--min-score", "0.99"], &[]);
    let page = data("wire/page/two-stories.txt");
    check(&format!("{page}#2"), &["-k", "1"], &["ai-hw"]);
}

#[test]
fn similar_collapses_copies() {
    let wire = data("wire");
    let run_similar = |extra: &[&str]| {
        let query = "the harbour council of Norrin voted to rebuild the breakwater";
        let args = [&["similar", query, "--in", &wire, "--format", "json", "-k", "5"], extra].concat();
        serde_json::from_str::<Vec<Value>>(&text(&args)).unwrap()
    };
    let breakwater =
        |hits: &[Value]| hits.iter().filter(|h| of(h, "title").to_lowercase().contains("breakwater")).count();
    let (all, one) = (run_similar(&[]), run_similar(&["--not-copies"]));
    assert!(breakwater(&all) > 1, "{all:?}");
    assert_eq!(breakwater(&one), 1, "{one:?}");
    assert_eq!((of(&one[0], "id"), one[0]["copies"].as_array().unwrap().len()), ("hw-118", 5));
    assert!(!of(&one[0], "passage").is_empty());
}

/// In a large store, `similar` examines only the nearest stories; it finds the same first result as among all.
#[test]
fn similar_examines_the_nearest_stories_of_a_large_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    // Two words each, single tokens of the model: all stories are short.
    const WORDS: &str = "apple river stone music winter garden doctor engine castle paper silver horse market ocean \
        bridge candle forest island kitchen ladder mirror needle orange pepper rabbit shadow ticket window yellow \
        school train coffee summer dragon bottle camera desert eagle flower guitar hammer jacket king lemon monkey \
        nurse onion pilot queen rocket salt tiger uncle valley whale bread cloud dance earth finger glass heart ink \
        judge knife light mouth night oil paint wolf lake";
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let text_of = |i: usize| format!("{} {}", words[i / words.len()], words[i % words.len()]);
    let texts: Vec<String> = (0..5_001).map(text_of).collect();
    let line = |(i, text): (usize, &String)| format!("{{\"id\": \"s{i}\", \"text\": \"{text}\"}}\n");
    std::fs::write(path("in.jsonl"), texts.iter().enumerate().map(line).collect::<String>()).unwrap();
    text(&["index", "add", "--store", &path("store"), &path("in.jsonl")]);
    let run_similar = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_samestory"))
            .args(["similar", "--store", &path("store"), "--format", "json", "-k", "5"])
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let hits: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let ids: Vec<String> = hits.iter().map(|hit| of(hit, "id").to_string()).collect();
        (ids, String::from_utf8(output.stderr).unwrap())
    };
    let (by_text, message) = run_similar(&[&texts[41]]);
    assert!(message.contains(" nearest of 5001 stories searched"), "{message}");
    assert_eq!(by_text[0], "s41", "{by_text:?}");
    let (by_id, message) = run_similar(&["s41"]);
    assert!(message.contains(" nearest of 5001 stories searched"), "{message}");
    let (of_all, message) = run_similar(&["s41", "--until", "2090-01-01"]);
    assert!(message.contains("0 stories searched; 5001 without a date"), "{message}");
    assert!(of_all.is_empty() && by_id.len() == 5 && !by_id.contains(&"s41".into()), "{by_id:?}");
}

//! The reach of stories and the passages of outlets, on invented stories with a known origin.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

const LEAD: &str = "The ferry Marigold ran aground off Skell on Sunday morning with 214 people aboard, and all of them were brought ashore in boats before noon.";
const SECOND: &str = "Captain Odd Halvorsen said that a buoy had drifted half a mile in the gale and that the radar had shown it where the chart did not.";
const THIRD: &str = "Divers found a gash of nine metres in the hull; the owners, Skell Lines, expect the ship to stay in dock until the middle of August.";
const LOCAL: &str = "Among the passengers was the brass band of Valemont, which played on the slipway until the buses came, to the annoyance of the coast guard.";
const OTHER: &str = "A cheese from Upper Orsk that ripens for three years in an abandoned silver mine has won the gold medal of the dairy fair at Ellemouth.";

/// An agency's story at seven; copies at eight, nine and two days later; a story of another subject.
fn stories() -> Vec<Value> {
    let whole = format!("{LEAD}\n\n{SECOND}\n\n{THIRD}");
    let story = |id: &str, source: &str, published: &str, text: &str| json!({"id": id, "source": source, "published": published, "title": "Ferry aground off Skell", "text": text});
    vec![
        story(
            "copy",
            "Valemont Courier",
            "2031-06-01T08:00:00Z",
            &format!("SKELL, June 1 (Reuters) - {whole}"),
        ),
        story("wire", "Reuters", "2031-06-01T09:00:00Z", &format!("SKELL, June 1 (Reuters) - {whole}")),
        story("short", "Norrin Daily", "2031-06-01T09:30:00Z", &format!("{LEAD}\n\n{SECOND}")),
        story("local", "Orsk Bulletin", "2031-06-03T09:00:00Z", &format!("{whole}\n\n{LOCAL}")),
        json!({"id": "cheese", "source": "Orsk Bulletin", "title": "Cheese of the mine", "text": OTHER}),
    ]
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let lines: Vec<String> = stories().iter().map(Value::to_string).collect();
    fs::write(folder.join("stories.jsonl"), lines.join("\n")).unwrap();
    folder
}

fn samestory(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_samestory")).args(args).current_dir(folder).output().unwrap()
}

fn text(folder: &Path, args: &[&str]) -> String {
    let output = samestory(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn reach_reports_origin_lag_cuts_and_additions() {
    let folder = folder("reach");
    let [reach] = &objects(&text(&folder, &["reach", "stories.jsonl", "--format", "jsonl"]))[..] else {
        panic!("one group")
    };
    assert_eq!((&reach["origin"], &reach["credit"]), (&json!("wire"), &json!("Reuters")), "{reach}");
    assert!(reach["reason"].as_str().unwrap().contains("by Reuters"), "{reach}");
    assert_eq!(reach["first"], "2031-06-01T08:00:00Z");
    assert_eq!(reach["outlets"], json!(["Norrin Daily", "Orsk Bulletin", "Reuters", "Valemont Courier"]));
    assert_eq!(reach["independent"], json!(["Reuters"]));
    let story = |id: &str| reach["stories"].as_array().unwrap().iter().find(|s| s["id"] == id).unwrap();
    let check = |id: &str, lag: f64, cut: &[&str], added: &[&str]| {
        assert_eq!(story(id)["lag_hours"], json!(lag), "{id}");
        assert_eq!((&story(id)["cut"], &story(id)["added"]), (&json!(cut), &json!(added)), "{id}");
    };
    check("copy", 0.0, &[], &[]);
    check("wire", 1.0, &[], &[]);
    check("short", 1.5, &[THIRD], &[]);
    check("local", 49.0, &[], &[LOCAL]);
}

#[test]
fn reach_by_story_or_group_and_in_every_format() {
    let folder = folder("reach-formats");
    let all = text(&folder, &["reach", "stories.jsonl"]);
    assert!(all.contains("likely origin  wire") && all.contains("+2.0 days"), "{all}");
    assert!(all.contains("cut    “Divers found"), "{all}");
    let check = |extra: &[&str], expect: &str| {
        assert_eq!(text(&folder, &[&["reach", "stories.jsonl"], extra].concat()), expect, "{extra:?}");
    };
    check(&["--story", "short"], &all);
    check(&["--group", "1"], &all);
    check(&["--threads", "1"], &all);
    check(&["--story", "cheese"], "");
    let csv = text(&folder, &["reach", "stories.jsonl", "--format", "csv"]);
    assert!(csv.contains("1,short,Norrin Daily,2031-06-01T09:30:00Z,1.5,wire,1,2,0,1,0"), "{csv}");
    let check = |extra: &[&str], expect: &str| {
        let output = samestory(&folder, &[&["reach", "stories.jsonl"], extra].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(expect), "{extra:?}: {error}");
    };
    check(&["--group", "7"], "there is no group 7");
    check(&["--story", "nobody"], "no story has the id \"nobody\"");
}

#[test]
fn outlets_distinguish_copies_from_original_text() {
    let folder = folder("outlets");
    let outlets = objects(&text(&folder, &["outlets", "stories.jsonl", "--format", "jsonl"]));
    let check = |source: &str, passages: u64, agency: f64, original: f64| {
        let outlet = outlets.iter().find(|o| o["source"] == source).unwrap();
        let found = (
            outlet["passages"].as_u64().unwrap(),
            outlet["agency"].as_f64().unwrap(),
            outlet["original"].as_f64().unwrap(),
        );
        assert_eq!(found, (passages, agency, original), "{outlet}");
    };
    check("Reuters", 3, 0.0, 1.0);
    check("Valemont Courier", 3, 1.0, 0.0);
    check("Norrin Daily", 2, 1.0, 0.0);
    check("Orsk Bulletin", 5, 0.6, 0.4);
    let table = text(&folder, &["outlets", "stories.jsonl"]);
    assert!(table.contains("Orsk Bulletin") && table.contains("60 %"), "{table}");
    assert!(
        text(&folder, &["outlets", "stories.jsonl", "--format", "csv"])
            .starts_with("source,stories,passages")
    );
}

#[test]
fn a_store_gives_the_same_results_as_files() {
    let folder = folder("reach-store");
    text(&folder, &["index", "--store", "store", "add", "stories.jsonl"]);
    for command in ["reach", "outlets"] {
        let of_files = text(&folder, &[command, "stories.jsonl"]);
        assert_eq!(of_files, text(&folder, &[command, "--store", "store"]), "{command}");
    }
}

#[test]
fn groups_of_a_store_keep_their_numbers() {
    let folder = folder("reach-numbers");
    let cheese = |id: &str| json!({"id": id, "source": "Fair News", "text": OTHER}).to_string();
    fs::write(folder.join("early.jsonl"), [cheese("a"), cheese("b")].join("\n")).unwrap();
    for file in ["stories.jsonl", "early.jsonl"] {
        text(&folder, &["index", "--store", "store", "add", file]);
    }
    // The first group dissolves; the second is still the second.
    text(&folder, &["index", "--store", "store", "remove", "copy", "wire", "short", "local"]);
    let found = objects(&text(&folder, &["reach", "--store", "store", "--format", "jsonl"]));
    assert_eq!(found.iter().map(|r| r["group"].as_u64().unwrap()).collect::<Vec<_>>(), [2], "{found:?}");
    let [one] =
        &objects(&text(&folder, &["reach", "--store", "store", "--group", "2", "--format", "jsonl"]))[..]
    else {
        panic!("one group")
    };
    assert_eq!(one["stories"].as_array().unwrap().len(), 3);
    let output = samestory(&folder, &["reach", "--store", "store", "--group", "1"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("numbered from 2 to 2"), "{output:?}");
}

#[test]
fn answers_queries_line_by_line() {
    let folder = folder("queries");
    let queries = [
        r#"{"id": "short"}"#,
        "",
        r#"{"text": "a ripe cheese", "id": "mine"}"#,
        r#"{"id": "nobody"}"#,
        "no JSON",
        "{}",
    ];
    fs::write(folder.join("queries.jsonl"), queries.join("\n")).unwrap();
    let args = ["similar", "--queries", "queries.jsonl", "--in", "stories.jsonl", "-k", "2"];
    let answers = objects(&text(&folder, &args));
    let numbers: Vec<u64> = answers.iter().map(|a| a["query"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 3, 4, 5, 6]);
    let one = objects(&text(
        &folder,
        &["similar", "short", "--in", "stories.jsonl", "-k", "2", "--format", "jsonl"],
    ));
    assert_eq!(answers[0]["hits"], json!(one));
    assert_eq!((&answers[1]["id"], &answers[1]["hits"][0]["id"]), (&json!("mine"), &json!("cheese")));
    for answer in &answers[2..] {
        assert!(answer["error"].is_string() && answer["hits"] == json!([]), "{answer}");
    }
    assert_eq!(samestory(&folder, &[&args[..], &["--strict"]].concat()).status.code(), Some(2));
}

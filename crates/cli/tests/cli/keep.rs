//! Which story of a group `dedup` keeps, by each policy.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

const LEAD: &str = "The ferry Marigold ran aground off Skell on Sunday morning with 214 people aboard, and all of them were brought ashore in boats before noon.";
const SECOND: &str = "Captain Odd Halvorsen said that a buoy had drifted half a mile in the gale and that the radar had shown it where the chart did not.";
const THIRD: &str = "Divers found a gash of nine metres in the hull; the owners, Skell Lines, expect the ship to stay in dock until the middle of August.";

/// The kept stories and what is said on stderr.
fn kept(name: &str, stories: &[Value], policy: &str) -> (Vec<String>, String) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let lines: Vec<String> = stories.iter().map(Value::to_string).collect();
    fs::write(folder.join("stories.jsonl"), lines.join("\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_samestory"))
        .args(["dedup", "stories.jsonl", "--quiet", "--format", "jsonl", "--keep", policy])
        .current_dir(&folder)
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{policy}: {error}");
    let items = String::from_utf8(output.stdout).unwrap();
    let items: Vec<Value> = items.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kept = items.iter().filter(|item| item["relation"] == "kept");
    (kept.map(|item| item["id"].as_str().unwrap().into()).collect(), error)
}

fn story(id: &str, source: &str, hour: u32, text: &str) -> Value {
    let published = format!("2031-06-01T{hour:02}:00:00Z");
    json!({"id": id, "source": source, "published": published, "title": "Ferry aground off Skell", "text": text})
}

#[test]
fn each_policy_keeps_its_story() {
    let whole = format!("{LEAD}\n\n{SECOND}\n\n{THIRD}");
    let stories = [
        story("courier", "Valemont Courier", 9, &format!("{LEAD}\n\n{SECOND}")),
        story("echo", "Orsk Echo", 8, &whole),
        story("post", "Norrin Post", 11, &format!("{whole} Nobody was hurt.")),
    ];
    let check = |policy: &str, expect: &str| {
        let (kept, error) = kept("keep-policies", &stories, policy);
        assert_eq!((kept, error.as_str()), (vec![expect.to_string()], ""), "{policy}");
    };
    check("origin", "echo");
    check("earliest", "echo");
    check("latest", "post");
    check("longest", "post");
    check("first", "courier");
    check("source:valemont courier,Norrin Post", "courier");
}

#[test]
fn the_latest_version_of_a_growing_story_is_kept() {
    let stories = [
        story("snap", "Norrin Wire", 8, LEAD),
        story("update-1", "Norrin Wire", 9, &format!("{LEAD}\n\n{SECOND}")),
        story("update-2", "Norrin Wire", 10, &format!("{LEAD}\n\n{SECOND}\n\n{THIRD}")),
    ];
    assert_eq!(kept("keep-versions", &stories, "origin").0, ["update-2"]);
}

#[test]
fn an_unknown_source_is_reported() {
    let stories = [story("courier", "Valemont Courier", 9, LEAD), story("post", "Norrin Post", 11, LEAD)];
    let (kept, error) = kept("keep-sources", &stories, "source:Reuters,Valemont Curier,Norrin Post");
    assert_eq!(kept, ["post"]);
    assert_eq!(
        error,
        "samestory: --keep: no story has the source \"Reuters\"\n\
         samestory: --keep: no story has the source \"Valemont Curier\"; there is Valemont Courier\n"
    );
}

//! The files of a store: named from other folders, damaged, changed, with removed stories.

use std::fs;

use crate::support::{Archive, stories};

/// The messages of a command, whatever its exit code.
fn stderr(a: &Archive, folder: &str, args: &[&str]) -> String {
    let output = a.command(args).current_dir(a.path(folder)).output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn check(stderr: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(stderr.contains(part), "{part:?} in {stderr}"));
}

/// The ids of the store's stories.
fn ids(a: &Archive) -> Vec<String> {
    let id = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_string()
    };
    a.text(&["index", "export"]).lines().map(id).collect()
}

/// `stories` without their ids.
fn unnamed(from: usize, n: usize) -> String {
    let rest = |line: &str| format!("{{{}\n", line.split_once(',').unwrap().1);
    stories(from, n).lines().map(rest).collect()
}

/// A store of two folders, added one after the other, with files of the same names and no ids in them.
fn two_months() -> Archive {
    let a = Archive::new();
    for (folder, from) in [("jan", 0), ("feb", 9)] {
        fs::create_dir_all(a.path(folder)).unwrap();
        a.write(&format!("{folder}/a.jsonl"), &unnamed(from, 2));
        a.write(
            &format!("{folder}/story.txt"),
            &format!("A text that is only of {folder}, and of nothing else."),
        );
        check(&stderr(&a, ".", &["index", "add", folder]), &["3 stories added", "0 left out"]);
    }
    a
}

#[test]
fn a_file_has_the_same_name_from_every_folder() {
    let a = Archive::new();
    fs::create_dir_all(a.path("jan/deep")).unwrap();
    fs::create_dir_all(a.path("feb")).unwrap();
    a.write("jan/news.jsonl", &stories(0, 3));
    a.write("feb/news.jsonl", &stories(5, 2));
    check(
        &stderr(&a, "jan", &["index", "--store", "../.samestory", "add", "news.jsonl"]),
        &["3 stories added"],
    );
    check(&stderr(&a, "feb", &["index", "add", "news.jsonl"]), &["2 stories added"]);
    a.write("feb/news.jsonl", &stories(5, 3));
    check(&stderr(&a, "feb", &["index", "update"]), &["1 stories added", "5 unchanged", "0 removed"]);
    a.write("jan/news.jsonl", &stories(1, 2).replace("left", "has left"));
    check(
        &stderr(&a, "jan/deep", &["index", "add", "../news.jsonl"]),
        &["0 stories added", "2 replaced", "0 left out"],
    );
    // A file that `add` read has lost a story: `update` notices.
    check(&stderr(&a, "jan/deep", &["index", "update"]), &["0 stories added", "1 removed"]);
    assert_eq!(ids(&a).len(), 5);
    fs::remove_file(a.path("feb/news.jsonl")).unwrap();
    check(&stderr(&a, "feb", &["index", "update"]), &["news.jsonl no longer exists; its stories stay"]);
}

#[test]
fn files_of_equal_names_keep_separate_stories() {
    let a = two_months();
    assert_eq!(ids(&a), ["a.jsonl#1", "a.jsonl#2", "story", "a.jsonl#1~2", "a.jsonl#2~2", "story~2"]);
    // Adding both, or the second one alone, changes nothing.
    check(&stderr(&a, ".", &["index", "add", "feb", "jan"]), &["0 stories added", "6 unchanged"]);
    check(&stderr(&a, ".", &["index", "add", "feb"]), &["0 stories added", "3 unchanged"]);
    a.write("feb/a.jsonl", &unnamed(9, 1));
    check(
        &stderr(&a, ".", &["index", "update"]),
        &["0 stories added", "0 replaced", "5 unchanged", "1 removed"],
    );
}

#[test]
fn ordinal_ids_stay_with_their_files() {
    let a = two_months();
    a.text(&["index", "remove", "story"]);
    check(&stderr(&a, ".", &["index", "add", "feb"]), &["0 stories added", "3 unchanged"]);
    check(
        &stderr(&a, ".", &["index", "update"]),
        &["1 stories that index remove removed are not added again", "0 stories added"],
    );
    a.write("jan/a.jsonl", &unnamed(0, 1));
    check(&stderr(&a, ".", &["index", "update"]), &["0 stories added", "1 removed"]);
    check(&stderr(&a, ".", &["index", "update"]), &["0 stories added", "0 replaced", "0 removed"]);
    check(&stderr(&a, ".", &["index", "add", "jan/story.txt"]), &["1 stories added"]);
    assert_eq!(ids(&a), ["a.jsonl#1", "a.jsonl#1~2", "a.jsonl#2~2", "story~2", "story"]);
}

#[test]
fn adds_a_skipped_story_once_its_id_is_free() {
    let a = Archive::new();
    a.write("one.jsonl", &stories(0, 2));
    a.write("two.jsonl", &(stories(0, 1).replace("left", "entered") + &stories(7, 1)));
    check(
        &stderr(&a, ".", &["index", "add", "one.jsonl", "two.jsonl"]),
        &["4 stories added", "renamed to s0~2"],
    );
    let a = Archive::new();
    a.write("one.jsonl", &stories(0, 2));
    a.write("two.jsonl", &(stories(0, 1).replace("left", "entered") + &stories(7, 1)));
    check(&stderr(&a, ".", &["index", "add", "one.jsonl"]), &["2 stories added"]);
    check(&stderr(&a, ".", &["index", "add", "two.jsonl"]), &["1 stories added", "1 left out"]);
    a.write("one.jsonl", &stories(1, 1));
    check(&stderr(&a, ".", &["index", "update"]), &["1 stories added", "1 removed", "0 left out"]);
    assert_eq!(ids(&a), ["s1", "s7", "s0"]);
}

#[cfg(unix)]
#[test]
fn a_linked_folder_has_the_same_files() {
    let a = Archive::new();
    fs::create_dir(a.path("real")).unwrap();
    std::os::unix::fs::symlink(a.path("real"), a.path("link")).unwrap();
    a.write("real/in.jsonl", &stories(0, 2));
    check(
        &stderr(&a, ".", &["index", "--store", "link/.samestory", "add", "link/in.jsonl"]),
        &["2 stories added"],
    );
    a.write("real/in.jsonl", &stories(0, 2).replace("left", "has left"));
    check(&stderr(&a, "real", &["index", "add", "in.jsonl"]), &["2 replaced", "0 left out"]);
}

#[test]
fn streams_without_ids_replace_no_story() {
    let a = Archive::new();
    let add = |input: &str| {
        let output = a.feed(&["index", "add", "-"], input);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    check(&add(&unnamed(0, 2)), &["2 stories added"]);
    check(&add(&unnamed(1, 2)), &["1 stories added", "0 replaced", "1 unchanged"]);
    check(&add("A page of plain text about a regatta."), &["1 stories added"]);
    check(&add("Another page of plain text, on the price of bread."), &["1 stories added", "0 replaced"]);
    let answers = a.feed(&["check", "--learn"], &(unnamed(20, 2) + &unnamed(20, 1)));
    let answers = String::from_utf8_lossy(&answers.stdout).into_owned();
    let verdicts: Vec<serde_json::Value> =
        answers.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(ids(&a).len(), 7, "{answers}");
    assert_eq!((&verdicts[2]["verdict"], &verdicts[2]["of"]), (&"duplicate".into(), &verdicts[0]["id"]));
}

#[test]
fn an_unreadable_file_removes_no_story() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 6));
    a.text(&["index", "add", "in.jsonl"]);
    a.write("in.jsonl", &(stories(0, 3) + "{\"id\":\"s3\",\"te\n" + &stories(4, 1)));
    check(
        &stderr(&a, ".", &["index", "update"]),
        &["in.jsonl was not read completely; 2 stories", "0 removed"],
    );
    assert_eq!(ids(&a).len(), 6);
    a.write("in.jsonl", &stories(0, 5));
    check(&stderr(&a, ".", &["index", "update"]), &["1 removed"]);
}

#[test]
fn a_removed_story_returns_when_it_is_added() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 4));
    a.text(&["index", "add", "in.jsonl"]);
    a.text(&["index", "remove", "s1"]);
    a.write("in.jsonl", &stories(0, 5));
    check(
        &stderr(&a, ".", &["index", "update"]),
        &["1 stories that index remove removed are not added again", "1 stories added"],
    );
    assert_eq!(ids(&a), ["s0", "s2", "s3", "s4"]);
    check(&stderr(&a, ".", &["index", "add", "in.jsonl"]), &["1 stories added", "4 unchanged"]);
    check(&stderr(&a, ".", &["index", "update"]), &["0 stories added", "5 unchanged"]);
    assert_eq!(ids(&a).len(), 5);
}

/// Decisions on two records without ids refer to their texts.
#[test]
fn a_decision_on_a_record_follows_its_text() {
    let a = Archive::new();
    let texts = [
        "The harbour of Norrin was closed on Monday after its keeper found a crack in the wall.",
        "Divers looked at a quay all morning, and ferries leave from Velsk until it is mended.",
        "A cheese that ripens for three years in a silver mine has won the gold medal of the fair.",
    ];
    let write = |order: &[usize]| {
        let line = |i: &usize| serde_json::json!({ "text": texts[*i] }).to_string() + "\n";
        a.write("in.jsonl", &order.iter().map(line).collect::<String>());
    };
    let digest = |i: usize| {
        let text = texts[i].into();
        samestory::corpus::text_digest(&samestory::story::Story { text, ..Default::default() })
    };
    write(&[2, 0, 1]);
    check(&stderr(&a, ".", &["index", "add", "in.jsonl"]), &["3 stories added"]);
    // The review page had them at the first two places, before the third record was added.
    let line = serde_json::json!({"schema": 1, "a": "in.jsonl#1", "b": "in.jsonl#2", "decision": "same",
        "a_text": digest(0), "b_text": digest(1)});
    a.write("decisions.jsonl", &line.to_string());
    let groups = || {
        let found = a.text(&["reach", "--store", ".samestory", "--format", "jsonl"]);
        let ids = |line: &str| {
            let group: serde_json::Value = serde_json::from_str(line).unwrap();
            let ids =
                group["stories"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap().to_string());
            ids.collect::<Vec<_>>()
        };
        found.lines().map(ids).collect::<Vec<_>>()
    };
    let decide = || stderr(&a, ".", &["index", "decide", "decisions.jsonl"]);
    check(&decide(), &["1 decision kept\n"]);
    assert_eq!(groups(), [["in.jsonl#2", "in.jsonl#3"]]);
    // With a record before them, their ordinal ids are those of other texts.
    write(&[2, 2, 0, 1]);
    check(
        &stderr(&a, ".", &["index", "update"]),
        &["2 replaced", "1 decision was removed with the text that it held for"],
    );
    assert!(groups().iter().all(|group| !group.contains(&"in.jsonl#3".to_string())), "{:?}", groups());
    check(&decide(), &["1 decision kept\n"]);
    assert!(groups().contains(&vec!["in.jsonl#3".to_string(), "in.jsonl#4".to_string()]), "{:?}", groups());
    write(&[2, 0]);
    check(&stderr(&a, ".", &["index", "update"]), &["1 decision was removed"]);
    check(&decide(), &["0 decisions kept; 1 ignored: the store does not have the texts"]);
}

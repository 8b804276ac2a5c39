//! Commands while other things happen: a store that grows, signals, pipes that nobody reads, outputs that are inputs.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Archive, stories};
use serde_json::Value;

/// Waits for a process that should end by itself.
fn ends(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it goes on");
}

fn interrupt(child: &Child) {
    signal(child, "-INT");
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn check_sees_stories_added_by_other_processes() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 3));
    a.write("more.jsonl", &stories(50, 1));
    a.text(&["index", "add", "in.jsonl"]);
    let mut child = a.spawn(&["check"]);
    let (mut input, mut answers) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut check_line = |line: &str| {
        let mut answer = String::new();
        write!(input, "{line}").unwrap();
        answers.read_line(&mut answer).unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()
    };
    let copy = stories(50, 1).replace("s50", "copy");
    assert_ne!(check_line(&copy)["verdict"], "duplicate");
    a.text(&["index", "add", "more.jsonl"]);
    let answer = check_line(&copy);
    assert_eq!((&answer["verdict"], &answer["of"]), (&"duplicate".into(), &"s50".into()));
    // While it waits for more, the first signal ends it.
    interrupt(&child);
    assert_eq!(ends(&mut child), Some(130));
}

#[test]
fn ctrl_c_stops_a_run_that_waits_for_input() {
    let a = Archive::new();
    let mut child = a.spawn(&["dedup", "-"]);
    child.stdin.as_mut().unwrap().write_all(stories(0, 2).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    assert_eq!(ends(&mut child), Some(130));
}

/// The first signal ends a run that waits for its input, or for whoever reads its output.
#[test]
fn the_first_signal_ends_every_wait() {
    let a = Archive::new();
    let long = "The ferry to Ostrel left the harbour late on the third day of the gale.\\n\\n".repeat(3000);
    a.write("in.jsonl", &format!("{}{{\"id\":\"long\",\"text\":\"{long}\"}}\n", stories(0, 2)));
    a.text(&["index", "add", "in.jsonl"]);
    let check = |args: &[&str]| {
        for (name, code) in [("-INT", 130), ("-TERM", 143)] {
            let mut child = a.spawn(args);
            // Its pipes are open, and nothing is written to or read from them.
            std::thread::sleep(Duration::from_secs(3));
            assert_eq!(child.try_wait().unwrap(), None, "{args:?} does not wait");
            signal(&child, name);
            assert_eq!(ends(&mut child), Some(code), "{args:?}");
        }
    };
    check(&["similar", "-", "--in", "in.jsonl"]);
    check(&["similar", "--queries", "-", "--store", ".samestory"]);
    check(&["similar", "--queries", "-", "--in", "in.jsonl", "--out", "answers.jsonl"]);
    check(&["check"]);
    check(&["index", "add", "-"]);
    check(&["worker", "ingest"]);
    check(&["index", "export"]);
    check(&["read", "in.jsonl"]);
    let names = fs::read_dir(a.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains("answers")).collect();
    assert!(left.is_empty(), "{left:?}");
    a.text(&["index", "verify"]);
}

/// What a mapped file raises that another program has cut short.
#[test]
fn a_bus_error_ends_with_a_message() {
    let a = Archive::new();
    let mut child = a.spawn(&["read", "-"]);
    std::thread::sleep(Duration::from_secs(1));
    signal(&child, "-BUS");
    assert_eq!(ends(&mut child), Some(2));
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("mapped into memory was cut short") && stderr.contains("hint:"), "{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_under_nohup_survives_its_terminal() {
    let a = Archive::new();
    let mut child = Command::new("sh")
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" embed - --quiet --format jsonl",
            env!("CARGO_BIN_EXE_samestory"),
        ])
        .current_dir(a.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(400));
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    write!(child.stdin.take().unwrap(), "{}", stories(0, 1)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
}

#[test]
fn a_closed_standard_error_stops_nothing() {
    let a = Archive::new();
    a.write("in.jsonl", &(stories(0, 20) + "no json\n"));
    let mut child = a.command(&["index", "add", "in.jsonl"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(ends(&mut child), Some(0));
    assert_eq!(a.info()["stories"], 20);
}

#[test]
fn no_output_replaces_an_input_or_another_output() {
    let a = Archive::new();
    fs::create_dir(a.path("news")).unwrap();
    a.write("news/in.jsonl", &stories(0, 3));
    std::os::unix::fs::symlink(a.path("news/in.jsonl"), a.path("link")).unwrap();
    let check = |args: &[&str], part: &str| {
        let message = a.error(args);
        assert!(message.contains(part), "{args:?}: {message}");
        assert_eq!(fs::read_to_string(a.path("news/in.jsonl")).unwrap(), stories(0, 3));
    };
    check(&["dedup", "news/in.jsonl", "--out", "news/in.jsonl"], "--out: news/in.jsonl is read");
    check(&["dedup", "news/in.jsonl", "--html", "link"], "is read");
    check(&["embed", "news", "--out", "news/../news/in.jsonl"], "lies in a folder that is read");
    check(&["dedup", "news", "--kept", "k", "--removed", "./k"], "is written by --kept too");
    check(&["link", "news", "--html", "none/page.html"], "none/page.html");
    check(&["dedup", "news", "--out", "news"], "is a folder");
    for (link, to) in [("first", "nothing yet"), ("second", "third"), ("third", "nothing yet")] {
        std::os::unix::fs::symlink(to, a.path(link)).unwrap();
    }
    check(&["dedup", "news", "--out", "first", "--html", "second"], "is written by --");
    let labels = ["calibrate", "news", "--labels", "news/in.jsonl", "--out", "news/in.jsonl"];
    check(&labels, "lies in a folder that is read");
    check(&["boilerplate", "learn", "news", "--file", "news/in.jsonl"], "lies in a folder that is read");
    check(&["bench", "--corpus", "link", "--json", "news/in.jsonl"], "--json: news/in.jsonl is read");
    a.write("other.jsonl", &stories(9, 1));
    check(
        &["similar", "link", "--in", "other.jsonl", "--out", "news/in.jsonl"],
        "--out: news/in.jsonl is read",
    );
    check(&["similar", "link#2", "--in", "other.jsonl", "--out", "link"], "--out: link is read");
    a.text(&["dedup", "news", "--out", "news/report.txt", "--html", "/dev/null"]);
    // Nor that of a store, or of a model's weights.
    a.text(&["index", "add", "news"]);
    check(&["report", "--html", ".samestory/archive.sqlite"], "belongs to a store");
    check(&["index", "export", "--out", ".samestory/writer.lock"], "belongs to a store");
    check(&["link", "--store", ".samestory", "--html", ".samestory/archive.sqlite"], "belongs to a store");
    a.write("model.safetensors", "weights");
    check(&["embed", "news", "--out", "model.safetensors"], "holds the weights of a model");
    a.text(&["index", "verify"]);
}

#[test]
fn rejects_a_comparison_with_a_run_of_another_model() {
    let a = Archive::new();
    let report = |schema: u32, fingerprint: &str| {
        serde_json::json!({
            "schema": schema, "version": "0.1.0", "model": "another/model", "fingerprint": fingerprint, "corpus": "",
            "passages": 0, "bytes": 0, "rounds": 1, "ceilings": [], "subjects": [], "parity": [],
        })
        .to_string()
    };
    let check = |text: &str, part: &str| {
        a.write("old.json", text);
        let message = a.error(&["bench", "--stories", "1", "--against", "old.json"]);
        assert!(message.contains(part), "{text}: {message}");
    };
    check("{}", "old.json is not a report of a bench run");
    check(&report(7, "f"), "old.json has the unknown schema 7");
    check(&report(1, "f"), "old.json is of another model: another/model, not sentence-transformers");
    let same = ["bench", "--stories", "1", "--against", "old.json", "--json", "old.json"];
    assert!(a.error(&same).contains("--json: old.json is read"));
}

#[test]
fn a_mistyped_path_creates_no_store() {
    let a = Archive::new();
    assert!(a.error(&["index", "add", "typo.jsonl"]).contains("typo.jsonl"));
    assert!(!a.path(".samestory").exists());
}

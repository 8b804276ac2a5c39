//! SIGKILL at random moments: of runs over files, and of checks line by line.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    process::Stdio,
    thread,
    time::Duration,
};

use crate::support::{Archive, DATABASE, stories};
use samestory::random::SplitMix64;

/// The number of kills: `SAMESTORY_CRASH_KILLS`, which the long run sets to 2000 or more, else `default`.
fn kills(default: usize) -> usize {
    env::var("SAMESTORY_CRASH_KILLS").map_or(default, |n| n.parse().unwrap())
}

/// Prints the progress of a long run every hundred kills; visible with --nocapture.
fn progress(kill: usize, what: &str) {
    if kill > 0 && kill.is_multiple_of(100) {
        io::stderr().write_all(format!("{kill} kills: {what}\n").as_bytes()).unwrap();
    }
}

/// JSON lines of `n` varied stories, every tenth a copy of an earlier one. A run over them mostly reads, embeds and
/// writes; one over similar stories would mostly compare.
fn varied(n: usize) -> String {
    const WORDS: &str = "harvest minister glacier violin refinery referee vaccine tariff bridge orchard \
         senate comet ferry museum strike wheat satellite mayor volcano court \
         trawler pension festival wolf railway judge quarry nurse budget lighthouse \
         goalkeeper copper flood library embassy stadium drought bakery parliament reactor";
    const VERBS: [&str; 8] =
        ["delayed", "praised", "blocked", "bought", "closed", "survived", "feared", "opened"];
    let words: Vec<&str> = WORDS.split(' ').collect();
    let mut random = SplitMix64::new(1);
    let mut bodies: Vec<String> = Vec::new();
    let mut lines = String::new();
    for i in 0..n {
        let mut word = || words[random.below(40)];
        let (a, b, c, d, e) = (word(), word(), word(), word(), word());
        let verb = VERBS[random.below(8)];
        let body = match i % 10 {
            9 => bodies[random.below(i)].clone(),
            _ => format!(
                "The {a} {verb} the {b}. Beyond a {c}, {} kinds of {d} met the {e}.",
                random.below(900)
            ),
        };
        lines += &format!("{}\n", serde_json::json!({ "id": format!("s{i}"), "title": a, "text": body }));
        bodies.push(body);
    }
    lines
}

#[test]
fn a_killed_run_resumes() {
    const STORIES: usize = 1100;
    let a = Archive::new();
    a.write("in.jsonl", &varied(STORIES));
    a.text(&["index", "--store", "whole", "add", "in.jsonl"]);
    let whole = a.text(&["index", "--store", "whole", "export"]);
    let mut random = SplitMix64::new(2);
    let (mut longest, mut finished, mut cut_short) = (200usize, 0, 0);
    let mut before = 0;
    for kill in 0..kills(24) {
        progress(kill, &format!("{cut_short} met a store that was being written, {finished} a whole one"));
        let mut child =
            a.command(&["index", "add", "in.jsonl", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(random.below(longest) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        // Before the store is created nothing can be lost.
        if !a.path(".samestory").join(DATABASE).exists() {
            longest += 20;
            continue;
        }
        a.text(&["index", "verify"]);
        let now = a.text(&["index", "export"]);
        let count = now.lines().count();
        assert!(count >= before, "{before} stories were committed, {count} are left");
        assert!(whole.starts_with(&now), "the export is no prefix of the complete one");
        before = count;
        if count == STORIES {
            finished += 1;
            before = 0;
            fs::remove_dir_all(a.path(".samestory")).unwrap();
            longest = longest * 3 / 4 + 10;
        } else {
            cut_short += 1;
            longest += 10;
        }
    }
    a.text(&["index", "add", "in.jsonl", "--quiet"]);
    assert_eq!(a.text(&["index", "export"]), whole, "{finished} times whole, {cut_short} times cut short");
    assert!(cut_short > 0, "no kill met a store that was being written");
}

/// Each story is committed before its answer is printed: an answered story survives, whatever stops the run.
#[test]
fn answered_lines_survive_a_kill() {
    const STORIES: usize = 120;
    let a = Archive::new();
    let all = stories(0, STORIES);
    a.write("in.jsonl", &all);
    let check = ["check", "--learn", "--quiet"];
    a.feed(&[&check[..], &["--store", "whole"]].concat(), &all);
    let whole = a.text(&["index", "--store", "whole", "export"]);
    assert_eq!(whole.lines().count(), STORIES);
    let mut random = SplitMix64::new(3);
    let (mut answered, mut met): (BTreeSet<String>, usize) = Default::default();
    for kill in 0..kills(176) {
        progress(kill, &format!("{met} met a store that was being written"));
        let mut command = a.command(&check);
        command.stdin(File::open(a.path("in.jsonl")).unwrap()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let there = answered.len();
        // Stories that the store has are answered at once.
        let mut lines = there + random.below(6);
        let mut answers = String::new();
        while lines > 0 && out.read_line(&mut answers).unwrap() > 0 {
            lines -= 1;
        }
        thread::sleep(Duration::from_micros(random.below(30_000) as u64));
        child.kill().unwrap();
        out.read_to_string(&mut answers).unwrap();
        child.wait().unwrap();
        for line in answers.lines() {
            // A kill can cut the last line.
            let Ok(answer) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            answered.insert(answer["id"].as_str().unwrap().to_string());
        }
        met += usize::from(answered.len() > there);
        // Before the store is created nothing can be lost.
        if !a.path(".samestory").join(DATABASE).exists() {
            assert!(answered.is_empty());
            continue;
        }
        a.text(&["index", "verify"]);
        let now = a.text(&["index", "export"]);
        assert!(whole.starts_with(&now), "the export is no prefix of the complete one");
        let count = now.lines().count();
        assert!(count >= answered.len(), "{} were answered, {count} are left", answered.len());
        if count == STORIES {
            answered.clear();
            fs::remove_dir_all(a.path(".samestory")).unwrap();
        }
    }
    a.feed(&check, &all);
    assert_eq!(a.text(&["index", "export"]), whole);
    assert!(met > 0, "no kill met a story that was being written");
}

#[test]
fn replaces_a_partial_store_of_a_killed_run() {
    let a = Archive::new();
    a.write("in.jsonl", &stories(0, 3));
    fs::create_dir(a.path(".samestory")).unwrap();
    let mut partial = File::create(a.path(".samestory").join(format!("{DATABASE}.partial"))).unwrap();
    partial.write_all(b"SQLite format 3\0 and no more").unwrap();
    a.text(&["index", "add", "in.jsonl"]);
    assert_eq!(a.info()["stories"], 3);
    assert!(!Path::new(&a.path(".samestory").join(format!("{DATABASE}.partial"))).exists());
    let mut head = [0; 15];
    let mut file = File::open(a.path(".samestory").join(DATABASE)).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"SQLite format 3");
}

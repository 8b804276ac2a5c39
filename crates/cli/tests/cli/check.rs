//! Stories checked one by one: verdicts, stable group numbers, index files that are rebuilt.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
};

use crate::support::{Archive, DATABASE, stories};
use serde_json::Value;

fn lines(output: &std::process::Output) -> Vec<Value> {
    assert!(output.status.code().is_some_and(|c| c < 2), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const LONG: &str = "The breakwater of Norrin will be rebuilt in two years, the harbour board decided on Tuesday after a \
    vote of seven to two. Stones from the quarry at Ostrel will be shipped by barge, stderr Dana May, who leads the work. \
    Fishermen had asked for a wider entrance, which the plan now allows for.";
const MORE: &str = "The cost of 14 million crowns is met by the ports fund and a loan of the Coast Bank. Work begins in \
    April, once the ice is gone, and a temporary wall of timber will stand until then, the board stderr.";

fn story(id: &str, text: &str, published: &str) -> String {
    serde_json::json!({"id": id, "title": "Norrin rebuilds its breakwater", "text": text, "published": published})
        .to_string()
}

#[test]
fn a_repeated_story_is_known() {
    let a = Archive::new();
    a.write("in.jsonl", &(stories(0, 30) + &story("first", &format!("{LONG}\n\n{MORE}"), "2031-03-04")));
    a.text(&["index", "add", "in.jsonl"]);
    let check = |input: &str, expect: [&str; 2], code: i32| {
        let output = a.feed(&["check", "--quiet", "--learn", "--fail-on-duplicates"], input);
        let found = &lines(&output)[0];
        let answer = [&found["verdict"], &found["of"]].map(|v| v.as_str().unwrap_or_default());
        assert_eq!((answer, output.status.code()), (expect, Some(code)), "{found}");
        assert_eq!(found["learned"], true);
    };
    let copy = story("copy", &format!("{LONG}\n\n{MORE}"), "2031-03-05");
    check(&stories(3, 1), ["known", ""], 0);
    check(&copy, ["duplicate", "first"], 1);
    check(&copy, ["known", ""], 0);
    // Its relations to other stories are listed as well.
    let known = lines(&a.feed(&["check", "--quiet"], &copy)).remove(0);
    assert_eq!((&known["also"][0]["id"], known["group"].is_null()), (&"first".into(), true), "{known}");
    // A record without an id is identified by its text, so a repeated one is a duplicate.
    let unnamed = r#"{"text":"A recipe for plum cake: four eggs, a pound of plums, flour and butter; bake it for an hour."}"#;
    check(unnamed, ["new", ""], 0);
    let again = lines(&a.feed(&["check", "--quiet"], unnamed)).remove(0);
    assert_eq!((&again["verdict"], &again["of"]), (&"duplicate".into(), &again["id"]));
}

#[test]
fn answers_each_line_with_one_line() {
    let a = Archive::new();
    a.write("in.jsonl", &(stories(0, 30) + &story("first", &format!("{LONG}\n\n{MORE}"), "2031-03-04")));
    a.text(&["index", "add", "in.jsonl"]);
    let new = "A recipe for plum cake: four eggs, a pound of plums, flour and butter; bake it for an hour, says Olga.";
    let mixed = format!("{LONG}\n\n{new}");
    let input = [
        "no json".to_string(),
        story("copy", &format!("{LONG}\n\n{MORE}"), "2031-03-05"),
        String::new(),
        story("part", &mixed, "2031-03-04"),
        story(
            "new",
            "Chess: Olga Ferris won the open of Valemont with nine points out of ten.",
            "2031-03-05",
        ),
    ];
    let check = |extra: &[&str]| {
        let args: Vec<&str> = ["check", "--quiet"].iter().chain(extra).copied().collect();
        a.feed(&args, &(input.join("\n") + "\n"))
    };
    let output = check(&[]);
    let found = lines(&output);
    let verdicts: Vec<&str> = found.iter().map(|l| l["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["error", "duplicate", "duplicate", "new"], "{found:?}");
    let places: Vec<u64> = found.iter().map(|l| l["line"].as_u64().unwrap()).collect();
    assert_eq!(places, [1, 2, 4, 5]);
    assert_eq!((&found[1]["relation"], &found[1]["of"]), (&"identical".into(), &"first".into()));
    assert_eq!(found[1]["novel_passages"], serde_json::json!([]));
    assert_eq!(found[2]["novel_passages"], serde_json::json!([new]));
    assert_eq!(a.info()["stories"], 31, "a check adds nothing");
    assert_eq!(check(&["--fail-on-duplicates"]).status.code(), Some(1));
    assert_eq!(check(&["--strict"]).status.code(), Some(2));
    let learned = lines(&check(&["--learn"]));
    assert_eq!(learned[1]["group"], learned[2]["group"]);
    assert!(learned[1]["group"].is_i64() && learned[3]["group"].is_null(), "{learned:?}");
    assert_eq!(a.info()["stories"], 34);
    // A new version of a stored story replaces it, and the answer says so.
    assert!(learned.iter().all(|answer| answer["replaced"].is_null()), "{learned:?}");
    let again = story("new", "Rowing: Valemont won the eights by a length and a half.", "2031-03-06");
    let replaced = lines(&a.feed(&["check", "--learn", "--quiet"], &again));
    assert_eq!((&replaced[0]["learned"], &replaced[0]["replaced"]), (&true.into(), &true.into()));
    assert_eq!(a.info()["stories"], 34);
}

/// The answers to `lines`, each written once the one before is answered.
fn one_by_one(a: &Archive, args: &[&str], lines: &str) -> String {
    let mut child = a.spawn(args);
    let (mut input, mut answers) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut text = String::new();
    for line in lines.lines() {
        writeln!(input, "{line}\n").unwrap();
        assert!(answers.read_line(&mut text).unwrap() > 0, "no answer to {line}");
    }
    drop(input);
    answers.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    text
}

#[test]
fn lines_in_a_batch_get_the_answers_of_single_lines() {
    let check = |args: &[&str], lines: &str| {
        let [batched, single] = [Archive::new(), Archive::new()];
        for a in [&batched, &single] {
            a.write("in.jsonl", &(stories(0, 20) + &story("first", LONG, "2031-03-04")));
            a.text(&["index", "add", "in.jsonl"]);
        }
        let output = batched.feed(args, &lines.replace('\n', "\n\n"));
        assert!(output.status.success(), "{args:?}");
        let answers = String::from_utf8(output.stdout).unwrap();
        assert_eq!(answers, one_by_one(&single, args, lines), "{args:?}");
        assert_eq!(batched.text(&["index", "export"]), single.text(&["index", "export"]), "{args:?}");
        assert_eq!(answers.lines().count(), lines.lines().count(), "{args:?}");
    };
    // Some are in the store, some are copies of others in the same batch.
    let mut lines = stories(10, 60) + "no json\n{}\n" + &stories(65, 10);
    lines += &[story("second", LONG, "2031-03-05"), story("third", MORE, ""), story("fourth", MORE, "")]
        .join("\n");
    check(&["check", "--quiet"], &lines);
    check(&["check", "--learn", "--quiet"], &lines);
    check(&["similar", "--queries", "-", "--quiet", "-k", "2"], &lines.replace(r#""id":"#, r#""of":"#));
}

/// The tables of members and verdicts, with ids for numbers.
fn verdicts(a: &Archive) -> (Vec<String>, Vec<String>) {
    let db = rusqlite::Connection::open(a.path(".samestory").join(DATABASE)).unwrap();
    let read = |sql: &str| {
        let mut all = db.prepare(sql).unwrap();
        let rows = all.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<Vec<String>>>().unwrap()
    };
    let members = "SELECT id || ' ' || grp || ' ' || relation || ' ' || reason FROM members, stories \
                   ON story = stories.number ORDER BY 1";
    let pairs = "SELECT x.id || ' ' || y.id || ' ' || relation || ' ' || features FROM pairs, stories x, stories y \
                 ON a = x.number AND b = y.number ORDER BY 1";
    (read(members), read(pairs))
}

/// One by one, in two parts, or all at once: the same verdicts, groups and numbers.
#[test]
fn results_do_not_depend_on_batches() {
    let mut all: Vec<String> = stories(0, 20).lines().map(String::from).collect();
    for i in 0..6 {
        let text = format!("{LONG}\n\n{}", if i % 2 == 0 { MORE } else { "The mayor was not there." });
        all.insert(i * 3, story(&format!("n{i}"), &text, &format!("2031-03-0{}", i + 1)));
    }
    let run = |parts: usize| {
        let a = Archive::new();
        for part in all.chunks(all.len().div_ceil(parts)) {
            // One growing file, as its path is part of a story.
            let before = fs::read_to_string(a.path("in.jsonl")).unwrap_or_default();
            a.write("in.jsonl", &(before + &part.join("\n") + "\n"));
            a.text(&["index", "add", "in.jsonl", "--quiet"]);
        }
        verdicts(&a)
    };
    let whole = run(1);
    assert!(whole.0.len() == 6 && whole.1.len() >= 6, "{whole:?}");
    assert_eq!(run(2), whole);
    assert_eq!(run(all.len()), whole);
}

#[test]
fn groups_keep_their_numbers_and_the_log_explains_changes() {
    let a = Archive::new();
    let of = |id: &str, day: u32| story(id, &format!("{LONG}\n\n{MORE}"), &format!("2031-03-{day:02}"));
    a.write("in.jsonl", &(stories(0, 10) + &of("n1", 5) + "\n" + &of("n2", 6)));
    a.text(&["index", "add", "in.jsonl"]);
    a.write("more.jsonl", &of("n0", 4));
    a.text(&["index", "add", "more.jsonl"]);
    a.text(&["index", "remove", "n0"]);
    a.text(&["index", "remove", "n1"]);
    assert!(a.error(&["log", "--group", "2"]).contains("never was a group 2"));
    assert_eq!(a.text(&["log", "--group", "1", "--after", "99"]), "");
    let log = a.text(&["log", "--json"]);
    let events: Vec<(String, i64, String)> = log
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| event[key].as_str().unwrap().to_string();
            (text("kind"), event["group"].as_i64().unwrap(), text("story"))
        })
        .collect();
    let expect = [
        ("created", "n1"),
        ("joined", "n2"),
        ("joined", "n0"),
        ("canonical", "n0"),
        ("left", "n0"),
        ("canonical", "n1"),
        ("left", "n1"),
        ("left", "n2"),
        ("dissolved", "n1"),
    ];
    let expect: Vec<_> =
        expect.iter().map(|(kind, story)| (kind.to_string(), 1, story.to_string())).collect();
    assert_eq!(events, expect);
    // A number is never reused.
    a.write("again.jsonl", &of("n3", 7));
    a.text(&["index", "add", "again.jsonl"]);
    assert!(a.text(&["log", "--group", "2"]).contains("created with n2"));
}

/// Whatever happens to the index files, the answers stay the same.
#[test]
fn damaged_index_files_change_no_answer() {
    let a = Archive::new();
    a.write("in.jsonl", &(stories(0, 300) + &story("first", LONG, "2031-03-04")));
    a.text(&["index", "add", "in.jsonl"]);
    let input = story("copy", LONG, "2031-03-05") + "\n" + stories(7, 1).replace("s7", "again").trim() + "\n";
    let answer = |what: &str| {
        let output = a.feed(&["check", "--quiet"], &input);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{what}: {stderr}");
        (lines(&output), stderr)
    };
    let (whole, stderr) = answer("whole");
    assert_eq!(whole[0]["verdict"], "duplicate");
    assert_eq!(stderr, "");
    for name in ["rows.q8", "stories.q8", "shingles"] {
        let path = a.path(".samestory").join(name);
        let good = fs::read(&path).unwrap();
        for part in 0..4 {
            fs::write(&path, &good[..good.len() * part / 4]).unwrap();
            let (answers, stderr) = answer(name);
            assert_eq!(answers, whole, "{name} cut at {part}/4");
            assert!(stderr.contains(name) && stderr.contains("rebuilt"), "{stderr}");
        }
        for i in 0..8usize {
            let at = i * 2_654_435_761 % good.len();
            let mut bad = good.clone();
            bad[at] ^= 1 << (i % 8);
            fs::write(&path, &bad).unwrap();
            let (answers, stderr) = answer(name);
            assert_eq!(answers, whole, "{name} with a flipped bit at {at}");
            assert!(stderr.contains("rebuilt"), "{stderr}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(answer(name).0, whole, "no {name}");
        fs::write(&path, &good).unwrap();
    }
    // A store restored from a copy does not use the files of another state.
    let copy = fs::read(a.path(".samestory").join(DATABASE)).unwrap();
    a.write("more.jsonl", &stories(300, 300));
    a.text(&["index", "add", "more.jsonl"]);
    fs::write(a.path(".samestory").join(DATABASE), copy).unwrap();
    let (answers, stderr) = answer("an older store");
    assert_eq!(answers, whole);
    assert!(stderr.contains("of another state"), "{stderr}");
}

/// Queries by id and by text go to the store of the working folder.
#[test]
fn looks_up_and_explains_stories_of_a_store() {
    let a = Archive::new();
    a.write(
        "in.jsonl",
        &(stories(0, 40)
            + &story("first", LONG, "2031-03-04")
            + "\n"
            + &story("next", &format!("{LONG} {MORE}"), "2031-03-05")),
    );
    a.text(&["index", "add", "in.jsonl"]);
    let hits = |query: &str| -> Vec<String> {
        let found = a.text(&["similar", query, "-k", "3", "--format", "jsonl", "--quiet"]);
        let id =
            |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_string();
        found.lines().map(id).collect()
    };
    assert_eq!(hits("first")[0], "next");
    let of_text = hits("the harbour board of Norrin decided to rebuild the breakwater");
    assert_eq!(
        of_text.iter().filter(|id| ["first", "next"].contains(&id.as_str())).count(),
        2,
        "{of_text:?}"
    );
    let output = a.feed(&["similar", "-", "-k", "1", "--format", "jsonl"], LONG);
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && answer.contains(r#""id":"first""#), "{output:?}");
    // The same as with all stories read from the file.
    let whole = a.text(&["similar", "first", "--in", "in.jsonl", "-k", "1", "--format", "jsonl", "--quiet"]);
    assert!(whole.contains(r#""id":"next""#));
    let explained = a.text(&["explain", "first", "next", "--format", "json"]);
    let relation = serde_json::from_str::<Value>(&explained).unwrap()["relation"].clone();
    assert!(relation == "copy" || relation == "excerpt", "{explained}");
    assert!(a.error(&["explain", "first", "nobody"]).contains("nobody"));
}

/// Decisions hold for stored stories and for those that are added later.
#[test]
fn decisions_precede_verdicts() {
    let a = Archive::new();
    let of =
        |id: &str, day: u32| story(id, &format!("{LONG}\n\n{MORE}"), &format!("2031-03-{day:02}")) + "\n";
    a.write("in.jsonl", &(stories(0, 6) + &of("n1", 4) + &of("n2", 5)));
    a.text(&["index", "add", "in.jsonl"]);
    let groups = || -> Vec<Vec<String>> {
        let mut of: std::collections::BTreeMap<String, Vec<String>> = Default::default();
        for line in verdicts(&a).0 {
            let mut words = line.split(' ');
            let (id, group) = (words.next().unwrap().to_string(), words.next().unwrap().to_string());
            of.entry(group).or_default().push(id);
        }
        of.into_values().collect()
    };
    assert_eq!(groups(), [["n1", "n2"]]);
    let decide = |lines: &str| {
        a.write("decisions.jsonl", lines);
        a.text(&["index", "decide", "decisions.jsonl"]);
    };
    decide(r#"{"schema":1,"a":"n1","b":"n2","decision":"different"}"#);
    assert!(groups().is_empty(), "{:?}", groups());
    decide(concat!(
        r#"{"schema":1,"a":"s1","b":"s4","decision":"same"}"#,
        "\n",
        r#"{"schema":1,"a":"n1","b":"n3","decision":"same"}"#
    ));
    assert_eq!(groups(), [["s1", "s4"]]);
    // The new story joins the group that was decided; the separated one stays out.
    a.write("more.jsonl", &of("n3", 6));
    a.text(&["index", "add", "more.jsonl"]);
    assert_eq!(groups(), [["s1", "s4"], ["n1", "n3"]]);
    decide(r#"{"schema":1,"id":"n3","decision":"canonical"}"#);
    let kept: Vec<String> = verdicts(&a).0.into_iter().filter(|l| l.contains(" kept ")).collect();
    assert!(kept.iter().any(|l| l.starts_with("n3 ")), "{kept:?}");
    let report = a.run(&["report", "--html", "page.html"]);
    assert!(String::from_utf8_lossy(&report.stderr).contains("9 stories, 2 groups"));
    assert!(fs::read_to_string(a.path("page.html")).unwrap().contains("Content-Security-Policy"));
    a.text(&["index", "verify"]);

    // Other commands apply the decisions too, along with new stories.
    let reached = a.text(&["reach", "--store", ".samestory", "--format", "jsonl"]);
    let groups = || reached.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let ids = |group: Value| {
        group["stories"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap().to_string()).collect()
    };
    let mut sets: Vec<Vec<String>> = groups().map(ids).collect();
    sets.iter_mut().for_each(|set| set.sort());
    assert_eq!(sets, [["s1", "s4"], ["n1", "n3"]]);
    a.write("new.jsonl", &of("n2", 5).replace("n2", "n4"));
    let found = a.text(&["dedup", "new.jsonl", "--store", ".samestory", "--format", "jsonl"]);
    let group = |id: &str| {
        let mut lines = found.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
        lines.find(|l| l["id"] == id && !l["group"].is_null()).map(|l| l["group"].clone())
    };
    assert!(group("n4").is_some() && (group("n1").is_none() || group("n2") != group("n1")), "{found}");
    // A decision that contradicts earlier ones is rejected, and changes nothing.
    a.write("decisions.jsonl", r#"{"schema":1,"a":"n2","b":"n3","decision":"same"}"#);
    assert!(a.error(&["index", "decide", "decisions.jsonl"]).contains("\"n1\" and \"n2\" are different"));
}

/// A folder with the built-in model and another pooling, which makes it another model.
fn other_model(a: &Archive) {
    let built_in = crate::support::repository().join("models/all-MiniLM-L6-v2");
    fs::create_dir(a.path("other")).unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::os::unix::fs::symlink(built_in.join(name), a.path("other").join(name)).unwrap();
    }
    let manifest = fs::read_to_string(built_in.join("model.toml")).unwrap();
    let manifest =
        manifest.replace("pooling = \"mean\"", "pooling = \"cls\"").replace("all-MiniLM", "first-token");
    fs::write(a.path("other/model.toml"), manifest).unwrap();
}

fn vectors(a: &Archive) -> Vec<Vec<u8>> {
    let db = rusqlite::Connection::open(a.path(".samestory").join(DATABASE)).unwrap();
    let mut all = db.prepare("SELECT vector FROM rows ORDER BY number").unwrap();
    let rows = all.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn a_rebuild_resumes_after_any_interruption() {
    let a = Archive::new();
    other_model(&a);
    a.write("in.jsonl", &stories(0, 700));
    a.text(&["index", "add", "in.jsonl"]);
    let before = vectors(&a);
    let refused = a.error(&["index", "add", "in.jsonl", "--model", "other"]);
    assert!(refused.contains("index rebuild --model"), "{refused}");
    for pause in [150, 400, 700, 1000] {
        let mut child = a.command(&["index", "rebuild", "--model", "other", "--quiet"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        a.text(&["index", "verify"]);
        // The old model serves until all vectors of the new one exist.
        let now = vectors(&a);
        let done = a.info()["model"] != "sentence-transformers/all-MiniLM-L6-v2";
        assert!(done || now == before, "after {pause} ms");
    }
    a.text(&["index", "rebuild", "--model", "other"]);
    let b = Archive::new();
    other_model(&b);
    b.write("in.jsonl", &stories(0, 700));
    b.text(&["index", "add", "in.jsonl", "--model", "other"]);
    let mut expect = vectors(&b);
    let mut found = vectors(&a);
    assert_ne!(found, before);
    expect.sort();
    found.sort();
    assert!(found == expect, "the vectors differ from those of a store of that model");
    assert!(a.error(&["index", "add", "in.jsonl"]).contains("its vectors are of"));
    let checked = a.feed(&["check", "--quiet", "--model", "other"], &stories(3, 1).replace("s3", "again"));
    assert_eq!(lines(&checked)[0]["verdict"], "duplicate");
}

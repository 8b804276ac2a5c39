//! The HTML page of a run: its content security policy, its data, and decisions that the next run follows.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn wire() -> PathBuf {
    crate::support::repository().join("tests/data/wire")
}

fn samestory(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_samestory")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn page(command: &str, input: &Path, more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let html = folder.path().join("report.html");
    let args = [command, "--quiet", input.to_str().unwrap(), "--html", html.to_str().unwrap()];
    samestory(&[&args[..], more].concat());
    fs::read_to_string(html).unwrap()
}

/// What stands between `from` and the next `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("{from} is not in the page")) + from.len();
    &text[start..start + text[start..].find(to).unwrap()]
}

fn block<'a>(page: &'a str, id: &str) -> &'a str {
    between(page, &format!("id=\"{id}\">"), "</script>")
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let four = |c: &[u8]| {
        let bits =
            c.iter().fold(0u32, |bits, d| bits << 6 | if *d == b'=' { 0 } else { u32::from(digit(*d)) });
        let bytes = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        bytes[..3 - c.iter().filter(|d| **d == b'=').count()].to_vec()
    };
    text.as_bytes().chunks(4).flat_map(four).collect()
}

fn data(page: &str, id: &str) -> Value {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&base64(block(page, id))[..]).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_policy_allows_only_the_style_and_script_of_the_page() {
    let page = page("dedup", &wire(), &[]);
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let inside = between(&page, &format!("<{element}>"), &format!("</{element}>"));
        let hash = between(policy, &format!("{directive} 'sha256-"), "'");
        assert_eq!(base64(hash), Sha256::digest(inside).to_vec(), "{element}");
        // These would end the element, or begin a comment in it.
        assert!(!inside.contains("<!--") && !inside.contains("</"), "{element}");
    }
    // One script runs; the others are data.
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("<script").count(), 4);
    for outside in [
        "http://",
        "https://",
        "src=",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ] {
        let inside = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!inside.contains(outside), "{outside}");
    }
    assert!(!page.contains("{{"));
}

#[test]
fn the_page_has_the_groups_and_links_of_its_run() {
    let page = page("dedup", &wire(), &["--format", "groups"]);
    let (index, texts) = (data(&page, "index"), data(&page, "texts"));
    let items: Vec<Value> = samestory(&["dedup", "--quiet", wire().to_str().unwrap(), "--format", "jsonl"])
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let ids = index["stories"]["id"].as_array().unwrap();
    let mut found = Vec::new();
    for group in index["groups"].as_array().unwrap() {
        let members = group["members"].as_array().unwrap();
        let id = |m: &Value| ids[m["story"].as_u64().unwrap() as usize].clone();
        let row =
            |m: &Value| json!([id(m), id(&members[0]), m["coverage"], m["coverage_of_kept"], m["removed"]]);
        found.extend(members.iter().map(row));
    }
    let grouped = items.iter().filter(|i| i["group"].is_number());
    let expect: Vec<Value> = grouped
        .map(|i| json!([i["id"], i["kept"], i["coverage"], i["coverage_of_kept"], i["removed"]]))
        .collect();
    assert_eq!(found, expect);
    let links = items.iter().filter(|i| i["group"].is_null()).count();
    assert_eq!(index["links"].as_array().unwrap().len(), links);
    // Aligned passages exist.
    let passages =
        |story: &Value| texts["stories"][story.as_u64().unwrap() as usize].as_array().unwrap().len() as u64;
    let mut aligned = 0;
    for group in index["groups"].as_array().unwrap() {
        let members = group["members"].as_array().unwrap();
        for m in &members[1..] {
            for pair in m["aligned"].as_array().unwrap() {
                assert!(pair[0].as_u64().unwrap() < passages(&members[0]["story"]));
                assert!(pair[1].as_u64().unwrap() < passages(&m["story"]));
                aligned += 1;
            }
        }
    }
    assert!(aligned > 20, "{aligned} aligned passages");
    let pairs: u64 = index["histogram"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|r| r.as_array().unwrap())
        .map(|n| n.as_u64().unwrap())
        .sum();
    let about: Value = serde_json::from_str(block(&page, "about")).unwrap();
    assert_eq!(about["manifest"]["candidates"].as_u64().unwrap(), pairs);
}

#[test]
fn the_page_does_not_depend_on_threads() {
    let of = |threads: &str| {
        let page = page("link", &wire(), &["--threads", threads]);
        let about: Value = serde_json::from_str(block(&page, "about")).unwrap();
        (block(&page, "index").to_string(), block(&page, "texts").to_string(), about["run"].clone())
    };
    assert_eq!(of("1"), of("3"));
}

#[test]
fn the_page_of_link_has_storylines() {
    let input = crate::support::repository().join("tests/data/related/stories.jsonl");
    let page = page("link", &input, &[]);
    let index = data(&page, "index");
    let storylines = index["storylines"]["storylines"].as_array().unwrap();
    assert!(!storylines.is_empty());
    for storyline in storylines {
        assert!(storyline["members"].as_array().unwrap().len() > 1, "{storyline}");
    }
}

const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&<!--\u{0}\u{7}\u{202e}\u{2028}\u{2029}]]>{{script}}";

/// Two copies of a story with markup in every field, and with a word of 1 MB in the text.
fn hostile_stories(folder: &Path) -> PathBuf {
    let text = format!(
        "{HOSTILE} The harbour authority said on Monday that three vessels had been held outside the breakwater.\n\n{}\n\n{HOSTILE}",
        "w".repeat(1 << 20)
    );
    let story = |n: u32| {
        json!({"id": format!("{n}{HOSTILE}"), "title": HOSTILE, "text": text, "source": format!("{HOSTILE}{n}"), "url": HOSTILE})
            .to_string()
    };
    let file =
        folder.join(if cfg!(unix) { "evil<script>alert(1)<\u{2044}script>.jsonl" } else { "evil.jsonl" });
    fs::write(&file, format!("{}\n{}\n", story(1), story(2))).unwrap();
    file
}

#[test]
fn hostile_stories_remain_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = hostile_stories(folder.path());
    for command in ["dedup", "link"] {
        let page = page(command, &file, &[]);
        assert!(!page.contains("alert(1)") && !page.contains("onerror"), "{command}");
        assert_eq!(page.matches("<script").count(), 4, "{command}");
        assert_eq!(page.matches("<!--").count(), 0, "{command}");
        assert!(!page.contains(['\u{0}', '\u{2028}', '\u{202e}']), "{command}");
        let index = data(&page, "index");
        assert_eq!(index["stories"]["id"][0], format!("1{HOSTILE}"));
        assert_eq!(index["groups"][0]["members"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_run_follows_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.jsonl");
    let groups = |lines: &[Value]| -> Vec<Vec<String>> {
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        fs::write(&file, text).unwrap();
        let wire = wire();
        let args = [
            "dedup",
            "--quiet",
            "--format",
            "jsonl",
            "--decisions",
            file.to_str().unwrap(),
            wire.to_str().unwrap(),
        ];
        let mut groups: Vec<Vec<String>> = Vec::new();
        for item in samestory(&args).lines().map(|l| serde_json::from_str::<Value>(l).unwrap()) {
            let Some(group) = item["group"].as_u64() else { continue };
            groups.resize(groups.len().max(group as usize), Vec::new());
            groups[group as usize - 1].push(item["id"].as_str().unwrap().into());
        }
        groups
    };
    let pair = |a: &str, b: &str, decision: &str| json!({"schema": 1, "a": a, "b": b, "decision": decision});
    let before = groups(&[]);
    let home = before.iter().find(|g| g.contains(&"hw-101".to_string())).unwrap();
    assert!(home.len() > 3 && home[0] == "hw-118", "{home:?}");
    let others = || home.iter().filter(|s| *s != "ob-9");
    // One story is rejected, another of its group is kept, and two that the rules hold apart are one: the rest stays.
    let mut decisions: Vec<Value> = others().map(|s| pair(s, "ob-9", "different")).collect();
    decisions.push(json!({"schema": 1, "id": "nd-330", "decision": "canonical"}));
    decisions.push(pair("wx-1", "wx-2", "same"));
    let after = groups(&decisions);
    assert_eq!(after.iter().find(|g| g.contains(&"hw-101".to_string())).unwrap()[0], "nd-330");
    let sorted = |groups: &[Vec<String>]| {
        let mut groups: Vec<Vec<String>> = groups.to_vec();
        groups.iter_mut().for_each(|g| g.sort());
        groups.sort();
        groups
    };
    let mut expect = before.clone();
    expect.iter_mut().for_each(|g| g.retain(|s| s != "ob-9"));
    expect.push(vec!["wx-1".into(), "wx-2".into()]);
    assert_eq!(sorted(&after), sorted(&expect));
}

/// The prior decisions of a page by the ids of their stories, sorted, and what the page says about the run.
fn prior_decisions(page: &str) -> (Vec<Value>, Value) {
    let (index, about) = (data(page, "index"), serde_json::from_str(block(page, "about")).unwrap());
    let id = |story: &Value| {
        index["stories"]["id"][story.as_u64().unwrap() as usize].as_str().unwrap().to_string()
    };
    let prior = &index["prior_decisions"];
    let mut decisions = Vec::new();
    for (field, decision) in [("must_link", "same"), ("cannot_link", "different")] {
        for pair in prior[field].as_array().unwrap() {
            let mut pair = [id(&pair[0]), id(&pair[1])];
            pair.sort();
            decisions.push(json!([pair[0], pair[1], decision]));
        }
    }
    decisions.extend(prior["canonical"].as_array().unwrap().iter().map(|s| json!([id(s), "canonical"])));
    decisions.sort_by_key(Value::to_string);
    (decisions, about)
}

const DECISIONS: [&str; 4] = [
    r#"{"schema":1,"a":"wx-2","b":"wx-1","decision":"same"}"#,
    r#"{"schema":1,"a":"hw-101","b":"ob-9","decision":"different"}"#,
    r#"{"schema":1,"id":"nd-330","decision":"canonical"}"#,
    r#"{"schema":1,"a":"hw-101","b":"gone","decision":"different"}"#,
];

fn expected_decisions() -> Vec<Value> {
    vec![
        json!(["hw-101", "ob-9", "different"]),
        json!(["nd-330", "canonical"]),
        json!(["wx-1", "wx-2", "same"]),
    ]
}

#[test]
fn the_page_has_the_decisions_of_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.jsonl");
    fs::write(&file, DECISIONS.join("\n")).unwrap();
    for command in ["dedup", "link"] {
        let whole = page(command, &wire(), &["--decisions", file.to_str().unwrap()]);
        let (decisions, about) = prior_decisions(&whole);
        assert_eq!(decisions, expected_decisions(), "{command}");
        assert_eq!(
            data(&whole, "index")["prior_decisions"]["unresolved"],
            json!([DECISIONS[3]]),
            "{command}"
        );
        assert_eq!((&about["command"], &about["manifest"]["decisions"]), (&json!(command), &json!(3)));
        assert!(prior_decisions(&page(command, &wire(), &[])).0.is_empty(), "{command}");
    }
}

#[test]
fn the_page_of_a_store_has_its_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (store, file, html) = (at("store"), at("decisions.jsonl"), at("page.html"));
    fs::write(&file, DECISIONS.join("\n")).unwrap();
    samestory(&["index", "add", "--quiet", wire().to_str().unwrap(), "--store", &store]);
    let of_store = || {
        samestory(&["report", "--quiet", "--store", &store, "--html", &html]);
        prior_decisions(&fs::read_to_string(&html).unwrap())
    };
    let (decisions, about) = of_store();
    assert_eq!(
        (decisions, &about["command"], &about["manifest"]["decisions"]),
        (vec![], &json!("report"), &json!(0))
    );
    samestory(&["index", "decide", &file, "--store", &store]);
    let (decisions, about) = of_store();
    assert_eq!((decisions, &about["manifest"]["decisions"]), (expected_decisions(), &json!(3)));
}

/// The id of a record without one is its number, which changes when another record is put before it.
#[test]
fn a_decision_on_a_record_without_id_follows_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let texts = [
        "The harbour of Norrin was closed on Monday after its keeper found a crack in the wall.",
        "Divers looked at a quay all morning, and the mayor says that ferries leave from Velsk until it is mended.",
        "A cheese that ripens for three years in a silver mine has won the gold medal of the dairy fair.",
    ];
    let write = |order: &[usize]| {
        let line = |i: &usize| json!({ "text": texts[*i] }).to_string() + "\n";
        fs::write(at("in.jsonl"), order.iter().map(line).collect::<String>()).unwrap();
    };
    write(&[0, 1]);
    let digests = data(&page("dedup", &at("in.jsonl"), &[]), "index")["stories"]["digests"].clone();
    let line = json!({"schema": 1, "a": "in.jsonl#1", "b": "in.jsonl#2", "decision": "same",
        "a_text": digests["0"], "b_text": digests["1"]});
    fs::write(at("decisions.jsonl"), line.to_string()).unwrap();
    let check = |order: &[usize], expect: &[[u64; 2]], expected: &str| {
        write(order);
        let args = ["dedup", "--format", "jsonl", "--decisions", "decisions.jsonl", "in.jsonl"];
        let output =
            Command::new(env!("CARGO_BIN_EXE_samestory")).args(args).current_dir(folder.path()).output();
        let output = output.unwrap();
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && messages.contains(expected), "{order:?}: {messages}");
        let items: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|item: &Value| item["reason"].as_str().is_some_and(|reason| reason.contains("decided")))
            .collect();
        let number = |id: &Value| id.as_str().unwrap().rsplit_once('#').unwrap().1.parse::<u64>().unwrap();
        let pairs: Vec<[u64; 2]> =
            items.iter().map(|item| [number(&item["kept"]), number(&item["id"])]).collect();
        assert_eq!(pairs, expect, "{order:?}: {items:?}");
    };
    check(&[0, 1], &[[2, 1]], "");
    check(&[2, 0, 1], &[[3, 2]], "");
    check(&[2, 0], &[], "1 decision names a story that is not here");
    check(&[0, 2], &[], "under the ids of 1 there are other texts now");
}

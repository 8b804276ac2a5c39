//! What a run says of its input: fields, notices, records that are too long; and the files of records that it writes.

use std::fs;

use crate::support::Archive;

fn stderr(archive: &Archive, args: &[&str]) -> (Option<i32>, String) {
    let output = archive.run(args);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn says_what_was_read_as_which_field() {
    let archive = Archive::new();
    archive.write(
        "in.jsonl",
        "{\"headline\":\"Rain\",\"content\":\"It rained.\",\"link\":\"https://norrin.example/1\"}\n",
    );
    let (_, text) = stderr(&archive, &["read", "in.jsonl"]);
    assert!(text.contains("fields: text=content, title=headline, source=link, url=link\n"), "{text}");
    assert!(text.contains("no record has a date; fields seen: content, headline, link\n"), "{text}");
    let (_, text) = stderr(&archive, &["read", "in.jsonl", "-q"]);
    assert_eq!(text, "");
    let error = archive.error(&["read", "in.jsonl", "--field", "text=body"]);
    assert!(error.contains("--field text=body: no record has \"body\""), "{error}");
    assert!(error.contains("fields seen: content, headline, link"), "{error}");
}

#[test]
fn all_notices_are_in_the_file_and_the_rest_is_counted() {
    let archive = Archive::new();
    archive.write(
        "in.jsonl",
        &format!("{}{}{{\"text\":\"It rained.\"}}\n", "1\n".repeat(30), "{}\n".repeat(40)),
    );
    let (_, text) = stderr(&archive, &["read", "in.jsonl", "-q", "--notices", "all.jsonl"]);
    assert_eq!(text.lines().count(), 21, "{text}");
    assert!(text.contains("… and 50 more notices on the input: 40 no-text, 10 json"), "{text}");
    let all = fs::read_to_string(archive.path("all.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 70);
    assert_eq!((&lines[69]["line"], &lines[69]["kind"]), (&70.into(), &"no-text".into()));
    let error = archive.error(&["read", "in.jsonl", "--notices", "in.jsonl"]);
    assert!(error.contains("--notices") && error.contains("is read"), "{error}");
}

#[test]
fn a_record_beyond_the_limit_is_skipped_with_its_line() {
    let long = "x".repeat(3000);
    let story = "{\"title\":\"Rain\",\"text\":\"It rained.\"}";
    for (name, text, line) in [
        ("a.jsonl", format!("{story}\n{{\"text\":\"{long}\"}}\n{story}\n"), 2),
        ("a.json", format!("[{story},\n{{\"text\":\"{long}\"}},\n{story}]"), 2),
        ("a.csv", format!("title,text\nRain,It rained.\nLong,\"{long}\"\nSun,It shone.\n"), 3),
    ] {
        let archive = Archive::new();
        archive.write(name, &text);
        let output = archive.run(&["read", name, "--max-record", "2K"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            error.contains(&format!("{name}:{line}: longer than 2048 bytes; skipped (--max-record")),
            "{error}"
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2, "{name}");
        assert_eq!(archive.text(&["read", name, "--max-record", "1M"]).lines().count(), 3, "{name}");
        assert_eq!(archive.run(&["read", name, "--max-record", "2K", "--strict"]).status.code(), Some(2));
    }
}

#[test]
fn strict_fails_on_hidden_stories() {
    let archive = Archive::new();
    fs::create_dir(archive.path("in")).unwrap();
    archive.write("in/a.jsonl", "{\"text\":\"It rained.\"}\n");
    archive.write("in/.DS_Store", "x");
    assert_eq!(stderr(&archive, &["read", "in", "--strict"]).0, Some(0));
    archive.write("in/.b.jsonl", "{\"text\":\"It shone.\"}\n");
    let (code, text) = stderr(&archive, &["read", "in", "--strict"]);
    assert!(
        code == Some(2) && text.contains(".b.jsonl: hidden, and named like JSON lines; not read"),
        "{text}"
    );
}

/// Two stories of one text, and one of another.
const STORIES: &str = concat!(
    "id,title,text\r\n",
    "a,Dam,\"The dam at Ostrel will be raised by four metres next spring, the water board said on Tuesday.\"\r\n",
    "\"b\",Dam,\"The dam at Ostrel will be raised by four metres next spring, the water board said on Tuesday.\"\r\n",
    "c,Owl,\"An owl was found asleep in the belfry of Saint Odo, and birdwatchers came from three provinces.\"\r\n"
);

#[test]
fn kept_and_removed_records_have_the_format_of_the_name() {
    let archive = Archive::new();
    archive.write("in.csv", STORIES);
    let dedup = |kept: &str, removed: &str| {
        archive.text(&["dedup", "in.csv", "-q", "--kept", kept, "--removed", removed]);
        [kept, removed].map(|name| fs::read(archive.path(name)).unwrap())
    };
    let lines: Vec<&str> = STORIES.split_inclusive('\n').collect();
    let [kept, removed] = dedup("kept.csv", "removed.csv");
    assert_eq!(String::from_utf8(kept).unwrap(), [lines[0], lines[1], lines[3]].concat());
    assert!(String::from_utf8(removed).unwrap().starts_with("schema,id,"));
    let [kept, removed] = dedup("kept.json", "removed.json");
    let [kept, removed] = [kept, removed].map(|t| serde_json::from_slice::<serde_json::Value>(&t).unwrap());
    assert_eq!((&kept[1]["id"], &removed[0]["id"]), (&"c".into(), &"b".into()));
    let [kept, removed] = dedup("kept.parquet", "removed.parquet");
    assert!(kept.starts_with(b"PAR1") && removed.starts_with(b"PAR1"));
    assert_eq!(archive.text(&["read", "kept.parquet", "-q"]).lines().count(), 2);
    let [kept, removed] = dedup("kept.tsv.gz", "removed.jsonl.gz");
    assert!(kept.starts_with(b"\x1f\x8b") && removed.starts_with(b"\x1f\x8b"));
    assert_eq!(archive.text(&["read", "kept.tsv.gz", "-q"]).lines().count(), 2);
    for name in ["kept.html", "kept.xlsx", "kept.jsonl.zst"] {
        let error = archive.error(&["dedup", "in.csv", "-q", "--kept", name]);
        assert!(error.contains(name) && error.contains("not written as"), "{error}");
        assert!(!archive.path(name).exists());
    }
}

#[cfg(unix)]
#[test]
fn outputs_are_for_those_who_may_read_the_inputs() {
    use std::os::unix::fs::PermissionsExt;
    let archive = Archive::new();
    let check = |mode: u32| {
        let input = archive.write("in.csv", STORIES);
        fs::set_permissions(&input, fs::Permissions::from_mode(mode)).unwrap();
        let outputs = ["kept.csv", "removed.jsonl", "out.jsonl", "page.html"];
        let [kept, removed, out, page] = outputs;
        archive.text(&[
            "dedup",
            "in.csv",
            "-q",
            "--kept",
            kept,
            "--removed",
            removed,
            "--out",
            out,
            "--html",
            page,
        ]);
        for name in outputs {
            let found = fs::metadata(archive.path(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found & !mode, 0, "{name}: {found:o} of {mode:o}");
            fs::remove_file(archive.path(name)).unwrap();
        }
    };
    check(0o600);
    check(0o644);
}

#[test]
fn page_chrome_is_neither_wording_nor_facts() {
    let archive = Archive::new();
    let removed = |texts: &[(&str, &str)]| -> (usize, String) {
        let lines = texts.iter().enumerate().map(|(id, (title, text))| {
            serde_json::json!({"id": id, "title": title, "text": text}).to_string() + "\n"
        });
        archive.write("in.jsonl", &lines.collect::<String>());
        let output = archive.run(&["dedup", "in.jsonl", "-q", "--removed", "removed.jsonl"]);
        let removed = fs::read_to_string(archive.path("removed.jsonl")).unwrap();
        (removed.lines().count(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let body =
        "The harbour board of Brell voted on Tuesday to dredge the outer basin before the autumn storms come";
    for (a, b) in [
        (format!("{body}… [+2045 chars]"), format!("{body}… [+1801 chars]")),
        (format!("1,204 views | 3 min read\n\n{body}."), format!("98 views | 2 min read\n\n{body}.")),
        (format!("{body}.\n\nPage 1 of 3\n\n12 comments"), format!("{body}.\n\nPage 2 of 4")),
        (format!("10:45\n\n{body}.\n\nShare on Facebook"), format!("Updated 11:20\n\n{body}.")),
    ] {
        let (count, stderr) = removed(&[("Brell dredges basin", &a), ("Brell dredges basin", &b)]);
        assert_eq!(count, 1, "{a}: {stderr}");
    }
    let wall = "We use cookies and similar technologies on your device. By clicking accept you consent to the processing of \
                your data by us and our 812 partners; change your choices in the privacy settings.";
    let titles =
        ["Quay closed for repairs in Brell", "Teachers in Ostrel end walkouts", "Owl found in belfry"];
    let (count, stderr) = removed(&titles.map(|title| (title, wall)));
    assert_eq!(count, 0, "{stderr}");
    assert_eq!(stderr.matches("no article text").count(), 3, "{stderr}");
}

//! Input that is broken in every way we could think of: a message with the place, the run goes on, `--strict` makes it fail.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output},
};

use crate::support::Archive;
use flate2::{Compression, write::GzEncoder};

/// Two good stories, one a copy of the other.
const GOOD: &str = concat!(
    r#"{"id":"a","title":"Dam","text":"The dam at Ostrel will be raised by four metres next spring, the water board said on Tuesday, after two dry winters left towns downstream short."}"#,
    "\n",
    r#"{"id":"b","title":"Dam","text":"The dam at Ostrel will be raised by four metres next spring, the water board said on Tuesday, after two dry winters left towns downstream short."}"#,
    "\n"
);

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_samestory")).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// No panic, no backtrace, whatever happened.
fn assert_calm(output: &Output) {
    let text = stderr(output);
    assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
    assert!(output.status.code().is_some_and(|c| c <= 2), "{:?}: {text}", output.status);
}

/// `bad` beside a good file: the good stories are judged, each of `expected` stands on stderr, `--strict` ends with 2.
fn check(name: &str, bad: impl AsRef<[u8]>, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.jsonl"), GOOD).unwrap();
    fs::write(folder.path().join(name), bad).unwrap();
    check_folder(folder.path(), expected);
}

fn check_folder(folder: &Path, expected: &[&str]) {
    let path = folder.to_str().unwrap();
    let output = run(&["dedup", path, "--format", "jsonl"]);
    assert_calm(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(found.lines().any(|l| l.contains(r#""relation":"identical""#)), "{found}");
    for text in expected {
        assert!(stderr(&output).contains(text), "{text:?} is not in {}", stderr(&output));
    }
    let strict = run(&["dedup", path, "--strict", "--format", "jsonl"]);
    assert_calm(&strict);
    assert_eq!(strict.status.code(), Some(if expected.is_empty() { 0 } else { 2 }), "{}", stderr(&strict));
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_truncated_gzip() {
    let whole = gzip(&GOOD.repeat(50));
    check("cut.jsonl.gz", &whole[..whole.len() - 20], &["cut.jsonl.gz"]);
}

#[test]
fn reports_a_file_that_is_not_gzip() {
    check("not.jsonl.gz", "plain text", &["not.jsonl.gz"]);
}

#[test]
fn reports_a_file_that_is_not_zstandard() {
    check("not.jsonl.zst", b"\x28\xb5\x2f\xfdgarbage", &["not.jsonl.zst"]);
}

#[test]
fn reads_text_that_is_not_utf8() {
    check(
        "old.txt",
        b"The caf\xe9 at the harbour will close in the spring, its owners said.",
        &["old.txt", "windows-1252"],
    );
}

#[test]
fn binary_bytes() {
    check("picture.txt", [0u8, 159, 146, 150, 0, 1, 2, 3].repeat(100), &["picture.txt"]);
}

#[test]
fn an_empty_file() {
    check("empty.jsonl", "", &["empty.jsonl"]);
}

#[test]
fn reports_truncated_json() {
    check("half.jsonl", "{\"id\":\"x\",\"text\":\"A ferry ran ag", &["half.jsonl:1"]);
}

#[test]
fn json_lines_with_one_bad_line() {
    check("mixed.jsonl", format!("{GOOD}not json\n"), &["mixed.jsonl:3"]);
}

#[test]
fn reports_json_nested_ten_thousand_deep() {
    check("deep.json", format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)), &["deep.json"]);
    check(
        "deep.jsonl",
        format!("{{\"text\":{}1{}}}\n", "[".repeat(10_000), "]".repeat(10_000)),
        &["deep.jsonl:1"],
    );
}

#[test]
fn skips_a_record_without_text() {
    check("none.jsonl", "{\"id\":\"x\",\"note\":\"Nothing more\"}\n", &["none.jsonl:1"]);
}

#[test]
fn a_csv_with_ragged_rows() {
    let rows =
        "id,title,text\n1,One,A long strike at the Ostrel mine ended on Monday.\n2,Two\n3,Three,More,cells\n";
    check("rows.csv", rows, &["rows.csv:3", "rows.csv:4"]);
}

#[test]
fn counts_csv_lines_with_any_line_end() {
    let rows = "id,title,text\n1,One,A long strike at the mine ended.\n2,Two\n";
    check("rows.csv", rows, &["rows.csv:3"]);
    check("rows.csv", rows.replace('\n', "\r\n"), &["rows.csv:3"]);
}

#[test]
fn reports_an_unclosed_quote() {
    let row = |i: usize| format!("{i},Title {i},The ferry number {i} left the harbour.\n");
    let rows: String = (0..9).map(row).collect();
    check(
        "open.csv",
        format!("id,title,text\n90,\"Show us, says Hallam,Text.\n{rows}"),
        &["open.csv:2", "9 lines"],
    );
}

#[test]
fn reports_records_whose_text_has_an_unknown_name() {
    let rows = "id,title,wording\n1,One,A long strike ended.\n2,Two,A ferry left.\n";
    check("rows.csv", rows, &["no record has a text"]);
}

#[test]
fn an_empty_field_does_not_hide_another_name() {
    let lines = r#"{"id":"n","title":"Morning briefing","text":null,"content":"A ferry left the harbour of Ostrel."}
{"id":"o","title":"Morning briefing","text":"","body":"The miners of Hallam went back to work."}
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.jsonl");
    fs::write(&file, lines).unwrap();
    let output = run(&["dedup", file.to_str().unwrap(), "--strict", "--fail-on-duplicates"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn keeps_the_readable_part_of_a_document() {
    let [a, b] = [0, 1].map(|i| GOOD.lines().nth(i).unwrap());
    let kept = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let (file, kept) = (folder.path().join("in.json"), folder.path().join("kept.jsonl"));
        fs::write(&file, text).unwrap();
        let output = run(&["dedup", file.to_str().unwrap(), "--kept", kept.to_str().unwrap()]);
        assert_calm(&output);
        (fs::read_to_string(kept).unwrap(), stderr(&output))
    };
    let (records, messages) = kept(&format!("[{a},\n{b}"));
    assert!(records == format!("{a}\n") && messages.contains("in.json:2"), "{records} {messages}");
    let (records, messages) = kept(&format!("[{a}]\n[{b}"));
    assert!(records == format!("{a}\n") && messages.contains("in.json:2"), "{records} {messages}");
}

#[test]
fn reads_pages_with_mismatched_tags() {
    check("deep.html", "<div></x>".repeat(200_000) + "The harbour closed.", &["deep.html"]);
}

#[test]
fn a_table_on_standard_input_is_read_as_one() {
    let csv = "id,title,text\n1,One,A long strike at the mine ended.\n2,Two,A ferry left the harbour.\n";
    for input in [csv.to_string(), csv.replace(',', "\t")] {
        let messages = stderr(&Archive::new().feed(&["dedup", "-"], &input));
        assert!(messages.contains("2 stories in 1 file"), "{messages}");
    }
}

#[test]
fn reads_a_page_of_page_chrome_as_a_headline() {
    check("menu.txt", "Share\n\nAdvertisement\n\nNext Article\n", &["menu.txt"]);
}

#[test]
fn ids_that_repeat() {
    check("again.jsonl", GOOD, &["renamed to a~2", "renamed to b~2"]);
}

#[test]
fn skips_a_line_of_200_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.jsonl"), GOOD).unwrap();
    let mut file = fs::File::create(folder.path().join("long.jsonl")).unwrap();
    file.write_all(b"{\"id\":\"long\",\"text\":\"").unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    (0..200).for_each(|_| file.write_all(&megabyte).unwrap());
    file.write_all(b"\"}\n").unwrap();
    drop(file);
    check_folder(folder.path(), &["long.jsonl:1"]);
}

#[cfg(unix)]
#[test]
fn reports_an_unreadable_folder_and_a_link_loop() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.jsonl"), GOOD).unwrap();
    symlink(folder.path(), folder.path().join("round")).unwrap();
    check_folder(folder.path(), &["round: a symbolic link to a folder above it"]);

    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything, so there is nothing to see then.
    let expected: &[&str] = if fs::read_dir(&closed).is_ok() { &["round"] } else { &["round", "closed"] };
    check_folder(folder.path(), expected);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn reports_a_missing_path() {
    let output = run(&["dedup", "no/such/folder"]);
    assert_calm(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no/such/folder"), "{}", stderr(&output));
}

#[test]
fn skips_texts_without_visible_characters() {
    let line = |text: &str| format!("{{\"id\":\"x\",\"text\":\"{text}\"}}\n");
    check("bad.jsonl", line("\\u200b\\u200b"), &["bad.jsonl:1: has neither a text nor a title"]);
    check("bad.jsonl", line("\\u0000"), &["bad.jsonl:1: has neither a text nor a title"]);
    // Signs are a text, though no passage.
    check("bad.jsonl", line("🎉"), &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.jsonl");
    fs::write(&file, line("🎉")).unwrap();
    let output = run(&["embed", file.to_str().unwrap()]);
    assert!(stderr(&output).contains("1 stories have no words"), "{}", stderr(&output));
}

/// A model folder with `file` replaced: the error names it.
fn check_model(file: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let source = crate::support::repository().join("models/all-MiniLM-L6-v2");
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    fs::write(folder.path().join(file), bytes).unwrap();
    let good = folder.path().join("good.jsonl");
    fs::write(&good, GOOD).unwrap();
    let output = run(&["dedup", good.to_str().unwrap(), "--model", folder.path().to_str().unwrap()]);
    assert_calm(&output);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains(file), "{}", stderr(&output));
}

#[test]
fn reports_damaged_model_files() {
    let source = crate::support::repository().join("models/all-MiniLM-L6-v2");
    let weights = fs::read(source.join("model.safetensors")).unwrap();
    check_model("model.safetensors", &weights[..weights.len() / 2]);
    check_model("model.safetensors", b"");
    check_model("model.safetensors", &[0xff; 64]);
    check_model("config.json", b"{\"hidden_size\": 3");
    check_model("config.json", br#"{"model_type":"roberta"}"#);
    check_model("tokenizer.json", b"[]");
    check_model("model.toml", b"name = \"x\"");
    // Whole as far as its format goes, with other values: the manifest has its checksum.
    let (mut other, at) = (weights.clone(), weights.len() - 4096);
    other[at..].fill(b'0');
    check_model("model.safetensors", &other);
}

#[test]
fn rejects_weights_that_are_not_numbers_in_every_precision() {
    let source = crate::support::repository().join("models/all-MiniLM-L6-v2");
    let mut weights = fs::read(source.join("model.safetensors")).unwrap();
    let length = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&weights[8..8 + length]).unwrap();
    let name = "encoder.layer.2.output.dense.weight";
    let at = 8 + length + header[name]["data_offsets"][0].as_u64().unwrap() as usize;
    // NaN in f16.
    weights[at..at + 2].copy_from_slice(&0x7e00u16.to_le_bytes());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.safetensors"), weights).unwrap();
    for file in ["config.json", "tokenizer.json"] {
        fs::copy(source.join(file), folder.path().join(file)).unwrap();
    }
    fs::write(folder.path().join("in.txt"), "The dam at Ostrel will be raised by four metres.").unwrap();
    for precision in ["native", "int8"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_samestory"));
        command.args(["embed", "in.txt", "--model", ".", "--precision", precision]);
        let output = command.current_dir(folder.path()).output().unwrap();
        assert_calm(&output);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(name), "{precision}: {}", stderr(&output));
    }
}

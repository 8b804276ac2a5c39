//! No output holds a character that a terminal acts on, whichever field of a story it came in.

use std::fs;

use crate::support::Archive;

/// Every control character but NUL, which no file name can hold, and those that change the direction of text.
fn hostile() -> String {
    let controls = (1..0x20).chain(0x7f..0xa0);
    let directions = [0x61c, 0x200e, 0x200f].into_iter().chain(0x202a..0x202f).chain(0x2066..0x206a);
    controls.chain(directions).filter_map(char::from_u32).collect()
}

/// A story whose every field holds such characters.
fn story(id: &str, title: &str, text: &str) -> String {
    let h = hostile();
    let story = serde_json::json!({
        "id": format!("{id}{h}{id}"), "title": format!("{title} {h}raised"), "text": text.replace('~', &h),
        "source": format!("{id} Wire{h}"), "url": format!("https://{id}.example/{h}"), "published": "2024-01-01",
        (h.clone()): "a field that nobody knows",
    });
    format!("{story}\n")
}

fn check(what: &str, bytes: &[u8], allowed: &[char]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let hostile = hostile();
    let found = text.char_indices().find(|(_, c)| hostile.contains(*c) && !allowed.contains(c));
    if let Some((at, c)) = found {
        let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
        panic!("{what}: {:?} in {:?}", c, &text[start..at + c.len_utf8()]);
    }
}

const TEXT: &str = "The dam at ~Ostrel will be raised by four metres next spring, the water~ board said on Monday.\n\n\
    Work begins in April and takes~ three years, and the road over the dam is closed for that long.";

#[test]
fn no_output_holds_what_a_terminal_acts_on() {
    let a = Archive::new();
    let name = format!("in{}.jsonl", hostile().replace('/', ""));
    let other = TEXT.replace("four", "five").replace("three years", "two years");
    let lines = [
        story("a", "Dam", TEXT),
        story("b", "Dam", TEXT),
        story("c", "Dam", &other),
        story("d", "Dam", &format!("{TEXT}\n\nThe mayor~ of Ostrel was not told, she said.")),
        format!("{{\"no text, {}\n", hostile().replace('\n', "")),
        format!("{}\n", serde_json::json!({ "published": hostile(), "text": "It rained in Ostrel." })),
    ];
    a.write(&name, &lines.concat());
    let id = |id: &str| format!("{id}{}{id}", hostile());
    let (first, third) = (&id("a"), &id("c"));
    let file = name.as_str();
    a.run(&["index", "add", file]);
    a.write(
        "d.jsonl",
        &format!(
            "{}\n",
            serde_json::json!({
                "schema": 1, "a": first, "b": third, "decision": "same",
            })
        ),
    );
    let page_of = |args: &[&str], format: &'static str| {
        let allowed: &[char] = match format {
            "csv" | "tsv" => &['\n', '\t', '\r'],
            _ => &['\n'],
        };
        let args = if format.is_empty() { args.to_vec() } else { [args, &["--format", format]].concat() };
        let output = a.run(&args);
        check(&format!("{args:?}"), &output.stdout, allowed);
        check(&format!("{args:?} on stderr"), &output.stderr, &['\n']);
    };
    for format in ["table", "jsonl", "csv", "groups", "json", "tsv"] {
        page_of(&["dedup", file, "--strict"], format);
    }
    for format in ["table", "jsonl", "csv", "groups", "graphml", "dot"] {
        page_of(&["link", file], format);
    }
    for format in ["table", "jsonl", "csv"] {
        page_of(&["reach", file], format);
        page_of(&["outlets", file], format);
    }
    for format in ["table", "json", "jsonl"] {
        page_of(&["similar", first, "--in", file], format);
    }
    for format in ["text", "json"] {
        page_of(&["explain", first, third, "--in", file], format);
    }
    page_of(&["embed", file], "jsonl");
    for args in [
        &["read", file][..],
        &["read", "none", file],
        &["index", "add", file],
        &["index", "info"],
        &["index", "info", "--json"],
        &["index", "export"],
        &["index", "decide", "d.jsonl"],
        &["index", "update"],
        &["index", "verify"],
        &["log"],
        &["log", "--json"],
        &["similar", "--queries", file, "--in", file],
        &["dedup", file, "--keep", file],
        &["dedup", file, "--boilerplate", file],
        &["explain", first, "nobody", "--in", file],
        &["boilerplate", "list", "--file", file],
        &["index", "remove", file],
        &["index", "remove", first],
        &["model", "show", file],
    ] {
        page_of(args, "");
    }
    let check_output = a.feed(&["check"], &lines.concat());
    check("check", &check_output.stdout, &['\n']);
    check("check on stderr", &check_output.stderr, &['\n']);
    a.run(&["read", file, "--notices", "notices"]);
    check("notices", &fs::read(a.path("notices")).unwrap(), &['\n']);
}

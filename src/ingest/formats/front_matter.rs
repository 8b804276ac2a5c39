//! Front matter of Markdown: `key: value` between lines `---` (YAML), or `key = value` between lines `+++` (TOML).
//!
//! Of YAML only what people write there is read, line by line: a title such as `Rain: a forecast`, which no YAML parser
//! accepts, is no reason to lose the date below it.

/// The keys and values at the top level of the front matter, and the text below it.
pub(super) fn split(text: &str) -> (Vec<(String, String)>, &str) {
    let text = text.trim_start_matches('\u{feff}');
    for (fence, read) in [("---", read_yaml as fn(&str) -> _), ("+++", read_toml as fn(&str) -> _)] {
        let Some(after) = text.strip_prefix(fence) else { continue };
        let Some(inside) = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')) else { continue };
        let mut at = 0;
        for line in inside.split_inclusive('\n') {
            if line.trim_end() == fence {
                return (read(&inside[..at]), &inside[at + line.len()..]);
            }
            at += line.len();
        }
    }
    // Without a closing line it is no front matter.
    (Vec::new(), text)
}

fn read_toml(text: &str) -> Vec<(String, String)> {
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return read_lines(text, '=') };
    let scalar = |value: toml::Value| match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Table(_) | toml::Value::Array(_) => None,
        other => Some(other.to_string()),
    };
    table.into_iter().filter_map(|(key, value)| Some((key, scalar(value)?))).collect()
}

fn read_yaml(text: &str) -> Vec<(String, String)> {
    read_lines(text, ':')
}

/// Reads `key: value` lines. A value may go on in the indented lines below it.
fn read_lines(text: &str, separator: char) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_key = line.starts_with(|c: char| c.is_alphanumeric() || "_\"'".contains(c));
        let Some((key, value)) = line.split_once(separator).filter(|_| is_key) else { continue };
        let mut below = Vec::new();
        while let Some(line) = lines.next_if(|line| line.trim().is_empty() || line.starts_with([' ', '\t'])) {
            below.push(line.trim());
        }
        let key = key.trim().trim_matches(['"', '\'']);
        pairs.push((key.to_string(), scalar(value.trim(), &below)));
    }
    pairs
}

/// The text of a value that begins with `first` and goes on in the lines `below`.
fn scalar(first: &str, below: &[&str]) -> String {
    let block = first.strip_prefix(['>', '|']).map(|rest| rest.split('#').next().unwrap_or_default().trim());
    if block.is_some_and(|rest| rest.chars().all(|c| "+-".contains(c) || c.is_ascii_digit())) {
        return if first.starts_with('|') { below.join("\n").trim().to_string() } else { fold(below) };
    }
    let lines: Vec<&str> = std::iter::once(first).chain(below.iter().copied()).collect();
    let whole = fold(&lines);
    for quote in ['"', '\''] {
        if let Some(inside) =
            whole.strip_prefix(quote).and_then(|rest| rest.rsplit_once(quote)).map(|(i, _)| i)
        {
            return match quote {
                '"' => serde_json::from_str(&format!("\"{inside}\"")).unwrap_or_else(|_| inside.to_string()),
                _ => inside.replace("''", "'"),
            };
        }
    }
    if first.is_empty() {
        // A list, or keys of its own.
        return String::new();
    }
    whole.split(" #").next().unwrap_or_default().trim().to_string()
}

/// Lines joined by spaces; an empty one is a line break.
fn fold(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        if line.is_empty() {
            text.push('\n');
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separates_front_matter_from_the_body() {
        let check = |text: &str, pairs: &[(&str, &str)], rest: &str| {
            for text in [text.to_string(), text.replace('\n', "\r\n")] {
                let (found, body) = split(&text);
                let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                assert_eq!((found.as_slice(), &*body.replace('\r', "")), (pairs, rest), "{text:?}");
            }
        };
        check(
            "---\ntitle: \"A: b\"\ndate: 2031-01-02\n---\nbody",
            &[("title", "A: b"), ("date", "2031-01-02")],
            "body",
        );
        check(
            "+++\ntitle = \"A = b\"\ndate = 2031-01-02T03:04:05Z\ndraft = false\n[x]\ny = 1\n+++\nbody",
            &[("date", "2031-01-02T03:04:05Z"), ("draft", "false"), ("title", "A = b")],
            "body",
        );
        check("+++\ntitle = A\ndate = 'x'\n+++\nbody", &[("title", "A"), ("date", "x")], "body");
        check("body", &[], "body");
        check("----\nbody", &[], "----\nbody");
        assert_eq!(split("---\nno end"), (Vec::new(), "---\nno end"));
    }

    #[test]
    fn reads_the_scalars_of_yaml() {
        let check = |matter: &str, expect: &str| {
            let (found, _) = split(&format!("---\n{matter}\nlast: x\n---\n"));
            assert_eq!(found.last(), Some(&("last".to_string(), "x".to_string())), "{matter}");
            assert_eq!(found[0], ("title".to_string(), expect.to_string()), "{matter}");
        };
        check("title: >-\n  Norrin closes\n  eastern quay", "Norrin closes eastern quay");
        check("title: >\n  One\n\n  Two", "One\nTwo");
        check("title: |\n  One\n  two", "One\ntwo");
        check("title: |2- # a comment\n  One", "One");
        check("title: Norrin closes\n  eastern quay", "Norrin closes eastern quay");
        check("title: 'It''s raining'", "It's raining");
        check("title: \"A \\\"b\\\" \\u00e9\"", "A \"b\" é");
        check("title: \"A long\n  title\"", "A long title");
        check("title: Rain: a forecast # draft", "Rain: a forecast");
        check("title: > 40 dead", "> 40 dead");
        check("title:\n  - a\n  - b", "");
        check("title: Rain\ntags:\n  - a\n# note", "Rain");
    }
}

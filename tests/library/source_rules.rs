//! Rules on the text of the sources: names, lengths of functions, no options of the command in the library.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Words that names used to have, before they were those of the field; see the glossary in ARCHITECTURE.md.
const RETIRED_WORDS: &[&str] = &[
    "ahead",
    "anew",
    "asked",
    "asking",
    "away",
    "begun",
    "came",
    "carrier",
    "carriers",
    "claims",
    "coming",
    "company",
    "crooked",
    "dial",
    "dials",
    "furniture",
    "heard",
    "hears",
    "honour",
    "honoured",
    "judge",
    "judges",
    "judging",
    "kin",
    "knob",
    "knobs",
    "ledger",
    "lots",
    "oracle",
    "permit",
    "readings",
    "rescued",
    "said",
    "sketch",
    "sketches",
    "sniff",
    "speakers",
    "stranger",
    "strangers",
    "stray",
    "strays",
    "timeless",
    "told",
    "unheard",
    "untold",
    "utmost",
    "wish",
    "witness",
    "witnesses",
    "worded",
];

/// Longer functions, and functions with more parameters, are split. Kernels are exempt.
const MAX_FUNCTION_LINES: usize = 80;
const MAX_PARAMETERS: usize = 6;

/// A source file without its comments and the contents of its strings, and those strings with their lines.
struct Source {
    path: PathBuf,
    code: String,
    strings: Vec<(usize, String)>,
}

/// The languages that the sources are written in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    JavaScript,
}

impl Source {
    fn read(path: &Path) -> Option<Source> {
        let language = match path.extension()?.to_str()? {
            "rs" => Language::Rust,
            "js" | "mjs" => Language::JavaScript,
            _ => return None,
        };
        let (code, strings) = mask(&fs::read_to_string(path).unwrap(), language);
        Some(Source { path: path.into(), code, strings })
    }

    /// As [`Source::read`], without the tests in the file.
    fn without_tests(mut self) -> Source {
        if let Some(end) = self.code.find("#[cfg(test)]\nmod tests {") {
            self.code.truncate(end);
            let lines = self.code.lines().count();
            self.strings.retain(|(line, _)| *line <= lines);
        }
        self
    }
}

/// All sources below `folder` of the repository, in the order of their paths.
fn sources(folder: &str) -> Vec<Source> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files.iter().filter_map(|path| Source::read(path)).collect()
}

/// `text` with comments and the contents of strings replaced by spaces, so that lines stay where they are; and the strings.
fn mask(text: &str, language: Language) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut strings) = (String::with_capacity(text.len()), Vec::new());
    let (mut at, mut line, mut before) = (0, 1, None);
    while at < chars.len() {
        let rest = &chars[at..];
        let (length, content) = literal(rest, before, language);
        let length = length.max(comment(rest, language));
        if let Some(content) = content {
            strings.push((line, content));
        }
        for c in &rest[..length.max(1)] {
            line += usize::from(*c == '\n');
            code.push(if length == 0 || *c == '\n' { *c } else { ' ' });
        }
        if length == 0 && !rest[0].is_whitespace() {
            before = Some(rest[0]);
        }
        at += length.max(1);
    }
    (code, strings)
}

/// The length of the comment that `rest` begins with; 0 if there is none.
fn comment(rest: &[char], language: Language) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => {
            let (mut at, mut depth) = (2, 1);
            while depth > 0 && at < rest.len() {
                match rest[at..] {
                    ['/', '*', ..] if language == Language::Rust => (at, depth) = (at + 2, depth + 1),
                    ['*', '/', ..] => (at, depth) = (at + 2, depth - 1),
                    _ => at += 1,
                }
            }
            at
        }
        _ => 0,
    }
}

/// The length of the string, character or pattern that `rest` begins with, and the content of a string; `before` is the
/// last character of the code so far.
fn literal(rest: &[char], before: Option<char>, language: Language) -> (usize, Option<String>) {
    let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match (rest, language) {
        (['r', '"' | '#', ..], Language::Rust) if !in_name => raw_string(rest),
        (['"', ..], _) | (['\'' | '`', ..], Language::JavaScript) => quoted(rest),
        (['\'', '\\', ..], Language::Rust) => (quoted(rest).0, None),
        (['\'', _, '\'', ..], Language::Rust) => (3, None),
        (['/', next, ..], Language::JavaScript)
            if !"/*".contains(*next) && before.is_none_or(|c| "(,=:[!&|?{};>".contains(c)) =>
        {
            (quoted(rest).0, None)
        }
        _ => (0, None),
    }
}

fn quoted(rest: &[char]) -> (usize, Option<String>) {
    let mut at = 1;
    while at < rest.len() && rest[at] != rest[0] {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    let end = at.min(rest.len());
    ((at + 1).min(rest.len()), Some(rest[1..end].iter().collect()))
}

fn raw_string(rest: &[char]) -> (usize, Option<String>) {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return (0, None);
    }
    let begin = hashes + 2;
    let is_end = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    let end = (begin..rest.len()).find(is_end).unwrap_or(rest.len());
    ((end + 1 + hashes).min(rest.len()), Some(rest[begin..end].iter().collect()))
}

/// The identifiers of `code`, each with its line.
fn identifiers(code: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(code.lines()).flat_map(|(number, line)| {
        let names = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        names
            .filter(|n| n.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            .map(move |name| (number, name))
    })
}

/// The words of a name in snake or camel case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c == '_' || words.is_empty() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A function of a source file.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
    /// `self` apart.
    parameters: usize,
}

/// The functions of `code` that have a body.
fn functions(code: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let after = &code[at + "fn ".len()..];
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let rest = &after[name.len()..];
        if name.is_empty() {
            continue;
        }
        let Some((parameters, body)) = signature(rest) else { continue };
        let Some(end) = closing(&rest[body..]) else { continue };
        let text = &code[at..at + "fn ".len() + name.len() + body + end];
        let (line, lines) = (1 + code[..at].matches('\n').count(), 1 + text.matches('\n').count());
        functions.push(Function { name, line, lines, parameters });
    }
    functions
}

/// The number of parameters, and the place of the brace that opens the body; none for a function without one.
fn signature(rest: &str) -> Option<(usize, usize)> {
    let (mut depth, mut angles, mut before) = (0i32, 0i32, ' ');
    let mut list: Option<String> = None;
    let mut is_done = false;
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            '{' if depth > 0 => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '<' => angles += 1,
            '>' if before != '-' && before != '=' => angles -= 1,
            '{' if depth == 0 => return Some((count(&list.unwrap_or_default()), at)),
            ';' if depth == 0 => return None,
            _ => {}
        }
        before = c;
        if c == '(' && depth == 1 && angles == 0 && list.is_none() {
            list = Some(String::new());
        } else if let Some(list) = list.as_mut().filter(|_| !is_done) {
            is_done = depth == 0;
            // Commas inside of brackets part no parameters.
            list.push(if c == ',' && (depth > 1 || angles > 0) { ' ' } else { c });
        }
    }
    None
}

fn count(list: &str) -> usize {
    let parameters = list.trim_end_matches(')').split(',').map(str::trim).filter(|p| !p.is_empty());
    parameters
        .filter(|p| {
            p.trim_start_matches(['&', ' ']).trim_start_matches("mut ") != "self" && !p.ends_with(" self")
        })
        .count()
}

/// The place behind the brace that closes the one that `code` begins with.
fn closing(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Whether a message names an option or a command of `samestory`.
fn names_an_option(message: &str) -> bool {
    let is_option = |word: &str| {
        word.trim_matches(['`', '(', '"', '\''])
            .strip_prefix("--")
            .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    message.split(char::is_whitespace).any(is_option)
        || message.contains("samestory model ")
        || message.contains("samestory index ")
}

#[test]
fn mask_removes_comments_and_strings() {
    let check = |text: &str, language, code: &str, strings: &[(usize, &str)]| {
        let (masked, found) = mask(text, language);
        let found: Vec<_> = found.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(
            (masked.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), &found[..]),
            (code, strings),
            "{text}"
        );
    };
    check("a // b\nc", Language::Rust, "a c", &[]);
    check("a /* b /* c */ d */ e", Language::Rust, "a e", &[]);
    check("f(\"x\\\"y\",\n\"z\")", Language::Rust, "f( , )", &[(1, "x\\\"y"), (2, "z")]);
    check("r#\"a\"b\"# x", Language::Rust, "x", &[(1, "a\"b")]);
    check("fn f<'a>(c: char) { c == '\"' }", Language::Rust, "fn f<'a>(c: char) { c == }", &[]);
    check("x = /[\"']/ + 'a' + `b`", Language::JavaScript, "x = + +", &[(1, "a"), (1, "b")]);
}

#[test]
fn words_splits_snake_and_camel_case() {
    let check = |name: &str, expect: &[&str]| assert_eq!(words(name), expect, "{name}");
    check("distinct_passage", &["distinct", "passage"]);
    check("MustLinkSet", &["must", "link", "set"]);
    check("_unused", &["unused"]);
    check("MAX_LINES", &["max", "lines"]);
}

#[test]
fn functions_counts_lines_and_parameters() {
    let check = |code: &str, expect: &[(&str, usize, usize)]| {
        let found = functions(code);
        let found: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.lines, f.parameters)).collect();
        assert_eq!(found, expect, "{code}");
    };
    check("fn a() {}", &[("a", 1, 0)]);
    check("pub fn a(&mut self, x: [u8; 3], y: Map<u8, u8>,) -> u8 {\n}", &[("a", 2, 2)]);
    check("fn a<F: Fn(u8, u8) -> bool>(f: F) where F: Send {\n{\n}\n}", &[("a", 4, 1)]);
    check("fn a(S { x, y }: S) {}", &[("a", 1, 1)]);
    check("fn a(x: u8);", &[]);
    check("let f: fn (u8) = g;", &[]);
}

#[test]
fn names_are_terms_of_the_field() {
    let mut found = Vec::new();
    for source in ["src", "crates"].into_iter().flat_map(sources) {
        let file = source.path.file_stem().unwrap().to_string_lossy().into_owned();
        let names = identifiers(&source.code).chain([(0, file.as_str())]);
        for (line, name) in
            names.filter(|(_, name)| words(name).iter().any(|w| RETIRED_WORDS.contains(&w.as_str())))
        {
            found.push(format!("{}:{line}: {name}", source.path.display()));
        }
    }
    assert!(found.is_empty(), "{} names have retired words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn functions_are_short_and_take_few_parameters() {
    let mut found = Vec::new();
    for source in ["src", "crates/cli/src"]
        .into_iter()
        .flat_map(sources)
        .filter(|s| s.path.extension().is_some_and(|e| e == "rs"))
    {
        let source = source.without_tests();
        for f in functions(&source.code) {
            if f.lines > MAX_FUNCTION_LINES || f.parameters > MAX_PARAMETERS {
                found.push(format!(
                    "{}:{}: {} has {} lines and {} parameters",
                    source.path.display(),
                    f.line,
                    f.name,
                    f.lines,
                    f.parameters
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn library_messages_name_no_option_of_the_command() {
    let mut found = Vec::new();
    for source in sources("src").into_iter().filter(|s| s.path.extension().is_some_and(|e| e == "rs")) {
        let source = source.without_tests();
        for (line, message) in source.strings.iter().filter(|(_, message)| names_an_option(message)) {
            found.push(format!("{}:{line}: {message:?}", source.path.display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

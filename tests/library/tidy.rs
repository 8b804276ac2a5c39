//! The rules of the tree that no compiler checks: import order, first lines, file sizes.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The layers, lowest first; a module may use its own layer's lower neighbours and itself.
const LAYERS: [&[&str]; 19] = [
    &["error", "hex", "panics", "progress", "random", "union_find", "word_lists"],
    &["story", "vector", "words"],
    &["device"],
    &["model", "corpus"],
    &["boilerplate"],
    &["ingest"],
    &["store", "embed"],
    &["search"],
    &["embedder"],
    &["compare"],
    &["group"],
    &["archive"],
    &["link"],
    &["bench"],
    &["report"],
    &["dedup"],
    &["linker"],
    &["lookup"],
    &["worker"],
];

const MAX_LINES: usize = 600;

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => files.push(path),
            false => {}
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The top-level module that a file under `src` belongs to.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

/// The modules that `text` names after `crate::`, inside braces too.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            found.extend(first_name(rest));
            continue;
        };
        let (mut depth, mut start) = (0usize, 0);
        for (i, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                ',' if depth == 0 => {
                    found.extend(first_name(inside[start..i].trim()));
                    start = i + 1;
                }
                '}' if depth == 0 => {
                    found.extend(first_name(inside[start..i].trim()));
                    break;
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    found
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn imports_reads_paths_and_braces() {
    let check = |text: &str, expect: &[&str]| assert_eq!(imports(text), expect, "{text}");
    check("use crate::story::Story;", &["story"]);
    check("use crate::{Error, story::{Story, Row}, vector::Matrix};", &["Error", "story", "vector"]);
    check("crate::group::Groups, crate::x", &["group", "x"]);
}

#[test]
fn modules_import_only_what_is_below_them() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let own = module(&path);
        let Some(own_layer) = layer(&own) else { continue };
        for name in imports(&fs::read_to_string(&path).unwrap()) {
            match layer(&name) {
                Some(other) if name != own && other >= own_layer => {
                    wrong.push(format!("{}: {own} may not use {name}", path.display()));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_layer() {
    for path in sources(&root().join("src")) {
        let own = module(&path);
        assert!(["lib"].contains(&&*own) || layer(&own).is_some(), "{own} is in no layer");
    }
}

#[test]
fn files_begin_with_a_line_on_their_content() {
    for dir in ["src", "tests", "benches", "crates", "models"] {
        for path in sources(&root().join(dir)) {
            let text = fs::read_to_string(&path).unwrap();
            let first = text.lines().next().unwrap_or_default();
            assert!(
                first.starts_with("//! ") && first.ends_with('.') || first.ends_with(':'),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn files_stay_short() {
    for path in ["src", "crates"].into_iter().flat_map(|dir| sources(&root().join(dir))) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines: split it", path.display());
    }
}

#[test]
fn the_library_does_not_read_the_environment() {
    for path in sources(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        // Tests may be told where models lie.
        if path.ends_with("embed/golden.rs") {
            continue;
        }
        let reads = ["std::env::", "env::var", "temp_dir()"].iter().any(|s| text.contains(s));
        assert!(!reads, "{} reads the environment", path.display());
    }
}

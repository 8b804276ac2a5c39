//! Documents name files that exist, and every threshold with its default.

use std::{
    fs,
    path::{Path, PathBuf},
};

use samestory::compare::Thresholds;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Markdown files of the repository, with their texts.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = ["", "docs", "benches/runs", "scripts/spark", "fuzz"].map(|folder| root().join(folder));
    let runs =
        fs::read_dir(root().join("benches/runs")).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir());
    let mut files: Vec<PathBuf> = folders
        .into_iter()
        .chain(runs)
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// What stands between `open` and `close` in `text`, without line ends.
fn between<'a>(text: &'a str, open: &str, close: char) -> Vec<&'a str> {
    let parts = text.split(open).skip(1);
    parts
        .filter_map(|part| part.split_once(close))
        .map(|(inside, _)| inside)
        .filter(|s| !s.contains('\n'))
        .collect()
}

/// The anchor that a heading has on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for link in between(&text, "](", ')').into_iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let found = match (target.is_file() || target.is_dir(), heading) {
                (exists, "") => exists,
                (true, heading) => fs::read_to_string(&target).is_ok_and(|text| {
                    text.lines().any(|l| l.starts_with('#') && anchor(l.trim_start_matches('#')) == heading)
                }),
                (false, _) => false,
            };
            if !found {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_in_documents_exist() {
    const FOLDERS: [&str; 7] = ["src/", "crates/", "tests/", "scripts/", "benches/", "docs/", "models/"];
    let mut wrong = Vec::new();
    for file in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(PathBuf::from).into_iter().chain(
        documents()
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| path.parent().is_some_and(|p| p.ends_with("docs"))),
    ) {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for name in between(&text, "`", '`') {
            let path = name.split(' ').next().unwrap_or_default();
            let is_path =
                FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.contains(['*', '…', '<']);
            let is_example = path.contains("NAME") || path.contains("DATE");
            if is_path && !is_example && !root().join(path).exists() {
                wrong.push(format!("{}: {path}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn judgement_lists_every_threshold_with_its_default() {
    let text = fs::read_to_string(root().join("docs/judgement.md")).unwrap();
    let defaults = toml::Table::try_from(Thresholds::default()).unwrap();
    for (name, value) in &defaults {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let shown = row
            .and_then(|row| row.split('|').nth(2))
            .map(str::trim)
            .unwrap_or_else(|| panic!("{name} is missing"));
        let shown: toml::Value = toml::from_str::<toml::Table>(&format!("x = {shown}")).unwrap()["x"].clone();
        assert!(same(&shown, value), "{name}: {shown} and {value}");
    }
    let listed = text.lines().filter(|l| l.starts_with("| `")).filter_map(|l| l.split('`').nth(1));
    let is_number = |name: &str| {
        text.lines().any(|l| {
            l.starts_with(&format!("| `{name}` | "))
                && l.split('|').nth(2).is_some_and(|v| v.trim().parse::<f64>().is_ok())
        })
    };
    let unknown: Vec<&str> = listed.filter(|name| is_number(name) && !defaults.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "no such threshold: {unknown:?}");
}

#[test]
fn formats_lists_every_recognised_field_name() {
    let names = fs::read_to_string(root().join("src/ingest/data/fields.toml")).unwrap();
    let names: toml::Table = toml::from_str(&names).unwrap();
    let text = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    for (field, known) in &names {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{field}` |"))).unwrap_or_default();
        let listed: Vec<&str> = row.split('`').skip(3).step_by(2).collect();
        let known: Vec<&str> = known.as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
        assert_eq!(listed, known, "{field}");
    }
}

/// Whether two values are equal, but for the digits that f32 does not have.
fn same(x: &toml::Value, y: &toml::Value) -> bool {
    let number = |v: &toml::Value| v.as_float().or(v.as_integer().map(|n| n as f64));
    match (x.as_array(), y.as_array()) {
        (Some(x), Some(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        _ => number(x).zip(number(y)).is_some_and(|(x, y)| (x - y).abs() < 1e-6),
    }
}

#[test]
fn files_of_the_repository_are_not_named_by_absolute_paths() {
    for (path, text) in documents() {
        assert!(!text.contains("/home/") && !text.contains("/root/"), "{}", path.display());
    }
}

#[test]
fn readme_is_short() {
    let lines =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap().lines().count();
    assert!(lines <= 120, "README.md has {lines} lines");
}

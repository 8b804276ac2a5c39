//! Console sessions in files: `tests/samples/*.trycmd`, README.md and `docs/*.md`.
//!
//! The commands of a document run one after the other in a folder of its own, which has `tests` of the repository and
//! `my.jsonl`, a copy of `tests/data/wire/wire.jsonl`. `TRYCMD=overwrite cargo test --test cli samples`
//! writes what the program prints into the files.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::support::repository;

#[test]
fn sessions_show_what_the_program_prints() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/*.trycmd");
    // No other test depends on the folder that it runs in.
    env::set_current_dir(repository()).unwrap();
    trycmd::TestCases::new().case(samples).run();
    for document in documents() {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(repository().join("tests/data/wire/wire.jsonl"), folder.path().join("my.jsonl")).unwrap();
        link_tests(folder.path());
        env::set_current_dir(folder.path()).unwrap();
        trycmd::TestCases::new().case(document).run();
    }
    env::set_current_dir(repository()).unwrap();
}

fn documents() -> Vec<PathBuf> {
    let docs = repository().join("docs");
    let entries = fs::read_dir(&docs).unwrap().map(|entry| entry.unwrap().path());
    let mut documents: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    documents.sort();
    documents.insert(0, repository().join("README.md"));
    documents
}

#[cfg(unix)]
fn link_tests(folder: &Path) {
    std::os::unix::fs::symlink(repository().join("tests"), folder.join("tests")).unwrap();
}

#[cfg(not(unix))]
fn link_tests(folder: &Path) {
    let from = repository().join("tests/data/wire");
    let to = folder.join("tests/data/wire");
    copy(&from, &to);
}

#[cfg(not(unix))]
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

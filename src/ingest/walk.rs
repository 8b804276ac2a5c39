//! The files below a path, sorted, with symbolic links followed. What is not read is counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ignore::WalkBuilder;

use super::{
    Format, IngestOptions, Input, NoticeKind, decode,
    formats::{arrow, sqlite},
    packing::{is_archive_name, is_compressed},
    sink::StorySink,
};
use crate::{Error, Result};

/// Bytes at the beginning of a file of unknown extension from which its format is detected.
const HEAD: u64 = 512;

/// The files to read for `path`: itself, or the files of a known format below it, sorted by path. Files that `sink` has
/// registered before are left out, with a notice.
///
/// # Errors
/// [`Error::Io`] if `path` does not exist.
pub(super) fn files(path: &Path, options: &IngestOptions, sink: &mut StorySink) -> Result<Vec<PathBuf>> {
    let mut found = find(path, options, sink)?;
    found.retain(|file| sink.register(file));
    Ok(found)
}

fn find(path: &Path, options: &IngestOptions, sink: &mut StorySink) -> Result<Vec<PathBuf>> {
    if sqlite::split_table(path).is_some() {
        return Ok(vec![path.into()]);
    }
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if !meta.is_dir() {
        return Ok(vec![path.into()]);
    }
    let hidden = Arc::new(Mutex::new(Hidden::default()));
    let mut found = Vec::new();
    let mut failed = Vec::new();
    // Files of unknown formats, by extension.
    let mut unread: BTreeMap<String, u64> = BTreeMap::new();
    for entry in walk(path, options.respect_ignore, options.hidden, &hidden) {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) => {
                let file = entry.into_path();
                if options.format.is_some() || Format::from_path(&file).is_some() || is_archive_name(&file) {
                    found.push(file);
                } else {
                    failed.extend(
                        looks_readable(&file).map(|format| (file.clone(), NoticeKind::NotRead(format))),
                    );
                    *unread.entry(extension(&file)).or_default() += 1;
                }
            }
            Ok(_) => {}
            Err(error) => failed.push((path_of(&error, path), notice_kind(&error))),
        }
    }
    collapse_datasets(path, &mut found);
    let hidden = std::mem::take(&mut *hidden.lock().unwrap_or_else(PoisonError::into_inner));
    failed.extend(hidden.files.into_iter().filter_map(|file| {
        let format = Format::from_path(&file).filter(|_| is_text(&file))?;
        Some((file, NoticeKind::Hidden(format)))
    }));
    found.sort();
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in failed {
        sink.notice_at(&path, 0, kind);
    }
    let hidden = hidden.count;
    let ignored =
        if options.respect_ignore { count_ignored(path, options.hidden, &found, &unread) } else { 0 };
    if hidden + ignored > 0 || !unread.is_empty() {
        sink.notice_at(path, 0, NoticeKind::UnreadFiles { by_extension: unread, hidden, ignored });
    }
    Ok(found)
}

/// Puts a saved data set in the place of its files, and removes the list of the data sets beside it.
fn collapse_datasets(root: &Path, found: &mut Vec<PathBuf>) {
    let states = found.iter().filter(|file| file.file_name().is_some_and(|name| name == "state.json"));
    let folders: BTreeSet<PathBuf> = states
        .filter_map(|file| file.parent())
        .filter(|folder| arrow::is_dataset(folder))
        .map(PathBuf::from)
        .collect();
    if folders.is_empty() {
        return;
    }
    let is_inside = |file: &Path| {
        let list = file.file_name().is_some_and(|name| name == "dataset_dict.json");
        let folder = file.parent().unwrap_or(root);
        folders.contains(folder) || (list && folders.iter().any(|set| set.parent() == Some(folder)))
    };
    found.retain(|file| !is_inside(file));
    found.extend(folders);
}

/// The hidden files and folders that a walk leaves out.
#[derive(Default)]
struct Hidden {
    count: u64,
    /// The files among them that are named like stories.
    files: Vec<PathBuf>,
}

/// The entries below `path`. Hidden ones are left out unless `with_hidden`, and put into `hidden`.
fn walk(path: &Path, respect_ignore: bool, with_hidden: bool, hidden: &Arc<Mutex<Hidden>>) -> ignore::Walk {
    let hidden = Arc::clone(hidden);
    WalkBuilder::new(path)
        .standard_filters(respect_ignore)
        .hidden(false)
        .follow_links(true)
        .require_git(false)
        .filter_entry(move |entry| {
            let is_hidden =
                entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".") && !with_hidden;
            if is_hidden {
                let mut hidden = hidden.lock().unwrap_or_else(PoisonError::into_inner);
                hidden.count += 1;
                let is_file = entry.file_type().is_some_and(|t| t.is_file());
                if is_file && Format::from_path(entry.path()).is_some() {
                    hidden.files.push(entry.path().into());
                }
            }
            !is_hidden
        })
        .build()
}

/// How many files below `path` the ignore files exclude.
fn count_ignored(path: &Path, with_hidden: bool, found: &[PathBuf], unread: &BTreeMap<String, u64>) -> u64 {
    let all = walk(path, false, with_hidden, &Arc::default());
    let files = all.flatten().filter(|entry| entry.file_type().is_some_and(|t| t.is_file())).count() as u64;
    files.saturating_sub(found.len() as u64 + unread.values().sum::<u64>())
}

/// The format that the first bytes of a file are of, if they are of one that is not plain text.
fn looks_readable(path: &Path) -> Option<Format> {
    story_format(&head(path)?)
}

/// Whether the first bytes of a file may be those of stories. What Macs leave beside files (`._a.jsonl`) is binary.
fn is_text(path: &Path) -> bool {
    head(path).is_some_and(|head| {
        !head.is_empty() && (!decode::is_binary(&head) || is_compressed(&head) || head.starts_with(b"PAR1"))
    })
}

fn head(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    fs::File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    Some(head)
}

/// The format that first bytes are of, if they are of one that is not plain text.
pub(super) fn story_format(head: &[u8]) -> Option<Format> {
    Some(Format::detect(head)).filter(|format| *format != Format::Text)
}

/// The extension of a file with its dot, in lower case; "without extension" if it has none.
pub(super) fn extension(path: &Path) -> String {
    let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy().to_lowercase()));
    extension.unwrap_or_else(|| "without extension".into())
}

/// The size of all inputs in bytes; `None` if one is a folder or a stream.
pub(super) fn total_bytes(inputs: &[Input]) -> Option<u64> {
    let mut total = 0;
    for input in inputs {
        match input {
            Input::Path(path) => total += fs::metadata(path).ok().filter(|m| m.is_file())?.len(),
            Input::Stdin(_) => return None,
        }
    }
    Some(total)
}

fn path_of(error: &ignore::Error, root: &Path) -> PathBuf {
    match error {
        ignore::Error::WithPath { path, .. } => path.clone(),
        ignore::Error::Loop { child, .. } => child.clone(),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err, root)
        }
        _ => root.into(),
    }
}

fn notice_kind(error: &ignore::Error) -> NoticeKind {
    match error {
        ignore::Error::Loop { .. } => NoticeKind::LinkLoop,
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => notice_kind(err),
        ignore::Error::Io(e) => NoticeKind::Unreadable(e.kind().to_string()),
        other => NoticeKind::Unreadable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ingest::read, progress::NoProgress};

    #[test]
    fn counts_the_files_that_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let story = "{\"title\": \"Rain\", \"text\": \"It rained.\"}";
        write("news/a.jsonl", story);
        write("news/b.jl", story);
        write("news/c.dat", story);
        write("news/d.jpg", "x");
        write("news/e.jpg", "x");
        write("news/.hidden.jsonl", story);
        write("news/._a.jsonl", "\0\x05\x16\x07");
        write("news/.config", "x");
        write(".gitignore", "*.jsonl\n");
        let [hidden, other] = [
            "hidden, and named like JSON lines; not read",
            "looks like JSON lines, but has another extension; not read",
        ];
        let check = |options: &IngestOptions, stories: usize, expect_notices: &[&str], expect: &str| {
            let input = Input::Path(folder.path().join("news"));
            let outcome = read(vec![input], options, &NoProgress).unwrap();
            assert_eq!(outcome.stories.len(), stories);
            let notices: Vec<_> = outcome.notices.iter().map(|notice| notice.kind.to_string()).collect();
            assert_eq!(notices, expect_notices);
            assert_eq!(outcome.information[0].kind.to_string(), expect);
        };
        let options = IngestOptions::default();
        check(&options, 2, &[hidden, other], "not read: 1 .dat, 2 .jpg, 3 hidden");
        let options = IngestOptions { respect_ignore: true, ..IngestOptions::default() };
        check(&options, 1, &[other], "not read: 1 .dat, 2 .jpg, 1 hidden, 1 excluded by ignore files");
    }

    #[cfg(unix)]
    #[test]
    fn reads_files_whose_names_are_not_utf_8() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let folder = tempfile::tempdir().unwrap();
        for name in [&b"caf\xe9.jsonl"[..], b"caf\xe8.jsonl", b"caf\xe9.txt"] {
            let text = "{\"title\": \"Rain\", \"text\": \"It rained.\"}\n";
            fs::write(folder.path().join(OsStr::from_bytes(name)), text).unwrap();
        }
        let outcome =
            read(vec![Input::Path(folder.path().into())], &IngestOptions::default(), &NoProgress).unwrap();
        assert_eq!((outcome.stories.len(), outcome.files), (3, 3), "{:?}", outcome.notices);
    }
}

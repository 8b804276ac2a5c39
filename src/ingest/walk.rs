//! The files below a path, sorted, with symbolic links followed and ignore files respected.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;

use super::{Format, IngestOptions, Input, NoticeKind, sink::StorySink};
use crate::{Error, Result};

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
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if !meta.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut found = Vec::new();
    let mut failed = Vec::new();
    let walk = WalkBuilder::new(path).hidden(!options.hidden).follow_links(true).require_git(false).build();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) => {
                let known = options.format.is_some() || Format::from_path(entry.path()).is_some();
                if known {
                    found.push(entry.into_path());
                }
            }
            Ok(_) => {}
            Err(error) => failed.push((path_of(&error, path), notice_kind(&error))),
        }
    }
    found.sort();
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in failed {
        sink.notice_at(&path, 0, kind);
    }
    Ok(found)
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

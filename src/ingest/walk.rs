//! The files below a path, in one order, links and ignore files respected.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;

use super::{Format, Input, NoticeKind, Options, collect::Collector};
use crate::{Error, Result};

/// The files to read for `path`: itself, or the readable ones below it, sorted by path. One that `collector` met before
/// is left out.
pub(super) fn files(path: &Path, options: &Options, collector: &mut Collector) -> Result<Vec<PathBuf>> {
    let mut found = all(path, options, collector)?;
    found.retain(|file| collector.is_new(file));
    Ok(found)
}

fn all(path: &Path, options: &Options, collector: &mut Collector) -> Result<Vec<PathBuf>> {
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
                let known = options.format.is_some() || Format::of(entry.path()).is_some();
                if known {
                    found.push(entry.into_path());
                }
            }
            Ok(_) => {}
            Err(error) => failed.push((place(&error, path), kind(&error))),
        }
    }
    found.sort();
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in failed {
        collector.notice(&path, 0, kind);
    }
    Ok(found)
}

/// Bytes of all files, where every input can be sized beforehand.
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

fn place(error: &ignore::Error, root: &Path) -> PathBuf {
    match error {
        ignore::Error::WithPath { path, .. } => path.clone(),
        ignore::Error::Loop { child, .. } => child.clone(),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => place(err, root),
        _ => root.into(),
    }
}

fn kind(error: &ignore::Error) -> NoticeKind {
    match error {
        ignore::Error::Loop { .. } => NoticeKind::Loop,
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => kind(err),
        ignore::Error::Io(e) => NoticeKind::Unreadable(e.kind().to_string()),
        other => NoticeKind::Unreadable(other.to_string()),
    }
}

//! Folders that `save_to_disk` of Hugging Face's library `datasets` has written.
//!
//! They hold `dataset_info.json`, `state.json`, and the records in `data-00000-of-00001.arrow` and following files.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::read_rows;
use crate::{
    Result,
    ingest::{NoticeKind, sink::StorySink},
    progress::{Progress, Stage},
};

const STATE: &str = "state.json";

/// The largest `state.json` that is read.
const MAX_STATE: u64 = 16 << 20;

/// Whether `folder` is a saved data set.
pub(in crate::ingest) fn is_dataset(folder: &Path) -> bool {
    folder.join(STATE).is_file() && folder.join("dataset_info.json").is_file()
}

/// Reads the records of a saved data set as one input.
pub(in crate::ingest) fn read_dataset(
    folder: &Path,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    let files = match data_files(folder) {
        Ok(files) => files,
        Err(message) => {
            sink.notice(0, NoticeKind::Arrow(message));
            return Ok(());
        }
    };
    let mut record = 0;
    for path in files {
        match File::open(&path) {
            Ok(file) => {
                let bytes = file.metadata().map_or(0, |metadata| metadata.len());
                record = read_rows(&mut BufReader::with_capacity(1 << 16, file), record, sink, progress)?;
                progress.advance(Stage::Ingest, bytes);
            }
            Err(error) => sink.notice_at(&path, 0, NoticeKind::Unreadable(error.kind().to_string())),
        }
    }
    Ok(())
}

/// The files of records that `state.json` names, in its order.
///
/// # Errors
/// A message if it cannot be read, or says that the records are chosen by indices in other files.
fn data_files(folder: &Path) -> std::result::Result<Vec<PathBuf>, String> {
    let path = folder.join(STATE);
    let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let state = fs::read(&path).ok().filter(|_| length <= MAX_STATE);
    let state: Value = state
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or("state.json of the data set cannot be read")?;
    let is_selected = ["_indices_data_files", "_indices_files"]
        .iter()
        .any(|key| state.get(key).and_then(Value::as_array).is_some_and(|files| !files.is_empty()));
    if is_selected {
        return Err("the data set is a selection by indices; save it again after flatten_indices()".into());
    }
    let names = state.get("_data_files").and_then(Value::as_array).into_iter().flatten();
    let names = names.filter_map(|file| file.get("filename").and_then(Value::as_str));
    // A name that leads out of the folder is none that the library writes.
    let files: Vec<PathBuf> =
        names.filter_map(|name| Some(folder.join(Path::new(name).file_name()?))).collect();
    if files.is_empty() { Err("state.json of the data set names no files".into()) } else { Ok(files) }
}

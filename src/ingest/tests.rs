//! What a whole file gives, by its bytes: shared by the tests of the readers.

use super::{IngestOptions, IngestOutcome, Input, read};
use crate::progress::NoProgress;

/// Reads a file with this name and these bytes.
pub(super) fn read_file(name: &str, bytes: impl AsRef<[u8]>, options: &IngestOptions) -> IngestOutcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read(vec![Input::Path(path)], options, &NoProgress).unwrap()
}

/// The titles and texts of the stories of such a file, and its notices without the path.
pub(super) fn stories(name: &str, bytes: impl AsRef<[u8]>) -> (Vec<(String, String)>, Vec<String>) {
    let outcome = read_file(name, bytes, &IngestOptions::default());
    let notices = outcome.notices.iter().map(|n| format!("{}: {}", n.line, n.kind));
    (outcome.stories.iter().map(|s| (s.title.clone(), s.text.clone())).collect(), notices.collect())
}

//! Hugging Face model ids: looked up in the local cache, and downloaded on request only.
//!
//! ```text
//! <cache>/models--org--name/refs/main              the revision, in hex
//! <cache>/models--org--name/snapshots/<revision>/  the files
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// The folder of `id` in the cache: the revision that `refs/main` names.
pub(super) fn cached(id: &str, cache: &Path) -> Result<Option<PathBuf>> {
    check_id(id)?;
    let model = cache.join(format!("models--{}", id.replace('/', "--")));
    let Ok(revision) = fs::read_to_string(model.join("refs/main")) else { return Ok(None) };
    let revision = revision.trim();
    if revision.is_empty() || !revision.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    let folder = model.join("snapshots").join(revision);
    Ok(folder.is_dir().then_some(folder))
}

/// Rejects ids that are not `org/name` or `name`, which could lead out of the cache folder.
fn check_id(id: &str) -> Result<()> {
    let part = |p: &str| {
        !p.is_empty()
            && !p.starts_with('.')
            && p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let valid = match id.split_once('/') {
        Some((org, name)) => part(org) && part(name),
        None => part(id),
    };
    if valid {
        return Ok(());
    }
    Err(Error::ModelName { name: id.into() })
}

/// Downloads the files of `id` at `revision` (or the newest) into `cache`. Returns their folder.
///
/// # Errors
///
/// [`Error::ModelName`] if `id` is not an id, [`Error::Download`] if the download fails.
#[cfg(feature = "hub")]
pub fn fetch(id: &str, revision: Option<&str>, cache: &Path) -> Result<PathBuf> {
    use hf_hub::{Repo, RepoType, api::sync::ApiBuilder};

    check_id(id)?;
    let fail = |file: &str, e: &dyn std::fmt::Display| Error::Download {
        file: PathBuf::from(id).join(file),
        message: e.to_string(),
    };
    let api = ApiBuilder::new()
        .with_cache_dir(cache.into())
        .with_progress(false)
        .build()
        .map_err(|e| fail("", &e))?;
    let repo = Repo::with_revision(id.into(), RepoType::Model, revision.unwrap_or("main").into());
    let repo = api.repo(repo);
    let mut folder = None;
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let path = repo.get(file).map_err(|e| fail(file, &e))?;
        folder = path.parent().map(PathBuf::from);
    }
    for file in ["modules.json", "sentence_bert_config.json", "1_Pooling/config.json"] {
        // Optional: models made without sentence-transformers lack these files, and defaults apply.
        let _ = repo.get(file);
    }
    folder.ok_or_else(|| fail("", &"no file was downloaded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_the_cache() {
        let check = |id: &str, valid: bool| assert_eq!(check_id(id).is_ok(), valid, "{id}");
        check("sentence-transformers/all-MiniLM-L6-v2", true);
        check("bert-base-uncased", true);
        check("../etc/passwd", false);
        check("a/../b", false);
        check("a/b/c", false);
        check("", false);
        check("a/", false);
    }

    #[test]
    fn finds_the_snapshot_of_the_main_revision() {
        let cache = tempfile::tempdir().unwrap();
        assert_eq!(cached("org/name", cache.path()).unwrap(), None);
        let model = cache.path().join("models--org--name");
        fs::create_dir_all(model.join("refs")).unwrap();
        fs::write(model.join("refs/main"), "abc123\n").unwrap();
        assert_eq!(cached("org/name", cache.path()).unwrap(), None);
        fs::create_dir_all(model.join("snapshots/abc123")).unwrap();
        assert_eq!(cached("org/name", cache.path()).unwrap(), Some(model.join("snapshots/abc123")));
    }
}

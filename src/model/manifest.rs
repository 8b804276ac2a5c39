//! `model.toml`: the origin of a model, its pooling, and the checksums of its files.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Pooling,
    folder::{CONFIG, TOKENIZER, WEIGHTS},
};
use crate::{Error, Result};

/// The fields of `model.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ModelManifest {
    /// The name in reports.
    pub name: String,
    /// SPDX identifier.
    pub licence: String,
    /// The origin of the source files.
    pub origin: String,
    /// The revision at the origin, or "unknown".
    pub revision: String,
    /// How token vectors are pooled.
    pub pooling: Pooling,
    /// Whether vectors are scaled to unit length.
    pub normalize: bool,
    /// The longest window, in tokens with `[CLS]` and `[SEP]`.
    pub max_tokens: usize,
    /// The prefix that the model expects before each text.
    #[serde(default)]
    pub prefix: String,
    /// SHA-256 of the source files, in hex, by name.
    #[serde(default)]
    pub source: BTreeMap<String, String>,
    /// SHA-256 of the files in the folder, in hex, by name.
    pub files: BTreeMap<String, String>,
}

impl ModelManifest {
    /// Parses `model.toml`; errors name `file`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if it is not a `model.toml`, or lacks the checksum of a required file.
    pub fn from_toml(file: &str, text: &str) -> Result<Self> {
        let reject = |found: String| Error::Model {
            file: file.into(),
            expected: "a model.toml as scripts/import-model writes it".into(),
            found,
        };
        let manifest: ModelManifest = toml::from_str(text).map_err(|e| reject(e.message().to_string()))?;
        // The fingerprint of the model is made from these checksums.
        match [CONFIG, TOKENIZER, WEIGHTS].iter().find(|f| !manifest.files.contains_key(**f)) {
            None => Ok(manifest),
            Some(missing) => Err(reject(format!("no checksum of {missing}"))),
        }
    }
}

//! `model.toml`: where a model came from, how it is pooled, and the checksums of its files.

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
    /// The name that reports give.
    pub name: String,
    /// SPDX identifier.
    pub licence: String,
    /// Where the source files came from.
    pub origin: String,
    /// The revision of the origin, or "unknown".
    pub revision: String,
    /// How token vectors are pooled.
    pub pooling: Pooling,
    /// Whether vectors are scaled to unit length.
    pub normalize: bool,
    /// The longest window, in tokens with `[CLS]` and `[SEP]`.
    pub max_tokens: usize,
    /// What the model wants before each text.
    #[serde(default)]
    pub prefix: String,
    /// SHA-256 of the source files, in hex, by name.
    #[serde(default)]
    pub source: BTreeMap<String, String>,
    /// SHA-256 of the files in the folder, in hex, by name.
    pub files: BTreeMap<String, String>,
}

impl ModelManifest {
    /// Reads `model.toml`; `file` is named in errors.
    pub fn from_toml(file: &str, text: &str) -> Result<Self> {
        let refuse = |found: String| Error::Model {
            file: file.into(),
            expected: "a model.toml as scripts/import-model writes it".into(),
            found,
        };
        let manifest: ModelManifest = toml::from_str(text).map_err(|e| refuse(e.message().to_string()))?;
        // What the vectors depend on is known by these sums.
        match [CONFIG, TOKENIZER, WEIGHTS].iter().find(|f| !manifest.files.contains_key(**f)) {
            None => Ok(manifest),
            Some(missing) => Err(refuse(format!("no checksum of {missing} among its files"))),
        }
    }
}

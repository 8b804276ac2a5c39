//! Sentence-embedding models: their files, configuration, weights and tokenizer.

mod config;
mod folder;
mod hub;
mod manifest;
mod tokenizer;
mod weights;
mod wordpiece;

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

pub use crate::device::{Activation, Precision};
pub use config::{BertConfig, Pooling};
#[cfg(feature = "hub")]
pub use hub::fetch;
pub use manifest::ModelManifest;
pub use tokenizer::Tokenizer;
pub use weights::{Tensor, Weights};

use crate::{Error, Result, hex};

/// A sentence-embedding model. Weights are memory-mapped or compiled in, and read when an encoder is built.
pub struct Model {
    /// The name in reports.
    pub name: String,
    /// The encoder's configuration.
    pub config: BertConfig,
    /// How token vectors are combined.
    pub pooling: Pooling,
    /// Whether the model's own pipeline scales vectors to unit length.
    pub normalize: bool,
    /// The longest window, in tokens with `[CLS]` and `[SEP]`.
    pub max_tokens: usize,
    /// Inserted before each text.
    pub prefix: String,
    /// The precision of the linear layers.
    pub precision: Precision,
    /// The tensors, shared with encoders that read them in place.
    pub weights: Arc<Weights>,
    /// Text to token ids.
    pub tokenizer: Tokenizer,
    manifest: Option<ModelManifest>,
    files: Files,
}

/// Where the files of a model are.
enum Files {
    Folder(PathBuf),
    Static(Vec<(&'static str, &'static [u8])>),
}

impl Files {
    fn read(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        match self {
            Files::Folder(folder) => folder::read(folder, name).map(Cow::Owned),
            Files::Static(files) => match files.iter().find(|(n, _)| *n == name) {
                Some((_, bytes)) => Ok(Cow::Borrowed(bytes)),
                None => Err(folder::missing(Path::new(&built_in(name)))),
            },
        }
    }
}

/// The name of a compiled-in file in messages.
fn built_in(file: &str) -> String {
    format!("(built in) {file}")
}

impl Model {
    /// A model whose files are bytes of the program: `files` has `model.toml`, `config.json`, `tokenizer.json` and
    /// `model.safetensors` by their names. The weights are read in place.
    ///
    /// # Errors
    ///
    /// [`Error::ModelMissing`] if one of them is missing, [`Error::Model`] if one is not usable.
    pub fn from_static(files: &[(&'static str, &'static [u8])]) -> Result<Self> {
        let find = |name: &str| {
            let found = files.iter().find(|(n, _)| *n == name).map(|(_, bytes)| *bytes);
            found.ok_or_else(|| folder::missing(Path::new(&built_in(name))))
        };
        let manifest = String::from_utf8_lossy(find("model.toml")?);
        let manifest = ModelManifest::from_toml(&built_in("model.toml"), &manifest)?;
        let (tokens, prefix) = (manifest.max_tokens, manifest.prefix.clone());
        let tokenizer = find(folder::TOKENIZER)?;
        Ok(Model {
            name: manifest.name.clone(),
            config: BertConfig::from_json(&built_in(folder::CONFIG), find(folder::CONFIG)?)?,
            pooling: manifest.pooling,
            normalize: manifest.normalize,
            precision: Precision::Native,
            max_tokens: tokens,
            weights: Arc::new(Weights::from_static(&built_in(folder::WEIGHTS), find(folder::WEIGHTS)?)?),
            tokenizer: Tokenizer::from_json(&built_in(folder::TOKENIZER), tokenizer, tokens, &prefix)?,
            prefix,
            manifest: Some(manifest),
            files: Files::Static(files.to_vec()),
        })
    }

    /// Opens a folder that `scripts/import-model` or sentence-transformers wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::ModelMissing`] if a file is missing, [`Error::Model`] if one is not usable or does not match
    /// the checksums of `model.toml`.
    pub fn open(folder: &Path) -> Result<Self> {
        folder::open(folder)
    }

    /// Opens `spec`: a folder, or a Hugging Face id in the cache at `cache`. Never downloads.
    ///
    /// # Errors
    ///
    /// [`Error::ModelNotFound`] if it is neither, [`Error::ModelName`] if it cannot be an id, and the errors of [`Model::open`].
    pub fn locate(spec: &str, cache: Option<&Path>) -> Result<Self> {
        let path = Path::new(spec);
        if path.is_dir() {
            return Self::open(path);
        }
        let cached = match cache {
            Some(cache) => hub::cached(spec, cache)?,
            None => None,
        };
        let Some(folder) = cached else {
            return Err(Error::ModelNotFound { name: spec.into() });
        };
        let mut model = Self::open(&folder)?;
        model.name = spec.into();
        Ok(model)
    }

    /// Sets the precision of the linear layers.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Model { precision, ..self }
    }

    /// SHA-256, in hex, of everything that vectors depend on: weights, tokenizer, pooling, window, prefix, precision. Models
    /// with the same fingerprint give the same vectors. Without a manifest this hashes the weights.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        match &self.manifest {
            Some(m) => m.files.iter().for_each(|(name, digest)| hash.update(format!("{name}={digest};"))),
            None => {
                hash.update(Sha256::digest(self.weights.file_bytes()));
                for file in ["config.json", "tokenizer.json"] {
                    hash.update(Sha256::digest(self.files.read(file).unwrap_or_default()));
                }
            }
        }
        hash.update(format!("{:?}|{}|{}|{}", self.pooling, self.normalize, self.max_tokens, self.prefix));
        if self.precision != Precision::Native {
            hash.update(format!("|{}", self.precision));
        }
        hex::encode(&hash.finalize())
    }

    /// Compares every file with its checksum in the manifest. Returns the files checked, with their checksums; none if there
    /// is no manifest.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if a file differs, [`Error::Io`] or [`Error::ModelMissing`] if one cannot be read.
    pub fn verify(&self) -> Result<Vec<String>> {
        let Some(manifest) = &self.manifest else { return Ok(Vec::new()) };
        let mut checked = Vec::new();
        for (name, expected) in &manifest.files {
            let data = match name.as_str() {
                folder::WEIGHTS => Cow::Borrowed(self.weights.file_bytes()),
                name => self.files.read(name)?,
            };
            let found = hex::encode(&Sha256::digest(data));
            if found != *expected {
                return Err(Error::Model {
                    file: name.clone(),
                    expected: format!("sha256 {expected}"),
                    found,
                });
            }
            checked.push(format!("{found}  {name}"));
        }
        Ok(checked)
    }
}

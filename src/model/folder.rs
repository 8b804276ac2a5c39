//! Loads a model folder in the format of sentence-transformers.

use std::{fs, path::Path, sync::Arc};

use serde::Deserialize;

use super::{BertConfig, Files, Model, ModelManifest, Pooling, Precision, Tokenizer, Weights};
use crate::{Error, Result};

pub(super) const CONFIG: &str = "config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const WEIGHTS: &str = "model.safetensors";

/// Larger JSON and TOML files are rejected without reading them.
const MAX_JSON: u64 = 64 << 20;

#[derive(Deserialize)]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
}

#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Length {
    max_seq_length: Option<usize>,
}

/// Opens the folder at `path`. A `model.toml` takes precedence over the configuration files of sentence-transformers.
pub(super) fn open(path: &Path) -> Result<Model> {
    let config = BertConfig::from_json(&name(path, CONFIG), &read(path, CONFIG)?)?;
    let manifest = match optional(path, "model.toml")? {
        Some(bytes) => {
            Some(ModelManifest::from_toml(&name(path, "model.toml"), &String::from_utf8_lossy(&bytes))?)
        }
        None => None,
    };
    let (pooling, normalize, max_tokens, prefix) = match &manifest {
        Some(m) => (m.pooling, m.normalize, m.max_tokens, m.prefix.clone()),
        None => (pooling(path)?, normalize(path)?, max_tokens(path, &config)?, String::new()),
    };
    let max_tokens = max_tokens.min(config.max_position_embeddings);
    let tokenizer =
        Tokenizer::from_json(&name(path, TOKENIZER), &read(path, TOKENIZER)?, max_tokens, &prefix)?;
    let weights_path = path.join(WEIGHTS);
    if !weights_path.is_file() {
        return Err(missing(&weights_path));
    }
    let weights = Weights::open(&weights_path)?;
    let folder_name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    let name = manifest.as_ref().map(|m| m.name.clone()).or(folder_name).unwrap_or_else(|| "model".into());
    let model = Model {
        name,
        config,
        pooling,
        normalize,
        precision: Precision::Native,
        max_tokens,
        prefix,
        weights: Arc::new(weights),
        tokenizer,
        manifest,
        files: Files::Folder(path.into()),
    };
    // The fingerprint is made from the checksums of the manifest, so they must be right.
    model.verify()?;
    Ok(model)
}

/// Reads a small file of the folder.
pub(super) fn read(folder: &Path, file: &str) -> Result<Vec<u8>> {
    optional(folder, file)?.ok_or_else(|| missing(&folder.join(file)))
}

fn optional(folder: &Path, file: &str) -> Result<Option<Vec<u8>>> {
    let path = folder.join(file);
    match fs::metadata(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read", path)(e)),
        Ok(meta) if meta.len() > MAX_JSON => {
            return Err(Error::Model {
                file: path.display().to_string(),
                expected: format!("at most {MAX_JSON} bytes"),
                found: format!("{} bytes", meta.len()),
            });
        }
        Ok(_) => {}
    }
    fs::read(&path).map(Some).map_err(Error::io("read", path))
}

pub(super) fn missing(path: &Path) -> Error {
    Error::ModelMissing { path: path.into() }
}

fn pooling(folder: &Path) -> Result<Pooling> {
    let file = "1_Pooling/config.json";
    let Some(bytes) = optional(folder, file)? else { return Ok(Pooling::Mean) };
    let config: PoolingConfig = json(folder, file, &bytes)?;
    match (config.pooling_mode_mean_tokens, config.pooling_mode_cls_token) {
        (true, false) => Ok(Pooling::Mean),
        (false, true) => Ok(Pooling::Cls),
        _ => Err(Error::Model {
            file: name(folder, file),
            expected: "mean or cls pooling, one of them".into(),
            found: "another kind of pooling".into(),
        }),
    }
}

/// Whether `modules.json` contains a normalization; `true` without the file. Vectors are normalized either way, since cosine
/// similarity needs it; the value is part of the fingerprint.
fn normalize(folder: &Path) -> Result<bool> {
    let Some(bytes) = optional(folder, "modules.json")? else { return Ok(true) };
    let modules: Vec<Module> = json(folder, "modules.json", &bytes)?;
    if let Some(other) =
        modules.iter().find(|m| !["Transformer", "Pooling", "Normalize"].iter().any(|k| m.kind.ends_with(k)))
    {
        return Err(Error::Model {
            file: name(folder, "modules.json"),
            expected: "the modules Transformer, Pooling and Normalize".into(),
            found: other.kind.clone(),
        });
    }
    Ok(modules.iter().any(|m| m.kind.ends_with("Normalize")))
}

fn max_tokens(folder: &Path, config: &BertConfig) -> Result<usize> {
    let file = "sentence_bert_config.json";
    let Some(bytes) = optional(folder, file)? else { return Ok(config.max_position_embeddings) };
    let length: Length = json(folder, file, &bytes)?;
    Ok(length.max_seq_length.unwrap_or(config.max_position_embeddings))
}

fn json<T: serde::de::DeserializeOwned>(folder: &Path, file: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::Model {
        file: name(folder, file),
        expected: "the JSON that sentence-transformers writes".into(),
        found: e.to_string(),
    })
}

fn name(folder: &Path, file: &str) -> String {
    folder.join(file).display().to_string()
}

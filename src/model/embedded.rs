//! The model inside the binary: all-MiniLM-L6-v2, Apache-2.0.

/// A folder's files, by name.
pub(super) struct Files {
    pub manifest: &'static str,
    pub config: &'static [u8],
    pub tokenizer: &'static [u8],
    pub weights: &'static [u8],
}

#[cfg(feature = "embedded-model")]
pub(super) const FILES: Option<Files> = Some(Files {
    manifest: include_str!("../../models/all-MiniLM-L6-v2/model.toml"),
    config: include_bytes!("../../models/all-MiniLM-L6-v2/config.json"),
    tokenizer: include_bytes!("../../models/all-MiniLM-L6-v2/tokenizer.json"),
    weights: include_bytes!("../../models/all-MiniLM-L6-v2/model.safetensors"),
});

#[cfg(not(feature = "embedded-model"))]
pub(super) const FILES: Option<Files> = None;

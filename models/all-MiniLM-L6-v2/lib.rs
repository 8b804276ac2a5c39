//! The files of the model all-MiniLM-L6-v2, as bytes of the program that depends on this crate.

/// Each file of the model folder by its name.
///
/// The bytes stand inside a function: as a constant or a static they would be in this crate's metadata a second time.
#[must_use]
pub fn files() -> [(&'static str, &'static [u8]); 5] {
    [
        ("model.toml", include_bytes!("model.toml")),
        ("config.json", include_bytes!("config.json")),
        ("tokenizer.json", include_bytes!("tokenizer.json")),
        ("known.json", include_bytes!("known.json")),
        ("model.safetensors", include_bytes!("model.safetensors")),
    ]
}

//! The files of the sentence-embedding model all-MiniLM-L6-v2, compiled into the program that depends on this crate.

/// The files of the model folder, as names and contents.
///
/// A function, because a constant or static would put the bytes into this crate's metadata a second time.
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

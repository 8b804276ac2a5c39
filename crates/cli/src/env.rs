//! The environment: every variable that is read, in one place.

use std::{
    env,
    ffi::OsString,
    io::{IsTerminal, stdout},
    path::PathBuf,
};

/// A variable that is set to something.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// `SAMESTORY_CPU`: the instruction set to compute with.
pub fn cpu() -> Option<String> {
    variable("SAMESTORY_CPU").map(|value| value.to_string_lossy().into_owned())
}

/// `SAMESTORY_STORE`: the folder of the store.
pub fn store() -> Option<PathBuf> {
    variable("SAMESTORY_STORE").map(PathBuf::from)
}

/// The local Hugging Face cache, where its own tools look for it: `HF_HUB_CACHE`, `HF_HOME`, the home folder.
pub fn hub_cache() -> Option<PathBuf> {
    variable("HF_HUB_CACHE")
        .map(PathBuf::from)
        .or_else(|| variable("HF_HOME").map(|home| PathBuf::from(home).join("hub")))
        .or_else(|| env::home_dir().map(|home| home.join(".cache/huggingface/hub")))
}

/// `VISUAL` or `EDITOR`: the command of the user's editor, and its variable.
pub fn editor() -> Option<String> {
    let set = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
    ["VISUAL", "EDITOR"].iter().find_map(set)
}

/// Whether standard output takes colours: it is a terminal, and `NO_COLOR` is not set (no-color.org).
pub fn takes_colour() -> bool {
    stdout().is_terminal() && variable("NO_COLOR").is_none()
}

//! Word lists that are compiled in: TOML files in a `data` folder beside the code that reads them.
//!
//! A list is parsed once, at its first use, into a static of the module that uses it. That module has a test that parses
//! it, so no release can hold a list that does not parse.

use serde::de::DeserializeOwned;

/// Parses the list `file`, whose content is `text`. Panics if it does not parse, which is a bug in the file.
pub(crate) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|error| panic!("the compiled-in list {file} does not parse: {error}"))
}

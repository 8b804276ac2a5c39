//! The list of boilerplate that people edit, `boilerplate.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, error::FileKind};

/// A list of boilerplate, as `boilerplate.toml` holds it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoilerplateList {
    /// The passages.
    #[serde(default, rename = "passage")]
    pub passages: Vec<BoilerplateEntry>,
}

/// One passage of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoilerplateEntry {
    /// Its normalized text.
    pub text: String,
    /// Whether it is left out of coverage. Set it to false for a passage that only looks like boilerplate.
    #[serde(default = "yes")]
    pub exclude: bool,
    /// How many stories have it.
    #[serde(default)]
    pub stories: u64,
    /// Where it stands in most of them: "head", "foot" or "inside".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// The most frequent publisher of these stories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The ids of some of these stories.
    #[serde(default)]
    pub examples: Vec<String>,
}

fn yes() -> bool {
    true
}

impl BoilerplateList {
    /// A list of passages, each with whether it is boilerplate; without counts and examples.
    pub fn from_flags(passages: impl Iterator<Item = (String, bool)>) -> Self {
        let entry = |(text, exclude)| BoilerplateEntry {
            text,
            exclude,
            stories: 0,
            place: String::new(),
            source: None,
            examples: Vec::new(),
        };
        BoilerplateList { passages: passages.map(entry).collect() }
    }

    /// Parses a list.
    ///
    /// # Errors
    /// [`Error::File`], which names `file`, if `text` is not such a list.
    pub fn from_toml(file: &str, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| Error::File {
            path: file.into(),
            kind: FileKind::Boilerplate,
            message: e.message().into(),
        })
    }

    /// The list as TOML, for [`BoilerplateList::from_toml`].
    ///
    /// # Errors
    /// [`Error::Serialize`] if it cannot be written as TOML, which would be a bug.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self)
            .map_err(|e| Error::Serialize { kind: FileKind::Boilerplate, message: e.to_string() })
    }

    /// Takes the counts and examples of `learned`, and its entries that this list lacks. `exclude` stays as this list
    /// has it.
    pub fn merge(&mut self, learned: BoilerplateList) {
        let mut at: BTreeMap<String, usize> =
            self.passages.iter().enumerate().map(|(i, e)| (e.text.clone(), i)).collect();
        for entry in learned.passages {
            match at.get(&entry.text) {
                Some(&i) => {
                    self.passages[i] = BoilerplateEntry { exclude: self.passages[i].exclude, ..entry }
                }
                None => {
                    at.insert(entry.text.clone(), self.passages.len());
                    self.passages.push(entry);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_list_is_rejected_with_its_file_name() {
        let error = BoilerplateList::from_toml("my.toml", "[[passage]]\nexclude = 3").unwrap_err();
        assert!(error.to_string().contains("my.toml"), "{error}");
    }
}

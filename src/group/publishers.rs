//! The names of publishers, whose spellings differ.

use std::collections::BTreeMap;

use crate::story::Story;

/// The names of publishers: spellings that differ in case or spaces alone are one.
#[derive(Debug, Default)]
pub struct Publishers<'a> {
    shown: BTreeMap<String, &'a str>,
}

impl<'a> Publishers<'a> {
    /// The publishers of `stories`, each in the spelling that most of its stories have; of equally many, the first by name.
    pub fn new(stories: impl Iterator<Item = &'a Story>) -> Self {
        let mut counts: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
        for source in stories.filter_map(|s| s.source.as_deref()) {
            *counts.entry(words(source).join(" ")).or_default().entry(source).or_default() += 1;
        }
        let most = |spellings: BTreeMap<&'a str, usize>| {
            spellings.into_iter().rev().max_by_key(|(_, n)| *n).map(|(name, _)| name)
        };
        let shown = counts.into_iter().filter_map(|(key, spellings)| Some((key, most(spellings)?)));
        Publishers { shown: shown.collect() }
    }

    /// The publisher of a story as it is shown.
    pub fn of(&self, story: &Story) -> Option<&'a str> {
        self.shown.get(&words(story.source.as_deref()?).join(" ")).copied()
    }

    /// All of them, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.shown.values().map(|name| (*name).into()).collect();
        names.sort();
        names
    }
}

/// The words of a name, in lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    name.split_whitespace().map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_publisher() {
        let story = |source: &str| Story { source: Some(source.into()), ..Story::default() };
        let stories = [
            story("AP"),
            story("the daily  post"),
            story("The Daily Post"),
            story("ap"),
            story("The Daily Post"),
            Story::default(),
        ];
        let publishers = Publishers::new(stories.iter());
        assert_eq!(publishers.names(), ["AP", "The Daily Post"]);
        let of: Vec<Option<&str>> = stories.iter().map(|s| publishers.of(s)).collect();
        let post = Some("The Daily Post");
        assert_eq!(of, [Some("AP"), post, post, Some("AP"), post, None]);
    }
}

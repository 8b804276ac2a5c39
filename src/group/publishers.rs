//! The names of publishers, whose spellings differ.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::story::Story;

/// Similar names that are given.
const MAX_SIMILAR: usize = 3;

/// Their share of common pairs of letters, in percent.
const MIN_SIMILARITY: usize = 60;

/// The names of publishers: spellings that differ in case or spaces alone are one.
#[derive(Debug, Default)]
pub struct Publishers<'a> {
    shown: BTreeMap<String, &'a str>,
}

impl<'a> Publishers<'a> {
    /// The publishers of `stories`, each in the spelling that most of its stories have; of equally many, the first by name.
    pub fn new(stories: impl Iterator<Item = &'a Story>) -> Self {
        Self::of_names(stories.filter_map(|s| s.source.as_deref()))
    }

    /// The publishers of `names`, one for each story.
    pub fn of_names(names: impl Iterator<Item = &'a str>) -> Self {
        let mut counts: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
        for source in names {
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

    /// Whether one of them has this name.
    pub fn has(&self, name: &str) -> bool {
        self.shown.contains_key(&words(name).join(" "))
    }

    /// Those of names that share most pairs of letters with `name` (Dice, 1945) or have all of its words, the most similar
    /// first.
    pub fn similar(&self, name: &str) -> Vec<String> {
        let name = words(name).join(" ");
        let of = |text: &str| -> BTreeSet<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
        let pairs = of(&name);
        let similarity = |key: &str| {
            let other = of(key);
            200 * pairs.intersection(&other).count() / (pairs.len() + other.len()).max(1)
        };
        let has_words = |key: &str| name.split(' ').all(|word| key.split(' ').any(|other| other == word));
        let mut similar: Vec<(usize, &str)> = self
            .shown
            .iter()
            .map(|(key, shown)| (key, similarity(key), *shown))
            .filter(|(key, similarity, _)| *similarity >= MIN_SIMILARITY || has_words(key))
            .map(|(_, similarity, shown)| (similarity, shown))
            .collect();
        similar.sort_by_key(|(similarity, shown)| (Reverse(*similarity), *shown));
        similar.into_iter().take(MAX_SIMILAR).map(|(_, shown)| shown.into()).collect()
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

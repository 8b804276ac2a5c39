//! The names of outlets and sections around headlines: "Rain in Norrin - Norrin Post", "Opinion | Rain in Norrin".

use std::collections::{BTreeMap, BTreeSet};

use crate::corpus::dateline::is_agency;

/// What stands between a headline and the name of an outlet.
const SEPARATORS: [&str; 4] = [" - ", " – ", " — ", " | "];

/// The longest name of an outlet, in words.
const MAX_WORDS: usize = 4;

/// The last part of a title if it may be the name of an outlet: few words with capitals, without a number.
fn suffix(title: &str) -> Option<(&str, &str)> {
    let split = |separator: &&str| title.rsplit_once(*separator);
    let (head, name) = SEPARATORS.iter().filter_map(split).min_by_key(|(_, name)| name.len())?;
    let name = name.trim();
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_name = |word: &&str| {
        word.starts_with(|c: char| c.is_uppercase()) || ["of", "the", "de", "la"].contains(word)
    };
    let fits = (1..=MAX_WORDS).contains(&words.len())
        && words.iter().all(is_name)
        && !name.contains(|c: char| c.is_numeric() || "?!:,;".contains(c))
        && head.split_whitespace().count() > 2;
    fits.then_some((head.trim_end(), name))
}

/// The parts that end most titles of a source: its name. What ends a few of them names whoever is quoted ("Prices to rise
/// - Analysts").
pub(super) struct Suffixes(BTreeSet<(Option<String>, String)>);

impl Suffixes {
    /// Counts over stories, each with its source and title. A headline that comes again counts once.
    pub fn new<'a>(stories: impl Iterator<Item = (Option<&'a str>, &'a str)>) -> Self {
        let mut titles: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
        let mut heads: BTreeMap<(Option<&str>, &str), BTreeSet<&str>> = BTreeMap::new();
        for (source, title) in stories {
            titles.entry(source).or_default().insert(title);
            if let Some((head, name)) = suffix(title) {
                heads.entry((source, name)).or_default().insert(head);
            }
        }
        let is_of_most =
            |key: &(Option<&str>, &str), heads: usize| heads > 1 && heads * 2 > titles[&key.0].len();
        let frequent = heads.iter().filter(|(key, heads)| is_of_most(key, heads.len()));
        Suffixes(frequent.map(|((source, name), _)| (source.map(String::from), name.to_string())).collect())
    }

    fn contains(&self, source: Option<&str>, name: &str) -> bool {
        self.0.contains(&(source.map(String::from), name.to_string()))
    }
}

/// `title` without the name of its outlet: one that is the story's source or an agency, or that ends most titles of
/// the source; and without the shorter parts beside a vertical bar.
pub(super) fn strip_outlet<'a>(mut title: &'a str, source: Option<&str>, suffixes: &Suffixes) -> &'a str {
    loop {
        let shorter = strip_bar(title);
        let shorter = match suffix(shorter) {
            Some((head, name))
                if suffixes.contains(source, name)
                    || source.is_some_and(|source| same_name(source, name))
                    || is_agency(name) =>
            {
                head
            }
            _ => shorter,
        };
        if shorter.len() == title.len() {
            return title;
        }
        title = shorter;
    }
}

/// The longest part of a title with vertical bars, where the others are short enough for a name or a section.
fn strip_bar(title: &str) -> &str {
    let parts: Vec<&str> = title.split(" | ").map(str::trim).collect();
    let words = |part: &str| part.split_whitespace().count();
    let Some(longest) = parts.iter().copied().max_by_key(|part| words(part)) else { return title };
    let short = parts.iter().filter(|part| words(part) <= MAX_WORDS).count();
    if parts.len() > 1 && words(longest) > MAX_WORDS && short + 1 == parts.len() { longest } else { title }
}

/// Whether a source, or the domain that stands for it, has this name.
fn same_name(source: &str, name: &str) -> bool {
    let letters = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let domain = source.split('.').next().unwrap_or_default();
    letters(source) == letters(name) || letters(domain) == letters(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_names_of_outlets_alone() {
        let titles = [
            "Norrin closes eastern quay - Norrin Post",
            "Norrin opens eastern quay again - Norrin Post",
            "Teachers in Brell end walkouts - BBC News",
        ];
        let suffixes = Suffixes::new(titles.into_iter().map(|title| (None, title)));
        let check = |title: &str, source: Option<&str>, expect: &str| {
            assert_eq!(strip_outlet(title, source, &suffixes), expect);
        };
        check(titles[0], None, "Norrin closes eastern quay");
        check(titles[2], None, titles[2]);
        check(titles[2], Some("BBC News"), "Teachers in Brell end walkouts");
        check(titles[2], Some("bbcnews.example"), "Teachers in Brell end walkouts");
        check("Norrin closes eastern quay - Reuters", None, "Norrin closes eastern quay");
        check("Norrin closes eastern quay today | Reuters", None, "Norrin closes eastern quay today");
        check(
            "Opinion | Norrin should never have closed its quay",
            None,
            "Norrin should never have closed its quay",
        );
        check("Rain - Norrin Post", None, "Rain - Norrin Post");
        check("Quay closed in Norrin - for ever", None, "Quay closed in Norrin - for ever");
        check("Norrin 3 - Brell 2", None, "Norrin 3 - Brell 2");
        check("Norrin | Brell", None, "Norrin | Brell");
    }

    #[test]
    fn keeps_who_is_quoted() {
        let quoted = ["Prices to stay firm - Analysts", "Crop will be smaller - Analysts"];
        let plain = ["Quay opens", "Ferry is late", "Rain ends", "Mayor resigns"];
        let suffixes = Suffixes::new(quoted.into_iter().chain(plain).map(|title| (Some("Wire"), title)));
        assert_eq!(strip_outlet(quoted[0], Some("Wire"), &suffixes), quoted[0]);
        // The name of one source says nothing of another.
        let post = ["Quay opens again - Post", "Ferry is late again - Post"];
        let suffixes = Suffixes::new(post.into_iter().map(|title| (Some("The Post"), title)));
        assert_eq!(strip_outlet(post[0], Some("The Post"), &suffixes), "Quay opens again");
        assert_eq!(strip_outlet(post[0], Some("Wire"), &suffixes), post[0]);
    }
}

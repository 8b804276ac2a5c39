//! The names of outlets and sections around headlines: "Rain in Norrin - Norrin Post", "Opinion | Rain in Norrin".

use std::collections::BTreeMap;

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

/// How often each possible name of an outlet ends the titles of an input, below different headlines.
pub(super) fn count_suffixes<'a>(titles: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut heads: BTreeMap<String, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for (head, name) in titles.filter_map(suffix) {
        heads.entry(name.to_string()).or_default().insert(head);
    }
    heads.into_iter().map(|(name, heads)| (name, heads.len())).collect()
}

/// `title` without the name of its outlet: one that is the story's source or an agency, or that ends several titles of the
/// input; and without the shorter parts beside a vertical bar.
pub(super) fn strip_outlet<'a>(
    mut title: &'a str,
    source: Option<&str>,
    suffixes: &BTreeMap<String, usize>,
) -> &'a str {
    loop {
        let shorter = strip_bar(title);
        let shorter = match suffix(shorter) {
            Some((head, name))
                if suffixes.get(name).is_some_and(|titles| *titles > 1)
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
        let suffixes = count_suffixes(titles.into_iter());
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
}

//! The words of dates: months of many languages, weekdays, time zones.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jiff::tz::TimeZone;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::word_lists;

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::load);

/// What a word of a date means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// 1 to 12.
    Month(i8),
    Am,
    Pm,
    Zone(Zone),
    /// A weekday, or a word that does not change the date.
    Ignored,
}

/// A time zone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Zone {
    /// Minutes east of UTC.
    Offset(i64),
    /// A zone with summer time, as a POSIX rule.
    Posix(String),
}

#[derive(Deserialize)]
struct Lists {
    months: Vec<Vec<String>>,
    ignored: BTreeSet<String>,
    clock_words: BTreeSet<String>,
    am: BTreeSet<String>,
    pm: BTreeSet<String>,
    zones: BTreeMap<String, Zone>,
}

struct Vocabulary {
    months: BTreeMap<String, i8>,
    lists: Lists,
}

impl Vocabulary {
    fn load() -> Self {
        let lists: Lists = word_lists::parse("dates.toml", include_str!("../data/dates.toml"));
        let months = (1..).zip(&lists.months);
        let months = months.flat_map(|(month, names)| names.iter().map(move |name| (fold(name), month)));
        Vocabulary { months: months.collect(), lists }
    }
}

/// Lower case, without combining accents: `Août` is `aout`.
pub(super) fn fold(text: &str) -> String {
    let decomposed = text.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let lower = decomposed.nfc().collect::<String>().to_lowercase();
    // The lower case of İ is i with a dot above.
    lower.replace('\u{307}', "")
}

/// The meanings of a folded word: a month may also be a weekday ("mar"), and "am" a preposition.
pub(super) fn meanings(word: &str) -> Vec<Word> {
    let Vocabulary { months, lists } = &*VOCABULARY;
    let mut found: Vec<Word> = months.get(word).map(|month| Word::Month(*month)).into_iter().collect();
    found.extend(lists.am.contains(word).then_some(Word::Am));
    found.extend(lists.pm.contains(word).then_some(Word::Pm));
    found.extend(lists.zones.get(word).cloned().map(Word::Zone));
    found.extend(lists.ignored.contains(word).then_some(Word::Ignored));
    found
}

/// Whether a word stands before or after a clock time, as in "kl. 08.30" and "08.30 Uhr".
pub(super) fn is_clock_word(word: &str) -> bool {
    VOCABULARY.lists.clock_words.contains(word)
}

impl Zone {
    pub(super) fn to_time_zone(&self) -> Option<TimeZone> {
        match self {
            Zone::Offset(minutes) => {
                let offset = jiff::tz::Offset::from_seconds(i32::try_from(minutes * 60).ok()?).ok()?;
                Some(TimeZone::fixed(offset))
            }
            Zone::Posix(rule) => TimeZone::posix(rule).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_has_names_and_no_name_means_two_months() {
        let lists = &VOCABULARY.lists;
        assert_eq!(lists.months.len(), 12);
        for (month, names) in (1..).zip(&lists.months) {
            for name in names {
                assert_eq!(VOCABULARY.months.get(&fold(name)), Some(&month), "{name}");
            }
        }
        assert!(lists.zones.values().all(|zone| zone.to_time_zone().is_some()));
    }

    #[test]
    fn folds_case_and_accents() {
        for (text, expect) in
            [("Août", "aout"), ("MÄRZ", "marz"), ("İstanbul", "istanbul"), ("Μαΐου", "μαιου")]
        {
            assert_eq!(fold(text), expect);
        }
    }
}

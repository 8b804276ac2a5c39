//! Datelines and agency credits: extracted into fields, so that they are not compared as text.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use serde::Deserialize;

use crate::word_lists;

/// The lists of `data/dateline.toml`.
#[derive(Deserialize)]
struct Lists {
    month_prefixes: Vec<String>,
    agencies: HashMap<String, String>,
}

impl Lists {
    /// Whether `word`, in lower case, begins like the name of a month.
    fn names_month(&self, word: &str) -> bool {
        self.month_prefixes.iter().any(|prefix| word.starts_with(prefix.as_str()))
    }
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| word_lists::parse("dateline.toml", include_str!("data/dateline.toml")));

/// The largest length of a dateline, in bytes.
const MAX_DATELINE_BYTES: usize = 90;

/// The largest number of words of a town, as in "SAN JUAN DE LA MAGUANA".
const MAX_TOWN_WORDS: usize = 5;

/// The dateline and the credit around a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Attribution {
    /// The dateline, such as "SALVADOR, Feb 26".
    pub dateline: Option<String>,
    /// The name of the credited agency, such as "Reuters".
    pub credit: Option<String>,
    /// The byte range of the text without them.
    pub body: Range<usize>,
}

/// Whether `name` is how an agency signs, in any case.
#[cfg(feature = "readers")]
pub(crate) fn is_agency(name: &str) -> bool {
    LISTS.agencies.contains_key(&name.to_lowercase())
}

/// Finds a dateline at the start of `text`, and the name of an agency at its start or end.
pub(crate) fn find_attribution(text: &str) -> Attribution {
    let start = text.len() - text.trim_start().len();
    let mut attribution =
        Attribution { body: start..text.trim_end().len().max(start), ..Attribution::default() };
    find_dateline(text, &mut attribution);
    find_signature(text, &mut attribution);
    attribution
}

fn find_dateline(text: &str, attribution: &mut Attribution) {
    let body = &text[attribution.body.clone()];
    let limit =
        body.char_indices().map(|(i, _)| i).take_while(|&i| i <= MAX_DATELINE_BYTES).last().unwrap_or(0);
    let window = &body[..limit];
    let dash = [" -- ", " - ", " – ", " — ", "— ", "– "]
        .iter()
        .filter_map(|d| Some((window.find(d)?, d.len())))
        .min();
    let Some((at, width)) = dash else { return };
    let place = window[..at].trim();
    if place.contains('\n') {
        return;
    }
    let (place, name) = match place.rsplit_once('(') {
        Some((place, name)) => (place.trim(), name.trim_end_matches(')').trim()),
        None => (place, ""),
    };
    let agency = agency(name);
    let signed = agency.is_some() && place.split_whitespace().count() <= 5;
    let after = &body[at + width..];
    // In a text in capitals a headline looks like a dateline ("FED RAISES RATES - SOURCES").
    let all_caps = after.contains(char::is_uppercase) && !after.contains(char::is_lowercase);
    let ambiguous = all_caps && agency.is_none() && !contains_day(place);
    if !signed && (ambiguous || !is_dateline(place)) {
        return;
    }
    if !place.is_empty() {
        attribution.dateline = Some(place.trim_end_matches(',').to_string());
    }
    // After a dateline, any name in brackets is that of an agency, known or not.
    attribution.credit = agency.or(is_name(name).then_some(name)).map(String::from);
    attribution.body.start += at + width;
    attribution.body.start += after.len() - after.trim_start().len();
}

/// Whether `place` contains the name of a month and a number.
fn contains_day(place: &str) -> bool {
    let mut words = place.split([' ', '.', ',']).map(str::to_lowercase);
    let day = |w: &str| !w.is_empty() && w.len() <= 2 && w.bytes().all(|b| b.is_ascii_digit());
    let month = |w: &str| w.len() <= 9 && LISTS.names_month(w) && !w.starts_with("market");
    words.clone().any(|w| month(&w)) && words.any(|w| day(&w))
}

/// Whether `place` is a town in capitals, optionally with a region and a day: "SAN JUAN, Norrin, Feb 26".
fn is_dateline(place: &str) -> bool {
    let month = |w: &&str| LISTS.names_month(&w.to_lowercase());
    let town = place.split([',', '/']).next().unwrap_or_default();
    let mut town = town.split_whitespace().take_while(|w| !month(w));
    if town.clone().count() > MAX_TOWN_WORDS || town.any(|w| w.contains(|c: char| c.is_ascii_digit())) {
        return false;
    }
    let mut words = place.split_whitespace();
    let Some(first) = words.next() else { return false };
    let letters = |w: &str| w.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = |w: &str| letters(w) > 0 && !w.chars().any(char::is_lowercase);
    if letters(first) < 3 || !capitals(first) {
        return false;
    }
    let mut after_comma = first.ends_with([',', '/']);
    words.all(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let month = bare.len() <= 9 && LISTS.names_month(&bare);
        let day = bare.len() <= 4 && !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
        let region = after_comma && word.chars().next().is_some_and(char::is_uppercase);
        after_comma = word.ends_with([',', '/']) || region;
        capitals(word) || month || day || region || word == "&"
    })
}

/// Whether `text` may be the name of an agency: up to four capitalised words.
fn is_name(text: &str) -> bool {
    let capital = |w: &str| w.starts_with(char::is_uppercase) && !w.contains(|c: char| c.is_ascii_digit());
    !text.is_empty() && text.split_whitespace().count() <= 4 && text.split_whitespace().all(capital)
}

/// Finds the name of an agency at the end: a last line "Reuters" or "(c) AFP", or a last word in capitals, as wires have it.
fn find_signature(text: &str, attribution: &mut Attribution) {
    let body = &text[attribution.body.clone()];
    let line = body.rsplit('\n').next().unwrap_or("");
    if line.len() <= 40
        && line.len() < body.len()
        && let Some(name) = agency(signature(line))
    {
        attribution.credit.get_or_insert_with(|| name.to_string());
        attribution.body.end = attribution.body.start + body[..body.len() - line.len()].trim_end().len();
        return;
    }
    // "… next year. REUTER": a word in capitals after the end of a sentence.
    if let Some((before, word)) = body.rsplit_once(char::is_whitespace) {
        let ended = before.trim_end().ends_with(['.', '"', '\'', ')', '”', '!', '?']);
        let all_caps = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-');
        let name = agency(word).filter(|_| all_caps || word == "Reuter" || word == "Reuters");
        if let (true, Some(name)) = (ended, name) {
            attribution.credit.get_or_insert_with(|| name.to_string());
            attribution.body.end = attribution.body.start + before.trim_end().len();
        }
    }
}

/// `line` without the signs and words around a signature.
fn signature(line: &str) -> &str {
    let line = line.trim().trim_matches(|c: char| "()[]-–—.*/ ".contains(c));
    let line = line.strip_prefix("c) ").or_else(|| line.strip_prefix('©')).unwrap_or(line).trim();
    line.strip_prefix("Source: ").unwrap_or(line)
}

/// The agency that signs as `name`.
fn agency(name: &str) -> Option<&'static str> {
    let name = name.trim().to_lowercase();
    LISTS.agencies.get(&name).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_datelines_and_credits() {
        let check = |text: &str, dateline: &str, credit: &str, body: &str| {
            let attribution = find_attribution(text);
            assert_eq!(attribution.dateline.as_deref().unwrap_or(""), dateline, "{text}");
            assert_eq!(attribution.credit.as_deref().unwrap_or(""), credit, "{text}");
            assert_eq!(&text[attribution.body], body, "{text}");
        };
        check("SALVADOR, Feb 26 - Showers continued.", "SALVADOR, Feb 26", "", "Showers continued.");
        check("LONDON (Reuters) - Shares rose.", "LONDON", "Reuters", "Shares rose.");
        check("ASTANA, July 4 (Xinhua) -- Leaders met.", "ASTANA, July 4", "Xinhua", "Leaders met.");
        check("NEW YORK, N.Y., March 3 (AP) — It was so.", "NEW YORK, N.Y., March 3", "AP", "It was so.");
        check("Brussels (dpa) - Talks ended.", "Brussels", "dpa", "Talks ended.");
        check("SEL, July 7 (Harbour Wire) - It was.", "SEL, July 7", "Harbour Wire", "It was.");
        check("SEL, July 7 (updated 9 a.m.) - It was.", "SEL, July 7", "", "It was.");
        check("Sel (Harbour Wire) - It was.", "", "", "Sel (Harbour Wire) - It was.");
        check("Profits rose - again.", "", "", "Profits rose - again.");
        check("IBM said - as it had before - no.", "", "", "IBM said - as it had before - no.");
        check("COVID-19 - What we know.", "", "", "COVID-19 - What we know.");
        check("SAN JUAN DE LA MAGUANA Feb 26 - It was.", "SAN JUAN DE LA MAGUANA Feb 26", "", "It was.");
        check(
            "FED RAISES RATES BY 25 BASIS POINTS - It did.",
            "",
            "",
            "FED RAISES RATES BY 25 BASIS POINTS - It did.",
        );
        let alert = "FED RAISES RATES BY 25 BASIS POINTS - SOURCES";
        check(alert, "", "", alert);
        check("OIL FALLS - OPEC", "", "", "OIL FALLS - OPEC");
        check("LONDON, JULY 4 - OIL FALLS.", "LONDON, JULY 4", "", "OIL FALLS.");
        check("LONDON (REUTERS) - OIL FALLS.", "LONDON", "Reuters", "OIL FALLS.");
        check("LONDON - 首相は辞任した。", "LONDON", "", "首相は辞任した。");
        check("It rose. REUTER", "", "Reuters", "It rose.");
        check("It rose.\n\nReuters", "", "Reuters", "It rose.");
        check("It rose.\n(c) AFP", "", "AFP", "It rose.");
        check("He went to see his PA", "", "", "He went to see his PA");
        check("  ", "", "", "");
        check("", "", "", "");
    }
}

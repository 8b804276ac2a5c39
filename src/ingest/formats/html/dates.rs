//! The date of publication of a page: in JSON-LD, `<meta>`, `itemprop`, `<time>` and what the page shows.

use dom_query::Document;

use crate::corpus::date;

/// Names of `<meta>` (name, property or itemprop) that hold the date of publication, the most reliable first. Letters and
/// digits alone count.
const NAMES: [&str; 27] = [
    "articlepublishedtime",
    "ogpublishedtime",
    "ogarticlepublishedtime",
    "datepublished",
    "parselypubdate",
    "sailthrudate",
    "cxenseparserecspublishtime",
    "cxenseparsepublishtime",
    "dctermscreated",
    "dctermsdate",
    "dcdateissued",
    "dcdatecreated",
    "dcdate",
    "date",
    "pubdate",
    "publishdate",
    "publicationdate",
    "publisheddate",
    "publishedat",
    "articlepublished",
    "articlepublicationdate",
    "articledate",
    "publishtime",
    "publishedtime",
    "firstpublished",
    "datecreated",
    "created",
];

/// The longest text, in characters, that is a date with its label.
const MAX_SHOWN: usize = 80;

/// Elements that may show the date; pages that list other stories show many.
const MAX_ELEMENTS: usize = 30;

const HOUR: i64 = 3_600_000;

/// The dates of a page as it has them, the most reliable first; those of JSON-LD are not among them.
pub(super) fn find(page: &Document) -> Vec<String> {
    let mut of_meta: Vec<(usize, String)> = Vec::new();
    let mut updated = None;
    for element in page.select("meta[content]").iter() {
        let content = element.attr("content").unwrap_or_default().trim().to_string();
        let names = ["property", "name", "itemprop", "http-equiv"].map(|name| element.attr(name));
        for name in names.into_iter().flatten().map(|name| plain_name(&name)) {
            let rank = NAMES.iter().position(|known| *known == name);
            of_meta.extend(rank.filter(|_| !content.is_empty()).map(|rank| (rank, content.clone())));
            if ["ogupdatedtime", "articlemodifiedtime"].contains(&name.as_str()) {
                updated.get_or_insert_with(|| content.clone());
            }
        }
    }
    // The first of equal names is that of the page.
    of_meta.sort_by_key(|(rank, _)| *rank);
    let mut dates: Vec<String> = of_meta.into_iter().map(|(_, content)| content).collect();
    let elements = "[itemprop~='datePublished'], article time[datetime], main time[datetime], time[datetime]";
    for element in page.select(elements).iter() {
        let attribute = element.attr("datetime").or_else(|| element.attr("content"));
        dates.push(attribute.unwrap_or_else(|| element.text()).trim().to_string());
    }
    dates.extend(shown(page));
    dates.extend(updated);
    dates
}

/// Dates that a page shows in elements whose class or id says so, and those in attributes for scripts. Those in the article
/// come first: the others may be of other stories.
fn shown(page: &Document) -> Vec<String> {
    let marks = [
        "[class*='date' i]",
        "[class*='publish' i]",
        "[class*='time' i]",
        "[class*='meta' i]",
        "[id*='date' i]",
        "time",
    ];
    let attributes =
        ["data-publicationdate", "data-publish-date", "data-published", "data-date", "data-datetime"];
    let mut found = Vec::new();
    for scope in ["article ", "main ", ""] {
        let selector = marks.map(|mark| format!("{scope}{mark}")).join(", ");
        for element in page.select(&selector).iter().take(MAX_ELEMENTS) {
            let values = attributes.iter().filter_map(|name| element.attr(name));
            found.extend(values.map(|value| value.trim().to_string()));
            let text = element.text().split_whitespace().collect::<Vec<_>>().join(" ");
            if text.chars().count() <= MAX_SHOWN {
                found.extend(date_in(&text));
            }
        }
    }
    found
}

/// The part of a short text, such as "Published: 20.10.2025 | 14:07 Uhr", that is a date.
fn date_in(text: &str) -> Option<String> {
    let text = text.replace(" | ", " ").replace(" · ", " ").replace(" Uhr", "");
    let words: Vec<&str> = text.split_whitespace().collect();
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // The longest run of words that is a date; labels are before and behind it.
    let runs =
        (1..=words.len()).rev().flat_map(|length| (0..=words.len() - length).map(move |at| (at, length)));
    runs.map(|(at, length)| words[at..at + length].join(" "))
        .find(|run| run.len() >= 6 && run.contains(|c: char| c.is_ascii_digit()) && is_day(run))
}

/// Whether a text is a date with day, month and year, as no number alone is.
fn is_day(text: &str) -> bool {
    let is_number = text.chars().all(|c| c.is_ascii_digit());
    !is_number && date::parse(text).is_some()
}

/// Letters and digits, in lower case.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The date of publication in milliseconds since 1970 UTC: the first of `texts` that can be read. A date without a zone, or
/// without a clock time, gives way to a later one that has them and is at most 14 hours off.
pub(super) fn choose<'a>(texts: impl Iterator<Item = &'a str>) -> Option<i64> {
    let dates: Vec<(&str, i64)> = texts.filter_map(|text| Some((text, date::parse(text)?))).collect();
    let (text, at) = *dates.first()?;
    if date::has_zone(text) {
        return Some(at);
    }
    let has_clock = text.contains(':');
    let near = |other: &i64| {
        let difference = (other - at).abs();
        if has_clock {
            // The same minute in another zone; seconds may be missing.
            difference <= 14 * HOUR
                && (difference % (HOUR / 4) < HOUR / 60 || difference % (HOUR / 4) > HOUR * 14 / 60)
        } else {
            difference <= 38 * HOUR
        }
    };
    let better = dates.iter().find(|(text, other)| date::has_zone(text) && near(other));
    Some(better.map_or(at, |(_, at)| *at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_date_beside_its_label() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(
                date_in(text).as_deref().and_then(date::parse),
                expect.and_then(date::parse),
                "{text}"
            );
        };
        check("Published: 20.10.2025", Some("2025-10-20"));
        check("Do 25.04.2024 | 14:07 Uhr", Some("2024-04-25T14:07:00Z"));
        check("Updated May 6, 2031 by the desk", Some("2031-05-06"));
        check("12 comments", None);
        check("20251020", None);
        check("Desk", None);
    }

    #[test]
    fn a_date_with_a_zone_is_better_than_one_without() {
        let check = |texts: &[&str], expect: &str| {
            assert_eq!(choose(texts.iter().copied()), date::parse(expect), "{texts:?}");
        };
        check(&["2031-05-06 08:00:00.0", "2031-05-06T08:00:00+02:00"], "2031-05-06T06:00:00Z");
        check(&["2031-05-06 08:00", "2031-05-06T08:00:29+02:00"], "2031-05-06T06:00:29Z");
        check(&["2031-05-06", "2031-05-06T08:00:00+02:00"], "2031-05-06T06:00:00Z");
        check(&["2031-05-06 08:00:00", "2031-05-06T09:10:00+02:00"], "2031-05-06T08:00:00Z");
        check(&["soon", "2031-05-06T08:00:00Z", "2031-05-07T08:00:00Z"], "2031-05-06T08:00:00Z");
    }
}

//! Dates in the forms that news comes with, to milliseconds since 1970 UTC.
//!
//! A date without a zone is UTC, and one without a clock time is the start of its day. Two-digit years are 1969 to 2068, as
//! POSIX has it. What gives a year before 1800 or from 2100 on is not believed.

mod civil;
mod tokens;
mod vocabulary;

use std::str::FromStr;

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    fmt::rfc2822,
    tz::TimeZone,
};

use civil::{Day, WrittenDate};

/// The longest text that is read as a date, in bytes.
const MAX_LENGTH: usize = 128;

/// The first instants of the years 1800 and 2100, in milliseconds since 1970: the dates that are believed.
const BELIEVED: std::ops::Range<i64> = -5_364_662_400_000..4_102_444_800_000;

/// Whether the day or the month comes first in dates of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// 31/12/2031.
    DayFirst,
    /// 12/31/2031.
    MonthFirst,
}

impl FromStr for DateOrder {
    type Err = String;

    /// `dmy` or `mdy`.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "dmy" => Ok(DateOrder::DayFirst),
            "mdy" => Ok(DateOrder::MonthFirst),
            _ => Err("write dmy or mdy".into()),
        }
    }
}

/// What a text says as a date, in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParsedDate {
    /// A date; and the order of day and month, if its numbers show it.
    Instant { at: i64, shows: Option<DateOrder> },
    /// A date that depends on the order of day and month.
    Ambiguous { day_first: i64, month_first: i64 },
    /// A date before 1800 or after 2099.
    Implausible,
}

/// Reads a date; `None` if no known form fits.
pub(crate) fn parse_text(text: &str) -> Option<ParsedDate> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_LENGTH {
        return None;
    }
    let instant = |at: i64, shows| {
        if BELIEVED.contains(&at) { ParsedDate::Instant { at, shows } } else { ParsedDate::Implausible }
    };
    if let Some(at) = parse_number(text) {
        return at.map(|at| instant(at, None));
    }
    if let Some(at) = parse_standard(text) {
        return Some(instant(at, None));
    }
    // The name of a zone that is not known here.
    let text = match text.split_once('[') {
        Some((text, _)) if has_offset(text) => text,
        Some(_) => return None,
        None => text,
    };
    let date = civil::parse(strip_desk_mark(text))?;
    let at = |year, month, day| to_milliseconds(&date, year, month, day);
    match date.day {
        Day::Known { year, month, day, shows } => Some(instant(at(year, month, day)?, shows)),
        Day::Ambiguous { year, first, second } => {
            let (day_first, month_first) = (at(year, second, first)?, at(year, first, second)?);
            match instant(day_first, None) {
                ParsedDate::Implausible => Some(ParsedDate::Implausible),
                _ => Some(ParsedDate::Ambiguous { day_first, month_first }),
            }
        }
    }
}

/// The instant that `text` names; `None` if no form fits, or if it depends on the order of day and month.
pub(crate) fn parse(text: &str) -> Option<i64> {
    match parse_text(text)? {
        ParsedDate::Instant { at, .. } => Some(at),
        ParsedDate::Ambiguous { .. } | ParsedDate::Implausible => None,
    }
}

/// Whether `text` ends in an offset from UTC, or says that it is UTC.
#[cfg(feature = "readers")]
pub(crate) fn has_zone(text: &str) -> bool {
    let text = text.trim_end();
    has_offset(text) || ["Z", "z", "GMT", "UTC"].iter().any(|zone| text.ends_with(zone))
}

/// Reads a date in any form that records and pages have. With `end`, a day or a year without a clock time is its last millisecond.
pub fn parse_date(text: &str, end: bool) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    let at = parse(text)?;
    if let Ok(year @ 1000..9999) = text.trim().parse::<i64>()
        && end
    {
        return start_of_day(year + 1, 1, 1).map(|next| next - 1);
    }
    let is_day = at % DAY == 0 && !text.contains(':');
    Some(if end && is_day { at + DAY - 1 } else { at })
}

/// ISO 8601 and RFC 2822, by jiff.
fn parse_standard(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    // RFC 2822 reads an unknown name of a zone as UTC.
    let named_zone = text.ends_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with("GMT");
    if let Some(zoned) = (!named_zone).then(|| rfc2822::parse(text).ok()).flatten() {
        return Some(zoned.timestamp().as_millisecond());
    }
    if text.contains('[') {
        return None;
    }
    text.parse::<DateTime>().ok().and_then(in_utc)
}

/// A number: a year, a day (`20240704`), a stamp (`20240704203610`), or an epoch in seconds, milliseconds, microseconds or
/// nanoseconds, told apart by their size. `None` if `text` is not a number; `Some(None)` if it is not a date.
fn parse_number(text: &str) -> Option<Option<i64>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fractional = fraction.bytes().any(|b| b != b'0');
    let negative = whole.starts_with('-');
    let Ok(number) = whole.parse::<i64>() else { return Some(None) };
    let size = number.unsigned_abs();
    if !negative && !fractional {
        let stamp = match digits.len() {
            4 => Some((number, 1, 1, 0)),
            8 => Some((number / 10_000, number / 100 % 100, number % 100, 0)),
            12 => Some((
                number / 100_000_000,
                number / 1_000_000 % 100,
                number / 10_000 % 100,
                number % 10_000 * 100,
            )),
            14 => {
                let day = number / 1_000_000;
                Some((day / 10_000, day / 100 % 100, day % 100, number % 1_000_000))
            }
            _ => None,
        };
        if let Some((year @ 1000..=9999, month, day, clock)) = stamp
            && let Some(start) = start_of_day(year, month, day)
            && (clock / 10_000 < 24 && clock / 100 % 100 < 60 && clock % 100 < 60)
            && (digits.len() < 12 || BELIEVED.contains(&start))
        {
            let seconds = clock / 10_000 * 3600 + clock / 100 % 100 * 60 + clock % 100;
            return Some(Some(start + seconds * 1000));
        }
    }
    Some(match size {
        // Seconds of before March 1973: a count or an id rather than a date.
        0..100_000_000 => None,
        100_000_000..100_000_000_000 => {
            let millis: i64 = format!("{fraction:0<3}")[..3].parse().unwrap_or(0);
            number.checked_mul(1000).map(|at| if negative { at - millis } else { at + millis })
        }
        100_000_000_000..100_000_000_000_000 => Some(number),
        100_000_000_000_000..100_000_000_000_000_000 => Some(number.div_euclid(1000)),
        _ => Some(number.div_euclid(1_000_000)),
    })
}

/// Removes hundredths of seconds and the marks of desks behind them, as wires write them: "03:44:57.62T C".
fn strip_desk_mark(text: &str) -> &str {
    let Some((before, fraction)) = text.split_once('.') else { return text };
    let mark = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    if !before.contains(':') || fraction.len() - mark.len() != 2 {
        return text;
    }
    // One letter or two; three, and two that end as "ET" and "PT" do, may be a time zone.
    let is_desk = |m: &str| {
        m.len() < 3
            && m.bytes().all(|b| b.is_ascii_alphabetic())
            && (m.len() < 2 || !m.ends_with(['T', 't']))
            && !m.eq_ignore_ascii_case("z")
    };
    if mark.split(' ').all(is_desk) { before } else { text }
}

/// Whether `text` ends in an offset from UTC.
fn has_offset(text: &str) -> bool {
    let tail = text.trim_end().rsplit_once(['+', '-', '−']);
    text.contains(':') && tail.is_some_and(|(_, tail)| tail.bytes().all(|b| b.is_ascii_digit() || b == b':'))
}

fn to_milliseconds(date: &WrittenDate, year: u64, month: u64, day: u64) -> Option<i64> {
    let day = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let (hour, minute, second, millis) = date.time;
    let civil = day.to_datetime(Time::new(hour, minute, second, millis * 1_000_000).ok()?);
    let zone = match &date.zone {
        Some(zone) => zone.to_time_zone()?,
        None => TimeZone::UTC,
    };
    zone.to_timestamp(civil).ok().map(|t| t.as_millisecond())
}

fn start_of_day(year: i64, month: i64, day: i64) -> Option<i64> {
    let day = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    in_utc(day.to_datetime(Time::midnight()))
}

fn in_utc(civil: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(civil).ok().map(|t| t.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_with_its_last_instant() {
        let check = |text: &str, end, expect: &str| {
            let found = parse_date(text, end).map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string());
            assert_eq!(found.as_deref(), Some(expect), "{text}");
        };
        check("2024-07-04", false, "2024-07-04T00:00:00Z");
        check("2024-07-04", true, "2024-07-04T23:59:59.999Z");
        check("2024-07-04 00:00", true, "2024-07-04T00:00:00Z");
        check("2024", false, "2024-01-01T00:00:00Z");
        check("2024", true, "2024-12-31T23:59:59.999Z");
        check("2024-07-04T20:36Z", true, "2024-07-04T20:36:00Z");
    }

    #[test]
    fn reads_dates_of_many_forms() {
        let check = |text: &str, expect: &str| {
            let found = parse(text).map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string());
            assert_eq!(found.as_deref().unwrap_or("none"), expect, "{text}");
        };
        check("26-FEB-1987 15:01:01.79", "1987-02-26T15:01:01Z");
        check(" 2-MAR-1987 05:00", "1987-03-02T05:00:00Z");
        check("27-MAR-1987 03:44:57.62T C", "1987-03-27T03:44:57Z");
        check("27-MAR-1987 10:18:27.09F", "1987-03-27T10:18:27Z");
        check("2024-07-04 20:36", "2024-07-04T20:36:00Z");
        check("2024-07-04T20:36:10+02:00", "2024-07-04T18:36:10Z");
        check("2024-07-04T20:36:10Z", "2024-07-04T20:36:10Z");
        check("2024-07-04T20:36:10", "2024-07-04T20:36:10Z");
        check("2024-07-04", "2024-07-04T00:00:00Z");
        check("Thu, 04 Jul 2024 20:36:00 +0000", "2024-07-04T20:36:00Z");
        check("July 4, 2024", "2024-07-04T00:00:00Z");
        check("4 July 2024", "2024-07-04T00:00:00Z");
        check("Thursday, July 4, 2024", "2024-07-04T00:00:00Z");
        check("1394470501265", "2014-03-10T16:55:01.265Z");
        check("1394470501", "2014-03-10T16:55:01Z");
        check("20240704", "2024-07-04T00:00:00Z");
        check("27-MAR-1987 04:38:47.18M C F", "1987-03-27T04:38:47Z");
        check("27-MAR-1987 14:02:56.54V RM", "1987-03-27T14:02:56Z");
        check("2024-07-04 10:00:00.123 EST", "2024-07-04T15:00:00.123Z");
        check("2024-07-04 10:00:00.12 ET", "2024-07-04T14:00:00.12Z");
        check("2024-07-04T10:00[America/New_York]", "none");
        check("yesterday", "none");
        check("", "none");
        check("99-99-9999", "none");
    }

    /// Checks that each of `texts` is read as `expect`.
    fn check(expect: &str, texts: &[&str]) {
        let read = |text: &&str| parse(text).map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string());
        let wrong = texts.iter().map(|text| (text, read(text).unwrap_or_else(|| "none".into())));
        let wrong: Vec<_> = wrong.filter(|(_, found)| found != expect).collect();
        assert!(wrong.is_empty(), "{expect}: {wrong:?}");
    }

    #[test]
    fn reads_dates_of_programs_and_publishers() {
        check(
            "2031-05-06T06:00:00Z",
            &[
                "20310506060000",
                "20310506T060000Z",
                "20310506T060000+0000",
                "20310506080000 +0200",
                "2031-05-06 08:00:00 +0200",
                "2031-05-06 08:00:00 +02:00",
                "2031-05-06T08:00+0200",
                "2031-05-06 06:00:00 UTC",
                "2031-05-06 06:00:00 GMT+0000",
                "2031-05-06 08:00 GMT+2",
                "2031-05-06T08:00:00+02:00[Europe/Berlin]",
                "Tue May 06 08:00:00 CEST 2031",
                "Tue, 6 May 2031 08:00:00 CEST",
                "Tue May 06 2031 08:00:00 GMT+0200 (CEST)",
                "Tue, 06 May 31 06:00:00 GMT",
                "6-May-31 06:00",
                "May 6, 2031 2:00 AM ET",
                "May 6, 2031 at 2:00 a.m. EDT",
                "Published May 6, 2031, 06:00",
                "6 May 2031 | 06:00",
                "6.5.2031 klo 6.00",
                "06.05.2031, 06.00 Uhr",
                "6. Mai 2031 um 08:00 Uhr MESZ",
                "mardi 6 mai 2031 à 6h00",
                "6 de mayo de 2031, 06:00",
                "2031年5月6日 06:00",
                "2031年5月6日(火) 6時00分",
                "2031년 5월 6일 오전 6:00",
                "٦ مايو ٢٠٣١ 06:00",
                "1935813600",
                "1935813600.0",
                "1935813600000",
                "1935813600000000",
                "1935813600000000000",
            ],
        );
    }

    #[test]
    fn reads_days_in_many_languages() {
        check(
            "2031-05-06T00:00:00Z",
            &[
                "May 6, 2031 Tuesday",
                "May 6th, 2031",
                "Tuesday 6th May 2031",
                "2031 May 6",
                "2031/5/6",
                "2031.05.06",
                "6/May/2031",
                "May-06-2031",
                "06.05.31",
                "06.05.2031.",
                "20310506.0",
                "6. Mai 2031",
                "6 mai 2031",
                "mar 6 mag 2031",
                "6 de maio de 2031",
                "6 maj 2031",
                "6. toukokuuta 2031",
                "6 maja 2031 r.",
                "6. května 2031",
                "6 мая 2031 года",
                "6 травня 2031 р.",
                "6 Μαΐου 2031",
                "6 Mayıs 2031",
                "ngày 6 tháng 5 năm 2031",
                "6 พฤษภาคม 2574",
                "2031. 5. 6.",
            ],
        );
        check("2031-05-13T00:00:00Z", &["13/05/2031", "05/13/2031", "13-05-31", "5/13/31"]);
        check("2031-05-01T00:00:00Z", &["May 2031", "2031-05", "05/2031"]);
        check("2031-05-06T20:00:00Z", &["May 6, 2031 8:00 PM", "6 May 2031 8pm", "6 May 2031, 20h"]);
        check("1999-12-31T00:00:00Z", &["31.12.99", "31-DEC-99"]);
        check(
            "none",
            &[
                "yesterday",
                "3 hours ago",
                "May",
                "12:30",
                "31.02.2031",
                "1234567",
                "0",
                "6 of 10",
                "5/6/2031",
            ],
        );
    }

    #[test]
    fn tells_ambiguous_and_implausible_dates() {
        let day = |text: &str| parse(text).unwrap();
        let both = ParsedDate::Ambiguous { day_first: day("2031-06-05"), month_first: day("2031-05-06") };
        assert_eq!(parse_text("05/06/2031"), Some(both));
        assert_eq!(parse_text("05-06-31"), Some(both));
        let shown = |text: &str| match parse_text(text) {
            Some(ParsedDate::Instant { shows, .. }) => shows,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(shown("13/05/2031"), Some(DateOrder::DayFirst));
        assert_eq!(shown("05/13/2031 08:00"), Some(DateOrder::MonthFirst));
        assert_eq!(shown("2031-05-06"), None);
        for text in ["0031-05-06", "2613-08-13", "1799-12-31", "6 May 1410", "1790", "9999999999999"] {
            assert_eq!(parse_text(text), Some(ParsedDate::Implausible), "{text}");
        }
    }
}

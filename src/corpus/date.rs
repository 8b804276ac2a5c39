//! Dates in the forms that news comes with, to milliseconds since 1970 UTC.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};

/// Forms with a clock time but no zone (read as UTC), tried in this order.
const TIMES: [&str; 8] = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%Y %H:%M",
    "%B %d, %Y %H:%M",
    "%d %B %Y %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%dT%H%M%S",
];

/// Forms with a day only (read as its start in UTC).
const DAYS: [&str; 11] = [
    "%Y-%m-%d",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%b. %d, %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%A, %B %d, %Y",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%Y%m%d",
];

/// The instant that `text` names, or none if no form fits.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() || text.len() > 64 || !text.is_ascii() {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return of_number(number);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(zoned.timestamp().as_millisecond());
    }
    // A zone by its name, which nothing here knows.
    if text.contains('[') {
        return None;
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return in_utc(civil);
    }
    // Wires give hundredths of seconds, marks of desks after them ("03:44:57.62T C"), and months in capitals.
    let hundredths = |f: &str| {
        let mark = f.trim_start_matches(|c: char| c.is_ascii_digit());
        // One letter or two; more, and two that end as "ET" and "PT" do, may be a zone.
        let desk = |m: &str| {
            m.len() < 3
                && m.bytes().all(|b| b.is_ascii_alphabetic())
                && (m.len() < 2 || !m.ends_with(['T', 't']))
        };
        mark.len() < f.len() && mark.split(' ').all(desk)
    };
    let plain = title_case(text.split_once('.').filter(|(_, f)| hundredths(f)).map_or(text, |(t, _)| t));
    for form in TIMES {
        if let Ok(civil) = DateTime::strptime(form, &plain) {
            return in_utc(civil);
        }
    }
    let whole = title_case(text);
    for form in DAYS {
        if let Ok(day) = Date::strptime(form, &whole) {
            return in_utc(day.to_datetime(Time::midnight()));
        }
    }
    strtime::parse("%a %b %d %H:%M:%S %z %Y", text).ok()?.to_timestamp().ok().map(|t| t.as_millisecond())
}

/// As ingest reads it; a day or a year without a time is its last instant if it is to be the `end` of a span.
pub fn parse_date(text: &str, end: bool) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    let at = parse(text)?;
    if let Ok(year @ 1000..9999) = text.trim().parse::<i64>()
        && end
    {
        return of_number(year + 1).map(|next| next - 1);
    }
    let is_day = at % DAY == 0 && !text.contains(':');
    Some(if end && is_day { at + DAY - 1 } else { at })
}

/// Seconds or milliseconds since 1970, told apart by their size; a year or an 8-digit day is a day.
pub(crate) fn of_number(number: i64) -> Option<i64> {
    match number {
        1000..=9999 => in_utc(Date::new(number as i16, 1, 1).ok()?.to_datetime(Time::midnight())),
        19_000_101..=21_001_231 => {
            let (y, m, d) = (number / 10_000, number / 100 % 100, number % 100);
            in_utc(Date::new(y as i16, m as i8, d as i8).ok()?.to_datetime(Time::midnight()))
        }
        n if n.unsigned_abs() < 100_000_000_000 => n.checked_mul(1000),
        n if n.unsigned_abs() < 100_000_000_000_000 => Some(n),
        // Microseconds, then nanoseconds, as columns of a table often have them.
        n if n.unsigned_abs() < 100_000_000_000_000_000 => Some(n.div_euclid(1000)),
        n => Some(n.div_euclid(1_000_000)),
    }
}

fn in_utc(civil: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(civil).ok().map(|t| t.as_millisecond())
}

/// `26-FEB-1987` as `26-Feb-1987`: month names are matched in that form.
fn title_case(text: &str) -> String {
    let mut inside = false;
    let lowered = text.chars().map(|c| {
        let keep = !inside;
        inside = c.is_ascii_alphabetic();
        if keep { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    });
    lowered.collect()
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
    fn dates_of_many_forms() {
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
        check("2024-07-04 10:00:00.123 EST", "none");
        check("2024-07-04 10:00:00.12 ET", "none");
        check("2024-07-04T10:00[America/New_York]", "none");
        check("yesterday", "none");
        check("", "none");
        check("99-99-9999", "none");
    }
}

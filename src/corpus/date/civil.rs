//! Dates with a clock time and a time zone in usual spellings, to calendar values.

use super::{
    DateOrder,
    tokens::{Kind, Token, tokenize},
    vocabulary::{Word, Zone, is_clock_word, meanings},
};

/// The first two-digit year of the 20th century, as POSIX has it: 69 is 1969, 68 is 2068.
const PIVOT: u64 = 69;

/// A date as it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct WrittenDate {
    pub day: Day,
    /// Hour, minute, second, milliseconds.
    pub time: (i8, i8, i8, i32),
    /// UTC if `None`.
    pub zone: Option<Zone>,
}

/// A calendar day as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Day {
    /// Year, month, day, and the order of day and month if the numbers alone show it.
    Known { year: u64, month: u64, day: u64, shows: Option<DateOrder> },
    /// Two numbers that may each be the day or the month.
    Ambiguous { year: u64, first: u64, second: u64 },
}

impl Default for Day {
    fn default() -> Self {
        Day::known(0, 0, 0)
    }
}

impl Day {
    fn known(year: u64, month: u64, day: u64) -> Day {
        Day::Known { year, month, day, shows: None }
    }
}

/// A number of the day, with its digits and the separator before it.
struct Part {
    value: u64,
    digits: usize,
    separator: Option<char>,
}

/// What the tokens of a date have given so far.
#[derive(Default)]
struct Parser {
    parts: Vec<Part>,
    month: Option<(i8, usize)>,
    time: Option<(u64, u64, u64, i32)>,
    pm: Option<bool>,
    zone: Option<Zone>,
    offset: bool,
}

/// Reads a date; `None` if anything in `text` is neither a part of a date nor a word that goes with one.
pub(super) fn parse(text: &str) -> Option<WrittenDate> {
    let tokens = tokenize(text)?;
    let mut parser = Parser::default();
    let mut at = 0;
    while at < tokens.len() {
        at += parser.step(&tokens, at)?;
    }
    parser.finish(text)
}

fn number(tokens: &[Token], at: usize) -> Option<(u64, usize)> {
    match tokens.get(at)?.kind {
        Kind::Number(value, digits) => Some((value, digits)),
        _ => None,
    }
}

fn separator(tokens: &[Token], at: usize) -> Option<char> {
    match tokens.get(at)?.kind {
        Kind::Separator(c) => Some(c),
        _ => None,
    }
}

fn word(tokens: &[Token], at: usize) -> Option<&str> {
    match &tokens.get(at)?.kind {
        Kind::Word(word) => Some(word),
        _ => None,
    }
}

impl Parser {
    /// Reads what stands at `at`: how many tokens it took.
    fn step(&mut self, tokens: &[Token], at: usize) -> Option<usize> {
        match &tokens[at].kind {
            // A stamp: YYYYMMDDHHMMSS.
            Kind::Number(value, 14) if self.parts.is_empty() && self.time.is_none() => {
                let (day, clock) = (value / 1_000_000, value % 1_000_000);
                self.parts.push(Part { value: day, digits: 8, separator: None });
                self.time = Some((clock / 10_000, clock / 100 % 100, clock % 100, 0));
                Some(1)
            }
            Kind::Number(value, digits) => match self.clock(tokens, at) {
                Some(used) => Some(used),
                None => {
                    let before = at.checked_sub(1).and_then(|before| separator(tokens, before));
                    self.parts.push(Part { value: *value, digits: *digits, separator: before });
                    Some(1)
                }
            },
            Kind::Word(word) => self.word(tokens, at, word),
            Kind::Separator(sign @ ('+' | '-')) if self.time.is_some() && !self.offset => {
                Some(self.utc_offset(tokens, at, *sign).unwrap_or(1))
            }
            Kind::Separator(c) => ",.:;/-()|'·•@\u{60c}".contains(*c).then_some(1),
        }
    }

    /// A clock time: 8:00, 8:00:30.123, 8h30, 8 am, 08.30 Uhr, or T080000.
    fn clock(&mut self, tokens: &[Token], at: usize) -> Option<usize> {
        let (hour, digits) = number(tokens, at)?;
        if self.time.is_some() {
            return None;
        }
        let compact =
            at > 0 && word(tokens, at - 1) == Some("t") && tokens[at].glued || self.has_compact_day();
        if compact && (digits == 6 || digits == 4) {
            let (hour, rest) =
                if digits == 6 { (hour / 10_000, hour % 10_000) } else { (hour / 100, hour % 100 * 100) };
            self.time = Some((hour, rest / 100, rest % 100, 0));
            return Some(1);
        }
        if digits > 2 {
            return None;
        }
        let two_digits = |at: usize| number(tokens, at).filter(|(_, digits)| *digits == 2);
        match separator(tokens, at + 1) {
            Some(':') => {
                let Some((minute, _)) = number(tokens, at + 2) else {
                    // An hour alone, as in "8時".
                    self.time = Some((hour, 0, 0, 0));
                    return Some(2);
                };
                let (mut used, mut second, mut millis) = (3, 0, 0);
                if separator(tokens, at + 3) == Some(':')
                    && let Some((value, _)) = number(tokens, at + 4)
                {
                    (used, second) = (5, value);
                    if let Some('.' | ',') = separator(tokens, at + 5)
                        && tokens.get(at + 6).is_some_and(|token| token.glued)
                        && let Some((value, digits)) = number(tokens, at + 6)
                    {
                        used = 7;
                        millis = milliseconds(value, digits);
                    }
                }
                self.time = Some((hour, minute, second, millis));
                Some(used)
            }
            Some('.') => {
                let (minute, _) = two_digits(at + 2)?;
                let announced = at > 0 && word(tokens, at - 1).is_some_and(is_clock_word)
                    || at > 1
                        && separator(tokens, at - 1) == Some('.')
                        && word(tokens, at - 2).is_some_and(is_clock_word)
                    || word(tokens, at + 3).is_some_and(is_clock_word);
                if !announced && !self.has_day() {
                    return None;
                }
                self.time = Some((hour, minute, 0, 0));
                Some(3)
            }
            _ => match word(tokens, at + 1)? {
                "h" | "u" => {
                    let minute = two_digits(at + 2);
                    self.time = Some((hour, minute.map_or(0, |m| m.0), 0, 0));
                    Some(if minute.is_some() { 3 } else { 2 })
                }
                "uhr" => {
                    self.time = Some((hour, 0, 0, 0));
                    Some(2)
                }
                next => {
                    let marks = meanings(next);
                    let pm = marks.contains(&Word::Pm);
                    // "6 am" may begin a German date: only an hour after the day is one.
                    let is_hour = (pm || marks.contains(&Word::Am)) && self.has_day();
                    is_hour.then(|| {
                        (self.time, self.pm) = (Some((hour, 0, 0, 0)), Some(pm));
                        2
                    })
                }
            },
        }
    }

    fn word(&mut self, tokens: &[Token], at: usize, word: &str) -> Option<usize> {
        // Vietnamese has "month 5".
        if word == "thang"
            && let Some((month @ 1..=12, _)) = number(tokens, at + 1)
        {
            self.month = Some((month as i8, self.parts.len()));
            return Some(2);
        }
        let meanings = meanings(word);
        for meaning in &meanings {
            match meaning {
                Word::Month(month) if self.month.is_none() => {
                    // "mar 6 mag": a weekday where another word is a month too.
                    let later = tokens[at + 1..].iter().any(|token| match &token.kind {
                        Kind::Word(next) => {
                            matches!(super::vocabulary::meanings(next)[..], [Word::Month(_), ..])
                        }
                        _ => false,
                    });
                    if !(later && word == "mar") {
                        self.month = Some((*month, self.parts.len()));
                    }
                    return Some(1);
                }
                Word::Am | Word::Pm if self.time.is_some() || meanings.len() == 1 => {
                    self.pm = Some(*meaning == Word::Pm);
                    return Some(1);
                }
                Word::Zone(zone) if self.time.is_some() => {
                    // An offset that is given says more than the name of the zone behind it.
                    if !self.offset {
                        self.zone = Some(zone.clone());
                    }
                    return Some(1);
                }
                _ => {}
            }
        }
        meanings.contains(&Word::Ignored).then_some(1)
    }

    /// An offset behind a clock time: +0200, +02:00, +2.
    fn utc_offset(&mut self, tokens: &[Token], at: usize, sign: char) -> Option<usize> {
        let (value, digits) = number(tokens, at + 1).filter(|_| tokens[at + 1].glued)?;
        let (hours, minutes, used) = match digits {
            4 => (value / 100, value % 100, 2),
            1 | 2 => {
                match separator(tokens, at + 2).filter(|c| *c == ':').and_then(|_| number(tokens, at + 3)) {
                    Some((minutes, 2)) => (value, minutes, 4),
                    _ => (value, 0, 2),
                }
            }
            _ => return None,
        };
        if hours > 14 || minutes > 59 {
            return None;
        }
        let minutes = (hours * 60 + minutes) as i64;
        self.zone = Some(Zone::Offset(if sign == '-' { -minutes } else { minutes }));
        self.offset = true;
        Some(used)
    }

    fn has_compact_day(&self) -> bool {
        self.parts.len() == 1 && self.parts[0].digits == 8
    }

    fn has_day(&self) -> bool {
        self.parts.len() + usize::from(self.month.is_some()) >= 3 || self.has_compact_day()
    }

    fn finish(self, text: &str) -> Option<WrittenDate> {
        let (mut hour, minute, second, millis) = self.time.unwrap_or_default();
        match self.pm {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut day = self.day()?;
        let thai = text.chars().any(|c| ('\u{e00}'..='\u{e7f}').contains(&c));
        if let Day::Known { year: year @ 2400..2700, .. } = &mut day
            && thai
        {
            // Years of the Buddhist era.
            *year -= 543;
        }
        Some(WrittenDate {
            day,
            time: (hour as i8, minute as i8, second.min(59) as i8, millis),
            zone: self.zone,
        })
    }

    fn day(&self) -> Option<Day> {
        let long = |part: &Part| part.digits == 4;
        match (self.month, &self.parts[..]) {
            (Some((month, _)), [year]) if long(year) => Some(Day::known(year.value, month as u64, 1)),
            (Some((month, _)), [a, b]) => {
                let (year, day) = if long(a) { (a, b) } else { (b, a) };
                (day.digits <= 2).then_some(())?;
                Some(Day::known(full_year(year)?, month as u64, day.value))
            }
            (None, [day]) if day.digits == 8 => {
                Some(Day::known(day.value / 10_000, day.value / 100 % 100, day.value % 100))
            }
            (None, [a, b]) if b.separator.is_some_and(|c| c == '-' || c == '/' || c == '.') => {
                let (year, month) = if long(a) { (a, b) } else { (b, a) };
                (long(year) && month.digits <= 2).then(|| Day::known(year.value, month.value, 1))
            }
            (None, [a, b, c]) => numeric_day(a, b, c),
            _ => None,
        }
    }
}

/// A day of three numbers.
fn numeric_day(a: &Part, b: &Part, c: &Part) -> Option<Day> {
    let between = (b.separator?, c.separator?);
    if !"-/.".contains(between.0) || between.0 != between.1 && a.digits != 4 || b.digits > 2 {
        return None;
    }
    if a.digits == 4 {
        return (c.digits <= 2).then(|| Day::known(a.value, b.value, c.value));
    }
    if a.digits > 2 {
        return None;
    }
    if a.value > 31 {
        return Some(Day::known(full_year(a)?, b.value, c.value));
    }
    let year = full_year(c)?;
    Some(match between.0 {
        // With dots the day comes first in every country that writes dates with dots.
        '.' => Day::known(year, b.value, a.value),
        _ if a.value > 12 => {
            Day::Known { year, month: b.value, day: a.value, shows: Some(DateOrder::DayFirst) }
        }
        _ if b.value > 12 => {
            Day::Known { year, month: a.value, day: b.value, shows: Some(DateOrder::MonthFirst) }
        }
        _ if a.value == b.value => Day::known(year, a.value, b.value),
        _ => Day::Ambiguous { year, first: a.value, second: b.value },
    })
}

fn full_year(part: &Part) -> Option<u64> {
    match part.digits {
        4 => Some(part.value),
        2 => Some(part.value + if part.value < PIVOT { 2000 } else { 1900 }),
        _ => None,
    }
}

/// A fraction of a second, in milliseconds.
fn milliseconds(value: u64, digits: usize) -> i32 {
    let millis = match digits {
        0..=3 => value * 10u64.pow(3 - digits as u32),
        _ => value / 10u64.pow(digits as u32 - 3),
    };
    i32::try_from(millis).unwrap_or(0)
}

//! Tokens of a date: numbers, words and separators.

use super::vocabulary::fold;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    /// Whether it follows the token before it without white space.
    pub glued: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A number and how many digits it has.
    Number(u64, usize),
    /// A word, folded.
    Word(String),
    /// Any other character.
    Separator(char),
}

/// Zeros of the digits that dates are written in: ASCII, Arabic, Persian, Devanagari, Bengali, Thai, full width.
const ZEROS: [char; 7] = ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}', '\u{ff10}'];

/// What is written for year, month, day, hour, minute and second in East Asia, and its ASCII form.
const EAST_ASIAN: [(&str, &str); 14] = [
    ("年", "-"),
    ("月", "-"),
    ("日", " "),
    ("号", " "),
    ("時", ":"),
    ("时", ":"),
    ("点", ":"),
    ("分", ":"),
    ("秒", " "),
    ("년", "-"),
    ("월", "-"),
    ("일", " "),
    ("시", ":"),
    ("분", ":"),
];

/// Weekdays whose characters would be taken for days and months.
const EAST_ASIAN_WEEKDAYS: [&str; 4] = ["曜日", "曜", "星期", "요일"];

/// Splits `text` into tokens; `None` if a number has more than 19 digits.
pub(super) fn tokenize(text: &str) -> Option<Vec<Token>> {
    let text = ascii_form(text);
    let mut tokens = Vec::new();
    let mut rest = text.as_str();
    let mut glued = false;
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() || c == '\u{200f}' || c == '\u{200e}' {
            glued = false;
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let length = |is: &dyn Fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let (kind, used) = if c.is_ascii_digit() {
            let used = length(&|c| c.is_ascii_digit());
            (Kind::Number(rest[..used].parse().ok()?, used), used)
        } else if is_letter(c) {
            let used = length(&is_letter);
            (Kind::Word(fold(&rest[..used])), used)
        } else {
            (Kind::Separator(c), c.len_utf8())
        };
        tokens.push(Token { kind, glued });
        glued = true;
        rest = &rest[used..];
    }
    Some(tokens)
}

/// Letters, and the vowel signs and accents within words.
fn is_letter(c: char) -> bool {
    let combining = ('\u{300}'..='\u{36f}').contains(&c) || ('\u{900}'..='\u{e4f}').contains(&c);
    (c.is_alphabetic() || combining) && c.to_digit(10).is_none()
}

/// `text` with ASCII digits and with ASCII separators for East Asian ones.
fn ascii_form(text: &str) -> String {
    let digit = |c: char| {
        let value = |zero: &char| (c as u32).checked_sub(*zero as u32).filter(|value| *value < 10);
        let value = ZEROS.iter().find_map(value);
        value.and_then(|value| char::from_digit(value, 10)).unwrap_or(match c {
            '–' | '—' | '‐' | '‑' | '−' => '-',
            '’' | 'ʼ' => '\'',
            '：' => ':',
            '／' => '/',
            c => c,
        })
    };
    let mut text: String = text.chars().map(digit).collect();
    text = text.replace("a.m.", "am").replace("p.m.", "pm").replace("A.M.", "am").replace("P.M.", "pm");
    if text.is_ascii() {
        return text;
    }
    for weekday in EAST_ASIAN_WEEKDAYS {
        if let Some(at) = text.find(weekday) {
            // The day's own character stands before the word, in Chinese after it.
            let (before, after) = (&text[..at], &text[at + weekday.len()..]);
            text = if weekday == "星期" {
                format!("{before} {}", after.chars().skip(1).collect::<String>())
            } else {
                let end = before.char_indices().next_back().map_or(0, |(i, _)| i);
                format!("{} {after}", &before[..end])
            };
        }
    }
    for weekday in [
        "(日)",
        "(月)",
        "(火)",
        "(水)",
        "(木)",
        "(金)",
        "(土)",
        "（日）",
        "（月）",
        "（火）",
        "（水）",
        "（木）",
        "（金）",
        "（土）",
    ] {
        text = text.replace(weekday, " ");
    }
    for (word, ascii) in EAST_ASIAN {
        text = text.replace(word, ascii);
    }
    text
}

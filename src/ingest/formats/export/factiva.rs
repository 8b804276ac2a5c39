//! Exports of Factiva.
//!
//! Each article ends with its accession number ("Document NORP000020310506e0"). Its fields stand in a fixed order, or
//! behind codes ("HD", "PD", "TD").

use super::{
    Article, Export,
    html::MARK,
    lines::{Line, byline, filled, find_date, is_name, lines, states_rights},
};

/// The end of the class of headlines in HTML: `enHeadline`, `frHeadline`.
pub(super) const HEADLINE: &str = "Headline";

/// The codes of fields (Dow Jones, "Factiva field codes").
const CODES: [&str; 33] = [
    "SE", "HD", "BY", "CR", "WC", "PD", "ET", "SN", "SC", "NGC", "GC", "ED", "PG", "VOL", "LA", "CY", "CX",
    "LP", "TD", "CT", "RF", "CO", "IN", "NS", "RE", "IPC", "IPD", "PUB", "AN", "ART", "CLM", "DS", "MC",
];

/// Lines behind the outlet that are the language of an article.
const LANGUAGES: [&str; 22] = [
    "English",
    "Français",
    "French",
    "Deutsch",
    "German",
    "Español",
    "Spanish",
    "Italiano",
    "Italian",
    "Português",
    "Portuguese",
    "Nederlands",
    "Dutch",
    "Svenska",
    "Swedish",
    "Dansk",
    "Norsk",
    "Suomi",
    "Polski",
    "Русский",
    "日本語",
    "中文",
];

/// Splits an export.
pub(super) fn split(text: &str) -> Option<Export> {
    if !text.contains("Document ") {
        return None;
    }
    let lines = filled(&lines(text));
    let mut articles = Vec::new();
    let mut start = 0;
    for (at, line) in lines.iter().enumerate() {
        if let Some(id) = accession_number(line.text) {
            let body = &lines[start..at];
            let article = coded(body).or_else(|| ordered(body));
            articles.extend(article.map(|article| Article { id: Some(id.to_string()), ..article }));
            start = at + 1;
        }
    }
    (!articles.is_empty()).then_some(Export { articles, stated: None })
}

/// The accession number in a line "Document NORP000020310506e0001": the source, its edition, a day and a suffix.
fn accession_number(line: &str) -> Option<&str> {
    let (before, number) = line.rsplit_once("Document ")?;
    let has_code = before.is_empty() || before.trim() == "AN";
    let bytes = number.as_bytes();
    let is_form = (16..=32).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
    let is_day = |window: &[u8]| {
        window.iter().all(u8::is_ascii_digit) && matches!(window[..2], [b'1', b'9'] | [b'2', b'0'])
    };
    let has_day = bytes.get(4..).is_some_and(|rest| rest.windows(8).any(is_day));
    let has_source = bytes.iter().take(3).all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (has_code && is_form && has_day && has_source).then_some(number)
}

/// The name of the field that begins in `line`, and what stands behind it.
fn code(line: &str) -> Option<(&'static str, &str)> {
    CODES.iter().find_map(|code| {
        let rest = line.strip_prefix(code)?;
        let is_code = rest.is_empty() || rest.starts_with(['\t', '\u{a0}']) || rest.starts_with("  ");
        is_code.then(|| (*code, rest.trim()))
    })
}

/// An article whose fields stand behind codes.
fn coded(lines: &[Line]) -> Option<Article> {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        match code(line.text) {
            Some((name, "")) => fields.push((name, Vec::new())),
            Some((name, value)) => fields.push((name, vec![value])),
            None => {
                if let Some((_, values)) = fields.last_mut() {
                    values.push(unmarked(line.text));
                }
            }
        }
    }
    let texts = |name: &str| fields.iter().find(|(code, _)| *code == name).map(|(_, values)| values);
    let text = |name: &str| texts(name).map(|values| values.join(" ")).filter(|text| !text.is_empty());
    let body: Vec<&str> = ["LP", "TD"].iter().filter_map(|name| texts(name)).flatten().copied().collect();
    if body.is_empty() {
        return None;
    }
    let date = text("PD").map(|day| match text("ET").filter(|time| is_time(time)) {
        Some(time) => format!("{day} {time}"),
        None => day,
    });
    Some(Article {
        title: text("HD")?,
        text: body.join("\n\n"),
        date,
        source: text("SN"),
        byline: text("BY"),
        line: lines.first()?.number,
        ..Article::default()
    })
}

/// An article whose fields stand in a fixed order: title, author, number of words, date, time, outlet, code of the outlet,
/// page, language, rights; then its text.
fn ordered(lines: &[Line]) -> Option<Article> {
    let words = (0..lines.len().min(40)).find(|&at| {
        is_word_count(lines[at].text)
            && lines.get(at + 1).is_some_and(|next| next.text.len() < 60 && find_date(next.text).is_some())
    })?;
    let mut head = &lines[..words];
    let mut found = Article::default();
    if let [.., title, last] = head {
        // A name alone is the author's below a longer line, which is the title and no section.
        let is_below_title = title.text.starts_with(MARK) || title.text.len() > last.text.len();
        let is_author = is_name(last.text) && is_below_title;
        if let Some(name) = byline(last.text).or(is_author.then_some(last.text)) {
            found.byline = Some(name.to_string());
            head = &head[..head.len() - 1];
        }
    }
    let title = head.iter().find(|line| line.text.starts_with(MARK)).or(head.last())?;
    (found.title, found.line) = (unmarked(title.text).to_string(), title.number);
    found.date = find_date(lines[words + 1].text);
    let mut at = words + 2;
    if lines.get(at).is_some_and(|line| is_time(line.text)) {
        found.date = found.date.map(|day| format!("{day} {}", lines[at].text));
        at += 1;
    }
    found.source = lines.get(at).map(|line| line.text.to_string());
    at += 1;
    // The rights end the head; without them the lines of known forms do.
    let rights = lines[at.min(lines.len())..].iter().take(7).position(|line| states_rights(line.text));
    at = match rights {
        Some(rights) => at + rights + 1,
        None => {
            let is_head = |line: &&Line| is_head_line(line.text);
            at + lines[at.min(lines.len())..].iter().take(5).take_while(is_head).count()
        }
    };
    let body: Vec<&str> = lines.get(at..)?.iter().map(|line| unmarked(line.text)).collect();
    found.text = body.join("\n\n");
    Some(found).filter(|article| !article.title.is_empty() || !article.text.is_empty())
}

/// Whether a line counts the words of an article: "35 words", "1.204 Wörter".
fn is_word_count(line: &str) -> bool {
    let Some((number, noun)) = line.rsplit_once(|c: char| c.is_whitespace()) else { return false };
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || [',', '.', '\''].contains(&c));
    line.len() <= 24 && is_number && noun.chars().all(char::is_alphabetic)
}

/// Whether a line is a time of day: "15:32", "3:32 PM GMT".
fn is_time(line: &str) -> bool {
    let digits = line.split(':').next().unwrap_or_default();
    line.len() <= 16
        && line.contains(':')
        && (1..=2).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a line between the outlet and the text is its code, the page, or the language.
fn is_head_line(line: &str) -> bool {
    let is_code = line.len() <= 8 && line.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let is_page = line.len() <= 8 && line.bytes().any(|b| b.is_ascii_digit()) && !line.contains(' ');
    is_code || is_page || LANGUAGES.contains(&line)
}

/// The text of a line without the mark of a class.
fn unmarked(line: &str) -> &str {
    match line.strip_prefix(MARK).and_then(|rest| rest.split_once(MARK)) {
        Some((_, text)) => text.trim(),
        None => line,
    }
}

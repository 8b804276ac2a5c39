//! Stories on a page of plain text: one, or several that begin at date lines.
//!
//! ```text
//! Title
//! 2031-07-04 20:36 Last Updated At:22:47     ← a date line: the block before it is a title
//! paragraphs …
//! captions, "Next Article"                   ← page chrome
//! Title
//! 2031-07-05 …
//! ```

use super::export;
use crate::{
    corpus::{date, page_chrome},
    ingest::{
        NoticeKind,
        sink::{Record, StorySink},
    },
};

/// The longest title, in bytes; a longer block is a paragraph.
const MAX_TITLE: usize = 200;

/// Reads one page, or the articles of an export.
pub(super) fn read(text: &str, sink: &mut StorySink) {
    if export::read_text(text, sink) {
        return;
    }
    read_dated(text, None, sink);
}

/// Whether a page has several date lines.
pub(super) fn has_several(text: &str) -> bool {
    text.lines().filter(|line| date_line(line).is_some()).nth(1).is_some()
}

/// Reads one page that has a date of its own, which is that of its story if it is one without a date line.
pub(super) fn read_dated(text: &str, date: Option<String>, sink: &mut StorySink) {
    let blocks = split_blocks(text);
    let dates: Vec<usize> = (0..blocks.len()).filter(|&i| date_line(blocks[i].1).is_some()).collect();
    let mut stories = if dates.is_empty() { vec![undated(&blocks)] } else { dated(&blocks, &dates) };
    let several = stories.len() > 1;
    if let [story] = &mut stories[..] {
        story.date = date;
    }
    for (part, story) in stories.into_iter().enumerate() {
        let part = part as u32;
        let id = if several { sink.part_id(part) } else { sink.file_id() };
        if story.text.is_empty() && !story.title.is_empty() {
            sink.notice(story.line, NoticeKind::ChromeOnly);
        }
        sink.record(Record { id: Some(id), part, ..story });
    }
}

/// Splits `text` into blocks of lines at blank lines, each with the number of its first line. A date line is a block of its
/// own.
fn split_blocks(text: &str) -> Vec<(u64, &str)> {
    let mut blocks: Vec<(u64, &str)> = Vec::new();
    // Where the current block begins, and its line number.
    let (mut open_block, mut at) = (None, 0);
    for (number, line) in (1u64..).zip(text.split_inclusive('\n')) {
        let start = at;
        at += line.len();
        let is_date = date_line(line).is_some();
        if line.trim().is_empty() || is_date {
            if let Some((from, first)) = open_block.take() {
                blocks.push((first, text[from..start].trim()));
            }
            if is_date {
                blocks.push((number, line.trim()));
            }
        } else if open_block.is_none() {
            open_block = Some((start, number));
        }
    }
    if let Some((from, first)) = open_block {
        blocks.push((first, text[from..].trim()));
    }
    blocks
}

/// The time of a line that is a date with a clock time and little else, in milliseconds since 1970 UTC.
fn date_line(line: &str) -> Option<i64> {
    let line = line.trim();
    let head = line.get(..16)?;
    let digits = |range: std::ops::Range<usize>| head.as_bytes()[range].iter().all(u8::is_ascii_digit);
    let is_time = digits(0..4) && digits(5..7) && digits(8..10) && digits(11..13) && digits(14..16);
    let rest = line[16..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ':').trim().to_lowercase();
    let zone = ["utc", "gmt"].iter().find_map(|zone| rest.strip_prefix(zone));
    let has_known_suffix = rest.is_empty() || ["last updated", "updated"].iter().any(|p| rest.starts_with(p));
    if !is_time || !(has_known_suffix || zone.is_some()) || line.len() > 80 {
        return None;
    }
    Some(date::parse(&head.replace('T', " "))? - zone.map_or(0, utc_offset))
}

/// The offset of a time zone from UTC in milliseconds, as it stands after "UTC" or "GMT": "+8", "-05:30", "+0530".
fn utc_offset(offset: &str) -> i64 {
    let offset = offset.trim_start();
    let sign = match offset.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return 0,
    };
    let digits: String = offset[1..].chars().take_while(char::is_ascii_digit).collect();
    let minutes = offset[1 + digits.len()..].strip_prefix(':').and_then(|m| m.get(..2)).unwrap_or_default();
    let number = |text: &str| text.parse::<i64>().unwrap_or(0);
    sign * 60_000
        * match digits.len() {
            1 | 2 => number(&digits) * 60 + number(minutes),
            4 => number(&digits[..2]) * 60 + number(&digits[2..]),
            _ => 0,
        }
}

/// The story of a page without date lines.
fn undated(blocks: &[(u64, &str)]) -> Record {
    let Some(&(line, first)) = blocks.first() else { return Record::default() };
    // The first block is a title if it is a single short line with more blocks below.
    let (head, rest) = first.split_once('\n').unwrap_or((first, ""));
    let has_title = blocks.len() > 1 && rest.is_empty() && head.len() <= MAX_TITLE;
    let body = if has_title { &blocks[1..] } else { blocks };
    let title = if has_title { head } else { "" };
    Record { title: title.into(), text: body_text(body, &[title]), line, ..Record::default() }
}

/// The stories of a page with date lines.
fn dated(blocks: &[(u64, &str)], dates: &[usize]) -> Vec<Record> {
    if let [date] = dates
        && blocks[date + 1..].iter().all(|b| page_chrome::is_page_chrome(b.1))
    {
        // The only date line is at the end of the page.
        return vec![Record { published: date_line(blocks[*date].1), ..undated(&blocks[..*date]) }];
    }
    // The title above a date line is the nearest block before it that is neither page chrome nor a date line.
    let title_of = |&date: &usize| {
        (0..date).rev().take_while(|&i| date_line(blocks[i].1).is_none()).find(|&i| {
            !page_chrome::is_page_chrome(blocks[i].1)
                && blocks[i].1.len() <= MAX_TITLE
                && !blocks[i].1.contains('\n')
        })
    };
    let mut titles_at: Vec<Option<usize>> = dates.iter().map(title_of).collect();
    for n in 1..dates.len() {
        // All of the block before belongs to the story of the date line before it.
        let body = dates[n - 1] + 1..titles_at[n].unwrap_or(0);
        if titles_at[n].is_some() && body.into_iter().all(|i| page_chrome::is_page_chrome(blocks[i].1)) {
            titles_at[n] = None;
        }
    }
    // Blocks before the first title are page chrome, unless one is a paragraph.
    let before = &blocks[..titles_at[0].unwrap_or(dates[0])];
    let is_paragraph = |b: &&(u64, &str)| b.1.len() > MAX_TITLE && !page_chrome::is_page_chrome(b.1);
    let first = before.iter().any(|b| is_paragraph(&b)).then(|| undated(before));
    let titles: Vec<&str> = titles_at.iter().flatten().map(|&i| blocks[i].1).collect();
    let stories = dates.iter().enumerate().map(|(n, &date)| {
        let end = match dates.get(n + 1) {
            Some(&next) => titles_at[n + 1].unwrap_or(next),
            None => blocks.len(),
        };
        let title = titles_at[n].map_or("", |i| blocks[i].1);
        let line = blocks[titles_at[n].unwrap_or(date)].0;
        let text = body_text(&blocks[date + 1..end], &titles);
        Record { title: title.into(), text, published: date_line(blocks[date].1), line, ..Record::default() }
    });
    first.into_iter().chain(stories).collect()
}

/// The text of `blocks` without page chrome; `titles` are all titles of the page, which captions repeat.
fn body_text(blocks: &[(u64, &str)], titles: &[&str]) -> String {
    let texts: Vec<&str> = blocks.iter().map(|b| b.1).collect();
    let titles: Vec<&str> = titles.iter().copied().filter(|t| !t.is_empty()).collect();
    let chrome = page_chrome::flag_page_chrome(&texts, &titles);
    let kept: Vec<&str> =
        texts.iter().zip(chrome).filter(|(_, is_chrome)| !is_chrome).map(|(t, _)| *t).collect();
    kept.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stories(text: &str) -> Vec<(String, String)> {
        let blocks = split_blocks(text);
        let dates: Vec<usize> = (0..blocks.len()).filter(|&i| date_line(blocks[i].1).is_some()).collect();
        let found = if dates.is_empty() { vec![undated(&blocks)] } else { dated(&blocks, &dates) };
        found.into_iter().map(|f| (f.title, f.text)).collect()
    }

    #[test]
    fn reads_time_zones_of_date_lines() {
        let check = |line: &str, expect: &str| assert_eq!(date_line(line), date::parse(expect), "{line}");
        check("2031-07-04 20:36 GMT", "2031-07-04T20:36:00Z");
        check("2031-07-04 20:36:10 GMT+8", "2031-07-04T12:36:00Z");
        check("2031-07-04 20:36 UTC -05:30", "2031-07-05T02:06:00Z");
        check("2031-07-04 20:36 UTC+0530", "2031-07-04T15:06:00Z");
        check("2031-07-04 20:36 GMT+8 Last Updated At:07:47", "2031-07-04T12:36:00Z");
        check("2031-07-04 20:36 GMT - updated 22:47", "2031-07-04T20:36:00Z");
        check("2031-07-04 20:36 Last updated at 22:47", "2031-07-04T20:36:00Z");
        assert_eq!(date_line("2031-07-04 20:36 by the staff"), None);
    }

    #[test]
    fn splits_pages_at_date_lines() {
        let check = |text: &str, expect: &[(&str, &str)]| {
            let found = stories(text);
            let found: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("Head\n\nBody one.\n\nBody two.", &[("Head", "Body one.\n\nBody two.")]);
        check("Only one block that is the text.", &[("", "Only one block that is the text.")]);
        check("Head\n2031-05-04 08:15\nBody.", &[("Head", "Body.")]);
        check(
            "Skip to Content\n\nA\n\nA\n\n2031-07-04 20:36 Last Updated At:22:47\n\nText a.\n\nA\n\nNext Article\n\nB\n\n\
             2031-07-05 05:08 Last Updated At:07:17\n\nText b.\n\nB\n\nRecommended Articles",
            &[("A", "Text a."), ("B", "Text b.")],
        );
        // A date at the end, a story before the first date, entries with nothing but a text, zones.
        check("Head\n\nBody.\n\n2031-07-04 20:36\n\nNext Article", &[("Head", "Body.")]);
        let long = "The water board met. ".repeat(12);
        let long = long.trim();
        check(
            &format!("First\n\n{long}\n\nSecond\n\n2031-07-04 20:36\n\nText."),
            &[("First", long), ("Second", "Text.")],
        );
        check("2031-07-04 20:36\n\nOne.\n\n2031-07-04 20:40\n\nTwo.", &[("", "One."), ("", "Two.")]);
        check("In 2031-07-04 20:36 it rained.\n\nMore.", &[("In 2031-07-04 20:36 it rained.", "More.")]);
    }
}

//! Subtitles of recordings, SubRip and WebVTT: cues joined to paragraphs.

use crate::ingest::{
    NoticeKind,
    markup::decode_entities,
    sink::{Record, StorySink},
};

/// The silence behind a sentence, in milliseconds, after which a paragraph begins.
const PAUSE: u64 = 2000;

/// Bytes after which the end of a sentence ends a paragraph too.
const LONG_PARAGRAPH: usize = 600;

/// A cue: when it begins and ends, in milliseconds, and its lines.
struct Cue<'a> {
    begin: u64,
    end: u64,
    lines: Vec<&'a str>,
}

/// Reads the subtitles of one recording, which are one story.
pub(super) fn read(text: &str, sink: &mut StorySink) {
    let cues = cues(text);
    if cues.is_empty() {
        sink.notice(0, NoticeKind::Document("it has no cues".into()));
        return;
    }
    let text = paragraphs(&cues).join("\n\n");
    let id = Some(sink.file_id());
    sink.record(Record { id, text, ..Record::default() });
}

/// Whether a text begins as subtitles do.
pub(super) fn is_subtitles(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let is_number = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
    first == "WEBVTT" || first.starts_with("WEBVTT ") || is_number && lines.next().and_then(timing).is_some()
}

fn cues(text: &str) -> Vec<Cue<'_>> {
    let mut cues: Vec<Cue> = Vec::new();
    let mut in_cue = false;
    for line in text.lines().map(str::trim) {
        if let Some((begin, end)) = timing(line) {
            cues.push(Cue { begin, end, lines: Vec::new() });
            in_cue = true;
        } else if line.is_empty() {
            // Comments, styles and numbers of cues stand between a blank line and the next timing.
            in_cue = false;
        } else if in_cue && let Some(cue) = cues.last_mut() {
            cue.lines.push(line);
        }
    }
    cues
}

/// The times of a line such as `00:00:01,000 --> 00:00:03.500 align:start`.
fn timing(line: &str) -> Option<(u64, u64)> {
    let (begin, rest) = line.split_once("-->")?;
    Some((time(begin.trim())?, time(rest.split_whitespace().next()?)?))
}

/// Milliseconds of `01:02:03,456` or `02:03.456`.
fn time(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let mut seconds = 0u64;
    let mut parts = 0;
    for part in clock.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse::<u32>().ok()?.into())?;
        parts += 1;
    }
    let fraction: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    (2..=3).contains(&parts).then_some(seconds.checked_mul(1000)?.checked_add(fraction)?)
}

fn paragraphs(cues: &[Cue]) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let (mut last_line, mut end) = (String::new(), 0);
    for cue in cues {
        let mut is_new = true;
        for line in &cue.lines {
            let line = plain(line);
            // Captions that roll up show a line again.
            if line.is_empty() || line == last_line {
                continue;
            }
            let pause = is_new && cue.begin > end + PAUSE;
            is_new = false;
            match paragraphs.last_mut() {
                Some(paragraph)
                    if !(ends_sentence(paragraph) && (pause || paragraph.len() > LONG_PARAGRAPH)) =>
                {
                    paragraph.push(' ');
                    paragraph.push_str(&line);
                }
                _ => paragraphs.push(line.clone()),
            }
            last_line = line;
        }
        end = cue.end;
    }
    paragraphs
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '’', ')']).ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

/// A line without tags (`<i>`, `<v Holt>`, `{\an8}`) and entities.
fn plain(line: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = rest.find(['<', '{']) {
        out.push_str(&rest[..at]);
        let is_tag = |close: char| rest[at..].find(close).map(|end| at + end + 1);
        let end = match rest.as_bytes().get(at..at + 2) {
            Some([b'{', b'\\']) => is_tag('}'),
            Some([b'<', b'/' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9']) => is_tag('>'),
            _ => None,
        };
        if end.is_none() {
            out.push_str(&rest[at..=at]);
        }
        rest = &rest[end.unwrap_or(at + 1)..];
    }
    out.push_str(rest);
    decode_entities(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests::stories;

    #[test]
    fn cues_are_joined_to_paragraphs() {
        let check = |name: &str, text: &str, expect: &str| {
            let (stories, notices) = stories(name, text);
            assert_eq!(stories, [(String::new(), expect.into())], "{text}: {notices:?}");
        };
        check(
            "a.srt",
            "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>It rained</i>\r\n{\\an8}in Norrin.\r\n\r\n\
             2\r\n00:00:02,100 --> 00:00:03,000\r\nIt rained again.\r\n\r\n3\r\n00:00:09,000 --> 00:00:10,000\r\nThen not.",
            "It rained in Norrin. It rained again.\n\nThen not.",
        );
        check(
            "a.vtt",
            "WEBVTT - Rain\n\nSTYLE\n::cue { color: red }\n\nNOTE a note\n\nfirst\n00:01.000 --> 00:02.000 align:start\n\
             <v Irena Holt>R&amp;D <c.x>rose</c>\n\n00:02.000 --> 00:03.000\nR&amp;D rose\nby 3 < 4 percent.",
            "R&D rose by 3 < 4 percent.",
        );
        check("a", "1\n00:00:01,000 --> 00:00:02,000\nIt rained.", "It rained.");
    }

    #[test]
    fn reads_times() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(time(text), expect, "{text}");
        check("01:02:03,456", Some(3_723_456));
        check("02:03.4", Some(123_400));
        check("00:00:01", Some(1000));
        check("5", None);
        check("a:b", None);
        check("99999999999:00:00,0", None);
    }
}

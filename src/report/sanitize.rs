//! Untrusted story text, sanitized for terminals and spreadsheets.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// `text` on one terminal line of at most `width` columns: control characters and bidirectional overrides
/// (which can rewrite what a terminal shows) become spaces, white space is collapsed, and a longer text ends with "…".
pub fn sanitize_line(text: &str, width: usize) -> String {
    let mut out = String::new();
    let (mut used, mut space) = (0, false);
    for c in text.chars() {
        if c.is_whitespace() || acts(c) {
            space = !out.is_empty();
            continue;
        }
        let columns = c.width().unwrap_or(0) + usize::from(space);
        if used + columns > width {
            while used + 1 > width {
                match out.pop() {
                    Some(last) => used -= last.width().unwrap_or(0),
                    None => return String::new(),
                }
            }
            out.push('…');
            return out;
        }
        if space {
            out.push(' ');
            space = false;
        }
        out.push(c);
        used += columns;
    }
    out
}

/// `text` as a CSV cell that no spreadsheet takes for a formula (OWASP, "CSV Injection"), nor a terminal for a command. A
/// cell that begins with `=`, `+`, `-`, `@`, also of full width or behind white space, a tab or an end of line gets a
/// leading apostrophe; characters that a terminal acts on are named.
pub(super) fn escape_cell(text: &str) -> Cow<'_, str> {
    let begins = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let text = replace_acting(text, |c| matches!(c, '\t' | '\r' | '\n'), visible);
    if text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(begins) {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

/// Whether a terminal acts on a character instead of showing it: control characters (C0, DEL, C1), and those that change
/// the direction of what follows (Unicode Standard Annex 9).
pub(super) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with each character that [`acts`] replaced, but for those that `keep` says.
pub(super) fn replace_acting<'t>(
    text: &'t str,
    keep: impl Fn(char) -> bool,
    replace: impl Fn(char) -> String,
) -> Cow<'t, str> {
    let acts = |c: char| acts(c) && !keep(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) { out += &replace(c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A name for a character where a format has no escape for it.
pub(super) fn visible(c: char) -> String {
    match u32::from(c) {
        0x7f => '\u{2421}'.into(),
        // The symbols of the control characters: Unicode block "Control Pictures".
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}').into(),
        code => format!("<U+{code:04X}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitizes_lines() {
        let check = |text: &str, width, expect: &str| assert_eq!(sanitize_line(text, width), expect);
        check("plain", 10, "plain");
        check("  a \n\t b  ", 10, "a b");
        check("\x1b[31mred\x07", 20, "[31mred");
        check("abcdef", 4, "abc…");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("a\u{202e}b", 9, "a b");
        check("a\u{61c}b\u{9b}c\u{7f}", 9, "a b c");
        check("abc", 0, "");
        check("", 5, "");
    }

    #[test]
    fn escapes_formulas() {
        let check = |text: &str, expect: &str| assert_eq!(escape_cell(text), expect);
        check("=1+1", "'=1+1");
        check("@cmd", "'@cmd");
        check("-2 degrees", "'-2 degrees");
        check("\n=1+1", "'\n=1+1");
        check(" ＝1+1", "' ＝1+1");
        check("plain = text", "plain = text");
        check("a\u{1b}[2J\u{9b}\u{7f}\u{202e}b\n", "a␛[2J<U+009B>␡<U+202E>b\n");
        check("", "");
    }
}

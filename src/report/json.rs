//! JSON that is safe on a terminal: characters that a terminal acts upon are escaped, the values are the same.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use serde::Serialize;

use super::sanitize::replace_acting;

/// Writes `value` on one line.
///
/// # Errors
/// If `out` cannot be written to.
pub fn json_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    json_text(serde_json::to_string(value)?, out)
}

/// Writes `value` with indentation.
///
/// # Errors
/// If `out` cannot be written to.
pub fn json_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    json_text(serde_json::to_string_pretty(value)?, out)
}

/// Writes one array, with a line for each value.
///
/// # Errors
/// If `out` cannot be written to.
pub fn json_array(values: &[impl Serialize], out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::from("[\n");
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            text.push_str(",\n");
        }
        text.push_str(&serde_json::to_string(value)?);
    }
    text.push_str("\n]");
    json_text(text, out)
}

/// Writes `text`, which is JSON, and a line feed.
///
/// # Errors
/// If `out` cannot be written to.
pub fn json_text(mut text: String, out: &mut dyn Write) -> io::Result<()> {
    // serde_json escapes the control characters of ASCII, but not U+009B, which begins terminal commands as ESC [ does.
    // These characters occur in strings only.
    let escaped = replace_acting(&text, |c| c == '\n', |c| format!("\\u{:04x}", u32::from(c)));
    if let Cow::Owned(escaped) = escaped {
        text = escaped;
    }
    text.push('\n');
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_terminal_control_characters() {
        let check = |text: &str, expect: &str| {
            let mut out = Vec::new();
            json_line(&text, &mut out).unwrap();
            assert_eq!(String::from_utf8(out.clone()).unwrap(), format!("{expect}\n"));
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        };
        check("plain – ü, 日本", "\"plain – ü, 日本\"");
        check("\u{9b}31mred \u{1b}[0m", "\"\\u009b31mred \\u001b[0m\"");
        check("a\u{202e}b\u{7f}", "\"a\\u202eb\\u007f\"");
        check("\u{61c}\u{2066}\n", "\"\\u061c\\u2066\\n\"");
    }
}

//! Text normalization: variants of quotes, dashes, spaces and encodings become equal before embedding and comparing.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Normalizes `text`: NFC, straight quotes, one kind of dash, "…" as three dots, the basic HTML entities decoded, white space
/// collapsed to single spaces; soft hyphens, zero-width and control characters removed. Case is kept. Idempotent.
pub fn normalize(text: &str) -> String {
    let mut out = fold(text);
    // Folding can form new entities and new combinations of letters and accents.
    for _ in 0..8 {
        let next = fold(&out);
        if next == out {
            break;
        }
        out = next;
    }
    out
}

fn fold(text: &str) -> String {
    let decoded;
    let text = if text.contains('&') {
        decoded = decode_entities(text);
        &decoded
    } else {
        text
    };
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    let mut push = |c: char| {
        if c.is_whitespace() {
            space = !out.is_empty();
            return;
        }
        let plain = match c {
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => return,
            c if c.is_control() => return,
            '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' => '\'',
            '“' | '”' | '„' | '‟' | '″' | '«' | '»' => '"',
            '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
            c => c,
        };
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        match plain {
            '…' => out.push_str("..."),
            c => out.push(c),
        }
    };
    if is_nfc(text) {
        text.chars().for_each(&mut push);
    } else {
        text.nfc().for_each(&mut push);
    }
    out
}

/// Decodes `&amp; &lt; &gt; &quot; &apos; &#39; &nbsp;`, repeatedly: "&amp;amp;lt;" is "<".
pub(crate) fn decode_entities(text: &str) -> String {
    const ENTITIES: [(&str, &str); 6] =
        [("lt;", "<"), ("gt;", ">"), ("quot;", "\""), ("apos;", "'"), ("#39;", "'"), ("nbsp;", " ")];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        // All levels of encoding in one pass: a pass per level would take quadratic time on hostile text.
        let after = after.trim_start_matches("amp;");
        let (name, plain) = ENTITIES.iter().find(|(name, _)| after.starts_with(name)).unwrap_or(&("", "&"));
        out.push_str(plain);
        rest = &after[name.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn visually_equal_texts_become_equal() {
        let check = |text: &str, expect: &str| assert_eq!(normalize(text), expect, "{text:?}");
        check("“Don’t”", "\"Don't\"");
        check(" a \n\t b ", "a b");
        check("co\u{ad}operate", "cooperate");
        check("1914–18 — war…", "1914-18 - war...");
        check("cafe\u{301}", "café");
        check("AT&amp;T &lt;T.N&gt;", "AT&T <T.N>");
        check("R&D & more", "R&D & more");
        check(&format!("&{}lt;", "amp;".repeat(40)), "<");
        check("&amp;am&p;&", "&am&p;&");
        check("a\u{0}b\u{feff}", "ab");
        check("", "");
    }

    proptest! {
        #[test]
        fn normalization_is_idempotent(text in "\\PC{0,80}|[&amplt;gt\\s\u{301}e]{0,30}") {
            let once = normalize(&text);
            prop_assert_eq!(normalize(&once), once);
        }
    }
}

//! Markup inside the fields of records: HTML fragments and entities, to plain text.

use markup5ever::data::NAMED_ENTITIES;

use super::formats::html::tokenizer::{BLOCKS, next_tag, strip_tags};

/// Elements that mark a text as HTML. Names in angle brackets that are none of these are text, as in "<T.N>".
const ELEMENTS: [&str; 52] = [
    "a",
    "abbr",
    "article",
    "aside",
    "audio",
    "b",
    "blockquote",
    "body",
    "br",
    "button",
    "center",
    "cite",
    "code",
    "div",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "li",
    "ol",
    "p",
    "picture",
    "pre",
    "script",
    "section",
    "small",
    "source",
    "span",
    "strong",
    "style",
    "sub",
    "sup",
    "table",
    "td",
    "time",
    "tr",
    "u",
    "ul",
    "video",
];

/// Rounds of decoding. Each makes the text shorter; hostile text could need as many rounds as it has characters.
const MAX_ROUNDS: usize = 64;

/// The text of a field that may hold HTML, however often it was encoded. Block elements are separated by blank lines.
pub(super) fn to_text(field: String) -> String {
    if !field.contains(['&', '<']) {
        return field;
    }
    let mut text = field;
    for _ in 0..MAX_ROUNDS {
        let stripped = if is_html(&text) { squeeze(&strip_tags(&text)) } else { text.clone() };
        let decoded = decode_entities(&stripped);
        if decoded == text {
            break;
        }
        text = decoded;
    }
    text
}

/// The text of a piece of HTML.
pub(super) fn strip(html: &str) -> String {
    decode_entities(&squeeze(&strip_tags(html)))
}

/// Whether `text` is markup: it has a known element with its end, a tag with attributes, or a block element that is no word
/// of a sentence. Text that merely talks of `<b>` or of the tag `<br>` is none.
fn is_html(text: &str) -> bool {
    let mut open = [false; ELEMENTS.len()];
    let mut rest = text;
    while let Ok(tag) = next_tag(rest) {
        let markup = &rest[tag.before.len()..rest.len() - tag.after.len()];
        let known = ELEMENTS.iter().position(|name| *name == tag.name).filter(|_| markup.ends_with('>'));
        if let Some(element) = known {
            let has_attributes = markup.contains('=') || tag.self_closing;
            let is_block = BLOCKS.contains(&&*tag.name) && !is_word(tag.before, tag.after);
            if tag.is_end && open[element] || !tag.is_end && (has_attributes || is_block) {
                return true;
            }
            open[element] |= !tag.is_end;
        }
        rest = tag.after;
    }
    false
}

/// Whether what stands between `before` and `after` is a word of a sentence: spaces, or a punctuation mark, are around it.
fn is_word(before: &str, after: &str) -> bool {
    before.ends_with([' ', '\u{a0}', '(', '"', '“', '`', '\''])
        && (after.is_empty() || after.starts_with(|c: char| " \u{a0}.,;:!?)\"”`'".contains(c)))
}

/// Paragraphs without white space around them, with one blank line between them.
fn squeeze(text: &str) -> String {
    let mut paragraphs: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => last.push(line),
            Some(last) if !last.is_empty() => paragraphs.push(Vec::new()),
            _ => {}
        }
    }
    let paragraphs: Vec<String> =
        paragraphs.into_iter().filter(|lines| !lines.is_empty()).map(|l| l.join("\n")).collect();
    paragraphs.join("\n\n")
}

/// Decodes all named and numeric entities of HTML. A no-break space becomes a space.
pub(super) fn decode_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        // However often an ampersand was encoded, it is decoded in one pass.
        let after = after.trim_start_matches("amp;");
        match entity(after) {
            Some((decoded, used)) => {
                out.extend(decoded.into_iter().flatten().map(|c| if c == '\u{a0}' { ' ' } else { c }));
                rest = &after[used..];
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The characters of an entity at the beginning of `text`, after the ampersand, and its length.
fn entity(text: &str) -> Option<([Option<char>; 2], usize)> {
    let end = text.bytes().take(40).position(|b| b == b';')?;
    let name = &text[..end];
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        // Pages that say windows-1252 by mistake number its characters.
        let c = match u8::try_from(code) {
            Ok(byte @ 0x80..=0x9f) => {
                encoding_rs::WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next()?
            }
            _ => char::from_u32(code).filter(|c| !c.is_control() || c.is_whitespace())?,
        };
        return Some(([Some(c), None], end + 1));
    }
    let &(first, second) = NAMED_ENTITIES.get(text.get(..=end)?)?;
    let c = |code: u32| char::from_u32(code).filter(|c| *c != '\0');
    c(first).map(|first| ([Some(first), c(second)], end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_fields_with_markup_as_text() {
        let check = |field: &str, expect: &str| assert_eq!(to_text(field.into()), expect, "{field}");
        check("Plain & simple.", "Plain & simple.");
        check("<p>One <b>two</b>.</p>\n<p>Three.</p>", "One two.\n\nThree.");
        check("<figure class=\"x\"><img src=\"a.jpg\" alt=\"\"/></figure><p>Text.</p>", "Text.");
        check("&lt;p&gt;One &amp;amp; two.&lt;/p&gt;", "One & two.");
        check("One.<br/>Two.<script>var x = '<p>';</script>", "One.\n\nTwo.");
        check("AT&T <T.N> rose as a < b and b > a.", "AT&T <T.N> rose as a < b and b > a.");
        check("if a <b then", "if a <b then");
        check("One.<br>Two.", "One.\n\nTwo.");
        check("<p>One.", "One.");
        check("See <a href=\"x\">this", "See this");
    }

    #[test]
    fn text_that_talks_of_tags_keeps_them() {
        for text in [
            "Editors wrote <b> where they meant bold, and a < b where they meant less.",
            "The tag <br> breaks a line (<br>), and \"<p>\" begins a paragraph.",
            "x <i and y> z",
            "The ticker <T.N> fell.",
        ] {
            assert_eq!(to_text(text.into()), text);
        }
    }

    proptest! {
        #[test]
        fn text_is_not_changed_again(field in "(<p>|</p>|<|>|&|amp;|lt;|gt;|#60;|;|a|b| |\n){0,60}") {
            let text = to_text(field);
            prop_assert_eq!(to_text(text.clone()), text);
        }
    }

    #[test]
    fn decodes_all_entities() {
        let check = |text: &str, expect: &str| assert_eq!(decode_entities(text), expect, "{text}");
        check("won&#8217;t &#x2014; caf&eacute;&hellip; &ldquo;x&rdquo;&nbsp;y", "won’t — café… “x” y");
        check("&#146;&#128;", "’€");
        check("R&D & &unknown; &#0; &#x110000; &;", "R&D & &unknown; &#0; &#x110000; &;");
    }
}

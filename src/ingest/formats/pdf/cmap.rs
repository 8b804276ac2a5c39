//! Maps from the codes of a font to text (ISO 32000-1, 9.10.3; Adobe technical note 5411).

use std::collections::HashMap;

/// The most codes that a map may hold.
const MAX_CODES: usize = 1 << 16;

/// A map from codes to text.
#[derive(Debug, Default)]
pub(super) struct ToUnicode {
    /// The length of a code in bytes, if the map says so.
    pub code_bytes: Option<usize>,
    pub texts: HashMap<u32, String>,
}

enum Token<'a> {
    Hex(Vec<u8>),
    Open,
    Close,
    Word(&'a [u8]),
}

impl ToUnicode {
    /// Reads a map; what is no entry is passed over.
    pub(super) fn parse(cmap: &[u8]) -> Self {
        let mut map = ToUnicode::default();
        let (mut operands, mut lists): (Vec<Vec<u8>>, Vec<Vec<Vec<u8>>>) = (Vec::new(), Vec::new());
        let mut inside = None::<Vec<Vec<u8>>>;
        for token in tokens(cmap) {
            match token {
                Token::Hex(bytes) => inside.as_mut().unwrap_or(&mut operands).push(bytes),
                Token::Open => inside = Some(Vec::new()),
                Token::Close => {
                    // A list stands in the place of the third operand of a range.
                    if let Some(list) = inside.take() {
                        operands.push(Vec::new());
                        lists.push(list);
                    }
                }
                Token::Word(word) => {
                    match word {
                        b"endcodespacerange" => {
                            map.code_bytes = operands.first().map(Vec::len).filter(|n| *n > 0)
                        }
                        b"endbfchar" => {
                            operands.chunks_exact(2).for_each(|pair| map.put(code(&pair[0]), &pair[1], 0))
                        }
                        b"endbfrange" => map.put_ranges(&operands, std::mem::take(&mut lists)),
                        _ => {}
                    }
                    operands.clear();
                    lists.clear();
                }
            }
            if operands.len() > MAX_CODES * 3 {
                break;
            }
        }
        map
    }

    fn put_ranges(&mut self, operands: &[Vec<u8>], lists: Vec<Vec<Vec<u8>>>) {
        let mut lists = lists.into_iter();
        for range in operands.chunks_exact(3) {
            let (first, last) = (code(&range[0]), code(&range[1]));
            let codes = (first..=last).take(MAX_CODES).enumerate();
            if range[2].is_empty() {
                let list = lists.next().unwrap_or_default();
                codes.zip(list).for_each(|((_, code), text)| self.put(code, &text, 0));
            } else {
                codes.for_each(|(offset, code)| self.put(code, &range[2], offset as u16));
            }
        }
    }

    /// The text of `code` is `utf16`, with `offset` added to its last unit.
    fn put(&mut self, code: u32, utf16: &[u8], offset: u16) {
        if self.texts.len() >= MAX_CODES {
            return;
        }
        let mut units: Vec<u16> = match utf16 {
            [one] => vec![u16::from(*one)],
            _ => utf16.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect(),
        };
        if let Some(last) = units.last_mut() {
            *last = last.wrapping_add(offset);
        }
        self.texts.insert(code, String::from_utf16_lossy(&units));
    }
}

fn code(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |code, byte| code << 8 | u32::from(*byte))
}

fn tokens(cmap: &[u8]) -> impl Iterator<Item = Token<'_>> {
    let mut rest = cmap;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_ascii_start();
            let (&first, tail) = rest.split_first()?;
            match first {
                b'[' | b']' => {
                    rest = tail;
                    return Some(if first == b'[' { Token::Open } else { Token::Close });
                }
                b'<' if tail.first() != Some(&b'<') => {
                    let end = tail.iter().position(|byte| *byte == b'>').unwrap_or(tail.len());
                    rest = tail.get(end + 1..).unwrap_or_default();
                    return Some(Token::Hex(hex_bytes(&tail[..end])));
                }
                b'%' => {
                    let end =
                        tail.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(tail.len());
                    rest = &tail[end..];
                }
                _ => {
                    let is_delimiter = |byte: &u8| byte.is_ascii_whitespace() || b"<>[]()/%".contains(byte);
                    let end = 1 + tail.iter().position(is_delimiter).unwrap_or(tail.len());
                    let word = &rest[..end];
                    rest = &rest[end..];
                    return Some(Token::Word(word));
                }
            }
        }
    })
}

/// The bytes of pairs of hexadecimal digits.
fn hex_bytes(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> =
        text.iter().filter_map(|byte| (*byte as char).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_characters_and_ranges() {
        let map = ToUnicode::parse(
            b"/CIDInit /ProcSet findresource begin 1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
              2 beginbfchar <0001> <0041> <0002> <00660069> endbfchar % a comment\n\
              2 beginbfrange <0010> <0012> <0061> <0020><0021> [<0078> <D83DDE00>] endbfrange end",
        );
        assert_eq!(map.code_bytes, Some(2));
        let check = |code: u32, text: Option<&str>| {
            assert_eq!(map.texts.get(&code).map(String::as_str), text, "{code}")
        };
        check(1, Some("A"));
        check(2, Some("fi"));
        check(0x10, Some("a"));
        check(0x12, Some("c"));
        check(0x20, Some("x"));
        check(0x21, Some("😀"));
        check(3, None);
    }

    #[test]
    fn a_range_of_all_codes_is_limited() {
        let map = ToUnicode::parse(b"<00000000> <FFFFFFFF> <0041> endbfrange <00> [<41> endbfchar ] ] <");
        assert!(map.texts.len() <= MAX_CODES);
    }
}

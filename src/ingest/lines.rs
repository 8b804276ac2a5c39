//! Reading of lines and whole documents in bounded memory.

use std::io::{self, BufRead, Read};

/// The largest document of a format that is not text, in bytes: images and fonts take most of it.
pub(super) const MAX_DOCUMENT: u64 = 256 << 20;

/// What [`read_line`] met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line is in the buffer, without its line ending.
    Complete,
    /// A line longer than the limit was skipped.
    TooLong,
    /// The stream has no more lines.
    End,
}

/// Reads the next line into `buffer`; memory stays below `limit` bytes however long the line is.
///
/// # Errors
/// The stream cannot be read.
pub(super) fn read_line(reader: &mut dyn BufRead, buffer: &mut Vec<u8>, limit: u64) -> io::Result<Line> {
    buffer.clear();
    let mut too_long = false;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(match (too_long, buffer.is_empty()) {
                (true, _) => Line::TooLong,
                (false, true) => Line::End,
                (false, false) => Line::Complete,
            });
        }
        let end = chunk.iter().position(|&b| b == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        too_long |= buffer.len() as u64 + part.len() as u64 > limit;
        if too_long {
            buffer.clear();
        } else {
            buffer.extend_from_slice(part);
        }
        let used = end.map_or(chunk.len(), |e| e + 1);
        let ended = end.is_some();
        reader.consume(used);
        if ended {
            if buffer.last() == Some(&b'\r') {
                buffer.pop();
            }
            // An empty line counts as a line: the caller skips it, and line numbers stay right.
            return Ok(if too_long { Line::TooLong } else { Line::Complete });
        }
    }
}

/// All bytes of `reader`, or `None` if there are more than `limit`. The second value is the error that ended the reading
/// early; the bytes before it are returned.
pub(super) fn read_all(reader: &mut dyn BufRead, limit: u64) -> (Option<Vec<u8>>, Option<io::Error>) {
    let mut bytes = Vec::new();
    let error = reader.take(limit + 1).read_to_end(&mut bytes).err();
    let bytes = (bytes.len() as u64 <= limit).then_some(bytes);
    (bytes, error)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn reads_and_limits_lines() {
        let check = |text: &str, expect: &[(Line, &str)]| {
            let mut reader = BufReader::with_capacity(3, text.as_bytes());
            let mut buffer = Vec::new();
            for (kind, line) in expect {
                assert_eq!(read_line(&mut reader, &mut buffer, 5).unwrap(), *kind, "{text:?}");
                assert_eq!(buffer, line.as_bytes(), "{text:?}");
            }
        };
        check("", &[(Line::End, "")]);
        check("a\nb", &[(Line::Complete, "a"), (Line::Complete, "b"), (Line::End, "")]);
        check(
            "a\r\n\nb\n",
            &[(Line::Complete, "a"), (Line::Complete, ""), (Line::Complete, "b"), (Line::End, "")],
        );
        check("123456\nb", &[(Line::TooLong, ""), (Line::Complete, "b"), (Line::End, "")]);
        check("12345678901", &[(Line::TooLong, ""), (Line::End, "")]);
        check("12345\n", &[(Line::Complete, "12345"), (Line::End, "")]);
    }
}

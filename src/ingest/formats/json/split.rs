//! A stream of JSON cut into its values, without parsing them: elements of an array, values one after another, or lines.
//!
//! A syntax error inside one value does not reach its neighbours, because only brackets and strings are followed here.

use std::io::{self, BufRead};

use crate::ingest::lines::{Line, read_line};

/// A value in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Piece {
    /// A value is in the buffer.
    Complete,
    /// A value longer than the limit was skipped.
    TooLong,
    /// The stream ends inside the value that is in the buffer.
    Truncated,
    /// The stream has no more values.
    End,
}

/// Cuts a stream into values. Memory stays below the limit however long a value is.
pub(in crate::ingest) struct Splitter<'a> {
    reader: &'a mut dyn BufRead,
    limit: u64,
    mode: Mode,
    /// The line that the next byte belongs to, from 1.
    line: u64,
    /// The line where the last value began.
    pub start: u64,
    /// Whether an array was opened and not closed yet.
    in_array: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Elements of an array, or values one after another.
    Values,
    /// One value a line, but for values that are broken over lines.
    Lines,
}

impl<'a> Splitter<'a> {
    /// For a stream of an array, or of values one after another.
    pub(in crate::ingest) fn values(reader: &'a mut dyn BufRead, limit: u64) -> io::Result<Self> {
        let mut splitter = Splitter { reader, limit, mode: Mode::Values, line: 1, start: 1, in_array: false };
        if splitter.skip_space(b"")? == Some(b'[') {
            splitter.reader.consume(1);
            splitter.in_array = true;
        }
        Ok(splitter)
    }

    /// For a stream of one value a line. A stream that begins with an array is cut into its elements.
    pub(in crate::ingest) fn lines(reader: &'a mut dyn BufRead, limit: u64) -> io::Result<Self> {
        let is_array = {
            let head = reader.fill_buf()?;
            let mut head = head.iter().filter(|b| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b));
            // A line may hold an array of its own; an array of objects is the stream itself.
            matches!((head.next(), head.next()), (Some(b'['), Some(b'{')))
        };
        if is_array {
            return Splitter::values(reader, limit);
        }
        Ok(Splitter { reader, limit, mode: Mode::Lines, line: 1, start: 1, in_array: false })
    }

    /// Reads the next value into `buffer`.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(in crate::ingest) fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Piece> {
        buffer.clear();
        match self.mode {
            Mode::Values => self.next_value(buffer),
            Mode::Lines => self.next_line(buffer),
        }
    }

    fn next_value(&mut self, buffer: &mut Vec<u8>) -> io::Result<Piece> {
        // Closing brackets that nothing opened are skipped with the separators.
        let next = self.skip_space(b",]}")?;
        self.start = self.line;
        if next.is_none() {
            // An array that the stream breaks off is reported as the value that it is.
            let is_truncated = std::mem::take(&mut self.in_array);
            buffer.extend_from_slice(if is_truncated { b"[" } else { b"" });
            return Ok(if is_truncated { Piece::Truncated } else { Piece::End });
        }
        let mut scan = Scan::default();
        let mut too_long = false;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(if too_long {
                    Piece::TooLong
                } else if scan.is_closed() {
                    Piece::Complete
                } else {
                    self.in_array = false;
                    Piece::Truncated
                });
            }
            let end = scan.advance(chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            self.line += part.iter().filter(|b| **b == b'\n').count() as u64;
            too_long |= (buffer.len() + part.len()) as u64 > self.limit;
            if too_long {
                buffer.clear();
            } else {
                buffer.extend_from_slice(part);
            }
            let used = part.len();
            self.reader.consume(used);
            if end.is_some() {
                return Ok(if too_long { Piece::TooLong } else { Piece::Complete });
            }
        }
    }

    fn next_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<Piece> {
        self.start = self.line;
        let mut line = Vec::new();
        match self.read_line(buffer)? {
            Line::End => return Ok(Piece::End),
            Line::TooLong => return Ok(Piece::TooLong),
            Line::Complete => {}
        }
        let mut scan = Scan::default();
        scan.advance(buffer);
        // An object that is written over several lines: the first one ends where a value may be broken.
        if !scan.is_broken(buffer) {
            return Ok(Piece::Complete);
        }
        loop {
            match self.read_line(&mut line)? {
                Line::End => return Ok(Piece::Truncated),
                Line::TooLong => return Ok(Piece::TooLong),
                Line::Complete => {}
            }
            if (buffer.len() + line.len()) as u64 > self.limit {
                return Ok(Piece::TooLong);
            }
            buffer.push(b'\n');
            buffer.extend_from_slice(&line);
            if scan.advance(&line).is_some() || scan.is_closed() {
                return Ok(Piece::Complete);
            }
        }
    }

    fn read_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<Line> {
        let line = read_line(self.reader, buffer, self.limit)?;
        self.line += u64::from(line != Line::End);
        Ok(line)
    }

    /// Skips white space, byte order marks and the bytes of `also`; the next byte, if there is one.
    fn skip_space(&mut self, also: &[u8]) -> io::Result<Option<u8>> {
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let skipped = |b: &u8| b.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(b) || also.contains(b);
            let end = chunk.iter().position(|b| !skipped(b));
            let used = end.unwrap_or(chunk.len());
            self.line += chunk[..used].iter().filter(|b| **b == b'\n').count() as u64;
            self.in_array &= !chunk[..used].contains(&b']');
            let next = end.map(|end| chunk[end]);
            self.reader.consume(used);
            if next.is_some() {
                return Ok(next);
            }
        }
    }
}

/// The brackets and strings of one value so far.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// Whether the value is a number or a word, which ends before the next separator.
    is_word: bool,
    started: bool,
}

impl Scan {
    /// Goes over `bytes`: the position after the value, if it ends there.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        for (i, &b) in bytes.iter().enumerate() {
            if self.in_string {
                match b {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return Some(i + 1);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            if self.is_word {
                if b == b',' || b == b']' || b == b'}' || b.is_ascii_whitespace() {
                    return Some(i);
                }
                continue;
            }
            match b {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(i + 1);
                    }
                }
                _ if self.depth == 0 && !self.started && !b.is_ascii_whitespace() => self.is_word = true,
                _ => {}
            }
            self.started |= !b.is_ascii_whitespace();
        }
        None
    }

    fn is_closed(&self) -> bool {
        self.depth == 0 && !self.in_string
    }

    /// Whether a line ends inside a value, at a place where values are broken over lines.
    fn is_broken(&self, line: &[u8]) -> bool {
        let last = line.trim_ascii_end().last();
        !self.is_closed() && !self.in_string && last.is_some_and(|b| b"{[,:".contains(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(mut text: &[u8], lines: bool) -> Vec<(u64, String, Piece)> {
        let reader: &mut dyn BufRead = &mut io::BufReader::with_capacity(3, &mut text);
        let mut splitter =
            if lines { Splitter::lines(reader, 40) } else { Splitter::values(reader, 40) }.unwrap();
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        loop {
            match splitter.next(&mut buffer).unwrap() {
                Piece::End => return found,
                piece => found.push((splitter.start, String::from_utf8_lossy(&buffer).into_owned(), piece)),
            }
        }
    }

    #[test]
    fn cuts_arrays_and_values_one_after_another() {
        let check = |text: &str, expect: &[(u64, &str, Piece)]| {
            let expect: Vec<_> =
                expect.iter().map(|(line, value, piece)| (*line, value.to_string(), *piece)).collect();
            assert_eq!(pieces(text.as_bytes(), false), expect, "{text}");
        };
        let complete = Piece::Complete;
        check("", &[]);
        check("[]", &[]);
        check(
            " [{\"a\":1},\n{\"b\":\"]}\\\"\"}]\n",
            &[(1, "{\"a\":1}", complete), (2, "{\"b\":\"]}\\\"\"}", complete)],
        );
        check(
            "{\"a\":[1,2]}{\"b\":1}\n\n{}",
            &[(1, "{\"a\":[1,2]}", complete), (1, "{\"b\":1}", complete), (3, "{}", complete)],
        );
        check("[1,null,\"x\"]", &[(1, "1", complete), (1, "null", complete), (1, "\"x\"", complete)]);
        // An error inside a value stays there.
        check(
            "[{\"a\":NaN},{a:1},{\"b\":2}]",
            &[(1, "{\"a\":NaN}", complete), (1, "{a:1}", complete), (1, "{\"b\":2}", complete)],
        );
        check("[{\"a\":", &[(1, "{\"a\":", Piece::Truncated)]);
        // An array that is not closed.
        check("[{},\n", &[(1, "{}", complete), (2, "[", Piece::Truncated)]);
        check("[", &[(1, "[", Piece::Truncated)]);
        let long = format!("[{{\"a\":\"{}\"}},{{}}]", "x".repeat(50));
        check(&long, &[(1, "", Piece::TooLong), (1, "{}", complete)]);
    }

    #[test]
    fn cuts_lines_and_values_over_several_lines() {
        let check = |text: &str, expect: &[(u64, &str)]| {
            let found: Vec<_> =
                pieces(text.as_bytes(), true).into_iter().map(|(line, value, _)| (line, value)).collect();
            let expect: Vec<_> = expect.iter().map(|(line, value)| (*line, value.to_string())).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("{\"a\":1}\n\n{\"b\":2}\n", &[(1, "{\"a\":1}"), (2, ""), (3, "{\"b\":2}")]);
        check("{\n\"a\": 1\n}\n{\n\"b\": 2\n}\n", &[(1, "{\n\"a\": 1\n}"), (4, "{\n\"b\": 2\n}")]);
        check("[{\"a\":1},\n{\"b\":2}]\n", &[(1, "{\"a\":1}"), (2, "{\"b\":2}")]);
        // A line that is cut off does not take the next one.
        check("{\"a\":\"x\n{\"b\":2}\n", &[(1, "{\"a\":\"x"), (2, "{\"b\":2}")]);
    }
}

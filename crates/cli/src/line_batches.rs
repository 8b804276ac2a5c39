//! Lines of a stream that have arrived already: taken together, so that they can be embedded together.

use std::io::{BufReader, Read};

/// Lines that are taken together for each thread: their texts fill its chunks.
const AT_ONCE: usize = 16;
/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

/// A reader of a stream for [`take`].
pub fn reader<R: Read>(stream: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER, stream)
}

/// What `next` reads: one, waited for, and those whose lines have come with it. None at the end.
pub fn take<R: Read, T, E>(
    reader: &mut BufReader<R>,
    threads: usize,
    mut next: impl FnMut(&mut BufReader<R>) -> std::result::Result<Option<T>, E>,
) -> std::result::Result<Vec<T>, E> {
    let mut taken = Vec::new();
    while taken.len() < AT_ONCE * threads && (taken.is_empty() || line_waits(reader.buffer())) {
        match next(reader)? {
            Some(line) => taken.push(line),
            None => break,
        }
    }
    Ok(taken)
}

/// Whether a whole line has come that no reader passes over as empty: behind such a one it would wait for the next. What is
/// empty is another thing in each encoding, so only a letter or sign of ASCII counts, without which there is no JSON.
fn line_waits(buffer: &[u8]) -> bool {
    let mut lines = buffer.split_inclusive(|byte| *byte == b'\n').take_while(|line| line.ends_with(b"\n"));
    lines.any(|line| line.iter().any(u8::is_ascii_graphic))
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead};

    use super::*;

    /// Gives a piece at a time, as a pipe does.
    struct Pieces(Vec<&'static str>);

    impl Read for Pieces {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let piece = if self.0.is_empty() { "" } else { self.0.remove(0) };
            to[..piece.len()].copy_from_slice(piece.as_bytes());
            Ok(piece.len())
        }
    }

    #[test]
    fn lines_that_have_come_are_taken_together() {
        let check = |pieces: &[&'static str], expect: &[&[&str]]| {
            let mut reader = reader(Pieces(pieces.to_vec()));
            let next = |reader: &mut BufReader<Pieces>| -> io::Result<Option<String>> {
                let mut line = String::new();
                while line.trim().is_empty() {
                    line.clear();
                    if reader.read_line(&mut line)? == 0 {
                        return Ok(None);
                    }
                }
                Ok(Some(line.trim().into()))
            };
            for expect in expect.iter().chain(&[&[][..]]) {
                assert_eq!(take(&mut reader, 1, next).unwrap(), *expect, "{pieces:?}");
            }
        };
        check(&[], &[]);
        check(&["a\n", "b\n"], &[&["a"], &["b"]]);
        check(&["a\nb\nc", "d\ne\n"], &[&["a", "b"], &["cd", "e"]]);
        // Behind an empty line that has come is one that may not come for long.
        check(&["a\n\n \u{a0}\n", "b\n"], &[&["a"], &["b"]]);
        check(&["a\n\u{feff}\n", "b\n"], &[&["a"], &["\u{feff}"], &["b"]]);
        check(&["a\n\nb\n", "c"], &[&["a", "b"], &["c"]]);
        let many = "x\n".repeat(AT_ONCE + 1);
        check(&[many.leak()], &[&["x"; AT_ONCE], &["x"]]);
    }
}

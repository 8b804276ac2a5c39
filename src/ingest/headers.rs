//! The headers of a Parquet file's pages, walked before the reader of the format comes to them.
//!
//! They are structures of Thrift's compact protocol. The reader passes over fields that it does not know, and
//! booleans of a list take it no bytes: a list that claims 2³¹ of them held it up for seconds, in a file of 430 bytes.

use std::io;

/// Bytes read for a header at first; statistics can make it longer.
const WINDOW: usize = 1 << 12;
/// Structures in structures.
const DEPTH: u32 = 64;

/// What ended a walk.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The bytes.
    Bytes,
    /// A list that claims more than it can hold, or what the protocol does not have.
    Claim,
}

type Walked<T> = std::result::Result<T, End>;

/// Whether each header of the pages from `start` to `end` can hold what it claims, as far as pages follow one another.
/// `read_at` gives at most so many bytes from a place.
pub(super) fn hold(
    mut start: u64,
    end: u64,
    read_at: impl Fn(u64, usize) -> io::Result<Vec<u8>>,
) -> io::Result<bool> {
    let mut window = WINDOW;
    while start < end {
        let left = usize::try_from(end - start).unwrap_or(usize::MAX);
        let bytes = read_at(start, window.min(left))?;
        let mut rest = &bytes[..];
        match structure(&mut rest, DEPTH) {
            Ok(size) => {
                let header = (bytes.len() - rest.len()) as u64;
                start = start.saturating_add(header).saturating_add(size.max(0).unsigned_abs());
                window = WINDOW;
            }
            Err(End::Claim) => return Ok(false),
            Err(End::Bytes) if bytes.len() == window && window < left => window = window.saturating_mul(16),
            // What is cut short, the reader of the format tells better.
            Err(End::Bytes) => break,
        }
    }
    Ok(true)
}

/// Passes over a structure; the number in its third field, which in the header of a page is the size of the page.
fn structure(rest: &mut &[u8], depth: u32) -> Walked<i64> {
    let depth = depth.checked_sub(1).ok_or(End::Claim)?;
    let (mut field, mut third) = (0i64, 0);
    loop {
        let head = byte(rest)?;
        if head & 0x0f == 0 {
            return Ok(third);
        }
        field = match head >> 4 {
            0 => zigzag(rest)?,
            more => field + i64::from(more),
        };
        let value = value(rest, head & 0x0f, depth)?;
        if field == 3 {
            third = value;
        }
    }
}

/// Passes over a value of a structure's field; itself, if it is a whole number.
fn value(rest: &mut &[u8], kind: u8, depth: u32) -> Walked<i64> {
    match kind {
        // A boolean is its kind.
        1 | 2 => Ok(0),
        4..=6 => zigzag(rest),
        3 => take(rest, 1),
        7 => take(rest, 8),
        8 => {
            let len = number(rest)?;
            take(rest, len)
        }
        9 | 10 => list(rest, depth),
        11 => map(rest, depth),
        12 => structure(rest, depth).map(|_| 0),
        13 => take(rest, 16),
        _ => Err(End::Claim),
    }
}

fn list(rest: &mut &[u8], depth: u32) -> Walked<i64> {
    let head = byte(rest)?;
    let len = if head >> 4 == 15 { number(rest)? } else { u64::from(head >> 4) };
    elements(rest, len, &[head & 0x0f], depth)
}

fn map(rest: &mut &[u8], depth: u32) -> Walked<i64> {
    match number(rest)? {
        0 => Ok(0),
        len => {
            let kinds = byte(rest)?;
            elements(rest, len, &[kinds >> 4, kinds & 0x0f], depth)
        }
    }
}

/// Passes over `len` elements of these kinds, each of which takes a byte at least. No header has lists of booleans.
fn elements(rest: &mut &[u8], len: u64, kinds: &[u8], depth: u32) -> Walked<i64> {
    let depth = depth.checked_sub(1).ok_or(End::Claim)?;
    if len > 0 && kinds.iter().any(|kind| *kind < 3) {
        return Err(End::Claim);
    }
    for _ in 0..len {
        for kind in kinds {
            value(rest, *kind, depth)?;
        }
    }
    Ok(0)
}

fn byte(rest: &mut &[u8]) -> Walked<u8> {
    let (byte, after) = rest.split_first().ok_or(End::Bytes)?;
    *rest = after;
    Ok(*byte)
}

fn take(rest: &mut &[u8], len: u64) -> Walked<i64> {
    let len = usize::try_from(len).map_err(|_| End::Claim)?;
    *rest = rest.get(len..).ok_or(End::Bytes)?;
    Ok(0)
}

/// A number in groups of seven bits, the lowest first (LEB128).
pub(super) fn leb128(rest: &mut &[u8]) -> Option<u64> {
    number(rest).ok()
}

fn number(rest: &mut &[u8]) -> Walked<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = byte(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(End::Claim)
}

/// A number whose lowest bit is its sign.
fn zigzag(rest: &mut &[u8]) -> Walked<i64> {
    number(rest).map(|n| (n >> 1) as i64 ^ -((n & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(bytes: &[u8]) -> bool {
        let read = |at: u64, len: usize| Ok(bytes[at as usize..].iter().copied().take(len).collect());
        hold(0, bytes.len() as u64, read).unwrap()
    }

    #[test]
    fn lists_of_more_than_they_hold_are_refused() {
        let check = |header: &[u8], expect: bool| assert_eq!(holds(header), expect, "{header:?}");
        // Fields 1 to 3 are numbers, the third the size: two bytes of a page, then the next header.
        check(&[0x15, 0, 0x15, 4, 0x15, 4, 0, 7, 7, 0x15, 0, 0], true);
        // Field 4 is a list: three numbers, three booleans, 2³¹ booleans, more numbers than bytes.
        check(&[0x15, 0, 0x39, 0x35, 1, 2, 3, 0], true);
        check(&[0x15, 0, 0x39, 0x31, 0], false);
        check(&[0x15, 0, 0x39, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0], false);
        check(&[0x15, 0, 0x39, 0xf5, 0xff, 0xff, 0xff, 0xff, 7, 0], true);
        // The second header, behind a page of two bytes.
        check(&[0x35, 4, 0, 7, 7, 0x39, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0], false);
        // An empty list of no kind, an empty map, a map, text, a structure.
        check(&[0x19, 0, 0x1b, 0, 0x1b, 1, 0x85, 1, b'x', 2, 0x18, 1, b'x', 0x1c, 0, 0], true);
        check(&[0x1b, 1, 0x81, 1, b'x', 0], false);
        check(&[0x1e], false);
        check(&[0x1c; 100], false);
        check(&[0x15, 0x80, 0x80], true);
        check(&[], true);
    }

    #[test]
    fn a_header_longer_than_a_window_is_walked_to_its_end() {
        let long = |last: &[u8]| {
            let mut header = vec![0x18, 0x80, 0x80, 4];
            header.extend(vec![b'x'; 1 << 16]);
            header.extend(last);
            header
        };
        assert!(holds(&long(&[0])));
        assert!(!holds(&long(&[0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0])));
    }
}

//! Limits on the list lengths of Parquet page headers, checked before the `parquet` crate reads them.
//!
//! The headers are structures of Thrift's compact protocol. The crate skips fields that it does not know, and booleans of
//! such a list take no bytes: a list that declares 2³¹ of them took seconds, in a file of 430 bytes.

use std::io;

/// Bytes read at first for a header; statistics can make it longer.
const WINDOW: usize = 1 << 12;
/// The deepest nesting of structures.
const MAX_DEPTH: u32 = 64;

/// Why a structure could not be skipped.
#[derive(Debug, PartialEq, Eq)]
enum SkipError {
    /// The bytes end inside the structure.
    Truncated,
    /// A list declares more than it can hold, or the bytes are not of the protocol.
    Invalid,
}

type SkipResult<T> = std::result::Result<T, SkipError>;

/// Why the pages of a column are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageFault {
    /// A header declares more elements than it can hold.
    Invalid,
    /// A page has more bytes, uncompressed, than are allowed.
    TooLarge(u64),
}

/// The first fault in the headers of the consecutive pages between the file positions `start` and `end`: a list longer than
/// the bytes that hold it, or a page of more than `max_page` bytes. `read_at(position, n)` reads at most `n` bytes.
///
/// # Errors
/// `read_at` fails.
pub(super) fn find_fault(
    mut start: u64,
    end: u64,
    max_page: u64,
    read_at: impl Fn(u64, usize) -> io::Result<Vec<u8>>,
) -> io::Result<Option<PageFault>> {
    let mut window = WINDOW;
    while start < end {
        let remaining = usize::try_from(end - start).unwrap_or(usize::MAX);
        let bytes = read_at(start, window.min(remaining))?;
        let mut rest = &bytes[..];
        match skip_structure(&mut rest, MAX_DEPTH) {
            Ok([uncompressed, size]) => {
                let uncompressed = uncompressed.max(0).unsigned_abs();
                if uncompressed > max_page {
                    return Ok(Some(PageFault::TooLarge(uncompressed)));
                }
                let header = (bytes.len() - rest.len()) as u64;
                start = start.saturating_add(header).saturating_add(size.max(0).unsigned_abs());
                window = WINDOW;
            }
            Err(SkipError::Invalid) => return Ok(Some(PageFault::Invalid)),
            Err(SkipError::Truncated) if bytes.len() == window && window < remaining => {
                window = window.saturating_mul(16)
            }
            // The `parquet` crate reports a truncated file.
            Err(SkipError::Truncated) => break,
        }
    }
    Ok(None)
}

/// Skips a structure and returns the integers in its second and third fields, which in a page header are the sizes of the
/// page, uncompressed and in the file.
fn skip_structure(rest: &mut &[u8], depth: u32) -> SkipResult<[i64; 2]> {
    let depth = depth.checked_sub(1).ok_or(SkipError::Invalid)?;
    let (mut field, mut sizes) = (0i64, [0; 2]);
    loop {
        let head = read_byte(rest)?;
        if head & 0x0f == 0 {
            return Ok(sizes);
        }
        field = match head >> 4 {
            0 => read_zigzag(rest)?,
            more => field + i64::from(more),
        };
        let value = skip_value(rest, head & 0x0f, depth)?;
        if let 2 | 3 = field {
            sizes[(field - 2) as usize] = value;
        }
    }
}

/// Skips a field of a structure and returns its value if that is an integer, else 0.
fn skip_value(rest: &mut &[u8], kind: u8, depth: u32) -> SkipResult<i64> {
    match kind {
        // The type of a boolean is its value.
        1 | 2 => Ok(0),
        4..=6 => read_zigzag(rest),
        3 => skip_bytes(rest, 1),
        7 => skip_bytes(rest, 8),
        8 => {
            let len = read_varint(rest)?;
            skip_bytes(rest, len)
        }
        9 | 10 => skip_list(rest, depth),
        11 => skip_map(rest, depth),
        12 => skip_structure(rest, depth).map(|_| 0),
        13 => skip_bytes(rest, 16),
        _ => Err(SkipError::Invalid),
    }
}

fn skip_list(rest: &mut &[u8], depth: u32) -> SkipResult<i64> {
    let head = read_byte(rest)?;
    let len = if head >> 4 == 15 { read_varint(rest)? } else { u64::from(head >> 4) };
    skip_elements(rest, len, &[head & 0x0f], depth)
}

fn skip_map(rest: &mut &[u8], depth: u32) -> SkipResult<i64> {
    match read_varint(rest)? {
        0 => Ok(0),
        len => {
            let kinds = read_byte(rest)?;
            skip_elements(rest, len, &[kinds >> 4, kinds & 0x0f], depth)
        }
    }
}

/// Skips `len` elements of these types, each of which takes at least one byte. Page headers have no lists of booleans.
fn skip_elements(rest: &mut &[u8], len: u64, kinds: &[u8], depth: u32) -> SkipResult<i64> {
    let depth = depth.checked_sub(1).ok_or(SkipError::Invalid)?;
    if len > 0 && kinds.iter().any(|kind| *kind < 3) {
        return Err(SkipError::Invalid);
    }
    for _ in 0..len {
        for kind in kinds {
            skip_value(rest, *kind, depth)?;
        }
    }
    Ok(0)
}

fn read_byte(rest: &mut &[u8]) -> SkipResult<u8> {
    let (byte, after) = rest.split_first().ok_or(SkipError::Truncated)?;
    *rest = after;
    Ok(*byte)
}

fn skip_bytes(rest: &mut &[u8], len: u64) -> SkipResult<i64> {
    let len = usize::try_from(len).map_err(|_| SkipError::Invalid)?;
    *rest = rest.get(len..).ok_or(SkipError::Truncated)?;
    Ok(0)
}

/// An unsigned LEB128 integer.
pub(super) fn leb128(rest: &mut &[u8]) -> Option<u64> {
    read_varint(rest).ok()
}

fn read_varint(rest: &mut &[u8]) -> SkipResult<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = read_byte(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(SkipError::Invalid)
}

/// A zigzag-encoded integer.
fn read_zigzag(rest: &mut &[u8]) -> SkipResult<i64> {
    read_varint(rest).map(|n| (n >> 1) as i64 ^ -((n & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8], max_page: u64) -> Option<PageFault> {
        let read = |at: u64, len: usize| Ok(bytes[at as usize..].iter().copied().take(len).collect());
        find_fault(0, bytes.len() as u64, max_page, read).unwrap()
    }

    fn bounded(bytes: &[u8]) -> bool {
        fault(bytes, u64::MAX).is_none()
    }

    #[test]
    fn rejects_pages_beyond_the_limit() {
        // The sizes are 40 bytes, and 2 in the file.
        let header = [0x15, 0, 0x15, 80, 0x15, 4, 0, 7, 7];
        assert_eq!(fault(&header, 40), None);
        assert_eq!(fault(&header, 39), Some(PageFault::TooLarge(40)));
        assert_eq!(
            fault(&[&[0x15, 0, 0x15, 4, 0x15, 0, 0], &header[..]].concat(), 39),
            Some(PageFault::TooLarge(40))
        );
    }

    #[test]
    fn rejects_lists_longer_than_their_bytes() {
        let check = |header: &[u8], expect: bool| assert_eq!(bounded(header), expect, "{header:?}");
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
    fn checks_a_header_longer_than_a_window() {
        let long = |last: &[u8]| {
            let mut header = vec![0x18, 0x80, 0x80, 4];
            header.extend(vec![b'x'; 1 << 16]);
            header.extend(last);
            header
        };
        assert!(bounded(&long(&[0])));
        assert!(!bounded(&long(&[0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0])));
    }
}

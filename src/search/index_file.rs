//! The header of index files: files that are computed from a store, and computed again if they are stale or corrupt.
//!
//! All numbers are little-endian:
//!
//! ```text
//! offset  bytes  content
//!      0      8  kind of the file
//!      8      4  version of the layout
//!     12      4  parameter, depends on the kind
//!     16      8  generation of the store that the file was computed from
//!     24      8  length of the whole file in bytes
//!     32      8  checksum of everything else
//!     40     24  six counts, depend on the kind
//!     64         body
//! ```
//!
//! A reader compares length and checksum first. The checksum detects every change within one word of eight bytes, and any
//! other damage with a probability of 1 − 2⁻⁶⁴. It is no defence against an adversary, so readers also check every count
//! and number.

use std::io::{self, Write};

use rayon::prelude::*;

/// Bytes of the header.
pub(super) const HEADER: usize = 64;

/// Why an index file cannot be used. The remedy is to compute it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct CorruptFile {
    /// What the file should hold.
    pub expected: String,
    /// What it holds instead.
    pub found: String,
}

impl CorruptFile {
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        CorruptFile { expected: expected.into(), found: found.into() }
    }
}

/// A kind of index file.
pub(super) struct Kind {
    pub name: &'static str,
    pub magic: [u8; 8],
    pub version: u32,
}

/// The header of a file, without kind, version, length and checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub parameter: u32,
    pub generation: u64,
    pub counts: [u32; 6],
}

impl Header {
    /// Checks a whole file against `kind`, its length and its checksum; also returns the body.
    pub fn open<'a>(kind: &Kind, file: &'a [u8]) -> Result<(Header, &'a [u8]), CorruptFile> {
        let Some((head, body)) = file.split_at_checked(HEADER) else {
            return Err(CorruptFile::new(
                format!("{} with a header", kind.name),
                format!("{} bytes", file.len()),
            ));
        };
        if head[..8] != kind.magic {
            return Err(CorruptFile::new(kind.name, "a file of another kind"));
        }
        if u32_at(head, 8) != kind.version {
            return Err(CorruptFile::new(
                format!("version {}", kind.version),
                format!("version {}", u32_at(head, 8)),
            ));
        }
        if u64_at(head, 24) != file.len() as u64 {
            return Err(CorruptFile::new(
                format!("{} bytes", u64_at(head, 24)),
                format!("{} bytes", file.len()),
            ));
        }
        if u64_at(head, 32) != file_checksum(head, &[body]) {
            return Err(CorruptFile::new("the stored checksum", "another one"));
        }
        let counts = std::array::from_fn(|i| u32_at(head, 40 + 4 * i));
        Ok((Header { parameter: u32_at(head, 12), generation: u64_at(head, 16), counts }, body))
    }

    /// Writes a whole file; each part of the body but the last has a length that is a multiple of eight.
    pub fn write(&self, kind: &Kind, body: &[&[u8]], to: &mut dyn Write) -> io::Result<()> {
        let bytes = HEADER + body.iter().map(|part| part.len()).sum::<usize>();
        let mut head = [0; HEADER];
        head[..8].copy_from_slice(&kind.magic);
        head[8..12].copy_from_slice(&kind.version.to_le_bytes());
        head[12..16].copy_from_slice(&self.parameter.to_le_bytes());
        head[16..24].copy_from_slice(&self.generation.to_le_bytes());
        head[24..32].copy_from_slice(&(bytes as u64).to_le_bytes());
        for (slot, count) in head[40..].chunks_exact_mut(4).zip(self.counts) {
            slot.copy_from_slice(&count.to_le_bytes());
        }
        let checksum = file_checksum(&head, body);
        head[32..40].copy_from_slice(&checksum.to_le_bytes());
        to.write_all(&head)?;
        body.iter().try_for_each(|part| to.write_all(part))
    }
}

/// The checksum of a file; the field of the checksum itself is left out.
fn file_checksum(head: &[u8], body: &[&[u8]]) -> u64 {
    let start = mix(checksum(&head[..32]), checksum(&head[40..]));
    mix(start, checksum_of(body))
}

/// Corrects length and checksum of a modified file, for tests of the checks that follow.
#[doc(hidden)]
pub fn rewrite_checksum(file: &mut [u8]) {
    let len = file.len() as u64;
    let Some((head, body)) = file.split_at_mut_checked(HEADER) else { return };
    head[24..32].copy_from_slice(&len.to_le_bytes());
    let checksum = file_checksum(head, &[body]);
    head[32..40].copy_from_slice(&checksum.to_le_bytes());
}

/// The four bytes at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}

/// Bytes that are hashed as one piece, on one thread.
const PART: usize = 1 << 20;
/// Independent chains of multiplications.
const LANES: usize = 8;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// One step of the checksum: a bijection of the state for each word, and of the word for each state. So a change of one
/// word always changes the checksum.
fn mix(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29)
}

/// Eight lanes of words, each [`mix`]ed, then the lanes and the length. As fast as memory is read.
fn checksum(bytes: &[u8]) -> u64 {
    let mut lanes: [u64; LANES] = std::array::from_fn(|i| SEED.wrapping_mul(2 * i as u64 + 1));
    let (blocks, rest) = bytes.as_chunks::<{ 8 * LANES }>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    for (i, word) in rest.chunks(8).enumerate() {
        let mut filled = [0; 8];
        filled[..word.len()].copy_from_slice(word);
        lanes[i] = mix(lanes[i], u64::from_le_bytes(filled));
    }
    lanes.into_iter().fold(bytes.len() as u64, mix)
}

/// The checksum of the concatenated parts.
fn checksum_of(body: &[&[u8]]) -> u64 {
    let whole: Vec<u64> = match body {
        [] => Vec::new(),
        [one] => one.par_chunks(PART).map(checksum).collect(),
        many => {
            // A piece may span several parts.
            let mut sums = Vec::new();
            let mut piece = Vec::with_capacity(PART);
            for part in many {
                let mut part = *part;
                while !part.is_empty() {
                    let (head, tail) = part.split_at(part.len().min(PART - piece.len()));
                    piece.extend_from_slice(head);
                    part = tail;
                    if piece.len() == PART {
                        sums.push(checksum(&piece));
                        piece.clear();
                    }
                }
            }
            if !piece.is_empty() {
                sums.push(checksum(&piece));
            }
            sums
        }
    };
    whole.into_iter().fold(SEED, mix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KIND: Kind = Kind { name: "a test's file", magic: *b"sstest\0\0", version: 3 };

    fn file(body: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        let header = Header { parameter: 7, generation: 1 << 40, counts: [1, 2, 3, 4, 5, 6] };
        header.write(&KIND, body, &mut file).unwrap();
        file
    }

    #[test]
    fn a_file_round_trips_however_its_body_is_split() {
        let body: Vec<u8> = (0..3 * PART as u32 / 2).map(|i| i.wrapping_mul(i) as u8).collect();
        let whole = file(&[&body]);
        let (header, found) = Header::open(&KIND, &whole).unwrap();
        assert_eq!((header.parameter, header.generation, header.counts), (7, 1 << 40, [1, 2, 3, 4, 5, 6]));
        assert!(found == body);
        for cut in [0, 1, 64, PART, body.len()] {
            assert!(file(&[&body[..cut], &body[cut..]]) == whole, "cut at {cut}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn detects_every_truncation_and_every_flipped_bit(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let whole = file(&[&body]);
            for len in 0..whole.len() {
                prop_assert!(Header::open(&KIND, &whole[..len]).is_err(), "cut to {}", len);
            }
            for bit in 0..8 * whole.len() {
                let mut flipped = whole.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(Header::open(&KIND, &flipped).is_err(), "bit {}", bit);
            }
        }
    }
}

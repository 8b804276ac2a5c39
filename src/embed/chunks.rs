//! Guided self-scheduling of a batch: chunks of whole sequences that threads take in turn.
//!
//! Weights are read once per chunk, so chunks should be long, within the limits of the cache. But all threads wait for the
//! last one, so the last chunks are shorter (Polychronopoulos and Kuck, "Guided self-scheduling", 1987).

use std::ops::Range;

use super::PackedBatch;

/// The fewest tokens of a chunk. In shorter ones, reading weights would take most of the time.
const MIN_TOKENS: usize = 128;

/// Some sequences of a batch, with the memory for their vectors.
pub(super) struct Chunk<'a> {
    pub(super) sequences: Range<usize>,
    pub(super) vectors: &'a mut [f32],
}

/// The part of a batch that no thread has taken yet.
pub(super) struct Chunks<'a> {
    batch: &'a PackedBatch,
    threads: usize,
    max_tokens: usize,
    next: usize,
    vectors: &'a mut [f32],
}

impl<'a> Chunks<'a> {
    /// The chunks of `batch` for `threads` threads; `vectors` has a row for each sequence. A chunk has at most `max_tokens`
    /// tokens, unless a single sequence is longer.
    pub(super) fn new(
        batch: &'a PackedBatch,
        threads: usize,
        max_tokens: usize,
        vectors: &'a mut [f32],
    ) -> Self {
        Chunks { batch, threads, max_tokens, next: 0, vectors }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (from, offsets) = (self.next, self.batch.offsets());
        let remaining = self.batch.len().checked_sub(from).filter(|n| *n > 0)?;
        let start = offsets[from] as usize;
        let share = (self.batch.tokens() - start).div_ceil(2 * self.threads);
        let end = start + share.clamp(MIN_TOKENS, self.max_tokens.max(MIN_TOKENS));
        let count = offsets[from + 1..].iter().take_while(|o| **o as usize <= end).count();
        self.next = from + count.max(1);
        let dim = self.vectors.len() / remaining;
        let (vectors, rest) = std::mem::take(&mut self.vectors).split_at_mut((self.next - from) * dim);
        self.vectors = rest;
        Some(Chunk { sequences: from..self.next, vectors })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The token count of each chunk.
    fn chunk_tokens(lengths: &[usize], threads: usize, longest: usize) -> Vec<usize> {
        let batch = PackedBatch::with_lengths(lengths);
        let mut vectors = vec![0.0; 3 * lengths.len()];
        let mut next = 0;
        let tokens = |chunk: Chunk| {
            let Range { start, end } = chunk.sequences;
            assert!(start == next && end > start, "{start}..{end} after {next}");
            assert_eq!(chunk.vectors.len(), 3 * (end - start));
            next = end;
            lengths[start..end].iter().sum()
        };
        let tokens = Chunks::new(&batch, threads, longest, &mut vectors).map(tokens).collect();
        assert_eq!(next, lengths.len());
        tokens
    }

    #[test]
    fn last_chunks_are_shorter() {
        assert_eq!(chunk_tokens(&[], 2, 512), [0; 0]);
        assert_eq!(chunk_tokens(&[500, 600, 1], 2, 512), [500, 600, 1]);
        assert_eq!(chunk_tokens(&[64; 6], 1, 512), [192, 128, 64]);
        assert_eq!(chunk_tokens(&[32; 64], 2, 512), [512, 384, 288, 192, 160, 128, 128, 128, 128]);
        assert_eq!(chunk_tokens(&[64; 64], 1, 512)[..7], [512; 7]);
        assert_eq!(chunk_tokens(&[32; 64], 2, 384), [384, 384, 320, 224, 160, 128, 128, 128, 128, 64]);
        assert_eq!(chunk_tokens(&[64; 64], 1, 384)[..7], [384; 7]);
        assert_eq!(chunk_tokens(&[64; 4], 1, 1), [128, 128]);
    }

    proptest! {
        #[test]
        fn every_sequence_is_in_exactly_one_chunk(
            lengths in prop::collection::vec(1usize..700, 0..60), threads in 1usize..9,
            longest in 128usize..600,
        ) {
            let longest_sequence = lengths.iter().copied().max().unwrap_or(0);
            for tokens in chunk_tokens(&lengths, threads, longest) {
                prop_assert!(tokens <= longest.max(longest_sequence), "{tokens}");
            }
        }
    }
}

//! A batch as chunks of whole sequences, which threads take one after the other.
//!
//! Weights are read once a chunk, so chunks should be long, though not too long for the cache; but threads wait for the
//! one that ends last, so the chunks that come last are shorter (guided self-scheduling: Polychronopoulos and Kuck,
//! 1987).

use std::ops::Range;

use super::PackedBatch;

/// Tokens of the last chunks. Of chunks that are shorter still, weights would be what takes the time.
const LAST: usize = 128;

/// Sequences of a batch, and where their vectors go.
pub(super) struct Chunk<'a> {
    pub(super) sequences: Range<usize>,
    pub(super) vectors: &'a mut [f32],
}

/// What has not been taken of a batch.
pub(super) struct Chunks<'a> {
    batch: &'a PackedBatch,
    threads: usize,
    longest: usize,
    next: usize,
    vectors: &'a mut [f32],
}

impl<'a> Chunks<'a> {
    /// Of a batch that so many threads work on; `vectors` has as many rows as there are sequences. A chunk has `longest`
    /// tokens at most, unless one sequence alone is longer.
    pub(super) fn new(
        batch: &'a PackedBatch,
        threads: usize,
        longest: usize,
        vectors: &'a mut [f32],
    ) -> Self {
        Chunks { batch, threads, longest, next: 0, vectors }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (from, offsets) = (self.next, self.batch.offsets());
        let left = self.batch.len().checked_sub(from).filter(|left| *left > 0)?;
        let start = offsets[from] as usize;
        let share = (self.batch.tokens() - start).div_ceil(2 * self.threads);
        let end = start + share.clamp(LAST, self.longest.max(LAST));
        let fitting = offsets[from + 1..].iter().take_while(|o| **o as usize <= end).count();
        self.next = from + fitting.max(1);
        let dim = self.vectors.len() / left;
        let (vectors, rest) = std::mem::take(&mut self.vectors).split_at_mut((self.next - from) * dim);
        self.vectors = rest;
        Some(Chunk { sequences: from..self.next, vectors })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The tokens of each chunk.
    fn cut(lengths: &[usize], threads: usize, longest: usize) -> Vec<usize> {
        let batch = PackedBatch::of_lengths(lengths);
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
    fn the_last_chunks_are_shorter() {
        assert_eq!(cut(&[], 2, 512), [0; 0]);
        assert_eq!(cut(&[500, 600, 1], 2, 512), [500, 600, 1]);
        assert_eq!(cut(&[64; 6], 1, 512), [192, 128, 64]);
        assert_eq!(cut(&[32; 64], 2, 512), [512, 384, 288, 192, 160, 128, 128, 128, 128]);
        assert_eq!(cut(&[64; 64], 1, 512)[..7], [512; 7]);
        assert_eq!(cut(&[32; 64], 2, 384), [384, 384, 320, 224, 160, 128, 128, 128, 128, 64]);
        assert_eq!(cut(&[64; 64], 1, 384)[..7], [384; 7]);
        assert_eq!(cut(&[64; 4], 1, 1), [128, 128]);
    }

    proptest! {
        #[test]
        fn every_sequence_is_in_one_chunk(
            lengths in prop::collection::vec(1usize..700, 0..60), threads in 1usize..9,
            longest in 128usize..600,
        ) {
            let text = lengths.iter().copied().max().unwrap_or(0);
            for tokens in cut(&lengths, threads, longest) {
                prop_assert!(tokens <= longest.max(text), "{tokens}");
            }
        }
    }
}

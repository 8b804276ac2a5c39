//! The inverted index of shingles: the shingle channel of an archive that grows.
//!
//! File layout, after the 64-byte header of index files (first count: postings; second count: the highest story number): the
//! shingles in ascending order, 8 bytes each, then the story of each, 4 bytes.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    sync::Arc,
};

use rayon::slice::ParallelSliceMut;

use super::{
    index_file::{CorruptFile, HEADER, Header, Kind},
    shingles::ShingleOptions,
};
use crate::Result;

/// In version 1, a clause of a script without spaces was one word.
const KIND: Kind = Kind { name: "a file of shingles", magic: *b"ssshing\0", version: 2 };

/// Postings (shingle, story): sorted ones in a file of bytes `B` or in memory, and those added since.
#[derive(Debug)]
pub struct Postings<B = Vec<u8>> {
    file: Option<PostingsFile<B>>,
    sorted: Vec<(u64, u32)>,
    added: HashMap<u64, Vec<u32>>,
    last_story: u32,
}

/// A file of postings, searched in place.
#[derive(Debug)]
struct PostingsFile<B> {
    bytes: B,
    postings: usize,
}

impl<B: AsRef<[u8]>> PostingsFile<B> {
    fn shingles(&self) -> &[[u8; 8]] {
        self.bytes.as_ref()[HEADER..][..8 * self.postings].as_chunks().0
    }

    fn stories(&self) -> &[[u8; 4]] {
        self.bytes.as_ref()[HEADER + 8 * self.postings..].as_chunks().0
    }

    /// The postings from number `first` on.
    fn from(&self, first: usize) -> impl Iterator<Item = (u64, u32)> + '_ {
        let shingles = self.shingles()[first..].iter().map(|b| u64::from_le_bytes(*b));
        shingles.zip(self.stories()[first..].iter().map(|b| u32::from_le_bytes(*b)))
    }

    fn stories_with(&self, shingle: u64) -> impl Iterator<Item = u32> + '_ {
        let first = self.shingles().partition_point(|b| u64::from_le_bytes(*b) < shingle);
        self.from(first).take_while(move |p| p.0 == shingle).map(|p| p.1)
    }
}

impl<B> Default for Postings<B> {
    fn default() -> Self {
        Postings { file: None, sorted: Vec::new(), added: HashMap::new(), last_story: 0 }
    }
}

impl<B: AsRef<[u8]>> Postings<B> {
    /// From all postings, in any order, and the highest story number.
    pub fn new(mut all: Vec<(u64, u32)>, last_story: u32) -> Self {
        all.par_sort_unstable();
        Postings { sorted: all, last_story, ..Postings::default() }
    }

    /// Opens a file that [`Postings::write`] wrote, to be searched in place; also returns its generation.
    ///
    /// # Errors
    /// [`CorruptFile`] if header, length, checksum or order are not as written.
    pub fn open(file: B) -> std::result::Result<(Self, u64), CorruptFile> {
        let (header, body) = Header::open(&KIND, file.as_ref())?;
        let postings = header.counts[0] as usize;
        if postings.checked_mul(12) != Some(body.len()) {
            return Err(CorruptFile::new(format!("{postings} postings"), format!("{} bytes", body.len())));
        }
        let file = PostingsFile { bytes: file, postings };
        if !file.from(0).is_sorted() {
            return Err(CorruptFile::new("shingles in order", "others"));
        }
        Ok((
            Postings { file: Some(file), last_story: header.counts[1], ..Postings::default() },
            header.generation,
        ))
    }

    /// All postings, in order.
    fn all(&self) -> Vec<(u64, u32)> {
        let mut all = self.sorted.clone();
        all.extend(self.file.iter().flat_map(|file| file.from(0)));
        // Sorted below, so the order of the map does not matter.
        #[expect(clippy::iter_over_hash_type)]
        for (shingle, stories) in &self.added {
            all.extend(stories.iter().map(|story| (*shingle, *story)));
        }
        all.par_sort_unstable();
        all
    }

    /// Reads the file into memory: some systems cannot replace a mapped file.
    fn load_into_memory(&mut self) {
        if self.file.is_none() && self.added.is_empty() {
            return;
        }
        self.sorted = self.all();
        (self.file, self.added) = (None, HashMap::new());
    }

    /// Writes all postings as a file of the store's `generation`. It may replace the file that they were opened from.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write(&mut self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        self.load_into_memory();
        let all = &self.sorted;
        let shingles: Vec<u8> = all.iter().flat_map(|p| p.0.to_le_bytes()).collect();
        let stories: Vec<u8> = all.iter().flat_map(|p| p.1.to_le_bytes()).collect();
        let count = u32::try_from(all.len()).map_err(io::Error::other)?;
        let header = Header { parameter: 0, generation, counts: [count, self.last_story, 0, 0, 0, 0] };
        header.write(&KIND, &[&shingles, &stories], to)
    }

    /// The highest story number.
    pub fn last_story(&self) -> u32 {
        self.last_story
    }

    /// Adds a story with a higher number than all before.
    pub fn push(&mut self, story: u32, shingles: &[u64]) {
        shingles.iter().for_each(|s| self.added.entry(*s).or_default().push(story));
        self.last_story = story;
    }

    /// Collects the stories that have `shingle`; returns false if more than `max_stories` have it.
    fn collect_rare(&self, shingle: u64, max_stories: usize, stories: &mut Vec<u32>) -> bool {
        let first = self.sorted.partition_point(|p| p.0 < shingle);
        let sorted = self.sorted[first..].iter().take_while(move |p| p.0 == shingle).map(|p| p.1);
        let in_file = self.file.iter().flat_map(|file| file.stories_with(shingle));
        let added = self.added.get(&shingle).into_iter().flatten().copied();
        stories.clear();
        stories.extend(sorted.chain(in_file).chain(added).take(max_stories.saturating_add(1)));
        stories.len() <= max_stories
    }

    /// The stories that share enough rare shingles with one that has `shingles`, as `options` says: a number, or a share of the
    /// rare shingles of the story that has fewer. `shingles_of` returns the shingles of a story.
    ///
    /// # Errors
    /// The first error of `shingles_of`.
    pub fn candidates(
        &self,
        shingles: &[u64],
        options: &ShingleOptions,
        shingles_of: &mut dyn FnMut(u32) -> Result<Arc<[u64]>>,
    ) -> Result<Vec<u32>> {
        // The given story counts as well.
        let max_stories = options.max_stories.saturating_sub(1);
        let mut shared: BTreeMap<u32, u32> = BTreeMap::new();
        let mut rare = 0u32;
        let mut stories = Vec::new();
        for shingle in shingles {
            if self.collect_rare(*shingle, max_stories, &mut stories) {
                rare += 1;
                stories.iter().for_each(|story| *shared.entry(*story).or_default() += 1);
            }
        }
        let mut similar = Vec::new();
        for (story, n) in shared.into_iter().filter(|(_, n)| *n >= 2) {
            let mut enough = n >= options.min_shared || n as f32 >= options.min_share * rare as f32;
            if !enough {
                let others = shingles_of(story)?;
                let rare_of =
                    others.iter().filter(|s| self.collect_rare(**s, max_stories, &mut stories)).count();
                enough = n as f32 >= options.min_share * rare_of as f32;
            }
            if enough {
                similar.push(story);
            }
        }
        Ok(similar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_stories_that_share_enough_shingles() {
        let check = |shingles: &[u64], expect: &[u32]| {
            let mut postings: Postings =
                Postings::new(vec![(1, 1), (2, 1), (3, 1), (7, 1), (7, 2), (9, 2)], 2);
            postings.push(3, &[1, 2, 9]);
            let options =
                ShingleOptions { max_stories: 3, min_shared: 3, min_share: 0.5, ..Default::default() };
            let shingles_of = |story: u32| {
                Ok(match story {
                    1 => vec![1, 2, 3, 7].into(),
                    2 => vec![7, 9].into(),
                    _ => vec![1, 2, 9].into(),
                })
            };
            assert_eq!(
                postings.candidates(shingles, &options, &mut { shingles_of }).unwrap(),
                expect,
                "{shingles:?}"
            );
        };
        check(&[1, 2, 3], &[1, 3]);
        check(&[7, 9, 20, 21, 22, 23, 24], &[2]);
        check(&[1], &[]);
        check(&[], &[]);
    }

    #[test]
    fn a_file_round_trips_and_a_corrupt_one_is_rejected() {
        let mut postings: Postings = Postings::new(vec![(5, 1), (1, 1), (7, 2)], 2);
        postings.push(4, &[1, 9]);
        let mut file = Vec::new();
        postings.write(77, &mut file).unwrap();
        let all = vec![(1, 1), (1, 4), (5, 1), (7, 2), (9, 4)];
        let (mut read, generation) = Postings::open(&file[..]).unwrap();
        assert_eq!((read.all(), read.last_story, generation), (all.clone(), 4, 77));
        let rare = |postings: &Postings<&[u8]>, shingle| {
            let mut stories = Vec::new();
            postings.collect_rare(shingle, 2, &mut stories).then_some(stories)
        };
        read.push(6, &[1, 7]);
        assert_eq!((rare(&read, 1), rare(&read, 7), rare(&read, 8)), (None, Some(vec![2, 6]), Some(vec![])));
        read.load_into_memory();
        assert_eq!((rare(&read, 1), rare(&read, 7), rare(&read, 9)), (None, Some(vec![2, 6]), Some(vec![4])));
        for length in 0..file.len() {
            assert!(Postings::open(&file[..length]).is_err(), "cut at {length}");
        }
        for bit in 0..file.len() * 8 {
            let mut bad = file.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Postings::open(&bad[..]).is_err(), "bit {bit}");
        }
    }
}

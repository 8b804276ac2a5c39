//! For each rare run of words the stories that have it: the shingle channel of an archive that grows.
//!
//! As a file (see the header of derived files for its first 64 bytes): counts: postings, then the highest number of a
//! story; body: the shingles in ascending order, 8 bytes each, then the story of each, 4 bytes.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    rc::Rc,
};

use rayon::slice::ParallelSliceMut;

use super::{
    ShingleOptions,
    index_file::{CorruptFile, HEADER, Header, Kind},
};

/// Up to version 1 a clause of a script without spaces was one word.
const KIND: Kind = Kind { name: "a file of shingles", magic: *b"ssshing\0", version: 2 };

/// Shingles in order, in memory and in a file of bytes `B`, and those that came since.
#[derive(Debug)]
pub struct Postings<B = Vec<u8>> {
    file: Option<InFile<B>>,
    sorted: Vec<(u64, u32)>,
    since: HashMap<u64, Vec<u32>>,
    last: u32,
}

/// A file that is searched as it lies.
#[derive(Debug)]
struct InFile<B> {
    bytes: B,
    postings: usize,
}

impl<B: AsRef<[u8]>> InFile<B> {
    fn shingles(&self) -> &[[u8; 8]] {
        self.bytes.as_ref()[HEADER..][..8 * self.postings].as_chunks().0
    }

    fn stories(&self) -> &[[u8; 4]] {
        self.bytes.as_ref()[HEADER + 8 * self.postings..].as_chunks().0
    }

    /// All postings from the `first` on.
    fn from(&self, first: usize) -> impl Iterator<Item = (u64, u32)> + '_ {
        let shingles = self.shingles()[first..].iter().map(|b| u64::from_le_bytes(*b));
        shingles.zip(self.stories()[first..].iter().map(|b| u32::from_le_bytes(*b)))
    }

    fn of(&self, shingle: u64) -> impl Iterator<Item = u32> + '_ {
        let first = self.shingles().partition_point(|b| u64::from_le_bytes(*b) < shingle);
        self.from(first).take_while(move |p| p.0 == shingle).map(|p| p.1)
    }
}

impl<B> Default for Postings<B> {
    fn default() -> Self {
        Postings { file: None, sorted: Vec::new(), since: HashMap::new(), last: 0 }
    }
}

impl<B: AsRef<[u8]>> Postings<B> {
    /// Takes all at once: shingles with the numbers of their stories, and the highest number of a story.
    pub fn new(mut all: Vec<(u64, u32)>, last: u32) -> Self {
        all.par_sort_unstable();
        Postings { sorted: all, last, ..Postings::default() }
    }

    /// Takes a file that [`Postings::write`] made, to be searched as it lies; also returns its generation.
    pub fn open(file: B) -> Result<(Self, u64), CorruptFile> {
        let (header, body) = Header::open(&KIND, file.as_ref())?;
        let postings = header.counts[0] as usize;
        if postings.checked_mul(12) != Some(body.len()) {
            return Err(CorruptFile::new(format!("{postings} postings"), format!("{} bytes", body.len())));
        }
        let file = InFile { bytes: file, postings };
        if !file.from(0).is_sorted() {
            return Err(CorruptFile::new("shingles in order", "others"));
        }
        Ok((Postings { file: Some(file), last: header.counts[1], ..Postings::default() }, header.generation))
    }

    /// All postings, in order.
    fn all(&self) -> Vec<(u64, u32)> {
        let mut all = self.sorted.clone();
        all.extend(self.file.iter().flat_map(|file| file.from(0)));
        // Sorted below, whatever the order of the map.
        #[expect(clippy::iter_over_hash_type)]
        for (shingle, stories) in &self.since {
            all.extend(stories.iter().map(|story| (*shingle, *story)));
        }
        all.par_sort_unstable();
        all
    }

    /// Reads into memory what is in the file: one that is mapped cannot be replaced everywhere.
    fn leave_file(&mut self) {
        if self.file.is_none() && self.since.is_empty() {
            return;
        }
        self.sorted = self.all();
        (self.file, self.since) = (None, HashMap::new());
    }

    /// Writes all of them as a file, which may replace the one that they came from.
    pub fn write(&mut self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        self.leave_file();
        let all = &self.sorted;
        let shingles: Vec<u8> = all.iter().flat_map(|p| p.0.to_le_bytes()).collect();
        let stories: Vec<u8> = all.iter().flat_map(|p| p.1.to_le_bytes()).collect();
        let count = u32::try_from(all.len()).map_err(io::Error::other)?;
        let header = Header { parameter: 0, generation, counts: [count, self.last, 0, 0, 0, 0] };
        header.write(&KIND, &[&shingles, &stories], to)
    }

    /// The highest number of a story that was taken.
    pub fn last_story(&self) -> u32 {
        self.last
    }

    /// Adds a story, which has a higher number than all before.
    pub fn push(&mut self, story: u32, shingles: &[u64]) {
        shingles.iter().for_each(|s| self.since.entry(*s).or_default().push(story));
        self.last = story;
    }

    /// Takes the stories that have `shingle` into `into`, unless more than `most` have it: then false is returned.
    fn take_rare(&self, shingle: u64, most: usize, into: &mut Vec<u32>) -> bool {
        let first = self.sorted.partition_point(|p| p.0 < shingle);
        let sorted = self.sorted[first..].iter().take_while(move |p| p.0 == shingle).map(|p| p.1);
        let in_file = self.file.iter().flat_map(|file| file.of(shingle));
        let since = self.since.get(&shingle).into_iter().flatten().copied();
        into.clear();
        into.extend(sorted.chain(in_file).chain(since).take(most.saturating_add(1)));
        into.len() <= most
    }

    /// The stories that share enough rare shingles with one that has `shingles`: so many, or such a share of its own
    /// or of theirs, whichever story has fewer. `theirs` gives the shingles of a story.
    pub fn candidates(
        &self,
        shingles: &[u64],
        options: &ShingleOptions,
        theirs: &mut dyn FnMut(u32) -> crate::Result<Rc<[u64]>>,
    ) -> crate::Result<Vec<u32>> {
        // A shingle counts as rare together with the story that asks.
        let most = options.max_stories.saturating_sub(1);
        let mut shared: BTreeMap<u32, u32> = BTreeMap::new();
        let mut rare = 0u32;
        let mut stories = Vec::new();
        for shingle in shingles {
            if self.take_rare(*shingle, most, &mut stories) {
                rare += 1;
                stories.iter().for_each(|story| *shared.entry(*story).or_default() += 1);
            }
        }
        let mut near = Vec::new();
        for (story, n) in shared.into_iter().filter(|(_, n)| *n >= 2) {
            let mut enough = n >= options.min_shared || n as f32 >= options.min_share * rare as f32;
            if !enough {
                let theirs = theirs(story)?;
                let rare_of = theirs.iter().filter(|s| self.take_rare(**s, most, &mut stories)).count();
                enough = n as f32 >= options.min_share * rare_of as f32;
            }
            if enough {
                near.push(story);
            }
        }
        Ok(near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_with_enough_in_common_are_near() {
        let check = |shingles: &[u64], expect: &[u32]| {
            let mut postings: Postings =
                Postings::new(vec![(1, 1), (2, 1), (3, 1), (7, 1), (7, 2), (9, 2)], 2);
            postings.push(3, &[1, 2, 9]);
            let options =
                ShingleOptions { max_stories: 3, min_shared: 3, min_share: 0.5, ..Default::default() };
            let theirs = |story: u32| {
                Ok(match story {
                    1 => vec![1, 2, 3, 7].into(),
                    2 => vec![7, 9].into(),
                    _ => vec![1, 2, 9].into(),
                })
            };
            assert_eq!(
                postings.candidates(shingles, &options, &mut { theirs }).unwrap(),
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
    fn a_file_is_read_as_it_was_written_or_refused() {
        let mut postings: Postings = Postings::new(vec![(5, 1), (1, 1), (7, 2)], 2);
        postings.push(4, &[1, 9]);
        let mut file = Vec::new();
        postings.write(77, &mut file).unwrap();
        let all = vec![(1, 1), (1, 4), (5, 1), (7, 2), (9, 4)];
        let (mut read, generation) = Postings::open(&file[..]).unwrap();
        assert_eq!((read.all(), read.last, generation), (all.clone(), 4, 77));
        let rare = |postings: &Postings<&[u8]>, shingle| {
            let mut stories = Vec::new();
            postings.take_rare(shingle, 2, &mut stories).then_some(stories)
        };
        read.push(6, &[1, 7]);
        assert_eq!((rare(&read, 1), rare(&read, 7), rare(&read, 8)), (None, Some(vec![2, 6]), Some(vec![])));
        read.leave_file();
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

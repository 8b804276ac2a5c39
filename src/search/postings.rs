//! For each rare run of words the stories that have it: the shingle channel of an archive that grows.
//!
//! As a file (see the frame of derived files for its first 64 bytes): counts: postings, then the highest number of a
//! story; body: the shingles in ascending order, 8 bytes each, then the story of each, 4 bytes.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    rc::Rc,
};

use rayon::slice::ParallelSliceMut;

use super::{
    ShingleOptions,
    derived::{Broken, Frame, Kind},
};

const KIND: Kind = Kind { name: "a file of shingles", magic: *b"ssshing\0", version: 1 };

/// Shingles in order, and those that came since.
#[derive(Debug, Default)]
pub struct Postings {
    sorted: Vec<(u64, u32)>,
    since: HashMap<u64, Vec<u32>>,
    last: u32,
}

impl Postings {
    /// Takes all at once: shingles with the numbers of their stories, and the highest number of a story.
    pub fn new(mut all: Vec<(u64, u32)>, last: u32) -> Self {
        all.par_sort_unstable();
        Postings { sorted: all, since: HashMap::new(), last }
    }

    /// Reads a file that [`Postings::write`] made; also returns its generation.
    pub fn open(file: &[u8]) -> Result<(Self, u64), Broken> {
        let (frame, body) = Frame::open(&KIND, file)?;
        let n = frame.counts[0] as usize;
        if n.checked_mul(12) != Some(body.len()) {
            return Err(Broken::new(format!("{n} postings"), format!("{} bytes", body.len())));
        }
        let (shingles, stories) = body.split_at(8 * n);
        let shingles = shingles.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b));
        let stories = stories.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b));
        let sorted: Vec<(u64, u32)> = shingles.zip(stories).collect();
        if !sorted.is_sorted() {
            return Err(Broken::new("shingles in order", "others"));
        }
        Ok((Postings { sorted, since: HashMap::new(), last: frame.counts[1] }, frame.generation))
    }

    /// Writes all of them as a file.
    pub fn write(&self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        let mut all = self.sorted.clone();
        // Sorted below, whatever the order of the map.
        #[expect(clippy::iter_over_hash_type)]
        for (shingle, stories) in &self.since {
            all.extend(stories.iter().map(|story| (*shingle, *story)));
        }
        all.par_sort_unstable();
        let shingles: Vec<u8> = all.iter().flat_map(|p| p.0.to_le_bytes()).collect();
        let stories: Vec<u8> = all.iter().flat_map(|p| p.1.to_le_bytes()).collect();
        let count = u32::try_from(all.len()).map_err(io::Error::other)?;
        let frame = Frame { parameter: 0, generation, counts: [count, self.last, 0, 0, 0, 0] };
        frame.write(&KIND, &[&shingles, &stories], to)
    }

    /// The highest number of a story that was taken.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// Adds a story, which has a higher number than all before.
    pub fn push(&mut self, story: u32, shingles: &[u64]) {
        shingles.iter().for_each(|s| self.since.entry(*s).or_default().push(story));
        self.last = story;
    }

    /// The stories that have `shingle`, ascending.
    fn of(&self, shingle: u64) -> impl Iterator<Item = u32> + '_ {
        let first = self.sorted.partition_point(|p| p.0 < shingle);
        let sorted = self.sorted[first..].iter().take_while(move |p| p.0 == shingle).map(|p| p.1);
        sorted.chain(self.since.get(&shingle).into_iter().flatten().copied())
    }

    /// Whether no more than `most` stories have `shingle`.
    fn is_rare(&self, shingle: u64, most: usize) -> bool {
        self.of(shingle).nth(most).is_none()
    }

    /// The stories that share enough rare shingles with one that has `shingles`: so many, or such a share of its own
    /// or of theirs, whichever story has fewer. `theirs` gives the shingles of a story.
    pub fn near(
        &self,
        shingles: &[u64],
        options: &ShingleOptions,
        theirs: &mut dyn FnMut(u32) -> crate::Result<Rc<[u64]>>,
    ) -> crate::Result<Vec<u32>> {
        // A shingle counts as rare together with the story that asks.
        let most = options.max_stories.saturating_sub(1);
        let mut shared: BTreeMap<u32, u32> = BTreeMap::new();
        let mut rare = 0u32;
        for shingle in shingles.iter().filter(|s| self.is_rare(**s, most)) {
            rare += 1;
            self.of(*shingle).for_each(|story| *shared.entry(story).or_default() += 1);
        }
        let mut near = Vec::new();
        for (story, n) in shared.into_iter().filter(|(_, n)| *n >= 2) {
            let mut enough = n >= options.min_shared || n as f32 >= options.min_share * rare as f32;
            if !enough {
                let rare_of = theirs(story)?.iter().filter(|s| self.is_rare(**s, most)).count();
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
            let mut postings = Postings::new(vec![(1, 1), (2, 1), (3, 1), (7, 1), (7, 2), (9, 2)], 2);
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
            assert_eq!(postings.near(shingles, &options, &mut { theirs }).unwrap(), expect, "{shingles:?}");
        };
        check(&[1, 2, 3], &[1, 3]);
        check(&[7, 9, 20, 21, 22, 23, 24], &[2]);
        check(&[1], &[]);
        check(&[], &[]);
    }

    #[test]
    fn a_file_is_read_as_it_was_written_or_refused() {
        let mut postings = Postings::new(vec![(5, 1), (1, 1), (7, 2)], 2);
        postings.push(4, &[1, 9]);
        let mut file = Vec::new();
        postings.write(77, &mut file).unwrap();
        let (read, generation) = Postings::open(&file).unwrap();
        assert_eq!(
            (read.sorted, read.last, generation),
            (vec![(1, 1), (1, 4), (5, 1), (7, 2), (9, 4)], 4, 77)
        );
        for length in 0..file.len() {
            assert!(Postings::open(&file[..length]).is_err(), "cut at {length}");
        }
        for bit in 0..file.len() * 8 {
            let mut bad = file.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Postings::open(&bad).is_err(), "bit {bit}");
        }
    }
}

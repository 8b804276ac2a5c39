//! For each rare run of words the stories that have it.

use std::collections::{BTreeMap, HashMap};

use crate::search::ShingleOptions;

/// Shingles in order, and those that came since.
#[derive(Debug, Default)]
pub(super) struct Postings {
    sorted: Vec<(u64, u32)>,
    since: HashMap<u64, Vec<u32>>,
}

impl Postings {
    /// Takes all at once: shingles with the numbers of their stories.
    pub fn new(mut all: Vec<(u64, u32)>) -> Self {
        rayon::slice::ParallelSliceMut::par_sort_unstable(&mut all[..]);
        Postings { sorted: all, since: HashMap::new() }
    }

    /// Adds a story, which has a higher number than all before.
    pub fn push(&mut self, story: u32, shingles: &[u64]) {
        shingles.iter().for_each(|s| self.since.entry(*s).or_default().push(story));
    }

    /// The stories that have `shingle`, ascending, unless more than `most` have it.
    fn rare(&self, shingle: u64, most: usize) -> Option<Vec<u32>> {
        let first = self.sorted.partition_point(|p| p.0 < shingle);
        let sorted = self.sorted[first..].iter().take_while(|p| p.0 == shingle).map(|p| p.1);
        let since = self.since.get(&shingle).into_iter().flatten().copied();
        let found: Vec<u32> = sorted.chain(since).take(most + 1).collect();
        (found.len() <= most).then_some(found)
    }

    /// The stories that share enough rare shingles with one that has `shingles`: so many, or such a share of its own
    /// or of theirs, whichever story has fewer. `theirs` gives the shingles of a story.
    pub fn near(
        &self,
        shingles: &[u64],
        options: &ShingleOptions,
        theirs: &mut dyn FnMut(u32) -> crate::Result<Vec<u64>>,
    ) -> crate::Result<Vec<u32>> {
        // A shingle counts as rare together with the story that asks.
        let most = options.max_stories.saturating_sub(1);
        let mut shared: BTreeMap<u32, u32> = BTreeMap::new();
        let mut rare = 0u32;
        for shingle in shingles {
            let Some(found) = self.rare(*shingle, most) else { continue };
            rare += 1;
            found.into_iter().for_each(|story| *shared.entry(story).or_default() += 1);
        }
        let mut near = Vec::new();
        for (story, n) in shared.into_iter().filter(|(_, n)| *n >= 2) {
            let mut enough = n >= options.min_shared || n as f32 >= options.min_share * rare as f32;
            if !enough {
                let rare_of = theirs(story)?.iter().filter(|s| self.rare(**s, most).is_some()).count();
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
            let mut postings = Postings::new(vec![(1, 1), (2, 1), (3, 1), (7, 1), (7, 2), (9, 2)]);
            postings.push(3, &[1, 2, 9]);
            let options =
                ShingleOptions { max_stories: 3, min_shared: 3, min_share: 0.5, ..Default::default() };
            let theirs = |story: u32| {
                Ok(match story {
                    1 => vec![1, 2, 3, 7],
                    2 => vec![7, 9],
                    _ => vec![1, 2, 9],
                })
            };
            assert_eq!(postings.near(shingles, &options, &mut { theirs }).unwrap(), expect, "{shingles:?}");
        };
        check(&[1, 2, 3], &[1, 3]);
        check(&[7, 9, 20, 21, 22, 23, 24], &[2]);
        check(&[1], &[]);
        check(&[], &[]);
    }
}

//! The shingle channel: stories that share rare shingles. It is robust to noise, cuts and short shared passages.
//!
//! A k-shingle is a sequence of k words (Broder, 1997). Shingles that occur in many stories are not informative and are left
//! out.

use rayon::prelude::*;

use crate::{
    story::{Corpus, StoryId},
    words,
};

/// The settings of the shingle channel.
#[derive(Debug, Clone, Copy)]
pub struct ShingleOptions {
    /// The number of words of a shingle.
    pub words: usize,
    /// A shingle in more stories than this is common and left out.
    pub max_stories: usize,
    /// The least number of shared rare shingles of a pair …
    pub min_shared: u32,
    /// … or the least share of the rare shingles of the story that has fewer, in [0, 1].
    pub min_share: f32,
}

impl Default for ShingleOptions {
    fn default() -> Self {
        ShingleOptions { words: 3, max_stories: 24, min_shared: 8, min_share: 0.10 }
    }
}

/// The pairs of stories that share enough rare shingles, `a < b`, in order; and the number of common shingles.
pub fn pairs(corpus: &Corpus, options: &ShingleOptions) -> (Vec<(StoryId, StoryId)>, u64) {
    let of_story: Vec<Vec<u64>> = (0..corpus.stories.len())
        .into_par_iter()
        .map(|i| shingles(corpus, StoryId(i as u32), options.words))
        .collect();
    let mut postings: Vec<(u64, u32)> =
        of_story.iter().enumerate().flat_map(|(i, s)| s.iter().map(move |&h| (h, i as u32))).collect();
    postings.par_sort_unstable();
    let mut common = 0;
    let mut rare_of = vec![0u32; of_story.len()];
    let mut shared: Vec<(u32, u32)> = Vec::new();
    for run in postings.chunk_by(|x, y| x.0 == y.0) {
        if run.len() > options.max_stories {
            common += 1;
            continue;
        }
        for (i, &(_, a)) in run.iter().enumerate() {
            rare_of[a as usize] += 1;
            shared.extend(run[i + 1..].iter().map(|&(_, b)| (a, b)));
        }
    }
    shared.par_sort_unstable();
    let enough = |run: &[(u32, u32)]| {
        let n = run.len() as u32;
        let fewer = rare_of[run[0].0 as usize].min(rare_of[run[0].1 as usize]);
        n >= options.min_shared || (n >= 2 && n as f32 >= options.min_share * fewer as f32)
    };
    let runs = shared.chunk_by(|x, y| x == y).filter(|run| enough(run));
    (runs.map(|run| (StoryId(run[0].0), StoryId(run[0].1))).collect(), common)
}

/// The hashes of the distinct shingles of a story, each of `words` words, ascending.
pub fn shingles(corpus: &Corpus, story: StoryId, words: usize) -> Vec<u64> {
    let mut out = Vec::new();
    for row in corpus.story_rows(story) {
        let hashes: Vec<u64> = words::words(corpus.row_text(row))
            .map(|w| w.chars().flat_map(char::to_lowercase).fold(SEED, |h, c| mix(h, u64::from(c as u32))))
            .collect();
        out.extend(hashes.windows(words).map(|run| run.iter().fold(SEED, |h, &w| mix(h, w))));
    }
    out.sort_unstable();
    out.dedup();
    out
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// One step of a multiplicative hash with good high and low bits (the finalizer of MurmurHash3).
fn mix(h: u64, x: u64) -> u64 {
    let mut h = (h ^ x).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h.wrapping_mul(0xc4ce_b9fe_1a85_ec53) ^ (h >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;

    #[test]
    fn pairs_stories_with_shared_rare_shingles() {
        let check = |a: &str, b: &str, expect: bool| {
            let story = |id: &str, text: &str| Story { id: id.into(), text: text.into(), ..Story::default() };
            let corpus = Corpus::new(vec![story("a", a), story("b", b)]);
            assert_eq!(!pairs(&corpus, &ShingleOptions::default()).0.is_empty(), expect, "{a} / {b}");
        };
        check(
            "The mayor of Norrin opened the new bridge today.",
            "the MAYOR of Norrin opened the old bridge",
            true,
        );
        check(
            "The mayor of Norrin opened the new bridge today.",
            "Rain is expected over the hills of Valemont.",
            false,
        );
        check("", "", false);
    }
}

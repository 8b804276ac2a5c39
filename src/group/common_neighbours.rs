//! Counts the common neighbours of two stories: those that share their origin with both.

use std::collections::BTreeMap;

use super::Edges;
use crate::story::StoryId;

/// Fewer neighbours are looked up one by one.
const FEW: usize = 64;

/// The neighbours of each story: those that it shares its origin with.
pub(super) struct CommonNeighbours {
    of: BTreeMap<StoryId, Neighbours>,
}

struct Neighbours {
    /// In order.
    all: Vec<u32>,
    /// The same as a bitset that begins with the word of the first; empty where they are few or far apart, so that there are
    /// at most about as many words as numbers.
    bits: Vec<u64>,
}

impl Neighbours {
    fn new(all: Vec<u32>) -> Self {
        let mut bits = Vec::new();
        if let [first, .., last] = &all[..]
            && all.len() >= FEW
            && (last / 64 - first / 64) as usize <= all.len()
        {
            let first = first / 64;
            bits = vec![0; (last / 64 - first) as usize + 1];
            all.iter().for_each(|i| bits[(i / 64 - first) as usize] |= 1u64 << (i % 64));
        }
        Neighbours { all, bits }
    }

    fn has(&self, i: u32) -> bool {
        if self.bits.is_empty() {
            return self.all.binary_search(&i).is_ok();
        }
        let word = (i / 64).checked_sub(self.all[0] / 64).and_then(|w| self.bits.get(w as usize));
        word.is_some_and(|word| word >> (i % 64) & 1 == 1)
    }
}

impl CommonNeighbours {
    pub(super) fn new(edges: &Edges) -> Self {
        // By their places among the stories that have neighbours, so that bits lie close.
        let place: BTreeMap<StoryId, u32> = edges.keys().copied().zip(0..).collect();
        let of = |(story, near): (&StoryId, &BTreeMap<StoryId, _>)| {
            (*story, Neighbours::new(near.keys().map(|other| place[other]).collect()))
        };
        CommonNeighbours { of: edges.iter().map(of).collect() }
    }

    /// How many neighbours both have.
    pub(super) fn count(&self, a: StoryId, b: StoryId) -> usize {
        let (Some(x), Some(y)) = (self.of.get(&a), self.of.get(&b)) else { return 0 };
        if x.bits.is_empty() || y.bits.is_empty() {
            let (few, many) = if x.all.len() <= y.all.len() { (x, y) } else { (y, x) };
            return few.all.iter().filter(|i| many.has(**i)).count();
        }
        let (x_first, y_first) = (x.all[0] / 64, y.all[0] / 64);
        let from = x_first.max(y_first);
        let x = x.bits.get((from - x_first) as usize..).unwrap_or_default();
        let y = y.bits.get((from - y_first) as usize..).unwrap_or_default();
        x.iter().zip(y).map(|(x, y)| (x & y).count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::compare::Verdict;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn counts_agree_with_set_intersection(
            pairs in prop::collection::vec((0u32..40, 0u32..400), 0..2500), gap in 1u32..200,
        ) {
            let story = |i: u32| StoryId(if i < 20 { i } else { i * gap });
            let pairs: BTreeSet<(StoryId, StoryId)> =
                pairs.into_iter().map(|(a, b)| (story(a), story(b))).filter(|(a, b)| a != b).collect();
            let verdict = Verdict::none(StoryId(0), StoryId(1));
            let mut edges = Edges::new();
            for (a, b) in &pairs {
                edges.entry(*a).or_default().insert(*b, &verdict);
                edges.entry(*b).or_default().insert(*a, &verdict);
            }
            let neighbours = CommonNeighbours::new(&edges);
            for (a, b) in pairs {
                let expect = edges[&a].keys().filter(|x| edges[&b].contains_key(x)).count();
                prop_assert_eq!(neighbours.count(a, b), expect, "{:?} {:?}", a, b);
            }
        }
    }
}

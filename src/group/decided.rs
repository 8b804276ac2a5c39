//! Groups made to hold what people decided: who belongs together, and who does not.
//!
//! Only the stories that a decision names are moved, and only groups that it concerns are looked at again: a "same"
//! joins two stories, not the groups that they come from, so decisions make no chains beyond what people said.

use std::collections::{BTreeMap, BTreeSet};

use super::{Constraints, Edges};
use crate::story::StoryId;

/// Stories that people joined, each lot under its lowest story; and the lots that they parted.
#[derive(Default)]
pub(super) struct Lots {
    lot_of: BTreeMap<StoryId, StoryId>,
    apart: BTreeSet<(StoryId, StoryId)>,
}

impl Lots {
    pub(super) fn new(decided: &Constraints) -> Self {
        let mut lot_of: BTreeMap<StoryId, StoryId> = BTreeMap::new();
        for &(a, b) in &decided.must_link {
            let (x, y) = (lot(&lot_of, a), lot(&lot_of, b));
            let (low, high) = (x.min(y), x.max(y));
            lot_of.insert(a, low);
            lot_of.insert(b, low);
            lot_of.values_mut().filter(|l| **l == high).for_each(|l| *l = low);
        }
        let pair = |&(a, b): &(StoryId, StoryId)| {
            let (x, y) = (lot(&lot_of, a), lot(&lot_of, b));
            (x.min(y), x.max(y))
        };
        let apart = decided.cannot_link.iter().map(pair).collect();
        Lots { lot_of, apart }
    }

    /// Whether people joined the two, directly or by others that they joined.
    pub(super) fn are_one(&self, a: StoryId, b: StoryId) -> bool {
        a != b && self.lot_of.get(&a).is_some_and(|lot| self.lot_of.get(&b) == Some(lot))
    }

    fn are_apart(&self, a: StoryId, b: StoryId) -> bool {
        let (x, y) = (lot(&self.lot_of, a), lot(&self.lot_of, b));
        self.apart.contains(&(x.min(y), x.max(y)))
    }

    fn lots(&self) -> BTreeMap<StoryId, Vec<StoryId>> {
        let mut lots: BTreeMap<StoryId, Vec<StoryId>> = BTreeMap::new();
        self.lot_of.iter().for_each(|(story, lot)| lots.entry(*lot).or_default().push(*story));
        lots
    }
}

fn lot(lot_of: &BTreeMap<StoryId, StoryId>, story: StoryId) -> StoryId {
    lot_of.get(&story).copied().unwrap_or(story)
}

/// `sets` as the decisions would have them, in order of their members.
pub(super) fn honour(mut sets: Vec<Vec<StoryId>>, edges: &Edges, lots: &Lots) -> Vec<Vec<StoryId>> {
    let mut loose = vec![false; sets.len()];
    for stories in lots.lots().values() {
        let held = |set: &Vec<StoryId>| stories.iter().filter(|s| set.contains(s)).count();
        // The set that has most of them already; the first of such.
        let home = (0..sets.len()).rev().max_by_key(|i| held(&sets[*i])).filter(|i| held(&sets[*i]) > 0);
        let home = home.unwrap_or_else(|| {
            sets.push(Vec::new());
            loose.push(false);
            sets.len() - 1
        });
        for (i, set) in sets.iter_mut().enumerate().filter(|(i, _)| *i != home) {
            let before = set.len();
            set.retain(|s| !stories.contains(s));
            loose[i] |= set.len() < before;
        }
        let missing: Vec<StoryId> = stories.iter().filter(|s| !sets[home].contains(s)).copied().collect();
        sets[home].extend(missing);
    }
    let mut honoured = Vec::new();
    for (set, loose) in sets.into_iter().zip(loose) {
        let parted = set.iter().enumerate().any(|(i, a)| set[..i].iter().any(|b| lots.are_apart(*a, *b)));
        match loose || parted {
            true => honoured.extend(part(&set, edges, lots)),
            false => honoured.push(set),
        }
    }
    honoured.retain(|set| set.len() > 1);
    honoured.iter_mut().for_each(|set| set.sort());
    honoured.sort();
    honoured
}

/// Parts of `set` in which nobody is apart: each lot joins the part that it is nearest to, if it shares its origin
/// with the part's first story or with at least half of its stories.
fn part(set: &[StoryId], edges: &Edges, lots: &Lots) -> Vec<Vec<StoryId>> {
    let strength = |a: &StoryId, b: &StoryId| {
        edges.get(a).and_then(|of| of.get(b)).map(|v| v.coverage_ab.max(v.coverage_ba))
    };
    let mut units: BTreeMap<StoryId, Vec<StoryId>> = BTreeMap::new();
    for story in set {
        units.entry(lot(&lots.lot_of, *story)).or_default().push(*story);
    }
    // What most of the others share their origin with comes first: it held the set together.
    let near = |unit: &Vec<StoryId>| {
        set.iter().filter(|other| unit.iter().any(|s| strength(s, other).is_some())).count()
    };
    let mut order: Vec<(usize, Vec<StoryId>)> = units.into_values().map(|u| (near(&u), u)).collect();
    order.sort_by(|x, y| y.0.cmp(&x.0).then(x.1.cmp(&y.1)));
    let mut parts: Vec<Vec<StoryId>> = Vec::new();
    for (_, unit) in order {
        let mut best: Option<(f32, usize)> = None;
        for (i, part) in parts.iter().enumerate() {
            if unit.iter().any(|s| part.iter().any(|p| lots.are_apart(*s, *p))) {
                continue;
            }
            let of: Vec<f32> = part
                .iter()
                .filter_map(|p| unit.iter().filter_map(|s| strength(s, p)).max_by(f32::total_cmp))
                .collect();
            let first = unit.iter().any(|s| strength(s, &part[0]).is_some());
            if of.is_empty() || !(first || of.len() * 2 >= part.len()) {
                continue;
            }
            let mean = of.iter().sum::<f32>() / part.len() as f32;
            if best.is_none_or(|(most, _)| mean > most) {
                best = Some((mean, i));
            }
        }
        match best {
            Some((_, i)) => parts[i].extend(unit),
            None => parts.push(unit),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        compare::{PairFeatures, Relation, Rule, Verdict},
        group::edges,
    };

    fn copies(pairs: &[(u32, u32)]) -> Vec<Verdict> {
        let verdict = |&(a, b): &(u32, u32)| Verdict {
            a: StoryId(a),
            b: StoryId(b),
            relation: Relation::Copy,
            coverage_ab: 0.9,
            coverage_ba: 0.9,
            cosine: 0.9,
            rule: Rule::MostTextShared,
            features: PairFeatures::default(),
        };
        pairs.iter().map(verdict).collect()
    }

    fn ids(pairs: &[(u32, u32)]) -> Vec<(StoryId, StoryId)> {
        pairs.iter().map(|(a, b)| (StoryId(*a), StoryId(*b))).collect()
    }

    fn run(
        sets: &[&[u32]],
        pairs: &[(u32, u32)],
        same: &[(u32, u32)],
        different: &[(u32, u32)],
    ) -> Vec<Vec<u32>> {
        let verdicts = copies(pairs);
        let sets = sets.iter().map(|s| s.iter().map(|i| StoryId(*i)).collect()).collect();
        let decided =
            Constraints { must_link: ids(same), cannot_link: ids(different), ..Constraints::default() };
        let found = honour(sets, &edges(verdicts.iter()), &Lots::new(&decided));
        found.into_iter().map(|s| s.into_iter().map(|i| i.0).collect()).collect()
    }

    #[test]
    fn what_people_say_holds() {
        let (all, other) = ([(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)], [(4, 5)]);
        let pairs = [&all[..], &other[..]].concat();
        let check = |same: &[(u32, u32)], different: &[(u32, u32)], expect: &[&[u32]]| {
            let found = run(&[&[0, 1, 2, 3], &[4, 5]], &pairs, same, different);
            assert_eq!(found, expect, "same {same:?}, different {different:?}");
        };
        check(&[], &[], &[&[0, 1, 2, 3], &[4, 5]]);
        // Rejected: alone, and the others stay.
        check(&[], &[(3, 0), (3, 1), (3, 2)], &[&[0, 1, 2], &[4, 5]]);
        // Split in two.
        check(&[(2, 3)], &[(0, 2), (0, 3), (1, 2), (1, 3)], &[&[0, 1], &[2, 3], &[4, 5]]);
        // One story goes over; the group that it came from stays behind, and falls apart if that leaves one.
        check(&[(3, 4), (4, 5)], &[], &[&[0, 1, 2], &[3, 4, 5]]);
        check(&[(0, 5)], &[], &[&[0, 1, 2, 3, 5]]);
        // Two that no group had.
        check(&[(7, 9)], &[], &[&[0, 1, 2, 3], &[4, 5], &[7, 9]]);
        // The whole of both.
        check(&[(0, 1), (0, 2), (0, 3), (0, 4), (4, 5)], &[], &[&[0, 1, 2, 3, 4, 5]]);
    }

    #[test]
    fn a_story_without_the_one_that_held_it_is_alone() {
        // 1 and 2 are there by 0 alone.
        assert_eq!(
            run(&[&[0, 1, 2], &[3, 4, 5]], &[(0, 1), (0, 2), (3, 4), (3, 5)], &[(0, 3), (0, 4)], &[]),
            [[0, 3, 4, 5]]
        );
    }

    proptest! {
        #[test]
        fn no_decision_is_broken_and_no_story_is_in_two_sets(
            pairs in prop::collection::vec((0u32..12, 0u32..12), 0..40),
            same in prop::collection::vec((0u32..14, 0u32..14), 0..8),
            different in prop::collection::vec((0u32..14, 0u32..14), 0..8),
        ) {
            let pairs: Vec<_> = pairs.into_iter().filter(|(a, b)| a != b).collect();
            let same: Vec<_> = same.into_iter().filter(|(a, b)| a != b).collect();
            let joined = Lots::new(&Constraints { must_link: ids(&same), ..Constraints::default() });
            // Decisions that contradict one another are refused where they are read.
            let different: Vec<_> = different.into_iter()
                .filter(|(a, b)| a != b && !joined.are_one(StoryId(*a), StoryId(*b))).collect();
            let found = run(&[&[0, 1, 2, 3, 4], &[5, 6, 7], &[8, 9, 10, 11]], &pairs, &same, &different);
            let home = |s: u32| found.iter().position(|set| set.contains(&s));
            for (a, b) in &same {
                prop_assert!(home(*a).is_some() && home(*a) == home(*b), "{a} and {b} in {found:?}");
            }
            for (a, b) in &different {
                prop_assert!(home(*a).is_none() || home(*a) != home(*b), "{a} or {b} in {found:?}");
            }
            let mut all: Vec<u32> = found.concat();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), found.concat().len());
            // Nobody comes together that was neither together before nor joined by people.
            let was = |s: u32| match s { 0..5 => 0, 5..8 => 1, 8..12 => 2, _ => 3 + s };
            for set in &found {
                for a in set {
                    let kept = set.iter().any(|b| a != b && (was(*a) == was(*b) || joined.are_one(StoryId(*a), StoryId(*b))));
                    prop_assert!(kept, "{a} in {found:?}");
                }
            }
        }
    }
}

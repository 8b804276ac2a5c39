//! Applies must-link and cannot-link constraints to groups.
//!
//! Only the stories of a constraint are moved, and only the groups that it concerns are divided again: a must-link merges
//! two stories, not the groups that they come from, so constraints make no chains beyond what they say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Constraints, Edges, constraints::linked_sets};
use crate::story::StoryId;

/// Stories that must-link constraints link, each set under its lowest story; and the pairs of sets that must be apart.
#[derive(Default)]
pub(super) struct LinkedSets {
    set_of: BTreeMap<StoryId, StoryId>,
    cannot_link: BTreeSet<(StoryId, StoryId)>,
}

impl LinkedSets {
    pub(super) fn new(constraints: &Constraints) -> Self {
        let mut set_of = BTreeMap::new();
        for set in linked_sets(constraints.must_link.iter().map(|&(a, b)| [a, b])) {
            set_of.extend(set.iter().map(|story| (*story, set[0])));
        }
        let mut sets = LinkedSets { set_of, cannot_link: BTreeSet::new() };
        sets.cannot_link = constraints.cannot_link.iter().map(|&(a, b)| sets.pair(a, b)).collect();
        sets
    }

    /// Whether must-links link the two, directly or through others.
    pub(super) fn must_link(&self, a: StoryId, b: StoryId) -> bool {
        a != b && self.set_of.get(&a).is_some_and(|set| self.set_of.get(&b) == Some(set))
    }

    /// Whether the two, or stories linked with them, must not be in one group.
    fn cannot_link(&self, a: StoryId, b: StoryId) -> bool {
        self.cannot_link.contains(&self.pair(a, b))
    }

    /// The lowest story of the set of `story`.
    fn set(&self, story: StoryId) -> StoryId {
        self.set_of.get(&story).copied().unwrap_or(story)
    }

    /// The sets of two stories, the lower one first.
    fn pair(&self, a: StoryId, b: StoryId) -> (StoryId, StoryId) {
        let (x, y) = (self.set(a), self.set(b));
        (x.min(y), x.max(y))
    }

    fn sets(&self) -> BTreeMap<StoryId, Vec<StoryId>> {
        let mut sets: BTreeMap<StoryId, Vec<StoryId>> = BTreeMap::new();
        self.set_of.iter().for_each(|(story, set)| sets.entry(*set).or_default().push(*story));
        sets
    }
}

/// `groups` as the constraints require them, in order of their members.
pub(super) fn apply_constraints(
    mut groups: Vec<Vec<StoryId>>,
    edges: &Edges,
    linked: &LinkedSets,
) -> Vec<Vec<StoryId>> {
    let mut lost_members = vec![false; groups.len()];
    for stories in linked.sets().values() {
        let count = |group: &Vec<StoryId>| stories.iter().filter(|s| group.contains(s)).count();
        // The group that has most of them already; the first of such.
        let target =
            (0..groups.len()).rev().max_by_key(|i| count(&groups[*i])).filter(|i| count(&groups[*i]) > 0);
        let target = target.unwrap_or_else(|| {
            groups.push(Vec::new());
            lost_members.push(false);
            groups.len() - 1
        });
        for (i, group) in groups.iter_mut().enumerate().filter(|(i, _)| *i != target) {
            let before = group.len();
            group.retain(|s| !stories.contains(s));
            lost_members[i] |= group.len() < before;
        }
        let missing: Vec<StoryId> = stories.iter().filter(|s| !groups[target].contains(s)).copied().collect();
        groups[target].extend(missing);
    }
    let mut constrained = Vec::new();
    for (group, lost_members) in groups.into_iter().zip(lost_members) {
        let has_cannot_link =
            group.iter().enumerate().any(|(i, a)| group[..i].iter().any(|b| linked.cannot_link(*a, *b)));
        if lost_members || has_cannot_link {
            constrained.extend(divide(&group, edges, linked));
        } else {
            constrained.push(group);
        }
    }
    constrained.retain(|group| group.len() > 1);
    constrained.iter_mut().for_each(|group| group.sort());
    constrained.sort();
    constrained
}

/// Divides `group` into parts without a cannot-link: each linked set joins the part that it is most similar to, if it
/// shares its origin with the part's first story or with at least half of its stories.
fn divide(group: &[StoryId], edges: &Edges, linked: &LinkedSets) -> Vec<Vec<StoryId>> {
    let strength =
        |a: &StoryId, b: &StoryId| edges.get(a).and_then(|of| of.get(b)).map(|v| v.higher_coverage());
    let mut units: BTreeMap<StoryId, Vec<StoryId>> = BTreeMap::new();
    for story in group {
        units.entry(linked.set(*story)).or_default().push(*story);
    }
    // The unit that most other stories share their origin with comes first: it held the group together.
    let neighbours = |unit: &Vec<StoryId>| {
        group.iter().filter(|other| unit.iter().any(|s| strength(s, other).is_some())).count()
    };
    let mut order: Vec<(usize, Vec<StoryId>)> =
        units.into_values().map(|unit| (neighbours(&unit), unit)).collect();
    order.sort_by(|x, y| y.0.cmp(&x.0).then(x.1.cmp(&y.1)));
    let mut parts: Vec<Vec<StoryId>> = Vec::new();
    for (_, unit) in order {
        let mut best: Option<(f32, usize)> = None;
        for (i, part) in parts.iter().enumerate() {
            if unit.iter().any(|s| part.iter().any(|p| linked.cannot_link(*s, *p))) {
                continue;
            }
            let strengths: Vec<f32> = part
                .iter()
                .filter_map(|p| unit.iter().filter_map(|s| strength(s, p)).max_by(f32::total_cmp))
                .collect();
            let has_first = unit.iter().any(|s| strength(s, &part[0]).is_some());
            if strengths.is_empty() || !(has_first || strengths.len() * 2 >= part.len()) {
                continue;
            }
            let mean = strengths.iter().sum::<f32>() / part.len() as f32;
            if best.is_none_or(|(highest, _)| mean > highest) {
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
        groups: &[&[u32]],
        pairs: &[(u32, u32)],
        same: &[(u32, u32)],
        different: &[(u32, u32)],
    ) -> Vec<Vec<u32>> {
        let verdicts = copies(pairs);
        let groups = groups.iter().map(|s| s.iter().map(|i| StoryId(*i)).collect()).collect();
        let constraints =
            Constraints { must_link: ids(same), cannot_link: ids(different), ..Constraints::default() };
        let found = apply_constraints(groups, &edges(verdicts.iter()), &LinkedSets::new(&constraints));
        found.into_iter().map(|s| s.into_iter().map(|i| i.0).collect()).collect()
    }

    #[test]
    fn constraints_hold() {
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
    fn a_group_that_loses_its_centre_falls_apart() {
        // 1 and 2 are there by 0 alone.
        assert_eq!(
            run(&[&[0, 1, 2], &[3, 4, 5]], &[(0, 1), (0, 2), (3, 4), (3, 5)], &[(0, 3), (0, 4)], &[]),
            [[0, 3, 4, 5]]
        );
    }

    proptest! {
        #[test]
        fn no_constraint_is_violated_and_no_story_is_in_two_groups(
            pairs in prop::collection::vec((0u32..12, 0u32..12), 0..40),
            same in prop::collection::vec((0u32..14, 0u32..14), 0..8),
            different in prop::collection::vec((0u32..14, 0u32..14), 0..8),
        ) {
            let pairs: Vec<_> = pairs.into_iter().filter(|(a, b)| a != b).collect();
            let same: Vec<_> = same.into_iter().filter(|(a, b)| a != b).collect();
            let linked = LinkedSets::new(&Constraints { must_link: ids(&same), ..Constraints::default() });
            // Decisions that contradict one another are rejected where they are read.
            let different: Vec<_> = different.into_iter()
                .filter(|(a, b)| a != b && !linked.must_link(StoryId(*a), StoryId(*b))).collect();
            let found = run(&[&[0, 1, 2, 3, 4], &[5, 6, 7], &[8, 9, 10, 11]], &pairs, &same, &different);
            let group_of = |s: u32| found.iter().position(|group| group.contains(&s));
            for (a, b) in &same {
                prop_assert!(group_of(*a).is_some() && group_of(*a) == group_of(*b), "{a} and {b} in {found:?}");
            }
            for (a, b) in &different {
                prop_assert!(group_of(*a).is_none() || group_of(*a) != group_of(*b), "{a} or {b} in {found:?}");
            }
            let mut all: Vec<u32> = found.concat();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), found.concat().len());
            // Stories come together only if they were together before or must-links link them.
            let group_before = |s: u32| match s { 0..5 => 0, 5..8 => 1, 8..12 => 2, _ => 3 + s };
            for group in &found {
                for a in group {
                    let kept = group.iter().any(|b| a != b && (group_before(*a) == group_before(*b) || linked.must_link(StoryId(*a), StoryId(*b))));
                    prop_assert!(kept, "{a} in {found:?}");
                }
            }
        }
    }
}

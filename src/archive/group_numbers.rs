//! Which numbers new groups take over from former ones.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::regroup::FormerGroups;
use crate::store::{GroupNumber, StoryNumber};

/// Stories that were in one former group, and are in one new group.
struct Overlap {
    stories: usize,
    former: GroupNumber,
    /// The place of the new group.
    new: usize,
}

/// The numbers of new groups, by their places.
pub(super) struct GroupNumbers {
    /// The largest first.
    overlaps: Vec<Overlap>,
    numbers: BTreeMap<usize, GroupNumber>,
    /// Numbers of former groups that a new group has.
    kept: BTreeSet<GroupNumber>,
}

impl GroupNumbers {
    /// Gives the number of each former group to the new group that most of its members are in. Of equal overlaps, that
    /// of the lower number comes first, then that of the earlier new group.
    pub fn assign(former: &FormerGroups, new: &[BTreeSet<StoryNumber>]) -> Self {
        let mut overlaps: Vec<Overlap> = Vec::new();
        for (i, members) in new.iter().enumerate() {
            for (number, before) in former {
                let stories = before.members.intersection(members).count();
                if stories > 0 {
                    overlaps.push(Overlap { stories, former: *number, new: i });
                }
            }
        }
        overlaps.sort_by_key(|overlap| (Reverse(overlap.stories), overlap.former, overlap.new));
        let (mut numbers, mut kept) = (BTreeMap::new(), BTreeSet::new());
        for overlap in &overlaps {
            if !kept.contains(&overlap.former) && !numbers.contains_key(&overlap.new) {
                numbers.insert(overlap.new, overlap.former);
                kept.insert(overlap.former);
            }
        }
        GroupNumbers { overlaps, numbers, kept }
    }

    /// The number of a new group, if it has one.
    pub fn get(&self, new: usize) -> Option<GroupNumber> {
        self.numbers.get(&new).copied()
    }

    /// Sets the number of a new group.
    pub fn set(&mut self, new: usize, number: GroupNumber) {
        self.numbers.insert(new, number);
    }

    /// Whether a new group has the number of a former one.
    pub fn is_kept(&self, former: GroupNumber) -> bool {
        self.kept.contains(&former)
    }

    /// The former group that most members of a new one come from.
    pub fn origin(&self, new: usize) -> Option<GroupNumber> {
        self.overlaps.iter().find(|overlap| overlap.new == new).map(|overlap| overlap.former)
    }

    /// The number of the new group that most members of a former one went to.
    pub fn successor(&self, former: GroupNumber) -> Option<GroupNumber> {
        let overlap = self.overlaps.iter().find(|overlap| overlap.former == former)?;
        self.get(overlap.new)
    }
}

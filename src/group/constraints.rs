//! Must-link and cannot-link constraints on pairs of stories, and what makes them contradict one another.
//!
//! A later line on a pair replaces an earlier one (a file that decides a pair both ways is rejected before, in
//! `decisions.rs`). Must-link is transitive: what a chain of such lines links is one story.
//! A cannot-link between two stories that are linked is a conflict, whichever line comes first.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{Error, union_find::UnionFind};

/// What a line says of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PairConstraint {
    /// Of one origin: they belong to one group.
    #[serde(rename = "same")]
    MustLink,
    /// Not of one origin: they belong to no group together.
    #[serde(rename = "different")]
    CannotLink,
}

/// Constraints on pairs of stories, which are known by keys of type `K`; with the line of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstraintSet<K> {
    pairs: BTreeMap<[K; 2], (u64, PairConstraint)>,
}

/// A cannot-link between two stories that must-link lines link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{a:?} and {b:?} are different here, but other lines join them by \"same\"")]
pub struct Conflict<K: Debug> {
    /// The line of the cannot-link; 0 if it has none.
    pub line: u64,
    /// One story.
    pub a: K,
    /// The other.
    pub b: K,
}

impl Conflict<String> {
    /// The error for decisions of `file`.
    pub fn in_file(self, file: &Path) -> Error {
        Error::DecisionConflict { path: file.into(), line: self.line, a: self.a, b: self.b }
    }
}

impl<K: Debug> Conflict<K> {
    /// The same conflict, with the names that `name` gives to the stories.
    pub(super) fn map<L: Debug>(self, name: impl Fn(K) -> L) -> Conflict<L> {
        Conflict { line: self.line, a: name(self.a), b: name(self.b) }
    }
}

impl<K> Default for ConstraintSet<K> {
    fn default() -> Self {
        ConstraintSet { pairs: BTreeMap::new() }
    }
}

impl<K: Ord + Clone + Debug> ConstraintSet<K> {
    /// Adds a line on two stories, in any order; gives the line on the same pair that it replaces, if there is one.
    pub fn insert(
        &mut self,
        line: u64,
        mut pair: [K; 2],
        constraint: PairConstraint,
    ) -> Option<(u64, PairConstraint)> {
        pair.sort_unstable();
        self.pairs.insert(pair, (line, constraint))
    }

    /// The constraints in the order of their pairs, the lower story first.
    pub fn iter(&self) -> impl Iterator<Item = (&[K; 2], u64, PairConstraint)> {
        self.pairs.iter().map(|(pair, (line, constraint))| (pair, *line, *constraint))
    }

    /// The pairs of one constraint, in their order.
    pub fn pairs(&self, of: PairConstraint) -> impl Iterator<Item = &[K; 2]> {
        self.iter().filter(move |(_, _, constraint)| *constraint == of).map(|(pair, _, _)| pair)
    }

    /// The first line that parts two stories which other lines link.
    pub fn conflict(&self) -> Option<Conflict<K>> {
        let sets = linked_sets(self.pairs(PairConstraint::MustLink).cloned());
        let mut set_of: BTreeMap<&K, usize> = BTreeMap::new();
        for (number, set) in sets.iter().enumerate() {
            set_of.extend(set.iter().map(|story| (story, number)));
        }
        let cannot_links = self.iter().filter(|(_, _, constraint)| *constraint == PairConstraint::CannotLink);
        let is_linked = |a: &K, b: &K| set_of.get(a).is_some_and(|set| set_of.get(b) == Some(set));
        let conflicts = cannot_links.filter(|([a, b], _, _)| is_linked(a, b));
        let ([a, b], line, _) = conflicts.min_by_key(|(pair, line, _)| (*line, *pair))?;
        Some(Conflict { line, a: a.clone(), b: b.clone() })
    }

    /// The sets of stories that must-links link, each in order.
    pub fn linked_sets(&self) -> Vec<Vec<K>> {
        linked_sets(self.pairs(PairConstraint::MustLink).cloned())
    }
}

/// The sets of stories that `must_links` link, directly or through others; each in order, by their lowest story.
pub(super) fn linked_sets<K: Ord + Clone>(must_links: impl Iterator<Item = [K; 2]>) -> Vec<Vec<K>> {
    let pairs: Vec<[K; 2]> = must_links.collect();
    let stories: BTreeSet<&K> = pairs.iter().flatten().collect();
    let numbers: BTreeMap<&K, usize> = stories.into_iter().zip(0..).collect();
    let mut linked = UnionFind::new(numbers.len());
    for [a, b] in &pairs {
        linked.union(numbers[a], numbers[b]);
    }
    let mut sets: BTreeMap<usize, Vec<K>> = BTreeMap::new();
    for (story, number) in numbers {
        sets.entry(linked.find(number)).or_default().push(story.clone());
    }
    sets.into_values().collect()
}

//! Groups with their stories, for a caller that reads them one by one.

use crate::{
    compare::Relation,
    group::{Group, Member},
    story::{Corpus, Story},
};

/// A group of one origin with its stories.
#[derive(Debug, Clone, Copy)]
pub struct StoryGroup<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) group: &'a Group,
}

/// A member of a group that is not its canonical story.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Duplicate<'a> {
    /// The story.
    pub story: &'a Story,
    /// What it is to the canonical story.
    pub relation: Relation,
    /// The share of its informative tokens that the canonical story has, in [0, 1].
    pub coverage: f32,
    /// Whether a run that keeps one story of each group removes it.
    pub removed: bool,
    /// Why it is in the group, in words.
    pub reason: &'a str,
}

impl<'a> StoryGroup<'a> {
    /// The group's number, from 1.
    pub fn id(&self) -> u32 {
        self.group.id
    }

    /// The story that is kept.
    pub fn canonical(&self) -> &'a Story {
        &self.corpus.stories[self.group.canonical.index()]
    }

    /// The other stories of the group, in the order of the input.
    pub fn duplicates(&self) -> impl Iterator<Item = Duplicate<'a>> + use<'a> {
        let StoryGroup { corpus, group } = *self;
        let duplicate = |m: &'a Member| Duplicate {
            story: &corpus.stories[m.story.index()],
            relation: m.relation,
            coverage: m.coverage,
            removed: m.removed,
            reason: &m.reason,
        };
        group.members.iter().filter(|m| m.story != group.canonical).map(duplicate)
    }
}

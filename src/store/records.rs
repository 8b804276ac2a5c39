//! Records of a store as its tables hold them.

use std::ops::Range;

use super::{GroupNumber, RowNumber, StoryNumber};

/// A passage of a stored story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassage {
    /// The row that holds its normalized text.
    pub row: RowNumber,
    /// Bytes of the story's text, or of its title where `title` is set.
    pub span: Range<usize>,
    /// Whether it lies in the title.
    pub title: bool,
}

/// A distinct passage text with its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    /// The normalized text.
    pub text: String,
    /// The first 16 bytes of the SHA-256 of `text`.
    pub hash: [u8; 16],
    /// Its unit vector, [`super::Identity::dim`] values.
    pub vector: Vec<f32>,
    /// The number of stories that contain it.
    pub occurrences: u64,
    /// How many pairs of stories that follow one another among these share only boilerplate: see
    /// [`shares_only_boilerplate`](crate::boilerplate::shares_only_boilerplate).
    pub unrelated_neighbours: u64,
}

/// The verdict on two stories: the relation of `b` to `a`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPair {
    /// The earlier story.
    pub a: StoryNumber,
    /// The later story.
    pub b: StoryNumber,
    /// The name of the relation.
    pub relation: String,
    /// The rule that decided.
    pub rule: String,
    /// The features that the rule looked at, as JSON.
    pub features: String,
}

/// A story in its group.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMember {
    /// The story.
    pub story: StoryNumber,
    /// Its group.
    pub group: GroupNumber,
    /// The name of its relation to the canonical story; `kept` for the canonical story itself.
    pub relation: String,
    /// The share of its informative tokens that the canonical story contains, in [0, 1].
    pub coverage: f32,
    /// The share of the canonical story's informative tokens that it contains, in [0, 1].
    pub coverage_of_canonical: f32,
    /// Cosine similarity to the canonical story.
    pub cosine: f32,
    /// Whether a run that keeps one story of each group removes it.
    pub removed: bool,
    /// The reason, in words.
    pub reason: String,
}

/// What happened to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    Created,
    Joined,
    Left,
    Merged,
    Split,
    Canonical,
    Dissolved,
}

impl EventKind {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Created => "created",
            EventKind::Joined => "joined",
            EventKind::Left => "left",
            EventKind::Merged => "merged",
            EventKind::Split => "split",
            EventKind::Canonical => "canonical",
            EventKind::Dissolved => "dissolved",
        }
    }
}

/// An entry of the log of groups.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place in the log, from 1.
    pub number: i64,
    /// When its run began, in milliseconds since 1970 UTC.
    pub at: i64,
    /// What happened: `created`, `joined`, `left`, `merged`, `split`, `canonical` or `dissolved`.
    pub kind: String,
    /// The group.
    pub group: GroupNumber,
    /// The id of the story that caused it.
    pub story: String,
    /// The other group of a merge, a split or a move.
    pub other: Option<GroupNumber>,
}

//! Pairs of rows and of stories that a search finds.

use crate::story::{RowId, StoryId};

/// Two rows with `a < b`, and their exact f32 inner product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowPair {
    /// The lower row.
    pub a: RowId,
    /// The higher row.
    pub b: RowId,
    /// Cosine similarity, in [-1, 1].
    pub score: f32,
}

/// Two stories worth comparing, with `a < b`, and the channels that found them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoryPair {
    /// The lower story.
    pub a: StoryId,
    /// The higher story.
    pub b: StoryId,
    /// The highest cosine found of a row of `a` with a row of `b`; 0 where no rows were found.
    pub cosine: f32,
    /// Whether the row channel found them.
    pub by_rows: bool,
    /// Whether the shingle channel found them.
    pub by_shingles: bool,
    /// Whether the story-vector channel found them: they may be related, in other words.
    pub by_stories: bool,
}

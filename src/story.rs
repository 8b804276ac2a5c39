//! Stories, passages and rows: the data that all stages work on.
//!
//! A passage is a span of the text of its story, never a copy. A row is a distinct passage: one normalized text, which may
//! occur in many stories and has one hash, one vector and one node in a graph.

use std::{ops::Range, path::PathBuf};

/// A story, by its position in [`Corpus::stories`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoryId(pub u32);

/// A row, by its position in [`Corpus::rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u32);

impl StoryId {
    /// The position as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl RowId {
    /// The position as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a story was read from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The file, or `-` for standard input.
    pub path: PathBuf,
    /// The first line of the record in the file, from 1; 0 if the file is one record.
    pub line: u64,
    /// The number of the record in the file, from 0. Records are copied by it.
    pub record: u64,
    /// The number of the story on its page, from 0.
    pub part: u32,
}

/// One news item.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Story {
    /// Its id, unique in the corpus.
    pub id: String,
    /// The headline; empty if there is none.
    pub title: String,
    /// The body as it was read, with the paragraphs of the input.
    pub text: String,
    /// When it was published, in milliseconds since 1970 UTC.
    pub published: Option<i64>,
    /// The publisher.
    pub source: Option<String>,
    /// Its URL.
    pub url: Option<String>,
    /// The dateline at the start of the text, such as "ASTANA, July 4".
    pub dateline: Option<String>,
    /// The agency credited in the text, such as "Reuters".
    pub credit: Option<String>,
    /// Where it was read from.
    pub origin: Origin,
}

/// A paragraph-sized part of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The byte range in [`Story::text`], or in [`Story::title`] if `title` is set (a story without a body).
    pub span: Range<usize>,
    /// The row that holds its normalized text.
    pub row: RowId,
    /// Whether `span` lies in the title.
    pub title: bool,
}

/// A distinct passage: one normalized text, however many stories it occurs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The normalized text, which is embedded and compared.
    pub text: String,
    /// The first 16 bytes of the SHA-256 of `text`.
    pub hash: [u8; 16],
}

/// Stories segmented into passages, with the rows that they share.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// In the order they were read.
    pub stories: Vec<Story>,
    /// The passages of each story, in the order of the text; a row occurs at most once per story.
    pub passages: Vec<Vec<Passage>>,
    /// The distinct passages, in the order of their first occurrence.
    pub rows: Vec<Row>,
}

impl Corpus {
    /// The normalized text of `row`.
    pub fn row_text(&self, row: RowId) -> &str {
        &self.rows[row.index()].text
    }

    /// The rows of a story, in the order of its text.
    pub fn story_rows(&self, story: StoryId) -> impl ExactSizeIterator<Item = RowId> + '_ {
        self.passages[story.index()].iter().map(|p| p.row)
    }

    /// The stories that each row occurs in, ascending.
    pub fn occurrences(&self) -> Vec<Vec<StoryId>> {
        let mut of = vec![Vec::new(); self.rows.len()];
        for (i, passages) in self.passages.iter().enumerate() {
            for p in passages {
                of[p.row.index()].push(StoryId(i as u32));
            }
        }
        of
    }
}

//! Stories, passages and rows: what every stage speaks of.
//!
//! A passage is a span of its story's text, never a copy. A row is one *distinct* normalized passage text:
//! however many stories carry it, it has one hash, one vector and one node in a graph.

use std::{ops::Range, path::PathBuf};

/// The place of a story in [`Corpus::stories`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoryId(pub u32);

/// The place of a row in [`Corpus::rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u32);

impl StoryId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl RowId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a story was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The file, or `-` for standard input.
    pub path: PathBuf,
    /// The first line of the record in the file, from 1; 0 where a file is one record.
    pub line: u64,
    /// Which of the file's records it is, from 0 (what `--kept` needs to find the record again).
    pub record: u64,
    /// Which of the stories on one page it is, from 0.
    pub part: u32,
}

/// One news item.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Story {
    /// Unique in the corpus.
    pub id: String,
    /// The headline; empty where there is none.
    pub title: String,
    /// The body as it was read, in UTF-8: paragraphs as the input had them.
    pub text: String,
    /// When it was published, in milliseconds since 1970 UTC.
    pub published: Option<i64>,
    /// The publisher.
    pub source: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// The dateline that was found at the head of the text ("ASTANA, July 4").
    pub dateline: Option<String>,
    /// The agency that is credited in the text ("Reuters").
    pub credit: Option<String>,
    /// Where it was read.
    pub origin: Origin,
}

/// A paragraph-sized piece of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Bytes of [`Story::text`]; of [`Story::title`] where `title` is set (a story with no body).
    pub span: Range<usize>,
    /// The row that holds its normalized text.
    pub row: RowId,
    /// Whether `span` lies in the title.
    pub title: bool,
}

/// One distinct normalized passage text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The normalized text: what is embedded and compared.
    pub text: String,
    /// The first 16 bytes of the SHA-256 of `text`.
    pub hash: [u8; 16],
}

/// Stories cut into passages, with the rows they share.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// In the order they were read.
    pub stories: Vec<Story>,
    /// The passages of each story, in the order of the text; the same row at most once a story.
    pub passages: Vec<Vec<Passage>>,
    /// Distinct passage texts, in the order of their first use.
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

    /// For each row, the stories that carry it, in ascending order.
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

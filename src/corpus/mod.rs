//! The corpus: stories are segmented into passages; passages of the same normalized text share a row.

pub(crate) mod date;
pub(crate) mod dateline;
pub(crate) mod ids;
mod language;
pub(crate) mod normalize;
pub(crate) mod page_chrome;
mod segmentation;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
};

pub use date::{DateOrder, parse_date};
pub use ids::{
    assign_content_id, deserialize_id, flag_ordinal_ids, has_ordinal_id, positional_id, text_digest,
};
pub use language::Language;
pub use normalize::normalize;
pub(crate) use segmentation::paragraphs_of_story;
pub use segmentation::segment_text;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::story::{Corpus, Passage, Row, RowId, Story};

/// The version of [`normalize`] and [`segment_text`]. Vectors of different versions are not mixed.
pub const TEXT_VERSION: u32 = 1;

/// A passage that is not yet assigned to a row of the corpus.
struct UnassignedPassage {
    span: Range<usize>,
    title: bool,
    row: Row,
}

impl Corpus {
    /// Segments `stories` into passages. A passage that repeats an earlier one of its story is left out. A story without a
    /// body has its title as its only passage.
    pub fn new(stories: Vec<Story>) -> Self {
        let segmented: Vec<Vec<UnassignedPassage>> = stories.par_iter().map(segment_story).collect();
        let mut rows = Vec::new();
        let mut row_of_hash: HashMap<[u8; 16], RowId> = HashMap::new();
        let mut passages = Vec::with_capacity(stories.len());
        for of_story in segmented {
            let mut seen = BTreeSet::new();
            let mut out = Vec::with_capacity(of_story.len());
            for UnassignedPassage { span, title, row } in of_story {
                let id = *row_of_hash.entry(row.hash).or_insert_with(|| {
                    rows.push(row);
                    RowId(rows.len() as u32 - 1)
                });
                if seen.insert(id) {
                    out.push(Passage { span, row: id, title });
                }
            }
            passages.push(out);
        }
        Corpus { stories, passages, rows }
    }
}

impl Row {
    /// The row of `text`; `None` if normalization leaves nothing of it.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = normalize(text);
        let digest = Sha256::digest(&text);
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        (!text.is_empty()).then_some(Row { text, hash })
    }
}

fn segment_story(story: &Story) -> Vec<UnassignedPassage> {
    let passage = |text: &str, span: Range<usize>, title| {
        Row::from_text(&text[span.clone()]).map(|row| UnassignedPassage { span, title, row })
    };
    let body: Vec<UnassignedPassage> =
        segment_text(&story.text).into_iter().filter_map(|s| passage(&story.text, s, false)).collect();
    if body.is_empty() {
        passage(&story.title, 0..story.title.len(), true).into_iter().collect()
    } else {
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(id: &str, text: &str) -> Story {
        Story { id: id.into(), title: format!("Title of {id}"), text: text.into(), ..Story::default() }
    }

    #[test]
    fn equal_passages_share_a_row() {
        let long =
            "This paragraph is long enough to stand on its own, because it has more than eighty characters.";
        let other =
            "Another paragraph that is long enough to be alone has to have at least eighty characters too.";
        let corpus = Corpus::new(vec![
            story("a", &format!("{long}\n\n{other}")),
            story("b", &format!("{}\n\n{long}", long.replace(' ', "  "))),
            story("c", ""),
        ]);
        let rows = |i: usize| corpus.passages[i].iter().map(|p| p.row.0).collect::<Vec<_>>();
        assert_eq!((rows(0), rows(1), rows(2)), (vec![0, 1], vec![0], vec![2]));
        assert!(corpus.passages[2][0].title);
        assert_eq!(corpus.row_text(RowId(2)), "Title of c");
    }
}

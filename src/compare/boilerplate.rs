//! Rows that recur in otherwise unrelated stories: credits, notes, calls to subscribe.

use crate::story::{Corpus, StoryId};

/// Fewer carriers may be copies of one story.
const MIN_CARRIERS: usize = 4;

/// For each row, whether it is boilerplate: at least [`MIN_CARRIERS`] stories have it, and most neighbours
/// among them have nothing else in common.
pub(super) fn find(corpus: &Corpus) -> Vec<bool> {
    let carriers = corpus.row_stories();
    let rows_of = |s: StoryId| {
        let mut rows: Vec<u32> = corpus.story_rows(s).map(|r| r.0).collect();
        rows.sort_unstable();
        rows
    };
    carriers
        .iter()
        .enumerate()
        .map(|(row, stories)| {
            if stories.len() < MIN_CARRIERS {
                return false;
            }
            let strangers = stories.windows(2).filter(|w| {
                let (a, b) = (rows_of(w[0]), rows_of(w[1]));
                let alone = a.len() == 1 || b.len() == 1;
                !alone && !a.iter().any(|r| *r as usize != row && b.binary_search(r).is_ok())
            });
            strangers.count() * 2 > stories.len() - 1
        })
        .collect()
}

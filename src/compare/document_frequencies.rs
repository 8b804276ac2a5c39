//! Document frequencies: how many stories have a word, counted in a corpus or known from a larger one.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{TokenKind, is_function, tokens};
use crate::{
    Result,
    story::{Corpus, RowId, StoryId},
};

/// The part of a story that a word is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// In the passages.
    Text,
    /// In the title.
    Title,
}

impl Field {
    /// Its number in stores and streams.
    pub fn number(self) -> u8 {
        match self {
            Field::Text => 0,
            Field::Title => 1,
        }
    }
}

/// The statistics of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TermStatistics {
    /// Stories that have it outside of boilerplate.
    pub stories: u32,
    /// Uses as a name in distinct passages, less other uses.
    pub name_votes: i32,
}

/// The document frequencies of the words of many stories.
pub trait DocumentFrequencies {
    /// How many stories there are.
    fn stories(&self) -> u32;

    /// The statistics of `word`, folded as tokens are; `None` if no story has it.
    ///
    /// # Errors
    /// If they cannot be read from where they are kept.
    fn get(&self, field: Field, word: &str) -> Result<Option<TermStatistics>>;
}

/// Inverse document frequency (Spärck Jones, 1972) of a word that `with` of `stories` stories have, smoothed for small
/// corpora.
pub(crate) fn idf(with: u32, stories: u32) -> f32 {
    (1.0 + (stories as f32 + 10.0) / (with as f32 + 1.0)).ln()
}

/// What one story adds to the statistics of words: its words outside of boilerplate, and the name votes of its rows in
/// `new`, which no story had before.
pub fn story_terms(
    corpus: &Corpus,
    story: StoryId,
    boilerplate: &[bool],
    new: &[RowId],
) -> BTreeMap<(Field, String), TermStatistics> {
    let mut words: BTreeMap<(Field, String), TermStatistics> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for row in corpus.story_rows(story).filter(|r| !boilerplate[r.index()]) {
        let votes = i32::from(new.contains(&row));
        for token in tokens(corpus.row_text(row)) {
            let vote = if token.kind == TokenKind::Name { votes } else { -votes };
            let is_first = seen.insert(token.text.clone());
            let word = words.entry((Field::Text, token.text)).or_default();
            word.stories += u32::from(is_first);
            word.name_votes += vote;
        }
    }
    for token in tokens(&corpus.stories[story.index()].title) {
        if !is_function(&token.text) {
            words.insert((Field::Title, token.text), TermStatistics { stories: 1, name_votes: 0 });
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        boilerplate::detect_boilerplate,
        compare::{Comparer, CorpusStatistics, Options, TokenCache},
        story::Story,
        vector::Matrix,
    };

    #[derive(Default)]
    struct Counted(u32, BTreeMap<(Field, String), TermStatistics>);

    impl DocumentFrequencies for Counted {
        fn stories(&self) -> u32 {
            self.0
        }

        fn get(&self, field: Field, word: &str) -> Result<Option<TermStatistics>> {
            Ok(self.1.get(&(field, word.to_string())).copied())
        }
    }

    /// Comparing with summed statistics gives the verdicts of comparing within the corpus.
    #[test]
    fn terms_of_single_stories_sum_to_those_of_the_corpus() {
        let note = "The Coast Gazette has reported from the harbour towns of the northern shore since the spring \
                    of 1904.";
        let story = |i: usize| Story {
            id: format!("s{i}"),
            title: format!("Ferry {} leaves Ostrel", i % 3),
            text: format!(
                "The ferry number {i} left the harbour of Ostrel with {} passengers aboard, says Dana May, its \
                 master.\n\n{note}",
                i * 7
            ),
            ..Story::default()
        };
        let corpus = Corpus::new((0..9).map(story).collect());
        let flags = detect_boilerplate(&corpus, &Default::default());
        assert!(flags.iter().any(|f| *f));
        let mut counted = Counted::default();
        let mut seen = BTreeSet::new();
        for i in 0..corpus.stories.len() {
            let id = StoryId(i as u32);
            let new: Vec<RowId> = corpus.story_rows(id).filter(|r| seen.insert(*r)).collect();
            for (word, more) in story_terms(&corpus, id, &flags, &new) {
                let sum = counted.1.entry(word).or_default();
                *sum = TermStatistics {
                    stories: sum.stories + more.stories,
                    name_votes: sum.name_votes + more.name_votes,
                };
            }
            counted.0 += 1;
        }
        let mut vectors = Matrix::zeros(corpus.rows.len(), 4);
        (0..corpus.rows.len()).for_each(|i| vectors.row_mut(i)[i % 4] = 1.0);
        let options = Options::default();
        let whole = Comparer::new(&corpus, vectors.clone(), &options);
        let tokens = TokenCache::default();
        let known = CorpusStatistics { boilerplate: flags, frequencies: &counted, tokens: &tokens };
        let among = Comparer::with_statistics(&corpus, vectors.clone(), &options, known).unwrap();
        for (a, b) in (0..9).flat_map(|a| (a + 1..9).map(move |b| (StoryId(a), StoryId(b)))) {
            assert_eq!(among.compare(a, b), whole.compare(a, b), "{a:?} {b:?}");
        }
    }
}

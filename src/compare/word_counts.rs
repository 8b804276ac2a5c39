//! Counts of the words of a corpus, which their weights and kinds follow from.

use std::{borrow::Borrow, collections::HashMap};

use super::{
    document_frequencies::{DocumentFrequencies, Field, idf},
    row_tokens::RowTokens,
    tokens::{Token, TokenKind, is_function},
};
use crate::{
    Result,
    story::{Corpus, StoryId},
};

/// The weight of a function word; an informative one weighs between 1 and about 10.
const FUNCTION_WEIGHT: f32 = 0.1;

/// The distinct tokens of a corpus, numbered, with their counts.
pub(super) struct WordCounts {
    /// Each distinct token.
    pub vocabulary: Vec<Token>,
    /// The token numbers of each row, in the order of its text.
    pub rows: Vec<Vec<u32>>,
    /// The distinct token numbers of each story's title, sorted.
    pub titles: Vec<Vec<u32>>,
    /// For each token, the number of stories that have it outside of boilerplate.
    pub stories_with: Vec<u32>,
    /// The number of stories that the tokens were counted in.
    pub stories: u32,
    /// For each token, its uses as a name, less other uses.
    name_votes: Vec<i32>,
}

impl WordCounts {
    /// Counts the tokens of the rows and titles of `corpus`.
    pub fn new<R: Borrow<RowTokens>>(
        corpus: &Corpus,
        rows: &[R],
        titles: &[Vec<Token>],
        boilerplate: &[bool],
    ) -> Self {
        let mut numbers = Numbers::default();
        let mut ids_of_rows: Vec<Vec<u32>> = Vec::with_capacity(rows.len());
        for (row, is_boilerplate) in rows.iter().zip(boilerplate) {
            // Boilerplate does not show how the stories themselves use a word.
            let weight = if *is_boilerplate { 0 } else { 1 };
            let tokens = row.borrow().tokens.iter();
            ids_of_rows.push(tokens.map(|token| numbers.vote(token, weight)).collect());
        }
        let ids_of_titles = titles.iter().map(|title| {
            // Headlines have capitals of their own, and do not vote.
            let mut ids: Vec<u32> = title.iter().map(|token| numbers.number(token)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        });
        let ids_of_titles = ids_of_titles.collect();
        let Numbers { vocabulary, name_votes, .. } = numbers;
        WordCounts {
            stories_with: stories_with(corpus, &ids_of_rows, vocabulary.len(), boilerplate),
            stories: corpus.stories.len() as u32,
            vocabulary,
            rows: ids_of_rows,
            titles: ids_of_titles,
            name_votes,
        }
    }

    /// Takes the counts of words that are known from many more stories.
    ///
    /// # Errors
    /// If `frequencies` cannot be read.
    pub fn replace(&mut self, frequencies: &dyn DocumentFrequencies) -> Result<()> {
        self.stories = frequencies.stories().max(1);
        let counts = self.stories_with.iter_mut().zip(&mut self.name_votes);
        for (token, (stories, votes)) in self.vocabulary.iter().zip(counts) {
            if let Some(known) = frequencies.get(Field::Text, &token.text)? {
                (*stories, *votes) = (known.stories.max(1), known.name_votes);
            }
        }
        Ok(())
    }

    /// Makes each token a name or a word, by how it is mostly used: "may" and "May" are one token.
    pub fn settle_kinds(&mut self) {
        let tokens = self.vocabulary.iter_mut().zip(&self.name_votes);
        for (token, votes) in tokens.filter(|(token, _)| token.kind != TokenKind::Number) {
            token.kind = if *votes > 0 { TokenKind::Name } else { TokenKind::Word };
        }
    }

    /// The weight of each token.
    pub fn weights(&self) -> Vec<f32> {
        let weight = |(token, stories): (&Token, &u32)| {
            if is_function(&token.text) { FUNCTION_WEIGHT } else { idf(*stories, self.stories) }
        };
        self.vocabulary.iter().zip(&self.stories_with).map(weight).collect()
    }
}

/// Numbers tokens in the order in which they come.
#[derive(Default)]
struct Numbers<'t> {
    of_text: HashMap<&'t str, u32>,
    vocabulary: Vec<Token>,
    name_votes: Vec<i32>,
}

impl<'t> Numbers<'t> {
    /// The number of `token`, which is the next one if it is new.
    fn number(&mut self, token: &'t Token) -> u32 {
        let next = self.vocabulary.len() as u32;
        let id = *self.of_text.entry(&token.text).or_insert(next);
        if id == next {
            self.vocabulary.push(token.clone());
            self.name_votes.push(0);
        }
        id
    }

    /// As [`Numbers::number`]; the token also votes on whether it is a name.
    fn vote(&mut self, token: &'t Token, weight: i32) -> u32 {
        let id = self.number(token);
        self.name_votes[id as usize] += if token.kind == TokenKind::Name { weight } else { -weight };
        id
    }
}

/// For each token the number of stories that have it outside of boilerplate.
fn stories_with(corpus: &Corpus, rows: &[Vec<u32>], tokens: usize, boilerplate: &[bool]) -> Vec<u32> {
    let mut with = vec![0u32; tokens];
    let mut last = vec![u32::MAX; tokens];
    for i in 0..corpus.stories.len() as u32 {
        for row in corpus.story_rows(StoryId(i)).filter(|r| !boilerplate[r.index()]) {
            for &id in &rows[row.index()] {
                if std::mem::replace(&mut last[id as usize], i) != i {
                    with[id as usize] += 1;
                }
            }
        }
    }
    with
}

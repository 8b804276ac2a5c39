//! The overlap of two titles: where the text is a short template, the title shows its subject.

use std::collections::BTreeSet;

use super::{
    document_frequencies::{DocumentFrequencies, Field, idf},
    tokens::{Token, is_function},
};
use crate::{Result, story::StoryId};

/// The distinct words of all titles, counted.
pub(super) struct TitleWords<'t> {
    /// The words in their order: sums over them then have the same bits whatever other titles there are.
    words: Vec<&'t str>,
    /// For each word the number of titles that have it.
    titles_with: Vec<u32>,
    /// The number of titles that the words were counted in.
    titles: u32,
    /// The distinct word numbers of each story's title, sorted.
    of_story: Vec<Vec<u32>>,
}

impl<'t> TitleWords<'t> {
    /// Counts the tokens of each story's title.
    pub(super) fn new(titles: &'t [Vec<Token>]) -> Self {
        let informative = |title: &'t Vec<Token>| {
            title.iter().map(|token| token.text.as_str()).filter(|word| !is_function(word))
        };
        let words: BTreeSet<&str> = titles.iter().flat_map(informative).collect();
        let words: Vec<&str> = words.into_iter().collect();
        let mut titles_with = vec![0; words.len()];
        let number = |word: &str| words.binary_search(&word).ok().map(|at| at as u32);
        let of_story = titles.iter().map(|title| {
            let numbers: BTreeSet<u32> = informative(title).filter_map(number).collect();
            numbers.iter().for_each(|number| titles_with[*number as usize] += 1);
            numbers.into_iter().collect()
        });
        let of_story = of_story.collect();
        TitleWords { words, titles_with, titles: titles.len() as u32, of_story }
    }

    /// Takes the counts of words that are known from many more titles.
    ///
    /// # Errors
    /// If `frequencies` cannot be read.
    pub(super) fn replace(&mut self, frequencies: &dyn DocumentFrequencies) -> Result<()> {
        self.titles = frequencies.stories().max(1);
        for (word, titles) in self.words.iter().zip(&mut self.titles_with) {
            *titles = frequencies.get(Field::Title, word)?.map_or(*titles, |f| f.stories).max(1);
        }
        Ok(())
    }

    /// Weighs the words by how few titles have them.
    pub(super) fn weigh(self) -> Titles {
        let weights = self.titles_with.iter().map(|titles| idf(*titles, self.titles)).collect();
        Titles { of_story: self.of_story, weights }
    }
}

/// The words of every title, weighed by how few titles have them.
pub(super) struct Titles {
    of_story: Vec<Vec<u32>>,
    weights: Vec<f32>,
}

impl Titles {
    /// The weight of the words that both titles have, as a share of the lighter title, in [0, 1]; `None` if one story has
    /// no title.
    pub(super) fn overlap(&self, a: StoryId, b: StoryId) -> Option<f32> {
        let (x, y) = (&self.of_story[a.index()], &self.of_story[b.index()]);
        let weigh =
            |words: &mut dyn Iterator<Item = &u32>| words.map(|w| self.weights[*w as usize]).sum::<f32>();
        let fewer = weigh(&mut x.iter()).min(weigh(&mut y.iter()));
        let both = weigh(&mut x.iter().filter(|w| y.binary_search(w).is_ok()));
        (fewer > 0.0).then(|| both / fewer)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tokens::tokens, *};

    #[test]
    fn rare_words_weigh_more_than_those_of_every_title() {
        let mut titles =
            vec!["OSTREL MINES SETS QUARTERLY", "NORRIN FOODS SETS QUARTERLY", "Ostrel Mines sets payout"];
        titles.extend(["A SETS QUARTERLY"; 20]);
        let titles: Vec<Vec<Token>> = titles.into_iter().map(tokens).collect();
        let shared = |a, b| TitleWords::new(&titles).weigh().overlap(StoryId(a), StoryId(b)).unwrap();
        assert!(shared(0, 1) < 0.5 && shared(0, 2) > 0.5, "{} {}", shared(0, 1), shared(0, 2));
    }
}

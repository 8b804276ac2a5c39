//! What two titles have in common: where the text is a short template, the title tells whose it is.

use std::collections::HashMap;

use super::{
    frequencies::{Field, Frequencies, idf},
    tokens::{Token, is_function},
};
use crate::story::StoryId;

/// The words of every title, weighed by how few titles have them.
pub(super) struct Titles {
    /// Distinct word numbers of each story's title, sorted.
    of_story: Vec<Vec<u32>>,
    weights: Vec<f32>,
}

impl Titles {
    /// Takes the tokens of each story's title; how rare words are is known from `many`, if those are given.
    pub(super) fn new(titles: &[Vec<Token>], many: Option<&dyn Frequencies>) -> Self {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut with: Vec<u32> = Vec::new();
        let mut of_story = Vec::with_capacity(titles.len());
        for title in titles {
            let mut words: Vec<u32> = Vec::new();
            for token in title {
                if !is_function(&token.text) {
                    let next = known.len() as u32;
                    words.push(*known.entry(&token.text).or_insert(next));
                }
            }
            words.sort_unstable();
            words.dedup();
            with.resize(known.len(), 0);
            words.iter().for_each(|w| with[*w as usize] += 1);
            of_story.push(words);
        }
        // Numbered in the order of the words, so that sums over them have the same bits whatever other titles there are.
        let mut in_order: Vec<(&str, u32)> = known.into_iter().collect();
        in_order.sort_unstable();
        let mut place = vec![0u32; in_order.len()];
        (0..).zip(&in_order).for_each(|(at, (_, id))| place[*id as usize] = at);
        for words in &mut of_story {
            words.iter_mut().for_each(|w| *w = place[*w as usize]);
            words.sort_unstable();
        }
        let mut with: Vec<u32> = in_order.iter().map(|(_, id)| with[*id as usize]).collect();
        let mut counted = titles.len() as u32;
        if let Some(many) = many {
            counted = many.stories().max(1);
            for ((word, _), with) in in_order.iter().zip(&mut with) {
                *with = many.of(Field::Title, word).map_or(*with, |f| f.stories).max(1);
            }
        }
        let weights = with.into_iter().map(|with| idf(with, counted)).collect();
        Titles { of_story, weights }
    }

    /// The weight that both titles share, as a share of the title that has less; none if one story has no title.
    pub(super) fn shared(&self, a: StoryId, b: StoryId) -> Option<f32> {
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
        let shared = |a, b| Titles::new(&titles, None).shared(StoryId(a), StoryId(b)).unwrap();
        assert!(shared(0, 1) < 0.5 && shared(0, 2) > 0.5, "{} {}", shared(0, 1), shared(0, 2));
    }
}

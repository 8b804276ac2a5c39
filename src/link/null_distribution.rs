//! How near stories are that have nothing to do with each other, and from where nearness says something.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{
    document::{Document, EmbeddedText},
    incremental::similarity,
    terms::Vocabulary,
};
use crate::{vector::Matrix, word_lists};

/// The list of `data/prior_texts.toml`.
#[derive(Deserialize)]
struct Lists {
    texts: Vec<String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| word_lists::parse("prior_texts.toml", include_str!("data/prior_texts.toml")));

/// First sentences of 24 invented, unrelated stories: the sample of the null distribution before any story has been read.
pub fn prior_texts() -> &'static [String] {
    &LISTS.texts
}

const BINS: usize = 1500;
const LOWEST: f32 = -1.0;
const HIGHEST: f32 = 2.0;

/// The distances between quartiles of a normal distribution, in standard deviations.
const QUARTILES: f32 = 1.349;

/// Similarities of pairs taken evenly from all stories. Their median and quartiles are those of unrelated pairs, even
/// if a good part of the pairs is related.
#[derive(Debug, Clone, PartialEq)]
pub struct NullDistribution {
    bins: Vec<u32>,
    pairs: u32,
    scale: Scale,
}

/// What turns a similarity into standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    centre: f32,
    spread: f32,
}

impl Scale {
    /// How far `similarity` is above that of unrelated stories, in standard deviations.
    pub fn score(self, similarity: f32) -> f32 {
        (similarity - self.centre) / self.spread
    }
}

impl NullDistribution {
    /// From the vectors of [`prior_texts`], one a text, of the model in use.
    pub fn new(prior: &Matrix) -> Self {
        let mut background =
            NullDistribution { bins: vec![0; BINS], pairs: 0, scale: Scale { centre: 0.0, spread: 1.0 } };
        let mut vocabulary = Vocabulary::default();
        let profiles: Vec<_> = prior_texts()
            .iter()
            .enumerate()
            .take(prior.rows())
            .map(|(i, text)| {
                let part = EmbeddedText { text, vector: prior.row(i) };
                let reading = Document { body: vec![part], ..Document::default() };
                reading.learn(&reading.words(), &mut vocabulary, prior.dim())
            })
            .collect();
        for (i, a) in profiles.iter().enumerate() {
            profiles[..i].iter().for_each(|b| background.count(similarity(a, b)));
        }
        background.settle();
        background
    }

    /// One more pair; [`NullDistribution::settle`] makes it felt.
    pub(super) fn count(&mut self, similarity: f32) {
        let at = (similarity - LOWEST) / (HIGHEST - LOWEST) * BINS as f32;
        self.bins[(at.max(0.0) as usize).min(BINS - 1)] += 1;
        self.pairs += 1;
    }

    /// Finds median and quartiles anew.
    pub(super) fn settle(&mut self) {
        if self.pairs == 0 {
            return;
        }
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|q| self.quantile(q));
        let spread = ((high - low) / QUARTILES).max((HIGHEST - LOWEST) / BINS as f32);
        self.scale = Scale { centre: middle, spread };
    }

    fn quantile(&self, q: f32) -> f32 {
        let wanted = q * self.pairs as f32;
        let mut below = 0.0;
        for (i, &n) in self.bins.iter().enumerate() {
            let n = n as f32;
            if n > 0.0 && below + n >= wanted {
                let at = i as f32 + (wanted - below) / n;
                return LOWEST + at * (HIGHEST - LOWEST) / BINS as f32;
            }
            below += n;
        }
        HIGHEST
    }

    /// As it stands now.
    pub(super) fn scale(&self) -> Scale {
        self.scale
    }

    /// The score that the nearest of `m` unrelated ones is expected to have: `√(2 ln m)`, the level that the greatest
    /// of `m` normal values tends to (used as a threshold by Donoho and Johnstone, 1994).
    pub fn significance_threshold(m: usize) -> f32 {
        (2.0 * (m.max(prior_texts().len()) as f32).ln()).sqrt()
    }

    /// The score from which the `m`-th story is linked to an earlier one. Among few stories the level is that of the
    /// pairs of [`prior_texts`], which are what is known of unrelated ones: two stories alone, of one region or trade, are no
    /// event because there is no third.
    pub fn link_threshold(m: usize) -> f32 {
        let prior = prior_texts().len();
        Self::significance_threshold(m.max(prior * (prior - 1) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_related_pairs_does_not_move_it_far() {
        let normal = |i: u32| (0..12).map(|k| ((i * 37 + k * 101) % 997) as f32 / 997.0).sum::<f32>() - 6.0;
        let measured = |related: u32| {
            let mut b =
                NullDistribution { bins: vec![0; BINS], pairs: 0, scale: Scale { centre: 0.0, spread: 1.0 } };
            (0..2000).for_each(|i| b.count(0.1 + 0.08 * normal(i)));
            (0..related).for_each(|_| b.count(0.9));
            b.settle();
            (b.scale.centre, b.scale.spread)
        };
        let (alone, mixed) = (measured(0), measured(200));
        assert!((alone.0 - 0.1).abs() < 0.02 && (mixed.0 - alone.0).abs() < 0.02, "{alone:?} {mixed:?}");
        assert!(mixed.1 < alone.1 * 1.4, "{alone:?} {mixed:?}");
    }

    #[test]
    fn the_bar_rises_with_the_crowd() {
        let check = |m, expect: f32| {
            assert!((NullDistribution::significance_threshold(m) - expect).abs() < 0.01, "{m}")
        };
        check(2, 2.52);
        check(1000, 3.72);
        check(100_000, 4.80);
        let check =
            |m, expect: f32| assert!((NullDistribution::link_threshold(m) - expect).abs() < 0.01, "{m}");
        check(2, 3.35);
        check(1000, 3.72);
    }
}

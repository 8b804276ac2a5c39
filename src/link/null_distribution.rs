//! The null distribution: the similarity of unrelated stories, and the scores above which a similarity is significant.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{
    document::{Document, EmbeddedText},
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

/// The interquartile range of a normal distribution, in standard deviations.
const INTERQUARTILE_RANGE: f32 = 1.349;

/// A histogram of the similarities of pairs that are spread evenly over all stories. Its median and quartiles are those of
/// unrelated pairs, even if a considerable share of the pairs is related (robust statistics).
#[derive(Debug, Clone, PartialEq)]
pub struct NullDistribution {
    bins: Vec<u32>,
    pairs: u32,
    standardization: Standardization,
}

/// Median and standard deviation of the similarity of unrelated stories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standardization {
    median: f32,
    deviation: f32,
}

impl Standardization {
    /// The standard score of `similarity`: standard deviations above the median of unrelated stories.
    pub fn z_score(self, similarity: f32) -> f32 {
        (similarity - self.median) / self.deviation
    }
}

impl NullDistribution {
    /// The distribution of the pairs of [`prior_texts`]. `prior` holds their unit vectors, one per text, by the model in
    /// use.
    pub fn new(prior: &Matrix) -> Self {
        let mut distribution = NullDistribution {
            bins: vec![0; BINS],
            pairs: 0,
            standardization: Standardization { median: 0.0, deviation: 1.0 },
        };
        let mut vocabulary = Vocabulary::default();
        let features: Vec<_> = prior_texts()
            .iter()
            .enumerate()
            .take(prior.rows())
            .map(|(i, text)| {
                let part = EmbeddedText { text, vector: prior.row(i) };
                let document = Document { body: vec![part], ..Document::default() };
                document.add_to(&mut vocabulary, &document.tokens(), prior.dim())
            })
            .collect();
        for (i, a) in features.iter().enumerate() {
            features[..i].iter().for_each(|b| distribution.add(a.similarity(b)));
        }
        distribution.update();
        distribution
    }

    /// Adds the similarity of a pair. It takes effect with the next [`NullDistribution::update`].
    pub(super) fn add(&mut self, similarity: f32) {
        let at = (similarity - LOWEST) / (HIGHEST - LOWEST) * BINS as f32;
        self.bins[(at.max(0.0) as usize).min(BINS - 1)] += 1;
        self.pairs += 1;
    }

    /// Computes median and quartiles of the pairs so far.
    pub(super) fn update(&mut self) {
        if self.pairs == 0 {
            return;
        }
        let [lower, median, upper] = [0.25, 0.5, 0.75].map(|q| self.quantile(q));
        let deviation = ((upper - lower) / INTERQUARTILE_RANGE).max((HIGHEST - LOWEST) / BINS as f32);
        self.standardization = Standardization { median, deviation };
    }

    fn quantile(&self, q: f32) -> f32 {
        let target = q * self.pairs as f32;
        let mut below = 0.0;
        for (i, &n) in self.bins.iter().enumerate() {
            let n = n as f32;
            if n > 0.0 && below + n >= target {
                let at = i as f32 + (target - below) / n;
                return LOWEST + at * (HIGHEST - LOWEST) / BINS as f32;
            }
            below += n;
        }
        HIGHEST
    }

    /// Median and deviation as of the last update.
    pub(super) fn standardization(&self) -> Standardization {
        self.standardization
    }

    /// The score, in standard deviations, that the most similar of `m` unrelated stories is expected to have: `√(2 ln m)`,
    /// the level that the maximum of `m` normal values approaches (the universal threshold of Donoho and Johnstone, 1994).
    pub fn significance_threshold(m: usize) -> f32 {
        (2.0 * (m.max(prior_texts().len()) as f32).ln()).sqrt()
    }

    /// The least score of a link from the `m`-th story to an earlier one. Among few stories it is the level of the pairs of
    /// [`prior_texts`], which are then the only unrelated ones: two stories of one region or trade are no event just because
    /// there is no third.
    pub fn link_threshold(m: usize) -> f32 {
        let prior = prior_texts().len();
        Self::significance_threshold(m.max(prior * (prior - 1) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn related_pairs_hardly_move_the_distribution() {
        let normal = |i: u32| (0..12).map(|k| ((i * 37 + k * 101) % 997) as f32 / 997.0).sum::<f32>() - 6.0;
        let measured = |related: u32| {
            let mut b = NullDistribution {
                bins: vec![0; BINS],
                pairs: 0,
                standardization: Standardization { median: 0.0, deviation: 1.0 },
            };
            (0..2000).for_each(|i| b.add(0.1 + 0.08 * normal(i)));
            (0..related).for_each(|_| b.add(0.9));
            b.update();
            (b.standardization.median, b.standardization.deviation)
        };
        let (unrelated, mixed) = (measured(0), measured(200));
        assert!(
            (unrelated.0 - 0.1).abs() < 0.02 && (mixed.0 - unrelated.0).abs() < 0.02,
            "{unrelated:?} {mixed:?}"
        );
        assert!(mixed.1 < unrelated.1 * 1.4, "{unrelated:?} {mixed:?}");
    }

    #[test]
    fn thresholds_rise_with_the_number_of_stories() {
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

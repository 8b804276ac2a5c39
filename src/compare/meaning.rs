//! Correspondence by meaning: which passages of a story say what passages of another say, in whatever words.
//!
//! The similarity of two passages is measured in standard deviations above that of unrelated passages (the null
//! distribution of the model). Passages correspond many to many, so that merged and split paragraphs count.

use super::{CosineBaseline, prepared::PreparedStory};
use crate::{
    corpus::Language,
    random::SplitMix64,
    story::{Corpus, StoryId},
    vector::{Matrix, dot},
};

/// Standard deviations from which two passages say the same …
const SAME: f32 = 5.0;

/// … and from which they may be put in order.
const CLOSE: f32 = 3.0;

/// The model whose scale is known.
const BUILT_IN: &str = "all-MiniLM-L6-v2";

/// Pairs of passages that a null distribution is measured on.
const SAMPLE: usize = 20_000;

/// The similarities of unrelated passages under a model: its null distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeaningScale {
    /// The mean of their cosines.
    pub mean: f32,
    /// Their standard deviation.
    pub deviation: f32,
    /// The languages that the model reads; empty if all are.
    pub languages: &'static [Language],
}

impl Default for MeaningScale {
    /// That of the built-in model, on news in English: over six corpora means of 0.05 to 0.17, and deviations of 0.10.
    fn default() -> Self {
        MeaningScale { mean: 0.08, deviation: 0.10, languages: &[Language::ENGLISH] }
    }
}

impl MeaningScale {
    /// A scale on which no two passages are close: for a model of which nothing is known.
    pub const UNKNOWN: MeaningScale = MeaningScale { mean: 1.0, deviation: 1.0, languages: &[] };

    /// The scale of the model of that name, as far as it is known.
    pub fn of_model(name: &str) -> Option<Self> {
        name.contains(BUILT_IN).then(Self::default)
    }

    /// Measures the scale on random pairs of passages of different stories; `vectors` holds one unit vector a row.
    /// [`MeaningScale::UNKNOWN`] for less than two stories.
    pub fn measure(corpus: &Corpus, vectors: &Matrix) -> Self {
        let stories: Vec<StoryId> = (0..corpus.stories.len() as u32).map(StoryId).collect();
        let stories: Vec<StoryId> = stories.into_iter().filter(|s| corpus.story_rows(*s).len() > 0).collect();
        if stories.len() < 2 {
            return Self::UNKNOWN;
        }
        let mut random = SplitMix64::new(1);
        let mut row = || {
            let story = stories[random.below(stories.len())];
            (story, corpus.story_rows(story).nth(random.below(corpus.story_rows(story).len())))
        };
        let mut cosines: Vec<f32> = Vec::with_capacity(SAMPLE);
        for _ in 0..SAMPLE {
            if let ((a, Some(x)), (b, Some(y))) = (row(), row())
                && a != b
            {
                cosines.push(dot(vectors.row(x.index()), vectors.row(y.index())));
            }
        }
        let baseline = CosineBaseline::of_cosines(cosines);
        // Quantiles of the normal distribution: pairs that are related after all do not move them.
        match (baseline.cosine(0.1587), baseline.cosine(0.5), baseline.cosine(0.8413)) {
            (Some(low), Some(mean), Some(high)) if high > low => {
                MeaningScale { mean, deviation: (high - low) / 2.0, languages: &[] }
            }
            _ => Self::UNKNOWN,
        }
    }

    /// Whether vectors of a text in `language` say what it means; they do as far as is known if the language is not.
    pub fn reads(&self, language: Option<Language>) -> bool {
        self.languages.is_empty() || language.is_none_or(|language| self.languages.contains(&language))
    }

    fn deviations(&self, cosine: f32) -> f32 {
        (cosine - self.mean) / self.deviation
    }
}

/// What two stories have in common by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Correspondence {
    /// The share of the first story's weight in passages that say what a passage of the second says, in [0, 1].
    pub coverage_ab: f32,
    /// The same of the second.
    pub coverage_ba: f32,
    /// The share of a story's weight in passages whose closest counterparts stand in the same order, in [0, 1]: the higher
    /// one of the two; 0 if less than two have one.
    pub order: f32,
}

/// Compares the passages of two stories; `vectors` holds one unit vector a row.
pub(super) fn correspondence(
    x: &PreparedStory,
    y: &PreparedStory,
    vectors: &Matrix,
    scale: &MeaningScale,
) -> Correspondence {
    let (n, m) = (x.rows.len(), y.rows.len());
    if n == 0 || m == 0 {
        return Correspondence::default();
    }
    let mut of_x = vec![Closest::default(); n];
    let mut of_y = vec![Closest::default(); m];
    for (i, (a, _)) in x.rows.iter().enumerate() {
        for (j, (b, _)) in y.rows.iter().enumerate() {
            let score = scale.deviations(dot(vectors.row(a.index()), vectors.row(b.index())));
            of_x[i].consider(j, score);
            of_y[j].consider(i, score);
        }
    }
    let weights = |story: &PreparedStory| story.rows.iter().map(|(_, weight)| *weight).collect::<Vec<f32>>();
    let (of_x, of_y) = (Closeness::new(&of_x, &weights(x)), Closeness::new(&of_y, &weights(y)));
    Correspondence {
        coverage_ab: of_x.coverage,
        coverage_ba: of_y.coverage,
        order: of_x.order.max(of_y.order),
    }
}

/// The passage of the other story that is closest.
#[derive(Clone, Copy)]
struct Closest {
    at: usize,
    score: f32,
}

impl Default for Closest {
    fn default() -> Self {
        Closest { at: 0, score: f32::NEG_INFINITY }
    }
}

impl Closest {
    fn consider(&mut self, at: usize, score: f32) {
        if score > self.score {
            *self = Closest { at, score };
        }
    }
}

/// How close the passages of a story are to those of another.
struct Closeness {
    coverage: f32,
    order: f32,
}

impl Closeness {
    fn new(closest: &[Closest], weights: &[f32]) -> Self {
        let total: f32 = weights.iter().sum();
        if total <= 0.0 {
            return Closeness { coverage: 0.0, order: 0.0 };
        }
        let same = closest.iter().zip(weights).filter(|(c, _)| c.score >= SAME);
        let close: Vec<(usize, f32)> =
            closest.iter().zip(weights).filter(|(c, _)| c.score >= CLOSE).map(|(c, w)| (c.at, *w)).collect();
        // The sum of nothing is -0, which would be read as a number.
        let coverage = (same.map(|(_, w)| w).sum::<f32>() + 0.0) / total;
        let order = if close.len() < 2 { 0.0 } else { heaviest_ascent(&close) / total };
        Closeness { coverage, order }
    }
}

/// The greatest weight of a subsequence whose places do not descend.
fn heaviest_ascent(places: &[(usize, f32)]) -> f32 {
    let mut best: Vec<f32> = Vec::with_capacity(places.len());
    for (i, (place, weight)) in places.iter().enumerate() {
        let before = places[..i].iter().zip(&best).filter(|((p, _), _)| p <= place).map(|(_, sum)| *sum);
        best.push(before.fold(0.0, f32::max) + weight);
    }
    best.into_iter().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_reads_its_languages() {
        let check = |scale: &MeaningScale, language, expect| assert_eq!(scale.reads(language), expect);
        let german =
            Language::detect("Der Hafen von Norrin wird drei Tage lang gesperrt, weil die Mole brüchig ist.");
        let english = MeaningScale::default();
        check(&english, Some(Language::ENGLISH), true);
        check(&english, None, true);
        check(&english, german, false);
        check(&english, Some(Language::UNDETERMINED), false);
        check(&MeaningScale::UNKNOWN, german, true);
    }

    #[test]
    fn order_is_the_heaviest_ascent() {
        let check = |places: &[(usize, f32)], expect: f32| {
            assert_eq!(heaviest_ascent(places), expect, "{places:?}");
        };
        check(&[], 0.0);
        check(&[(0, 1.0), (1, 1.0), (2, 1.0)], 3.0);
        check(&[(2, 1.0), (1, 1.0), (0, 1.0)], 1.0);
        check(&[(2, 3.0), (0, 1.0), (1, 1.0)], 3.0);
        // Two paragraphs that the other story has as one.
        check(&[(0, 1.0), (0, 1.0), (1, 1.0)], 3.0);
    }

    #[test]
    fn the_scale_is_that_of_random_pairs() {
        let stories = (0..40).map(|i| crate::story::Story {
            id: i.to_string(),
            text: format!("Ship number {i} left the port."),
            ..Default::default()
        });
        let corpus = Corpus::new(stories.collect());
        let mut random = SplitMix64::new(7);
        let mut vectors = Matrix::zeros(corpus.rows.len(), 64);
        for row in 0..corpus.rows.len() {
            vectors.row_mut(row).iter_mut().for_each(|v| *v = random.below(2001) as f32 / 1000.0 - 1.0);
            crate::vector::normalize(vectors.row_mut(row));
        }
        // Random directions in n dimensions: mean 0, standard deviation 1/√n.
        let scale = MeaningScale::measure(&corpus, &vectors);
        assert!(scale.mean.abs() < 0.03 && (scale.deviation - 0.125).abs() < 0.03, "{scale:?}");
        let one = Corpus::new(vec![corpus.stories[0].clone()]);
        assert_eq!(MeaningScale::measure(&one, &vectors), MeaningScale::UNKNOWN);
    }
}

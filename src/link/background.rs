//! How near stories are that have nothing to do with each other, and from where nearness says something.

use super::{
    linker::similarity,
    reading::{Part, Reading},
    terms::Vocabulary,
};
use crate::vector::Matrix;

/// Openings of invented stories on as many subjects: what "unrelated" means before any story has been read.
pub const PRIOR: [&str; 24] = [
    "The town council approved a plan to repair the old bridge before winter.",
    "Doctors at the children's hospital tested a cheaper vaccine against measles.",
    "The central bank left its lending rate unchanged for a third month.",
    "A late goal sent the visitors into the semi-final of the cup.",
    "Wheat growers expect a smaller harvest after weeks without rain.",
    "The film about a lighthouse keeper won the festival's main prize.",
    "Police arrested a man after a jewellery shop was robbed at noon.",
    "Astronomers found a faint planet circling a nearby red star.",
    "The airline will drop four routes and sell its older aircraft.",
    "Parliament voted to raise the age at which people may retire.",
    "An earthquake shook the coastal region and damaged several schools.",
    "The software maker reported higher quarterly profit on strong orders.",
    "Two neighbouring states signed a treaty on the use of river water.",
    "Teachers walked out over pay, and most classes were cancelled.",
    "A court ordered the chemical company to clean up the polluted lake.",
    "The singer postponed her tour because of a throat infection.",
    "Fishermen blocked the port in protest at lower catch limits.",
    "The museum returned a bronze statue that was looted in the war.",
    "Engineers switched on the first section of the offshore wind park.",
    "The general was named defence minister in a cabinet reshuffle.",
    "A new phone with a folding screen goes on sale next month.",
    "Rescuers brought eleven miners to the surface after a tunnel collapsed.",
    "House prices in the capital fell for the second year running.",
    "The champion withdrew from the tennis tournament with a sore knee.",
];

const BINS: usize = 1500;
const LOWEST: f32 = -1.0;
const HIGHEST: f32 = 2.0;

/// The distances between quartiles of a normal distribution, in standard deviations.
const QUARTILES: f32 = 1.349;

/// Similarities of pairs taken evenly from all stories. Their median and quartiles are those of unrelated pairs, even
/// if a good part of the pairs is related.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
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

impl Background {
    /// From the vectors of [`PRIOR`], one a text, of the model in use.
    pub fn new(prior: &Matrix) -> Self {
        let mut background =
            Background { bins: vec![0; BINS], pairs: 0, scale: Scale { centre: 0.0, spread: 1.0 } };
        let mut vocabulary = Vocabulary::default();
        let profiles: Vec<_> = PRIOR
            .iter()
            .enumerate()
            .take(prior.rows())
            .map(|(i, text)| {
                let part = Part { text, vector: prior.row(i) };
                let reading = Reading { body: vec![part], ..Reading::default() };
                reading.learn(&reading.words(), &mut vocabulary, prior.dim())
            })
            .collect();
        for (i, a) in profiles.iter().enumerate() {
            profiles[..i].iter().for_each(|b| background.count(similarity(a, b)));
        }
        background.settle();
        background
    }

    /// One more pair; [`Background::settle`] makes it felt.
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
    pub fn bar(m: usize) -> f32 {
        (2.0 * (m.max(PRIOR.len()) as f32).ln()).sqrt()
    }

    /// The score from which the `m`-th story is linked to an earlier one. Among few stories the level is that of the
    /// pairs of [`PRIOR`], which are what is known of unrelated ones: two stories alone, of one region or trade, are no
    /// event because there is no third.
    pub fn bar_of_link(m: usize) -> f32 {
        const PRIOR_PAIRS: usize = PRIOR.len() * (PRIOR.len() - 1) / 2;
        Self::bar(m.max(PRIOR_PAIRS))
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
                Background { bins: vec![0; BINS], pairs: 0, scale: Scale { centre: 0.0, spread: 1.0 } };
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
        let check = |m, expect: f32| assert!((Background::bar(m) - expect).abs() < 0.01, "{m}");
        check(2, 2.52);
        check(1000, 3.72);
        check(100_000, 4.80);
        let check = |m, expect: f32| assert!((Background::bar_of_link(m) - expect).abs() < 0.01, "{m}");
        check(2, 3.35);
        check(1000, 3.72);
    }
}

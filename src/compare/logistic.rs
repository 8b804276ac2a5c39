//! Logistic models over features: a probability from a sum of terms, each of which can be shown.

use serde::Serialize;

use super::PairFeatures;

/// A part of the log-odds: the name of what it measures, a coefficient, and what that multiplies.
pub(super) struct Term(pub &'static str, pub f32, pub fn(&PairFeatures) -> f32);

/// A model of a yes or no: the log-odds are the sum of its terms and the intercept.
pub(super) struct LogisticModel<'a> {
    pub terms: &'a [Term],
    pub intercept: f32,
}

/// What one piece of evidence adds to the log-odds of one origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// What was measured.
    pub evidence: &'static str,
    /// Natural logarithm of the factor by which it changes the odds.
    pub log_odds: f32,
}

impl LogisticModel<'_> {
    /// The probability in [0, 1] for a pair with the features `f`.
    pub fn probability(&self, f: &PairFeatures) -> f32 {
        let log_odds = self.terms.iter().map(|Term(_, coefficient, of)| coefficient * of(f)).sum::<f32>()
            + self.intercept;
        1.0 / (1.0 + (-log_odds).exp())
    }

    /// What each term adds to the log-odds, then the intercept.
    pub fn contributions(&self, f: &PairFeatures) -> Vec<Contribution> {
        let terms = self
            .terms
            .iter()
            .map(|Term(evidence, coefficient, of)| Contribution { evidence, log_odds: coefficient * of(f) });
        terms.chain([Contribution { evidence: "before any evidence", log_odds: self.intercept }]).collect()
    }
}

//! Whether two stories are one account in other words: a logistic model over features that have no scale of their own.
//!
//! More in common never speaks against it, so no coefficient but that of the days is negative. `scripts/fit-rewrite` fits them
//! on labelled corpora and holds each corpus out in turn; docs/judgement.md has the figures.

use super::PairFeatures;

/// Days between two stories beyond which they count no more.
const MAX_DAYS: f32 = 10.0;

/// What the log-odds are made of: coefficient and feature. Without dates two stories count as of one day.
const TERMS: [(f32, fn(&PairFeatures) -> f32); 7] = [
    (0.63, |f| f.meaning_ab.max(f.meaning_ba)),
    (1.58, |f| f.same_order),
    (5.59, |f| f.rare_facts_lower),
    (4.06, |f| f.rare_facts_higher),
    (1.80, |f| f.numbers_lower),
    (0.43, |f| f.numbers_higher),
    (-1.5, |f| f.days_apart.unwrap_or(0.0).min(MAX_DAYS)),
];

const INTERCEPT: f32 = -7.9;

/// The probability in [0, 1] that one of two stories tells the account of the other in other words, if their wording does not
/// decide it.
pub(super) fn probability(f: &PairFeatures) -> f32 {
    let log_odds = TERMS.iter().map(|(coefficient, term)| coefficient * term(f)).sum::<f32>() + INTERCEPT;
    1.0 / (1.0 + (-log_odds).exp())
}

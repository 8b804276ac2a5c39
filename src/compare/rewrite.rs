//! Whether two stories are one account in other words: a logistic model over features that have no scale of their own.
//!
//! More in common never speaks against it, so no coefficient but that of the days is negative. `scripts/fit-rewrite` fits them
//! on labelled corpora and holds each corpus out in turn; docs/judgement.md has the figures.

use super::PairFeatures;

/// Days between two stories beyond which they count no more.
const MAX_DAYS: f32 = 10.0;

/// A part of the log-odds: a coefficient and what it multiplies.
struct Term(f32, fn(&PairFeatures) -> f32);

/// What the log-odds are made of. Without dates two stories count as of one day.
const TERMS: [Term; 7] = [
    Term(0.63, |f| f.meaning_ab.max(f.meaning_ba)),
    Term(1.58, |f| f.same_order),
    Term(5.59, |f| f.rare_facts_lower),
    Term(4.06, |f| f.rare_facts_higher),
    Term(1.80, |f| f.numbers_lower),
    Term(0.43, |f| f.numbers_higher),
    Term(-1.5, |f| f.days_apart.unwrap_or(0.0).min(MAX_DAYS)),
];

const INTERCEPT: f32 = -7.9;

/// The probability in [0, 1] that one of two stories tells the account of the other in other words, if their wording does not
/// decide it.
pub(super) fn probability(f: &PairFeatures) -> f32 {
    let log_odds =
        TERMS.iter().map(|Term(coefficient, feature)| coefficient * feature(f)).sum::<f32>() + INTERCEPT;
    1.0 / (1.0 + (-log_odds).exp())
}

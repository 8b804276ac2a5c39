//! Whether two stories are one account in other words: a logistic model over features that have no scale of their own.
//!
//! More in common never speaks against it, so no coefficient but that of the days is negative. `scripts/fit-probability` fits
//! them on labelled corpora and holds each corpus out in turn; docs/judgement.md has the figures.

use super::{
    PairFeatures,
    logistic::{LogisticModel, Term},
};

/// Days between two stories beyond which they count no more.
const MAX_DAYS: f32 = 10.0;

/// Whether one of two stories tells the account of the other in other words, if their wording does not decide it. Without
/// dates two stories count as of one day.
pub(super) const MODEL: LogisticModel = LogisticModel {
    terms: &[
        Term("passages with the same meaning in the same order", 1.25, ordered_meaning),
        Term("rare names and numbers in these, one way", 2.62, |f| ordered_meaning(f) * f.rare_facts_higher),
        Term("rare names and numbers in these, both ways", 2.55, |f| {
            f.meaning_ab.min(f.meaning_ba) * f.same_order * f.rare_facts_lower
        }),
        Term("rare names and numbers, both ways", 2.63, |f| f.rare_facts_lower),
        Term("rare names and numbers, one way", 2.23, |f| f.rare_facts_higher),
        Term("numbers, both ways", 3.74, |f| f.numbers_lower),
        // Fitted, a third of this. The sets have too few pairs that are days apart to show what a day weighs: a preview and
        // the report of the day have their facts in common.
        Term("days apart", -1.0, |f| f.days_apart.unwrap_or(0.0).min(MAX_DAYS)),
    ],
    intercept: -7.49,
};

/// A probability that is as good as none.
const NEGLIGIBLE: f32 = 0.05;

/// Whether two stories with these facts in common may be one account, if all their passages say the same.
pub(super) fn is_possible(f: &PairFeatures) -> bool {
    MODEL.probability(&PairFeatures { meaning_ab: 1.0, meaning_ba: 1.0, same_order: 1.0, ..*f }) >= NEGLIGIBLE
}

/// The share of a story's passages that say what the other says, as far as they stand in its order.
fn ordered_meaning(f: &PairFeatures) -> f32 {
    f.meaning_ab.max(f.meaning_ba) * f.same_order
}

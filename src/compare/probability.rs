//! The probability that two stories are of one origin, beside the relation that the rules give.
//!
//! Where wording decides, the evidence is how much of it is shared and how much of that is quoted; where it does not, the
//! model of rewrites speaks. The rules decide on which side of one half a pair is, the models how far from it.

use super::{
    PairFeatures, Relation, Rule,
    logistic::{Contribution, LogisticModel, Term},
    rewrite,
};

/// Numbers and names that differ, for each matched word, from which they weigh no more.
const MAX_DIFFERENCES: f32 = 0.2;

/// Whether two stories with shared wording are of one origin. `scripts/fit-probability` fits it beside the model of rewrites.
const WORDING: LogisticModel = LogisticModel {
    terms: &[
        Term("shared words", 0.48, |f| f.higher_coverage()),
        Term("shared prose", 2.19, |f| f.prose_coverage.unwrap_or(1.0)),
        Term("not quoted", 0.99, |f| 1.0 - f.quoted),
        Term("order of passages", 2.32, |f| f.same_order),
        Term("same names and numbers", 2.59, |f| 1.0 - (f.difference_density() / MAX_DIFFERENCES).min(1.0)),
    ],
    intercept: -5.44,
};

/// The probability in [0, 1] that two stories with the features `f`, to which `rule` applies, are of one origin. At least one
/// half if its relation is one of origin, else at most that.
pub(super) fn of_one_origin(rule: Rule, f: &PairFeatures) -> f32 {
    let probability = model(rule).probability(f);
    if rule.relation().is_origin() { probability.max(0.5) } else { probability.min(0.5) }
}

/// What the probability is made of.
pub(super) fn contributions(rule: Rule, f: &PairFeatures) -> Vec<Contribution> {
    model(rule).contributions(f)
}

fn model(rule: Rule) -> LogisticModel<'static> {
    match rule.relation() {
        Relation::Identical | Relation::Copy | Relation::Excerpt | Relation::Update | Relation::Twin => {
            WORDING
        }
        Relation::Rewrite | Relation::Quote | Relation::Related | Relation::None => rewrite::MODEL,
    }
}

//! Judgements as the store keeps them, and back.

use crate::{
    Result,
    compare::{PairFeatures, Relation, Rule, Verdict},
    store::StoredPair,
    story::StoryId,
};

/// The verdict on stories `a < b`, under their numbers.
pub(super) fn stored(verdict: &Verdict, a: i64, b: i64) -> Result<StoredPair> {
    let figures = serde_json::to_string(&verdict.features).map_err(|e| broken(a, b, &e.to_string()))?;
    Ok(StoredPair {
        a,
        b,
        relation: verdict.relation.name().into(),
        rule: verdict.rule.name().into(),
        figures,
    })
}

/// The verdict that a pair holds, for the stories that have these places in a corpus.
pub(super) fn verdict(pair: &StoredPair, a: StoryId, b: StoryId) -> Result<Verdict> {
    let broken = |what: &str| broken(pair.a, pair.b, what);
    let features: PairFeatures = serde_json::from_str(&pair.figures).map_err(|e| broken(&e.to_string()))?;
    let relation =
        Relation::from_name(&pair.relation).ok_or_else(|| broken("there is no relation of its name"))?;
    // Stores of earlier versions have sentences in the place of names.
    let rule = Rule::from_name(&pair.rule).or_else(|| Rule::from_sentence(&pair.rule));
    let rule = rule.ok_or_else(|| broken("there is no rule of its name"))?;
    Ok(Verdict {
        a,
        b,
        relation,
        coverage_ab: features.coverage_ab,
        coverage_ba: features.coverage_ba,
        cosine: features.cosine,
        rule,
        features,
    })
}

fn broken(a: i64, b: i64, message: &str) -> crate::Error {
    crate::Error::Store {
        path: crate::store::DATABASE.into(),
        message: format!("the judgement on stories {a} and {b}: {message}"),
        fault: crate::error::StoreFault::Other,
    }
}

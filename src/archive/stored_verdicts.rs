//! Verdicts as the store keeps them, and back.

use crate::{
    Error, Result,
    compare::{PairFeatures, Relation, Rule, Verdict},
    error::StoreFault,
    store::{DATABASE, StoredPair, StoryNumber},
    story::StoryId,
};

/// The verdict on stories `a < b` for the store.
pub(super) fn to_stored(verdict: &Verdict, a: StoryNumber, b: StoryNumber) -> Result<StoredPair> {
    let features = serde_json::to_string(&verdict.features).map_err(|e| unreadable(a, b, &e.to_string()))?;
    Ok(StoredPair {
        a,
        b,
        relation: verdict.relation.name().into(),
        rule: verdict.rule.name().into(),
        features,
    })
}

/// A stored verdict, for the stories that are `a` and `b` in a corpus.
///
/// # Errors
/// [`Error::Store`] if it was not written by this library.
pub(super) fn from_stored(pair: &StoredPair, a: StoryId, b: StoryId) -> Result<Verdict> {
    let unreadable = |what: &str| unreadable(pair.a, pair.b, what);
    let features: PairFeatures =
        serde_json::from_str(&pair.features).map_err(|e| unreadable(&e.to_string()))?;
    let relation =
        Relation::from_name(&pair.relation).ok_or_else(|| unreadable("there is no relation of its name"))?;
    // Version 1 has sentences in place of names.
    let rule = Rule::from_name(&pair.rule).or_else(|| Rule::from_sentence(&pair.rule));
    let rule = rule.ok_or_else(|| unreadable("there is no rule of its name"))?;
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

fn unreadable(a: StoryNumber, b: StoryNumber, message: &str) -> Error {
    Error::Store {
        path: DATABASE.into(),
        fault: StoreFault::Other,
        message: format!("the verdict on stories {a} and {b}: {message}"),
    }
}

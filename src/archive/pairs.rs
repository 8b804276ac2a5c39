//! Judgements as the store keeps them, and back.

use crate::{
    Result,
    compare::{Figures, Relation, Verdict},
    store::StoredPair,
    story::StoryId,
};

/// The verdict on stories `a < b`, under their numbers.
pub(super) fn stored(verdict: &Verdict, a: i64, b: i64) -> Result<StoredPair> {
    let figures = serde_json::to_string(&verdict.figures).map_err(|e| broken(a, b, &e.to_string()))?;
    Ok(StoredPair { a, b, relation: verdict.relation.name().into(), rule: verdict.rule.to_string(), figures })
}

/// The verdict that a pair holds, for the stories that have these places in a corpus.
pub(super) fn verdict(pair: &StoredPair, a: StoryId, b: StoryId) -> Result<Verdict> {
    let broken = |what: &str| broken(pair.a, pair.b, what);
    let figures: Figures = serde_json::from_str(&pair.figures).map_err(|e| broken(&e.to_string()))?;
    let relation = Relation::named(&pair.relation).ok_or_else(|| broken("its relation has no such name"))?;
    Ok(Verdict {
        a,
        b,
        relation,
        coverage_ab: figures.coverage_ab,
        coverage_ba: figures.coverage_ba,
        cosine: figures.cosine,
        rule: pair.rule.clone().into(),
        figures,
    })
}

fn broken(a: i64, b: i64, message: &str) -> crate::Error {
    crate::Error::Store {
        path: crate::store::DATABASE.into(),
        message: format!("the judgement on stories {a} and {b}: {message}"),
        hint: "samestory index verify looks at the whole store".into(),
    }
}

//! Candidates of a search: rows with bounds of their scores, and the rescoring that makes them a result.

use std::{cmp::Ordering, convert::Infallible};

use crate::story::RowId;

/// How many results a search returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// The k rows of highest score; among equal scores the lower row first.
    Nearest(usize),
    /// All rows with at least this score.
    AtLeast(f32),
}

/// A row with proven bounds of its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreBounds {
    /// The row.
    pub row: RowId,
    /// The score is at most this.
    pub upper: f32,
    /// The score is at least this.
    pub lower: f32,
}

impl ScoreBounds {
    /// Compares by upper bound, the highest first, then by row: the order in which candidates are rescored.
    pub fn by_upper_bound(&self, other: &ScoreBounds) -> Ordering {
        other.upper.total_cmp(&self.upper).then(self.row.cmp(&other.row))
    }

    pub(super) fn new(row: RowId, score: f32, margin: f32) -> Self {
        if margin.is_finite() {
            ScoreBounds { row, upper: score + margin, lower: score - margin }
        } else {
            ScoreBounds { row, upper: f32::INFINITY, lower: f32::NEG_INFINITY }
        }
    }
}

/// The candidates within `limit` by exact score, then by row. Candidates whose upper bound cannot matter any more are not
/// scored. `candidates` are sorted by [`ScoreBounds::by_upper_bound`].
///
/// # Errors
/// The first error of `score`.
pub fn rescore<E>(
    candidates: &[ScoreBounds],
    limit: Limit,
    mut score: impl FnMut(RowId) -> Result<f32, E>,
) -> Result<Vec<(RowId, f32)>, E> {
    let mut found: Vec<(RowId, f32)> = Vec::new();
    let order = |a: &(RowId, f32), b: &(RowId, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    for candidate in candidates {
        match limit {
            Limit::Nearest(k) if found.len() >= k && found.last().is_none_or(|f| candidate.upper < f.1) => {
                break;
            }
            Limit::Nearest(k) => {
                let new = (candidate.row, score(candidate.row)?);
                let at = found.partition_point(|f| order(f, &new).is_lt());
                found.insert(at, new);
                found.truncate(k);
            }
            Limit::AtLeast(floor) => {
                let score = score(candidate.row)?;
                if score >= floor {
                    found.push((candidate.row, score));
                }
            }
        }
    }
    found.sort_unstable_by(order);
    Ok(found)
}

/// As [`rescore`], for scores that cannot fail.
pub fn rank(
    candidates: &[ScoreBounds],
    limit: Limit,
    mut score: impl FnMut(RowId) -> f32,
) -> Vec<(RowId, f32)> {
    let found = rescore(candidates, limit, |row| Ok::<_, Infallible>(score(row)));
    found.unwrap_or_else(|never| match never {})
}

//! Rows of the streams `verdicts` and `items`, with their columns.

use crate::{
    compare::Verdict,
    report::{Column, Value, rounded},
};

/// A verdict with the numbers of its stories among all stories.
pub(super) struct VerdictRow {
    pub a: i64,
    pub b: i64,
    pub verdict: Verdict,
    pub reason: String,
}

type VerdictColumn = Column<VerdictRow>;

pub(super) const VERDICT_COLUMNS: [VerdictColumn; 10] = [
    VerdictColumn::required("a", Value::Int64(|r| Some(r.a))).in_stream(1),
    VerdictColumn::required("b", Value::Int64(|r| Some(r.b))).in_stream(2),
    VerdictColumn::required("relation", Value::Text(|r| Some(r.verdict.relation.name().into()))).in_stream(3),
    // Whether the relation means one origin: such stories belong to one group.
    VerdictColumn::required("origin", Value::Boolean(|r| Some(r.verdict.relation.is_origin()))).in_stream(4),
    VerdictColumn::required("coverage_ab", Value::Float(|r| Some(rounded(r.verdict.coverage_ab))))
        .in_stream(5),
    VerdictColumn::required("coverage_ba", Value::Float(|r| Some(rounded(r.verdict.coverage_ba))))
        .in_stream(6),
    VerdictColumn::required("cosine", Value::Float(|r| Some(rounded(r.verdict.cosine)))).in_stream(7),
    VerdictColumn::required("probability", Value::Float(|r| Some(rounded(r.verdict.probability()))))
        .in_stream(11),
    VerdictColumn::required("rule", Value::Text(|r| Some(r.verdict.rule.to_string().into()))).in_stream(10),
    // In words, seen from `a`.
    VerdictColumn::required("reason", Value::Text(|r| Some(r.reason.as_str().into()))).in_stream(9),
];

/// The numbers of a story of a group among all stories.
pub(super) struct Position {
    pub number: i64,
    pub kept: i64,
    pub first: i64,
}

type PositionColumn = Column<Position>;

pub(super) const POSITION_COLUMNS: [PositionColumn; 3] = [
    PositionColumn::required("number", Value::Int64(|p| Some(p.number))).in_stream(1),
    PositionColumn::required("kept", Value::Int64(|p| Some(p.kept))).in_stream(2),
    // The lowest number in the group: it identifies the group.
    PositionColumn::required("first", Value::Int64(|p| Some(p.first))).in_stream(3),
];

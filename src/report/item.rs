//! One line of a report: a story that is not alone, and its relation to the kept story.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::{
    SCHEMA,
    columns::{Column, Value, serialize_row},
};
use crate::{
    compare::Verdict,
    group::{Group, Groups, HealthItem},
    story::{Corpus, StoryId},
};

/// A story of a group, or a link between two stories.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The story's id.
    pub id: String,
    /// `kept` for a group's canonical story; else `identical`, `copy`, `excerpt`, `update` or `rewrite`; or `twin` or `quote`
    /// for a link, for which nothing is removed.
    pub relation: String,
    /// Whether `--kept` leaves the story out: a member of a group, no twin of the kept story, which holds at least half
    /// of it. False for a link, even if the story is removed as a member of a group.
    pub removed: bool,
    /// The id of the story that is kept for this one; for a link, of the other story.
    pub kept: String,
    /// The group's number; none for a link.
    pub group: Option<u32>,
    /// Share of this story's informative tokens that are found in `kept`, in [0, 1].
    pub coverage: f32,
    /// Share of the informative tokens of `kept` that are found in this story, in [0, 1].
    pub coverage_of_kept: f32,
    /// Cosine similarity of the two stories' vectors.
    pub cosine: f32,
    /// The probability in [0, 1] that it is of one origin with `kept`, or with the member that brought it to the group;
    /// none for kept stories and where only a decision brought it there.
    pub probability: Option<f32>,
    /// Why, in words.
    pub reason: String,
    /// The headline.
    pub title: String,
    /// The publisher.
    pub source: Option<String>,
    /// When the story was published, in milliseconds since 1970 UTC.
    pub published: Option<i64>,
    /// The file that the story was read from.
    pub path: String,
    /// The record's first line in that file; 0 where a file is one record.
    pub line: u64,
    /// How firmly a group of three and more holds together; with its kept story only.
    pub health: Option<HealthItem>,
}

type ItemColumn = Column<Item>;

/// The columns of [`Item`]; those with an id are in the worker stream `items`.
pub(crate) const COLUMNS: [ItemColumn; 17] = [
    ItemColumn::required("schema", Value::Int32(|_| Some(SCHEMA.cast_signed()))),
    ItemColumn::required("id", Value::Text(|i| text(&i.id))),
    ItemColumn::required("relation", Value::Text(|i| text(&i.relation))).in_stream(4),
    ItemColumn::required("removed", Value::Boolean(|i| Some(i.removed))).in_stream(5),
    ItemColumn::required("kept", Value::Text(|i| text(&i.kept))),
    ItemColumn::nullable("group", Value::Int32(|i| i.group.map(u32::cast_signed))),
    ItemColumn::required("coverage", Value::Float(|i| Some(i.coverage))).in_stream(6),
    ItemColumn::required("coverage_of_kept", Value::Float(|i| Some(i.coverage_of_kept))).in_stream(7),
    ItemColumn::required("cosine", Value::Float(|i| Some(i.cosine))).in_stream(8),
    ItemColumn::nullable("probability", Value::Float(|i| i.probability)).in_stream(11),
    ItemColumn::required("reason", Value::Text(|i| text(&i.reason))).in_stream(9),
    ItemColumn::required("title", Value::Text(|i| text(&i.title))),
    ItemColumn::nullable("source", Value::Text(|i| i.source.as_deref().map(Cow::Borrowed))),
    ItemColumn::nullable("published", Value::Time(|i| i.published)),
    ItemColumn::required("path", Value::Text(|i| text(&i.path))),
    ItemColumn::required("line", Value::Int64(|i| Some(i.line.cast_signed()))),
    // Numbers and texts: this cannot fail.
    ItemColumn::nullable("health", Value::Json(|i| serde_json::to_string(i.health.as_ref()?).ok()))
        .json_only()
        .in_stream(10),
];

fn text(text: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(text))
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_row(&COLUMNS, self, serializer)
    }
}

/// All items: groups in their order, each with its kept story first, then links.
pub fn items(corpus: &Corpus, groups: &Groups) -> Vec<Item> {
    let mut items = Vec::new();
    for group in &groups.groups {
        let kept = &corpus.stories[group.canonical.index()].id;
        for member in &group.members {
            let canonical = member.story == group.canonical;
            let relation = if canonical { "kept" } else { member.relation.name() };
            let scores = [member.coverage, member.coverage_of_canonical, member.cosine];
            let mut item = item(corpus, member.story, relation, kept, scores);
            item.group = Some(group.id);
            item.removed = member.removed;
            item.probability = member.probability.map(rounded);
            item.reason =
                if canonical { canonical_reason(group.members.len()) } else { member.reason.clone() };
            if canonical && group.members.len() > 2 {
                item.health = Some(health(corpus, group));
            }
            items.push(item);
        }
    }
    for link in &groups.links {
        items.push(link_item(corpus, link));
    }
    items
}

fn health(corpus: &Corpus, group: &Group) -> HealthItem {
    let id = |s: &StoryId| corpus.stories[s.index()].id.clone();
    let health = &group.health;
    HealthItem {
        splits_at: rounded(health.splits_at),
        weakest: health.weakest.iter().flat_map(|(a, b)| [id(a), id(b)]).collect(),
        bridges: health.bridges.iter().map(id).collect(),
        pairs_of_one_origin: health.pairs.0,
        pairs: health.pairs.1,
    }
}

fn canonical_reason(members: usize) -> String {
    match members {
        2 => "kept for 1 other".into(),
        n => format!("kept for {} others", n.saturating_sub(1)),
    }
}

fn link_item(corpus: &Corpus, link: &Verdict) -> Item {
    debug_assert!(link.relation.is_link());
    let other = &corpus.stories[link.b.index()].id;
    let scores = [link.coverage_ab, link.coverage_ba, link.cosine];
    let item = item(corpus, link.a, link.relation.name(), other, scores);
    Item { reason: link.reason(corpus), probability: Some(rounded(link.probability())), ..item }
}

/// The item of a story without its group; `scores` are coverage, coverage of the kept story and cosine.
fn item(corpus: &Corpus, story: StoryId, relation: &str, kept: &str, scores: [f32; 3]) -> Item {
    let s = &corpus.stories[story.index()];
    let [coverage, coverage_of_kept, cosine] = scores.map(rounded);
    Item {
        id: s.id.clone(),
        relation: relation.into(),
        kept: kept.into(),
        group: None,
        removed: false,
        coverage,
        coverage_of_kept,
        cosine,
        probability: None,
        reason: String::new(),
        title: s.title.clone(),
        source: s.source.clone(),
        published: s.published.filter(|at| iso(*at).is_some()),
        path: s.origin.path.display().to_string(),
        line: s.origin.line,
        health: None,
    }
}

/// `x` to four decimals. More would be noise, and would differ between devices.
pub fn rounded(x: f32) -> f32 {
    (x * 1e4).round() / 1e4
}

pub(super) fn iso(millis: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(millis).ok().map(|t| t.to_string())
}

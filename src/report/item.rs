//! One line of a report: a story that is not alone, and what it is to the story that is kept.

use serde::Serialize;

use crate::{
    compare::{Relation, Verdict},
    group::{Group, Groups, HealthItem},
    story::{Corpus, StoryId},
};

/// The version of the fields of [`Item`]; it grows when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// What a JSON line or CSV row holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The story's id.
    pub id: String,
    /// `kept` for a group's canonical; else `identical`, `copy`, `excerpt` or `update`, or `twin` or `related` (a link,
    /// for which nothing is removed).
    pub relation: String,
    /// Whether `--kept` leaves the story out: a member of a group, no twin of the kept story, which holds at least half
    /// of it. False in the line of a link, for which nothing is removed, whatever the story's group says of it.
    pub removed: bool,
    /// The story that is kept for this one; for links, the story on the other side.
    pub kept: String,
    /// The group's number; null for links between stories.
    pub group: Option<u32>,
    /// Share of this story's informative tokens that are found in `kept`, in [0, 1].
    pub coverage: f32,
    /// Share of the informative tokens of `kept` that are found in this story, in [0, 1].
    pub coverage_of_kept: f32,
    /// Cosine similarity of the aligned passages.
    pub cosine: f32,
    /// Why, in words.
    pub reason: String,
    /// Its headline.
    pub title: String,
    /// Its publisher.
    pub source: Option<String>,
    /// When it was published, ISO 8601 in UTC.
    pub published: Option<String>,
    /// The file it was read from.
    pub path: String,
    /// The record's first line in that file; 0 where a file is one record.
    pub line: u64,
    /// For the kept story of three and more, how firmly they hold together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthItem>,
}

/// All items: groups in their order with the kept story first, then links.
pub fn items(corpus: &Corpus, groups: &Groups) -> Vec<Item> {
    let mut items = Vec::new();
    for group in &groups.groups {
        let kept = &corpus.stories[group.canonical.index()].id;
        for member in &group.members {
            let canonical = member.story == group.canonical;
            let relation = if canonical { "kept" } else { member.relation.name() };
            let scores = [member.coverage, member.coverage_of_canonical, member.cosine];
            let reason =
                if canonical { canonical_reason(group.members.len()) } else { member.reason.clone() };
            let mut item = item(corpus, member.story, relation, kept, Some(group.id), scores, reason);
            item.removed = member.removed;
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
    debug_assert!(matches!(link.relation, Relation::Twin | Relation::Related));
    let other = &corpus.stories[link.b.index()].id;
    let scores = [link.coverage_ab, link.coverage_ba, link.cosine];
    item(corpus, link.a, link.relation.name(), other, None, scores, link.reason(corpus))
}

fn item(
    corpus: &Corpus,
    story: StoryId,
    relation: &str,
    kept: &str,
    group: Option<u32>,
    [coverage, coverage_of_kept, cosine]: [f32; 3],
    reason: String,
) -> Item {
    let s = &corpus.stories[story.index()];
    Item {
        schema: SCHEMA,
        id: s.id.clone(),
        relation: relation.into(),
        kept: kept.into(),
        group,
        removed: false,
        coverage: rounded(coverage),
        coverage_of_kept: rounded(coverage_of_kept),
        cosine: rounded(cosine),
        reason,
        title: s.title.clone(),
        source: s.source.clone(),
        published: s.published.and_then(iso),
        path: s.origin.path.display().to_string(),
        line: s.origin.line,
        health: None,
    }
}

/// Four decimals: more would be noise, and would differ between devices.
pub fn rounded(x: f32) -> f32 {
    (x * 1e4).round() / 1e4
}

pub(super) fn iso(millis: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(millis).ok().map(|t| t.to_string())
}

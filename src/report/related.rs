//! The results of linking: storylines with their stories, links with their reasons.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::{
    SCHEMA,
    columns::{Column, Value, serialize_row},
    item::{iso, rounded},
    sanitize_line,
};
use crate::{
    group::{Groups, Publishers},
    link::{LateArrival, Link, Node, SUPPORT, Storyline},
    story::{Corpus, Story, StoryId},
};

const MS_PER_DAY: i64 = 86_400_000;

/// The results of linking.
pub struct Related {
    /// In the order of their first story.
    pub storylines: Vec<StorylineItem>,
    /// Stories that are linked and in no storyline, in the order of time.
    pub outside: Vec<MemberItem>,
    /// By the later story, then by score.
    pub links: Vec<LinkItem>,
    /// Every story of the input.
    pub stories: Vec<StoryPlacement>,
}

/// The storyline of a story of the input.
pub struct StoryPlacement {
    /// Its id.
    pub id: String,
    /// Its storyline, if any.
    pub storyline: Option<u32>,
    /// The place in the input, from 0, of the first story of its group of copies; its own place if it has no copies.
    pub first: u32,
}

/// A storyline.
#[derive(Debug, Clone, Serialize)]
pub struct StorylineItem {
    /// The version of this object.
    pub schema: u32,
    /// "storyline".
    pub kind: &'static str,
    /// Its number, from 1.
    pub storyline: u32,
    /// The title of its most central story.
    pub label: String,
    /// Its stories, copies included.
    pub stories: usize,
    /// Its stories, each group of copies counted once.
    pub distinct: usize,
    /// The number of publishers.
    pub outlets: usize,
    /// The number of publishers with a text of their own, not mostly a copy.
    pub independent: usize,
    /// When the first was published, ISO 8601 in UTC.
    pub first: Option<String>,
    /// When the last was published.
    pub last: Option<String>,
    /// Groups of copies as one member, in the order of time.
    pub members: Vec<MemberItem>,
}

/// A story of a storyline, or a group of copies.
#[derive(Debug, Clone, Serialize)]
pub struct MemberItem {
    /// The story, or the one of its group that is kept.
    pub id: String,
    /// Its headline.
    pub title: String,
    /// Its publisher.
    pub source: Option<String>,
    /// When the first of its group was published, ISO 8601 in UTC.
    pub published: Option<String>,
    /// Ids of the others of its group.
    pub copies: Vec<String>,
    /// Why it is in the storyline if no link leads to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_arrival: Option<LateArrivalItem>,
}

/// Why a story is in a storyline to which no link leads: it is similar to several of its stories.
#[derive(Debug, Clone, Serialize)]
pub struct LateArrivalItem {
    /// The nearest of them.
    pub nearest: String,
    /// The mean score with the nearest [`SUPPORT`].
    pub score: f32,
    /// The reason, in words.
    pub reason: String,
}

/// A link between two related stories.
#[derive(Debug, Clone)]
pub struct LinkItem {
    /// The earlier story.
    pub a: String,
    /// The later story.
    pub b: String,
    /// The storyline that both are in, if it is one.
    pub storyline: Option<u32>,
    /// Standard deviations above unrelated stories; lower the more time lies between.
    pub score: f32,
    /// Cosine of their vectors.
    pub cosine: f32,
    /// Days between, where both have a time.
    pub days_apart: Option<f32>,
    /// Names that both have, the rarest first.
    pub names: Vec<String>,
    /// Other words and numbers that both have, the rarest first.
    pub terms: Vec<String>,
    /// The reason, in words.
    pub reason: String,
}

type LinkColumn = Column<LinkItem>;

/// The columns of [`LinkItem`].
pub(super) const LINK_COLUMNS: [LinkColumn; 11] = [
    LinkColumn::required("schema", Value::Int32(|_| Some(SCHEMA.cast_signed()))).json_only(),
    LinkColumn::required("kind", Value::Text(|_| Some("link".into()))).json_only(),
    LinkColumn::required("a", Value::Text(|l| Some(l.a.as_str().into()))),
    LinkColumn::required("b", Value::Text(|l| Some(l.b.as_str().into()))),
    LinkColumn::nullable("storyline", Value::Int32(|l| l.storyline.map(u32::cast_signed))),
    LinkColumn::required("score", Value::Float(|l| Some(l.score))),
    LinkColumn::required("cosine", Value::Float(|l| Some(l.cosine))),
    LinkColumn::nullable("days_apart", Value::Float(|l| l.days_apart)),
    LinkColumn::required("names", Value::Texts(|l| &l.names)),
    LinkColumn::required("terms", Value::Texts(|l| &l.terms)),
    LinkColumn::required("reason", Value::Text(|l| Some(l.reason.as_str().into()))),
];

impl Serialize for LinkItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_row(&LINK_COLUMNS, self, serializer)
    }
}

impl Related {
    /// The results of a [`crate::link::IncrementalLinker`] that was given `nodes`, with ids and texts.
    pub fn new(
        corpus: &Corpus,
        groups: &Groups,
        nodes: &[Node],
        links: &[Link],
        storylines: &[Storyline],
    ) -> Related {
        let removed = groups.groups.iter().flat_map(|g| &g.members).filter(|m| m.removed);
        let removed: BTreeSet<StoryId> = removed.map(|m| m.story).collect();
        let mut of_node: BTreeMap<u32, u32> = BTreeMap::new();
        for (number, storyline) in (1..).zip(storylines) {
            of_node.extend(storyline.members.iter().map(|m| (*m, number)));
        }
        let publishers = Publishers::new(corpus.stories.iter());
        let placed =
            |(story, first): (&Story, u32)| StoryPlacement { id: story.id.clone(), storyline: None, first };
        let mut stories: Vec<StoryPlacement> = corpus.stories.iter().zip(0..).map(placed).collect();
        for (node, place) in nodes.iter().zip(0..) {
            let first = node.members.iter().map(|m| m.0).min();
            for member in &node.members {
                let story = &mut stories[member.index()];
                story.storyline = of_node.get(&place).copied();
                story.first = first.unwrap_or(story.first);
            }
        }
        let linked: BTreeSet<u32> = links.iter().flat_map(|l| [l.a, l.b]).collect();
        let outside = linked.iter().filter(|place| !of_node.contains_key(place));
        Related {
            outside: outside.map(|place| member(corpus, nodes, *place, &[])).collect(),
            storylines: (1..)
                .zip(storylines)
                .map(|(number, s)| storyline(corpus, &publishers, &removed, nodes, number, s))
                .collect(),
            links: links.iter().map(|l| link_item(corpus, nodes, &of_node, l)).collect(),
            stories,
        }
    }
}

fn storyline(
    corpus: &Corpus,
    publishers: &Publishers,
    removed: &BTreeSet<StoryId>,
    nodes: &[Node],
    number: u32,
    storyline: &Storyline,
) -> StorylineItem {
    let of: Vec<&Node> = storyline.members.iter().map(|m| &nodes[*m as usize]).collect();
    let stories: Vec<StoryId> = of.iter().flat_map(|n| n.members.iter().copied()).collect();
    let source = |s: &StoryId| publishers.of(&corpus.stories[s.index()]);
    let outlets: BTreeSet<&str> = stories.iter().filter_map(source).collect();
    let independent: BTreeSet<&str> =
        stories.iter().filter(|s| !removed.contains(s)).filter_map(source).collect();
    let times = stories.iter().filter_map(|s| corpus.stories[s.index()].published);
    StorylineItem {
        schema: SCHEMA,
        kind: "storyline",
        storyline: number,
        label: title(corpus, nodes[storyline.central as usize].story),
        stories: stories.len(),
        distinct: of.len(),
        outlets: outlets.len(),
        independent: independent.len(),
        first: times.clone().min().and_then(iso),
        last: times.max().and_then(iso),
        members: storyline
            .members
            .iter()
            .map(|m| member(corpus, nodes, *m, &storyline.late_arrivals))
            .collect(),
    }
}

fn member(corpus: &Corpus, nodes: &[Node], place: u32, late: &[LateArrival]) -> MemberItem {
    let node = &nodes[place as usize];
    let late = late.iter().find(|l| l.story == place);
    let story = &corpus.stories[node.story.index()];
    let others = node.members.iter().filter(|m| **m != node.story);
    MemberItem {
        id: story.id.clone(),
        title: title(corpus, node.story),
        source: story.source.clone(),
        published: node.published.and_then(iso),
        copies: others.map(|m| corpus.stories[m.index()].id.clone()).collect(),
        late_arrival: late
            .map(|l| late_arrival_item(&corpus.stories[nodes[l.nearest as usize].story.index()].id, l)),
    }
}

fn late_arrival_item(nearest: &str, late: &LateArrival) -> LateArrivalItem {
    LateArrivalItem {
        nearest: nearest.into(),
        score: rounded(late.score),
        reason: format!("no link, but near {SUPPORT} of these stories on average"),
    }
}

/// A story's title, or how its text begins.
fn title(corpus: &Corpus, story: StoryId) -> String {
    let story = &corpus.stories[story.index()];
    match story.title.trim() {
        "" => sanitize_line(&story.text, 80),
        title => title.into(),
    }
}

fn link_item(corpus: &Corpus, nodes: &[Node], of_node: &BTreeMap<u32, u32>, link: &Link) -> LinkItem {
    let id = |node: u32| corpus.stories[nodes[node as usize].story.index()].id.clone();
    // A day without a time of day is midnight.
    let is_day = |node: u32| nodes[node as usize].published.is_some_and(|at| at % MS_PER_DAY == 0);
    let both = of_node.get(&link.a).filter(|s| of_node.get(&link.b) == Some(s));
    LinkItem {
        a: id(link.a),
        b: id(link.b),
        storyline: both.copied(),
        score: rounded(link.score),
        cosine: rounded(link.cosine),
        days_apart: link.days.map(rounded),
        names: link.names.clone(),
        terms: link.terms.clone(),
        reason: reason(link, is_day(link.a) && is_day(link.b)),
    }
}

/// What two stories share, in words; `by_day` if their times are days without a time of day.
fn reason(link: &Link, by_day: bool) -> String {
    // The shared words can be long, so the time comes first.
    let mut parts: Vec<String> = link.days.map(|d| describe_distance(d, by_day)).into_iter().collect();
    if !link.names.is_empty() {
        parts.push(format!("both name {}", link.names.join(", ")));
    }
    if !link.terms.is_empty() {
        parts.push(format!("share {}", link.terms.join(", ")));
    }
    parts.push(format!("cosine {:.2}", link.cosine));
    parts.join("; ")
}

fn describe_distance(days: f32, by_day: bool) -> String {
    match days * 24.0 {
        0.0 if by_day => "on one day".into(),
        24.0 if by_day => "a day apart".into(),
        hours if hours < 1.0 => "within the hour".into(),
        hours if hours < 48.0 => format!("{hours:.0} h apart"),
        _ => format!("{days:.0} days apart"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_the_shared_words() {
        let check = |names: &[&str], terms: &[&str], days, expect: &str| {
            let owned = |of: &[&str]| of.iter().map(|s| (*s).to_string()).collect();
            let link =
                Link { a: 0, b: 1, score: 5.0, cosine: 0.61, days, names: owned(names), terms: owned(terms) };
            assert_eq!(reason(&link, false), expect);
        };
        check(
            &["Astana", "Xi"],
            &["summit"],
            Some(0.5),
            "12 h apart; both name Astana, Xi; share summit; cosine 0.61",
        );
        check(&[], &["ports"], Some(3.2), "3 days apart; share ports; cosine 0.61");
        check(&[], &[], Some(0.01), "within the hour; cosine 0.61");
        check(&[], &[], None, "cosine 0.61");
        let check = |days, expect: &str| assert_eq!(describe_distance(days, true), expect);
        check(0.0, "on one day");
        check(1.0, "a day apart");
        check(3.0, "3 days apart");
    }
}

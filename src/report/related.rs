//! What `link` found, as data: storylines with their stories, links with their reasons.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::item::{iso, rounded};
use crate::{
    group::Groups,
    link::{Link, Node, Storyline},
    story::{Corpus, Story, StoryId},
};

/// The version of the objects that `link` writes.
const SCHEMA: u32 = 1;

/// What `link` found.
pub struct Related {
    /// In the order of their first story.
    pub storylines: Vec<StorylineItem>,
    /// By the later story, then by score.
    pub links: Vec<LinkItem>,
    /// Every story of the input.
    pub stories: Vec<Placed>,
}

/// A story of the input, and where it is.
pub struct Placed {
    /// Its id.
    pub id: String,
    /// Its storyline, if it is in one.
    pub storyline: Option<u32>,
    /// The first story of the input, from 0, that it is a copy of; itself if there is none.
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
    /// Its stories, each group of copies as one.
    pub told: usize,
    /// Publishers that carry any of them.
    pub outlets: usize,
    /// Publishers of a text of their own: not of what is mostly a copy.
    pub independent: usize,
    /// When the first was published, ISO 8601 in UTC.
    pub first: Option<String>,
    /// When the last was published.
    pub last: Option<String>,
    /// Each group of copies as one, in the order of time.
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
}

/// A link.
#[derive(Debug, Clone, Serialize)]
pub struct LinkItem {
    /// The version of this object.
    pub schema: u32,
    /// "link".
    pub kind: &'static str,
    /// The earlier story.
    pub a: String,
    /// The later story.
    pub b: String,
    /// The storyline that both are in, if it is one.
    pub storyline: Option<u32>,
    /// Standard deviations above unrelated stories, less the more time lies between.
    pub score: f32,
    /// Cosine of their vectors.
    pub cosine: f32,
    /// Days between, where both have a time.
    pub days_apart: Option<f32>,
    /// Names that both have, the most telling first.
    pub names: Vec<String>,
    /// Other words and numbers that both have, the most telling first.
    pub terms: Vec<String>,
    /// All that in words.
    pub reason: String,
}

impl Related {
    /// Puts names to what a [`crate::link::Linker`] that took `nodes` found.
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
        let placed = |(story, first): (&Story, u32)| Placed { id: story.id.clone(), storyline: None, first };
        let mut stories: Vec<Placed> = corpus.stories.iter().zip(0..).map(placed).collect();
        for (node, place) in nodes.iter().zip(0..) {
            let first = node.members.iter().map(|m| m.0).min();
            for member in &node.members {
                let story = &mut stories[member.index()];
                story.storyline = of_node.get(&place).copied();
                story.first = first.unwrap_or(story.first);
            }
        }
        Related {
            storylines: (1..)
                .zip(storylines)
                .map(|(number, s)| storyline(corpus, &removed, nodes, number, s))
                .collect(),
            links: links.iter().map(|l| link_item(corpus, nodes, &of_node, l)).collect(),
            stories,
        }
    }
}

fn storyline(
    corpus: &Corpus,
    removed: &BTreeSet<StoryId>,
    nodes: &[Node],
    number: u32,
    storyline: &Storyline,
) -> StorylineItem {
    let of: Vec<&Node> = storyline.members.iter().map(|m| &nodes[*m as usize]).collect();
    let stories: Vec<StoryId> = of.iter().flat_map(|n| n.members.iter().copied()).collect();
    let source = |s: &StoryId| corpus.stories[s.index()].source.as_deref();
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
        told: of.len(),
        outlets: outlets.len(),
        independent: independent.len(),
        first: times.clone().min().and_then(iso),
        last: times.max().and_then(iso),
        members: of.iter().map(|n| member(corpus, n)).collect(),
    }
}

fn member(corpus: &Corpus, node: &Node) -> MemberItem {
    let story = &corpus.stories[node.story.index()];
    let others = node.members.iter().filter(|m| **m != node.story);
    MemberItem {
        id: story.id.clone(),
        title: title(corpus, node.story),
        source: story.source.clone(),
        published: node.published.and_then(iso),
        copies: others.map(|m| corpus.stories[m.index()].id.clone()).collect(),
    }
}

/// A story's title, or how its text begins.
fn title(corpus: &Corpus, story: StoryId) -> String {
    let story = &corpus.stories[story.index()];
    match story.title.trim() {
        "" => super::line(&story.text, 80),
        title => title.into(),
    }
}

fn link_item(corpus: &Corpus, nodes: &[Node], of_node: &BTreeMap<u32, u32>, link: &Link) -> LinkItem {
    let id = |node: u32| corpus.stories[nodes[node as usize].story.index()].id.clone();
    let both = of_node.get(&link.a).filter(|s| of_node.get(&link.b) == Some(s));
    LinkItem {
        schema: SCHEMA,
        kind: "link",
        a: id(link.a),
        b: id(link.b),
        storyline: both.copied(),
        score: rounded(link.score),
        cosine: rounded(link.cosine),
        days_apart: link.days.map(rounded),
        names: link.names.clone(),
        terms: link.terms.clone(),
        reason: reason(link),
    }
}

/// What two stories share, in words.
fn reason(link: &Link) -> String {
    let mut parts = Vec::new();
    if !link.names.is_empty() {
        parts.push(format!("both name {}", link.names.join(", ")));
    }
    if !link.terms.is_empty() {
        parts.push(format!("share {}", link.terms.join(", ")));
    }
    parts.push(format!("cosine {:.2}", link.cosine));
    if let Some(days) = link.days {
        parts.push(apart(days));
    }
    parts.join("; ")
}

fn apart(days: f32) -> String {
    match days * 24.0 {
        hours if hours < 1.0 => "within the hour".into(),
        hours if hours < 48.0 => format!("{hours:.0} h apart"),
        _ => format!("{days:.0} days apart"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_tell_what_is_shared() {
        let check = |names: &[&str], terms: &[&str], days, expect: &str| {
            let told = |of: &[&str]| of.iter().map(|s| (*s).to_string()).collect();
            let link =
                Link { a: 0, b: 1, score: 5.0, cosine: 0.61, days, names: told(names), terms: told(terms) };
            assert_eq!(reason(&link), expect);
        };
        check(
            &["Astana", "Xi"],
            &["summit"],
            Some(0.5),
            "both name Astana, Xi; share summit; cosine 0.61; 12 h apart",
        );
        check(&[], &["ports"], Some(3.2), "share ports; cosine 0.61; 3 days apart");
        check(&[], &[], Some(0.01), "cosine 0.61; within the hour");
        check(&[], &[], None, "cosine 0.61");
    }
}

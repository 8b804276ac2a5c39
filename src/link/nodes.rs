//! Nodes: what is linked. A story without copies is a node, and so is a group of stories of one origin.

use std::collections::BTreeMap;

use crate::{
    compare::{Relation, Verdict},
    group::Groups,
    story::{Corpus, StoryId},
};

/// A story, or a group of stories that are linked as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The story, or the canonical story of the group.
    pub story: StoryId,
    /// All stories of the group in the order of the input, or the single story.
    pub members: Vec<StoryId>,
    /// When its first story was published, in milliseconds since 1970 UTC.
    pub published: Option<i64>,
}

/// The nodes of `corpus` in order of time. Nodes without a time come last, in the order of the input.
pub fn nodes(corpus: &Corpus, groups: &Groups) -> Vec<Node> {
    let mut of: BTreeMap<StoryId, Vec<StoryId>> =
        (0..corpus.stories.len() as u32).map(|i| (StoryId(i), vec![StoryId(i)])).collect();
    for group in &groups.groups {
        let mut members: Vec<StoryId> = group.members.iter().map(|m| m.story).collect();
        members.iter().for_each(|m| drop(of.remove(m)));
        members.sort_unstable();
        of.insert(group.canonical, members);
    }
    let published =
        |members: &[StoryId]| members.iter().filter_map(|m| corpus.stories[m.index()].published).min();
    let mut nodes: Vec<Node> = of
        .into_iter()
        .map(|(story, members)| Node { story, published: published(&members), members })
        .collect();
    nodes.sort_by_key(|n| (n.published.is_none(), n.published, n.story));
    nodes
}

/// For each node the earlier nodes of the same template with other facts (weather, results): they report other events and
/// are not linked. Positions in `nodes`, ascending.
pub fn template_variants(nodes: &[Node], verdicts: &[Verdict]) -> Vec<Vec<u32>> {
    let of: BTreeMap<StoryId, u32> =
        (0..).zip(nodes).flat_map(|(i, n)| n.members.iter().map(move |m| (*m, i))).collect();
    let mut variants = vec![Vec::new(); nodes.len()];
    for verdict in verdicts.iter().filter(|v| v.relation == Relation::Twin) {
        let (Some(&a), Some(&b)) = (of.get(&verdict.a), of.get(&verdict.b)) else { continue };
        if a != b {
            variants[a.max(b) as usize].push(a.min(b));
        }
    }
    variants.iter_mut().for_each(|t| t.sort_unstable());
    variants
}

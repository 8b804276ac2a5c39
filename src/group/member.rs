//! The members of a group: what each is to the canonical story, and why.

use super::{Edges, Options, apply_constraints::LinkedSets};
use crate::{
    Result,
    compare::{Relation, Verdict},
    story::{Corpus, StoryId},
};

/// A story in its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The story.
    pub story: StoryId,
    /// What it is to the canonical story; for that itself, [`Relation::Identical`].
    pub relation: Relation,
    /// Share of its informative tokens found in the canonical story, in [0, 1].
    pub coverage: f32,
    /// Share of the canonical story's informative tokens found in it, in [0, 1].
    pub coverage_of_canonical: f32,
    /// Cosine similarity to the canonical story.
    pub cosine: f32,
    /// The probability in [0, 1] that it is of one origin with the canonical story, or with the member that brought it
    /// here; `None` for the canonical story, and where no verdict did.
    pub probability: Option<f32>,
    /// Whether a run that keeps one story of a group leaves it out: not the canonical one nor its twin, and at least
    /// [`Options::removable`] of it is in the canonical one.
    pub removed: bool,
    /// Why it is in the group, in words.
    pub reason: String,
}

impl Member {
    /// The canonical story of a group.
    pub(super) fn canonical(story: StoryId) -> Self {
        Member {
            story,
            relation: Relation::Identical,
            coverage: 1.0,
            coverage_of_canonical: 1.0,
            cosine: 1.0,
            probability: None,
            removed: false,
            reason: "kept".into(),
        }
    }
}

/// Describes members of groups.
pub(super) struct Describer<'a> {
    pub corpus: &'a Corpus,
    pub edges: &'a Edges<'a>,
    pub linked: &'a LinkedSets,
    pub options: &'a Options,
    pub compare: &'a dyn Fn(StoryId, StoryId) -> Result<Verdict>,
}

impl Describer<'_> {
    /// `story` as a member of the group of `canonical` and `members`.
    ///
    /// # Errors
    /// Those of comparing the two.
    pub fn describe(&self, story: StoryId, canonical: StoryId, members: &[StoryId]) -> Result<Member> {
        let direct = match self.edges.get(&story).and_then(|of| of.get(&canonical)) {
            Some(known) => seen_from(story, known),
            None => (self.compare)(story, canonical)?,
        };
        let is_linked = self.linked.must_link(story, canonical);
        let is_held = direct.held() >= self.options.removable;
        let through = strongest_edge(self.edges, story, members);
        let (relation, mut reason) = self.relation_and_reason(&direct, is_linked, through.as_ref());
        let evidence = if direct.relation.is_origin() { Some(&direct) } else { through.as_ref() };
        let stays = match direct.relation {
            _ if !is_held => Some("; it stays, as most of its text is not in the kept story"),
            // A must-link goes before what the two were found to be.
            _ if is_linked => None,
            // It has other facts than the canonical story, whatever joined it to other members.
            Relation::Twin => Some("; it stays, as the kept story has other facts"),
            Relation::Quote => Some("; it stays, as they share a statement of a third"),
            relation if relation.is_origin() && !self.options.removed.contains(relation) => {
                Some("; it stays, as this relation is not removed")
            }
            _ => None,
        };
        let removed = stays.is_none();
        reason += stays.unwrap_or_default();
        Ok(Member {
            story,
            relation,
            coverage: direct.coverage_ab,
            coverage_of_canonical: direct.coverage_ba,
            cosine: direct.cosine,
            probability: evidence.map(Verdict::probability),
            removed,
            reason,
        })
    }

    fn relation_and_reason(
        &self,
        direct: &Verdict,
        is_linked: bool,
        through: Option<&Verdict>,
    ) -> (Relation, String) {
        let reason = direct.reason(self.corpus);
        let verdict = direct.relation.name();
        if is_linked {
            let canonical = &self.corpus.stories[direct.b.index()].id;
            let reason =
                format!("decided to be the same story as {canonical}; compared, {verdict}: {reason}");
            return (if direct.relation.is_origin() { direct.relation } else { Relation::Copy }, reason);
        }
        if direct.relation.is_origin() {
            return (direct.relation, reason);
        }
        // Another member brought it here: that one is named, and what it is to it.
        match through {
            Some(edge) => (edge.relation, format!("{}: {}", edge.relation.name(), edge.reason(self.corpus))),
            // A must-link with another member brought it here.
            None => {
                (Relation::Copy, format!("decided to belong to this group; compared, {verdict}: {reason}"))
            }
        }
    }
}

/// The verdict of most coverage that makes `story` of one origin with another of `members`, seen from `story`.
fn strongest_edge(edges: &Edges, story: StoryId, members: &[StoryId]) -> Option<Verdict> {
    let neighbours = edges.get(&story).into_iter().flatten();
    let among = neighbours.filter(|(other, _)| members.binary_search(other).is_ok());
    let strongest =
        among.max_by(|x, y| x.1.higher_coverage().total_cmp(&y.1.higher_coverage()).then(y.0.cmp(x.0)));
    strongest.map(|(_, edge)| seen_from(story, edge))
}

/// What makes a member of a stored group part of it: the verdict on it and the canonical story, or its strongest edge.
#[cfg(feature = "store")]
pub(crate) fn membership_evidence(
    edges: &Edges,
    story: StoryId,
    canonical: StoryId,
    members: &[StoryId],
) -> Option<Verdict> {
    let direct = edges.get(&story).and_then(|of| of.get(&canonical));
    direct.map(|edge| seen_from(story, edge)).or_else(|| strongest_edge(edges, story, members))
}

/// `verdict` with `story` as its first story.
fn seen_from(story: StoryId, verdict: &Verdict) -> Verdict {
    if verdict.a == story { verdict.clone() } else { verdict.flipped() }
}

//! Resolves decisions to the stories of a corpus: by id, or by text where the id may be another story's.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::{
    constraints::{Conflict, ConstraintSet, PairConstraint},
    decisions::{Decisions, StoryRef},
};
use crate::{
    Result,
    corpus::text_digest,
    story::{Corpus, Story, StoryId},
};

/// The decisions on the stories of one corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constraints {
    /// Pairs of one origin, the lower story first, ascending.
    pub must_link: Vec<(StoryId, StoryId)>,
    /// Pairs that are not of one origin, the lower story first, ascending.
    pub cannot_link: Vec<(StoryId, StoryId)>,
    /// Stories to keep of their groups, in the order of the file.
    pub canonical: Vec<StoryId>,
    /// The lines of decisions on stories that the corpus does not have, as JSON.
    pub unresolved: Vec<String>,
    /// How many of these have the id of a story with another text.
    pub text_mismatches: usize,
}

/// Decisions with stories that are known by keys of type `K`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedDecisions<K> {
    /// The constraints on pairs.
    pub pairs: ConstraintSet<K>,
    /// Stories to keep of their groups, in the order of the file, with their lines.
    pub canonical: Vec<(u64, K)>,
    /// The lines of decisions that could not be resolved, as JSON.
    pub unresolved: Vec<String>,
    /// How many of these have the id of a story with another text.
    pub text_mismatches: usize,
}

/// What a reference to a story resolves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution<K> {
    /// This story.
    Story(K),
    /// No story for certain: the story of this id has another text, or several stories have the text.
    TextMismatch,
    /// No story.
    Unknown,
}

impl Decisions {
    /// The decisions on the stories of `corpus`; of several lines on a pair the last one counts.
    ///
    /// # Errors
    /// The line that parts two stories which other lines link, now that it is known which stories the lines are on.
    pub fn resolve(&self, corpus: &Corpus) -> std::result::Result<Constraints, Conflict<String>> {
        let index = StoryIndex::new(corpus, self);
        let resolved = self.resolve_with(|story| index.resolve(story));
        if let Some(conflict) = resolved.pairs.conflict() {
            return Err(conflict.map(|story| corpus.stories[story.index()].id.clone()));
        }
        let pairs = |of| resolved.pairs.pairs(of).map(|[a, b]| (*a, *b)).collect();
        Ok(Constraints {
            must_link: pairs(PairConstraint::MustLink),
            cannot_link: pairs(PairConstraint::CannotLink),
            canonical: resolved.canonical.into_iter().map(|(_, story)| story).collect(),
            unresolved: resolved.unresolved,
            text_mismatches: resolved.text_mismatches,
        })
    }

    /// As [`Decisions::resolve`], with an error that names `file`.
    ///
    /// # Errors
    /// [`Error::DecisionConflict`](crate::Error::DecisionConflict).
    pub fn resolve_file(&self, file: &Path, corpus: &Corpus) -> Result<Constraints> {
        self.resolve(corpus).map_err(|conflict| conflict.in_file(file))
    }

    /// The decisions with each reference to a story as `resolve` resolves it; of several lines on a pair the last one
    /// counts.
    pub fn resolve_with<K: Ord + Clone + std::fmt::Debug>(
        &self,
        resolve: impl Fn(StoryRef<'_>) -> Resolution<K>,
    ) -> ResolvedDecisions<K> {
        let mut resolved = ResolvedDecisions {
            pairs: ConstraintSet::default(),
            canonical: Vec::new(),
            unresolved: Vec::new(),
            text_mismatches: 0,
        };
        for (line, decision) in &self.pairs {
            match decision.story_refs().map(&resolve) {
                // Of two records with one text, one has gone.
                [Resolution::Story(a), Resolution::Story(b)] if a == b => resolved.skip(true, decision),
                [Resolution::Story(a), Resolution::Story(b)] => {
                    resolved.pairs.insert(*line, [a, b], decision.decision);
                }
                found => resolved.skip(found.contains(&Resolution::TextMismatch), decision),
            }
        }
        for (line, chosen) in &self.canonical {
            match resolve(chosen.story_ref()) {
                Resolution::Story(story) => resolved.canonical.push((*line, story)),
                found => resolved.skip(found == Resolution::TextMismatch, chosen),
            }
        }
        resolved
    }
}

impl<K> ResolvedDecisions<K> {
    fn skip(&mut self, text_mismatch: bool, line: &impl Serialize) {
        // Texts and a number: serializing them cannot fail.
        self.unresolved.push(serde_json::to_string(line).unwrap_or_default());
        self.text_mismatches += usize::from(text_mismatch);
    }
}

/// The stories of a corpus by id and by text.
struct StoryIndex<'a> {
    by_id: BTreeMap<&'a str, StoryId>,
    by_text: StoriesByText<'a, StoryId>,
}

impl<'a> StoryIndex<'a> {
    fn new(corpus: &'a Corpus, decisions: &'a Decisions) -> Self {
        let stories = || corpus.stories.iter().zip((0..).map(StoryId));
        let by_id = stories().map(|(story, id)| (story.id.as_str(), id)).collect();
        let mut by_text = StoriesByText::new(decisions);
        stories().for_each(|(story, id)| by_text.insert(story, id));
        StoryIndex { by_id, by_text }
    }

    fn resolve(&self, StoryRef { id, text }: StoryRef<'_>) -> Resolution<StoryId> {
        let of_id = self.by_id.get(id);
        let found = match text {
            None => of_id.copied(),
            Some(text) => self.by_text.get(id, text),
        };
        match found {
            Some(story) => Resolution::Story(story),
            None if text.is_some_and(|text| of_id.is_some() || self.by_text.has(text)) => {
                Resolution::TextMismatch
            }
            None => Resolution::Unknown,
        }
    }
}

/// The stories with the texts that decisions are on, known by keys of type `K`.
pub struct StoriesByText<'d, K> {
    /// For the digest of each such text, the ids and keys of its stories.
    of: BTreeMap<&'d str, Vec<(String, K)>>,
}

impl<'d, K: Clone> StoriesByText<'d, K> {
    /// The texts of `decisions`, without any story.
    pub fn new(decisions: &'d Decisions) -> Self {
        let pairs = decisions.pairs.iter().flat_map(|(_, decision)| decision.story_refs());
        let stories = pairs.chain(decisions.canonical.iter().map(|(_, chosen)| chosen.story_ref()));
        StoriesByText { of: stories.filter_map(|story| story.text).map(|text| (text, Vec::new())).collect() }
    }

    /// Whether no decision is on a text.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Adds a story, if a decision is on its text.
    pub fn insert(&mut self, story: &Story, key: K) {
        if self.is_empty() {
            return;
        }
        if let Some(stories) = self.of.get_mut(text_digest(story).as_str()) {
            stories.push((story.id.clone(), key));
        }
    }

    /// Whether a story has `text`.
    fn has(&self, text: &str) -> bool {
        self.of.get(text).is_some_and(|stories| !stories.is_empty())
    }

    /// The story with `text`: the one with this id, else the only one.
    pub fn get(&self, id: &str, text: &str) -> Option<K> {
        let stories = self.of.get(text)?;
        let only = stories.first().filter(|_| stories.len() == 1);
        stories.iter().find(|(own, _)| own == id).or(only).map(|(_, key)| key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::decisions::{
            CanonicalOverride, Decision,
            tests::{line, parse},
        },
        *,
    };

    #[test]
    fn resolves_pairs_in_any_order() {
        let text =
            [line("y", "x", "same"), "\n".into(), line("x", "z", "different"), line("x", "gone", "same")];
        let decisions = parse(&text.concat()).unwrap();
        assert_eq!(decisions.pairs.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4]);
        let story = |id: &str| Story { id: id.into(), text: format!("Of {id}."), ..Story::default() };
        let corpus = Corpus::new(["x", "y", "z"].map(story).to_vec());
        let [x, y, z] = [StoryId(0), StoryId(1), StoryId(2)];
        let expect = Constraints {
            must_link: vec![(x, y)],
            cannot_link: vec![(x, z)],
            unresolved: vec![line("x", "gone", "same").trim().into()],
            ..Constraints::default()
        };
        assert_eq!(decisions.resolve(&corpus), Ok(expect));
    }

    #[test]
    fn resolves_a_counted_id_by_its_text() {
        let story = |id: &str, text: &str| Story { id: id.into(), text: text.into(), ..Story::default() };
        let [one, two, three] = ["Of one.", "Of two.", "Of three."];
        let digest = |text: &str| text_digest(&story("", text));
        let check = |stories: &[(&str, &str)], same: &[(u32, u32)], kept: &[u32], text_mismatches: usize| {
            let decision = Decision {
                schema: 1,
                a: "f#1".into(),
                b: "f#2".into(),
                decision: PairConstraint::MustLink,
                a_text: Some(digest(one)),
                b_text: Some(digest(two)),
            };
            let (id, text) = ("f#2".into(), Some(digest(two)));
            let named = CanonicalOverride { schema: 1, id, decision: "canonical".into(), text };
            let lines = [serde_json::to_string(&decision).unwrap(), serde_json::to_string(&named).unwrap()];
            let decisions = parse(&lines.join("\n")).unwrap();
            let resolved = decisions
                .resolve(&Corpus::new(stories.iter().map(|(id, text)| story(id, text)).collect()))
                .unwrap();
            let pairs: Vec<(u32, u32)> = resolved.must_link.iter().map(|(a, b)| (a.0, b.0)).collect();
            let canonical: Vec<u32> = resolved.canonical.iter().map(|s| s.0).collect();
            assert_eq!(
                (&pairs[..], &canonical[..], resolved.text_mismatches),
                (same, kept, text_mismatches),
                "{stories:?}"
            );
        };
        check(&[("f#1", one), ("f#2", two)], &[(0, 1)], &[1], 0);
        // A record came before them.
        check(&[("f#1", three), ("f#2", one), ("f#3", two)], &[(1, 2)], &[2], 0);
        // One is gone, and another has its number.
        check(&[("f#1", one), ("f#2", three)], &[], &[], 2);
        check(&[("f#1", one)], &[], &[], 0);
        // Which of two is meant cannot be told, unless one has the id.
        check(&[("f#1", three), ("f#2", one), ("f#3", two), ("f#4", two)], &[], &[], 2);
        check(&[("f#1", one), ("f#2", two), ("f#3", two)], &[(0, 1)], &[1], 0);
    }

    #[test]
    fn resolves_canonical_overrides() {
        let named = |id: &str| format!("{{\"schema\":1,\"id\":\"{id}\",\"decision\":\"canonical\"}}\n");
        let decisions =
            parse(&(named("y") + &line("x", "y", "same") + &named("gone") + &named("x"))).unwrap();
        let story = |id: &str| Story { id: id.into(), text: format!("Of {id}."), ..Story::default() };
        let resolved = decisions.resolve(&Corpus::new(["x", "y"].map(story).to_vec())).unwrap();
        assert_eq!((resolved.canonical, resolved.unresolved.len()), (vec![StoryId(1), StoryId(0)], 1));
        assert!(parse(&named("x").replace(":1", ":2")).is_err());
    }

    #[test]
    fn the_last_of_lines_that_resolve_to_one_pair_counts() {
        let story = |id: &str| Story { id: id.into(), text: format!("Of {id}."), ..Story::default() };
        let corpus = Corpus::new(["f#1", "f#2", "f#3"].map(story).to_vec());
        let by_text = |a: &str, b: &str, decision: &str| {
            let texts = [a, b].map(|id| text_digest(&story(id)));
            let (a, b) = (format!("old{a}"), format!("old{b}"));
            line(&a, &b, decision)
                .replace("}\n", &format!(",\"a_text\":\"{}\",\"b_text\":\"{}\"}}\n", texts[0], texts[1]))
        };
        let check = |lines: &[String], same: Option<usize>| {
            let resolved = parse(&lines.concat()).unwrap().resolve(&corpus);
            assert_eq!(resolved.ok().map(|r| r.must_link.len()), same, "{lines:?}");
        };
        // The last line on a pair holds.
        check(&[by_text("f#1", "f#2", "different"), line("f#1", "f#2", "same")], Some(1));
        check(&[line("f#1", "f#2", "same"), by_text("f#1", "f#2", "different")], Some(0));
        // A chain is refused.
        let chain = [line("f#1", "f#2", "same"), by_text("f#2", "f#3", "same")];
        check(&chain, Some(2));
        check(&[&chain[..], &[by_text("f#1", "f#3", "different")]].concat(), None);
    }
}

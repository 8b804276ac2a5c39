//! Which stories of a corpus decisions are on: by id, or by text where the id is no name to rely on.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::decisions::{Decisions, PairConstraint, StoryRef, parted, refused};
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
    /// Pairs that are not, likewise.
    pub cannot_link: Vec<(StoryId, StoryId)>,
    /// Stories to be kept of their groups, in the order of the file.
    pub canonical: Vec<StoryId>,
    /// The lines of decisions that name a story which the corpus does not have.
    pub unresolved: Vec<String>,
    /// How many of these are on a text that is not there, though another story has its id.
    pub text_mismatches: usize,
}

/// Pairs of a corpus, the lower story first, with the line that holds.
type Pairs = BTreeMap<(StoryId, StoryId), (u64, PairConstraint)>;

impl Decisions {
    /// The decisions on the stories of `corpus`, of several lines on a pair the last; those on other stories are away.
    pub fn resolve(&self, corpus: &Corpus) -> Constraints {
        self.place(corpus).0
    }

    /// As [`Decisions::resolve`]; `file` is named in errors.
    ///
    /// # Errors
    /// [`Error::Line`](crate::Error::Line) if lines contradict one another now that it is known which stories they name.
    pub fn resolve_checked(&self, file: &Path, corpus: &Corpus) -> Result<Constraints> {
        let (resolved, pairs) = self.place(corpus);
        let lines = pairs.iter().map(|((a, b), (line, choice))| (*line, [*a, *b], *choice));
        let id = |story: StoryId| corpus.stories[story.index()].id.clone();
        parted(lines).map_or(Ok(resolved), |(line, pair)| Err(refused(file, line, pair.map(id))))
    }

    fn place(&self, corpus: &Corpus) -> (Constraints, Pairs) {
        let places = Places::new(corpus, self);
        let mut resolved = Constraints::default();
        let mut pairs = Pairs::new();
        for (line, d) in &self.pairs {
            match d.names().map(|name| places.find(name)) {
                // Two records of one text, of which one has gone.
                [Found::Here(a), Found::Here(b)] if a == b => resolved.pass_over(&[Found::OtherText], d),
                [Found::Here(a), Found::Here(b)] => {
                    pairs.insert((a.min(b), a.max(b)), (*line, d.decision));
                }
                not => resolved.pass_over(&not, d),
            }
        }
        for (pair, (_, choice)) in &pairs {
            match choice {
                PairConstraint::MustLink => resolved.must_link.push(*pair),
                PairConstraint::CannotLink => resolved.cannot_link.push(*pair),
            }
        }
        for (_, named) in &self.canonical {
            match places.find(named.name()) {
                Found::Here(id) => resolved.canonical.push(id),
                not => resolved.pass_over(&[not], named),
            }
        }
        (resolved, pairs)
    }
}

impl Constraints {
    fn pass_over(&mut self, named: &[Found], line: &impl Serialize) {
        // StoriesByText and a number: nothing in it can fail.
        self.unresolved.push(serde_json::to_string(line).unwrap_or_default());
        self.text_mismatches += usize::from(named.contains(&Found::OtherText));
    }
}

/// What a decision names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Here(StoryId),
    /// The story of this id has another text, and that text is not there, or more than once.
    OtherText,
    Nowhere,
}

/// Where the stories of a corpus are, by id and by text.
struct Places<'a> {
    by_id: BTreeMap<&'a str, StoryId>,
    texts: StoriesByText<'a, StoryId>,
}

impl<'a> Places<'a> {
    fn new(corpus: &'a Corpus, decisions: &'a Decisions) -> Self {
        let stories = || corpus.stories.iter().zip((0..).map(StoryId));
        let by_id = stories().map(|(story, at)| (story.id.as_str(), at)).collect();
        let mut texts = StoriesByText::new(decisions);
        stories().for_each(|(story, at)| texts.take(story, at));
        Places { by_id, texts }
    }

    fn find(&self, (id, text): StoryRef<'_>) -> Found {
        let named = self.by_id.get(id);
        let found = match text {
            None => named.copied(),
            Some(text) => self.texts.find(id, text),
        };
        match found {
            Some(at) => Found::Here(at),
            None if text.is_some_and(|text| named.is_some() || self.texts.has(text)) => Found::OtherText,
            None => Found::Nowhere,
        }
    }
}

/// Which stories have the texts that decisions hold for.
pub struct StoriesByText<'d, T> {
    /// Under the digest of each such text the ids of its stories, and what they are known by.
    of: BTreeMap<&'d str, Vec<(String, T)>>,
}

impl<'d, T: Clone> StoriesByText<'d, T> {
    /// Those of `decisions`, before any story has come.
    pub fn new(decisions: &'d Decisions) -> Self {
        let pairs = decisions.pairs.iter().flat_map(|(_, d)| d.names());
        let names = pairs.chain(decisions.canonical.iter().map(|(_, named)| named.name()));
        StoriesByText { of: names.filter_map(|(_, text)| text).map(|text| (text, Vec::new())).collect() }
    }

    /// Whether no decision holds for a text.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Takes a story that is known by `at`.
    pub fn take(&mut self, story: &Story, at: T) {
        if self.is_empty() {
            return;
        }
        if let Some(stories) = self.of.get_mut(text_digest(story).as_str()) {
            stories.push((story.id.clone(), at));
        }
    }

    /// Whether a story has `text`.
    fn has(&self, text: &str) -> bool {
        self.of.get(text).is_some_and(|stories| !stories.is_empty())
    }

    /// The story of `text`: the one of this id, else the only one.
    pub fn find(&self, id: &str, text: &str) -> Option<T> {
        let stories = self.of.get(text)?;
        let only = stories.first().filter(|_| stories.len() == 1);
        stories.iter().find(|(own, _)| own == id).or(only).map(|(_, at)| at.clone())
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
    fn decisions_are_found_in_the_corpus_whichever_story_comes_first() {
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
        assert_eq!(decisions.resolve(&corpus), expect);
    }

    #[test]
    fn a_decision_on_a_counted_id_is_one_on_a_text() {
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
            let resolved =
                decisions.resolve(&Corpus::new(stories.iter().map(|(id, text)| story(id, text)).collect()));
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
    fn the_story_to_keep_is_named() {
        let named = |id: &str| format!("{{\"schema\":1,\"id\":\"{id}\",\"decision\":\"canonical\"}}\n");
        let decisions =
            parse(&(named("y") + &line("x", "y", "same") + &named("gone") + &named("x"))).unwrap();
        let story = |id: &str| Story { id: id.into(), text: format!("Of {id}."), ..Story::default() };
        let resolved = decisions.resolve(&Corpus::new(["x", "y"].map(story).to_vec()));
        assert_eq!((resolved.canonical, resolved.unresolved.len()), (vec![StoryId(1), StoryId(0)], 1));
        assert!(parse(&named("x").replace(":1", ":2")).is_err());
    }

    #[test]
    fn lines_on_texts_may_turn_out_to_be_on_one_pair() {
        let story = |id: &str| Story { id: id.into(), text: format!("Of {id}."), ..Story::default() };
        let corpus = Corpus::new(["f#1", "f#2", "f#3"].map(story).to_vec());
        let by_text = |a: &str, b: &str, decision: &str| {
            let texts = [a, b].map(|id| text_digest(&story(id)));
            let (a, b) = (format!("old{a}"), format!("old{b}"));
            line(&a, &b, decision)
                .replace("}\n", &format!(",\"a_text\":\"{}\",\"b_text\":\"{}\"}}\n", texts[0], texts[1]))
        };
        let check = |lines: &[String], same: Option<usize>| {
            let resolved = parse(&lines.concat()).unwrap().resolve_checked(Path::new("d.jsonl"), &corpus);
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

//! What people decided of pairs of stories, as JSON lines: of one origin, or not.
//!
//! ```json
//! {"schema":1,"a":"hw-101","b":"ob-9","decision":"same"}
//! {"schema":1,"a":"wx-1","b":"wx-2","decision":"different"}
//! {"schema":1,"id":"nd-330","decision":"canonical"}
//! ```
//!
//! The third says which story of a group is kept; where two of one group are named, the later line holds.
//!
//! Which story is `a` does not matter, and unknown fields are left alone, so that a tool may write beside a decision who
//! made it and when. A pair may be decided twice if both say the same; decisions that contradict one another are
//! refused, with the lines, also where only a chain of them does: nobody could honour them all.
//!
//! An id that counts records of a file may be another story's in the next run. A decision on it brings a digest of the
//! text (`"a_text"`, `"b_text"`, or `"text"` beside `"id"`), and holds for the story of that text, whatever its id is now.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    ingest::{id_in_json, text_digest},
    story::{Corpus, StoryId},
};

/// The version of the lines.
pub const DECISION_SCHEMA: u32 = 1;

/// What was decided of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Of one origin: they belong to one group.
    Same,
    /// Not of one origin: they belong to no group together.
    Different,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// [`DECISION_SCHEMA`].
    pub schema: u32,
    /// The id of one story.
    #[serde(deserialize_with = "id_in_json")]
    pub a: String,
    /// The id of the other.
    #[serde(deserialize_with = "id_in_json")]
    pub b: String,
    /// What was decided.
    pub decision: Choice,
    /// [`text_digest`] of `a`, where its id is no name to rely on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_text: Option<String>,
    /// [`text_digest`] of `b`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_text: Option<String>,
}

impl Decision {
    /// The two ids, whichever the line has first.
    fn pair(&self) -> (String, String) {
        let (low, high) = if self.a <= self.b { (&self.a, &self.b) } else { (&self.b, &self.a) };
        (low.clone(), high.clone())
    }
}

/// A line that names the story to be kept of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// [`DECISION_SCHEMA`].
    pub schema: u32,
    /// The story's id.
    #[serde(deserialize_with = "id_in_json")]
    pub id: String,
    /// "canonical".
    pub decision: String,
    /// [`text_digest`] of the story, where its id is no name to rely on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// All decisions of a file, none contradicting another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// In the order of the file, each pair once; with its line, from 1.
    pub pairs: Vec<(u64, Decision)>,
    /// Stories to be kept of their groups, in the order of the file; with their lines.
    pub canonical: Vec<(u64, Named)>,
}

/// The decisions on the stories of one corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// Pairs of one origin, the lower story first, ascending.
    pub same: Vec<(StoryId, StoryId)>,
    /// Pairs that are not, likewise.
    pub different: Vec<(StoryId, StoryId)>,
    /// Stories to be kept of their groups, in the order of the file.
    pub canonical: Vec<StoryId>,
    /// The lines of decisions that name a story which the corpus does not have.
    pub away: Vec<String>,
    /// How many of these are on a text that is not there, though another story has its id.
    pub other_texts: usize,
}

impl Decisions {
    /// Reads a file of decisions.
    ///
    /// # Errors
    /// If it cannot be read, and [`Error::Line`] as [`Decisions::parse`].
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(Error::io("read", file))?;
        Decisions::parse(file, &text)
    }

    /// Reads `text`; `file` is named in errors.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is no decision, and for one that contradicts an earlier one.
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let refuse =
            |line: u64, message: String| Error::Line { path: file.into(), line, message, hint: HINT.into() };
        let mut known: BTreeMap<(String, String), (u64, Choice)> = BTreeMap::new();
        let known_schema = |line: u64, schema: u32| match schema {
            DECISION_SCHEMA => Ok(()),
            _ => Err(refuse(
                line,
                format!("schema {schema} is not known; this version reads {DECISION_SCHEMA}"),
            )),
        };
        let (mut pairs, mut canonical) = (Vec::new(), Vec::new());
        // Some editors begin a file with a mark of its byte order.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            if let Ok(named) = serde_json::from_str::<Named>(text)
                && named.decision == "canonical"
            {
                known_schema(line, named.schema)?;
                canonical.push((line, named));
                continue;
            }
            let decision: Decision = serde_json::from_str(text).map_err(|e| refuse(line, e.to_string()))?;
            known_schema(line, decision.schema)?;
            if decision.a == decision.b {
                return Err(refuse(line, format!("{:?} is paired with itself", decision.a)));
            }
            match known.insert(decision.pair(), (line, decision.decision)) {
                Some((before, choice)) if choice != decision.decision => {
                    return Err(refuse(line, format!("it contradicts line {before} on the same pair")));
                }
                Some(_) => {}
                None => pairs.push((line, decision)),
            }
        }
        let decisions = Decisions { pairs, canonical };
        decisions.check_chains(file)?;
        Ok(decisions)
    }

    /// These decisions, and those of `earlier` on other pairs.
    ///
    /// # Errors
    /// [`Error::Line`], with the line of the decision that parts them; 0 if that is an earlier one.
    pub fn beside(&self, earlier: Decisions) -> Result<Decisions> {
        let new: BTreeSet<_> = self.pairs.iter().map(|(_, d)| d.pair()).collect();
        let mut all = Decisions { pairs: self.pairs.clone(), canonical: earlier.canonical };
        all.pairs.extend(earlier.pairs.into_iter().filter(|(_, d)| !new.contains(&d.pair())));
        all.canonical.extend(self.canonical.iter().cloned());
        all.check_chains(Path::new(""))?;
        Ok(all)
    }

    /// Refuses stories that a chain of "same" joins and a "different" parts.
    fn check_chains(&self, file: &Path) -> Result<()> {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, d) in &self.pairs {
            for id in [&d.a, &d.b] {
                let next = numbers.len();
                numbers.entry(id).or_insert(next);
            }
        }
        let mut parts: Vec<usize> = (0..numbers.len()).collect();
        for (_, d) in self.pairs.iter().filter(|(_, d)| d.decision == Choice::Same) {
            let (from, to) =
                (root(&mut parts, numbers[d.a.as_str()]), root(&mut parts, numbers[d.b.as_str()]));
            parts[from] = to;
        }
        for (line, d) in self.pairs.iter().filter(|(_, d)| d.decision == Choice::Different) {
            if root(&mut parts, numbers[d.a.as_str()]) == root(&mut parts, numbers[d.b.as_str()]) {
                return Err(Error::Line {
                    path: PathBuf::from(file),
                    line: *line,
                    message: format!(
                        "{:?} and {:?} are different here, but other lines join them by \"same\"",
                        d.a, d.b
                    ),
                    hint: "delete this line, or one of the others that name these stories".into(),
                });
            }
        }
        Ok(())
    }

    /// The decisions on the stories of `corpus`; those on other stories are counted.
    pub fn resolve(&self, corpus: &Corpus) -> Resolved {
        let places = Places::new(corpus, self.texts().next().is_some());
        let mut resolved = Resolved::default();
        for (_, d) in &self.pairs {
            match (places.find(&d.a, d.a_text.as_deref()), places.find(&d.b, d.b_text.as_deref())) {
                (Found::Here(a), Found::Here(b)) => {
                    let pair = (a.min(b), a.max(b));
                    match d.decision {
                        Choice::Same => resolved.same.push(pair),
                        Choice::Different => resolved.different.push(pair),
                    }
                }
                (a, b) => resolved.pass_over(&[a, b], d),
            }
        }
        for (_, named) in &self.canonical {
            match places.find(&named.id, named.text.as_deref()) {
                Found::Here(id) => resolved.canonical.push(id),
                not => resolved.pass_over(&[not], named),
            }
        }
        // Two lines on one pair may name it by other ids than each other.
        for pairs in [&mut resolved.same, &mut resolved.different] {
            pairs.sort_unstable();
            pairs.dedup();
        }
        resolved
    }

    /// The digests that the lines bring.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let of_pairs = self.pairs.iter().flat_map(|(_, d)| [&d.a_text, &d.b_text]);
        of_pairs.chain(self.canonical.iter().map(|(_, named)| &named.text)).filter_map(|text| text.as_deref())
    }
}

impl Resolved {
    fn pass_over(&mut self, named: &[Found], line: &impl Serialize) {
        // Texts and a number: nothing in it can fail.
        self.away.push(serde_json::to_string(line).unwrap_or_default());
        self.other_texts += usize::from(named.contains(&Found::OtherText));
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
    /// One digest a story, if they are wanted.
    digests: Vec<String>,
    /// The only story of a text; none where several have it.
    by_text: BTreeMap<String, Option<StoryId>>,
}

impl<'a> Places<'a> {
    fn new(corpus: &'a Corpus, with_texts: bool) -> Self {
        let stories = || corpus.stories.iter().zip((0..).map(StoryId));
        let by_id = stories().map(|(story, at)| (story.id.as_str(), at)).collect();
        let mut digests = Vec::new();
        let mut by_text: BTreeMap<String, Option<StoryId>> = BTreeMap::new();
        if with_texts {
            for (story, at) in stories() {
                let digest = text_digest(story);
                by_text.entry(digest.clone()).and_modify(|only| *only = None).or_insert(Some(at));
                digests.push(digest);
            }
        }
        Places { by_id, digests, by_text }
    }

    fn find(&self, id: &str, text: Option<&str>) -> Found {
        let named = self.by_id.get(id).copied();
        let Some(text) = text else { return named.map_or(Found::Nowhere, Found::Here) };
        match named.filter(|at| self.digests[at.index()] == text) {
            Some(at) => Found::Here(at),
            None => match (self.by_text.get(text), named) {
                (Some(Some(at)), _) => Found::Here(*at),
                (Some(None), _) | (None, Some(_)) => Found::OtherText,
                (None, None) => Found::Nowhere,
            },
        }
    }
}

const HINT: &str = "a decision is a line {\"schema\":1,\"a\":\"ID\",\"b\":\"ID\",\"decision\":\"same\" or \"different\"}, \
     or {\"schema\":1,\"id\":\"ID\",\"decision\":\"canonical\"}";

fn root(parts: &mut [usize], mut i: usize) -> usize {
    while parts[i] != i {
        parts[i] = parts[parts[i]];
        i = parts[i];
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ingest, story::Story};

    fn line(a: &str, b: &str, decision: &str) -> String {
        format!("{{\"schema\":1,\"a\":\"{a}\",\"b\":\"{b}\",\"decision\":\"{decision}\"}}\n")
    }

    fn parse(text: &str) -> Result<Decisions> {
        Decisions::parse(Path::new("d.jsonl"), text)
    }

    #[test]
    fn decisions_are_found_in_the_corpus_whichever_story_comes_first() {
        let text =
            [line("y", "x", "same"), "\n".into(), line("x", "z", "different"), line("x", "gone", "same")];
        let decisions = parse(&text.concat()).unwrap();
        assert_eq!(decisions.pairs.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4]);
        let story = |id: &str| Story { id: id.into(), text: format!("Of {id}."), ..Story::default() };
        let corpus = ingest::corpus(["x", "y", "z"].map(story).to_vec());
        let [x, y, z] = [StoryId(0), StoryId(1), StoryId(2)];
        let expect = Resolved {
            same: vec![(x, y)],
            different: vec![(x, z)],
            away: vec![line("x", "gone", "same").trim().into()],
            ..Resolved::default()
        };
        assert_eq!(decisions.resolve(&corpus), expect);
    }

    #[test]
    fn a_decision_on_a_counted_id_is_one_on_a_text() {
        let story = |id: &str, text: &str| Story { id: id.into(), text: text.into(), ..Story::default() };
        let [one, two, three] = ["Of one.", "Of two.", "Of three."];
        let digest = |text: &str| text_digest(&story("", text));
        let check = |stories: &[(&str, &str)], same: &[(u32, u32)], kept: &[u32], other_texts: usize| {
            let decision = Decision {
                schema: 1,
                a: "f#1".into(),
                b: "f#2".into(),
                decision: Choice::Same,
                a_text: Some(digest(one)),
                b_text: Some(digest(two)),
            };
            let (id, text) = ("f#2".into(), Some(digest(two)));
            let named = Named { schema: 1, id, decision: "canonical".into(), text };
            let lines = [serde_json::to_string(&decision).unwrap(), serde_json::to_string(&named).unwrap()];
            let decisions = parse(&lines.join("\n")).unwrap();
            let resolved = decisions
                .resolve(&ingest::corpus(stories.iter().map(|(id, text)| story(id, text)).collect()));
            let pairs: Vec<(u32, u32)> = resolved.same.iter().map(|(a, b)| (a.0, b.0)).collect();
            let canonical: Vec<u32> = resolved.canonical.iter().map(|s| s.0).collect();
            assert_eq!(
                (&pairs[..], &canonical[..], resolved.other_texts),
                (same, kept, other_texts),
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
        let resolved = decisions.resolve(&ingest::corpus(["x", "y"].map(story).to_vec()));
        assert_eq!((resolved.canonical, resolved.away.len()), (vec![StoryId(1), StoryId(0)], 1));
        assert!(parse(&named("x").replace(":1", ":2")).is_err());
    }

    #[test]
    fn earlier_decisions_count_until_their_pair_is_decided_anew() {
        let check = |earlier: &str, new: &str, good: bool| {
            let found = parse(new).unwrap().beside(parse(earlier).unwrap());
            assert_eq!(found.is_ok(), good, "{new} beside {earlier}");
        };
        let [xy, yz] = [line("x", "y", "same"), line("y", "z", "same")];
        check(&(xy.clone() + &yz), &line("z", "x", "different"), false);
        check(&line("x", "z", "different"), &(xy.clone() + &yz), false);
        check(&xy, &line("y", "x", "different"), true);
        check(&(xy.clone() + &yz), &(line("x", "z", "different") + &line("z", "y", "different")), true);
        let all = parse(&line("y", "x", "different")).unwrap().beside(parse(&(xy + &yz)).unwrap()).unwrap();
        let said: Vec<_> = all.pairs.iter().map(|(_, d)| (d.pair(), d.decision)).collect();
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(said, [(pair("x", "y"), Choice::Different), (pair("y", "z"), Choice::Same)]);
    }

    #[test]
    fn what_another_tool_adds_to_a_line_is_left_alone() {
        let text = r#"{"schema":1,"a":"x","b":"y","decision":"same","by":"desk","at":"2031-03-04"}"#;
        let written = serde_json::to_string(&parse(text).unwrap().pairs[0].1).unwrap() + "\n";
        assert_eq!(written, line("x", "y", "same"));
    }

    #[test]
    fn a_bad_line_is_refused_with_its_place() {
        let check = |text: &str, expect: &str| {
            let error = parse(text).expect_err(expect);
            let told = error.to_string();
            assert!(
                told.starts_with("d.jsonl:") && told.contains(expect) && error.hint().is_some(),
                "{told}"
            );
        };
        check("{", "d.jsonl:1: EOF");
        check(&(line("x", "y", "same") + "7"), "d.jsonl:2: ");
        check(&line("x", "y", "perhaps"), "unknown variant `perhaps`");
        check(&line("x", "x", "same"), "\"x\" is paired with itself");
        check(&line("x", "y", "same").replace(":1", ":2"), "schema 2 is not known");
        check("{\"a\":\"x\",\"b\":\"y\",\"decision\":\"same\"}", "missing field `schema`");
        check(&(line("x", "y", "same") + &line("y", "x", "different")), "d.jsonl:2: it contradicts line 1");
        let chain = [line("x", "z", "different"), line("x", "y", "same"), line("y", "z", "same")].concat();
        check(&chain, "d.jsonl:1: \"x\" and \"z\" are different here");
        for text in
            [line("x", "y", "same") + &line("y", "x", "same"), format!("\u{feff}{}", line("x", "y", "same"))]
        {
            assert_eq!(parse(&text).unwrap().pairs.len(), 1);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in "(\\PC|\n){0,200}") {
            let _ = parse(&text);
        }
    }
}

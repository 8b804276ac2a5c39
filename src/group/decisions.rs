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

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    ingest::id_in_json,
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
    /// Decisions that name a story which the corpus does not have.
    pub unknown: usize,
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
        let ids: BTreeMap<&str, StoryId> =
            corpus.stories.iter().zip(0..).map(|(story, i)| (story.id.as_str(), StoryId(i))).collect();
        let mut resolved = Resolved::default();
        for (_, d) in &self.pairs {
            let (Some(&a), Some(&b)) = (ids.get(d.a.as_str()), ids.get(d.b.as_str())) else {
                resolved.unknown += 1;
                continue;
            };
            let pair = (a.min(b), a.max(b));
            match d.decision {
                Choice::Same => resolved.same.push(pair),
                Choice::Different => resolved.different.push(pair),
            }
        }
        for (_, named) in &self.canonical {
            match ids.get(named.id.as_str()) {
                Some(&id) => resolved.canonical.push(id),
                None => resolved.unknown += 1,
            }
        }
        resolved.same.sort_unstable();
        resolved.different.sort_unstable();
        resolved
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
        let expect =
            Resolved { same: vec![(x, y)], different: vec![(x, z)], unknown: 1, ..Resolved::default() };
        assert_eq!(decisions.resolve(&corpus), expect);
    }

    #[test]
    fn the_story_to_keep_is_named() {
        let named = |id: &str| format!("{{\"schema\":1,\"id\":\"{id}\",\"decision\":\"canonical\"}}\n");
        let decisions =
            parse(&(named("y") + &line("x", "y", "same") + &named("gone") + &named("x"))).unwrap();
        let story = |id: &str| Story { id: id.into(), text: format!("Of {id}."), ..Story::default() };
        let resolved = decisions.resolve(&ingest::corpus(["x", "y"].map(story).to_vec()));
        assert_eq!((resolved.canonical, resolved.unknown), (vec![StoryId(1), StoryId(0)], 1));
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
        assert_eq!(parse(&(line("x", "y", "same") + &line("y", "x", "same"))).unwrap().pairs.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in "(\\PC|\n){0,200}") {
            let _ = parse(&text);
        }
    }
}

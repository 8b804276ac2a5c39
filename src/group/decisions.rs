//! Decisions of people on stories, as JSON lines: constraints on pairs, and which story of a group is kept.
//!
//! ```json
//! {"schema":1,"a":"hw-101","b":"ob-9","decision":"same"}
//! {"schema":1,"a":"wx-1","b":"wx-2","decision":"different"}
//! {"schema":1,"id":"nd-330","decision":"canonical"}
//! ```
//!
//! The third line names the story that is kept of its group; of several in one group the last line counts.
//!
//! The order of `a` and `b` does not matter. Unknown fields are ignored, so that a tool may add who decided, and when. A
//! pair may be decided twice if both lines agree; a file whose decisions contradict one another, also through a chain of
//! them, is rejected (`constraints.rs`).
//!
//! An id that counts the records of a file may be another story's in the next run. A decision on such a story has a digest
//! of its text (`"a_text"`, `"b_text"`, or `"text"` beside `"id"`), and applies to the story with that text, whatever its
//! id is now.

use std::{collections::BTreeSet, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::constraints::{Conflict, ConstraintSet, PairConstraint};
use crate::{Error, Result, corpus::deserialize_id, error::FileKind};

/// The version of the lines.
pub const DECISION_SCHEMA: u32 = 1;

/// A line on a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// [`DECISION_SCHEMA`].
    pub schema: u32,
    /// The id of one story.
    #[serde(deserialize_with = "deserialize_id")]
    pub a: String,
    /// The id of the other.
    #[serde(deserialize_with = "deserialize_id")]
    pub b: String,
    /// What was decided.
    pub decision: PairConstraint,
    /// [`text_digest`](crate::corpus::text_digest) of `a`, where its id may be another story's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_text: Option<String>,
    /// [`text_digest`](crate::corpus::text_digest) of `b`, where its id may be another story's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_text: Option<String>,
}

/// A line that names the story to keep of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanonicalOverride {
    /// [`DECISION_SCHEMA`].
    pub schema: u32,
    /// The story's id.
    #[serde(deserialize_with = "deserialize_id")]
    pub id: String,
    /// "canonical".
    pub decision: String,
    /// [`text_digest`](crate::corpus::text_digest) of the story, where its id may be another story's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// How a line refers to a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoryRef<'a> {
    /// The id that the line has.
    pub id: &'a str,
    /// The digest of the text that the line is on; none if it is on the id.
    pub text: Option<&'a str>,
}

impl Decision {
    /// A decision on two ids.
    pub fn new(a: String, b: String, decision: PairConstraint) -> Self {
        Decision { schema: DECISION_SCHEMA, a, b, decision, a_text: None, b_text: None }
    }

    /// Its two stories, in the order of the line.
    pub fn story_refs(&self) -> [StoryRef<'_>; 2] {
        [
            StoryRef { id: &self.a, text: self.a_text.as_deref() },
            StoryRef { id: &self.b, text: self.b_text.as_deref() },
        ]
    }

    /// Its two stories in their own order, whichever the line has first.
    fn pair(&self) -> [StoryRef<'_>; 2] {
        let mut pair = self.story_refs();
        pair.sort_unstable();
        pair
    }
}

impl CanonicalOverride {
    /// The story with this id is to be kept.
    pub fn new(id: String) -> Self {
        CanonicalOverride { schema: DECISION_SCHEMA, id, decision: "canonical".into(), text: None }
    }

    /// Its story.
    pub fn story_ref(&self) -> StoryRef<'_> {
        StoryRef { id: &self.id, text: self.text.as_deref() }
    }
}

/// All decisions of a file, none contradicting another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// In the order of the file, each pair once; with its line, from 1.
    pub pairs: Vec<(u64, Decision)>,
    /// Stories to keep of their groups, in the order of the file; with their lines.
    pub canonical: Vec<(u64, CanonicalOverride)>,
}

impl Decisions {
    /// Reads a file of decisions.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, and those of [`Decisions::parse`].
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(Error::io("read", file))?;
        Decisions::parse(file, &text)
    }

    /// Parses `text`; errors name `file`.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is no decision, or one that contradicts an earlier line on the same pair;
    /// [`Error::DecisionConflict`] for one that parts stories which other lines link.
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let refuse = |line: u64, message: String| Error::Line {
            path: file.into(),
            line,
            message,
            kind: FileKind::Decisions,
        };
        let mut decisions = Decisions::default();
        let mut read = Vec::new();
        // Some editors begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            match parse_line(text).map_err(|message| refuse(line, message))? {
                Line::Pair(decision) => read.push((line, decision)),
                Line::Canonical(chosen) => decisions.canonical.push((line, chosen)),
            }
        }
        let mut set = ConstraintSet::default();
        let mut is_new = vec![true; read.len()];
        for ((line, decision), is_new) in read.iter().zip(&mut is_new) {
            if let Some((before, constraint)) = set.insert(*line, decision.story_refs(), decision.decision) {
                if constraint != decision.decision {
                    return Err(refuse(*line, format!("it contradicts line {before} on the same pair")));
                }
                *is_new = false;
            }
        }
        let conflict = set.conflict().map(|conflict| conflict.map(|story| story.id.to_string()));
        decisions.pairs =
            read.into_iter().zip(is_new).filter(|(_, new)| *new).map(|(line, _)| line).collect();
        conflict.map_or(Ok(decisions), |conflict| Err(conflict.in_file(file)))
    }

    /// These decisions, and those of `later` in the place of these on the same pairs.
    ///
    /// # Errors
    /// The line of a decision that parts stories which others link: both files together contradict one another.
    pub fn merge(mut self, later: &Decisions) -> std::result::Result<Decisions, Conflict<String>> {
        let replaced: BTreeSet<_> = later.pairs.iter().map(|(_, decision)| decision.pair()).collect();
        self.pairs.retain(|(_, decision)| !replaced.contains(&decision.pair()));
        self.pairs.extend(later.pairs.iter().cloned());
        self.canonical.extend(later.canonical.iter().cloned());
        let mut set = ConstraintSet::default();
        for (line, decision) in &self.pairs {
            set.insert(*line, decision.story_refs(), decision.decision);
        }
        let conflict = set.conflict().map(|conflict| conflict.map(|story| story.id.to_string()));
        conflict.map_or(Ok(self), Err)
    }
}

/// One line of a file.
enum Line {
    Pair(Decision),
    Canonical(CanonicalOverride),
}

/// Parses one line; the error says what is wrong with it.
fn parse_line(text: &str) -> std::result::Result<Line, String> {
    let check_schema = |schema: u32| {
        let message = || format!("schema {schema} is not known; this version reads {DECISION_SCHEMA}");
        if schema == DECISION_SCHEMA { Ok(()) } else { Err(message()) }
    };
    if let Ok(chosen) = serde_json::from_str::<CanonicalOverride>(text)
        && chosen.decision == "canonical"
    {
        check_schema(chosen.schema)?;
        return Ok(Line::Canonical(chosen));
    }
    let decision: Decision = serde_json::from_str(text).map_err(|e| e.to_string())?;
    check_schema(decision.schema)?;
    let [a, b] = decision.story_refs();
    if a == b {
        return Err(format!("{:?} is paired with itself", decision.a));
    }
    Ok(Line::Pair(decision))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn line(a: &str, b: &str, decision: &str) -> String {
        format!("{{\"schema\":1,\"a\":\"{a}\",\"b\":\"{b}\",\"decision\":\"{decision}\"}}\n")
    }

    pub fn parse(text: &str) -> Result<Decisions> {
        Decisions::parse(Path::new("d.jsonl"), text)
    }

    #[test]
    fn later_decisions_replace_earlier_ones_on_the_same_pair() {
        let check = |earlier: &str, new: &str, good: bool| {
            let merged = parse(earlier).unwrap().merge(&parse(new).unwrap());
            assert_eq!(merged.is_ok(), good, "{earlier} and then {new}");
        };
        let [xy, yz] = [line("x", "y", "same"), line("y", "z", "same")];
        check(&(xy.clone() + &yz), &line("z", "x", "different"), false);
        check(&line("x", "z", "different"), &(xy.clone() + &yz), false);
        check(&xy, &line("y", "x", "different"), true);
        check(&(xy.clone() + &yz), &(line("x", "z", "different") + &line("z", "y", "different")), true);
        let later = parse(&line("y", "x", "different")).unwrap();
        let all = parse(&(xy + &yz)).unwrap().merge(&later).unwrap();
        let pairs: Vec<_> =
            all.pairs.iter().map(|(_, d)| (d.pair().map(|story| story.id), d.decision)).collect();
        assert_eq!(pairs, [(["y", "z"], PairConstraint::MustLink), (["x", "y"], PairConstraint::CannotLink)]);
    }

    #[test]
    fn the_same_ids_with_other_texts_are_other_pairs() {
        let of = |a: u8, b: u8, decision: &str| {
            line("f#1", "f#2", decision)
                .trim_end()
                .replace('}', &format!(",\"a_text\":\"{a}\",\"b_text\":\"{b}\"}}\n"))
        };
        let check = |lines: &[String], pairs: Option<usize>| {
            assert_eq!(parse(&lines.concat()).ok().map(|d| d.pairs.len()), pairs, "{lines:?}");
        };
        check(&[of(1, 2, "different"), of(1, 3, "different")], Some(2));
        check(&[of(1, 2, "different"), of(1, 3, "same")], Some(2));
        check(&[of(1, 2, "different"), of(1, 2, "same")], None);
        // Two records with one text are a pair; a record and itself are none.
        check(&[of(1, 1, "same")], Some(1));
        check(&[of(1, 1, "same").replace("f#2", "f#1")], None);
        let earlier = parse(&line("f#1", "f#2", "different")).unwrap();
        assert_eq!(earlier.merge(&parse(&of(1, 2, "same")).unwrap()).unwrap().pairs.len(), 2);
    }

    #[test]
    fn ignores_fields_of_other_tools() {
        let text = r#"{"schema":1,"a":"x","b":"y","decision":"same","by":"desk","at":"2031-03-04"}"#;
        let written = serde_json::to_string(&parse(text).unwrap().pairs[0].1).unwrap() + "\n";
        assert_eq!(written, line("x", "y", "same"));
    }

    #[test]
    fn rejects_a_bad_line_with_its_number() {
        let check = |text: &str, expect: &str| {
            let error = parse(text).expect_err(expect);
            let text = error.to_string();
            assert!(text.starts_with("d.jsonl:") && text.contains(expect), "{text}");
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
        fn parsing_never_panics(text in "(\\PC|\n){0,200}") {
            let _ = parse(&text);
        }
    }
}

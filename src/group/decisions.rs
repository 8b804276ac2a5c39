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

use crate::{Error, Result, corpus::deserialize_id, error::FileKind};

/// The version of the lines.
pub const DECISION_SCHEMA: u32 = 1;

/// What was decided of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PairConstraint {
    /// Of one origin: they belong to one group.
    #[serde(rename = "same")]
    MustLink,
    /// Not of one origin: they belong to no group together.
    #[serde(rename = "different")]
    CannotLink,
}

/// One line.
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
    /// [`text_digest`](crate::corpus::text_digest) of `a`, where its id is no name to rely on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_text: Option<String>,
    /// [`text_digest`](crate::corpus::text_digest) of `b`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_text: Option<String>,
}

/// What a line names: an id, and the digest of a text if that is what the line holds for.
pub type StoryRef<'a> = (&'a str, Option<&'a str>);

impl Decision {
    /// What it names, in its order.
    pub fn names(&self) -> [StoryRef<'_>; 2] {
        [(&self.a, self.a_text.as_deref()), (&self.b, self.b_text.as_deref())]
    }

    /// What it names, whichever the line has first.
    fn pair(&self) -> [StoryRef<'_>; 2] {
        let mut names = self.names();
        names.sort_unstable();
        names
    }
}

impl CanonicalOverride {
    /// What it names.
    pub fn name(&self) -> StoryRef<'_> {
        (&self.id, self.text.as_deref())
    }
}

/// A line that names the story to be kept of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanonicalOverride {
    /// [`DECISION_SCHEMA`].
    pub schema: u32,
    /// The story's id.
    #[serde(deserialize_with = "deserialize_id")]
    pub id: String,
    /// "canonical".
    pub decision: String,
    /// [`text_digest`](crate::corpus::text_digest) of the story, where its id is no name to rely on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// All decisions of a file, none contradicting another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// In the order of the file, each pair once; with its line, from 1.
    pub pairs: Vec<(u64, Decision)>,
    /// Stories to be kept of their groups, in the order of the file; with their lines.
    pub canonical: Vec<(u64, CanonicalOverride)>,
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
        let refuse = |line: u64, message: String| Error::Line {
            path: file.into(),
            line,
            message,
            kind: FileKind::Decisions,
        };
        let known_schema = |line: u64, schema: u32| match schema {
            DECISION_SCHEMA => Ok(()),
            _ => Err(refuse(
                line,
                format!("schema {schema} is not known; this version reads {DECISION_SCHEMA}"),
            )),
        };
        let (mut read, mut canonical) = (Vec::new(), Vec::new());
        // Some editors begin a file with a mark of its byte order.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            if let Ok(named) = serde_json::from_str::<CanonicalOverride>(text)
                && named.decision == "canonical"
            {
                known_schema(line, named.schema)?;
                canonical.push((line, named));
                continue;
            }
            let decision: Decision = serde_json::from_str(text).map_err(|e| refuse(line, e.to_string()))?;
            known_schema(line, decision.schema)?;
            let [a, b] = decision.names();
            if a == b {
                return Err(refuse(line, format!("{:?} is paired with itself", decision.a)));
            }
            read.push((line, decision));
        }
        let mut known: BTreeMap<[StoryRef<'_>; 2], (u64, PairConstraint)> = BTreeMap::new();
        let mut is_new = vec![true; read.len()];
        for ((line, decision), is_new) in read.iter().zip(&mut is_new) {
            if let Some((before, choice)) = known.insert(decision.pair(), (*line, decision.decision)) {
                if choice != decision.decision {
                    return Err(refuse(*line, format!("it contradicts line {before} on the same pair")));
                }
                *is_new = false;
            }
        }
        let pairs =
            read.into_iter().zip(is_new).filter(|(_, is_new)| *is_new).map(|(line, _)| line).collect();
        let decisions = Decisions { pairs, canonical };
        decisions.check_chains(file)?;
        Ok(decisions)
    }

    /// Those of `earlier` on other pairs, and these decisions.
    ///
    /// # Errors
    /// [`Error::Line`], with the line of the decision that parts them; 0 if that is an earlier one.
    pub fn beside(&self, earlier: Decisions) -> Result<Decisions> {
        let new: BTreeSet<_> = self.pairs.iter().map(|(_, d)| d.pair()).collect();
        let mut all = earlier;
        all.pairs.retain(|(_, d)| !new.contains(&d.pair()));
        all.pairs.extend(self.pairs.iter().cloned());
        all.canonical.extend(self.canonical.iter().cloned());
        all.check_chains(Path::new(""))?;
        Ok(all)
    }

    /// Refuses stories that a chain of "same" joins and a "different" parts.
    fn check_chains(&self, file: &Path) -> Result<()> {
        let lines = self.pairs.iter().map(|(line, d)| (*line, d.pair(), d.decision));
        let told = |[(a, _), (b, _)]: [StoryRef<'_>; 2]| [a.to_string(), b.to_string()];
        parted(lines).map_or(Ok(()), |(line, pair)| Err(refused(file, line, told(pair))))
    }
}

/// The first of the pairs that are "different" although a chain of "same" joins them, with its line.
pub(super) fn parted<T: Copy + Ord>(
    lines: impl Iterator<Item = (u64, [T; 2], PairConstraint)> + Clone,
) -> Option<(u64, [T; 2])> {
    let mut numbers: BTreeMap<T, usize> = BTreeMap::new();
    for name in lines.clone().flat_map(|(_, pair, _)| pair) {
        let next = numbers.len();
        numbers.entry(name).or_insert(next);
    }
    let mut parts: Vec<usize> = (0..numbers.len()).collect();
    let roots = |pair: [T; 2], parts: &mut Vec<usize>| pair.map(|name| root(parts, numbers[&name]));
    for (_, pair, _) in lines.clone().filter(|(_, _, choice)| *choice == PairConstraint::MustLink) {
        let [from, to] = roots(pair, &mut parts);
        parts[from] = to;
    }
    lines
        .filter(|(_, _, choice)| *choice == PairConstraint::CannotLink)
        .find(|(_, pair, _)| roots(*pair, &mut parts).windows(2).all(|r| r[0] == r[1]))
        .map(|(line, pair, _)| (line, pair))
}

/// The error for a line that parts what others join.
pub(super) fn refused(file: &Path, line: u64, [a, b]: [String; 2]) -> Error {
    Error::DecisionConflict { path: PathBuf::from(file), line, a, b }
}

fn root(parts: &mut [usize], mut i: usize) -> usize {
    while parts[i] != i {
        parts[i] = parts[parts[i]];
        i = parts[i];
    }
    i
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
        let said: Vec<_> = all.pairs.iter().map(|(_, d)| (d.pair().map(|name| name.0), d.decision)).collect();
        assert_eq!(said, [(["y", "z"], PairConstraint::MustLink), (["x", "y"], PairConstraint::CannotLink)]);
    }

    #[test]
    fn lines_on_other_texts_are_on_other_stories() {
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
        // Of two records of one text each may be named; one with itself may not.
        check(&[of(1, 1, "same")], Some(1));
        check(&[of(1, 1, "same").replace("f#2", "f#1")], None);
        let earlier = parse(&line("f#1", "f#2", "different")).unwrap();
        assert_eq!(parse(&of(1, 2, "same")).unwrap().beside(earlier).unwrap().pairs.len(), 2);
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
            assert!(told.starts_with("d.jsonl:") && told.contains(expect), "{told}");
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

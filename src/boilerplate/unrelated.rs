//! Whether two stories with some text in common are otherwise strangers: then that text is a note, not a story.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use crate::words::{is_cjk, words};

/// Letters and digits from which a word says what a text is about. Most shorter ones are function words.
const LONG: usize = 5;

/// Long words of the common text that one of the stories says again elsewhere, from which it is about that story …
const SAID_AGAIN: usize = 3;

/// … in a short text; of a longer one it has to be one in so many.
const ONE_IN: usize = 12;

/// Long words of a title that the common text says again, from which it is what the title announces …
const ANNOUNCED: usize = 2;

/// … and the share of the title's long words that they have to be.
const ANNOUNCED_SHARE: f32 = 0.4;

/// What is so many times longer than all else that a story says is that story, whatever was put beside it: of two
/// publishers that print one text …
const BULK_OF_TWO: usize = 1;

/// … and where it is not known who published them.
const BULK: usize = 3;

/// What is so many times shorter than all else that either says may be background that each of two reports tells …
const MINOR: usize = 4;

/// … if of the word runs of this length …
const RUN: usize = 5;

/// … in all else no more than one in so many is in both. Copies that were cut or reworded differently have more.
const RUNS_ONE_IN: usize = 8;

/// What a story says.
#[derive(Debug, Clone, Default)]
pub struct StoryText<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its publisher.
    pub source: Option<&'a str>,
    /// Hash and text of its rows, each once.
    pub rows: Vec<(&'a [u8], &'a str)>,
}

/// Whether what `x` and `y` have in common says nothing of their origin: it is about neither of them, as a credit, a note
/// or a call to subscribe is, or it is background beside two reports.
///
/// One publisher puts its notes, tables and lists under everything, so of its stories only what they say besides counts:
/// they are strangers unless much of that is in the same words, or the titles are alike. Two publishers print an agency's
/// text because it is their story: what each adds, and the title that it chose, say some of its words again.
///
/// Measured without publishers: of nine sets of notes, each under 5,260 pairs of news stories that have nothing to do with
/// one another, 93 % of the pairs are strangers (89 % without titles; the fewest, 51 and 31 %, with three legal notices
/// under one paragraph). Of 3,558 pairs that tell parts of one story around a passage that both have, 4 to 25 % are. A row
/// is judged by the most of its pairs.
pub fn shares_only_boilerplate(x: &StoryText, y: &StoryText) -> bool {
    let of_y: BTreeSet<&[u8]> = y.rows.iter().map(|(hash, _)| *hash).collect();
    let common: BTreeSet<&[u8]> = x.rows.iter().map(|(hash, _)| *hash).filter(|h| of_y.contains(h)).collect();
    let shared: Vec<&str> = x.rows.iter().filter(|(hash, _)| common.contains(hash)).map(|r| r.1).collect();
    let length: usize = shared.iter().map(|text| count(text)).sum();
    let both_titles: BTreeSet<String> = {
        let of_y: BTreeSet<String> = long_words(y.title).collect();
        long_words(x.title).filter(|word| of_y.contains(word)).collect()
    };
    let (own_x, own_y) = (Own::new(x, &common, &both_titles), Own::new(y, &common, &both_titles));
    if own_x.texts.is_empty() || own_y.texts.is_empty() {
        return false;
    }
    let both = |is: &dyn Fn(&Own) -> bool| is(&own_x) && is(&own_y);
    let minor = both(&|own| length * MINOR <= own.words);
    let bulk = match (x.source, y.source) {
        (Some(x), Some(y)) if x == y => {
            let alike = both_titles.len() >= ANNOUNCED && both(&|own| both_titles.len() > own.title.len());
            return (minor || !alike) && !own_x.is_like(&own_y);
        }
        (Some(_), Some(_)) => BULK_OF_TWO,
        _ => BULK,
    };
    let about: BTreeSet<String> = shared.iter().flat_map(|text| long_words(text)).collect();
    (minor && !own_x.is_like(&own_y)) || both(&|own| !own.is_told_by(&about) && length <= bulk * own.words)
}

/// What a story says beside what it has in common with another.
struct Own<'a> {
    /// Long words of the title that the other's has not: what both say may be the name of the paper.
    title: BTreeSet<String>,
    texts: Vec<&'a str>,
    /// How many words it has, with the whole title.
    words: usize,
}

impl<'a> Own<'a> {
    fn new(of: &StoryText<'a>, common: &BTreeSet<&[u8]>, both_titles: &BTreeSet<String>) -> Self {
        let own = of.rows.iter().filter(|(hash, _)| !common.contains(hash)).map(|(_, text)| *text);
        let texts: Vec<&str> = own.collect();
        Own {
            title: long_words(of.title).filter(|word| !both_titles.contains(word)).collect(),
            words: texts.iter().map(|text| count(text)).sum::<usize>() + count(of.title),
            texts,
        }
    }

    /// Whether a text of which these are the long words is about this.
    fn is_told_by(&self, about: &BTreeSet<String>) -> bool {
        let announced = self.title.intersection(about).count();
        let own = self.texts.iter().flat_map(|text| long_words(text));
        let said: BTreeSet<String> = own.chain(self.title.iter().cloned()).collect();
        said.intersection(about).count() >= SAID_AGAIN.max(about.len().div_ceil(ONE_IN))
            || (announced >= ANNOUNCED && announced as f32 >= ANNOUNCED_SHARE * self.title.len() as f32)
    }

    /// Whether this and `other` tell much in the same words.
    fn is_like(&self, other: &Own) -> bool {
        let (x, y) = (self.runs(), other.runs());
        x.intersection(&y).count() * RUNS_ONE_IN > x.len().min(y.len())
    }

    /// Hashes of its word runs.
    fn runs(&self) -> BTreeSet<u64> {
        let of_text = |text: &&str| {
            let words: Vec<String> = words(text).map(str::to_lowercase).collect();
            words
                .windows(RUN)
                .map(|run| BuildHasherDefault::<DefaultHasher>::default().hash_one(run))
                .collect::<Vec<_>>()
        };
        self.texts.iter().flat_map(of_text).collect()
    }
}

/// How many words `text` has.
fn count(text: &str) -> usize {
    words(text).count()
}

/// Words of some length; where few signs make a word, those of two and more.
fn long_words(text: &str) -> impl Iterator<Item = String> {
    let least = |word: &str| if word.starts_with(is_cjk) { 2 } else { LONG };
    words(text).filter(move |word| word.chars().nth(least(word) - 1).is_some()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str =
        "The Coast Gazette has reported from the harbour towns of the northern shore since 1904.";
    const LETTER: &str = "Subscribers receive our weekly letter with recipes, market prices and the tides.";
    const LEAD: &str = "A storm tore the roof off the customs house in Vellin on Monday and cut the power to \
                        four thousand homes, the mayor said.";
    const COUNCIL: &str = "The council approved a bridge over the river Osk after a debate of nine hours.";
    const CHESS: &str = "Irena Holt won the chess championship for a third time, in thirty one moves.";

    #[test]
    fn notes_are_told_from_stories() {
        fn said<'a>((title, texts): (&'a str, &[&'a str])) -> StoryText<'a> {
            StoryText { title, source: None, rows: texts.iter().map(|t| (t.as_bytes(), *t)).collect() }
        }
        let check = |x: (&str, &[&str]), y: (&str, &[&str]), expect: bool| {
            let (x, y) = (said(x), said(y));
            assert_eq!(
                (shares_only_boilerplate(&x, &y), shares_only_boilerplate(&y, &x)),
                (expect, expect),
                "{x:?} {y:?}"
            );
        };
        // One note, and two of them.
        check(("", &[COUNCIL, NOTE]), ("", &[CHESS, NOTE]), true);
        check(("Bridge", &[COUNCIL, NOTE, LETTER]), ("Holt wins", &[CHESS, NOTE, LETTER]), true);
        // Nothing beside it, on one side.
        check(("", &[COUNCIL, NOTE]), ("", &[NOTE]), false);
        // An agency's lead, with what each paper has of its own.
        let school =
            "The schools of Vellin stay closed on Tuesday; homes near the customs wharf were flooded.";
        let ferry = "The ferry to Skerry lay still until noon.";
        check(("", &[LEAD, school]), ("", &[LEAD, ferry]), false);
        check(("Storm hits customs house", &[LEAD, ferry]), ("Chess", &[LEAD, CHESS]), false);
        check(("Weather", &[LEAD, ferry]), ("Chess", &[LEAD, CHESS]), true);
        // A title that names the paper is not announced by a note of the paper.
        check(
            ("Bridge approved | Coast Gazette", &[COUNCIL, NOTE]),
            ("Holt wins | Coast Gazette", &[CHESS, NOTE]),
            true,
        );
        // What is nearly all of a story is the story.
        check(("", &[LEAD, "Read on."]), ("", &[LEAD, "More."]), false);
        check(("", &[]), ("", &[]), false);
    }

    #[test]
    fn publishers_tell_notes_from_an_agencys_text() {
        let check = |[title, other]: [&str; 2],
                     shared: &[&str],
                     [x, y]: [&str; 2],
                     sources: [&str; 2],
                     expect: bool| {
            let said = |title, source, own| {
                let rows = shared.iter().copied().chain([own]).map(|t: &str| (t.as_bytes(), t));
                StoryText { title, source: Some(source), rows: rows.collect() }
            };
            let (x, y) = (said(title, sources[0], x), said(other, sources[1], y));
            assert_eq!(
                (shares_only_boilerplate(&x, &y), shares_only_boilerplate(&y, &x)),
                (expect, expect),
                "{x:?} {y:?}"
            );
        };
        let (one, two) = (["Gazette", "Gazette"], ["Gazette", "Herald"]);
        // A list of what is read most names both reports.
        let list =
            "Most read: council approves bridge over river; Irena Holt wins chess championship in moves.";
        check(["Bridge", "Chess"], &[list], [COUNCIL, CHESS], one, true);
        // An agency's story with a local paragraph that has nothing to do with it.
        let more = "Repairs to the hall will take until the spring and cost six million crowns, Tessa Lund told reporters.";
        check(["Storm", "Roof"], &[LEAD, more], [COUNCIL, CHESS], two, false);
        check(["Storm", "Roof"], &[LEAD, more], [COUNCIL, CHESS], one, true);
        // Two versions of one report.
        check(
            ["Storm hits customs house", "Storm hits customs house, roof gone"],
            &[LEAD, more],
            [COUNCIL, CHESS],
            one,
            false,
        );
        check(["Bridge", "Chess"], &["The Associated wire helped."], [COUNCIL, CHESS], two, true);
    }

    #[test]
    fn words_are_long_by_their_script() {
        let check = |text: &str, all: usize, long: &[&str]| {
            assert_eq!(
                (count(text), long_words(text).collect::<Vec<_>>()),
                (all, long.iter().map(|w| w.to_string()).collect())
            );
        };
        check("The storm, in 1904-05.", 5, &["storm"]);
        check("東京の storms", 3, &["東京", "storms"]);
        check("", 0, &[]);
    }

    #[test]
    fn background_is_told_from_copies_cut_in_other_places() {
        let background = "Vellin lost its customs house to a storm in 1904.";
        let report = |of: &str| {
            (0..60).map(|i| format!("{of}{} ", i * i)).collect::<String>() + "Vellin customs house storm"
        };
        let check = |x: String, y: String, expect: bool| {
            let said =
                |text| StoryText { rows: vec![(b"b", background), (b"-", text)], ..StoryText::default() };
            let (mut x, mut y) = (said(&x), said(&y));
            (x.rows[1].0, y.rows[1].0) = (b"x", b"y");
            assert_eq!(shares_only_boilerplate(&x, &y), expect, "{x:?} {y:?}");
        };
        check(report("bridge"), report("chess"), true);
        check(report("bridge"), report("bridge") + " and more", false);
        // It is no small part of what they say.
        check(
            "Vellin mourns its customs house.".into(),
            "The storm hit the customs house of Vellin.".into(),
            false,
        );
    }

    #[test]
    fn a_longer_text_may_say_more_words_again_by_chance() {
        let notice: String = (0..60).map(|i| format!("notice{i} ")).collect();
        let own =
            |n: usize| (0..30).map(|i| format!("notice{} ", i * usize::from(i < n))).collect::<String>();
        let check = |again: usize, expect: bool| {
            let own = own(again);
            let x = StoryText { rows: vec![(b"n", &notice), (b"x", &own)], ..StoryText::default() };
            let y = StoryText {
                rows: vec![(b"n", &notice), (b"y", COUNCIL), (b"z", CHESS)],
                ..StoryText::default()
            };
            assert_eq!(shares_only_boilerplate(&x, &y), expect, "{again}");
        };
        check(4, true);
        check(5, false);
    }
}

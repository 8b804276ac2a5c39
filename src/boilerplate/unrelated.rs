//! Whether two stories with some text in common share nothing but boilerplate.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use crate::words::{is_cjk, words};

/// Letters and digits of a long word. Long words show what a text is about; most shorter ones are function words.
const LONG: usize = 5;

/// Long words of the shared text that the rest of a story has too, from which the shared text is about that story …
const REPEATED: usize = 3;

/// … in a short text; of a longer one they are at least one in so many.
const REPEATED_ONE_IN: usize = 12;

/// Long words of a title that the shared text has too, from which the title announces the shared text …
const ANNOUNCED: usize = 2;

/// … and the share of the title's long words that they have to be.
const ANNOUNCED_SHARE: f32 = 0.4;

/// A shared text so many times longer than the rest of a story is the story, whatever is around it: for stories of two
/// publishers that print one text …
const MAIN_TEXT_TWO_SOURCES: usize = 1;

/// … and where a publisher is not known.
const MAIN_TEXT: usize = 3;

/// A shared text so many times shorter than the rest of either story may be background in two reports …
const MINOR: usize = 4;

/// … if of the word runs of this length …
const RUN: usize = 5;

/// … in the rest of the two no more than one in so many is in both. Copies that were cut or reworded have more.
const RUNS_ONE_IN: usize = 8;

/// The text of a story.
#[derive(Debug, Clone, Default)]
pub struct StoryText<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its publisher.
    pub source: Option<&'a str>,
    /// Hash and text of its rows, each once.
    pub rows: Vec<(&'a [u8], &'a str)>,
}

/// Whether the text that `x` and `y` share shows nothing of their origin: it is about neither of them, as a credit, a note
/// or a call to subscribe is, or it is background in two reports.
///
/// One publisher puts its notes, tables and lists under all its stories, so of its stories only the rest counts: they share
/// only boilerplate unless much of the rest has the same wording, or the titles are alike. Two publishers print an agency's
/// text because it is their story: what each adds, and the title that it chose, repeats some of its words.
///
/// Measured without publishers: of nine sets of notes, each under 5,260 pairs of unrelated news stories, 93 % of the pairs
/// share only boilerplate (89 % without titles; the fewest, 51 and 31 %, with three legal notices under one paragraph). Of
/// 3,558 pairs that report parts of one story around a shared passage, 4 to 25 % do. A row is decided on by the majority of
/// its pairs ([`is_boilerplate`](super::is_boilerplate)).
pub fn shares_only_boilerplate(x: &StoryText, y: &StoryText) -> bool {
    let of_y: BTreeSet<&[u8]> = y.rows.iter().map(|(hash, _)| *hash).collect();
    let shared: BTreeSet<&[u8]> = x.rows.iter().map(|(hash, _)| *hash).filter(|h| of_y.contains(h)).collect();
    let shared_texts: Vec<&str> =
        x.rows.iter().filter(|(hash, _)| shared.contains(hash)).map(|(_, text)| *text).collect();
    let shared_words: usize = shared_texts.iter().map(|text| word_count(text)).sum();
    let shared_title: BTreeSet<String> = {
        let of_y: BTreeSet<String> = long_words(y.title).collect();
        long_words(x.title).filter(|word| of_y.contains(word)).collect()
    };
    let rest_x = UniqueContent::new(x, &shared, &shared_title);
    let rest_y = UniqueContent::new(y, &shared, &shared_title);
    if rest_x.texts.is_empty() || rest_y.texts.is_empty() {
        return false;
    }
    let both = |holds: &dyn Fn(&UniqueContent) -> bool| holds(&rest_x) && holds(&rest_y);
    let is_minor = both(&|rest| shared_words * MINOR <= rest.words);
    let main_text = match (x.source, y.source) {
        (Some(x), Some(y)) if x == y => {
            let similar_titles =
                shared_title.len() >= ANNOUNCED && both(&|rest| shared_title.len() > rest.title.len());
            return (is_minor || !similar_titles) && !rest_x.has_wording_of(&rest_y);
        }
        (Some(_), Some(_)) => MAIN_TEXT_TWO_SOURCES,
        _ => MAIN_TEXT,
    };
    let topic: BTreeSet<String> = shared_texts.iter().flat_map(|text| long_words(text)).collect();
    (is_minor && !rest_x.has_wording_of(&rest_y))
        || both(&|rest| !rest.is_about(&topic) && shared_words <= main_text * rest.words)
}

/// The content of a story beside the text that it shares with another.
struct UniqueContent<'a> {
    /// Long words of the title that the other's lacks: those that both have may be the name of the paper.
    title: BTreeSet<String>,
    texts: Vec<&'a str>,
    /// How many words it has, with the whole title.
    words: usize,
}

impl<'a> UniqueContent<'a> {
    fn new(story: &StoryText<'a>, shared: &BTreeSet<&[u8]>, shared_title: &BTreeSet<String>) -> Self {
        let rest = story.rows.iter().filter(|(hash, _)| !shared.contains(hash)).map(|(_, text)| *text);
        let texts: Vec<&str> = rest.collect();
        UniqueContent {
            title: long_words(story.title).filter(|word| !shared_title.contains(word)).collect(),
            words: texts.iter().map(|text| word_count(text)).sum::<usize>() + word_count(story.title),
            texts,
        }
    }

    /// Whether it is about the text whose long words are `topic`.
    fn is_about(&self, topic: &BTreeSet<String>) -> bool {
        let announced = self.title.intersection(topic).count();
        let words = self.texts.iter().flat_map(|text| long_words(text));
        let words: BTreeSet<String> = words.chain(self.title.iter().cloned()).collect();
        words.intersection(topic).count() >= REPEATED.max(topic.len().div_ceil(REPEATED_ONE_IN))
            || (announced >= ANNOUNCED && announced as f32 >= ANNOUNCED_SHARE * self.title.len() as f32)
    }

    /// Whether this and `other` have much of their wording in common.
    fn has_wording_of(&self, other: &UniqueContent) -> bool {
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
fn word_count(text: &str) -> usize {
    words(text).count()
}

/// The long words of `text`; of ideographs and kana, of which few make a word, those of two and more.
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
    fn notes_are_boilerplate_and_agency_leads_are_not() {
        fn story<'a>((title, texts): (&'a str, &[&'a str])) -> StoryText<'a> {
            StoryText { title, source: None, rows: texts.iter().map(|t| (t.as_bytes(), *t)).collect() }
        }
        let check = |x: (&str, &[&str]), y: (&str, &[&str]), expect: bool| {
            let (x, y) = (story(x), story(y));
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
        // A text that is nearly all of a story is the story.
        check(("", &[LEAD, "Read on."]), ("", &[LEAD, "More."]), false);
        check(("", &[]), ("", &[]), false);
    }

    #[test]
    fn sources_distinguish_notes_from_agency_text() {
        let check = |[title, other]: [&str; 2],
                     shared: &[&str],
                     [x, y]: [&str; 2],
                     sources: [&str; 2],
                     expect: bool| {
            let story = |title, source, own| {
                let rows = shared.iter().copied().chain([own]).map(|t: &str| (t.as_bytes(), t));
                StoryText { title, source: Some(source), rows: rows.collect() }
            };
            let (x, y) = (story(title, sources[0], x), story(other, sources[1], y));
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
    fn long_words_depend_on_the_script() {
        let check = |text: &str, all: usize, long: &[&str]| {
            assert_eq!(
                (word_count(text), long_words(text).collect::<Vec<_>>()),
                (all, long.iter().map(|w| w.to_string()).collect())
            );
        };
        check("The storm, in 1904-05.", 5, &["storm"]);
        check("東京の storms", 3, &["東京", "storms"]);
        check("", 0, &[]);
    }

    #[test]
    fn background_is_boilerplate_and_copies_cut_elsewhere_are_not() {
        let background = "Vellin lost its customs house to a storm in 1904.";
        let report = |of: &str| {
            (0..60).map(|i| format!("{of}{} ", i * i)).collect::<String>() + "Vellin customs house storm"
        };
        let check = |x: String, y: String, expect: bool| {
            let story =
                |text| StoryText { rows: vec![(b"b", background), (b"-", text)], ..StoryText::default() };
            let (mut x, mut y) = (story(&x), story(&y));
            (x.rows[1].0, y.rows[1].0) = (b"x", b"y");
            assert_eq!(shares_only_boilerplate(&x, &y), expect, "{x:?} {y:?}");
        };
        check(report("bridge"), report("chess"), true);
        check(report("bridge"), report("bridge") + " and more", false);
        // It is no small part of the stories.
        check(
            "Vellin mourns its customs house.".into(),
            "The storm hit the customs house of Vellin.".into(),
            false,
        );
    }

    #[test]
    fn longer_shared_texts_may_repeat_more_words() {
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

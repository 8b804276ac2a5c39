//! Rows that recur in stories they are not about: credits, notes, calls to subscribe.
//!
//! They are learned from a corpus, and kept in a file that people edit.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    corpus::{Said, are_strangers},
    story::{Corpus, RowId, StoryId},
};

/// Fewer carriers may be copies of one story.
pub const MIN_CARRIERS: u64 = 4;

/// Examples kept of each.
const EXAMPLES: usize = 3;

/// A list of boilerplate, as `boilerplate.toml` holds it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boilerplate {
    /// The passages.
    #[serde(default, rename = "passage")]
    pub passages: Vec<Entry>,
}

/// One passage of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its text.
    pub text: String,
    /// Whether it is left out of coverage. A person sets this to false for what only looks like boilerplate.
    #[serde(default = "yes")]
    pub exclude: bool,
    /// Stories that carry it.
    #[serde(default)]
    pub stories: u64,
    /// Where in the story most of them have it: "head", "foot" or "inside".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// The publisher of most of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Ids of some of them.
    #[serde(default)]
    pub examples: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Boilerplate {
    /// What recurs in unrelated stories of `corpus`, the most frequent first.
    pub fn learn(corpus: &Corpus) -> Self {
        let carriers = corpus.row_stories();
        let flags = find(corpus);
        let rows = (0..flags.len()).filter(|&row| flags[row]);
        let mut passages: Vec<Entry> =
            rows.map(|row| entry(corpus, RowId(row as u32), &carriers[row])).collect();
        passages.sort_by(|x, y| y.stories.cmp(&x.stories).then(x.text.cmp(&y.text)));
        Boilerplate { passages }
    }

    /// A list of passages of which it is known whether they are boilerplate.
    pub fn told(passages: impl Iterator<Item = (String, bool)>) -> Self {
        let entry = |(text, exclude)| Entry {
            text,
            exclude,
            stories: 0,
            place: String::new(),
            source: None,
            examples: Vec::new(),
        };
        Boilerplate { passages: passages.map(entry).collect() }
    }

    /// Reads a list; `file` is named in errors.
    pub fn from_toml(file: &str, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| Error::Option {
            option: file.into(),
            message: format!("this is no list of boilerplate: {}", e.message()),
            hint: "an entry is [[passage]] with text = \"…\" and exclude = true or false".into(),
        })
    }

    /// As [`Boilerplate::from_toml`] reads it.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|e| Error::Option {
            option: "boilerplate".into(),
            message: e.to_string(),
            hint: "this is a fault of samestory: please report it".into(),
        })
    }

    /// Takes counts and examples from `learned`, and what it has beyond this; what people decided stays.
    pub fn merge(&mut self, learned: Boilerplate) {
        let mut at: BTreeMap<String, usize> =
            self.passages.iter().enumerate().map(|(i, e)| (e.text.clone(), i)).collect();
        for entry in learned.passages {
            match at.get(&entry.text) {
                Some(&i) => self.passages[i] = Entry { exclude: self.passages[i].exclude, ..entry },
                None => {
                    at.insert(entry.text.clone(), self.passages.len());
                    self.passages.push(entry);
                }
            }
        }
    }
}

fn entry(corpus: &Corpus, row: RowId, carriers: &[StoryId]) -> Entry {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
    for story in carriers {
        let passages = &corpus.passages[story.index()];
        let place = match passages.iter().position(|p| p.row == row) {
            Some(0) => "head",
            Some(i) if i + 1 == passages.len() => "foot",
            _ => "inside",
        };
        *places.entry(place).or_default() += 1;
        if let Some(source) = &corpus.stories[story.index()].source {
            *sources.entry(source).or_default() += 1;
        }
    }
    let most =
        |of: &BTreeMap<&str, usize>| of.iter().max_by_key(|(_, n)| **n).map(|(name, _)| name.to_string());
    Entry {
        text: corpus.row_text(row).into(),
        exclude: true,
        stories: carriers.len() as u64,
        place: most(&places).unwrap_or_default(),
        source: most(&sources),
        examples: carriers.iter().take(EXAMPLES).map(|s| corpus.stories[s.index()].id.clone()).collect(),
    }
}

/// For each row, whether it is boilerplate: as `known` says, else as the corpus itself tells.
pub fn flags(corpus: &Corpus, known: &Boilerplate) -> Vec<bool> {
    let mut flags = find(corpus);
    if known.passages.is_empty() {
        return flags;
    }
    let of_text: HashMap<&str, bool> = known.passages.iter().map(|e| (e.text.as_str(), e.exclude)).collect();
    for (flag, row) in flags.iter_mut().zip(&corpus.rows) {
        *flag = of_text.get(row.text.as_str()).copied().unwrap_or(*flag);
    }
    flags
}

/// Whether a row is boilerplate that `carriers` stories have, and `strangers` pairs of neighbours among them that are
/// otherwise [strangers](are_strangers): if at least 4 stories have it, and most neighbours are strangers.
pub fn is_boilerplate(carriers: u64, strangers: u64) -> bool {
    carriers >= MIN_CARRIERS && strangers * 2 > carriers - 1
}

/// What the corpus itself tells of each row.
fn find(corpus: &Corpus) -> Vec<bool> {
    let carriers = corpus.row_stories();
    let often = || carriers.iter().filter(|stories| stories.len() as u64 >= MIN_CARRIERS);
    // Stories that share several such rows are asked about once.
    let mut pairs: Vec<(StoryId, StoryId)> =
        often().flat_map(|stories| stories.windows(2).map(|w| (w[0], w[1]))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let said = |s: StoryId| Said {
        title: &corpus.stories[s.index()].title,
        source: corpus.stories[s.index()].source.as_deref(),
        rows: corpus.story_rows(s).map(|r| (&corpus.rows[r.index()].hash[..], corpus.row_text(r))).collect(),
    };
    let strangers: Vec<(StoryId, StoryId)> =
        pairs.into_par_iter().filter(|(a, b)| are_strangers(&said(*a), &said(*b))).collect();
    let is_found = |stories: &Vec<StoryId>| {
        let strange = |w: &&[StoryId]| strangers.binary_search(&(w[0], w[1])).is_ok();
        is_boilerplate(stories.len() as u64, stories.windows(2).filter(strange).count() as u64)
    };
    carriers.par_iter().map(is_found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;

    const NOTE: &str = "The Coast Gazette has reported from the harbour towns of the northern shore since the spring of 1904.";

    const REPORTS: [&str; 6] = [
        "The council of Vellin approved a bridge over the river Osk on Monday after a debate of nine hours.",
        "A fishing boat with seven people aboard was towed to safety off Cape Merrow when its engine failed.",
        "Irena Holt won the chess championship for a third time, beating the favourite in thirty one moves.",
        "Potato growers expect the smallest harvest in a decade after a summer of blight, said their chamber.",
        "The museum of glass shows six hundred lamps of three centuries, the beacon of Skerry among them.",
        "Commuters face delays through Friday while the railway replaces its signals between Norrin and Halm.",
    ];

    fn corpus() -> Corpus {
        let story = |i: usize| Story {
            id: format!("s{i}"),
            text: format!("{}\n\n{NOTE}", REPORTS[i]),
            source: Some("Coast Gazette".into()),
            ..Story::default()
        };
        Corpus::new((0..6).map(story).collect())
    }

    #[test]
    fn what_recurs_in_unrelated_stories_is_learned() {
        let learned = Boilerplate::learn(&corpus());
        let [entry] = &learned.passages[..] else { panic!("{learned:?}") };
        assert_eq!((entry.text.as_str(), entry.stories, entry.place.as_str()), (NOTE, 6, "foot"));
        assert_eq!(entry.source.as_deref(), Some("Coast Gazette"));
        let again = Boilerplate::from_toml("list", &learned.to_toml().unwrap()).unwrap();
        assert_eq!(again, learned);
    }

    #[test]
    fn what_people_decided_stays() {
        let corpus = corpus();
        let mut list = Boilerplate::learn(&corpus);
        list.passages[0].exclude = false;
        list.merge(Boilerplate::learn(&corpus));
        assert_eq!((list.passages.len(), list.passages[0].exclude), (1, false));
        assert!(flags(&corpus, &list).iter().all(|f| !f));
        assert!(flags(&corpus, &Boilerplate::default()).iter().any(|f| *f));
    }

    #[test]
    fn a_broken_list_is_refused_with_its_name() {
        let error = Boilerplate::from_toml("my.toml", "[[passage]]\nexclude = 3").unwrap_err();
        assert!(error.to_string().contains("my.toml"), "{error}");
    }
}

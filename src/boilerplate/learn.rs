//! Detects the boilerplate of a corpus, and describes it for the list.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::{
    BoilerplateEntry, BoilerplateList, MIN_BOILERPLATE_STORIES, StoryText, is_boilerplate,
    shares_only_boilerplate,
};
use crate::story::{Corpus, RowId, StoryId};

/// Ids of stories that an entry names as examples.
const EXAMPLES: usize = 3;

impl BoilerplateList {
    /// The passages that recur in unrelated stories of `corpus`, the most frequent first.
    pub fn learn(corpus: &Corpus) -> Self {
        let occurrences = corpus.occurrences();
        let flags = detect(corpus);
        let rows = (0..flags.len()).filter(|&row| flags[row]);
        let mut passages: Vec<BoilerplateEntry> =
            rows.map(|row| entry(corpus, RowId(row as u32), &occurrences[row])).collect();
        passages.sort_by(|x, y| y.stories.cmp(&x.stories).then(x.text.cmp(&y.text)));
        BoilerplateList { passages }
    }
}

fn entry(corpus: &Corpus, row: RowId, stories: &[StoryId]) -> BoilerplateEntry {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
    for story in stories {
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
    let most_common =
        |of: &BTreeMap<&str, usize>| of.iter().max_by_key(|(_, n)| **n).map(|(name, _)| name.to_string());
    BoilerplateEntry {
        text: corpus.row_text(row).into(),
        exclude: true,
        stories: stories.len() as u64,
        place: most_common(&places).unwrap_or_default(),
        source: most_common(&sources),
        examples: stories.iter().take(EXAMPLES).map(|s| corpus.stories[s.index()].id.clone()).collect(),
    }
}

/// For each row of `corpus`, whether it is boilerplate: as `list` says where it has the passage, else as the corpus shows.
pub fn detect_boilerplate(corpus: &Corpus, list: &BoilerplateList) -> Vec<bool> {
    let mut flags = detect(corpus);
    if list.passages.is_empty() {
        return flags;
    }
    let exclude: HashMap<&str, bool> = list.passages.iter().map(|e| (e.text.as_str(), e.exclude)).collect();
    for (flag, row) in flags.iter_mut().zip(&corpus.rows) {
        *flag = exclude.get(row.text.as_str()).copied().unwrap_or(*flag);
    }
    flags
}

/// For each row of `corpus`, whether the corpus alone shows it to be boilerplate.
fn detect(corpus: &Corpus) -> Vec<bool> {
    let occurrences = corpus.occurrences();
    let frequent = occurrences.iter().filter(|stories| stories.len() as u64 >= MIN_BOILERPLATE_STORIES);
    // Stories that share several such rows are compared once.
    let mut pairs: Vec<(StoryId, StoryId)> =
        frequent.flat_map(|stories| stories.windows(2).map(|w| (w[0], w[1]))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let text = |s: StoryId| StoryText {
        title: &corpus.stories[s.index()].title,
        source: corpus.stories[s.index()].source.as_deref(),
        rows: corpus.story_rows(s).map(|r| (&corpus.rows[r.index()].hash[..], corpus.row_text(r))).collect(),
    };
    let unrelated: Vec<(StoryId, StoryId)> =
        pairs.into_par_iter().filter(|(a, b)| shares_only_boilerplate(&text(*a), &text(*b))).collect();
    let is_flagged = |stories: &Vec<StoryId>| {
        let is_unrelated = |w: &&[StoryId]| unrelated.binary_search(&(w[0], w[1])).is_ok();
        is_boilerplate(stories.len() as u64, stories.windows(2).filter(is_unrelated).count() as u64)
    };
    occurrences.par_iter().map(is_flagged).collect()
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
    fn learns_passages_that_recur_in_unrelated_stories() {
        let learned = BoilerplateList::learn(&corpus());
        let [entry] = &learned.passages[..] else { panic!("{learned:?}") };
        assert_eq!((entry.text.as_str(), entry.stories, entry.place.as_str()), (NOTE, 6, "foot"));
        assert_eq!(entry.source.as_deref(), Some("Coast Gazette"));
        let again = BoilerplateList::from_toml("list", &learned.to_toml().unwrap()).unwrap();
        assert_eq!(again, learned);
    }

    #[test]
    fn merging_keeps_the_users_choices() {
        let corpus = corpus();
        let mut list = BoilerplateList::learn(&corpus);
        list.passages[0].exclude = false;
        list.merge(BoilerplateList::learn(&corpus));
        assert_eq!((list.passages.len(), list.passages[0].exclude), (1, false));
        assert!(detect_boilerplate(&corpus, &list).iter().all(|f| !f));
        assert!(detect_boilerplate(&corpus, &BoilerplateList::default()).iter().any(|f| *f));
    }
}

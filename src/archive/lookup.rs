//! The stories of a store that a look-up has to look at: those near as a whole, and those with a passage near one asked.

use std::collections::BTreeSet;

use super::{Archive, Matcher, StoreFrequencies, index::mean, working_set::WorkingSet};
use crate::{
    Result,
    boilerplate::BoilerplateList,
    search::{Limit, write_mean},
    story::{Corpus, StoryId},
    vector::Matrix,
};

/// A store of so few stories is read whole, and nothing is passed over: 2,884 stories took 0.8 s on two cores.
pub const FULL_SCAN_LIMIT: u32 = 5000;

/// Stories that are near as a whole: so many for each that is wanted …
const STORIES: usize = 20;

/// … and at least so many. Of 40 stories of Reuters-21578, 92 % of the ten found among all were found so; 87 % among
/// 400, 94 % among 2,000.
const STORIES_LEAST: usize = 1000;

/// Rows near each passage that is asked.
const ROWS: usize = 100;

/// Some stories of a store.
pub struct LookupCandidates {
    /// The stories.
    pub corpus: Corpus,
    /// One vector a row.
    pub vectors: Matrix,
    /// Whether each row is boilerplate by what all stories of the store tell.
    pub boilerplate: BoilerplateList,
}

impl Archive {
    /// The stories near to the first story of `asked`, of which `k` are wanted. `vectors` has those of the rows of
    /// `asked`.
    pub fn lookup_candidates(&self, asked: &Corpus, vectors: &Matrix, k: usize) -> Result<LookupCandidates> {
        let Matcher { index, boilerplate, dim, .. } = &self.matcher;
        let reader = self.store.reader();
        let mut whole = vec![0.0; *dim];
        let rows: Vec<&[f32]> = asked.story_rows(StoryId(0)).map(|row| vectors.row(row.index())).collect();
        write_mean(rows.iter().copied(), &mut whole);
        let most = (k * STORIES).max(STORIES_LEAST);
        let near = index
            .stories
            .search(&[&whole], Limit::Nearest(most), &mut |number| mean(reader, number, *dim).map(Some))?;
        let mut found: BTreeSet<i64> = near.into_iter().flatten().map(|(number, _)| number).collect();
        let near = index.rows.search(&rows, Limit::Nearest(ROWS), &mut |number| reader.vector(number))?;
        for (row, _) in near.into_iter().flatten() {
            found.extend(reader.stories_with_row(row, ROWS)?);
        }
        let mut working = WorkingSet::new(reader, boilerplate, *dim);
        for number in found {
            working.take(number)?;
        }
        let vectors = working.vectors();
        let WorkingSet { corpus, boilerplate: flags, .. } = working;
        let rows = corpus.rows.iter().zip(flags).map(|(row, exclude)| (row.text.clone(), exclude));
        let boilerplate = BoilerplateList::from_flags(rows);
        Ok(LookupCandidates { corpus, vectors, boilerplate })
    }

    /// The document frequencies of the store.
    ///
    /// # Errors
    /// [`crate::Error::Store`] if the store cannot be read.
    pub fn document_frequencies(&self) -> Result<StoreFrequencies<'_>> {
        StoreFrequencies::new(&self.matcher.words, self.store.reader())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        archive::ArchiveOptions,
        embed::EmbedStats,
        store::{Identity, Store},
        story::Story,
        vector::normalize,
    };

    const DIM: usize = 8;

    /// A vector of the letters of a text.
    fn vector(text: &str) -> Vec<f32> {
        let mut vector = vec![0.1; DIM];
        text.bytes().for_each(|b| vector[usize::from(b) % DIM] += 1.0);
        normalize(&mut vector);
        vector
    }

    fn embed(texts: &[&str]) -> Result<(Matrix, EmbedStats)> {
        Ok((Matrix::from_vec(texts.iter().flat_map(|t| vector(t)).collect(), DIM), EmbedStats::default()))
    }

    #[test]
    fn a_few_stories_of_a_store_know_what_all_of_it_tells() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { model: "letters".into(), fingerprint: "1".into(), dim: DIM };
        let store = Store::open_or_create(folder.path(), &identity).unwrap();
        let mut archive = Archive::open(store, ArchiveOptions::default()).unwrap();
        let run = archive.begin_run(0, "test").unwrap();
        let note =
            "Join our newsletter and never miss what the editors of this page pick for you each morning.";
        let story = |i: usize| {
            let word = ["harbour", "quarry", "orchestra", "vineyard", "glacier", "railway", "pension"][i % 7];
            let own = format!(
                "The {word} of town {i} was handed over to its {i} new keepers on the day number {} of the year.",
                i * 3
            );
            Story { id: format!("{i:03}"), text: format!("{own}\n\n{note}"), ..Story::default() }
        };
        let stories: Vec<Story> = (0..60).map(story).collect();
        archive.add(run, stories, &[], &embed).unwrap();
        archive.finish_run(run, "{}").unwrap();

        let asked = Corpus::new(vec![story(17)]);
        let vectors = Matrix::from_vec(asked.rows.iter().flat_map(|r| vector(&r.text)).collect(), DIM);
        let near = archive.lookup_candidates(&asked, &vectors, 3).unwrap();
        // A small store is within what is looked at: all of it.
        assert_eq!(near.corpus.stories.len(), 60);
        assert_eq!(near.vectors.rows(), near.corpus.rows.len());
        let excluded: Vec<&str> =
            near.boilerplate.passages.iter().filter(|p| p.exclude).map(|p| p.text.as_str()).collect();
        assert_eq!(excluded, [note]);
    }
}

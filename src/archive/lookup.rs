//! The stories of a store that a similarity lookup ranks.

use std::collections::BTreeSet;

use super::{Archive, frequencies::StoreFrequencies, index::stored_mean, working_set::WorkingSet};
use crate::{
    Result,
    boilerplate::BoilerplateList,
    search::{Limit, write_mean},
    store::StoryNumber,
    story::{Corpus, StoryId},
    vector::Matrix,
};

/// A store of at most so many stories is ranked as a whole, so that none is missed: 2,884 stories took 0.8 s on two
/// cores.
pub const FULL_SCAN_LIMIT: u32 = 5000;

/// Candidates with near mean vectors, for each story that is wanted …
const CANDIDATES_PER_HIT: usize = 20;

/// … and at least so many. For 40 stories of Reuters-21578, they contained 92 % of the ten best of a full scan; 400
/// contained 87 %, and 2,000 94 %.
const MIN_CANDIDATES: usize = 1000;

/// Near rows, for each row of the query.
const ROWS: usize = 100;

/// Some stories of a store.
#[must_use]
pub struct LookupCandidates {
    /// The stories.
    pub corpus: Corpus,
    /// One vector for each row of the corpus.
    pub vectors: Matrix,
    /// For each row whether it is boilerplate, as far as all stories of the store show.
    pub boilerplate: BoilerplateList,
}

impl Archive {
    /// The stories of the store among which the `k` most similar to the first story of `query` are to be found: those
    /// near as a whole, and those with a row near one of the query. `vectors` has one row for each row of `query`.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read.
    pub fn lookup_candidates(&self, query: &Corpus, vectors: &Matrix, k: usize) -> Result<LookupCandidates> {
        let (index, dim) = (&self.matcher.index, self.matcher.dim);
        let reader = self.store.reader();
        let rows: Vec<&[f32]> = query.story_rows(StoryId(0)).map(|row| vectors.row(row.index())).collect();
        let mut mean = vec![0.0; dim];
        write_mean(rows.iter().copied(), &mut mean);
        let limit = Limit::Nearest((k * CANDIDATES_PER_HIT).max(MIN_CANDIDATES));
        let mut stored = |number| stored_mean(reader, number, dim).map(Some);
        let near = index.stories.search(&[&mean], limit, &mut stored)?;
        let mut found: BTreeSet<StoryNumber> = near.into_iter().flatten().map(|(number, _)| number).collect();
        let near = index.rows.search(&rows, Limit::Nearest(ROWS), &mut |number| reader.vector(number))?;
        for (row, _) in near.into_iter().flatten() {
            found.extend(reader.stories_with_row(row, ROWS)?);
        }
        let mut set = self.matcher.working_set(reader);
        for number in found {
            set.load(number)?;
        }
        let vectors = set.vectors();
        let WorkingSet { corpus, boilerplate: flags, .. } = set;
        let rows = corpus.rows.iter().zip(flags).map(|(row, exclude)| (row.text.clone(), exclude));
        let boilerplate = BoilerplateList::from_flags(rows);
        Ok(LookupCandidates { corpus, vectors, boilerplate })
    }

    /// The document frequencies of the store.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read.
    pub fn document_frequencies(&self) -> Result<StoreFrequencies<'_>> {
        StoreFrequencies::new(&self.matcher.words, self.store.reader())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        embed::{EmbedStats, Embeddings},
        store::Identity,
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

    fn embed(texts: &[&str]) -> Result<Embeddings> {
        Ok(Embeddings {
            vectors: Matrix::from_vec(texts.iter().flat_map(|t| vector(t)).collect(), DIM),
            stats: EmbedStats::default(),
        })
    }

    #[test]
    fn candidates_have_the_boilerplate_of_the_whole_store() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { model: "letters".into(), fingerprint: "1".into(), dim: DIM };
        let builder = Archive::builder().embed_with(identity, embed);
        let mut archive = builder.open_or_create(folder.path()).unwrap();
        archive.begin_run(0, "test").unwrap();
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
        archive.add(stories).unwrap();
        archive.finish_run("{}").unwrap();

        let query = Corpus::new(vec![story(17)]);
        let vectors = Matrix::from_vec(query.rows.iter().flat_map(|r| vector(&r.text)).collect(), DIM);
        let found = archive.lookup_candidates(&query, &vectors, 3).unwrap();
        // All stories of a small store are candidates.
        assert_eq!(found.corpus.stories.len(), 60);
        assert_eq!(found.vectors.rows(), found.corpus.rows.len());
        let excluded: Vec<&str> =
            found.boilerplate.passages.iter().filter(|p| p.exclude).map(|p| p.text.as_str()).collect();
        assert_eq!(excluded, [note]);
    }
}

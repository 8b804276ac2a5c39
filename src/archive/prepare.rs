//! New stories prepared for comparing: embedded, with their neighbours in the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    add::AddedCopy,
    index::{SearchKeys, shingles_of},
    matcher::Matcher,
    missing_vectors::{EmbeddedStories, MissingVectors, TitleRows},
    text_embedder::TextEmbedder,
};
use crate::{
    Result,
    embed::EmbedStats,
    search::{self, Limit, write_mean},
    store::{Reader, RowNumber, Store, StoryNumber},
    story::{Corpus, RowId, Story, StoryId},
    vector::{Matrix, dot},
};

/// Stories whose shingles are cached: those that share a few with many are read again and again.
const CACHED_STORIES: usize = 20_000;

/// New stories, with the neighbours in the store that were found for all of them at once.
pub(super) struct PreparedStories {
    pub corpus: Corpus,
    /// One row for each row of the corpus.
    pub vectors: Matrix,
    pub titles: TitleRows,
    /// What each story is searched by.
    pub keys: Vec<SearchKeys>,
    /// For each row of the corpus its near rows in the store.
    near_rows: Vec<Vec<RowNumber>>,
    /// For each story its near stories in the store, with their scores.
    near_stories: Vec<Vec<(StoryNumber, f32)>>,
    pub embed_stats: EmbedStats,
}

/// Which of the prepared stories a transaction has inserted: the index does not have them yet.
#[derive(Default)]
pub(super) struct Inserted {
    /// Rows of the corpus that the store has now.
    pub rows: BTreeMap<RowId, RowNumber>,
    /// Stories, in the order of their numbers.
    pub stories: Vec<(StoryNumber, StoryId)>,
    /// New rows with their vectors, in the order of their numbers.
    pub vectors: Vec<(RowNumber, Vec<f32>)>,
    /// The stories that are of one origin with one before them.
    pub copies: Vec<AddedCopy>,
}

impl Matcher {
    /// Embeds what the store has no vector of, and searches the neighbours of all stories at once.
    pub fn prepare(
        &self,
        store: &Store,
        stories: Vec<Story>,
        embedder: &TextEmbedder,
    ) -> Result<PreparedStories> {
        let missing = MissingVectors::new(store, stories, self.dim)?;
        let stored_rows = missing.stored_rows();
        let embedded = embedder.embed(&missing.texts())?;
        let EmbeddedStories { corpus, vectors, titles } = missing.complete(&embedded.vectors)?;
        let stats = embedded.stats;
        let embed_stats = EmbedStats { cached_texts: stats.cached_texts + stored_rows, ..stats };

        let options = &self.options.search;
        let rows: Vec<&[f32]> = (0..corpus.rows.len()).map(|i| vectors.row(i)).collect();
        let reader = store.reader();
        let floor = Limit::AtLeast(options.row_floor);
        let found = self.index.rows.search(&rows, floor, &mut |number| reader.vector(number))?;
        let near_rows =
            found.into_iter().map(|near| near.into_iter().map(|(row, _)| row).collect()).collect();
        let keys: Vec<SearchKeys> = (0..corpus.stories.len())
            .map(|i| {
                let id = StoryId(i as u32);
                let mut mean = vec![0.0; self.dim];
                write_mean(corpus.story_rows(id).map(|row| vectors.row(row.index())), &mut mean);
                SearchKeys { mean, shingles: search::shingles(&corpus, id, options.shingles.words) }
            })
            .collect();
        let means: Vec<&[f32]> = keys.iter().map(|keys| &keys.mean[..]).collect();
        let near_stories =
            self.index.stories.roughly_nearest(&means, options.story_neighbours, options.story_floor);
        Ok(PreparedStories { corpus, vectors, titles, keys, near_rows, near_stories, embed_stats })
    }

    /// The stories of the store that a prepared story is compared with.
    pub fn candidates(
        &self,
        reader: Reader<'_>,
        prepared: &PreparedStories,
        id: StoryId,
        inserted: &Inserted,
    ) -> Result<BTreeSet<StoryNumber>> {
        let mut found = self.candidates_by_rows(reader, prepared, id, inserted)?;
        found.extend(self.candidates_by_mean(prepared, id, inserted));
        found.extend(self.candidates_by_shingles(reader, prepared, id)?);
        Ok(found)
    }

    /// The stories that contain rows near to those of a story, but for rows that very many stories contain.
    fn candidates_by_rows(
        &self,
        reader: Reader<'_>,
        prepared: &PreparedStories,
        id: StoryId,
        inserted: &Inserted,
    ) -> Result<BTreeSet<StoryNumber>> {
        let options = &self.options.search;
        let vectors = &prepared.vectors;
        let mut rows: BTreeSet<RowNumber> = BTreeSet::new();
        for row in prepared.corpus.story_rows(id) {
            rows.extend(&prepared.near_rows[row.index()]);
            let vector = vectors.row(row.index());
            let is_near =
                |other: &RowId| *other == row || dot(vector, vectors.row(other.index())) >= options.row_floor;
            rows.extend(inserted.rows.iter().filter(|(other, _)| is_near(other)).map(|(_, number)| *number));
        }
        let mut found = BTreeSet::new();
        for row in rows {
            let stories = reader.stories_with_row(row, options.max_occurrences + 1)?;
            if stories.len() <= options.max_occurrences {
                found.extend(stories);
            }
        }
        Ok(found)
    }

    /// The stories whose mean vectors are nearest to that of a story.
    fn candidates_by_mean(
        &self,
        prepared: &PreparedStories,
        id: StoryId,
        inserted: &Inserted,
    ) -> Vec<StoryNumber> {
        let options = &self.options.search;
        let mean = &prepared.keys[id.index()].mean;
        let mut near = prepared.near_stories[id.index()].clone();
        let since = inserted
            .stories
            .iter()
            .map(|(number, other)| (*number, dot(mean, &prepared.keys[other.index()].mean)));
        near.extend(since.filter(|(_, score)| *score >= options.story_floor));
        near.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        near.iter().take(options.story_neighbours).map(|(number, _)| *number).collect()
    }

    /// The stories that share rare shingles with a story.
    fn candidates_by_shingles(
        &self,
        reader: Reader<'_>,
        prepared: &PreparedStories,
        id: StoryId,
    ) -> Result<Vec<StoryNumber>> {
        let options = &self.options.search;
        let mut shingles_of_stored = |story: u32| {
            let mut cache = self.shingles.borrow_mut();
            if let Some(shingles) = cache.get(&story) {
                return Ok(shingles.clone());
            }
            let read = reader.story(StoryNumber(story.into()))?;
            let shingles: Arc<[u64]> = read.map(|read| shingles_of(read, options)).unwrap_or_default().into();
            if cache.len() >= CACHED_STORIES {
                cache.clear();
            }
            cache.insert(story, shingles.clone());
            Ok(shingles)
        };
        let shingles = &prepared.keys[id.index()].shingles;
        let found = self.index.shingles.candidates(shingles, &options.shingles, &mut shingles_of_stored)?;
        Ok(found.into_iter().map(|story| StoryNumber(story.into())).collect())
    }
}

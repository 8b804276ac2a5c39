//! What a store is searched by: vectors of rows and of stories, and rare shingles.

use memmap2::Mmap;

use super::{
    files::{self, ROWS, SHINGLES, STORIES, generation},
    vectors::VectorIndex,
};
use crate::{
    Result,
    search::{Postings, QuantizedFile, SearchOptions, shingles, write_mean},
    store::{Number, Reader, RowNumber, Store, StoryNumber},
    story::{Corpus, Story, StoryId},
};

/// Files are rewritten when they lack more than one in so many stories …
const OUTDATED_SHARE: usize = 400;
/// … and at least so many.
const MIN_OUTDATED: usize = 256;

/// The index of a store.
#[derive(Debug)]
pub(super) struct Index {
    pub rows: VectorIndex<RowNumber>,
    /// Mean vectors.
    pub stories: VectorIndex<StoryNumber>,
    pub shingles: Postings<Mmap>,
    /// How many stories the files have.
    saved: usize,
    /// What was wrong with the files.
    pub warnings: Vec<String>,
}

/// What one story is searched by.
pub(super) struct SearchKeys {
    /// The mean of the vectors of its rows.
    pub mean: Vec<f32>,
    pub shingles: Vec<u64>,
}

/// Opens the index files of a store, and collects what is wrong with them.
struct Opener<'a> {
    store: &'a Store,
    options: &'a SearchOptions,
    warnings: Vec<String>,
}

impl Index {
    /// Opens the index files, and adds what they lack from the store.
    pub fn open(store: &Store, options: &SearchOptions) -> Result<Self> {
        let reader = store.reader();
        let mut opener = Opener { store, options, warnings: Vec::new() };
        let mut rows = opener
            .open_vectors(ROWS, |number: RowNumber| Ok(reader.row_hash(number)?.map(|hash| hash.to_vec())))?;
        let stories = opener.open_vectors(STORIES, |number| reader.story_digest(number))?;
        let shingles = opener.open_shingles()?;
        reader.for_each_vector(rows.end(), &mut |number, vector| rows.push(number, vector))?;
        let mut index = Index { rows, stories, shingles, saved: 0, warnings: opener.warnings };
        index.add_missing_stories(store, options)?;
        Ok(index)
    }

    /// Adds the stories that the files lack, and removes those that were removed.
    fn add_missing_stories(&mut self, store: &Store, options: &SearchOptions) -> Result<()> {
        let (reader, dim) = (store.reader(), store.identity().dim);
        let (end_of_stories, end_of_shingles) = (self.stories.end(), StoryNumber(self.last_shingles().0 + 1));
        // All files have the numbers below this one.
        let first = end_of_stories.min(end_of_shingles).max(StoryNumber::FIRST);
        let missing = reader.story_numbers(first)?;
        self.saved = (reader.story_count()? as usize).saturating_sub(missing.len());
        self.stories.remove(StoryNumber(0));
        if self.saved as i64 != first.0 - 1 {
            reader.unused_story_numbers(first)?.into_iter().for_each(|unused| self.stories.remove(unused));
        }
        let mut postings = Vec::new();
        let mut next = first;
        for number in missing {
            (next.0..number.0).for_each(|unused| self.stories.remove(StoryNumber(unused)));
            next = StoryNumber(number.0 + 1);
            if number >= end_of_stories {
                let mean = stored_mean(reader, number, dim)?;
                self.stories.push(number, &mean);
            }
            if number >= end_of_shingles
                && let Some(story) = reader.story(number)?
            {
                postings.push((number.0 as u32, shingles_of(story, options)));
            }
        }
        if self.last_shingles().0 == 0 {
            let last = postings.last().map_or(0, |p| p.0);
            let all = postings.into_iter().flat_map(|(n, of)| of.into_iter().map(move |s| (s, n)));
            self.shingles = Postings::new(all.collect(), last);
        } else {
            postings.iter().for_each(|(number, of)| self.shingles.push(*number, of));
        }
        Ok(())
    }

    /// The last story whose shingles are indexed.
    fn last_shingles(&self) -> StoryNumber {
        StoryNumber(self.shingles.last_story().into())
    }

    /// Adds a story that the store has now.
    pub fn push_story(&mut self, number: StoryNumber, keys: &SearchKeys) {
        self.stories.push(number, &keys.mean);
        self.shingles.push(number.0 as u32, &keys.shingles);
    }

    /// Rewrites the files if they are missing, damaged, or lack many stories.
    pub fn save(&mut self, store: &Store) -> Result<()> {
        let reader = store.reader();
        let all = reader.story_count()? as usize;
        let missing = all.saturating_sub(self.saved);
        if self.warnings.is_empty() && (missing < MIN_OUTDATED || missing * OUTDATED_SHARE < all) {
            return Ok(());
        }
        let folder = store.folder();
        // A file whose last item was removed would not be recognized: it is written once another item follows.
        if let Some(hash) = reader.row_hash(RowNumber(self.rows.end().0 - 1))? {
            let generation = generation(reader, &hash)?;
            files::write(folder, ROWS, |out| self.rows.write(generation, out))?;
        }
        if let Some(digest) = reader.story_digest(StoryNumber(self.stories.end().0 - 1))? {
            let generation = generation(reader, &digest)?;
            files::write(folder, STORIES, |out| self.stories.write(generation, out))?;
        }
        if let Some(digest) = reader.story_digest(self.last_shingles())? {
            let generation = generation(reader, &digest)?;
            files::write(folder, SHINGLES, |out| self.shingles.write(generation, out))?;
        }
        self.saved = all;
        Ok(())
    }
}

impl Opener<'_> {
    /// Opens a file of vectors; an empty index if it cannot be used. `digest` is that of the item with a number.
    fn open_vectors<N: Number>(
        &mut self,
        name: &str,
        digest: impl Fn(N) -> Result<Option<Vec<u8>>>,
    ) -> Result<VectorIndex<N>> {
        let (dim, isa) = (self.store.identity().dim, self.options.isa);
        let read = files::read(self.store.folder(), name, |file| {
            let (rows, generation) = QuantizedFile::open(file)?;
            let view = rows.view(isa);
            let (last, of_file) = (N::new(view.rows() as i64 - 1), view.dim());
            Ok((rows, last, of_file, generation))
        });
        let rows = match read {
            None => None,
            Some(Ok((rows, last, of_file, generation))) => {
                let fits = of_file == dim && self.generation_of(digest(last)?)? == Some(generation);
                self.accept(name, fits).then_some(rows)
            }
            Some(Err(damage)) => {
                self.refuse(name, &damage);
                None
            }
        };
        Ok(VectorIndex::new(rows, dim, isa))
    }

    fn open_shingles(&mut self) -> Result<Postings<Mmap>> {
        let shingles = match files::read(self.store.folder(), SHINGLES, Postings::open) {
            None => None,
            Some(Ok((read, generation))) => {
                let digest = self.store.reader().story_digest(StoryNumber(read.last_story().into()))?;
                let fits = self.generation_of(digest)? == Some(generation);
                self.accept(SHINGLES, fits).then_some(read)
            }
            Some(Err(damage)) => {
                self.refuse(SHINGLES, &damage);
                None
            }
        };
        Ok(shingles.unwrap_or_default())
    }

    /// The generation of a file whose last item has this digest.
    fn generation_of(&self, digest: Option<Vec<u8>>) -> Result<Option<u64>> {
        digest.map(|digest| generation(self.store.reader(), &digest)).transpose()
    }

    fn accept(&mut self, name: &str, fits: bool) -> bool {
        if !fits {
            self.warnings.push(format!("{name} is of another state of the store"));
        }
        fits
    }

    fn refuse(&mut self, name: &str, damage: &str) {
        self.warnings.push(format!("{name} cannot be used: {damage}"));
    }
}

/// The mean of the vectors of a stored story's rows.
pub(super) fn stored_mean(reader: Reader<'_>, number: StoryNumber, dim: usize) -> Result<Vec<f32>> {
    let mut rows = Vec::new();
    for passage in reader.passages(number)? {
        rows.extend(reader.vector(passage.row)?.filter(|v| v.len() == dim));
    }
    let mut mean = vec![0.0; dim];
    write_mean(rows.iter().map(|row| &row[..]), &mut mean);
    Ok(mean)
}

/// The shingles of one story.
pub(super) fn shingles_of(story: Story, options: &SearchOptions) -> Vec<u64> {
    let corpus = Corpus::new(vec![story]);
    shingles(&corpus, StoryId(0), options.shingles.words)
}

//! What a store is searched by: vectors of rows and of stories, and rare runs of words.

use memmap2::Mmap;

use super::{
    files::{self, ROWS, SHINGLES, STORIES, stamp},
    vectors::VectorIndex,
};
use crate::{
    Result,
    search::{Postings, QuantizedFile, SearchOptions, shingles, write_mean},
    store::{Reader, Store},
    story::{Corpus, Story, StoryId},
};

/// Files are written anew when they lack more than this share of the stories …
const BEHIND: usize = 400;
/// … and more than so many.
const BEHIND_LEAST: usize = 256;

/// All that a store is searched by.
#[derive(Debug)]
pub(super) struct Index {
    pub rows: VectorIndex,
    pub stories: VectorIndex,
    pub shingles: Postings<Mmap>,
    /// Stories that the files have.
    saved: usize,
    /// What was wrong with the files.
    pub rebuilt: Vec<String>,
}

/// What is searched of one story.
pub(super) struct SearchKeys {
    pub mean: Vec<f32>,
    pub shingles: Vec<u64>,
}

impl Index {
    /// Reads it from the files, and what these lack from the store.
    pub fn open(store: &Store, options: &SearchOptions) -> Result<Self> {
        let (reader, dim, folder) = (store.reader(), store.identity().dim, store.folder());
        let mut rebuilt = Vec::new();
        let mut vectors = |name: &str, digest: &dyn Fn(i64) -> Result<Option<Vec<u8>>>| {
            let read = files::read(folder, name, |file| {
                let (rows, generation) = QuantizedFile::open(file)?;
                let view = rows.view(options.isa);
                let (last, of) = (view.rows() as i64 - 1, view.dim());
                Ok((rows, last, of, generation))
            });
            let rows = match read {
                None => None,
                Some(Ok((rows, last, of, generation))) => {
                    let known = digest(last)?.map(|d| stamp(reader, &d)).transpose()?;
                    let fits = of == dim && known == Some(generation);
                    if !fits {
                        rebuilt.push(format!("{name} is of another state of the store"));
                    }
                    fits.then_some(rows)
                }
                Some(Err(broken)) => {
                    rebuilt.push(format!("{name} cannot be used: {broken}"));
                    None
                }
            };
            Ok(VectorIndex::new(rows, dim, options.isa))
        };
        let row_digest = |number| Ok(reader.row_hash(number)?.map(|h| h.to_vec()));
        let mut rows = vectors(ROWS, &row_digest)?;
        let mut stories: VectorIndex = vectors(STORIES, &|number| reader.digest(number))?;
        let shingles = match files::read(folder, SHINGLES, Postings::open) {
            None => None,
            Some(Ok((read, generation))) => {
                let known =
                    reader.digest(i64::from(read.last_story()))?.map(|d| stamp(reader, &d)).transpose()?;
                if known != Some(generation) {
                    rebuilt.push(format!("{SHINGLES} is of another state of the store"));
                }
                (known == Some(generation)).then_some(read)
            }
            Some(Err(broken)) => {
                rebuilt.push(format!("{SHINGLES} cannot be used: {broken}"));
                None
            }
        };
        let mut shingles = shingles.unwrap_or_default();

        reader.row_vectors(rows.end() - 1, &mut |number, vector| rows.push(number, vector))?;
        let mut postings = Vec::new();
        let (of_files, of_shingles) = (stories.end(), i64::from(shingles.last_story()));
        // Numbers below this are in all files.
        let in_files = of_files.min(of_shingles + 1).max(1);
        let since = reader.story_numbers(in_files - 1)?;
        let saved = (reader.story_count()? as usize).saturating_sub(since.len());
        stories.remove(0);
        if saved as i64 != in_files - 1 {
            reader.missing_story_numbers(in_files)?.into_iter().for_each(|gap| stories.remove(gap));
        }
        let mut next = in_files;
        for number in since {
            (next..number).for_each(|gap| stories.remove(gap));
            next = number + 1;
            if number >= of_files {
                let mean = mean(reader, number, dim)?;
                stories.push(number, &mean);
            }
            if number > of_shingles
                && let Some(story) = reader.story(number)?
            {
                postings.push((number as u32, shingles_of(story, options)));
            }
        }
        if of_shingles == 0 {
            let last = postings.last().map_or(0, |p| p.0);
            let all = postings.into_iter().flat_map(|(n, of)| of.into_iter().map(move |s| (s, n)));
            shingles = Postings::new(all.collect(), last);
        } else {
            postings.iter().for_each(|(number, of)| shingles.push(*number, of));
        }
        Ok(Index { rows, stories, shingles, saved, rebuilt })
    }

    /// Adds a story that the store has now.
    pub fn push_story(&mut self, number: i64, searched: &SearchKeys) {
        self.stories.push(number, &searched.mean);
        self.shingles.push(number as u32, &searched.shingles);
    }

    /// Writes the files, if they are far behind the store.
    pub fn save(&mut self, store: &Store) -> Result<()> {
        let reader = store.reader();
        let all = reader.story_count()? as usize;
        let behind = all.saturating_sub(self.saved);
        if self.rebuilt.is_empty() && (behind < BEHIND_LEAST || behind * BEHIND < all) {
            return Ok(());
        }
        let folder = store.folder();
        // A file whose last item was removed would not be known again: it is written with what comes next.
        if let Some(hash) = reader.row_hash(self.rows.end() - 1)? {
            let generation = stamp(reader, &hash)?;
            files::write(folder, ROWS, |out| self.rows.write(generation, out))?;
        }
        if let Some(digest) = reader.digest(self.stories.end() - 1)? {
            let generation = stamp(reader, &digest)?;
            files::write(folder, STORIES, |out| self.stories.write(generation, out))?;
        }
        if let Some(digest) = reader.digest(i64::from(self.shingles.last_story()))? {
            let generation = stamp(reader, &digest)?;
            files::write(folder, SHINGLES, |out| self.shingles.write(generation, out))?;
        }
        self.saved = all;
        Ok(())
    }
}

/// The mean of a story's rows, as it is searched.
pub(super) fn mean(reader: Reader<'_>, number: i64, dim: usize) -> Result<Vec<f32>> {
    let mut rows = Vec::new();
    for passage in reader.passages(number)? {
        rows.extend(reader.vector(passage.row)?.filter(|v| v.len() == dim));
    }
    let mut mean = vec![0.0; dim];
    write_mean(rows.iter().map(|row| &row[..]), &mut mean);
    Ok(mean)
}

/// The shingles of a story that stands alone.
pub(super) fn shingles_of(story: Story, options: &SearchOptions) -> Vec<u64> {
    let corpus = Corpus::new(vec![story]);
    shingles(&corpus, StoryId(0), options.shingles.words)
}

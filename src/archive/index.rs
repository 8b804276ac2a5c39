//! What a store is searched by: vectors of rows and of stories, and rare runs of words.

use rayon::prelude::*;

use super::postings::Postings;
use crate::{
    Result, ingest,
    search::{SearchOptions, shingles, write_mean},
    store::{Store, View},
    story::{Story, StoryId},
    vector::dot,
};

/// Vectors by number; a number that is not used has zeros.
#[derive(Debug, Default)]
pub(super) struct Vectors {
    data: Vec<f32>,
    dim: usize,
}

impl Vectors {
    pub fn new(dim: usize) -> Self {
        Vectors { data: Vec::new(), dim }
    }

    /// Puts the vector of `number`, which is higher than all before.
    pub fn push(&mut self, number: i64, vector: &[f32]) {
        let at = number.max(0) as usize * self.dim;
        self.data.resize(at, 0.0);
        self.data.extend_from_slice(vector);
    }

    /// Takes the vector of `number` away.
    pub fn clear(&mut self, number: i64) {
        let at = number.max(0) as usize * self.dim;
        if let Some(vector) = self.data.get_mut(at..at + self.dim) {
            vector.fill(0.0);
        }
    }

    /// For each query all numbers with at least this score, ascending.
    pub fn above(&self, queries: &[&[f32]], floor: f32) -> Vec<Vec<(i64, f32)>> {
        let near = |query: &&[f32]| {
            let scores = self.data.chunks_exact(self.dim.max(1)).zip(0..).map(|(v, n)| (n, dot(query, v)));
            scores.filter(|(_, score)| *score >= floor).collect()
        };
        queries.par_iter().map(near).collect()
    }

    /// For each query the `k` numbers with the highest scores above `floor`, the highest first.
    pub fn nearest(&self, queries: &[&[f32]], k: usize, floor: f32) -> Vec<Vec<(i64, f32)>> {
        let mut found = self.above(queries, floor);
        for near in &mut found {
            near.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
            near.truncate(k);
        }
        found
    }
}

/// All that a store is searched by.
#[derive(Debug)]
pub(super) struct Index {
    pub rows: Vectors,
    pub stories: Vectors,
    pub shingles: Postings,
}

/// What is searched of one story.
pub(super) struct Searched {
    pub mean: Vec<f32>,
    pub shingles: Vec<u64>,
}

impl Index {
    /// Reads it from a store.
    pub fn read(store: &Store, options: &SearchOptions) -> Result<Self> {
        let (view, dim) = (store.view(), store.identity().dim);
        let mut index =
            Index { rows: Vectors::new(dim), stories: Vectors::new(dim), shingles: Postings::default() };
        view.row_vectors(0, &mut |number, vector| {
            if vector.len() == dim {
                index.rows.push(number, vector);
            }
        })?;
        let mut postings = Vec::new();
        for number in view.numbers(0)? {
            let Some(story) = view.story(number)? else { continue };
            let mean = index.mean(view, number)?;
            index.stories.push(number, &mean);
            let shingles = shingles_of(story, options);
            postings.extend(shingles.into_iter().map(|s| (s, number as u32)));
        }
        index.shingles = Postings::new(postings);
        Ok(index)
    }

    fn mean(&self, view: View<'_>, number: i64) -> Result<Vec<f32>> {
        let dim = self.rows.dim;
        let passages = view.passages(number)?;
        let mut mean = vec![0.0; dim];
        let rows = passages.iter().filter_map(|p| {
            let at = p.row.max(0) as usize * dim;
            self.rows.data.get(at..at + dim)
        });
        write_mean(rows, &mut mean);
        Ok(mean)
    }

    /// Adds a story that the store has now.
    pub fn push_story(&mut self, number: i64, searched: &Searched) {
        self.stories.push(number, &searched.mean);
        self.shingles.push(number as u32, &searched.shingles);
    }

    /// Takes a story out that the store no longer has.
    pub fn remove_story(&mut self, number: i64) {
        self.stories.clear(number);
    }
}

/// The shingles of a story that stands alone.
pub(super) fn shingles_of(story: Story, options: &SearchOptions) -> Vec<u64> {
    let corpus = ingest::corpus(vec![story]);
    shingles(&corpus, StoryId(0), options.shingles.words)
}

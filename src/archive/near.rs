//! The stories of a store that a look-up has to look at: those near as a whole, and those with a passage near one asked.

use std::collections::BTreeSet;

use super::{Archive, Judge, Known, index::mean, working::Working};
use crate::{
    Result,
    search::{Want, write_mean},
    story::{Corpus, StoryId},
    vector::Matrix,
};

/// Stories that are near as a whole.
const STORIES: usize = 400;

/// Rows near each passage that is asked.
const ROWS: usize = 100;

impl Archive {
    /// The stories near to the first story of `asked`, and the vectors of their rows. `vectors` has those of `asked`.
    pub fn near(&self, asked: &Corpus, vectors: &Matrix) -> Result<(Corpus, Matrix)> {
        let Judge { index, boilerplate, dim, .. } = &self.judge;
        let view = self.store.view();
        let mut whole = vec![0.0; *dim];
        let rows: Vec<&[f32]> = asked.story_rows(StoryId(0)).map(|row| vectors.row(row.index())).collect();
        write_mean(rows.iter().copied(), &mut whole);
        let near = index
            .stories
            .look_up(&[&whole], Want::Nearest(STORIES), &mut |number| mean(view, number, *dim).map(Some))?;
        let mut found: BTreeSet<i64> = near.into_iter().flatten().map(|(number, _)| number).collect();
        let near = index.rows.look_up(&rows, Want::Nearest(ROWS), &mut |number| view.vector(number))?;
        for (row, _) in near.into_iter().flatten() {
            found.extend(view.carriers(row, ROWS)?);
        }
        let mut working = Working::new(view, boilerplate, *dim);
        for number in found {
            working.take(number)?;
        }
        let vectors = working.vectors();
        let Working { corpus, .. } = working;
        Ok((corpus, vectors))
    }

    /// How rare words are in the store.
    pub fn frequencies(&self) -> Result<Known<'_>> {
        Known::new(&self.judge.words, self.store.view())
    }
}

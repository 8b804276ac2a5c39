//! The nearest stories of each story, by the mean of their passages' vectors: candidates for `related`.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    SearchOptions,
    exact::{Against, Collect, scan},
};
use crate::{
    Result,
    device::Hit,
    progress::Progress,
    story::{Corpus, StoryId},
    vector::{Matrix, dot, normalize},
};

/// Pairs `a < b` in order: each story with its nearest above the floor, as many as the options say.
pub(super) fn neighbours(
    corpus: &Corpus,
    vectors: &Matrix,
    options: &SearchOptions,
    progress: &dyn Progress,
) -> Result<Vec<(StoryId, StoryId)>> {
    let stories = means(corpus, vectors);
    if stories.rows() < 2 {
        return Ok(Vec::new());
    }
    let collect = Nearest { stories: &stories, k: options.story_neighbours, floor: options.story_floor };
    let mut blocks = scan(&stories, options.story_floor, Against::All, options.path, &collect, progress)?;
    let pairs = |block: &mut Block| {
        let first = block.first;
        let near = block.rows.iter_mut().enumerate().flat_map(|(i, row)| {
            collect.prune(row);
            row.near.iter().map(move |n| ((first + i) as u32, n.story))
        });
        near.map(|(a, b)| (StoryId(a.min(b)), StoryId(a.max(b)))).collect::<Vec<_>>()
    };
    let mut pairs = blocks.par_iter_mut().map(pairs).collect::<Vec<_>>().concat();
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs)
}

/// The nearest stories by exact score.
struct Nearest<'a> {
    stories: &'a Matrix,
    k: usize,
    floor: f32,
}

struct Block {
    first: usize,
    rows: Vec<Row>,
}

struct Row {
    near: Vec<Near>,
    /// What is below this score is not among the nearest.
    least: f32,
}

struct Near {
    score: f32,
    story: u32,
}

impl Nearest<'_> {
    fn prune(&self, Row { near, least }: &mut Row) {
        near.sort_unstable_by(|x, y| y.score.total_cmp(&x.score).then(x.story.cmp(&y.story)));
        near.truncate(self.k);
        if near.len() == self.k {
            *least = near.last().map_or(f32::INFINITY, |n| n.score);
        }
    }
}

impl Collect for Nearest<'_> {
    type Block = Block;

    fn start(&self, rows: Range<usize>) -> Block {
        let empty = |_| Row { near: Vec::new(), least: self.floor };
        Block { first: rows.start, rows: rows.map(empty).collect() }
    }

    fn take(&self, block: &mut Block, hits: &[Hit]) {
        for hit in hits {
            let row = &mut block.rows[hit.row as usize - block.first];
            if hit.score < row.least {
                continue;
            }
            let score = dot(self.stories.row(hit.row as usize), self.stories.row(hit.column as usize));
            if score >= row.least {
                row.near.push(Near { score, story: hit.column });
            }
            if row.near.len() >= 4 * self.k.max(1) {
                self.prune(row);
            }
        }
    }
}

/// One unit vector a story: the mean of its rows; zeros for a story without any.
fn means(corpus: &Corpus, vectors: &Matrix) -> Matrix {
    let mut means = Matrix::zeros(corpus.stories.len(), vectors.dim());
    for i in 0..corpus.stories.len() {
        let rows = corpus.story_rows(StoryId(i as u32)).map(|row| vectors.row(row.index()));
        write_mean(rows, means.row_mut(i));
    }
    means
}

/// The mean of `rows` as a unit vector; zeros if there are none.
pub fn write_mean<'r>(rows: impl Iterator<Item = &'r [f32]>, mean: &mut [f32]) {
    mean.fill(0.0);
    rows.for_each(|row| mean.iter_mut().zip(row).for_each(|(s, x)| *s += x));
    normalize(mean);
}

//! The nearest stories of each story, by the mean of their passages' vectors: candidates for `related`.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    SearchOptions,
    exact::{Against, Collect, scan},
    tensor,
};
use crate::{
    Result,
    device::Hit,
    progress::Progress,
    story::{Corpus, RowId, StoryId},
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
    let floor = options.story_floor;
    // One more: a story is the nearest to itself, or one of its copies is.
    let k = options.story_neighbours + 1;
    let on_gpu = |t: &tensor::TensorSearch| t.top_k(&stories, &stories, k, floor, progress);
    let mut pairs: Vec<(StoryId, StoryId)> = match tensor::or_cpu(options.tensors.as_ref(), progress, on_gpu)?
    {
        Some((nearest, _)) => {
            let of_story = |(a, near): (usize, Vec<(RowId, f32)>)| {
                let others = near.into_iter().map(|(b, _)| b.index()).filter(move |b| *b != a);
                others.take(options.story_neighbours).map(move |b| in_order(a as u32, b as u32))
            };
            nearest.into_iter().enumerate().flat_map(of_story).collect()
        }
        None => {
            let nearest = nearest(&stories, None, options, progress)?;
            nearest.into_par_iter().map(|(a, b, _)| in_order(a, b)).collect()
        }
    };
    pairs.par_sort_unstable();
    pairs.dedup();
    Ok(pairs)
}

fn in_order(a: u32, b: u32) -> (StoryId, StoryId) {
    (StoryId(a.min(b)), StoryId(a.max(b)))
}

/// Each of `stories` with its nearest above the floor, as many as the options say, and their scores: by score, then by
/// number. With a `split`, the nearest of those on its other side alone.
pub fn nearest(
    stories: &Matrix,
    split: Option<usize>,
    options: &SearchOptions,
    progress: &dyn Progress,
) -> Result<Vec<(u32, u32, f32)>> {
    if stories.rows() < 2 {
        return Ok(Vec::new());
    }
    let collect = Nearest { stories, k: options.story_neighbours, floor: options.story_floor };
    let against = split.map_or(Against::All, Against::Across);
    let mut blocks = scan(stories, options.story_floor, against, options.path, &collect, progress)?;
    let of_block = |block: &mut Block| {
        let first = block.first;
        let near = block.rows.iter_mut().enumerate().flat_map(|(i, row)| {
            collect.prune(row);
            row.near.iter().map(move |n| ((first + i) as u32, n.story, n.score))
        });
        near.collect::<Vec<_>>()
    };
    Ok(blocks.par_iter_mut().map(of_block).collect::<Vec<_>>().concat())
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

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::{
        super::{TensorSearch, candidates, tests::clustered},
        *,
    };
    use crate::{ingest, progress::Silent, story::Story};

    #[test]
    fn a_gpu_brings_the_same_candidates() {
        let story = |i: usize| Story {
            id: i.to_string(),
            text: format!("Shop {i} opens its doors to the people of town {} today.", i * 7),
            ..Story::default()
        };
        let corpus = ingest::corpus((0..300).map(story).collect());
        let rows = clustered(corpus.rows.len(), 24, 3);
        let on_cpu = SearchOptions { story_neighbours: 3, ..SearchOptions::default() };
        let tensors = Some(TensorSearch::new(Device::Cpu, DType::F16));
        let on_gpu = SearchOptions { tensors, ..on_cpu.clone() };
        let expect = candidates(&corpus, &rows, &on_cpu, &Silent).unwrap();
        let found = candidates(&corpus, &rows, &on_gpu, &Silent).unwrap();
        assert!(found.report.by_rows > 0 && found.report.by_stories > 0, "{}", found.report);
        assert_eq!(found.pairs, expect.pairs);
        assert!(
            found.report.index.starts_with("exact self-join on candle f16 (auto"),
            "{}",
            found.report.index
        );
    }
}

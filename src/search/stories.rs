//! The nearest stories of each story, by the mean of their passages' vectors: candidates for `related`.

use rayon::prelude::*;

use super::SearchOptions;
use crate::{
    Error, Result,
    device::score_block,
    progress::Progress,
    story::{Corpus, StoryId},
    vector::{Matrix, normalize},
};

/// Stories scored at once.
const BLOCK: usize = 128;

/// Pairs `a < b` in order: each story with its nearest above the floor, as many as the options say.
pub(super) fn neighbours(
    corpus: &Corpus,
    vectors: &Matrix,
    options: &SearchOptions,
    progress: &dyn Progress,
) -> Result<Vec<(StoryId, StoryId)>> {
    let stories = means(corpus, vectors);
    let (n, dim) = (stories.rows(), stories.dim());
    if n < 2 {
        return Ok(Vec::new());
    }
    let slice = |block: usize| &stories.as_slice()[block * BLOCK * dim..((block + 1) * BLOCK).min(n) * dim];
    let blocks = n.div_ceil(BLOCK);
    let near = |i: usize| {
        let mut best: Vec<Vec<(f32, u32)>> = vec![Vec::new(); slice(i).len() / dim];
        let mut scores = vec![0.0; BLOCK * BLOCK];
        for j in 0..blocks {
            if progress.cancelled() {
                break;
            }
            let columns = slice(j).len() / dim;
            let scores = &mut scores[..best.len() * columns];
            score_block(options.path, slice(i), slice(j), dim, scores);
            for (a, line) in scores.chunks_exact(columns).enumerate() {
                for (b, &score) in line.iter().enumerate() {
                    let (own, other) = (i * BLOCK + a, j * BLOCK + b);
                    if score >= options.story_floor && own != other {
                        best[a].push((score, other as u32));
                    }
                }
                if best[a].len() > 8 * options.story_neighbours {
                    keep_nearest(&mut best[a], options.story_neighbours);
                }
            }
        }
        best.iter_mut().for_each(|b| keep_nearest(b, options.story_neighbours));
        let pair = |a: usize, b: u32| (StoryId((i * BLOCK + a) as u32), StoryId(b));
        let all = best.iter().enumerate().flat_map(|(a, near)| near.iter().map(move |&(_, b)| pair(a, b)));
        all.map(|(a, b)| (a.min(b), a.max(b))).collect::<Vec<_>>()
    };
    let mut pairs = (0..blocks).into_par_iter().map(near).collect::<Vec<_>>().concat();
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs)
}

fn keep_nearest(near: &mut Vec<(f32, u32)>, k: usize) {
    near.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    near.truncate(k);
}

/// One unit vector a story: the mean of its rows; zeros for a story without any.
fn means(corpus: &Corpus, vectors: &Matrix) -> Matrix {
    let mut means = Matrix::zeros(corpus.stories.len(), vectors.dim());
    for i in 0..corpus.stories.len() {
        for row in corpus.story_rows(StoryId(i as u32)) {
            let sum = means.row_mut(i);
            sum.iter_mut().zip(vectors.row(row.index())).for_each(|(s, x)| *s += x);
        }
        normalize(means.row_mut(i));
    }
    means
}

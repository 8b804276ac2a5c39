//! The nearest stories of each story, by the mean of their passages' vectors: candidates for `related`.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

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
    let found = Nearest::new(stories, options);
    let against = split.map_or(Against::Later, Against::From);
    scan(stories, options.story_floor, against, options.isa, &found, progress)?;
    Ok(found.into_all())
}

/// The nearest stories by exact score. A pair is scored once, for both of its stories.
struct Nearest<'a> {
    stories: &'a Matrix,
    k: usize,
    rows: Vec<Row>,
}

struct Row {
    near: Mutex<Vec<Near>>,
    /// The bits of a score: what is below it is not among the nearest. It only rises, so one that was read too early
    /// lets more pass and changes nothing.
    least: AtomicU32,
}

struct Near {
    score: f32,
    story: u32,
}

impl<'a> Nearest<'a> {
    fn new(stories: &'a Matrix, options: &SearchOptions) -> Self {
        let row = |_| Row { near: Mutex::default(), least: AtomicU32::new(options.story_floor.to_bits()) };
        Nearest { stories, k: options.story_neighbours, rows: (0..stories.rows()).map(row).collect() }
    }

    /// Whether `score` may be among the nearest of `story`.
    fn may_be_near(&self, story: u32, score: f32) -> bool {
        score >= f32::from_bits(self.rows[story as usize].least.load(Ordering::Relaxed))
    }

    fn add(&self, story: u32, other: Near) {
        let row = &self.rows[story as usize];
        let mut near = row.near.lock().unwrap_or_else(PoisonError::into_inner);
        near.push(other);
        if near.len() >= 4 * self.k.max(1) {
            prune(&mut near, self.k);
            let least = near.last().map_or(f32::INFINITY, |n| n.score);
            row.least.store(least.to_bits(), Ordering::Relaxed);
        }
    }

    /// Each story with its nearest and their scores, in order.
    fn into_all(self) -> Vec<(u32, u32, f32)> {
        let of_row = |(story, row): (usize, Row)| {
            let mut near = row.near.into_inner().unwrap_or_else(PoisonError::into_inner);
            prune(&mut near, self.k);
            near.into_iter().map(move |n| (story as u32, n.story, n.score)).collect::<Vec<_>>()
        };
        self.rows.into_par_iter().enumerate().flat_map_iter(of_row).collect()
    }
}

/// Leaves the `k` nearest, by score, then by number.
fn prune(near: &mut Vec<Near>, k: usize) {
    near.sort_unstable_by(|x, y| y.score.total_cmp(&x.score).then(x.story.cmp(&y.story)));
    near.truncate(k);
}

impl Collect for Nearest<'_> {
    type Block = ();

    fn start(&self, _: Range<usize>) {}

    fn take(&self, (): &mut (), hits: &[Hit]) {
        for hit in hits {
            let ends = [(hit.row, hit.column), (hit.column, hit.row)];
            if !ends.iter().any(|(story, _)| self.may_be_near(*story, hit.score)) {
                continue;
            }
            let score = dot(self.stories.row(hit.row as usize), self.stories.row(hit.column as usize));
            for (story, other) in ends {
                if self.may_be_near(story, score) {
                    self.add(story, Near { score, story: other });
                }
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
    use crate::{progress::NoProgress, story::Story};

    #[test]
    fn a_gpu_brings_the_same_candidates() {
        let story = |i: usize| Story {
            id: i.to_string(),
            text: format!("Shop {i} opens its doors to the people of town {} today.", i * 7),
            ..Story::default()
        };
        let corpus = Corpus::new((0..300).map(story).collect());
        let rows = clustered(corpus.rows.len(), 24, 3);
        let on_cpu = SearchOptions { story_neighbours: 3, ..SearchOptions::default() };
        let tensors = Some(TensorSearch::new(Device::Cpu, DType::F16));
        let on_gpu = SearchOptions { tensors, ..on_cpu.clone() };
        let expect = candidates(&corpus, &rows, &on_cpu, &NoProgress).unwrap();
        let found = candidates(&corpus, &rows, &on_gpu, &NoProgress).unwrap();
        assert!(found.report.by_rows > 0 && found.report.by_stories > 0, "{}", found.report);
        assert_eq!(found.pairs, expect.pairs);
        assert!(
            found.report.index.starts_with("exact self-join on candle f16 (auto"),
            "{}",
            found.report.index
        );
    }
}

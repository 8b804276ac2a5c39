//! The nearest stories of each story by the mean vectors of their rows: candidates for `related`.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use rayon::prelude::*;

use super::{
    exact::{HitCollector, PairScope, scan},
    options::SearchOptions,
    tensor::{self, TensorSearch},
};
use crate::{
    Result,
    device::Hit,
    progress::Progress,
    story::{Corpus, RowId, StoryId},
    vector::{Matrix, dot, normalize},
};

/// Pairs `a < b`, in order: each story with its nearest above the floor, limited as `options` says.
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
    // One more, since the nearest is the story itself or one of its copies.
    let k = options.story_neighbours + 1;
    let on_gpu = |t: &TensorSearch| t.top_k(&stories, &stories, k, floor, progress);
    let mut pairs: Vec<(StoryId, StoryId)> =
        match tensor::search_on_gpu(options.tensors.as_ref(), progress, on_gpu)? {
            Some((nearest, _)) => {
                let of_story = |(a, neighbours): (usize, Vec<(RowId, f32)>)| {
                    let others = neighbours.into_iter().map(|(b, _)| b.index()).filter(move |b| *b != a);
                    others.take(options.story_neighbours).map(move |b| in_order(a as u32, b as u32))
                };
                nearest.into_iter().enumerate().flat_map(of_story).collect()
            }
            None => {
                let nearest = nearest_stories(&stories, None, options, progress)?;
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

/// Each of `stories` (unit vectors) with its nearest above the floor, limited as `options` says, and their scores: by
/// story, then by score, then by number. With a `split`, only stories on the other side of it are neighbours.
///
/// # Errors
/// [`crate::Error::Interrupted`] if `progress` is cancelled.
pub fn nearest_stories(
    stories: &Matrix,
    split: Option<usize>,
    options: &SearchOptions,
    progress: &dyn Progress,
) -> Result<Vec<(u32, u32, f32)>> {
    if stories.rows() < 2 {
        return Ok(Vec::new());
    }
    let collector = NearestCollector::new(stories, options);
    let scope = split.map_or(PairScope::All, PairScope::Across);
    scan(stories, options.story_floor, scope, options.isa, &collector, progress)?;
    Ok(collector.into_all())
}

/// Collects the nearest stories by exact score. A pair is scored once for both of its stories.
struct NearestCollector<'a> {
    stories: &'a Matrix,
    k: usize,
    neighbours: Vec<NeighbourList>,
}

struct NeighbourList {
    nearest: Mutex<Vec<Neighbour>>,
    /// The bits of the score below which a story is not among the nearest. It only rises, so a stale value admits more and
    /// changes no result.
    floor: AtomicU32,
}

struct Neighbour {
    score: f32,
    story: u32,
}

impl<'a> NearestCollector<'a> {
    fn new(stories: &'a Matrix, options: &SearchOptions) -> Self {
        let list = |_| NeighbourList {
            nearest: Mutex::default(),
            floor: AtomicU32::new(options.story_floor.to_bits()),
        };
        NearestCollector {
            stories,
            k: options.story_neighbours,
            neighbours: (0..stories.rows()).map(list).collect(),
        }
    }

    /// Whether `score` may be among the nearest of `story`.
    fn may_be_nearest(&self, story: u32, score: f32) -> bool {
        score >= f32::from_bits(self.neighbours[story as usize].floor.load(Ordering::Relaxed))
    }

    fn insert(&self, story: u32, other: Neighbour) {
        let list = &self.neighbours[story as usize];
        let mut neighbours = list.nearest.lock().unwrap_or_else(PoisonError::into_inner);
        neighbours.push(other);
        if neighbours.len() >= 4 * self.k.max(1) {
            prune(&mut neighbours, self.k);
            let floor = neighbours.last().map_or(f32::INFINITY, |n| n.score);
            list.floor.store(floor.to_bits(), Ordering::Relaxed);
        }
    }

    /// Each story with its nearest and their scores, by story, then by score.
    fn into_all(self) -> Vec<(u32, u32, f32)> {
        let of_story = |(story, list): (usize, NeighbourList)| {
            let mut neighbours = list.nearest.into_inner().unwrap_or_else(PoisonError::into_inner);
            prune(&mut neighbours, self.k);
            neighbours.into_iter().map(move |n| (story as u32, n.story, n.score)).collect::<Vec<_>>()
        };
        self.neighbours.into_par_iter().enumerate().flat_map_iter(of_story).collect()
    }
}

/// Keeps the `k` nearest, by score, then by number.
fn prune(neighbours: &mut Vec<Neighbour>, k: usize) {
    neighbours.sort_unstable_by(|x, y| y.score.total_cmp(&x.score).then(x.story.cmp(&y.story)));
    neighbours.truncate(k);
}

impl HitCollector for NearestCollector<'_> {
    type Block = ();

    fn start(&self, _: Range<usize>) {}

    fn add(&self, (): &mut (), hits: &[Hit]) {
        for hit in hits {
            let ends = [(hit.row, hit.column), (hit.column, hit.row)];
            if !ends.iter().any(|(story, _)| self.may_be_nearest(*story, hit.score)) {
                continue;
            }
            let score = dot(self.stories.row(hit.row as usize), self.stories.row(hit.column as usize));
            for (story, other) in ends {
                if self.may_be_nearest(story, score) {
                    self.insert(story, Neighbour { score, story: other });
                }
            }
        }
    }
}

/// One unit vector per story, the mean of its rows; zeros for a story without rows.
fn means(corpus: &Corpus, vectors: &Matrix) -> Matrix {
    let mut means = Matrix::zeros(corpus.stories.len(), vectors.dim());
    for i in 0..corpus.stories.len() {
        let rows = corpus.story_rows(StoryId(i as u32)).map(|row| vectors.row(row.index()));
        write_mean(rows, means.row_mut(i));
    }
    means
}

/// Writes the mean of `rows`, scaled to unit length, to `mean`; zeros if there are no rows.
pub fn write_mean<'r>(rows: impl Iterator<Item = &'r [f32]>, mean: &mut [f32]) {
    mean.fill(0.0);
    rows.for_each(|row| mean.iter_mut().zip(row).for_each(|(s, x)| *s += x));
    normalize(mean);
}

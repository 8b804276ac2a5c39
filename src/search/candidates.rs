//! Candidate pairs of stories, collected from three channels: neighbouring rows, rare shingles, story vectors.

use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    exact::self_join,
    options::{CROSSOVER, IndexChoice, SearchOptions},
    pairs::{RowPair, StoryPair},
    shingles, stories,
    tensor::{self, TensorSearch},
};
#[cfg(feature = "graph")]
use super::{
    graph::{GraphOptions, HnswOptions},
    hnsw::HnswIndex,
};
use crate::{
    Result,
    progress::Progress,
    story::{Corpus, RowId, StoryId},
    vector::Matrix,
};

/// The candidate pairs of a corpus.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// In order of `(a, b)`.
    pub pairs: Vec<StoryPair>,
    /// How they were found.
    pub report: SearchReport,
}

/// Counts and recall of a search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchReport {
    /// The index that was used, and the reason.
    pub index: String,
    /// Row pairs above the floor.
    pub row_pairs: u64,
    /// Candidates of the row channel.
    pub by_rows: u64,
    /// Candidates of the shingle channel.
    pub by_shingles: u64,
    /// Candidates of the story-vector channel.
    pub by_stories: u64,
    /// Candidates of one channel only: rows, shingles, story vectors.
    pub alone: [u64; 3],
    /// Rows that occur in too many stories to make pairs.
    pub common_rows: u64,
    /// Shingles that occur in too many stories.
    pub common_shingles: u64,
    /// Share of the row pairs above the floor that were found, in [0, 1].
    pub recall: f64,
    /// How the recall was measured.
    pub recall_how: String,
}

impl fmt::Display for SearchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {} row pairs, ", self.index, self.row_pairs)?;
        write!(f, "candidates by rows {} ({} alone), ", self.by_rows, self.alone[0])?;
        write!(f, "by shingles {} ({} alone), ", self.by_shingles, self.alone[1])?;
        write!(f, "by story {} ({} alone)", self.by_stories, self.alone[2])?;
        if self.common_rows > 0 {
            write!(f, "; {} rows in too many stories left out", self.common_rows)?;
        }
        Ok(())
    }
}

/// The source of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Rows,
    Shingles,
    Stories,
}

/// Finds candidate pairs of stories. `vectors` holds one unit vector for each row of `corpus`.
///
/// # Errors
/// [`crate::Error::Interrupted`] if `progress` is cancelled; [`crate::Error::Compute`] if a GPU fails.
pub fn candidates(
    corpus: &Corpus,
    vectors: &Matrix,
    options: &SearchOptions,
    progress: &dyn Progress,
) -> Result<Candidates> {
    let mut report = SearchReport::default();
    let neighbours = neighbours(vectors, options, &mut report, progress)?;
    report.row_pairs = neighbours.len() as u64;

    let occurrences = corpus.occurrences();
    report.common_rows = occurrences.iter().filter(|c| c.len() > options.max_occurrences).count() as u64;
    let is_rare = |row: RowId| occurrences[row.index()].len() <= options.max_occurrences;
    let mut found: Vec<StoryPair> = Vec::new();
    let mut add = |a: StoryId, b: StoryId, cosine, channel: Channel| {
        if a != b {
            found.push(StoryPair {
                a: a.min(b),
                b: a.max(b),
                cosine,
                by_rows: channel == Channel::Rows,
                by_shingles: channel == Channel::Shingles,
                by_stories: channel == Channel::Stories,
            });
        }
    };
    for stories in occurrences.iter().filter(|c| c.len() <= options.max_occurrences) {
        for (i, &a) in stories.iter().enumerate() {
            stories[i + 1..].iter().for_each(|&b| add(a, b, 1.0, Channel::Rows));
        }
    }
    for pair in neighbours.iter().filter(|p| is_rare(p.a) && is_rare(p.b)) {
        for &a in &occurrences[pair.a.index()] {
            occurrences[pair.b.index()].iter().for_each(|&b| add(a, b, pair.score.min(1.0), Channel::Rows));
        }
    }
    let (shared, common) = shingles::pairs(corpus, &options.shingles);
    report.common_shingles = common;
    shared.into_iter().for_each(|(a, b)| add(a, b, 0.0, Channel::Shingles));
    let related = stories::neighbours(corpus, vectors, options, progress)?;
    related.into_iter().for_each(|(a, b)| add(a, b, 0.0, Channel::Stories));

    let pairs = merge_channels(found);
    count_channels(&pairs, &mut report);
    Ok(Candidates { pairs, report })
}

/// Each pair once, with its highest cosine and all of its channels, in order.
fn merge_channels(mut found: Vec<StoryPair>) -> Vec<StoryPair> {
    found.par_sort_unstable_by(|x, y| (x.a, x.b).cmp(&(y.a, y.b)).then(y.cosine.total_cmp(&x.cosine)));
    let mut pairs: Vec<StoryPair> = Vec::new();
    for pair in found {
        match pairs.last_mut() {
            Some(last) if (last.a, last.b) == (pair.a, pair.b) => {
                last.by_rows |= pair.by_rows;
                last.by_shingles |= pair.by_shingles;
                last.by_stories |= pair.by_stories;
            }
            _ => pairs.push(pair),
        }
    }
    pairs
}

fn count_channels(pairs: &[StoryPair], report: &mut SearchReport) {
    for p in pairs {
        let channels = [p.by_rows, p.by_shingles, p.by_stories];
        let counts = [&mut report.by_rows, &mut report.by_shingles, &mut report.by_stories];
        counts.into_iter().zip(channels).for_each(|(count, by)| *count += u64::from(by));
        let alone = channels.iter().filter(|by| **by).count() == 1;
        report.alone.iter_mut().zip(channels).for_each(|(count, by)| *count += u64::from(by && alone));
    }
}

fn neighbours(
    vectors: &Matrix,
    options: &SearchOptions,
    report: &mut SearchReport,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    let n = vectors.rows();
    let exact = match options.index {
        IndexChoice::Auto => n <= CROSSOVER || cfg!(not(feature = "graph")),
        choice => choice == IndexChoice::Exact,
    };
    let reason = match options.index {
        IndexChoice::Auto if exact => format!("auto: {n} rows are within {CROSSOVER}"),
        IndexChoice::Auto => format!("auto: {n} rows are more than {CROSSOVER}"),
        _ => "as requested".into(),
    };
    if exact {
        report.recall = 1.0;
        report.recall_how = "all pairs were compared".into();
        let on_gpu = |tensors: &TensorSearch| tensors.self_join(vectors, options.row_floor, progress);
        if let Some((pairs, device)) = tensor::search_on_gpu(options.tensors.as_ref(), progress, on_gpu)? {
            report.index = format!("exact self-join on {device} ({reason})");
            return Ok(pairs);
        }
        report.index = format!("exact self-join ({reason})");
        return self_join(vectors, options.row_floor, options.isa, progress);
    }
    #[cfg(feature = "graph")]
    return join_by_graph(vectors, options, &reason, report, progress);
    #[cfg(not(feature = "graph"))]
    unreachable!("without a graph every join is exact");
}

#[cfg(feature = "graph")]
fn join_by_graph(
    vectors: &Matrix,
    options: &SearchOptions,
    reason: &str,
    report: &mut SearchReport,
    progress: &dyn Progress,
) -> Result<Vec<RowPair>> {
    let index = HnswIndex::build(vectors, options.hnsw, options.isa, progress)?;
    let joined = index.self_join(options.row_floor, progress)?;
    let HnswOptions { graph: GraphOptions { m, ef_construction }, ef_search } = options.hnsw;
    report.index =
        format!("HNSW m {m}, ef {ef_construction}/{ef_search} ({reason}), {} orphan rows", joined.orphans);
    if joined.truncated > 0 {
        report.index += &format!(", {} rows with more neighbours than were searched for", joined.truncated);
    }
    (report.recall, report.recall_how) = measure_recall(vectors, &joined.pairs, options.row_floor);
    Ok(joined.pairs)
}

/// Rows that recall is measured on.
#[cfg(feature = "graph")]
const SAMPLE: usize = 500;

/// The share of the exact neighbours above `floor` that `pairs` holds, on evenly spaced rows.
#[cfg(feature = "graph")]
pub(super) fn measure_recall(vectors: &Matrix, pairs: &[RowPair], floor: f32) -> (f64, String) {
    use crate::vector::dot;

    let n = vectors.rows();
    let step = n.div_ceil(SAMPLE).max(1);
    let sample: Vec<usize> = (0..n).step_by(step).collect();
    let counts: Vec<(u64, u64)> = sample
        .par_iter()
        .map(|&a| {
            let mut counts = (0, 0);
            for b in (0..n).filter(|&b| b != a && dot(vectors.row(a), vectors.row(b)) >= floor) {
                let key = (RowId(a.min(b) as u32), RowId(a.max(b) as u32));
                counts.0 += 1;
                counts.1 += u64::from(pairs.binary_search_by_key(&key, |p| (p.a, p.b)).is_ok());
            }
            counts
        })
        .collect();
    let (all, found) = counts.iter().fold((0, 0), |(a, f), c| (a + c.0, f + c.1));
    let recall = if all == 0 { 1.0 } else { found as f64 / all as f64 };
    (recall, format!("checked by exact search for {} rows with {all} neighbours", sample.len()))
}

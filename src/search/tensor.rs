//! Exact search on candle tensors: the same pairs as [`super::self_join`], from tiles of scores that stay on a GPU.
//!
//! A tile is folded (the maximum of its upper and its lower half, repeatedly) until one value stands for [`FOLD`] rows and
//! one column. Only the folded values are copied back, and the rows of those that pass the floor are rescored by [`dot`],
//! so scores are the same to the bit as on the CPU. The floor of the first pass is lowered by the largest error of the
//! device's numbers, so nothing is missed.
//!
//! ```text
//! tile       rows r, r + G, r + 2G, … of a block against column c          G = rows of the block / FOLD
//! folded     row r is their highest score                                 each fold is one pass over contiguous halves
//! ```

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use super::pairs::RowPair;
use crate::{
    Error, Result,
    device::{Gpu, compute_error},
    progress::{Progress, Stage},
    story::RowId,
    vector::{Matrix, dot},
};

/// Rows that one folded value stands for. A larger fold copies less back and rescores more. Chosen, not measured.
const FOLD: usize = 32;

/// Rows and columns of a tile: 128 MiB of f16. Chosen, not measured. A power of two times [`FOLD`].
const TILE: usize = 8192;

/// The search on a candle device.
#[derive(Debug, Clone)]
pub struct TensorSearch {
    device: Device,
    dtype: DType,
    name: String,
    tile: usize,
}

/// Rows on the device, in blocks; the last block is padded with zeros to whole folds.
struct Blocks<'a> {
    rows: &'a Matrix,
    tile: usize,
    tensors: Vec<Tensor>,
}

/// Rows that share a folded value.
#[derive(Clone, Copy)]
struct Fold {
    highest: f32,
    first: u32,
    step: u32,
    /// Whether padding may have contributed to `highest`.
    padded: bool,
}

/// The k nearest rows with a score of at least `floor`.
#[derive(Clone, Copy)]
struct TopK {
    k: usize,
    floor: f32,
}

/// The folds that may hold one of the nearest rows of a query.
#[derive(Clone)]
struct Nearest {
    folds: Vec<Fold>,
    /// At least k folds have values of at least this.
    floor: f32,
}

impl TensorSearch {
    /// Search on `gpu`, in f16.
    pub fn on_gpu(gpu: &Gpu) -> Self {
        TensorSearch { name: gpu.name.to_string(), ..Self::new(gpu.device.clone(), DType::F16) }
    }

    /// Search on any device, in f32, f16 or bf16; candle's CPU backend cannot multiply bf16.
    pub fn new(device: Device, dtype: DType) -> Self {
        TensorSearch { device, dtype, name: "candle".into(), tile: TILE }
    }

    /// The device and its number type, for reports.
    pub fn describe(&self) -> String {
        format!("{} {}", self.name, self.dtype.as_str())
    }

    /// All pairs of rows with a score of at least `floor`, `a < b`, in order. Rows are unit vectors or zeros.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the device does not hold the rows, [`Error::Compute`] if it fails,
    /// [`Error::Interrupted`] if `progress` is cancelled.
    pub fn self_join(&self, rows: &Matrix, floor: f32, progress: &dyn Progress) -> Result<Vec<RowPair>> {
        if rows.rows() < 2 {
            return Ok(Vec::new());
        }
        self.with_shrinking_tiles(progress, |tile| self.join(&self.upload(rows, tile)?, floor, progress))
    }

    /// For each row of `queries` the `k` nearest of `rows` with a score of at least `floor`, by score, then by row.
    ///
    /// # Errors
    /// As [`TensorSearch::self_join`].
    pub fn top_k(
        &self,
        queries: &Matrix,
        rows: &Matrix,
        k: usize,
        floor: f32,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<(RowId, f32)>>> {
        if queries.rows() == 0 || rows.rows() == 0 || k == 0 {
            return Ok(vec![Vec::new(); queries.rows()]);
        }
        let limit = TopK { k, floor };
        self.with_shrinking_tiles(progress, |tile| {
            let (query_blocks, blocks) = (self.upload(queries, tile)?, self.upload(rows, tile)?);
            let mut found = Vec::with_capacity(queries.rows());
            for i in 0..query_blocks.tensors.len() {
                found.extend(self.nearest(&query_blocks, i, &blocks, limit, progress)?);
            }
            Ok(found)
        })
    }

    /// Repeats `attempt` with smaller tiles as long as the device runs out of memory.
    fn with_shrinking_tiles<T>(
        &self,
        progress: &dyn Progress,
        attempt: impl Fn(usize) -> Result<T>,
    ) -> Result<T> {
        let mut tile = self.tile;
        loop {
            match attempt(tile) {
                Err(error @ Error::OutOfMemory { .. }) if tile > FOLD => {
                    tile /= 2;
                    progress.warn(&format!("{error}; continuing with tiles of {tile} rows"));
                }
                result => return result,
            }
        }
    }

    fn upload<'a>(&self, rows: &'a Matrix, tile: usize) -> Result<Blocks<'a>> {
        let dim = rows.dim();
        let block = |values: &[f32]| {
            let whole = (values.len() / dim).next_multiple_of(FOLD);
            let mut padded = values.to_vec();
            padded.resize(whole * dim, 0.0);
            Tensor::from_vec(padded, (whole, dim), &self.device)?.to_dtype(self.dtype)
        };
        let tensors = rows.as_slice().chunks(tile * dim).map(block).collect::<candle_core::Result<_>>();
        let fail = |e| self.fail(e, || format!("{} rows of {dim} values", rows.rows()));
        Ok(Blocks { rows, tile, tensors: tensors.map_err(fail)? })
    }

    fn join(&self, blocks: &Blocks<'_>, floor: f32, progress: &dyn Progress) -> Result<Vec<RowPair>> {
        let mut found = Vec::new();
        for (i, left) in blocks.tensors.iter().enumerate() {
            for (j, right) in blocks.tensors.iter().enumerate().skip(i) {
                if progress.cancelled() {
                    return Err(Error::Interrupted);
                }
                let passing =
                    || folded(left, right)?.ge(floor - self.error())?.flatten_all()?.to_vec1::<u8>();
                let passes =
                    passing().map_err(|e| self.fail(e, || format!("tiles of {} rows", blocks.tile)))?;
                let columns = passes.len() / blocks.folds(i);
                let pairs = |(fold, passes): (usize, &[u8])| {
                    let columns = passes.iter().enumerate().filter(|(_, passes)| **passes != 0);
                    let columns = columns.map(|(c, _)| j * blocks.tile + c);
                    let fold = blocks.fold(i, fold, 0.0);
                    columns.flat_map(move |c| blocks.pairs(fold, c, floor)).collect::<Vec<_>>()
                };
                found.par_extend(passes.par_chunks(columns).enumerate().flat_map_iter(pairs));
            }
            progress.advance(Stage::Search, blocks.count(i) as u64);
        }
        found.par_sort_unstable_by_key(|p| (p.a, p.b));
        Ok(found)
    }

    /// The nearest rows of the queries of block `i`.
    fn nearest(
        &self,
        query_blocks: &Blocks<'_>,
        i: usize,
        blocks: &Blocks<'_>,
        limit: TopK,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<(RowId, f32)>>> {
        let queries = query_blocks.count(i);
        let mut nearest = vec![Nearest { folds: Vec::new(), floor: limit.floor + self.error() }; queries];
        for (j, tensor) in blocks.tensors.iter().enumerate() {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            // One row per query, with its folded values.
            let highest = || {
                let folded = folded(tensor, &query_blocks.tensors[i])?.t()?.contiguous()?;
                folded.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()
            };
            let highest = highest().map_err(|e| self.fail(e, || format!("tiles of {} rows", blocks.tile)))?;
            let values = highest.par_chunks(blocks.folds(j));
            nearest.par_iter_mut().zip(values).for_each(|(nearest, values)| {
                for (fold, &highest) in values.iter().enumerate() {
                    if highest >= nearest.floor - 2.0 * self.error() {
                        nearest.folds.push(blocks.fold(j, fold, highest));
                    }
                }
                nearest.prune(limit.k, self.error());
            });
        }
        let score = |(q, nearest): (usize, Nearest)| {
            let query = query_blocks.rows.row(i * query_blocks.tile + q);
            let rows = nearest.folds.iter().flat_map(|fold| blocks.members(*fold));
            let mut scored: Vec<_> =
                rows.map(|r| (RowId(r as u32), dot(query, blocks.rows.row(r)))).collect();
            scored.retain(|(_, score)| *score >= limit.floor);
            scored.sort_unstable_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
            scored.truncate(limit.k);
            scored
        };
        let found = nearest.into_par_iter().enumerate().map(score).collect();
        progress.advance(Stage::Search, queries as u64);
        Ok(found)
    }

    /// The largest error of a score of unit vectors: both sides are rounded to the number type, sums are f32, and the score
    /// is rounded once more. f16: 3 · 2⁻¹¹ = 0.0015; bf16: 3 · 2⁻⁸ = 0.012; f32: 384 · 2⁻²⁴ = 0.00002.
    fn error(&self) -> f32 {
        match self.dtype {
            DType::F16 => 0.004,
            DType::BF16 => 0.02,
            _ => 0.0001,
        }
    }

    fn fail(&self, source: candle_core::Error, what: impl Fn() -> String) -> Error {
        compute_error(self.describe(), what(), source)
    }
}

/// The result of `search` on the GPU, and the name of the GPU. `None` if there is no GPU or its memory does not hold the
/// rows: then the CPU has to search, and `progress` gets a warning.
pub(super) fn search_on_gpu<T>(
    tensors: Option<&TensorSearch>,
    progress: &dyn Progress,
    search: impl Fn(&TensorSearch) -> Result<T>,
) -> Result<Option<(T, String)>> {
    let Some(tensors) = tensors else { return Ok(None) };
    match search(tensors) {
        Ok(found) => Ok(Some((found, tensors.describe()))),
        Err(error @ Error::OutOfMemory { .. }) => {
            progress.warn(&format!("{error}; the CPU searches instead"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Folded scores of `left` against `right`: `left rows / FOLD` × `right rows`.
fn folded(left: &Tensor, right: &Tensor) -> candle_core::Result<Tensor> {
    let mut scores = left.matmul(&right.t()?)?;
    let folds = left.dim(0)? / FOLD;
    while scores.dim(0)? > folds {
        let half = scores.dim(0)? / 2;
        scores = scores.narrow(0, 0, half)?.maximum(&scores.narrow(0, half, half)?)?;
    }
    Ok(scores)
}

impl Blocks<'_> {
    /// The number of rows of block `i`.
    fn count(&self, i: usize) -> usize {
        (self.rows.rows() - i * self.tile).min(self.tile)
    }

    /// The number of folds of block `i`.
    fn folds(&self, i: usize) -> usize {
        self.count(i).div_ceil(FOLD)
    }

    fn fold(&self, i: usize, fold: usize, highest: f32) -> Fold {
        let padded = !self.count(i).is_multiple_of(FOLD);
        Fold { highest, first: (i * self.tile + fold) as u32, step: self.folds(i) as u32, padded }
    }

    fn members(&self, fold: Fold) -> impl Iterator<Item = usize> + use<> {
        let n = self.rows.rows();
        (0..FOLD).map(move |m| fold.first as usize + m * fold.step as usize).filter(move |r| *r < n)
    }

    /// The pairs of the rows of `fold` with the later row `other`.
    fn pairs(&self, fold: Fold, other: usize, floor: f32) -> impl Iterator<Item = RowPair> {
        let others = self.members(fold).filter(move |r| *r < other && other < self.rows.rows());
        let scored = others.map(move |r| RowPair {
            a: RowId(r as u32),
            b: RowId(other as u32),
            score: dot(self.rows.row(r), self.rows.row(other)),
        });
        scored.filter(move |pair| pair.score >= floor)
    }
}

impl Nearest {
    /// Drops folds that cannot hold one of the `k` nearest: `k` other folds, each with a row of its own, score higher by more
    /// than both errors.
    fn prune(&mut self, k: usize, error: f32) {
        let mut highest: Vec<f32> = self.folds.iter().filter(|f| !f.padded).map(|f| f.highest).collect();
        if highest.len() < k {
            return;
        }
        let (_, kth, _) = highest.select_nth_unstable_by(k - 1, |x, y| y.total_cmp(x));
        self.floor = self.floor.max(*kth);
        let lowest = self.floor - 2.0 * error;
        self.folds.retain(|fold| fold.highest >= lowest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            exact::{self_join, top_k},
            tests::clustered,
        },
        *,
    };
    use crate::{device::Isa, progress::NoProgress};

    fn search(dtype: DType, tile: usize) -> TensorSearch {
        TensorSearch { tile, ..TensorSearch::new(Device::Cpu, dtype) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn join_equals_the_cpu_kernels(n in 0usize..300, dim in 1usize..40, seed: u64, floor in -0.2f32..0.99) {
            let rows = clustered(n, dim, seed);
            let expect = self_join(&rows, floor, Isa::Portable, &NoProgress).unwrap();
            for search in [search(DType::F32, 64), search(DType::F16, 32), search(DType::F16, TILE)] {
                prop_assert_eq!(&search.self_join(&rows, floor, &NoProgress).unwrap(), &expect);
            }
        }

        #[test]
        fn top_k_equals_the_reference(n in 0usize..300, queries in 0usize..80, dim in 1usize..40, k in 0usize..20, seed: u64) {
            let (rows, queries) = (clustered(n, dim, seed), clustered(queries, dim, seed ^ 1));
            for floor in [f32::NEG_INFINITY, 0.3] {
                let mut expect = top_k(&queries, &rows, k);
                expect.iter_mut().for_each(|nearest| nearest.retain(|(_, score)| *score >= floor));
                for search in [search(DType::F32, 64), search(DType::F16, 32), search(DType::F16, TILE)] {
                    prop_assert_eq!(&search.top_k(&queries, &rows, k, floor, &NoProgress).unwrap(), &expect);
                }
            }
        }
    }

    #[test]
    fn finds_pairs_on_the_floor_that_f16_rounds_below_it() {
        let rows = clustered(200, 24, 5);
        let all = self_join(&rows, 0.2, Isa::Portable, &NoProgress).unwrap();
        assert!(all.len() > 1000, "{} pairs", all.len());
        for pair in &all {
            // Alone in a tile, so that no other pair of its fold passes the floor.
            let mut two = Matrix::zeros(FOLD + 1, 24);
            two.row_mut(0).copy_from_slice(rows.row(pair.a.index()));
            two.row_mut(FOLD).copy_from_slice(rows.row(pair.b.index()));
            let found = search(DType::F16, FOLD).self_join(&two, pair.score, &NoProgress).unwrap();
            assert_eq!(found, [RowPair { a: RowId(0), b: RowId(FOLD as u32), score: pair.score }]);
        }
    }

    #[test]
    fn finds_the_nearest_where_f16_scores_are_equal() {
        // A thousand rows on a circle are so dense that many have the same score in f16.
        for seed in 0..8 {
            let (rows, queries) = (clustered(1000, 2, seed), clustered(30, 2, seed + 100));
            let found = search(DType::F16, 256).top_k(&queries, &rows, 3, 0.5, &NoProgress).unwrap();
            assert_eq!(found, top_k(&queries, &rows, 3), "{seed}");
        }
    }

    #[test]
    fn tiles_shrink_until_they_fit_into_memory() {
        let attempt = |holds: usize| {
            move |tile: usize| {
                if tile > holds {
                    Err(Error::OutOfMemory { device: "cuda".into(), what: format!("{tile}") })
                } else {
                    Ok(tile)
                }
            }
        };
        let search = search(DType::F32, 1024);
        assert_eq!(search.with_shrinking_tiles(&NoProgress, attempt(5000)).unwrap(), 1024);
        assert_eq!(search.with_shrinking_tiles(&NoProgress, attempt(300)).unwrap(), 256);
        assert!(matches!(
            search.with_shrinking_tiles(&NoProgress, attempt(3)),
            Err(Error::OutOfMemory { .. })
        ));
    }
}

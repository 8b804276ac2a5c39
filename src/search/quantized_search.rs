//! Exact nearest-neighbour search over quantized rows: a first pass over bytes, then `vector::dot` for the candidates.
//!
//! The first pass reads 396 bytes of a row of 384 values instead of 1,536, and is bound by memory bandwidth. It keeps a
//! row if its score may reach the floor, or the k-th highest of all lower bounds; `quantized` proves the bounds. Which
//! rows are kept depends neither on the machine nor on the threads, and the result equals that of a linear scan.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    ops::Range,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};

use rayon::prelude::*;

use super::{
    bit_set::BitSet,
    quantized::{ErrorTerms, QuantizedQuery, QuantizedView},
    score_bounds::{Limit, ScoreBounds, rescore},
};
use crate::story::RowId;

/// Rows whose products are computed together: 256 × 384 bytes stay in the second-level cache for all queries.
const BLOCK: usize = 256;
/// Rows that one thread scans at a time.
const PART: usize = 32 * BLOCK;

impl QuantizedView<'_> {
    /// For each query the rows, without the `deleted` ones, that may be in the result, the highest upper bound first: a
    /// superset of the result.
    pub fn candidates(
        &self,
        queries: &[QuantizedQuery],
        limit: Limit,
        deleted: &BitSet,
    ) -> Vec<Vec<ScoreBounds>> {
        if matches!(limit, Limit::Nearest(0)) {
            return queries.iter().map(|_| Vec::new()).collect();
        }
        let floors: Vec<SharedFloor> = queries.iter().map(|_| SharedFloor::new(limit)).collect();
        let new = || queries.iter().map(|_| Collector::new(limit)).collect::<Vec<_>>();
        let parts: Vec<Vec<Collector>> = (0..self.rows().div_ceil(PART))
            .into_par_iter()
            .map(|part| {
                let end = self.rows().min((part + 1) * PART);
                let mut collectors = new();
                for first in (part * PART..end).step_by(BLOCK) {
                    let block = first..end.min(first + BLOCK);
                    self.scan_block(block, queries, deleted, &floors, &mut collectors);
                }
                collectors
            })
            .collect();
        let mut merged = new();
        for part in parts {
            merged.iter_mut().zip(part).for_each(|(all, part)| all.merge(part));
        }
        merged.into_iter().map(Collector::finish).collect()
    }

    /// The score bounds of all rows, in the order of the rows.
    pub fn bounds(&self, query: &QuantizedQuery) -> Vec<ScoreBounds> {
        let mut all = vec![ScoreBounds::new(RowId(0), 0.0, 0.0); self.rows()];
        all.par_chunks_mut(BLOCK).enumerate().for_each(|(block, bounds)| {
            let (first, rows) = (block * BLOCK, bounds.len());
            let mut products = [0; BLOCK];
            self.kernel().dot_rows(&query.codes, self.block(first, rows), &mut products[..rows]);
            for (i, (bound, terms)) in bounds.iter_mut().zip(self.block_error_terms(first, rows)).enumerate()
            {
                let (score, margin) = query.bound(products[i], terms);
                *bound = ScoreBounds::new(RowId((first + i) as u32), score, margin);
            }
        });
        all
    }

    fn scan_block(
        &self,
        block: Range<usize>,
        queries: &[QuantizedQuery],
        deleted: &BitSet,
        floors: &[SharedFloor],
        collectors: &mut [Collector],
    ) {
        let (first, rows) = (block.start, block.len());
        let mut terms = [ErrorTerms { scale: 0.0, error: 0.0, norm: 0.0 }; BLOCK];
        terms.iter_mut().zip(self.block_error_terms(first, rows)).for_each(|(slot, terms)| *slot = terms);
        let codes = self.block(first, rows);
        let (mut products, mut uppers) = ([0; BLOCK], [0f32; BLOCK]);
        for ((query, floor), collector) in queries.iter().zip(floors).zip(collectors) {
            self.kernel().dot_rows(&query.codes, codes, &mut products[..rows]);
            let mut lowest_kept = floor.get();
            let mut any = false;
            for ((upper, &product), &terms) in uppers.iter_mut().zip(&products).zip(&terms).take(rows) {
                let (score, margin) = query.bound(product, terms);
                *upper = score + margin;
                // A bound that is not a number excludes nothing.
                any |= (*upper >= lowest_kept) | upper.is_nan();
            }
            if !any {
                continue;
            }
            for i in 0..rows {
                let row = RowId((first + i) as u32);
                if uppers[i] < lowest_kept || deleted.contains(row) {
                    continue;
                }
                let (score, margin) = query.bound(products[i], terms[i]);
                collector.push(ScoreBounds::new(row, score, margin));
                lowest_kept = floor.raise(collector);
            }
        }
    }

    /// The rows within `limit`, without the `deleted` ones, by score, then by row. `score` returns a row's exact score,
    /// the `vector::dot` of query and row. Panics if the query and the rows differ in dimension.
    ///
    /// # Errors
    /// The first error of `score`.
    pub fn search<E>(
        &self,
        query: &[f32],
        limit: Limit,
        deleted: &BitSet,
        score: impl FnMut(RowId) -> Result<f32, E>,
    ) -> Result<Vec<(RowId, f32)>, E> {
        assert_eq!(query.len(), self.dim(), "the query has another dimension than the rows");
        let candidates =
            self.candidates(&[QuantizedQuery::new(query)], limit, deleted).pop().unwrap_or_default();
        rescore(&candidates, limit, score)
    }
}

/// The score below which a row cannot be in the result of a query; shared by all threads, and only rises.
struct SharedFloor(AtomicI32);

impl SharedFloor {
    fn new(limit: Limit) -> Self {
        let floor = match limit {
            Limit::Nearest(_) => f32::NEG_INFINITY,
            Limit::AtLeast(floor) => floor,
        };
        SharedFloor(AtomicI32::new(order_key(floor)))
    }

    fn get(&self) -> f32 {
        f32::from_bits(flip_if_negative(self.0.load(Relaxed)) as u32)
    }

    /// Raises the floor to what `collector` proves; returns the floor afterwards.
    fn raise(&self, collector: &Collector) -> f32 {
        if let Some(floor) = collector.proven_floor() {
            self.0.fetch_max(order_key(floor), Relaxed);
        }
        self.get()
    }
}

/// An integer that orders as the numbers do (`f32::total_cmp`).
fn order_key(x: f32) -> i32 {
    flip_if_negative(x.to_bits() as i32)
}

/// Its own inverse.
fn flip_if_negative(bits: i32) -> i32 {
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

/// The candidates of one query.
struct Collector {
    candidates: Vec<ScoreBounds>,
    /// For [`Limit::Nearest`]: k, and the k highest lower bounds.
    highest_lower: Option<(usize, BinaryHeap<Reverse<i32>>)>,
}

impl Collector {
    fn new(limit: Limit) -> Self {
        let highest_lower = match limit {
            Limit::Nearest(k) => Some((k, BinaryHeap::new())),
            Limit::AtLeast(_) => None,
        };
        Collector { candidates: Vec::new(), highest_lower }
    }

    fn push(&mut self, candidate: ScoreBounds) {
        self.candidates.push(candidate);
        if let Some((k, heap)) = &mut self.highest_lower {
            heap.push(Reverse(order_key(candidate.lower)));
            if heap.len() > *k {
                heap.pop();
            }
        }
    }

    /// The k-th highest lower bound: no row with a lower score is among the k nearest.
    fn proven_floor(&self) -> Option<f32> {
        let (k, heap) = self.highest_lower.as_ref()?;
        let Reverse(key) = heap.peek().filter(|_| heap.len() == *k)?;
        Some(f32::from_bits(flip_if_negative(*key) as u32))
    }

    fn merge(&mut self, other: Collector) {
        other.candidates.into_iter().for_each(|c| self.push(c));
    }

    fn finish(mut self) -> Vec<ScoreBounds> {
        if let Some(floor) = self.proven_floor() {
            self.candidates.retain(|c| c.upper >= floor);
        }
        self.candidates.sort_unstable_by(ScoreBounds::by_upper_bound);
        self.candidates
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        device::Isa,
        search::{QuantizedFile, QuantizedRows, tests::clustered},
        vector::{Matrix, dot},
    };

    fn linear_scan(query: &[f32], rows: &Matrix, limit: Limit, deleted: &BitSet) -> Vec<(RowId, f32)> {
        let rows_left = (0..rows.rows() as u32).map(RowId).filter(|r| !deleted.contains(*r));
        let mut all: Vec<_> = rows_left.map(|r| (r, dot(query, rows.row(r.index())))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        match limit {
            Limit::Nearest(k) => all.truncate(k),
            Limit::AtLeast(floor) => all.retain(|(_, score)| *score >= floor),
        }
        all
    }

    fn check(query: &[f32], rows: &Matrix, limit: Limit, deleted: &BitSet) {
        let quantized = QuantizedRows::from_matrix(rows);
        let expect = linear_scan(query, rows, limit, deleted);
        let bits = |found: &[(RowId, f32)]| found.iter().map(|(r, s)| (*r, s.to_bits())).collect::<Vec<_>>();
        let mut first: Option<Vec<ScoreBounds>> = None;
        for isa in Isa::available() {
            let view = quantized.view(isa);
            let score = |row: RowId| Ok::<_, Infallible>(dot(query, rows.row(row.index())));
            let found = view.search(query, limit, deleted, score).unwrap();
            assert_eq!(bits(&found), bits(&expect), "{isa} {limit:?}");
            let candidates = view.candidates(&[QuantizedQuery::new(query)], limit, deleted).remove(0);
            let same = |a: &ScoreBounds, b: &ScoreBounds| {
                (a.row, a.upper.to_bits(), a.lower.to_bits()) == (b.row, b.upper.to_bits(), b.lower.to_bits())
            };
            let expected = first.get_or_insert_with(|| candidates.clone());
            assert!(
                expected.len() == candidates.len()
                    && expected.iter().zip(&candidates).all(|(a, b)| same(a, b))
            );
        }
    }

    fn limits() -> impl Strategy<Value = Limit> {
        prop_oneof![(0usize..40).prop_map(Limit::Nearest), (-1.0f32..1.0).prop_map(Limit::AtLeast)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn search_equals_a_linear_scan(
            n in 0usize..700, dim in 1usize..100, seed: u64, limit in limits(), deleted in prop::collection::vec(0u32..700, 0..60),
        ) {
            let rows = clustered(n, dim, seed);
            let query = clustered(1, dim, seed ^ 1);
            let deleted = deleted.into_iter().map(RowId).collect();
            check(query.row(0), &rows, limit, &deleted);
            if n > 0 {
                check(rows.row(n / 2), &rows, limit, &deleted);
            }
        }

        #[test]
        fn search_over_special_values_equals_a_linear_scan(
            values in prop::collection::vec(any_value(), 0..400), dim in 1usize..9, limit in limits(),
        ) {
            let whole = values.len() / dim * dim;
            let rows = Matrix::from_vec(values[..whole].to_vec(), dim);
            for query in 0..rows.rows().min(4) {
                check(rows.row(query), &rows, limit, &BitSet::default());
            }
        }

        #[test]
        fn bounds_contain_the_exact_score(dim in 1usize..400, seed: u64, size in -20i32..20) {
            let mut rows = clustered(8, dim, seed);
            rows.as_mut_slice().iter_mut().for_each(|x| *x *= 2f32.powi(size));
            let quantized = QuantizedRows::from_matrix(&rows);
            let view = quantized.view(Isa::Portable);
            for a in 0..8 {
                let query = QuantizedQuery::new(rows.row(a));
                for b in 0..8 {
                    let row = RowId(b as u32);
                    let (score, margin) = query.bound(view.kernel().dot_row(&query.codes, view.codes(row)), view.error_terms(row));
                    let exact = dot(rows.row(a), rows.row(b));
                    prop_assert!(exact <= score + margin && exact >= score - margin, "{} ± {}: {}", score, margin, exact);
                }
            }
        }
    }

    /// Numbers of all magnitudes, with NaN and infinities.
    fn any_value() -> impl Strategy<Value = f32> {
        prop_oneof![
            6 => -1.0f32..1.0,
            2 => prop::num::f32::NORMAL,
            1 => prop::num::f32::SUBNORMAL,
            1 => Just(0.0),
            1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY)],
        ]
    }

    #[test]
    fn search_over_several_parts_equals_a_linear_scan() {
        let rows = clustered(2 * PART + 300, 8, 5);
        check(rows.row(77), &rows, Limit::Nearest(10), &BitSet::default());
        check(rows.row(PART + 9), &rows, Limit::AtLeast(0.95), &BitSet::default());
    }

    #[test]
    fn a_batch_of_queries_equals_single_queries() {
        let rows = clustered(3000, 24, 9);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::detect());
        let queries: Vec<QuantizedQuery> = (0..20).map(|i| QuantizedQuery::new(rows.row(i * 100))).collect();
        let deleted = BitSet::default();
        let together = view.candidates(&queries, Limit::Nearest(5), &deleted);
        for (query, found) in queries.iter().zip(&together) {
            assert_eq!(&view.candidates(std::slice::from_ref(query), Limit::Nearest(5), &deleted)[0], found);
        }
    }

    #[test]
    fn a_file_round_trips_and_a_corrupt_one_is_rejected() {
        let rows = clustered(30, 70, 3);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::Portable);
        let mut file = Vec::new();
        view.write(42, &mut file).unwrap();
        assert_eq!(file.len(), 64 + 30 * (128 + 12));
        let (read, generation) = QuantizedView::open(&file, Isa::detect()).unwrap();
        assert_eq!((read.to_rows(), generation), (quantized.clone(), 42));
        let (owned, generation) = QuantizedFile::open(&file[..]).unwrap();
        assert_eq!((owned.view(Isa::detect()).to_rows(), generation), (quantized.clone(), 42));
        for at in 0..file.len() {
            let mut corrupt = file.clone();
            corrupt[at] ^= 16;
            assert!(QuantizedView::open(&corrupt, Isa::detect()).is_err(), "byte {at}");
            assert!(QuantizedView::open(&file[..at], Isa::detect()).is_err(), "cut at {at}");
        }
    }
}

//! Exact lookup: a first pass over quantized rows, then `vector::dot` for the few that are left.
//!
//! The first pass reads 396 bytes of a row of 384 values instead of 1,536, and is bound by memory. It keeps each row
//! whose score may reach the floor, or the k-th highest of all lower bounds; see `quantized` for the bound. Which rows
//! are kept depends on neither the machine nor the threads, and the result is that of comparing with all rows.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    convert::Infallible,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};

use rayon::prelude::*;

use super::quantized::{Figures, Quantized, Query};
use crate::story::RowId;

/// A set of rows: those that are deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSet {
    bits: Vec<u64>,
}

impl RowSet {
    /// Adds a row.
    pub fn insert(&mut self, row: RowId) {
        let word = row.index() / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (row.index() % 64);
    }

    /// Whether it holds the row.
    pub fn contains(&self, row: RowId) -> bool {
        self.bits.get(row.index() / 64).is_some_and(|word| word >> (row.index() % 64) & 1 == 1)
    }
}

impl FromIterator<RowId> for RowSet {
    fn from_iter<I: IntoIterator<Item = RowId>>(rows: I) -> Self {
        let mut set = RowSet::default();
        rows.into_iter().for_each(|row| set.insert(row));
        set
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Want {
    /// So many rows with the highest scores, by score, then by number.
    Nearest(usize),
    /// All rows with at least this score.
    AtLeast(f32),
}

/// A row that may be wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The row.
    pub row: RowId,
    /// The most that its score can be.
    pub most: f32,
    /// The least that its score can be.
    pub least: f32,
}

impl Candidate {
    /// The order in which candidates are looked at: the highest bound first.
    pub fn order(&self, other: &Candidate) -> Ordering {
        other.most.total_cmp(&self.most).then(self.row.cmp(&other.row))
    }

    pub(super) fn new(row: RowId, score: f32, margin: f32) -> Self {
        match margin.is_finite() {
            true => Candidate { row, most: score + margin, least: score - margin },
            false => Candidate { row, most: f32::INFINITY, least: f32::NEG_INFINITY },
        }
    }
}

/// Rows whose products are computed together: 256 × 384 bytes stay in the second-level cache for all queries.
const BLOCK: usize = 256;
/// Rows that a thread takes at once.
const PART: usize = 32 * BLOCK;

impl Quantized<'_> {
    /// For each query the living rows that may be wanted, the highest bound first: a superset of the result.
    pub fn candidates(&self, queries: &[Query], want: Want, dead: &RowSet) -> Vec<Vec<Candidate>> {
        if matches!(want, Want::Nearest(0)) {
            return queries.iter().map(|_| Vec::new()).collect();
        }
        let floors: Vec<Floor> = queries.iter().map(|_| Floor::new(want)).collect();
        let parts: Vec<Vec<Found>> = (0..self.rows().div_ceil(PART))
            .into_par_iter()
            .map(|part| {
                let end = self.rows().min((part + 1) * PART);
                let mut found: Vec<Found> = queries.iter().map(|_| Found::new(want)).collect();
                for first in (part * PART..end).step_by(BLOCK) {
                    self.take_block(first, BLOCK.min(end - first), queries, dead, &floors, &mut found);
                }
                found
            })
            .collect();
        let mut merged: Vec<Found> = queries.iter().map(|_| Found::new(want)).collect();
        for part in parts {
            merged.iter_mut().zip(part).for_each(|(all, part)| all.merge(part));
        }
        merged.into_iter().map(Found::finish).collect()
    }

    /// The bounds of all rows, in the order of their numbers.
    pub fn bounds(&self, query: &Query) -> Vec<Candidate> {
        let mut all = vec![Candidate::new(RowId(0), 0.0, 0.0); self.rows()];
        all.par_chunks_mut(BLOCK).enumerate().for_each(|(block, bounds)| {
            let (first, rows) = (block * BLOCK, bounds.len());
            let mut products = [0; BLOCK];
            self.kernel().rows(&query.codes, self.block(first, rows), &mut products[..rows]);
            for (i, (bound, figures)) in bounds.iter_mut().zip(self.figures_of(first, rows)).enumerate() {
                let (score, margin) = query.bound(products[i], figures);
                *bound = Candidate::new(RowId((first + i) as u32), score, margin);
            }
        });
        all
    }

    fn take_block(
        &self,
        first: usize,
        rows: usize,
        queries: &[Query],
        dead: &RowSet,
        floors: &[Floor],
        found: &mut [Found],
    ) {
        let mut figures = [Figures { scale: 0.0, error: 0.0, length: 0.0 }; BLOCK];
        figures.iter_mut().zip(self.figures_of(first, rows)).for_each(|(slot, f)| *slot = f);
        let codes = self.block(first, rows);
        let (mut products, mut most) = ([0; BLOCK], [0f32; BLOCK]);
        for ((query, floor), found) in queries.iter().zip(floors).zip(found) {
            self.kernel().rows(&query.codes, codes, &mut products[..rows]);
            let mut least_kept = floor.get();
            let mut any = false;
            for ((most, &product), &figures) in most.iter_mut().zip(&products).zip(&figures).take(rows) {
                let (score, margin) = query.bound(product, figures);
                *most = score + margin;
                // Also where the bound is not a number.
                any |= (*most >= least_kept) | most.is_nan();
            }
            if !any {
                continue;
            }
            for i in 0..rows {
                let row = RowId((first + i) as u32);
                if most[i] < least_kept || dead.contains(row) {
                    continue;
                }
                let (score, margin) = query.bound(products[i], figures[i]);
                found.take(Candidate::new(row, score, margin));
                least_kept = floor.raise(found);
            }
        }
    }

    /// The living rows that are wanted, by score, then by number; `score` gives a row's exact score, `vector::dot` of
    /// query and row, or fails. Panics if the query has another number of values than the rows.
    pub fn look_up<E>(
        &self,
        query: &[f32],
        want: Want,
        dead: &RowSet,
        score: impl FnMut(RowId) -> Result<f32, E>,
    ) -> Result<Vec<(RowId, f32)>, E> {
        assert_eq!(query.len(), self.dim(), "a query of another length");
        let candidates = self.candidates(&[Query::new(query)], want, dead).pop().unwrap_or_default();
        rescore(&candidates, want, score)
    }
}

/// The candidates that are wanted, by exact score, then by number. Those that cannot matter any more are not scored.
pub fn rescore<E>(
    candidates: &[Candidate],
    want: Want,
    mut score: impl FnMut(RowId) -> Result<f32, E>,
) -> Result<Vec<(RowId, f32)>, E> {
    let mut found: Vec<(RowId, f32)> = Vec::new();
    let order = |a: &(RowId, f32), b: &(RowId, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    for candidate in candidates {
        match want {
            Want::Nearest(k) if found.len() >= k && found.last().is_none_or(|f| candidate.most < f.1) => {
                break;
            }
            Want::Nearest(k) => {
                let new = (candidate.row, score(candidate.row)?);
                let at = found.partition_point(|f| order(f, &new).is_lt());
                found.insert(at, new);
                found.truncate(k);
            }
            Want::AtLeast(floor) => {
                let score = score(candidate.row)?;
                if score >= floor {
                    found.push((candidate.row, score));
                }
            }
        }
    }
    found.sort_unstable_by(order);
    Ok(found)
}

/// As [`rescore`], with scores that cannot fail.
pub fn rank(candidates: &[Candidate], want: Want, mut score: impl FnMut(RowId) -> f32) -> Vec<(RowId, f32)> {
    let found = rescore(candidates, want, |row| Ok::<_, Infallible>(score(row)));
    found.unwrap_or_else(|never| match never {})
}

/// The score below which no row of a query is wanted; threads tell each other what they found.
struct Floor(AtomicI32);

impl Floor {
    fn new(want: Want) -> Self {
        let floor = match want {
            Want::Nearest(_) => f32::NEG_INFINITY,
            Want::AtLeast(floor) => floor,
        };
        Floor(AtomicI32::new(ordered(floor)))
    }

    fn get(&self) -> f32 {
        f32::from_bits(ordered_bits(self.0.load(Relaxed)) as u32)
    }

    /// Takes over what `found` proves; the floor afterwards.
    fn raise(&self, found: &Found) -> f32 {
        if let Some(floor) = found.proven() {
            self.0.fetch_max(ordered(floor), Relaxed);
        }
        self.get()
    }
}

/// Integers in the order of the numbers.
fn ordered(x: f32) -> i32 {
    ordered_bits(x.to_bits() as i32)
}

fn ordered_bits(bits: i32) -> i32 {
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

/// What is found of a query.
struct Found {
    candidates: Vec<Candidate>,
    /// For the nearest: the k highest lower bounds.
    least: Option<(usize, BinaryHeap<Reverse<i32>>)>,
}

impl Found {
    fn new(want: Want) -> Self {
        let least = match want {
            Want::Nearest(k) => Some((k, BinaryHeap::new())),
            Want::AtLeast(_) => None,
        };
        Found { candidates: Vec::new(), least }
    }

    fn take(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
        if let Some((k, heap)) = &mut self.least {
            heap.push(Reverse(ordered(candidate.least)));
            if heap.len() > *k {
                heap.pop();
            }
        }
    }

    /// So many rows are at least as near that none below this score is wanted.
    fn proven(&self) -> Option<f32> {
        let (k, heap) = self.least.as_ref()?;
        let Reverse(least) = heap.peek().filter(|_| heap.len() == *k)?;
        Some(f32::from_bits(ordered_bits(*least) as u32))
    }

    fn merge(&mut self, other: Found) {
        other.candidates.into_iter().for_each(|c| self.take(c));
    }

    fn finish(mut self) -> Vec<Candidate> {
        if let Some(floor) = self.proven() {
            self.candidates.retain(|c| c.most >= floor);
        }
        self.candidates.sort_unstable_by(Candidate::order);
        self.candidates
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        device::Isa,
        search::{QuantizedRows, RowsFile, tests::clustered},
        vector::{Matrix, dot},
    };

    fn brute_force(query: &[f32], rows: &Matrix, want: Want, dead: &RowSet) -> Vec<(RowId, f32)> {
        let living = (0..rows.rows() as u32).map(RowId).filter(|r| !dead.contains(*r));
        let mut all: Vec<_> = living.map(|r| (r, dot(query, rows.row(r.index())))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        match want {
            Want::Nearest(k) => all.truncate(k),
            Want::AtLeast(floor) => all.retain(|(_, score)| *score >= floor),
        }
        all
    }

    fn check(query: &[f32], rows: &Matrix, want: Want, dead: &RowSet) {
        let quantized = QuantizedRows::from_matrix(rows);
        let expect = brute_force(query, rows, want, dead);
        let bits = |found: &[(RowId, f32)]| found.iter().map(|(r, s)| (*r, s.to_bits())).collect::<Vec<_>>();
        let mut seen: Option<Vec<Candidate>> = None;
        for isa in Isa::available() {
            let view = quantized.view(isa);
            let score = |row: RowId| Ok::<_, Infallible>(dot(query, rows.row(row.index())));
            let found = view.look_up(query, want, dead, score).unwrap();
            assert_eq!(bits(&found), bits(&expect), "{isa} {want:?}");
            let candidates = view.candidates(&[Query::new(query)], want, dead).remove(0);
            let same = |a: &Candidate, b: &Candidate| {
                (a.row, a.most.to_bits(), a.least.to_bits()) == (b.row, b.most.to_bits(), b.least.to_bits())
            };
            let first = seen.get_or_insert_with(|| candidates.clone());
            assert!(
                first.len() == candidates.len() && first.iter().zip(&candidates).all(|(a, b)| same(a, b))
            );
        }
    }

    fn wants() -> impl Strategy<Value = Want> {
        prop_oneof![(0usize..40).prop_map(Want::Nearest), (-1.0f32..1.0).prop_map(Want::AtLeast)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn lookups_equal_brute_force(
            n in 0usize..700, dim in 1usize..100, seed: u64, want in wants(), dead in prop::collection::vec(0u32..700, 0..60),
        ) {
            let rows = clustered(n, dim, seed);
            let query = clustered(1, dim, seed ^ 1);
            let dead = dead.into_iter().map(RowId).collect();
            check(query.row(0), &rows, want, &dead);
            if n > 0 {
                check(rows.row(n / 2), &rows, want, &dead);
            }
        }

        #[test]
        fn lookups_of_any_numbers_equal_brute_force(
            values in prop::collection::vec(any_value(), 0..400), dim in 1usize..9, want in wants(),
        ) {
            let whole = values.len() / dim * dim;
            let rows = Matrix::from_vec(values[..whole].to_vec(), dim);
            for query in 0..rows.rows().min(4) {
                check(rows.row(query), &rows, want, &RowSet::default());
            }
        }

        #[test]
        fn the_bound_holds(dim in 1usize..400, seed: u64, size in -20i32..20) {
            let mut rows = clustered(8, dim, seed);
            rows.as_mut_slice().iter_mut().for_each(|x| *x *= 2f32.powi(size));
            let quantized = QuantizedRows::from_matrix(&rows);
            let view = quantized.view(Isa::Portable);
            for a in 0..8 {
                let query = Query::new(rows.row(a));
                for b in 0..8 {
                    let row = RowId(b as u32);
                    let (score, margin) = query.bound(view.kernel().row(&query.codes, view.codes(row)), view.figures(row));
                    let exact = dot(rows.row(a), rows.row(b));
                    prop_assert!(exact <= score + margin && exact >= score - margin, "{} ± {}: {}", score, margin, exact);
                }
            }
        }
    }

    /// Numbers of all sizes, and some that are none.
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
    fn many_rows_in_several_parts_equal_brute_force() {
        let rows = clustered(2 * PART + 300, 8, 5);
        check(rows.row(77), &rows, Want::Nearest(10), &RowSet::default());
        check(rows.row(PART + 9), &rows, Want::AtLeast(0.95), &RowSet::default());
    }

    #[test]
    fn many_queries_give_what_each_gives_alone() {
        let rows = clustered(3000, 24, 9);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::detect());
        let queries: Vec<Query> = (0..20).map(|i| Query::new(rows.row(i * 100))).collect();
        let dead = RowSet::default();
        let together = view.candidates(&queries, Want::Nearest(5), &dead);
        for (query, found) in queries.iter().zip(&together) {
            assert_eq!(&view.candidates(std::slice::from_ref(query), Want::Nearest(5), &dead)[0], found);
        }
    }

    #[test]
    fn a_file_is_read_back_and_a_broken_one_is_refused() {
        let rows = clustered(30, 70, 3);
        let quantized = QuantizedRows::from_matrix(&rows);
        let view = quantized.view(Isa::Portable);
        let mut file = Vec::new();
        view.write(42, &mut file).unwrap();
        assert_eq!(file.len(), 64 + 30 * (128 + 12));
        let (read, generation) = Quantized::open(&file, Isa::detect()).unwrap();
        assert_eq!((read.to_rows(), generation), (quantized.clone(), 42));
        let (kept, generation) = RowsFile::open(&file[..]).unwrap();
        assert_eq!((kept.view(Isa::detect()).to_rows(), generation), (quantized.clone(), 42));
        for at in 0..file.len() {
            let mut broken = file.clone();
            broken[at] ^= 16;
            assert!(Quantized::open(&broken, Isa::detect()).is_err(), "byte {at}");
            assert!(Quantized::open(&file[..at], Isa::detect()).is_err(), "cut at {at}");
        }
    }
}

//! Low-dimensional projections of rows whose inner products are upper bounds of those of the rows.
//!
//! A projection of `w` values holds a row's coordinates on `w − 1` orthonormal directions and the norm of the residual.
//! With `p`, `q` the coordinates of two rows and `r`, `s` their residuals, `x·z = p·q + r·s`, which is at most
//! `p·q + ‖r‖·‖s‖` (Cauchy–Schwarz): the inner product of the two projections. On the directions of largest variance the
//! residuals are small, so a search above a floor compares a sixth of the values and then scores the few pairs that may
//! reach the floor. (As FEXIPRO does after a singular value decomposition: Li, Chan, Yiu, Mamoulis, SIGMOD 2017.)
//!
//! The directions, and their number, decide the speed of a search, never its result. Let `D` hold directions that are not
//! quite orthonormal, `δ ≥ ‖DDᵀ − 1‖`, `p = Dx`, `q = Dz`. Then `M = 1 − DᵀD + δ` has no negative eigenvalue, so
//!
//! ```text
//! x·z − p·q = xᵀMz − δ x·z ≤ √(xᵀMx)·√(zᵀMz) + δ‖x‖‖z‖,   xᵀMx = ‖x‖² − ‖p‖² + δ‖x‖²
//! ```
//!
//! An error term in proportion to both norms is added to the last values of the projections, as
//! `√(A + a)·√(B + b) ≥ √(AB) + √(ab)`. The rounding errors of float32 are such terms too.

use rayon::prelude::*;

use crate::{
    device::{Arena, F32Kernels, Isa, Kernels},
    random::SplitMix64,
    vector::{Matrix, dot},
};

/// A join of fewer pairs, those of 10,000 rows, takes little longer than their projection.
const MIN_PAIRS: u64 = 10_000 * 10_000 / 2;
/// The least number of pairs per row that pays for its projection.
const MIN_PAIRS_PER_ROW: u64 = 500;
/// Values of a projection: the numbers that are tried.
const WIDTHS: [usize; 6] = [32, 48, 64, 96, 128, 192];
/// The cost of rescoring a candidate, in multiplications: with AVX2 230 ns for a row from memory against 0.02 ns, and less
/// for a row in the cache.
const RESCORE_COST: f64 = 6000.0;
/// Projections are used if the search takes at most this share of the time without them.
const MAX_COST_SHARE: f64 = 0.7;
/// Rows that the directions are computed from.
const TRAINING_ROWS: usize = 4096;
/// Rows of which all pairs are scored to choose the width.
const SAMPLE: usize = 512;
/// Iterations: the directions need not converge.
const ITERATIONS: usize = 5;
/// Rows of one matrix product.
const BLOCK: usize = 64;

/// The projections of `rows`, a row each, for a search of `pairs` of them above `floor`. The inner product of two is never
/// lower than [`dot`] of their rows. `None` if they would not make the search faster, and with instruction sets that multiply bf16,
/// where it has not been measured.
pub(super) fn project(rows: &Matrix, pairs: u64, floor: f32, isa: Isa) -> Option<Matrix> {
    let too_few = pairs < MIN_PAIRS || pairs / MIN_PAIRS_PER_ROW < rows.rows() as u64;
    if too_few || !multiplies_f32(isa) {
        return None;
    }
    let widest = WIDTHS.into_iter().rfind(|w| *w as f64 <= MAX_COST_SHARE * rows.dim() as f64)?;
    let directions = Directions::compute(rows, widest - 1, isa);
    let count = directions.choose_count(rows, floor, isa)?;
    let projections = directions.first(count).project(rows, isa);
    // Rows with values that are not finite have no projection. Embedding makes none.
    projections.as_slice().iter().all(|x| x.is_finite()).then_some(projections)
}

/// Whether `isa` multiplies rows in f32.
fn multiplies_f32(isa: Isa) -> bool {
    !matches!(isa, Isa::Amx | Isa::Avx512Bf16)
}

/// Orthonormal directions, a row each, the one of largest variance first.
struct Directions(Matrix);

impl Directions {
    /// Approximately the `count` directions of largest variance of `rows`, or as many as there are, by subspace iteration
    /// (Bauer, 1957) on a sample of the rows.
    fn compute(rows: &Matrix, count: usize, isa: Isa) -> Self {
        let (dim, sample) = (rows.dim(), sample(rows, TRAINING_ROWS, 0));
        let mut columns = Matrix::zeros(dim, sample.rows());
        for i in 0..sample.rows() {
            sample.row(i).iter().enumerate().for_each(|(j, x)| columns.row_mut(j)[i] = *x);
        }
        let moments = products(&columns, &columns, isa);
        let mut directions = orthonormalize(random_rows(count, dim, 0));
        for _ in 0..ITERATIONS {
            directions = orthonormalize(products(&directions, &moments, isa));
        }
        // Once more, since rounding is relatively large in directions of small variance.
        Directions(orthonormalize(directions))
    }

    /// The first `count` of them.
    fn first(&self, count: usize) -> Self {
        let (dim, count) = (self.0.dim(), count.min(self.0.rows()));
        Directions(Matrix::from_vec(self.0.as_slice()[..count * dim].to_vec(), dim))
    }

    /// The number of directions for which a search above `floor` is fastest, estimated on the pairs of a sample; `None` if
    /// it is faster without projections.
    fn choose_count(&self, rows: &Matrix, floor: f32, isa: Isa) -> Option<usize> {
        let sample = sample(rows, SAMPLE, 1);
        let pairs = (sample.rows() * sample.rows().saturating_sub(1) / 2).max(1);
        // Multiplications per pair, with the cost of rescoring the candidates.
        let cost = |of: &Matrix| {
            let scores = products(of, of, isa);
            let candidates = |i: usize| scores.row(i)[..i].iter().filter(|score| **score >= floor).count();
            let candidates: usize = (0..of.rows()).map(candidates).sum();
            of.dim() as f64 + RESCORE_COST * candidates as f64 / pairs as f64
        };
        let counts = WIDTHS.iter().map(|width| width - 1).filter(|count| *count <= self.0.rows());
        let counts = counts.chain([self.0.rows()]).filter(|count| *count > 0);
        let costs = counts.map(|count| (count, cost(&self.first(count).project(&sample, isa))));
        let (count, lowest) = costs.min_by(|x, y| x.1.total_cmp(&y.1))?;
        (lowest <= MAX_COST_SHARE * cost(&sample)).then_some(count)
    }

    /// The projections of `rows`, a row each, on at least one direction.
    fn project(&self, rows: &Matrix, isa: Isa) -> Matrix {
        let (dim, count) = (rows.dim(), self.0.rows());
        // A sum of dim products errs by at most dim·ε/2 times both norms, in any order. Twice that also covers the norms of
        // the directions and the rounding of squares.
        let rounding = dim as f64 * f64::from(f32::EPSILON);
        // The error of p·q and ‖p‖², relative to the product of the norms.
        let error = 3.0 * (count as f64).sqrt() * rounding + self.error();
        let added = 2.0 * error + rounding;
        let coordinates = products(rows, &self.0, isa);
        let mut projections = Matrix::zeros(rows.rows(), count + 1);
        projections.as_mut_slice().par_chunks_exact_mut(count + 1).enumerate().for_each(|(i, projection)| {
            let (coordinates, squared) = (coordinates.row(i), squared_norm(rows.row(i)));
            let residual = squared - squared_norm(coordinates) + added * squared;
            projection[..count].copy_from_slice(coordinates);
            projection[count] = (residual.max(0.0).sqrt() as f32).next_up();
        });
        projections
    }

    /// How far they are from orthonormal: the Frobenius norm of DDᵀ − 1.
    fn error(&self) -> f64 {
        let of_row = |i: usize| {
            let off = |j: usize| product(self.0.row(i), self.0.row(j)) - f64::from(u8::from(i == j));
            (0..=i).map(|j| if i == j { off(j).powi(2) } else { 2.0 * off(j).powi(2) }).sum::<f64>()
        };
        (0..self.0.rows()).into_par_iter().map(of_row).collect::<Vec<_>>().iter().sum::<f64>().sqrt()
    }
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

fn squared_norm(a: &[f32]) -> f64 {
    product(a, a)
}

/// At most `limit` rows: a random one of each of as many ranges, since a corpus may repeat itself at any distance.
fn sample(rows: &Matrix, limit: usize, seed: u64) -> Matrix {
    let (n, taken) = (rows.rows(), rows.rows().min(limit));
    let mut random = SplitMix64::new(seed);
    let mut one = |i: usize| {
        let range = i * n / taken..(i + 1) * n / taken;
        rows.row(range.start + random.below(range.len()))
    };
    let values = (0..taken).flat_map(|i| one(i).iter().copied()).collect();
    Matrix::from_vec(values, rows.dim())
}

/// Rows of random values between −1/2 and 1/2.
fn random_rows(n: usize, dim: usize, seed: u64) -> Matrix {
    let mut random = SplitMix64::new(seed);
    Matrix::from_vec((0..n * dim).map(|_| random.next_f32() - 0.5).collect(), dim)
}

/// The inner products of each row of `a` with each of `b`.
fn products(a: &Matrix, b: &Matrix, isa: Isa) -> Matrix {
    let (kernels, n) = (F32Kernels::new(isa), b.rows());
    let right = kernels.pack_weights(b.as_slice(), n, b.dim(), &vec![0.0; n], &Arena::default());
    let mut out = Matrix::zeros(a.rows(), n);
    let blocks = out.as_mut_slice().par_chunks_mut(BLOCK * n).zip(a.as_slice().par_chunks(BLOCK * a.dim()));
    blocks.for_each_init(Default::default, |scratch, (out, a)| {
        kernels.linear(a, a.len() / b.dim(), &right, out, scratch);
    });
    out
}

/// Orthonormalizes the rows in order (Gram–Schmidt with reorthogonalization); rows that depend linearly on earlier ones are
/// left out.
fn orthonormalize(mut rows: Matrix) -> Matrix {
    let dim = rows.dim();
    let mut kept = 0;
    for i in 0..rows.rows() {
        let (earlier, row) = rows.as_mut_slice().split_at_mut(i * dim);
        let row = &mut row[..dim];
        let length = dot(row, row).sqrt();
        for _ in 0..2 {
            for other in earlier[..kept * dim].chunks_exact(dim) {
                let along = dot(other, row);
                row.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
        }
        let residual = dot(row, row).sqrt();
        if residual > 1e-4 * length {
            row.iter_mut().for_each(|x| *x /= residual);
            rows.as_mut_slice().copy_within(i * dim..(i + 1) * dim, kept * dim);
            kept += 1;
        }
    }
    Matrix::from_vec(rows.as_slice()[..kept * dim].to_vec(), dim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        progress::NoProgress,
        search::{
            exact::{ExactPairs, PairScope, self_join},
            tests::{brute_force, clustered},
        },
        vector::normalize,
    };

    fn unit_rows(n: usize, dim: usize, seed: u64) -> Matrix {
        let mut rows = random_rows(n, dim, seed);
        (0..n).for_each(|i| normalize(rows.row_mut(i)));
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn products_of_projections_bound_those_of_rows(
            n in 2usize..80, dim in 2usize..60, count in 1usize..70, scale in 0.1f32..30.0, skew in 0f32..0.05, seed: u64,
        ) {
            let mut rows = clustered(n, dim, seed);
            rows.as_mut_slice().iter_mut().for_each(|x| *x *= scale);
            rows.row_mut(n / 2).fill(0.0);
            for isa in Isa::available() {
                let mut directions = Directions::compute(&rows, count, isa);
                prop_assert!(directions.0.rows() <= count.min(dim) && directions.error() < 1e-5);
                // The bound also holds for directions that are not quite orthonormal.
                let noise = unit_rows(directions.0.rows(), dim, seed ^ 1);
                let values = directions.0.as_mut_slice().iter_mut().zip(noise.as_slice());
                values.for_each(|(d, x)| *d += skew * x);
                let projections = directions.project(&rows, isa);
                for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    let exact = product(rows.row(i), rows.row(j)).max(f64::from(dot(rows.row(i), rows.row(j))));
                    prop_assert!(product(projections.row(i), projections.row(j)) >= exact, "{i} {j}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_join_by_projections_equals_brute_force(
            n in 2usize..1200, dim in 2usize..80, count in 1usize..64, seed: u64, floor in 0.0f32..0.99,
        ) {
            let rows = clustered(n, dim, seed);
            let some = brute_force(&rows, floor);
            // The score of a pair as the floor, and any floor.
            let on_a_pair = some.get(seed as usize % some.len().max(1)).map(|pair| pair.score);
            for floor in on_a_pair.into_iter().chain([floor]) {
                let expect: Vec<_> = some.iter().copied().filter(|pair| pair.score >= floor).collect();
                for isa in Isa::available() {
                    let projections = Directions::compute(&rows, count, isa).project(&rows, isa);
                    let found = ExactPairs { rows: &rows, floor }.find(&projections, PairScope::All, isa, &NoProgress).unwrap();
                    prop_assert_eq!(&found, &expect);
                }
            }
        }
    }

    fn isa() -> Isa {
        Isa::available().into_iter().find(|isa| multiplies_f32(*isa)).expect("a isa that multiplies f32")
    }

    #[test]
    fn many_rows_are_joined_by_narrow_projections() {
        // Three of four values are small, so that a few directions separate most rows.
        let n = 10_001;
        let mut rows = clustered(n, 96, 3);
        for i in 0..n {
            rows.row_mut(i)[24..].iter_mut().for_each(|x| *x *= 0.2);
            normalize(rows.row_mut(i));
        }
        let of = |pairs, isa| project(&rows, pairs, 0.95, isa);
        let narrow = of(MIN_PAIRS, isa()).expect("projections that pay");
        assert!(narrow.dim() < 96);
        assert!(of(MIN_PAIRS - 1, isa()).is_none() && of(MIN_PAIRS, Isa::Amx).is_none());
        let found = self_join(&rows, 0.95, isa(), &NoProgress).unwrap();
        assert!(!found.is_empty());
        let pairs = ExactPairs { rows: &rows, floor: 0.95 };
        assert_eq!(found, pairs.find(&rows, PairScope::All, isa(), &NoProgress).unwrap());
    }

    #[test]
    fn projections_are_used_only_where_they_are_selective() {
        let check = |rows: &Matrix, floor: f32, expect: Option<usize>| {
            let projections = project(rows, MIN_PAIRS, floor, isa());
            assert_eq!(projections.map(|p| p.dim()), expect);
        };
        let spread = unit_rows(2000, 64, 5);
        check(&spread, 0.2, None);
        // Every thirteenth row only is not zero: a sample must not be periodic.
        let mut flat = Matrix::zeros(2000, 64);
        for i in (0..2000).filter(|i| i % 13 == 0) {
            flat.row_mut(i).copy_from_slice(spread.row(i));
        }
        check(&flat, 0.9, Some(32));
        // As wide as there are directions.
        let mut line = Matrix::zeros(2000, 64);
        let short = unit_rows(2000, 3, 6);
        (0..2000).for_each(|i| line.row_mut(i)[9..12].copy_from_slice(short.row(i)));
        check(&line, 0.99, Some(4));
        line.row_mut(7)[0] = f32::INFINITY;
        check(&line, 0.99, None);
        check(&Matrix::zeros(2000, 64), 0.9, None);
    }

    #[test]
    fn the_first_direction_has_the_largest_variance() {
        let values = (0..300).flat_map(|i| [0.1, (i as f32 * 0.7).sin(), 0.01 * (i as f32).cos()]).collect();
        let directions = Directions::compute(&Matrix::from_vec(values, 3), 2, Isa::Portable);
        assert!(directions.0.row(0)[1].abs() > 0.99);
    }
}

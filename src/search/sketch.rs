//! Sketches of rows: a few values a row, whose inner products are never lower than those of the rows themselves.
//!
//! A sketch of `w` values holds a row's coordinates on `w − 1` orthonormal directions and the length of what they leave
//! out. With `p`, `q` the coordinates of two rows and `r`, `s` what is left of them, `x·z = p·q + r·s`, which is at most
//! `p·q + ‖r‖·‖s‖` (Cauchy and Schwarz): the inner product of the two sketches. On the directions in which the rows vary
//! most, little is left out, so a search above a floor scores a sixth of the values and then the few pairs that may reach
//! the floor. (As FEXIPRO does: Li, Chan, Yiu, Mamoulis, SIGMOD 2017, after a singular value decomposition.)
//!
//! The directions, and how many, decide how fast a search is, never what it finds. Let `D` hold directions that are not
//! quite orthonormal, `δ ≥ ‖DDᵀ − 1‖`, `p = Dx`, `q = Dz`. Then `M = 1 − DᵀD + δ` has no negative eigenvalue, so
//!
//! ```text
//! x·z − p·q = xᵀMz − δ x·z ≤ √(xᵀMx)·√(zᵀMz) + δ‖x‖‖z‖,   xᵀMx = ‖x‖² − ‖p‖² + δ‖x‖²
//! ```
//!
//! What is added to a product in proportion to both lengths goes into the sketches' last values, as
//! `√(A + a)·√(B + b) ≥ √(AB) + √(ab)`. So do the roundings of float32.

use rayon::prelude::*;

use crate::{
    device::{Arena, F32Kernels, Isa, Kernels},
    random::SplitMix64,
    vector::{Matrix, dot},
};

/// A join of fewer pairs than of 10,000 rows takes little longer than to make sketches of them.
const LEAST_PAIRS: u64 = 10_000 * 10_000 / 2;
/// So many pairs a row, at least, make up for a sketch of it.
const LEAST_OF_A_ROW: u64 = 500;
/// The numbers of values that are tried.
const WIDTHS: [usize; 6] = [32, 48, 64, 96, 128, 192];
/// Multiplications that take as long as to score a candidate again: with AVX2 230 ns for a row from memory beside 0.02 ns,
/// and less for one that is still in the cache.
const RESCORE: f64 = 6000.0;
/// Sketches are not worth their making where a search by them takes more than this share of the time without them.
const WORTHWHILE: f64 = 0.7;
/// Rows from which the directions are learned.
const LEARNED: usize = 4096;
/// Rows of which all pairs are scored, to choose the width.
const SAMPLE: usize = 512;
/// Rounds of the iteration: directions need not have converged.
const ROUNDS: usize = 5;
/// Rows that are multiplied at a time.
const BLOCK: usize = 64;

/// The sketches of `rows` for a search of `pairs` of them above `floor`: the inner product of two is never lower than what
/// [`dot`] makes of their rows. None where they would not make it faster, nor on instruction sets that multiply bf16, where it has
/// not been measured.
pub(super) fn sketches(rows: &Matrix, pairs: u64, floor: f32, isa: Isa) -> Option<Matrix> {
    let few = pairs < LEAST_PAIRS || pairs / LEAST_OF_A_ROW < rows.rows() as u64;
    if few || !in_f32(isa) {
        return None;
    }
    let widest = WIDTHS.into_iter().rfind(|w| *w as f64 <= WORTHWHILE * rows.dim() as f64)?;
    let directions = Directions::learn(rows, widest - 1, isa);
    let count = directions.best(rows, floor, isa)?;
    let sketches = directions.first(count).sketch(rows, isa);
    // Rows that are not finite, which embedding never makes, have no sketch.
    sketches.as_slice().iter().all(|x| x.is_finite()).then_some(sketches)
}

/// Whether rows are multiplied in f32.
fn in_f32(isa: Isa) -> bool {
    !matches!(isa, Isa::Amx | Isa::Avx512Bf16)
}

/// Directions of unit length at right angles, the one of most variance first.
struct Directions(Matrix);

impl Directions {
    /// About the `count` directions, or as many as there are, in which `rows` vary most, by subspace iteration (Bauer
    /// 1957) on a sample of them.
    fn learn(rows: &Matrix, count: usize, isa: Isa) -> Self {
        let (dim, sample) = (rows.dim(), sample(rows, LEARNED, 0));
        let mut columns = Matrix::zeros(dim, sample.rows());
        for i in 0..sample.rows() {
            sample.row(i).iter().enumerate().for_each(|(j, x)| columns.row_mut(j)[i] = *x);
        }
        let moments = products(&columns, &columns, isa);
        let mut directions = orthonormal(by_chance(count, dim, 0));
        for _ in 0..ROUNDS {
            directions = orthonormal(products(&directions, &moments, isa));
        }
        // Once more, for what was lost to rounding where little variance is left.
        Directions(orthonormal(directions))
    }

    /// The first `count` of them.
    fn first(&self, count: usize) -> Self {
        let (dim, count) = (self.0.dim(), count.min(self.0.rows()));
        Directions(Matrix::from_vec(self.0.as_slice()[..count * dim].to_vec(), dim))
    }

    /// How many of them make the sketches by which a search above `floor` is fastest, by the pairs of a sample.
    fn best(&self, rows: &Matrix, floor: f32, isa: Isa) -> Option<usize> {
        let sample = sample(rows, SAMPLE, 1);
        let pairs = (sample.rows() * sample.rows().saturating_sub(1) / 2).max(1);
        // Multiplications a pair, with those that scoring the candidates again comes to.
        let cost = |of: &Matrix| {
            let scores = products(of, of, isa);
            let candidates = |i: usize| scores.row(i)[..i].iter().filter(|score| **score >= floor).count();
            let candidates: usize = (0..of.rows()).map(candidates).sum();
            of.dim() as f64 + RESCORE * candidates as f64 / pairs as f64
        };
        let counts = WIDTHS.iter().map(|width| width - 1).filter(|count| *count <= self.0.rows());
        let counts = counts.chain([self.0.rows()]).filter(|count| *count > 0);
        let costs = counts.map(|count| (count, cost(&self.first(count).sketch(&sample, isa))));
        let (count, least) = costs.min_by(|x, y| x.1.total_cmp(&y.1))?;
        (least <= WORTHWHILE * cost(&sample)).then_some(count)
    }

    /// The sketches of `rows`, a row each, by at least one direction.
    fn sketch(&self, rows: &Matrix, isa: Isa) -> Matrix {
        let (dim, count) = (rows.dim(), self.0.rows());
        // A sum of dim products is off by at most dim·ε/2 of both lengths, whatever its order; twice that covers lengths
        // of directions, and roundings of squares, as well.
        let rounding = dim as f64 * f64::from(f32::EPSILON);
        // What p·q and ‖p‖² may be off by, of the lengths' product.
        let off = 3.0 * (count as f64).sqrt() * rounding + self.error();
        let added = 2.0 * off + rounding;
        let kept = products(rows, &self.0, isa);
        let mut sketches = Matrix::zeros(rows.rows(), count + 1);
        sketches.as_mut_slice().par_chunks_exact_mut(count + 1).enumerate().for_each(|(i, sketch)| {
            let (kept, length) = (kept.row(i), square(rows.row(i)));
            let left = length - square(kept) + added * length;
            sketch[..count].copy_from_slice(kept);
            sketch[count] = (left.max(0.0).sqrt() as f32).next_up();
        });
        sketches
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

fn square(a: &[f32]) -> f64 {
    product(a, a)
}

/// At most `most` rows: one of each of as many stretches, by chance, for a corpus may repeat itself at any distance.
fn sample(rows: &Matrix, most: usize, seed: u64) -> Matrix {
    let (n, taken) = (rows.rows(), rows.rows().min(most));
    let mut random = SplitMix64::new(seed);
    let mut one = |i: usize| {
        let stretch = i * n / taken..(i + 1) * n / taken;
        rows.row(stretch.start + random.below(stretch.len()))
    };
    let values = (0..taken).flat_map(|i| one(i).iter().copied()).collect();
    Matrix::from_vec(values, rows.dim())
}

/// Rows of values between −1/2 and 1/2.
fn by_chance(n: usize, dim: usize, seed: u64) -> Matrix {
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

/// The rows made orthonormal, one after the other (Gram and Schmidt, twice each); those that depend on earlier ones are
/// left out.
fn orthonormal(mut rows: Matrix) -> Matrix {
    let dim = rows.dim();
    let mut kept = 0;
    for i in 0..rows.rows() {
        let (before, row) = rows.as_mut_slice().split_at_mut(i * dim);
        let row = &mut row[..dim];
        let length = dot(row, row).sqrt();
        for _ in 0..2 {
            for other in before[..kept * dim].chunks_exact(dim) {
                let along = dot(other, row);
                row.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
        }
        let left = dot(row, row).sqrt();
        if left > 1e-4 * length {
            row.iter_mut().for_each(|x| *x /= left);
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
            exact::{Against, Pairs, self_join},
            tests::{brute_force, clustered},
        },
        vector::normalize,
    };

    fn random_rows(n: usize, dim: usize, seed: u64) -> Matrix {
        let mut rows = by_chance(n, dim, seed);
        (0..n).for_each(|i| normalize(rows.row_mut(i)));
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_product_of_sketches_is_lower_than_that_of_their_rows(
            n in 2usize..80, dim in 2usize..60, count in 1usize..70, scale in 0.1f32..30.0, crooked in 0f32..0.05, seed: u64,
        ) {
            let mut rows = clustered(n, dim, seed);
            rows.as_mut_slice().iter_mut().for_each(|x| *x *= scale);
            rows.row_mut(n / 2).fill(0.0);
            for isa in Isa::available() {
                let mut directions = Directions::learn(&rows, count, isa);
                prop_assert!(directions.0.rows() <= count.min(dim) && directions.error() < 1e-5);
                // The bound holds for directions that are not orthonormal too, as long as it is known how much.
                let noise = random_rows(directions.0.rows(), dim, seed ^ 1);
                let values = directions.0.as_mut_slice().iter_mut().zip(noise.as_slice());
                values.for_each(|(d, x)| *d += crooked * x);
                let sketches = directions.sketch(&rows, isa);
                for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    let exact = product(rows.row(i), rows.row(j)).max(f64::from(dot(rows.row(i), rows.row(j))));
                    prop_assert!(product(sketches.row(i), sketches.row(j)) >= exact, "{i} {j}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_join_by_sketches_equals_brute_force(
            n in 2usize..1200, dim in 2usize..80, count in 1usize..64, seed: u64, floor in 0.0f32..0.99,
        ) {
            let rows = clustered(n, dim, seed);
            let some = brute_force(&rows, floor);
            // At the score of a pair, which is to be found, and anywhere.
            let on_a_pair = some.get(seed as usize % some.len().max(1)).map(|pair| pair.score);
            for floor in on_a_pair.into_iter().chain([floor]) {
                let expect: Vec<_> = some.iter().copied().filter(|pair| pair.score >= floor).collect();
                for isa in Isa::available() {
                    let sketches = Directions::learn(&rows, count, isa).sketch(&rows, isa);
                    let found = Pairs { rows: &rows, floor }.found_by(&sketches, Against::Later, isa, &NoProgress).unwrap();
                    prop_assert_eq!(&found, &expect);
                }
            }
        }
    }

    fn isa() -> Isa {
        Isa::available().into_iter().find(|isa| in_f32(*isa)).expect("an instruction set without bf16")
    }

    #[test]
    fn many_rows_are_joined_by_narrow_sketches() {
        // Three of four values are small, so that a few directions tell most rows apart.
        let n = 10_001;
        let mut rows = clustered(n, 96, 3);
        for i in 0..n {
            rows.row_mut(i)[24..].iter_mut().for_each(|x| *x *= 0.2);
            normalize(rows.row_mut(i));
        }
        let of = |pairs, isa| sketches(&rows, pairs, 0.95, isa);
        let narrow = of(LEAST_PAIRS, isa()).expect("sketches that are worth their making");
        assert!(narrow.dim() < 96);
        assert!(of(LEAST_PAIRS - 1, isa()).is_none() && of(LEAST_PAIRS, Isa::Amx).is_none());
        let found = self_join(&rows, 0.95, isa(), &NoProgress).unwrap();
        assert!(!found.is_empty());
        let pairs = Pairs { rows: &rows, floor: 0.95 };
        assert_eq!(found, pairs.found_by(&rows, Against::Later, isa(), &NoProgress).unwrap());
    }

    #[test]
    fn sketches_are_made_only_where_they_tell_rows_apart() {
        let check = |rows: &Matrix, floor: f32, expect: Option<usize>| {
            let made = sketches(rows, LEAST_PAIRS, floor, isa());
            assert_eq!(made.map(|m| m.dim()), expect);
        };
        let spread = random_rows(2000, 64, 5);
        check(&spread, 0.2, None);
        // A thirteenth of the rows says nothing of the others, at whatever distance it returns.
        let mut flat = Matrix::zeros(2000, 64);
        for i in (0..2000).filter(|i| i % 13 == 0) {
            flat.row_mut(i).copy_from_slice(spread.row(i));
        }
        check(&flat, 0.9, Some(32));
        // As wide as there are directions.
        let mut line = Matrix::zeros(2000, 64);
        let short = random_rows(2000, 3, 6);
        (0..2000).for_each(|i| line.row_mut(i)[9..12].copy_from_slice(short.row(i)));
        check(&line, 0.99, Some(4));
        line.row_mut(7)[0] = f32::INFINITY;
        check(&line, 0.99, None);
        check(&Matrix::zeros(2000, 64), 0.9, None);
    }

    #[test]
    fn the_first_direction_is_the_one_of_most_variance() {
        let values = (0..300).flat_map(|i| [0.1, (i as f32 * 0.7).sin(), 0.01 * (i as f32).cos()]).collect();
        let directions = Directions::learn(&Matrix::from_vec(values, 3), 2, Isa::Portable);
        assert!(directions.0.row(0)[1].abs() > 0.99);
    }
}

//! Sketches of rows: a few values a row, whose inner products are never lower than those of the rows themselves.
//!
//! A sketch of `w` values holds a row's coordinates on `w − 1` orthonormal directions and the length of what they leave
//! out. With `p`, `q` the coordinates of two rows and `r`, `s` what is left of them, `x·z = p·q + r·s`, which is at most
//! `p·q + ‖r‖·‖s‖` (Cauchy and Schwarz): the inner product of the two sketches. On the directions in which the rows vary
//! most, little is left out, so a search above a floor scores a sixth of the values and then the few pairs that may reach
//! the floor. (As FEXIPRO does: Li, Chan, Yiu, Mamoulis, SIGMOD 2017, after a singular value decomposition.)
//!
//! The directions, and how many, decide how fast a search is, never what it finds: [`Sketch::slack`] holds for any.

use rayon::prelude::*;

use crate::{
    device::{Arena, CpuPath, Float, Kernels},
    random::Random,
    vector::{Matrix, dot},
};

/// A join of fewer rows takes no longer than to make sketches of them: a tenth of a second.
const LEAST_ROWS: usize = 10_000;
/// The numbers of values that are tried.
const WIDTHS: [usize; 6] = [32, 48, 64, 96, 128, 192];
/// Multiplications that take as long as to score a candidate again: with AVX2 230 ns for a row from memory beside 0.02 ns,
/// and less for one that is still in the cache.
const RESCORE: f64 = 6000.0;
/// Sketches of more than this share of a row's values are not worth their making.
const WORTHWHILE: f64 = 0.7;
/// Rows from which the directions are learned.
const LEARNED: usize = 4096;
/// Rows of which all pairs are scored, to choose the width.
const SAMPLE: usize = 512;
/// Rounds of the iteration: directions need not have converged.
const ROUNDS: usize = 5;
/// Rows that are taken through the directions at a time.
const BLOCK: usize = 512;

/// The sketches of some rows.
pub(super) struct Sketch {
    rows: Matrix,
    slack: f32,
}

impl Sketch {
    /// The sketches of `rows` for a search above `floor`; none where they would not make it faster, nor on paths that
    /// multiply bf16, where it has not been measured.
    pub(super) fn of(rows: &Matrix, floor: f32, path: CpuPath) -> Option<Self> {
        if rows.rows() < LEAST_ROWS || matches!(path, CpuPath::Amx | CpuPath::Avx512Bf16) {
            return None;
        }
        let widest = WIDTHS.into_iter().rfind(|w| w < &rows.dim())?;
        let directions = Directions::learn(rows, widest - 1, path);
        let width = directions.best_width(rows, floor, path)?;
        Some(directions.first(width - 1).sketch(rows, path))
    }

    /// The sketches, a row each.
    pub(super) fn rows(&self) -> &Matrix {
        &self.rows
    }

    /// An inner product of two sketches is at most this much lower than what [`dot`] makes of their rows.
    pub(super) fn slack(&self) -> f32 {
        self.slack
    }
}

/// Directions of unit length at right angles, the one of most variance first.
struct Directions(Matrix);

impl Directions {
    /// About the `count` directions, or as many as there are, in which `rows` vary most, by subspace iteration (Bauer
    /// 1957) on a sample of them.
    fn learn(rows: &Matrix, count: usize, path: CpuPath) -> Self {
        let (dim, sample) = (rows.dim(), evenly(rows, LEARNED));
        let mut columns = Matrix::zeros(dim, sample.rows());
        for i in 0..sample.rows() {
            sample.row(i).iter().enumerate().for_each(|(j, x)| columns.row_mut(j)[i] = *x);
        }
        let moments = products(&columns, &columns, path);
        let mut random = Random::new(0);
        let start = (0..count * dim).map(|_| random.unit() - 0.5).collect();
        let mut directions = orthonormal(Matrix::from_vec(start, dim));
        for _ in 0..ROUNDS {
            directions = orthonormal(products(&directions, &moments, path));
        }
        // Once more, for what was lost to rounding where little variance is left.
        Directions(orthonormal(directions))
    }

    /// The first `count` of them.
    fn first(&self, count: usize) -> Self {
        let (dim, count) = (self.0.dim(), count.min(self.0.rows()));
        Directions(Matrix::from_vec(self.0.as_slice()[..count * dim].to_vec(), dim))
    }

    /// The width whose sketches make a search above `floor` fastest, by the pairs of a sample.
    fn best_width(&self, rows: &Matrix, floor: f32, path: CpuPath) -> Option<usize> {
        let sample = evenly(rows, SAMPLE);
        let pairs = (sample.rows() * sample.rows().saturating_sub(1) / 2).max(1);
        let cost = |width: &usize| {
            let Sketch { rows: sketches, slack } = self.first(width - 1).sketch(&sample, path);
            let scores = products(&sketches, &sketches, path);
            let reach = |i: usize| scores.row(i)[..i].iter().filter(|s| **s >= floor - slack).count();
            let candidates: usize = (0..sketches.rows()).map(reach).sum();
            *width as f64 + RESCORE * candidates as f64 / pairs as f64
        };
        let widths = WIDTHS.iter().filter(|w| **w <= self.0.rows() + 1);
        let (width, cost) = widths.map(|w| (*w, cost(w))).min_by(|x, y| x.1.total_cmp(&y.1))?;
        (cost <= WORTHWHILE * rows.dim() as f64).then_some(width)
    }

    /// The sketches of `rows`.
    fn sketch(&self, rows: &Matrix, path: CpuPath) -> Sketch {
        // Each coordinate is off by at most dim·ε/2 of the row's length, whatever the order of the sum; ε does for the
        // roundings of a row's length as well.
        let (dim, count) = (rows.dim(), self.0.rows());
        let rounding = dim as f64 * f64::from(f32::EPSILON);
        let coordinates = (count as f64).sqrt() * rounding;
        // With directions that are not quite orthonormal, x·z = p·q − pᵀ(DDᵀ − 1)q + r·s, and ‖r‖² is off by as much.
        let off = 3.0 * coordinates + self.error();
        let width = count + 1;
        let mut sketches = Matrix::zeros(rows.rows(), width);
        let kernels = Float::new(path);
        let directions = kernels.pack(self.0.as_slice(), count, dim, &vec![0.0; count], &Arena::default());
        let longest = sketches
            .as_mut_slice()
            .par_chunks_mut(BLOCK * width)
            .zip(rows.as_slice().par_chunks(BLOCK * dim))
            .map_init(<(Vec<f32>, _)>::default, |(out, scratch), (sketches, rows)| {
                let n = rows.len() / dim;
                out.resize(n * count, 0.0);
                kernels.linear(rows, n, &directions, out, scratch);
                let mut longest = 0f64;
                for (i, (sketch, row)) in
                    sketches.chunks_exact_mut(width).zip(rows.chunks_exact(dim)).enumerate()
                {
                    let (kept, length) = (&out[i * count..][..count], square(row));
                    let left = (length - square(kept) + off * length).max(0.0).sqrt();
                    sketch[..count].copy_from_slice(kept);
                    sketch[count] = (left as f32).next_up();
                    longest = longest.max(length);
                }
                longest
            })
            .reduce(|| 0.0, f64::max);
        Sketch { rows: sketches, slack: (((off + rounding) * longest) as f32).next_up() }
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

/// At most `most` rows, evenly spaced.
fn evenly(rows: &Matrix, most: usize) -> Matrix {
    let step = rows.rows().div_ceil(most).max(1);
    let taken = (0..rows.rows()).step_by(step).flat_map(|i| rows.row(i)).copied().collect();
    Matrix::from_vec(taken, rows.dim())
}

/// The inner products of each row of `a` with each of `b`.
fn products(a: &Matrix, b: &Matrix, path: CpuPath) -> Matrix {
    let (kernels, n) = (Float::new(path), b.rows());
    let right = kernels.pack(b.as_slice(), n, b.dim(), &vec![0.0; n], &Arena::default());
    let mut out = Matrix::zeros(a.rows(), n);
    let blocks =
        out.as_mut_slice().par_chunks_mut(BLOCK / 8 * n).zip(a.as_slice().par_chunks(BLOCK / 8 * a.dim()));
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
        progress::Silent,
        search::{
            exact::{Against, join_by, self_join},
            tests::{brute_force, clustered},
        },
        vector::normalize,
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_product_of_sketches_is_lower_than_that_of_their_rows(
            n in 1usize..80, dim in 2usize..60, count in 1usize..70, scale in 0.1f32..3.0, seed: u64,
        ) {
            let mut rows = clustered(n, dim, seed);
            rows.as_mut_slice().iter_mut().for_each(|x| *x *= scale);
            rows.row_mut(n / 2).fill(0.0);
            for path in CpuPath::available() {
                let directions = Directions::learn(&rows, count, path);
                prop_assert!(directions.0.rows() <= count.min(dim) && directions.error() < 1e-5);
                let Sketch { rows: sketches, slack } = directions.sketch(&rows, path);
                prop_assert!(slack < 0.01 * scale * scale);
                for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    let bound = product(sketches.row(i), sketches.row(j)) + f64::from(slack);
                    prop_assert!(bound >= f64::from(dot(rows.row(i), rows.row(j))), "{i} {j}");
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
            let expect = brute_force(&rows, floor);
            for path in CpuPath::available() {
                let sketch = Directions::learn(&rows, count, path).sketch(&rows, path);
                let found = join_by(Some(&sketch), &rows, floor, Against::Later, path, &Silent).unwrap();
                prop_assert_eq!(&found, &expect);
            }
        }
    }

    #[test]
    fn many_rows_are_joined_by_narrow_sketches() {
        // A third of the values are small, so that a few directions tell most rows apart.
        let mut rows = clustered(LEAST_ROWS, 96, 3);
        for i in 0..rows.rows() {
            rows.row_mut(i)[24..].iter_mut().for_each(|x| *x *= 0.2);
            normalize(rows.row_mut(i));
        }
        let in_f32 = |path: &CpuPath| !matches!(path, CpuPath::Amx | CpuPath::Avx512Bf16);
        let path = CpuPath::available().into_iter().find(in_f32).expect("a path in f32");
        let sketch = Sketch::of(&rows, 0.95, path).expect("sketches that are worth their making");
        assert!(sketch.rows().dim() < 96);
        let found = join_by(Some(&sketch), &rows, 0.95, Against::Later, path, &Silent).unwrap();
        assert!(
            found == join_by(None, &rows, 0.95, Against::Later, path, &Silent).unwrap() && !found.is_empty()
        );
        assert_eq!(found, self_join(&rows, 0.95, path, &Silent).unwrap());
    }

    #[test]
    fn the_first_direction_is_the_one_of_most_variance() {
        let values = (0..300).flat_map(|i| [0.1, (i as f32 * 0.7).sin(), 0.01 * (i as f32).cos()]).collect();
        let directions = Directions::learn(&Matrix::from_vec(values, 3), 2, CpuPath::Portable);
        assert!(directions.0.row(0)[1].abs() > 0.99);
    }
}

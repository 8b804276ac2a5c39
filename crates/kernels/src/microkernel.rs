//! The loops that the kernels of several instruction sets have in common.
//!
//! They are macros: what is compiled for one set cannot be called in a loop of another, and vectors have types of their own.

/// Values of a line of the cache.
pub(super) const LINE: usize = 16;

/// `$tiles` multiplies the rows of one shape of tiles, `$cols` wide: `$tile` has any number of rows, `$whole` is the one
/// that is used where there are enough. `$far` brings a line into the second-level cache.
macro_rules! tiles {
    (
        $features:literal, $far:ident, $cols:literal, $rows:literal, [$($fewer:literal)+], $tiles:ident,
        $tile:ident, $whole:expr
    ) => {
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $tiles(
            (a, a_stride): (&[f32], usize),
            b: &[f32],
            start: Option<&[f32]>,
            (out, out_stride): (&mut [f32], usize),
            rows: usize,
            coming: &[f32],
        ) {
            const COLS: usize = $cols;
            let k = b.len() / COLS;
            let Some(last) = rows.checked_sub(1) else { return };
            assert!(a.len() >= last * a_stride + k, "too few rows");
            assert!(out.len() >= last * out_stride + COLS, "no room for a tile");
            assert!(start.is_none_or(|s| s.len() >= COLS), "a start of another width");
            let mut coming = coming.chunks(microkernel::LINE);
            let share = coming.len().div_ceil(rows.div_ceil($rows));
            let start = start.map(<[f32]>::as_ptr);
            for row in (0..rows).step_by($rows) {
                for line in coming.by_ref().take(share) {
                    $far(line.as_ptr());
                }
                // SAFETY: all rows of `a` and `out` and a row of `start` lie in their slices: the lengths were checked.
                unsafe {
                    let a = (a.as_ptr().add(row * a_stride), a_stride);
                    let out = (out.as_mut_ptr().add(row * out_stride), out_stride);
                    match rows - row {
                        $($fewer => $tile::<$fewer>(a, b.as_ptr(), k, start, out),)+
                        _ => $whole(a, b.as_ptr(), k, start, out),
                    }
                }
            }
        }
    };
}
pub(super) use tiles;

/// The operations on rows, for an instruction set.
macro_rules! row_ops {
    ($features:literal, $activate:ident, $softmax:ident, $layer_norm:ident) => {
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $activate(act: Activation, row: &mut [f32]) {
            math::activate::<true>(act, row);
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $softmax(rows: &mut [f32], stride: usize, len: usize) {
            math::softmax::<true>(rows, stride, len);
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $layer_norm(row: &mut [f32], norm: &LayerNorm) {
            math::layer_norm::<true>(row, norm);
        }
    };
}
pub(super) use row_ops;

/// Operations in registers, `steps` times `$chains`: the first two vectors hold `x` and `y`, sums begin with `start`, and
/// each step is `op(sum, x, y)`, of so many multiplications.
macro_rules! spin {
    (
        $name:ident, $features:literal, $chains:literal, $multiplications:expr, ($set:ident, $x:literal, $y:literal),
        ($set_sum:ident, $start:literal), $op:ident
    ) => {
        /// Multiplies and adds in registers, in `steps` steps; returns how many operations they were.
        ///
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name(steps: usize) -> f64 {
            use std::hint::black_box;
            const CHAINS: usize = $chains;
            let (x, y) = ($set(black_box($x)), $set(black_box($y)));
            let mut sums = [$set_sum(black_box($start)); CHAINS];
            for _ in 0..steps {
                for sum in &mut sums {
                    *sum = $op(*sum, x, y);
                }
            }
            black_box(sums);
            (2 * $multiplications * CHAINS * steps) as f64
        }
    };
}
pub(super) use spin;

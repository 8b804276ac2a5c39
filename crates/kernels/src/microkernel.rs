//! The f32 loops that several instruction sets share.
//!
//! They are macros because a function compiled for one instruction set cannot be inlined into a loop of another, and
//! because each has vector types of its own.

/// f32 values of a cache line.
pub(super) const LINE_VALUES: usize = 16;

/// Defines `$tile_loop`, which multiplies any number of rows by a panel `$cols` wide, one tile at a time. `$tile` is
/// generic over the number of rows; `$full_tile` is used where `$rows` rows are left. `$prefetch` brings a cache line
/// into the second-level cache.
macro_rules! tile_loop {
    (
        $features:literal, $prefetch:ident, $cols:literal, $rows:literal, [$($fewer:literal)+], $tile_loop:ident,
        $tile:ident, $full_tile:expr
    ) => {
        /// See [`crate::portable::TileLoop`].
        ///
        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        unsafe fn $tile_loop(
            (a, a_stride): (&[f32], usize),
            b: &[f32],
            init: Option<&[f32]>,
            (out, out_stride): (&mut [f32], usize),
            rows: usize,
            next: &[f32],
        ) {
            const COLS: usize = $cols;
            let k = b.len() / COLS;
            let Some(last) = rows.checked_sub(1) else { return };
            assert!(a.len() >= last * a_stride + k, "the left-hand side has too few rows");
            assert!(out.len() >= last * out_stride + COLS, "the output is smaller than a tile");
            assert!(init.is_none_or(|row| row.len() >= COLS), "the initial row is narrower than a tile");
            let mut lines = next.chunks(microkernel::LINE_VALUES);
            let lines_per_tile = lines.len().div_ceil(rows.div_ceil($rows));
            let init = init.map(<[f32]>::as_ptr);
            for row in (0..rows).step_by($rows) {
                for line in lines.by_ref().take(lines_per_tile) {
                    $prefetch(line.as_ptr());
                }
                // SAFETY: all rows of `a` and `out`, and a row of `init`, lie in their slices: the lengths were checked.
                unsafe {
                    let a = (a.as_ptr().add(row * a_stride), a_stride);
                    let out = (out.as_mut_ptr().add(row * out_stride), out_stride);
                    match rows - row {
                        $($fewer => $tile::<$fewer>(a, b.as_ptr(), k, init, out),)+
                        _ => $full_tile(a, b.as_ptr(), k, init, out),
                    }
                }
            }
        }
    };
}
pub(super) use tile_loop;

/// Compiles the row operations of [`crate::math`] for an instruction set.
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

/// Defines `$name`, which measures peak arithmetic throughput: `steps` times `$chains` independent operations
/// `sum = op(sum, x, y)` in registers, each worth `$multiplications` multiplications.
macro_rules! peak_loop {
    (
        $name:ident, $features:literal, $chains:literal, $multiplications:expr, ($set:ident, $x:literal, $y:literal),
        ($set_sum:ident, $start:literal), $op:ident
    ) => {
        /// Multiplies and adds in registers, in `steps` steps. Returns the number of multiplications and additions.
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
pub(super) use peak_loop;

//! Matrix products on the matrix units (AMX): 16 rows of one matrix times 16 columns of another in one instruction.
//!
//! A step loads two tiles of `x` (16 rows × 32 values each) and two of the weights, and multiplies each of the first with
//! each of the second. While the tiles of one block are multiplied, the vector units run the epilogue of the block before
//! it (bias, activation, rounding to bf16, or addition), one row between two products. The two kinds of instructions must
//! be interleaved closely: a stalled instruction delays everything behind it in the reorder buffer. Operands are loaded
//! with a hint not to keep them in the first-level cache, which is left to the panel of weights.
//!
//! Names follow the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18. Rust has no
//! stable intrinsics for tiles, so the instructions are inline assembly.

use std::{
    arch::{
        asm,
        x86_64::{_MM_HINT_T1, _mm_prefetch, _mm512_load_ps},
    },
    marker::PhantomData,
};

use half::bf16;

use super::{
    amx_detect::{has_int8, is_available},
    backend::Strided,
    gemm::{BLOCK_ROWS, Epilogue, PANEL_COLS, STEP, SumBlocks, TILE_ROWS, TILE_VALUES, TiledWeights},
};

/// The operand of LDTILECFG.
#[repr(C, align(64))]
struct TileConfig {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Palette 1: eight tiles of sixteen rows of 64 bytes.
static FULL_TILES: TileConfig = {
    let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
    let mut i = 0;
    while i < 8 {
        (row_bytes[i], rows[i]) = (64, 16);
        i += 1;
    }
    TileConfig { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
};

/// The tiles of this thread, configured until this is dropped.
pub(crate) struct AmxGemm(PhantomData<*const ()>);

impl AmxGemm {
    /// Configures the tiles. Panics if the processor or the operating system lacks AMX.
    pub(crate) fn configure() -> Self {
        assert!(is_available(), "AMX is not available");
        // SAFETY: the processor has AMX, the process may use it, and the 64 bytes are a valid configuration.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const FULL_TILES, options(nostack, preserves_flags)) };
        AmxGemm(PhantomData)
    }
}

impl Drop for AmxGemm {
    fn drop(&mut self) {
        // SAFETY: as in `configure`.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags)) };
    }
}

macro_rules! peak_loop {
    ($dot:literal, $values:expr, $steps:expr) => {
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            "tileloadd tmm4, [{v} + {w}*1]", "tileloadd tmm5, [{v} + {w}*1]",
            "tileloadd tmm6, [{v} + {w}*1]", "tileloadd tmm7, [{v} + {w}*1]",
            "2:",
            concat!($dot, " tmm0, tmm4, tmm6"),
            concat!($dot, " tmm1, tmm4, tmm7"),
            concat!($dot, " tmm2, tmm5, tmm6"),
            concat!($dot, " tmm3, tmm5, tmm7"),
            "dec {n}",
            "jnz 2b",
            v = in(reg) $values, w = in(reg) 64usize, n = inout(reg) $steps => _,
            options(nostack, readonly),
        )
    };
}

/// Multiplies tiles in registers, `steps` times four, of bf16 or of int8. Returns the number of multiplications and
/// additions. Panics if `int8` is set and the processor lacks AMX-INT8.
pub(crate) fn run_peak_loop(_gemm: &AmxGemm, steps: usize, int8: bool) -> f64 {
    assert!(!int8 || has_int8(), "this processor lacks AMX-INT8");
    let values: Vec<u16> =
        (0..TILE_VALUES).map(|i| bf16::from_f32((i as f32 * 0.37).sin() * 1e-3).to_bits()).collect();
    let steps = steps.max(1);
    // SAFETY: the tiles are configured, the processor has the instruction, and `values` is one whole tile.
    unsafe {
        if int8 {
            peak_loop!("tdpbsud", values.as_ptr(), steps);
        } else {
            peak_loop!("tdpbf16ps", values.as_ptr(), steps);
        }
    }
    (steps * 4 * 2 * TILE_ROWS * TILE_ROWS * STEP * if int8 { 2 } else { 1 }) as f64
}

/// Adds the products of two tiles of the left-hand side with two of the right-hand side to tiles 0 to 3, by the instruction
/// `$dot`. The left-hand side has rows `$row` bytes apart from `$a` on and, with `$two_tiles`, from `$lower` on. The
/// right-hand side has whole tiles at `$b` and, unless that is the `$last`, at `$right`. `$prepare!` runs before the product
/// of each of tiles 0 to 3, with its number, row and column; `$interleave` runs after it.
macro_rules! step {
    (
        $dot:literal, ($a:expr, $lower:expr, $row:expr, $two_tiles:expr), ($b:expr, $right:expr, $last:expr), $prepare:ident,
        $interleave:block
    ) => {{
        // None of these is declared read-only: the compiler would move stores past them, and the interleaved work with them.
        asm!(
            "tileloadd tmm6, [{b} + {w}*1]",
            "tileloaddt1 tmm4, [{a} + {row}*1]",
            a = in(reg) $a, row = in(reg) $row, b = in(reg) $b, w = in(reg) 64usize, options(nostack, preserves_flags),
        );
        $prepare!("0", 0, 0);
        asm!(concat!($dot, " tmm0, tmm4, tmm6"), options(nostack, preserves_flags));
        $interleave
        if !$last {
            asm!(
                "tileloadd tmm7, [{b} + {w}*1]",
                b = in(reg) $right, w = in(reg) 64usize, options(nostack, preserves_flags),
            );
        }
        $prepare!("1", 0, TILE_ROWS);
        if !$last {
            asm!(concat!($dot, " tmm1, tmm4, tmm7"), options(nostack, preserves_flags));
        }
        $interleave
        if $two_tiles {
            asm!(
                "tileloaddt1 tmm5, [{a} + {row}*1]",
                a = in(reg) $lower, row = in(reg) $row, options(nostack, preserves_flags),
            );
        }
        $prepare!("2", TILE_ROWS, 0);
        if $two_tiles {
            asm!(concat!($dot, " tmm2, tmm5, tmm6"), options(nostack, preserves_flags));
        }
        $interleave
        $prepare!("3", TILE_ROWS, TILE_ROWS);
        if $two_tiles && !$last {
            asm!(concat!($dot, " tmm3, tmm5, tmm7"), options(nostack, preserves_flags));
        }
        $interleave
    }};
}

/// For [`step`]: nothing to prepare.
macro_rules! no_prepare {
    ($tile:literal, $row:expr, $column:expr) => {};
}

/// Zeroes tiles 0 to 3.
///
/// # Safety
/// The tiles are configured.
#[inline(always)]
unsafe fn clear() {
    // SAFETY: by this function's own contract.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            options(nostack, preserves_flags)
        );
    }
}

/// Stores tiles 0 to 3 as a matrix with rows of `columns`: without `two_tiles` only its upper sixteen rows, with `last` only
/// its left sixteen columns.
///
/// # Safety
/// The tiles are configured; `at` points to as many values.
#[inline(always)]
unsafe fn store_sums(at: *mut f32, columns: usize, two_tiles: bool, last: bool) {
    macro_rules! store {
        ($tile:literal, $row:expr, $column:expr) => {
            asm!(
                concat!("tilestored [{p} + {s}*1], tmm", $tile),
                p = in(reg) at.add($row * columns + $column), s = in(reg) columns * 4, options(nostack, preserves_flags),
            )
        };
    }
    // SAFETY: by this function's own contract.
    unsafe {
        store!("0", 0, 0);
        if !last {
            store!("1", 0, TILE_ROWS);
        }
        if two_tiles {
            store!("2", TILE_ROWS, 0);
        }
        if two_tiles && !last {
            store!("3", TILE_ROWS, TILE_ROWS);
        }
    }
}

/// Passes every block of `x · wᵀ` to `epilogue`; `x` is an operand.
///
/// # Safety
/// The output of `epilogue` holds `rows` rounded up to whole blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn product<F: Epilogue>(
    gemm: &AmxGemm,
    x: &[u16],
    rows: usize,
    w: &TiledWeights,
    epilogue: &F,
    sum_blocks: &mut SumBlocks,
) {
    assert!(x.len() >= rows.next_multiple_of(BLOCK_ROWS) * w.k, "the operand has incomplete blocks");
    let (x, data) = (x.as_ptr().cast(), w.data.as_ptr().cast());
    // SAFETY: the operand and the weights hold whole blocks, the output by this function's own contract.
    unsafe {
        multiply::<false, F>(gemm, (x, rows), (data, w.n / PANEL_COLS), w.k / STEP, epilogue, sum_blocks)
    };
}

/// Bytes of two tiles: of one step of a block, and of one step of a panel.
const STEP_BYTES: usize = 2048;
/// Bytes of a cache line, and of a row of a tile.
const LINE_BYTES: usize = 64;

/// Passes the sums of every block to `epilogue`: blocks of 32 rows times panels of 32 columns, both of `steps` times two
/// tiles. With `INT8` the sums are the bits of i32.
///
/// # Safety
/// `x` holds `rows` rounded up to whole blocks, `w` holds `panels` panels, the output of `epilogue` holds whole blocks.
/// With `INT8` the processor has AMX-INT8.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) unsafe fn multiply<const INT8: bool, F: Epilogue>(
    _gemm: &AmxGemm,
    (x, rows): (*const u8, usize),
    (w, panels): (*const u8, usize),
    steps: usize,
    epilogue: &F,
    sum_blocks: &mut SumBlocks,
) {
    let [even, odd] = &mut *sum_blocks.0;
    let (mut sums, mut other) = (even.0.as_mut_ptr(), odd.0.as_mut_ptr());
    // Row and column of the block whose sums are complete.
    let mut previous: Option<(usize, usize)> = None;
    // SAFETY: panels, rows and steps stay within the bounds that the caller guarantees; a block of sums is 32 × 32.
    unsafe {
        let finish_row = |(row, column): (usize, usize), sums: *const f32, r: usize| {
            let at = sums.add(r * PANEL_COLS);
            epilogue.row(row, column, r, _mm512_load_ps(at), _mm512_load_ps(at.add(16)));
        };
        // The weights of a model exceed the second-level cache: the next panel is prefetched while this one is used, a few
        // lines per step.
        let lines = STEP_BYTES / LINE_BYTES;
        let prefetched = lines.div_ceil(rows.div_ceil(BLOCK_ROWS).max(1));
        clear();
        for panel in 0..panels {
            let b = w.add(panel * steps * STEP_BYTES);
            let (mut next, end) =
                (b.add(steps * STEP_BYTES), w.add((panel + 2).min(panels) * steps * STEP_BYTES));
            for row in (0..rows).step_by(BLOCK_ROWS) {
                let a = x.add(row / BLOCK_ROWS * steps * STEP_BYTES);
                let two_tiles = rows - row > TILE_ROWS;
                // A tile of the previous block is stored just before the tile's first product in this one, while the products
                // of the other tiles go on.
                macro_rules! store_and_clear {
                    ($tile:literal, $row:expr, $column:expr) => {
                        asm!(
                            concat!("tilestored [{p} + {s}*1], tmm", $tile),
                            concat!("tilezero tmm", $tile),
                            p = in(reg) sums.add($row * PANEL_COLS + $column), s = in(reg) PANEL_COLS * 4,
                            options(nostack, preserves_flags),
                        )
                    };
                }
                // The rows of the previous block, spread evenly over the four products of each step after the first.
                let (mut done, mut due, slots) = (0, 0, 4 * steps.saturating_sub(1));
                macro_rules! finish_due {
                    () => {{
                        if let Some(place) = previous {
                            due += BLOCK_ROWS;
                            while due >= slots {
                                due -= slots;
                                finish_row(place, sums, done);
                                done += 1;
                            }
                        }
                    }};
                }
                for i in 0..steps {
                    let (a, b) = (a.add(i * STEP_BYTES), b.add(i * STEP_BYTES));
                    let (lower, right) = (a.add(STEP_BYTES / 2), b.add(STEP_BYTES / 2));
                    macro_rules! block_step {
                        ($dot:literal, $prepare:ident, $interleave:block) => {
                            step!(
                                $dot,
                                (a, lower, LINE_BYTES, two_tiles),
                                (b, right, false),
                                $prepare,
                                $interleave
                            )
                        };
                    }
                    match (INT8, i) {
                        (true, 0) => block_step!("tdpbsud", store_and_clear, {}),
                        (true, _) => block_step!("tdpbsud", no_prepare, { finish_due!() }),
                        (false, 0) => block_step!("tdpbf16ps", store_and_clear, {}),
                        (false, _) => block_step!("tdpbf16ps", no_prepare, { finish_due!() }),
                    }
                    for _ in 0..prefetched {
                        if next < end {
                            _mm_prefetch::<_MM_HINT_T1>(next.cast());
                            next = next.add(LINE_BYTES);
                        }
                    }
                }
                if let Some(place) = previous {
                    // With a single step, all rows are left.
                    (done..BLOCK_ROWS).for_each(|r| finish_row(place, sums, r));
                }
                previous = Some((row, panel * PANEL_COLS));
                (sums, other) = (other, sums);
            }
        }
        if let Some(place) = previous {
            store_sums(sums, PANEL_COLS, true, false);
            (0..BLOCK_ROWS).for_each(|r| finish_row(place, sums, r));
        }
    }
}

/// The scores of queries of one head with all of its keys: `columns` for each. `interleave` runs after every product.
///
/// # Safety
/// The tiles are configured; `queries` has rows of `size` values; `keys` and `out` hold `columns` tokens.
#[inline(always)]
pub(super) unsafe fn scores(
    queries: Strided,
    keys: *const u16,
    size: usize,
    columns: usize,
    out: *mut f32,
    interleave: &mut impl FnMut(),
) {
    let (tiles, steps) = (columns / TILE_ROWS, size / STEP);
    // SAFETY: by this function's own contract; every index stays below the rounded lengths.
    unsafe {
        for tile in (0..tiles).step_by(2) {
            let last = tile + 1 == tiles;
            clear();
            for i in 0..steps {
                let a = queries.start.add(i * STEP);
                let b = keys.add((tile * steps + i) * TILE_VALUES);
                let lower = a.wrapping_add(TILE_ROWS * queries.stride);
                let right = b.wrapping_add(steps * TILE_VALUES);
                step!(
                    "tdpbf16ps",
                    (a, lower, queries.stride * 2, queries.two_tiles),
                    (b, right, last),
                    no_prepare,
                    { interleave() }
                );
            }
            store_sums(out.add(tile * TILE_ROWS), columns, queries.two_tiles, last);
        }
    }
}

/// Rows of `weights` (as wide as their stride) times two neighbouring tiles of values, stored side by side at `out`.
/// `interleave` runs after every product.
///
/// # Safety
/// The tiles are configured; the pointers hold everything read and written.
#[inline(always)]
pub(super) unsafe fn contexts(
    weights: Strided,
    values: *const u16,
    size: usize,
    out: *mut f32,
    interleave: &mut impl FnMut(),
) {
    let depth = weights.stride;
    // SAFETY: by this function's own contract.
    unsafe {
        clear();
        for i in 0..depth / STEP {
            let a = weights.start.add(i * STEP);
            let b = values.add(i * size / TILE_ROWS * TILE_VALUES);
            let lower = a.wrapping_add(TILE_ROWS * depth);
            step!(
                "tdpbf16ps",
                (a, lower, depth * 2, weights.two_tiles),
                (b, b.add(TILE_VALUES), false),
                no_prepare,
                { interleave() }
            );
        }
        store_sums(out, size, weights.two_tiles, false);
    }
}

//! Products on the matrix units (AMX): sixteen rows of one operand times sixteen columns of the other in one instruction.
//!
//! A step loads two tiles of `x` (16 rows × 32 values each) and two of the weights, and multiplies them crosswise.
//! While the tiles of one block are multiplied, the vector units finish the block before it (bias, activation,
//! rounding to bf16, or adding to what is there), a row between two products, so that neither waits for the other: an
//! instruction that waits holds up those far behind it, so the work of both must lie close together. Operands are
//! loaded with the hint not to keep them in the first-level cache, which leaves that to the panel of weights.
//!
//! Method and names follow the Intel 64 Architectures Software Developer's Manual, volume 1, chapter 18. Rust has
//! no stable intrinsics for tiles, so they are written in assembly.

use std::{
    arch::{
        asm,
        x86_64::{_MM_HINT_T1, _mm_prefetch, _mm512_load_ps},
    },
    marker::PhantomData,
};

use half::bf16;

use super::{
    amx_detect::{has_bytes, is_available},
    backend::Strided,
    gemm::{Blocks, Epilogue, TALL, TILE, TILE_VALUES, Tiled, WIDE},
};

/// The layout of the eight tiles, as LDTILECFG reads it: palette 1, sixteen rows of 64 bytes each.
#[repr(C, align(64))]
struct TileConfig {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static WHOLE_TILES: TileConfig = {
    let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
    let mut i = 0;
    while i < 8 {
        (row_bytes[i], rows[i]) = (64, 16);
        i += 1;
    }
    TileConfig { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
};

/// AmxGemm configured on this thread, until it is dropped.
pub(crate) struct AmxGemm(PhantomData<*const ()>);

impl AmxGemm {
    pub(crate) fn configure() -> Self {
        assert!(is_available(), "no AMX");
        // SAFETY: the processor has AMX, the process may use it, and the 64 bytes are a valid configuration.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE_TILES, options(nostack, preserves_flags)) };
        AmxGemm(PhantomData)
    }
}

impl Drop for AmxGemm {
    fn drop(&mut self) {
        // SAFETY: as in `configure`.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags)) };
    }
}

macro_rules! spin {
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

/// Products of tiles that are loaded once, `steps` times four, of bf16 or of bytes; returns how many operations they
/// were. Panics where bytes are asked for and the processor lacks them.
pub(crate) fn spin(_tiles: &AmxGemm, steps: usize, bytes: bool) -> f64 {
    assert!(!bytes || has_bytes(), "no AMX-INT8");
    let values: Vec<u16> =
        (0..TILE_VALUES).map(|i| bf16::from_f32((i as f32 * 0.37).sin() * 1e-3).to_bits()).collect();
    let steps = steps.max(1);
    // SAFETY: the tiles are configured, the processor has the instruction, and `values` is one whole tile.
    unsafe {
        match bytes {
            true => spin!("tdpbsud", values.as_ptr(), steps),
            false => spin!("tdpbf16ps", values.as_ptr(), steps),
        }
    }
    (steps * 4 * 2 * TILE * TILE * WIDE * if bytes { 2 } else { 1 }) as f64
}

/// AmxGemm 0 to 3 += two tiles crosswise times two others, with the instruction `$dot`. On the left rows `$row` bytes apart
/// from `$a` and, if there are `$both`, from `$lower`; on the right whole tiles at `$b` and, unless that one is the `$last`,
/// at `$right`. `$ready!` makes each of tiles 0 to 3 ready, by number, row and column, just before its product, and
/// `$between` runs after it.
macro_rules! step {
    (
        $dot:literal, ($a:expr, $lower:expr, $row:expr, $both:expr), ($b:expr, $right:expr, $last:expr), $ready:ident,
        $between:block
    ) => {{
        // None of these says that it only reads: stores would be moved past it, and the work between with them.
        asm!(
            "tileloadd tmm6, [{b} + {w}*1]",
            "tileloaddt1 tmm4, [{a} + {row}*1]",
            a = in(reg) $a, row = in(reg) $row, b = in(reg) $b, w = in(reg) 64usize, options(nostack, preserves_flags),
        );
        $ready!("0", 0, 0);
        asm!(concat!($dot, " tmm0, tmm4, tmm6"), options(nostack, preserves_flags));
        $between
        if !$last {
            asm!(
                "tileloadd tmm7, [{b} + {w}*1]",
                b = in(reg) $right, w = in(reg) 64usize, options(nostack, preserves_flags),
            );
        }
        $ready!("1", 0, TILE);
        if !$last {
            asm!(concat!($dot, " tmm1, tmm4, tmm7"), options(nostack, preserves_flags));
        }
        $between
        if $both {
            asm!(
                "tileloaddt1 tmm5, [{a} + {row}*1]",
                a = in(reg) $lower, row = in(reg) $row, options(nostack, preserves_flags),
            );
        }
        $ready!("2", TILE, 0);
        if $both {
            asm!(concat!($dot, " tmm2, tmm5, tmm6"), options(nostack, preserves_flags));
        }
        $between
        $ready!("3", TILE, TILE);
        if $both && !$last {
            asm!(concat!($dot, " tmm3, tmm5, tmm7"), options(nostack, preserves_flags));
        }
        $between
    }};
}

/// For [`step`]: tiles that are ready.
macro_rules! go_on {
    ($tile:literal, $row:expr, $column:expr) => {};
}

/// # Safety
/// AmxGemm are configured.
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

/// Stores tiles 0 to 3 side by side, in rows of `columns`; without `both` only the upper sixteen rows, of the `last` tile
/// alone its sixteen columns.
///
/// # Safety
/// AmxGemm are configured; `at` has room for them.
#[inline(always)]
unsafe fn store_sums(at: *mut f32, columns: usize, both: bool, last: bool) {
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
            store!("1", 0, TILE);
        }
        if both {
            store!("2", TILE, 0);
        }
        if both && !last {
            store!("3", TILE, TILE);
        }
    }
}

/// Hands every block of `x · wᵀ` to `finish`; `x` is an operand.
///
/// # Safety
/// The output of `finish` holds `rows` rounded up to whole blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn product<F: Epilogue>(
    tiles: &AmxGemm,
    x: &[u16],
    rows: usize,
    w: &Tiled,
    finish: &F,
    blocks: &mut Blocks,
) {
    assert!(x.len() >= rows.next_multiple_of(TALL) * w.k, "an operand is smaller than its blocks");
    let (x, data) = (x.as_ptr().cast(), w.data.as_ptr().cast());
    // SAFETY: the operand and the weights hold whole blocks, the output by this function's own contract.
    unsafe { multiply::<false, F>(tiles, (x, rows), (data, w.n / WIDE), w.k / WIDE, finish, blocks) };
}

/// Bytes of two tiles: of a step of a block, and of a step of a panel.
const TWO_TILES: usize = 2048;
/// Bytes of a line of the cache.
const LINE: usize = 64;

/// Hands the sums of every block to `finish`: blocks of 32 rows times panels of 32 columns, both of `steps` times two
/// tiles. With `BYTES` the sums are the bits of i32.
///
/// # Safety
/// `x` holds `rows` rounded up to whole blocks, `w` so many panels; the output of `finish` holds whole blocks; with
/// `BYTES` the processor has AMX-INT8.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) unsafe fn multiply<const BYTES: bool, F: Epilogue>(
    _tiles: &AmxGemm,
    (x, rows): (*const u8, usize),
    (w, panels): (*const u8, usize),
    steps: usize,
    finish: &F,
    blocks: &mut Blocks,
) {
    let [even, odd] = &mut *blocks.0;
    let (mut sums, mut other) = (even.0.as_mut_ptr(), odd.0.as_mut_ptr());
    let mut before: Option<(usize, usize)> = None;
    // SAFETY: panel, row and step stay within what the caller says is there; a block of sums is 32 × 32.
    unsafe {
        let finish_row = |(row, column): (usize, usize), sums: *const f32, r: usize| {
            let at = sums.add(r * WIDE);
            finish.row(row, column, r, _mm512_load_ps(at), _mm512_load_ps(at.add(16)));
        };
        // Weights of a model do not fit the second-level cache: while a panel is used, the next one is fetched, a few
        // lines a step.
        let lines = TWO_TILES / LINE;
        let fetched = lines.div_ceil(rows.div_ceil(TALL).max(1));
        clear();
        for panel in 0..panels {
            let b = w.add(panel * steps * TWO_TILES);
            let (mut next, end) =
                (b.add(steps * TWO_TILES), w.add((panel + 2).min(panels) * steps * TWO_TILES));
            for row in (0..rows).step_by(TALL) {
                let a = x.add(row / TALL * steps * TWO_TILES);
                let both = rows - row > TILE;
                // A tile of the block before is stored just before its first product of this one: the other tiles'
                // products go on meanwhile.
                macro_rules! store_and_clear {
                    ($tile:literal, $row:expr, $column:expr) => {
                        asm!(
                            concat!("tilestored [{p} + {s}*1], tmm", $tile),
                            concat!("tilezero tmm", $tile),
                            p = in(reg) sums.add($row * WIDE + $column), s = in(reg) WIDE * 4,
                            options(nostack, preserves_flags),
                        )
                    };
                }
                // The rows of the block before, spread evenly over the four products of each further step.
                let (mut done, mut due, slots) = (0, 0, 4 * steps.saturating_sub(1));
                macro_rules! finish_due {
                    () => {{
                        if let Some(place) = before {
                            due += TALL;
                            while due >= slots {
                                due -= slots;
                                finish_row(place, sums, done);
                                done += 1;
                            }
                        }
                    }};
                }
                for i in 0..steps {
                    let (a, b) = (a.add(i * TWO_TILES), b.add(i * TWO_TILES));
                    let (lower, right) = (a.add(TWO_TILES / 2), b.add(TWO_TILES / 2));
                    macro_rules! crosswise {
                        ($dot:literal, $ready:ident, $between:block) => {
                            step!($dot, (a, lower, LINE, both), (b, right, false), $ready, $between)
                        };
                    }
                    match (BYTES, i) {
                        (true, 0) => crosswise!("tdpbsud", store_and_clear, {}),
                        (true, _) => crosswise!("tdpbsud", go_on, { finish_due!() }),
                        (false, 0) => crosswise!("tdpbf16ps", store_and_clear, {}),
                        (false, _) => crosswise!("tdpbf16ps", go_on, { finish_due!() }),
                    }
                    for _ in 0..fetched {
                        if next < end {
                            _mm_prefetch::<_MM_HINT_T1>(next.cast());
                            next = next.add(LINE);
                        }
                    }
                }
                if let Some(place) = before {
                    // A product of one step has no further ones.
                    (done..TALL).for_each(|r| finish_row(place, sums, r));
                }
                before = Some((row, panel * WIDE));
                (sums, other) = (other, sums);
            }
        }
        if let Some(place) = before {
            store_sums(sums, WIDE, true, false);
            (0..TALL).for_each(|r| finish_row(place, sums, r));
        }
    }
}

/// Queries of one head times all of its keys: `columns` scores for each. `between` runs after every product.
///
/// # Safety
/// AmxGemm are configured; `queries` has rows of `size` values; `keys` and `out` hold `columns` tokens.
#[inline(always)]
pub(super) unsafe fn all_scores(
    queries: Strided,
    keys: *const u16,
    size: usize,
    columns: usize,
    out: *mut f32,
    between: &mut impl FnMut(),
) {
    let (tiles, steps) = (columns / TILE, size / WIDE);
    // SAFETY: by this function's own contract; every index stays below the rounded lengths.
    unsafe {
        for tile in (0..tiles).step_by(2) {
            let last = tile + 1 == tiles;
            clear();
            for i in 0..steps {
                let a = queries.at.add(i * WIDE);
                let b = keys.add((tile * steps + i) * TILE_VALUES);
                let lower = a.wrapping_add(TILE * queries.stride);
                let right = b.wrapping_add(steps * TILE_VALUES);
                step!("tdpbf16ps", (a, lower, queries.stride * 2, queries.both), (b, right, last), go_on, {
                    between()
                });
            }
            store_sums(out.add(tile * TILE), columns, queries.both, last);
        }
    }
}

/// Rows of `weights`, as wide as they are apart, times two neighbouring tiles of values, stored side by side at `out`.
/// `between` runs after every product.
///
/// # Safety
/// AmxGemm are configured; the pointers hold what is read and written.
#[inline(always)]
pub(super) unsafe fn contexts(
    weights: Strided,
    values: *const u16,
    size: usize,
    out: *mut f32,
    between: &mut impl FnMut(),
) {
    let depth = weights.stride;
    // SAFETY: by this function's own contract.
    unsafe {
        clear();
        for i in 0..depth / WIDE {
            let a = weights.at.add(i * WIDE);
            let b = values.add(i * size / TILE * TILE_VALUES);
            let lower = a.wrapping_add(TILE * depth);
            step!("tdpbf16ps", (a, lower, depth * 2, weights.both), (b, b.add(TILE_VALUES), false), go_on, {
                between()
            });
        }
        store_sums(out, size, weights.both, false);
    }
}

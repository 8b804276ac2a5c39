//! The kernels for AMX: products of bf16 tiles summed in f32, and AVX-512 for all between them.
//!
//! Method and names follow the Intel 64 Architectures Software Developer's Manual, volume 1, chapter 18. Rust has
//! no stable intrinsics for tiles, so they are written in assembly.

mod attention;
mod gemm;
mod rows;

use std::{
    arch::{
        asm,
        x86_64::{__cpuid, __cpuid_count, _xgetbv},
    },
    marker::PhantomData,
    ops::Range,
    sync::OnceLock,
};

use half::bf16;

use super::kernels::{Activation, Heads, Hit, Kernels, Norm};

/// Whether the processor has AMX with bf16 and the vectors that go with it, and the kernel lets this process use
/// the tiles.
pub(super) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let vectors = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512bf16");
        vectors && has_tiles() && may_use_tiles()
    })
}

/// CPUID says that the processor has AMX-TILE and AMX-BF16, XCR0 that the system keeps the tile registers.
fn has_tiles() -> bool {
    const BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    const TILECFG_AND_TILEDATA: u64 = 0b11 << 17;
    const OSXSAVE: u32 = 1 << 27;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 {
        return false;
    }
    // SAFETY: OSXSAVE says that the instruction is there.
    let kept = unsafe { read_xcr0() };
    __cpuid_count(7, 0).edx & BF16_AND_TILE == BF16_AND_TILE
        && kept & TILECFG_AND_TILEDATA == TILECFG_AND_TILEDATA
}

/// # Safety
/// The processor has XSAVE, enabled by the system.
#[target_feature(enable = "xsave")]
unsafe fn read_xcr0() -> u64 {
    // SAFETY: by this function's own contract.
    unsafe { _xgetbv(0) }
}

/// Asks the kernel, once for the process, for the right to use the tile registers.
fn may_use_tiles() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: this call of arch_prctl takes two numbers and changes nothing but the permission.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

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

/// Tiles configured on this thread, until it is dropped.
struct Tiles(PhantomData<*const ()>);

impl Tiles {
    fn configure() -> Self {
        assert!(is_available(), "no AMX");
        // SAFETY: the processor has AMX, the process may use it, and the 64 bytes are a valid configuration.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE_TILES, options(nostack, preserves_flags)) };
        Tiles(PhantomData)
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: as in `configure`.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags)) };
    }
}

/// Products of tiles that are loaded once, `steps` times four; returns how many operations they were.
pub(super) fn spin(steps: usize) -> f64 {
    let _tiles = Tiles::configure();
    let values: Vec<u16> =
        (0..gemm::TILE_VALUES).map(|i| bf16::from_f32((i as f32 * 0.37).sin() * 1e-3).to_bits()).collect();
    // SAFETY: the tiles are configured, and `values` is one whole tile.
    unsafe {
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            "tileloadd tmm4, [{v} + {w}*1]", "tileloadd tmm5, [{v} + {w}*1]",
            "tileloadd tmm6, [{v} + {w}*1]", "tileloadd tmm7, [{v} + {w}*1]",
            "2:",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "dec {n}",
            "jnz 2b",
            v = in(reg) values.as_ptr(), w = in(reg) 64usize, n = inout(reg) steps.max(1) => _,
            options(nostack, readonly),
        );
    }
    (steps.max(1) * 4 * 2 * gemm::TILE * gemm::TILE * gemm::WIDE) as f64
}

/// The AMX kernels.
pub struct Amx(());

impl Amx {
    /// `None` where the processor or the system lacks AMX, or where the shapes do not fill tiles: widths must be
    /// multiples of 32.
    pub fn new(hidden: usize, inner: usize, heads: Heads) -> Option<Self> {
        let whole = [hidden, inner, heads.size].into_iter().all(|n| n > 0 && n.is_multiple_of(32));
        (whole && is_available()).then_some(Amx(()))
    }

    /// As [`Amx::new`], for products of rows of `width` alone.
    pub fn for_rows(width: usize) -> Option<Self> {
        Self::new(width, width, Heads { count: 1, size: width })
    }
}

/// Working memory of one thread.
#[derive(Default)]
pub struct AmxScratch {
    product: gemm::Blocks,
    attention: attention::Buffers,
}

impl Kernels for Amx {
    /// The bits of a bf16.
    type Value = u16;
    type Linear = gemm::Tiled;
    type Scratch = AmxScratch;

    const ROW_BLOCK: usize = 32;

    /// Rounding to eight bits errs by 2⁻⁹ at most on either side, so on a product of unit vectors by 2⁻⁸ and a bit.
    const SCORE_ERROR: f32 = 0.0041;

    fn name(&self) -> String {
        "amx bf16".into()
    }

    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [u16]) {
        for (row, values) in x[..rows * k].chunks_exact(k).enumerate() {
            for (step, values) in values.chunks(gemm::WIDE).enumerate() {
                let out = &mut out[gemm::operand(row, step * gemm::WIDE, k)..];
                out.iter_mut().zip(values).for_each(|(slot, &v)| *slot = bf16::from_f32(v).to_bits());
            }
        }
    }

    fn read_operand(&self, x: &[u16], rows: usize, k: usize) -> Vec<f32> {
        let at = |i: usize| gemm::operand(i / k, i % k / 32 * 32, k) + i % k % 32;
        (0..rows * k).map(|i| self.widen(x[at(i)])).collect()
    }

    fn widen(&self, value: u16) -> f32 {
        bf16::from_bits(value).to_f32()
    }

    fn pack(&self, weight: &[f32], n: usize, k: usize, bias: &[f32]) -> gemm::Tiled {
        gemm::Tiled::pack(weight, n, k, bias)
    }

    fn linear(&self, x: &[u16], rows: usize, layer: &gemm::Tiled, out: &mut [u16], scratch: &mut AmxScratch) {
        gemm::linear(&Tiles::configure(), x, rows, layer, out, &mut scratch.product);
    }

    fn linear_act(
        &self,
        x: &[u16],
        rows: usize,
        layer: &gemm::Tiled,
        act: Activation,
        out: &mut [u16],
        scratch: &mut AmxScratch,
    ) {
        gemm::linear_act(&Tiles::configure(), x, rows, layer, act, out, &mut scratch.product);
    }

    fn linear_add(
        &self,
        x: &[u16],
        rows: usize,
        layer: &gemm::Tiled,
        sum: &mut [f32],
        scratch: &mut AmxScratch,
    ) {
        gemm::linear_add(&Tiles::configure(), x, rows, layer, sum, &mut scratch.product);
    }

    fn above(
        &self,
        x: &[u16],
        rows: usize,
        layer: &gemm::Tiled,
        floor: f32,
        hits: &mut Vec<Hit>,
        scratch: &mut AmxScratch,
    ) {
        gemm::above(&Tiles::configure(), x, rows, layer, floor, hits, &mut scratch.product);
    }

    fn attention(
        &self,
        qkv: &[u16],
        at: Range<usize>,
        heads: Heads,
        out: &mut [u16],
        scratch: &mut AmxScratch,
    ) {
        attention::attention(&Tiles::configure(), qkv, at, heads, out, &mut scratch.attention);
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &Norm, out: &mut [u16]) {
        let n = norm.weight.len();
        assert!(
            n.is_multiple_of(32) && out.len() >= rows.next_multiple_of(gemm::TALL) * n,
            "rows of another width"
        );
        assert!(norm.bias.len() == n && norm.shift.len() == n, "a norm of another width");
        for (i, row) in x.chunks_exact_mut(n).take(rows).enumerate() {
            let out = &mut out[gemm::operand(i, 0, n)..];
            // SAFETY: an `Amx` exists, so the processor has AVX-512 with bf16; the widths were checked.
            unsafe { rows::layer_norm(row, norm, out) };
        }
    }
}

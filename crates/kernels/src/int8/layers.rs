//! The kernels with linear layers on bytes: operands are rounded row by row, all else is done by other kernels.

use std::ops::Range;

use super::{
    engine::Engine,
    portable,
    weights::{Bytes, Left, Rounded, WIDE},
};
use crate::{
    Arena, CpuPath, Float,
    kernels::{Activation, Heads, Kernels, Norm},
};
#[cfg(target_arch = "x86_64")]
use crate::{
    Bf16,
    bf16::gemm::{self, Finish, Product},
    bf16::rows::{GELU, GELU_TANH, NONE, RELU},
};

/// Kernels `K` with linear layers on bytes.
pub struct Int8Layers<K> {
    kernels: K,
    engine: Engine,
}

/// What a layer does with its sums.
enum Output<'a, V> {
    Plain(&'a mut [V]),
    Act(Activation, &'a mut [V]),
    Add(&'a mut [f32]),
}

/// Working memory of one thread.
#[derive(Default)]
pub struct Int8Scratch<S> {
    engine: Memory,
    inner: S,
}

/// What the engines need of it.
#[derive(Default)]
struct Memory {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    blocks: gemm::Blocks,
    #[cfg(target_arch = "x86_64")]
    words: super::avx2::Words,
}

/// `x · wᵀ` of codes.
struct Multiply<'a> {
    left: Left<'a>,
    rows: usize,
    layer: &'a Bytes,
    memory: &'a mut Memory,
}

/// Kernels whose operands can be rounded to bytes.
trait Base: Kernels {
    fn round(&self, engine: Engine, x: &[Self::Value], rows: usize, k: usize, made: &mut Rounded);

    fn finish(&self, engine: Engine, product: Multiply<'_>, output: Output<'_, Self::Value>);
}

#[cfg(target_arch = "x86_64")]
impl Int8Layers<Bf16> {
    /// Bytes on the paths that have bf16 for the rest; `None` where [`Bf16::new`] gives none, or where the processor
    /// has no dot products of bytes as wide.
    pub fn on_bf16(path: CpuPath, hidden: usize, inner: usize, heads: Heads) -> Option<Self> {
        let wide = |engine: &Engine| !matches!(engine, Engine::AvxVnni | Engine::Avx2 | Engine::Portable);
        let engine = Some(Engine::of(path)).filter(wide)?;
        Some(Int8Layers { kernels: Bf16::new(path, hidden, inner, heads)?, engine })
    }
}

impl Int8Layers<Float> {
    /// Bytes on every path, with f32 for the rest. Panics if the processor lacks `path`. Widths must be multiples of 32.
    pub fn on_f32(path: CpuPath) -> Self {
        let kernels = Float::new(path);
        // Of the path that the rest takes: tiles come with bf16 only.
        Int8Layers { engine: Engine::of(kernels.path()), kernels }
    }

    /// As [`Int8Layers::on_f32`], with each engine that `path` may use.
    #[cfg(test)]
    pub(super) fn each_on_f32(path: CpuPath) -> Vec<Self> {
        let on = |engine| Int8Layers { kernels: Float::new(path), engine };
        Engine::on(Float::new(path).path()).map(on).collect()
    }
}

/// Products on AVX-512; with `BF16` their finish may round to it, and the processor has it.
#[cfg(target_arch = "x86_64")]
struct OnAvx512<'a, const BF16: bool>(Multiply<'a>, Engine);

#[cfg(target_arch = "x86_64")]
impl<'a, const BF16: bool> Product<'a> for OnAvx512<'a, BF16> {
    fn shape(&self) -> (usize, &'a [f32]) {
        (self.0.rows, &self.0.layer.bias)
    }

    unsafe fn run<F: Finish>(self, finish: &F) {
        let Multiply { left, rows, layer, .. } = self.0;
        let scaled = super::avx512::Scaled { inner: finish, left, layer };
        // SAFETY: the engine was found on this processor, with tiles only where there is bf16; the operand holds whole
        // blocks, which `left` made, and the output does by this function's own contract.
        unsafe {
            match self.1 {
                #[cfg(target_os = "linux")]
                Engine::Tiles => {
                    use crate::bf16::tiles::{Tiles, multiply};
                    let x = (left.codes.as_ptr().cast(), rows);
                    let w = (layer.tiles.as_ptr().cast(), layer.n / WIDE);
                    let blocks = &mut self.0.memory.blocks;
                    multiply::<true, _>(&Tiles::configure(), x, w, layer.steps(), &scaled, blocks);
                }
                _ if BF16 => super::avx512::product_bf16(left, rows, layer, &scaled),
                _ => super::avx512::product_f32(left, rows, layer, &scaled),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Base for Bf16 {
    fn round(&self, _engine: Engine, x: &[u16], rows: usize, k: usize, made: &mut Rounded) {
        assert!(k.is_multiple_of(32), "{k} values do not fill tiles");
        assert!(x.len() >= rows.next_multiple_of(gemm::TALL) * k, "an operand is smaller than its blocks");
        // SAFETY: a `Bf16` exists, so the processor has AVX-512 with BW; the operand holds whole blocks.
        unsafe { super::avx512::round_rows(super::avx512::Blocked(x.as_ptr(), k), rows, k, made) };
    }

    fn finish(&self, engine: Engine, product: Multiply<'_>, output: Output<'_, u16>) {
        let product = OnAvx512::<true>(product, engine);
        match output {
            Output::Plain(out) => gemm::round(product, out),
            Output::Act(act, out) => gemm::round_act(product, act, out),
            Output::Add(sum) => gemm::add(product, sum),
        }
    }
}

impl Base for Float {
    fn round(&self, engine: Engine, x: &[f32], rows: usize, k: usize, made: &mut Rounded) {
        assert!(x.len() >= rows * k, "an operand is smaller than its rows");
        #[cfg(target_arch = "x86_64")]
        if engine == Engine::Vnni && k.is_multiple_of(32) {
            // SAFETY: the processor has the engine; the operand holds the rows.
            return unsafe { super::avx512::round_rows(super::avx512::Rows(x.as_ptr(), k), rows, k, made) };
        }
        #[cfg(target_arch = "x86_64")]
        if matches!(engine, Engine::AvxVnni | Engine::Avx2) {
            // SAFETY: the processor has the engine, and AVX2 with it.
            return unsafe { super::avx2::round_rows(x, rows, k, made) };
        }
        let _ = engine;
        portable::round_rows(x, rows, k, made);
    }

    fn finish(&self, engine: Engine, product: Multiply<'_>, output: Output<'_, f32>) {
        #[cfg(target_arch = "x86_64")]
        if engine == Engine::Vnni {
            use super::avx512::plain;
            let product = OnAvx512::<false>(product, engine);
            return match output {
                Output::Plain(out) => plain::<NONE>(product, out),
                Output::Act(Activation::Gelu, out) => plain::<GELU>(product, out),
                Output::Act(Activation::GeluTanh, out) => plain::<GELU_TANH>(product, out),
                Output::Act(Activation::Relu, out) => plain::<RELU>(product, out),
                Output::Add(sum) => gemm::add(product, sum),
            };
        }
        let layer = product.layer;
        let place = |row: usize, column: usize| row * layer.n + column..row * layer.n + column + WIDE;
        match output {
            Output::Add(sum) => multiply(engine, product, |row, column, values| {
                sum[place(row, column)].iter_mut().zip(values).for_each(|(s, v)| *s += v);
            }),
            Output::Plain(out) => multiply(engine, product, |row, column, values| {
                biased(&mut out[place(row, column)], values, &layer.bias[column..]);
            }),
            Output::Act(act, out) => multiply(engine, product, |row, column, values| {
                let out = &mut out[place(row, column)];
                biased(out, values, &layer.bias[column..]);
                self.activate(act, out);
            }),
        }
    }
}

/// Hands 32 columns of each row of a product to `finish`, with the row and the first column.
fn multiply(engine: Engine, product: Multiply<'_>, finish: impl FnMut(usize, usize, &[f32; WIDE])) {
    let Multiply { left, rows, layer, memory } = product;
    match engine {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the engine.
        Engine::AvxVnni => unsafe { super::avxvnni::product(left, rows, layer, finish) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Engine::Avx2 => unsafe { super::avx2::product(left, rows, layer, &mut memory.words, finish) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the processor has the engine.
        Engine::Dots => unsafe { super::neon::product(left, rows, layer, finish) },
        _ => {
            let _ = memory;
            portable::product(left, rows, layer, finish);
        }
    }
}

fn biased(out: &mut [f32], values: &[f32], bias: &[f32]) {
    for ((out, value), bias) in out.iter_mut().zip(values).zip(bias) {
        *out = value + bias;
    }
}

#[allow(private_bounds, reason = "which kernels can be a base is no matter of other modules")]
impl<K: Base> Int8Layers<K> {
    fn run(
        &self,
        left: Left<'_>,
        rows: usize,
        layer: &Bytes,
        output: Output<'_, K::Value>,
        scratch: &mut Int8Scratch<K::Scratch>,
    ) {
        assert!(left.k == layer.k, "an operand of another width");
        let product = Multiply { left, rows, layer, memory: &mut scratch.engine };
        self.kernels.finish(self.engine, product, output);
    }
}

#[allow(private_bounds, reason = "as above")]
impl<K: Base> Kernels for Int8Layers<K> {
    type Value = K::Value;
    type Linear = Bytes;
    type Left<'a> = Left<'a>;
    type Made = Rounded;
    type Scratch = Int8Scratch<K::Scratch>;

    const ROW_BLOCK: usize = 32;

    fn name(&self) -> String {
        format!("{} int8 (rest {})", self.engine.name(), self.kernels.name())
    }

    fn chunk(&self) -> usize {
        self.kernels.chunk()
    }

    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [K::Value]) {
        self.kernels.write_operand(x, rows, k, out);
    }

    fn read_operand(&self, x: &[K::Value], rows: usize, k: usize) -> Vec<f32> {
        self.kernels.read_operand(x, rows, k)
    }

    fn widen(&self, value: K::Value) -> f32 {
        self.kernels.widen(value)
    }

    fn pack(&self, weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Bytes {
        Bytes::pack(weight, n, k, bias, arena)
    }

    fn left<'a>(&self, x: &'a [K::Value], rows: usize, k: usize, made: &'a mut Rounded) -> Left<'a> {
        self.kernels.round(self.engine, x, rows, k, made);
        made.left(k)
    }

    fn linear(
        &self,
        x: Left<'_>,
        rows: usize,
        layer: &Bytes,
        out: &mut [K::Value],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, layer, Output::Plain(out), scratch);
    }

    fn linear_act(
        &self,
        x: Left<'_>,
        rows: usize,
        layer: &Bytes,
        act: Activation,
        out: &mut [K::Value],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, layer, Output::Act(act, out), scratch);
    }

    fn linear_add(
        &self,
        x: Left<'_>,
        rows: usize,
        layer: &Bytes,
        sum: &mut [f32],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, layer, Output::Add(sum), scratch);
    }

    fn attention(
        &self,
        qkv: &[K::Value],
        at: Range<usize>,
        heads: Heads,
        out: &mut [K::Value],
        scratch: &mut Self::Scratch,
    ) {
        self.kernels.attention(qkv, at, heads, out, &mut scratch.inner);
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &Norm, out: &mut [K::Value]) {
        self.kernels.layer_norm(x, rows, norm, out);
    }
}

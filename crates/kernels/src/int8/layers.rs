//! The kernels with linear layers on bytes: operands are rounded row by row, all else is done by other kernels.

use std::ops::Range;

use super::{
    backend::Int8Backend,
    portable,
    weights::{Bytes, PackedLhs, Rounded, WIDE},
};
use crate::{
    Arena, F32Kernels, Isa,
    kernels::{Activation, AttentionShape, Kernels, LayerNorm},
};
#[cfg(target_arch = "x86_64")]
use crate::{
    Bf16Kernels,
    bf16::gemm::{self, Epilogue, Product},
    bf16::rows::{GELU, GELU_TANH, NONE, RELU},
};

/// Kernels `K` with linear layers on bytes.
pub struct Int8Kernels<K> {
    kernels: K,
    backend: Int8Backend,
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
    backend: Memory,
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
    left: PackedLhs<'a>,
    rows: usize,
    layer: &'a Bytes,
    memory: &'a mut Memory,
}

/// Kernels whose operands can be rounded to bytes.
trait Base: Kernels {
    fn round(&self, backend: Int8Backend, x: &[Self::Element], rows: usize, k: usize, made: &mut Rounded);

    fn finish(&self, backend: Int8Backend, product: Multiply<'_>, output: Output<'_, Self::Element>);
}

#[cfg(target_arch = "x86_64")]
impl Int8Kernels<Bf16Kernels> {
    /// Bytes on the instruction sets that have bf16 for the rest; `None` where [`Bf16Kernels::new`] gives none, or where the processor
    /// has no dot products of bytes as wide.
    pub fn on_bf16(isa: Isa, hidden: usize, inner: usize, shape: AttentionShape) -> Option<Self> {
        let wide = |backend: &Int8Backend| {
            !matches!(backend, Int8Backend::AvxVnni | Int8Backend::Avx2 | Int8Backend::Portable)
        };
        let backend = Some(Int8Backend::of(isa)).filter(wide)?;
        Some(Int8Kernels { kernels: Bf16Kernels::new(isa, hidden, inner, shape)?, backend })
    }
}

impl Int8Kernels<F32Kernels> {
    /// Bytes on every instruction set, with f32 for the rest. Panics if the processor lacks `isa`. Widths must be multiples of 32.
    pub fn on_f32(isa: Isa) -> Self {
        let kernels = F32Kernels::new(isa);
        // Of the instruction set that the rest takes: tiles come with bf16 only.
        Int8Kernels { backend: Int8Backend::of(kernels.isa()), kernels }
    }

    /// As [`Int8Kernels::on_f32`], with each backend that `isa` may use.
    #[cfg(test)]
    pub(super) fn each_on_f32(isa: Isa) -> Vec<Self> {
        let on = |backend| Int8Kernels { kernels: F32Kernels::new(isa), backend };
        Int8Backend::on(F32Kernels::new(isa).isa()).map(on).collect()
    }
}

/// Products on AVX-512; with `BF16` their finish may round to it, and the processor has it.
#[cfg(target_arch = "x86_64")]
struct OnAvx512<'a, const BF16: bool>(Multiply<'a>, Int8Backend);

#[cfg(target_arch = "x86_64")]
impl<'a, const BF16: bool> Product<'a> for OnAvx512<'a, BF16> {
    fn shape(&self) -> (usize, &'a [f32]) {
        (self.0.rows, &self.0.layer.bias)
    }

    unsafe fn run<F: Epilogue>(self, finish: &F) {
        let Multiply { left, rows, layer, .. } = self.0;
        let scaled = super::avx512::Scaled { inner: finish, left, layer };
        // SAFETY: the backend was found on this processor, with tiles only where there is bf16; the operand holds whole
        // blocks, which `left` made, and the output does by this function's own contract.
        unsafe {
            match self.1 {
                #[cfg(target_os = "linux")]
                Int8Backend::Amx => {
                    use crate::bf16::amx::{AmxGemm, multiply};
                    let x = (left.codes.as_ptr().cast(), rows);
                    let w = (layer.tiles.as_ptr().cast(), layer.n / WIDE);
                    let blocks = &mut self.0.memory.blocks;
                    multiply::<true, _>(&AmxGemm::configure(), x, w, layer.steps(), &scaled, blocks);
                }
                _ if BF16 => super::avx512::product_bf16(left, rows, layer, &scaled),
                _ => super::avx512::product_f32(left, rows, layer, &scaled),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Base for Bf16Kernels {
    fn round(&self, _backend: Int8Backend, x: &[u16], rows: usize, k: usize, made: &mut Rounded) {
        assert!(k.is_multiple_of(32), "{k} values do not fill tiles");
        assert!(x.len() >= rows.next_multiple_of(gemm::TALL) * k, "an operand is smaller than its blocks");
        // SAFETY: a `Bf16Kernels` exists, so the processor has AVX-512 with BW; the operand holds whole blocks.
        unsafe { super::avx512::round_rows(super::avx512::Blocked(x.as_ptr(), k), rows, k, made) };
    }

    fn finish(&self, backend: Int8Backend, product: Multiply<'_>, output: Output<'_, u16>) {
        let product = OnAvx512::<true>(product, backend);
        match output {
            Output::Plain(out) => gemm::round(product, out),
            Output::Act(act, out) => gemm::round_act(product, act, out),
            Output::Add(sum) => gemm::add(product, sum),
        }
    }
}

impl Base for F32Kernels {
    fn round(&self, backend: Int8Backend, x: &[f32], rows: usize, k: usize, made: &mut Rounded) {
        assert!(x.len() >= rows * k, "an operand is smaller than its rows");
        #[cfg(target_arch = "x86_64")]
        if backend == Int8Backend::Avx512Vnni && k.is_multiple_of(32) {
            // SAFETY: the processor has the backend; the operand holds the rows.
            return unsafe { super::avx512::round_rows(super::avx512::Rows(x.as_ptr(), k), rows, k, made) };
        }
        #[cfg(target_arch = "x86_64")]
        if matches!(backend, Int8Backend::AvxVnni | Int8Backend::Avx2) {
            // SAFETY: the processor has the backend, and AVX2 with it.
            return unsafe { super::avx2::round_rows(x, rows, k, made) };
        }
        let _ = backend;
        portable::round_rows(x, rows, k, made);
    }

    fn finish(&self, backend: Int8Backend, product: Multiply<'_>, output: Output<'_, f32>) {
        #[cfg(target_arch = "x86_64")]
        if backend == Int8Backend::Avx512Vnni {
            use super::avx512::plain;
            let product = OnAvx512::<false>(product, backend);
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
            Output::Add(sum) => multiply(backend, product, |row, column, values| {
                sum[place(row, column)].iter_mut().zip(values).for_each(|(s, v)| *s += v);
            }),
            Output::Plain(out) => multiply(backend, product, |row, column, values| {
                biased(&mut out[place(row, column)], values, &layer.bias[column..]);
            }),
            Output::Act(act, out) => multiply(backend, product, |row, column, values| {
                let out = &mut out[place(row, column)];
                biased(out, values, &layer.bias[column..]);
                self.activate(act, out);
            }),
        }
    }
}

/// Hands 32 columns of each row of a product to `finish`, with the row and the first column.
fn multiply(backend: Int8Backend, product: Multiply<'_>, finish: impl FnMut(usize, usize, &[f32; WIDE])) {
    let Multiply { left, rows, layer, memory } = product;
    match backend {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the backend.
        Int8Backend::AvxVnni => unsafe { super::avxvnni::product(left, rows, layer, finish) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Int8Backend::Avx2 => unsafe { super::avx2::product(left, rows, layer, &mut memory.words, finish) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the processor has the backend.
        Int8Backend::NeonDotprod => unsafe { super::neon::product(left, rows, layer, finish) },
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
impl<K: Base> Int8Kernels<K> {
    fn run(
        &self,
        left: PackedLhs<'_>,
        rows: usize,
        layer: &Bytes,
        output: Output<'_, K::Element>,
        scratch: &mut Int8Scratch<K::Scratch>,
    ) {
        assert!(left.k == layer.k, "an operand of another width");
        let product = Multiply { left, rows, layer, memory: &mut scratch.backend };
        self.kernels.finish(self.backend, product, output);
    }
}

#[allow(private_bounds, reason = "as above")]
impl<K: Base> Kernels for Int8Kernels<K> {
    type Element = K::Element;
    type PackedWeights = Bytes;
    type PackedLhs<'a> = PackedLhs<'a>;
    type LhsScratch = Rounded;
    type Scratch = Int8Scratch<K::Scratch>;

    const ROW_BLOCK: usize = 32;

    fn name(&self) -> String {
        format!("{} int8 (rest {})", self.backend.name(), self.kernels.name())
    }

    fn chunk_tokens(&self) -> usize {
        self.kernels.chunk_tokens()
    }

    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [K::Element]) {
        self.kernels.write_operand(x, rows, k, out);
    }

    fn read_operand(&self, x: &[K::Element], rows: usize, k: usize) -> Vec<f32> {
        self.kernels.read_operand(x, rows, k)
    }

    fn widen(&self, value: K::Element) -> f32 {
        self.kernels.widen(value)
    }

    fn pack_weights(&self, weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Bytes {
        Bytes::pack(weight, n, k, bias, arena)
    }

    fn pack_lhs<'a>(
        &self,
        x: &'a [K::Element],
        rows: usize,
        k: usize,
        made: &'a mut Rounded,
    ) -> PackedLhs<'a> {
        self.kernels.round(self.backend, x, rows, k, made);
        made.left(k)
    }

    fn linear(
        &self,
        x: PackedLhs<'_>,
        rows: usize,
        layer: &Bytes,
        out: &mut [K::Element],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, layer, Output::Plain(out), scratch);
    }

    fn linear_act(
        &self,
        x: PackedLhs<'_>,
        rows: usize,
        layer: &Bytes,
        act: Activation,
        out: &mut [K::Element],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, layer, Output::Act(act, out), scratch);
    }

    fn linear_add(
        &self,
        x: PackedLhs<'_>,
        rows: usize,
        layer: &Bytes,
        sum: &mut [f32],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, layer, Output::Add(sum), scratch);
    }

    fn attention(
        &self,
        qkv: &[K::Element],
        sequence: Range<usize>,
        shape: AttentionShape,
        out: &mut [K::Element],
        scratch: &mut Self::Scratch,
    ) {
        self.kernels.attention(qkv, sequence, shape, out, &mut scratch.inner);
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &LayerNorm, out: &mut [K::Element]) {
        self.kernels.layer_norm(x, rows, norm, out);
    }
}

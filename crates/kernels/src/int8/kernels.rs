//! Encoder kernels with int8 linear layers: operands are quantized row by row; f32 or bf16 kernels do everything else.

use std::ops::Range;

use super::{
    backend::Int8Backend,
    portable,
    weights::{Int8Weights, PANEL_COLS, PackedLhs, QuantizedLhs},
};
use crate::{
    Arena, F32Kernels, Isa,
    kernels::{Activation, AttentionShape, Kernels, LayerNorm},
};
#[cfg(target_arch = "x86_64")]
use crate::{
    Bf16Kernels,
    bf16::gemm::{self, Epilogue, Product},
    bf16::vector_ops::{GELU, GELU_TANH, NONE, RELU},
};

/// The kernels `K` with their linear layers in int8.
pub struct Int8Kernels<K> {
    base: K,
    backend: Int8Backend,
}

/// Where the results of a layer go.
enum Output<'a, V> {
    /// Rows, with the bias.
    Linear(&'a mut [V]),
    /// An operand, with bias and activation.
    Activated(Activation, &'a mut [V]),
    /// Added to f32 rows, without the bias.
    Added(&'a mut [f32]),
}

/// Working memory of one thread.
#[derive(Default)]
pub struct Int8Scratch<S> {
    product: ProductScratch,
    base: S,
}

/// The part that products use.
#[derive(Default)]
struct ProductScratch {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    sums: gemm::SumBlocks,
    #[cfg(target_arch = "x86_64")]
    widened: super::avx2::WidenedCodes,
}

/// `x · wᵀ` of codes.
struct Int8Product<'a> {
    lhs: PackedLhs<'a>,
    rows: usize,
    weights: &'a Int8Weights,
    scratch: &'a mut ProductScratch,
}

/// Kernels that int8 layers can be combined with.
trait Int8Base: Kernels {
    /// Quantizes the operand `x`, `rows × k`.
    fn quantize(
        &self,
        backend: Int8Backend,
        x: &[Self::Element],
        rows: usize,
        k: usize,
        lhs: &mut QuantizedLhs,
    );

    /// Runs a product into `output`.
    fn multiply(&self, backend: Int8Backend, product: Int8Product<'_>, output: Output<'_, Self::Element>);
}

#[cfg(target_arch = "x86_64")]
impl Int8Kernels<Bf16Kernels> {
    /// int8 layers with bf16 for everything else. `None` where [`Bf16Kernels::new`] is, or if the processor has no 512-bit
    /// int8 products.
    #[must_use]
    pub fn on_bf16(isa: Isa, hidden: usize, inner: usize, shape: AttentionShape) -> Option<Self> {
        let is_512_bit = |backend: &Int8Backend| {
            !matches!(backend, Int8Backend::AvxVnni | Int8Backend::Avx2 | Int8Backend::Portable)
        };
        let backend = Some(Int8Backend::of(isa)).filter(is_512_bit)?;
        Some(Int8Kernels { base: Bf16Kernels::new(isa, hidden, inner, shape)?, backend })
    }
}

impl Int8Kernels<F32Kernels> {
    /// int8 layers with f32 for everything else, on every instruction set. Widths must be multiples of 32. Panics if the
    /// processor lacks `isa`.
    #[must_use]
    pub fn on_f32(isa: Isa) -> Self {
        let base = F32Kernels::new(isa);
        // The backend of the instruction set that f32 uses: AMX is combined with bf16 only.
        Int8Kernels { backend: Int8Backend::of(base.isa()), base }
    }

    /// Like [`Int8Kernels::on_f32`], with each backend that `isa` allows.
    #[cfg(test)]
    pub(super) fn all_on_f32(isa: Isa) -> Vec<Self> {
        let on = |backend| Int8Kernels { base: F32Kernels::new(isa), backend };
        Int8Backend::available(F32Kernels::new(isa).isa()).map(on).collect()
    }
}

/// A product on AVX-512 or AMX. With `BF16` the processor has AVX-512-BF16, and the epilogue may use it.
#[cfg(target_arch = "x86_64")]
struct Avx512Product<'a, const BF16: bool>(Int8Product<'a>, Int8Backend);

#[cfg(target_arch = "x86_64")]
impl<'a, const BF16: bool> Product<'a> for Avx512Product<'a, BF16> {
    fn shape(&self) -> (usize, &'a [f32]) {
        (self.0.rows, &self.0.weights.bias)
    }

    unsafe fn run<F: Epilogue>(self, epilogue: &F) {
        let Int8Product { lhs, rows, weights, scratch } = self.0;
        let dequantize = super::avx512::Dequantize { epilogue, lhs, weights };
        // SAFETY: the backend was found on this processor, AMX only together with bf16. The operand holds whole blocks,
        // since `pack_lhs` made it; the output does by this function's own contract.
        unsafe {
            match self.1 {
                #[cfg(target_os = "linux")]
                Int8Backend::Amx => {
                    use crate::bf16::amx::{AmxGemm, multiply};
                    let x = (lhs.codes.as_ptr().cast(), rows);
                    let w = (weights.tiles.as_ptr().cast(), weights.n / PANEL_COLS);
                    let sums = &mut scratch.sums;
                    multiply::<true, _>(&AmxGemm::configure(), x, w, weights.steps(), &dequantize, sums);
                }
                _ if BF16 => super::avx512::product_bf16(lhs, rows, weights, &dequantize),
                _ => super::avx512::product_f32(lhs, rows, weights, &dequantize),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Int8Base for Bf16Kernels {
    fn quantize(&self, _backend: Int8Backend, x: &[u16], rows: usize, k: usize, lhs: &mut QuantizedLhs) {
        assert!(k.is_multiple_of(32), "{k} values do not fill tiles");
        assert!(x.len() >= rows.next_multiple_of(gemm::BLOCK_ROWS) * k, "the operand has incomplete blocks");
        // SAFETY: `self` exists, so the processor has AVX-512 with BW; the operand holds whole blocks.
        unsafe { super::avx512::quantize_rows(super::avx512::BlockedBf16(x.as_ptr(), k), rows, k, lhs) };
    }

    fn multiply(&self, backend: Int8Backend, product: Int8Product<'_>, output: Output<'_, u16>) {
        let product = Avx512Product::<true>(product, backend);
        match output {
            Output::Linear(out) => gemm::store_rows(product, out),
            Output::Activated(act, out) => gemm::store_operand(product, act, out),
            Output::Added(sum) => gemm::add_rows(product, sum),
        }
    }
}

impl Int8Base for F32Kernels {
    fn quantize(&self, backend: Int8Backend, x: &[f32], rows: usize, k: usize, lhs: &mut QuantizedLhs) {
        assert!(x.len() >= rows * k, "the operand has too few rows");
        #[cfg(target_arch = "x86_64")]
        if backend == Int8Backend::Avx512Vnni && k.is_multiple_of(32) {
            // SAFETY: the backend was found on this processor; the operand holds the rows.
            return unsafe {
                super::avx512::quantize_rows(super::avx512::RowMajorF32(x.as_ptr(), k), rows, k, lhs)
            };
        }
        #[cfg(target_arch = "x86_64")]
        if matches!(backend, Int8Backend::AvxVnni | Int8Backend::Avx2) {
            // SAFETY: the backend was found on this processor, and needs AVX2.
            return unsafe { super::avx2::quantize_rows(x, rows, k, lhs) };
        }
        let _ = backend;
        portable::quantize_rows(x, rows, k, lhs);
    }

    fn multiply(&self, backend: Int8Backend, product: Int8Product<'_>, output: Output<'_, f32>) {
        #[cfg(target_arch = "x86_64")]
        if backend == Int8Backend::Avx512Vnni {
            use super::avx512::store_rows_f32;
            let product = Avx512Product::<false>(product, backend);
            return match output {
                Output::Linear(out) => store_rows_f32::<NONE>(product, out),
                Output::Activated(Activation::Gelu, out) => store_rows_f32::<GELU>(product, out),
                Output::Activated(Activation::GeluTanh, out) => store_rows_f32::<GELU_TANH>(product, out),
                Output::Activated(Activation::Relu, out) => store_rows_f32::<RELU>(product, out),
                Output::Added(sum) => gemm::add_rows(product, sum),
            };
        }
        let weights = product.weights;
        let range = |row: usize, column: usize| {
            let start = row * weights.n + column;
            start..start + PANEL_COLS
        };
        match output {
            Output::Added(sum) => run_product(backend, product, |row, column, values| {
                sum[range(row, column)].iter_mut().zip(values).for_each(|(s, v)| *s += v);
            }),
            Output::Linear(out) => run_product(backend, product, |row, column, values| {
                add_bias(&mut out[range(row, column)], values, &weights.bias[column..]);
            }),
            Output::Activated(act, out) => run_product(backend, product, |row, column, values| {
                let out = &mut out[range(row, column)];
                add_bias(out, values, &weights.bias[column..]);
                self.activate(act, out);
            }),
        }
    }
}

/// Passes 32 columns of each row of a product to `epilogue`, with the row and the first column.
fn run_product(
    backend: Int8Backend,
    product: Int8Product<'_>,
    epilogue: impl FnMut(usize, usize, &[f32; PANEL_COLS]),
) {
    let Int8Product { lhs, rows, weights, scratch } = product;
    match backend {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the backend was found on this processor.
        Int8Backend::AvxVnni => unsafe { super::avxvnni::product(lhs, rows, weights, epilogue) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Int8Backend::Avx2 => unsafe {
            super::avx2::product(lhs, rows, weights, &mut scratch.widened, epilogue)
        },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the backend was found on this processor.
        Int8Backend::NeonDotprod => unsafe { super::neon::product(lhs, rows, weights, epilogue) },
        _ => {
            let _ = scratch;
            portable::product(lhs, rows, weights, epilogue);
        }
    }
}

fn add_bias(out: &mut [f32], values: &[f32], bias: &[f32]) {
    for ((out, value), bias) in out.iter_mut().zip(values).zip(bias) {
        *out = value + bias;
    }
}

#[allow(private_bounds, reason = "only this module implements `Int8Base`")]
impl<K: Int8Base> Int8Kernels<K> {
    fn run(
        &self,
        lhs: PackedLhs<'_>,
        rows: usize,
        weights: &Int8Weights,
        output: Output<'_, K::Element>,
        scratch: &mut Int8Scratch<K::Scratch>,
    ) {
        assert!(lhs.k == weights.k, "the operand and the weights differ in width");
        let product = Int8Product { lhs, rows, weights, scratch: &mut scratch.product };
        self.base.multiply(self.backend, product, output);
    }
}

#[allow(private_bounds, reason = "as above")]
impl<K: Int8Base> Kernels for Int8Kernels<K> {
    type Element = K::Element;
    type PackedWeights = Int8Weights;
    type PackedLhs<'a> = PackedLhs<'a>;
    type LhsScratch = QuantizedLhs;
    type Scratch = Int8Scratch<K::Scratch>;

    const ROW_BLOCK: usize = 32;

    fn name(&self) -> String {
        format!("{} int8 (rest {})", self.backend.name(), self.base.name())
    }

    fn chunk_tokens(&self) -> usize {
        self.base.chunk_tokens()
    }

    fn write_operand(&self, x: &[f32], rows: usize, k: usize, out: &mut [K::Element]) {
        self.base.write_operand(x, rows, k, out);
    }

    fn read_operand(&self, x: &[K::Element], rows: usize, k: usize) -> Vec<f32> {
        self.base.read_operand(x, rows, k)
    }

    fn widen(&self, value: K::Element) -> f32 {
        self.base.widen(value)
    }

    fn pack_weights(&self, weight: &[f32], n: usize, k: usize, bias: &[f32], arena: &Arena) -> Int8Weights {
        Int8Weights::pack(weight, n, k, bias, arena)
    }

    fn pack_lhs<'a>(
        &self,
        x: &'a [K::Element],
        rows: usize,
        k: usize,
        scratch: &'a mut QuantizedLhs,
    ) -> PackedLhs<'a> {
        self.base.quantize(self.backend, x, rows, k, scratch);
        scratch.as_lhs(k)
    }

    fn linear(
        &self,
        x: PackedLhs<'_>,
        rows: usize,
        weights: &Int8Weights,
        out: &mut [K::Element],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, weights, Output::Linear(out), scratch);
    }

    fn linear_act(
        &self,
        x: PackedLhs<'_>,
        rows: usize,
        weights: &Int8Weights,
        act: Activation,
        out: &mut [K::Element],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, weights, Output::Activated(act, out), scratch);
    }

    fn linear_add(
        &self,
        x: PackedLhs<'_>,
        rows: usize,
        weights: &Int8Weights,
        sum: &mut [f32],
        scratch: &mut Self::Scratch,
    ) {
        self.run(x, rows, weights, Output::Added(sum), scratch);
    }

    fn attention(
        &self,
        qkv: &[K::Element],
        sequence: Range<usize>,
        shape: AttentionShape,
        out: &mut [K::Element],
        scratch: &mut Self::Scratch,
    ) {
        self.base.attention(qkv, sequence, shape, out, &mut scratch.base);
    }

    fn layer_norm(&self, x: &mut [f32], rows: usize, norm: &LayerNorm, out: &mut [K::Element]) {
        self.base.layer_norm(x, rows, norm, out);
    }
}

//! CPU kernels of a BERT-family sentence encoder and of exact vector search, for the instruction set of the processor.
//!
//! The crate holds the arithmetic alone: no model files, no threads, no I/O. It is a crate of its own so that tests
//! compile it optimized, whatever the profile of the code that calls it.
//!
//! # What is in it
//!
//! | trait or type | operations | numbers |
//! |---|---|---|
//! | [`Kernels`] | linear layers with fused activation or addition, multi-head attention, layer norm | of the implementation |
//! | [`ThresholdSearch`] | all inner products that reach a threshold | of the implementation |
//! | [`F32Kernels`] | both | f32 |
//! | [`Bf16Kernels`] (x86-64) | both | products of bf16, summed in f32 |
//! | [`Int8Kernels`] | [`Kernels`] with linear layers in int8, the rest in f32 or bf16 | int8, summed in i32 |
//! | [`int8::Int8Dot`] | inner products of int8 vectors | int8, summed in i32 |
//!
//! # Choosing an instruction set
//!
//! An [`Isa`] is chosen at run time: [`Isa::detect`] takes the fastest that this processor has, [`str::parse`] one by
//! name. Constructors take an `Isa` and panic if the processor lacks it, so a value of a kernel type proves that its
//! instructions may be executed. AMX needs the consent of the operating system (`bf16/amx_detect.rs` asks Linux for it).
//!
//! ```
//! use samestory_kernels::{Arena, F32Kernels, Isa, Kernels};
//!
//! // y = x · Wᵀ + b, for one row of two values and three outputs.
//! let kernels = F32Kernels::new(Isa::detect());
//! let weights = kernels.pack_weights(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], 3, 2, &[0.0, 0.0, 0.5], &Arena::default());
//! let (mut lhs_scratch, mut scratch) = Default::default();
//! let x = kernels.pack_lhs(&[2.0, 3.0], 1, 2, &mut lhs_scratch);
//! let mut y = [0.0; 3];
//! kernels.linear(x, 1, &weights, &mut y, &mut scratch);
//! assert_eq!(y, [2.0, 3.0, 5.5]);
//! ```
//!
//! # Layouts
//!
//! Results are row-major. Weights (the right-hand side of a product) are packed once, into panels of as many columns
//! as a microkernel computes. Activations that are a left-hand side (*operands*) have a layout of the implementation:
//!
//! | kernels | operand | packed weights |
//! |---|---|---|
//! | f32 | `[row][k]` | `[panel][k][columns of a tile]` |
//! | bf16 | `[block of 32 rows][step of 32 of k][32 rows][32]` | `[panel of 32 columns][step of 32 of k][2 tiles][16 pairs of k][16 columns][2]` |
//! | int8 | `[block of 32 rows][step of 64 of k][32 rows][64]`, a scale and a zero point a row | `[panel of 32 columns][step of 64 of k][2 tiles][16 quads of k][16 columns][4]`, a scale a column |
//!
//! [`Kernels::write_operand`], [`Kernels::read_operand`] and [`Kernels::pack_weights`] convert. A vector of an encoder
//! never depends on the rest of its batch: every row is computed from itself alone, in one order of summation.
//!
//! # Safety
//!
//! `unsafe` is confined to intrinsics, inline assembly and the memory map of [`Arena`]. Public functions are safe: they
//! check the lengths of slices before the inner loops use pointers, and an instruction set before its intrinsics run.
//! `reference.rs` holds every kernel against a float64 implementation on random shapes, in buffers filled with NaN.

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod aligned;
mod arena;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod bf16;
mod ceiling;
mod float32;
pub mod int8;
mod isa;
mod kernels;
mod math;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod microkernel;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod precision;
#[cfg(test)]
#[path = "../../../src/random.rs"]
mod random;
#[cfg(test)]
mod reference;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use aligned::AlignedBuf;
pub use arena::Arena;
#[cfg(target_arch = "x86_64")]
pub use bf16::Bf16Kernels;
pub use ceiling::measure_ceiling;
pub use float32::F32Kernels;
pub use int8::Int8Kernels;
pub use isa::{Isa, NameError};
pub use kernels::{Activation, AttentionShape, Hit, Kernels, LayerNorm, ThresholdSearch};
pub use precision::Precision;

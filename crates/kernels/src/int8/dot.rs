//! Inner products of int8 vectors: the same integers on every machine.
//!
//! One side, the query, has signed codes in [-127, 127]. The other, rows of a mapped file, has codes of the same range plus
//! 128, because the instruction multiplies unsigned by signed bytes (VNNI). What the 128 adds, 128 times the sum of the
//! query's codes, is subtracted again. The sums are integers that cannot overflow up to [`MAX_CODES`] codes, so the order
//! of summation does not matter.

use crate::{AlignedBuf, Isa};

/// Lengths of rows are multiples of this: 64 bytes are a vector of AVX-512 and a cache line.
pub const CODE_BLOCK: usize = 64;

/// The longest row. Longer ones could overflow: 65,536 · 127 · 255 is just less than 2³¹.
pub const MAX_CODES: usize = 65_536;

/// Added to the codes of rows.
pub const CODE_BIAS: u8 = 128;

/// The int8 inner products of an instruction set.
#[derive(Clone, Copy)]
pub struct Int8Dot {
    isa: Isa,
    /// Products of a query with consecutive rows.
    dot_rows: unsafe fn(&[i8], &[u8], &mut [i32]),
    /// The product of two rows, without what the bias adds.
    dot_pair: unsafe fn(&[u8], &[u8]) -> i32,
}

/// The codes of a query, padded and aligned.
pub struct QueryCodes {
    codes: AlignedBuf<i8>,
    /// What the bias of the rows adds to a product.
    bias_correction: i32,
}

impl QueryCodes {
    /// Takes codes in [-127, 127] and pads them with zeros to a multiple of [`CODE_BLOCK`]. Panics above [`MAX_CODES`].
    #[must_use]
    pub fn new(codes: &[i8]) -> Self {
        let len = codes.len().next_multiple_of(CODE_BLOCK);
        assert!(len <= MAX_CODES, "{len} codes could overflow");
        let mut aligned = AlignedBuf::new(len);
        aligned[..codes.len()].copy_from_slice(codes);
        let sum: i32 = codes.iter().map(|&c| i32::from(c)).sum();
        QueryCodes { codes: aligned, bias_correction: i32::from(CODE_BIAS) * sum }
    }
}

impl Int8Dot {
    /// The products of `isa`, or of a slower instruction set if the processor's `isa` has no int8 products. The results are
    /// the same. Panics if the processor lacks `isa`.
    #[must_use]
    pub fn new(isa: Isa) -> Self {
        assert!(isa.is_available(), "{isa} is not available");
        let portable = Int8Dot { isa: Isa::Portable, dot_rows: portable_rows, dot_pair: portable_pair };
        #[cfg(target_arch = "x86_64")]
        {
            if super::avx512::is_available() && !matches!(isa, Isa::Avx2 | Isa::Portable) {
                return Int8Dot { isa: Isa::Avx512, dot_rows: x86::rows_avx512, dot_pair: x86::pair_avx512 };
            }
            if isa != Isa::Portable && std::arch::is_x86_feature_detected!("avx2") {
                return Int8Dot { isa: Isa::Avx2, dot_rows: x86::rows_avx2, dot_pair: x86::pair_avx2 };
            }
        }
        #[cfg(target_arch = "aarch64")]
        if isa == Isa::Neon && super::neon::is_available() {
            return Int8Dot { isa, dot_rows: arm::rows, dot_pair: arm::pair };
        }
        portable
    }

    /// The instruction set in use.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The products of `query` with consecutive rows of its length, one for each element of `out`. Panics if there are fewer
    /// rows.
    pub fn dot_rows(&self, query: &QueryCodes, rows: &[u8], out: &mut [i32]) {
        assert!(rows.len() >= query.codes.len() * out.len(), "too few rows");
        // SAFETY: the processor has the instruction set: `new` checked it.
        unsafe { (self.dot_rows)(&query.codes, rows, out) };
        out.iter_mut().for_each(|product| *product -= query.bias_correction);
    }

    /// The product of `query` with one row of its length.
    #[must_use]
    pub fn dot_row(&self, query: &QueryCodes, row: &[u8]) -> i32 {
        let mut out = [0];
        self.dot_rows(query, row, &mut out);
        out[0]
    }

    /// The product of two rows of equal length, a multiple of [`CODE_BLOCK`]. Panics if they differ in length.
    #[must_use]
    pub fn dot_pair(&self, a: &[u8], b: &[u8]) -> i32 {
        assert!(
            a.len() == b.len() && a.len().is_multiple_of(CODE_BLOCK),
            "rows of different or incomplete lengths"
        );
        // SAFETY: the processor has the instruction set: `new` checked it.
        unsafe { (self.dot_pair)(a, b) }
    }
}

fn portable_rows(query: &[i8], rows: &[u8], out: &mut [i32]) {
    for (out, row) in out.iter_mut().zip(rows.chunks_exact(query.len().max(1))) {
        *out = query.iter().zip(row).map(|(&q, &r)| i32::from(q) * i32::from(r)).sum();
    }
}

fn portable_pair(a: &[u8], b: &[u8]) -> i32 {
    let code = |c: u8| i32::from(c) - i32::from(CODE_BIAS);
    a.iter().zip(b).map(|(&a, &b)| code(a) * code(b)).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::CODE_BLOCK;

    /// # Safety
    /// The processor has the features; `rows` holds a row of the query's length for each element of `out`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn rows_avx512(query: &[i8], rows: &[u8], out: &mut [i32]) {
        let len = query.len();
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = _mm512_setzero_si512();
            for step in (0..len).step_by(CODE_BLOCK) {
                // SAFETY: query and rows are whole steps long: `QueryCodes` and `Int8Dot::dot_rows` ensure it.
                let (q, r) = unsafe {
                    let q = _mm512_loadu_si512(query.as_ptr().add(step).cast());
                    (q, _mm512_loadu_si512(rows.as_ptr().add(i * len + step).cast()))
                };
                sum = _mm512_dpbusd_epi32(sum, r, q);
            }
            *out = _mm512_reduce_add_epi32(sum);
        }
    }

    /// # Safety
    /// The processor has the features; both rows have the same length, a multiple of [`CODE_BLOCK`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn pair_avx512(a: &[u8], b: &[u8]) -> i32 {
        let (bias, ones) = (_mm512_set1_epi8(i8::MIN), _mm512_set1_epi8(1));
        let (mut sum, mut bias_correction) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for step in (0..a.len()).step_by(CODE_BLOCK) {
            // SAFETY: the rows are whole steps long, by this function's own contract.
            let (a, b) = unsafe {
                let a = _mm512_loadu_si512(a.as_ptr().add(step).cast());
                (a, _mm512_loadu_si512(b.as_ptr().add(step).cast()))
            };
            // Flipping the highest bit removes the bias.
            let a = _mm512_xor_si512(a, bias);
            sum = _mm512_dpbusd_epi32(sum, b, a);
            bias_correction = _mm512_dpbusd_epi32(bias_correction, ones, a);
        }
        _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, _mm512_slli_epi32::<7>(bias_correction)))
    }

    /// # Safety
    /// The processor has the features; `rows` holds a row of the query's length for each element of `out`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn rows_avx2(query: &[i8], rows: &[u8], out: &mut [i32]) {
        let len = query.len();
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = _mm256_setzero_si256();
            for step in (0..len).step_by(16) {
                // SAFETY: query and rows are whole steps long: `QueryCodes` and `Int8Dot::dot_rows` ensure it.
                let (q, r) = unsafe {
                    let q = _mm_loadu_si128(query.as_ptr().add(step).cast());
                    (q, _mm_loadu_si128(rows.as_ptr().add(i * len + step).cast()))
                };
                // In 16 bits: the instruction for bytes saturates at 32,767.
                let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(q), _mm256_cvtepu8_epi16(r));
                sum = _mm256_add_epi32(sum, products);
            }
            *out = total(sum);
        }
    }

    /// # Safety
    /// The processor has the features; both rows have the same length, a multiple of [`CODE_BLOCK`].
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn pair_avx2(a: &[u8], b: &[u8]) -> i32 {
        let bias = _mm_set1_epi8(i8::MIN);
        let mut sum = _mm256_setzero_si256();
        for step in (0..a.len()).step_by(16) {
            // SAFETY: the rows are whole steps long, by this function's own contract.
            let (a, b) = unsafe {
                let a = _mm_loadu_si128(a.as_ptr().add(step).cast());
                (a, _mm_loadu_si128(b.as_ptr().add(step).cast()))
            };
            // Flipping the highest bit removes the bias.
            let (a, b) = (_mm_xor_si128(a, bias), _mm_xor_si128(b, bias));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b)));
        }
        total(sum)
    }

    #[target_feature(enable = "avx2")]
    fn total(sum: __m256i) -> i32 {
        let half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        let quarter = _mm_add_epi32(half, _mm_shuffle_epi32::<0b01_00_11_10>(half));
        _mm_cvtsi128_si32(_mm_add_epi32(quarter, _mm_shuffle_epi32::<0b10_11_00_01>(quarter)))
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::{aarch64::*, asm};

    use super::CODE_BIAS;

    /// Codes per vector.
    const VECTOR: usize = 16;
    /// Independent sums, which together take a step of [`super::CODE_BLOCK`].
    const CHAINS: usize = super::CODE_BLOCK / VECTOR;

    /// # Safety
    /// The processor has the dot-product instructions; `rows` holds a row of the query's length for each element of `out`.
    #[target_feature(enable = "neon,dotprod")]
    pub(super) unsafe fn rows(query: &[i8], rows: &[u8], out: &mut [i32]) {
        let len = query.len();
        let bias_correction = i32::from(CODE_BIAS) * query.iter().map(|&q| i32::from(q)).sum::<i32>();
        for (i, out) in out.iter_mut().enumerate() {
            // SAFETY: query and rows are whole steps long: `QueryCodes` and `Int8Dot::dot_rows` ensure it.
            let sum = unsafe {
                let row = rows.as_ptr().add(i * len);
                sum(len, |at| vld1q_s8(query.as_ptr().add(at)), |at| signed(row.add(at)))
            };
            *out = sum + bias_correction;
        }
    }

    /// # Safety
    /// The processor has the dot-product instructions; both rows have the same length, a multiple of [`super::CODE_BLOCK`].
    #[target_feature(enable = "neon,dotprod")]
    pub(super) unsafe fn pair(a: &[u8], b: &[u8]) -> i32 {
        // SAFETY: the rows are whole steps long, by this function's own contract.
        unsafe { sum(a.len(), |at| signed(a.as_ptr().add(at)), |at| signed(b.as_ptr().add(at))) }
    }

    /// Loads codes of a row as signed bytes. The instructions multiply signed by signed bytes: flipping the highest bit
    /// removes the bias.
    ///
    /// # Safety
    /// `row` points to the codes of a vector.
    #[inline(always)]
    unsafe fn signed(row: *const u8) -> int8x16_t {
        // SAFETY: by this function's own contract; all 64-bit Arm has NEON.
        unsafe { vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row), vdupq_n_u8(CODE_BIAS))) }
    }

    /// The sum of products of `len` codes, whole steps of them.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    fn sum(len: usize, a: impl Fn(usize) -> int8x16_t, b: impl Fn(usize) -> int8x16_t) -> i32 {
        let mut sums = [vdupq_n_s32(0); CHAINS];
        for step in (0..len).step_by(super::CODE_BLOCK) {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = dot(*sum, a(step + i * VECTOR), b(step + i * VECTOR));
            }
        }
        vaddvq_s32(vaddq_s32(vaddq_s32(sums[0], sums[1]), vaddq_s32(sums[2], sums[3])))
    }

    /// `sum += a · b` for every four bytes.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    fn dot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: the processor has the instruction, which changes only `sum`.
        unsafe {
            asm!(
                "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
                sum = inout(vreg) sum,
                a = in(vreg) a,
                b = in(vreg) b,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The reference, in 64 bits.
    fn reference(a: &[i8], b: &[i8]) -> i64 {
        a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum()
    }

    fn biased(codes: &[i8], len: usize) -> Vec<u8> {
        let mut row: Vec<u8> = codes.iter().map(|&c| (c as u8).wrapping_add(CODE_BIAS)).collect();
        row.resize(len, CODE_BIAS);
        row
    }

    fn check(query: &[i8], rows: &[Vec<i8>]) {
        let len = query.len().next_multiple_of(CODE_BLOCK);
        let flat: Vec<u8> = rows.iter().flat_map(|r| biased(r, len)).collect();
        let expect: Vec<i64> = rows.iter().map(|r| reference(query, r)).collect();
        for isa in Isa::available() {
            let (kernel, codes) = (Int8Dot::new(isa), QueryCodes::new(query));
            let mut out = vec![-1; rows.len()];
            kernel.dot_rows(&codes, &flat, &mut out);
            assert_eq!(out.iter().map(|&v| i64::from(v)).collect::<Vec<_>>(), expect, "{isa} rows");
            for (row, &expect) in flat.chunks(len).zip(&expect) {
                assert_eq!(i64::from(kernel.dot_row(&codes, row)), expect, "{isa} row");
                assert_eq!(i64::from(kernel.dot_pair(&biased(query, len), row)), expect, "{isa} pair");
            }
        }
    }

    #[test]
    fn the_largest_codes_do_not_overflow() {
        for len in [1, 63, 64, 65, MAX_CODES] {
            for (q, r) in [(127, 127), (-127, 127), (127, -127), (-127, -127)] {
                check(&vec![q; len], &[vec![r; len]]);
            }
        }
    }

    proptest! {
        #[test]
        fn every_instruction_set_matches_the_reference(
            (query, rows) in (1usize..200).prop_flat_map(|len| {
                let codes = || prop::collection::vec(-127i8..=127, len);
                (codes(), prop::collection::vec(codes(), 1..9))
            })
        ) {
            check(&query, &rows);
        }
    }
}

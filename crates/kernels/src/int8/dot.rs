//! Inner products of bytes: the same integers on every machine.
//!
//! One side, the query, has signed codes in [-127, 127]; the other, rows of a mapped file, has codes of the same
//! range with 128 added, as the instruction that multiplies unsigned by signed bytes wants them (VNNI). What the 128
//! adds, 128 times the sum of the query's codes, is taken away again. Each instruction set sums integers that cannot overflow up
//! to [`MAX_CODES`], so the order of summation does not matter.

use crate::{AlignedBuf, Isa};

/// QueryCodes come in steps of so many: a row of 64 bytes is a vector of AVX-512, and a line of the cache.
pub const CODE_BLOCK: usize = 64;

/// Longer codes could overflow: 65,536 · 127 · 255 is less than 2³¹.
pub const MAX_CODES: usize = 65_536;

/// What is added to a row's codes.
pub const BIAS: u8 = 128;

/// The integer kernels of an instruction set.
#[derive(Clone, Copy)]
pub struct Int8Dot {
    isa: Isa,
    /// Products of a query with each of some rows that lie one after another.
    rows: unsafe fn(&[i8], &[u8], &mut [i32]),
    /// The product of two rows, without what the bias adds.
    pair: unsafe fn(&[u8], &[u8]) -> i32,
}

/// The codes of a query.
pub struct QueryCodes {
    codes: AlignedBuf<i8>,
    /// What the bias of a row adds to a product.
    excess: i32,
}

impl QueryCodes {
    /// Takes codes in [-127, 127], filled up with zeros to whole steps of [`CODE_BLOCK`]. Panics above [`MAX_CODES`].
    pub fn new(codes: &[i8]) -> Self {
        let len = codes.len().next_multiple_of(CODE_BLOCK);
        assert!(len <= MAX_CODES, "{len} codes could overflow");
        let mut aligned = AlignedBuf::new(len);
        aligned[..codes.len()].copy_from_slice(codes);
        let sum: i32 = codes.iter().map(|&c| i32::from(c)).sum();
        QueryCodes { codes: aligned, excess: i32::from(BIAS) * sum }
    }
}

impl Int8Dot {
    /// The kernels of `isa`, or of the next slower one where the processor cannot multiply bytes on that instruction set; the
    /// results are the same. Panics if the processor lacks `isa`.
    pub fn new(isa: Isa) -> Self {
        assert!(isa.is_available(), "{isa} is not available");
        let portable = Int8Dot { isa: Isa::Portable, rows: portable_rows, pair: portable_pair };
        #[cfg(target_arch = "x86_64")]
        {
            if super::avx512::is_available() && !matches!(isa, Isa::Avx2 | Isa::Portable) {
                return Int8Dot { isa: Isa::Avx512, rows: x86::rows_avx512, pair: x86::pair_avx512 };
            }
            if isa != Isa::Portable && std::arch::is_x86_feature_detected!("avx2") {
                return Int8Dot { isa: Isa::Avx2, rows: x86::rows_avx2, pair: x86::pair_avx2 };
            }
        }
        #[cfg(target_arch = "aarch64")]
        if isa == Isa::Neon && super::neon::is_available() {
            return Int8Dot { isa, rows: arm::rows, pair: arm::pair };
        }
        portable
    }

    /// The instruction set whose instructions are used.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The products of `query` with rows of its length, one for each place of `out`. Panics if the rows are fewer.
    pub fn rows(&self, query: &QueryCodes, rows: &[u8], out: &mut [i32]) {
        assert!(rows.len() >= query.codes.len() * out.len(), "too few rows");
        // SAFETY: the processor has the instruction set: `new` checked it.
        unsafe { (self.rows)(&query.codes, rows, out) };
        out.iter_mut().for_each(|product| *product -= query.excess);
    }

    /// The product of `query` with one row of its length.
    pub fn row(&self, query: &QueryCodes, row: &[u8]) -> i32 {
        let mut out = [0];
        self.rows(query, row, &mut out);
        out[0]
    }

    /// The product of two rows of one length, a multiple of [`CODE_BLOCK`].
    pub fn pair(&self, a: &[u8], b: &[u8]) -> i32 {
        assert!(a.len() == b.len() && a.len().is_multiple_of(CODE_BLOCK), "rows of other lengths");
        // SAFETY: the processor has the instruction set: `new` checked it.
        unsafe { (self.pair)(a, b) }
    }
}

fn portable_rows(query: &[i8], rows: &[u8], out: &mut [i32]) {
    for (out, row) in out.iter_mut().zip(rows.chunks_exact(query.len().max(1))) {
        *out = query.iter().zip(row).map(|(&q, &r)| i32::from(q) * i32::from(r)).sum();
    }
}

fn portable_pair(a: &[u8], b: &[u8]) -> i32 {
    let code = |c: u8| i32::from(c) - i32::from(BIAS);
    a.iter().zip(b).map(|(&a, &b)| code(a) * code(b)).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::CODE_BLOCK;

    /// # Safety
    /// The processor has the features; `rows` holds a row of the query's length for each place of `out`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn rows_avx512(query: &[i8], rows: &[u8], out: &mut [i32]) {
        let len = query.len();
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = _mm512_setzero_si512();
            for step in (0..len).step_by(CODE_BLOCK) {
                // SAFETY: query and rows are whole steps long: `QueryCodes` and `Int8Dot::rows` see to it.
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
    /// The processor has the features; both rows have one length, a multiple of [`CODE_BLOCK`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn pair_avx512(a: &[u8], b: &[u8]) -> i32 {
        let (bias, ones) = (_mm512_set1_epi8(i8::MIN), _mm512_set1_epi8(1));
        let (mut sum, mut excess) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for step in (0..a.len()).step_by(CODE_BLOCK) {
            // SAFETY: the rows are whole steps long, as the caller says.
            let (a, b) = unsafe {
                let a = _mm512_loadu_si512(a.as_ptr().add(step).cast());
                (a, _mm512_loadu_si512(b.as_ptr().add(step).cast()))
            };
            // Flipping the highest bit takes the bias away.
            let a = _mm512_xor_si512(a, bias);
            sum = _mm512_dpbusd_epi32(sum, b, a);
            excess = _mm512_dpbusd_epi32(excess, ones, a);
        }
        _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, _mm512_slli_epi32::<7>(excess)))
    }

    /// # Safety
    /// The processor has the features; `rows` holds a row of the query's length for each place of `out`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn rows_avx2(query: &[i8], rows: &[u8], out: &mut [i32]) {
        let len = query.len();
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = _mm256_setzero_si256();
            for step in (0..len).step_by(16) {
                // SAFETY: query and rows are whole steps long: `QueryCodes` and `Int8Dot::rows` see to it.
                let (q, r) = unsafe {
                    let q = _mm_loadu_si128(query.as_ptr().add(step).cast());
                    (q, _mm_loadu_si128(rows.as_ptr().add(i * len + step).cast()))
                };
                // In 16 bits: the instruction for bytes would cut sums off at 32,767.
                let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(q), _mm256_cvtepu8_epi16(r));
                sum = _mm256_add_epi32(sum, products);
            }
            *out = total(sum);
        }
    }

    /// # Safety
    /// The processor has the features; both rows have one length, a multiple of [`CODE_BLOCK`].
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn pair_avx2(a: &[u8], b: &[u8]) -> i32 {
        let bias = _mm_set1_epi8(i8::MIN);
        let mut sum = _mm256_setzero_si256();
        for step in (0..a.len()).step_by(16) {
            // SAFETY: the rows are whole steps long, as the caller says.
            let (a, b) = unsafe {
                let a = _mm_loadu_si128(a.as_ptr().add(step).cast());
                (a, _mm_loadu_si128(b.as_ptr().add(step).cast()))
            };
            // Flipping the highest bit takes the bias away.
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

    use super::BIAS;

    /// QueryCodes of a vector.
    const VECTOR: usize = 16;
    /// Vectors that are summed side by side, to whole steps of [`super::CODE_BLOCK`].
    const CHAINS: usize = super::CODE_BLOCK / VECTOR;

    /// # Safety
    /// The processor has dot products of bytes; `rows` holds a row of the query's length for each place of `out`.
    #[target_feature(enable = "neon,dotprod")]
    pub(super) unsafe fn rows(query: &[i8], rows: &[u8], out: &mut [i32]) {
        let len = query.len();
        let excess = i32::from(BIAS) * query.iter().map(|&q| i32::from(q)).sum::<i32>();
        for (i, out) in out.iter_mut().enumerate() {
            // SAFETY: query and rows are whole steps long: `QueryCodes` and `Int8Dot::rows` see to it.
            let sum = unsafe {
                let row = rows.as_ptr().add(i * len);
                sum(len, |at| vld1q_s8(query.as_ptr().add(at)), |at| signed(row.add(at)))
            };
            *out = sum + excess;
        }
    }

    /// # Safety
    /// The processor has dot products of bytes; both rows have one length, a multiple of [`super::CODE_BLOCK`].
    #[target_feature(enable = "neon,dotprod")]
    pub(super) unsafe fn pair(a: &[u8], b: &[u8]) -> i32 {
        // SAFETY: the rows are whole steps long, as the caller says.
        unsafe { sum(a.len(), |at| signed(a.as_ptr().add(at)), |at| signed(b.as_ptr().add(at))) }
    }

    /// QueryCodes of a row. The instructions multiply bytes of one kind: flipping the highest bit takes the bias away.
    ///
    /// # Safety
    /// There are as many as a vector holds.
    #[inline(always)]
    unsafe fn signed(row: *const u8) -> int8x16_t {
        // SAFETY: by this function's own contract; all 64-bit Arm has NEON.
        unsafe { vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row), vdupq_n_u8(BIAS))) }
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

    /// `sum += a · b`, of each four bytes.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    fn dot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: the processor has the instruction, which changes nothing but `sum`.
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

    /// The textbook in 64 bits.
    fn product(a: &[i8], b: &[i8]) -> i64 {
        a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum()
    }

    fn biased(codes: &[i8], len: usize) -> Vec<u8> {
        let mut row: Vec<u8> = codes.iter().map(|&c| (c as u8).wrapping_add(BIAS)).collect();
        row.resize(len, BIAS);
        row
    }

    fn check(query: &[i8], rows: &[Vec<i8>]) {
        let len = query.len().next_multiple_of(CODE_BLOCK);
        let flat: Vec<u8> = rows.iter().flat_map(|r| biased(r, len)).collect();
        let expect: Vec<i64> = rows.iter().map(|r| product(query, r)).collect();
        for isa in Isa::available() {
            let (kernel, codes) = (Int8Dot::new(isa), QueryCodes::new(query));
            let mut out = vec![-1; rows.len()];
            kernel.rows(&codes, &flat, &mut out);
            assert_eq!(out.iter().map(|&v| i64::from(v)).collect::<Vec<_>>(), expect, "{isa} rows");
            for (row, &expect) in flat.chunks(len).zip(&expect) {
                assert_eq!(i64::from(kernel.row(&codes, row)), expect, "{isa} row");
                assert_eq!(i64::from(kernel.pair(&biased(query, len), row)), expect, "{isa} pair");
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
        fn every_path_computes_the_textbook(
            (query, rows) in (1usize..200).prop_flat_map(|len| {
                let codes = || prop::collection::vec(-127i8..=127, len);
                (codes(), prop::collection::vec(codes(), 1..9))
            })
        ) {
            check(&query, &rows);
        }
    }
}

//! Pseudorandom numbers from a seed, the same on every machine: for synthetic texts, samples and tests.
//!
//! SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), whose nth number can be
//! computed without those before it. Not for cryptography.

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A sequence of pseudorandom numbers.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        SplitMix64(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        let number = nth(self.0, 0);
        self.0 = self.0.wrapping_add(STEP);
        number
    }

    /// A number in [0, `n`), or 0 for `n` = 0. The bias of the modulus is below `n`/2⁶⁴.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next_u64() % n.max(1) as u64) as usize
    }

    /// A number in [0, 1), with 24 bits.
    pub fn next_f32(&mut self) -> f32 {
        to_unit_f32(self.next_u64())
    }
}

/// The `n`th number of `seed`, counted from 0.
#[must_use]
pub fn nth(seed: u64, n: u64) -> u64 {
    let x = seed.wrapping_add(n.wrapping_add(1).wrapping_mul(STEP));
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number in [0, 1) from the 24 highest bits of `number`.
#[must_use]
pub fn to_unit_f32(number: u64) -> f32 {
    (number >> 40) as f32 / (1u64 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_sequence() {
        let mut random = SplitMix64::new(1_234_567);
        let golden: [u64; 5] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([(); 5].map(|()| random.next_u64()), golden);
        assert_eq!([0, 1, 2, 3, 4].map(|n| nth(1_234_567, n)), golden);
    }

    #[test]
    fn numbers_stay_in_range() {
        let mut random = SplitMix64::new(1);
        assert_eq!((to_unit_f32(0), to_unit_f32(u64::MAX)), (0.0, 1.0 - 0.5f32.powi(24)));
        assert_eq!(random.below(0), 0);
        let mut seen = [false; 7];
        (0..200).for_each(|_| seen[random.below(7)] = true);
        assert_eq!(seen, [true; 7]);
    }
}

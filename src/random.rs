//! Numbers drawn from a seed, the same on every machine: for invented texts, samples and tests.
//!
//! SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), which may be asked for its
//! nth number without those before it. Nothing secret comes from it.

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers one after the other.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The numbers of `seed`.
    pub fn new(seed: u64) -> Self {
        SplitMix64(seed)
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        let number = nth(self.0, 0);
        self.0 = self.0.wrapping_add(STEP);
        number
    }

    /// A number below `n`, which is not 0 but for `n` = 0: all of them are as likely to one in 2⁶⁴/`n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next_u64() % n.max(1) as u64) as usize
    }

    /// A number in [0, 1).
    pub fn next_f32(&mut self) -> f32 {
        to_unit_f32(self.next_u64())
    }
}

/// Number `n` of `seed`, counted from 0.
pub fn nth(seed: u64, n: u64) -> u64 {
    let x = seed.wrapping_add(n.wrapping_add(1).wrapping_mul(STEP));
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number in [0, 1) of the highest bits of any.
pub fn to_unit_f32(number: u64) -> f32 {
    (number >> 40) as f32 / (1u64 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
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
    fn numbers_stay_within_their_bounds() {
        let mut random = SplitMix64::new(1);
        assert_eq!((to_unit_f32(0), to_unit_f32(u64::MAX)), (0.0, 1.0 - 0.5f32.powi(24)));
        assert_eq!(random.below(0), 0);
        let mut seen = [false; 7];
        (0..200).for_each(|_| seen[random.below(7)] = true);
        assert_eq!(seen, [true; 7]);
    }
}

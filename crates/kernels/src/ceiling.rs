//! What a thread of this machine can multiply at most: the ceiling that throughput is held against.
//!
//! Products of values in registers, with nothing to load and nothing to store. The values are no zeros: a
//! multiplier that is given zeros needs less power, and runs faster than real data ever lets it.

use std::{hint::black_box, time::Instant};

use super::{Isa, Precision};

/// Multiplications and additions per second on every one of `threads` threads together, the best of some tries.
/// Takes about a tenth of a second.
pub fn measure_ceiling(isa: Isa, precision: Precision, threads: usize) -> f64 {
    assert!(isa.is_available(), "{isa} is not available");
    let rate = || {
        let begun = std::sync::Barrier::new(threads);
        let worker = || {
            begun.wait();
            let start = Instant::now();
            let work: f64 = (0..ROUNDS).map(|_| round(isa, precision)).sum();
            work / start.elapsed().as_secs_f64()
        };
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            all.into_iter().map(|t| t.join().unwrap_or(0.0)).sum::<f64>()
        })
    };
    (0..TRIES).map(|_| rate()).fold(0.0, f64::max)
}

const TRIES: usize = 5;
const ROUNDS: usize = 40;
/// Steps of a round: long enough that what surrounds them does not count.
const STEPS: usize = 20_000;

/// Runs one round and returns its multiplications and additions.
fn round(isa: Isa, precision: Precision) -> f64 {
    match isa {
        _ if precision == Precision::Int8 => super::int8::spin(isa, STEPS),
        #[cfg(target_arch = "x86_64")]
        Isa::Amx | Isa::Avx512Bf16 => super::bf16::spin(isa, STEPS),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set is available: `measure_ceiling` checked it.
        Isa::Avx512 => unsafe { super::x86::spin_avx512(STEPS) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { super::x86::spin_avx2(STEPS) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        Isa::Neon => unsafe { super::neon::spin(STEPS) },
        _ => portable(STEPS),
    }
}

fn portable(steps: usize) -> f64 {
    const LANES: usize = 32;
    let (x, mut sums) = (black_box([0.999f32; LANES]), [0.5f32; LANES]);
    for _ in 0..steps {
        for (s, x) in sums.iter_mut().zip(&x) {
            *s = *s * x + 0.001;
        }
    }
    black_box(sums);
    (2 * LANES * steps) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_ceiling() {
        for isa in Isa::available() {
            for precision in [Precision::Native, Precision::Int8] {
                let rate = measure_ceiling(isa, precision, 1);
                assert!(rate.is_finite() && rate > 1e6, "{isa} {precision}: {rate}");
            }
        }
    }
}

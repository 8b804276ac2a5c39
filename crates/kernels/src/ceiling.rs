//! The arithmetic ceiling of this machine, which the throughput of an encoder is compared with.
//!
//! The roofline model of Williams, Waterman and Patterson (2009), without its memory part.
//!
//! Measured by products in registers, without loads or stores. The values are not zeros: multiplying zeros takes less
//! power, so the processor would run faster than it can with real data.

use std::{hint::black_box, time::Instant};

use super::{Isa, Precision};

/// Multiplications and additions per second of `threads` threads together; the best of five tries. Takes about a tenth of
/// a second. Panics if the processor lacks `isa`.
#[must_use]
pub fn measure_ceiling(isa: Isa, precision: Precision, threads: usize) -> f64 {
    assert!(isa.is_available(), "{isa} is not available");
    let rate = || {
        let barrier = std::sync::Barrier::new(threads);
        let worker = || {
            barrier.wait();
            let start = Instant::now();
            let operations: f64 = (0..ROUNDS).map(|_| run_round(isa, precision)).sum();
            operations / start.elapsed().as_secs_f64()
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
/// Steps of a round: enough to make its overhead negligible.
const STEPS: usize = 20_000;

/// Runs one round. Returns the number of multiplications and additions.
fn run_round(isa: Isa, precision: Precision) -> f64 {
    match isa {
        _ if precision == Precision::Int8 => super::int8::run_peak_loop(isa, STEPS),
        #[cfg(target_arch = "x86_64")]
        Isa::Amx | Isa::Avx512Bf16 => super::bf16::run_peak_loop(isa, STEPS),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set is available: `measure_ceiling` checked it.
        Isa::Avx512 => unsafe { super::x86::peak_avx512(STEPS) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { super::x86::peak_avx2(STEPS) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        Isa::Neon => unsafe { super::neon::peak(STEPS) },
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
    fn every_instruction_set_has_a_ceiling() {
        for isa in Isa::available() {
            for precision in [Precision::Native, Precision::Int8] {
                let rate = measure_ceiling(isa, precision, 1);
                assert!(rate.is_finite() && rate > 1e6, "{isa} {precision}: {rate}");
            }
        }
    }
}

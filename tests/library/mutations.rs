//! Mutation tests: no reader panics on its seeds after truncations, splices and bit flips, nor on inputs that fuzzing found.
//!
//! `SAMESTORY_MUTATIONS=1000000 cargo test --release --test library mutations` runs longer; `scripts/fuzz` is guided by
//! coverage.

use std::{collections::BTreeSet, fs, path::PathBuf};

use crate::readers::{READERS, Reader};
use samestory::random::SplitMix64;

/// The number of mutations of each seed, for a reader of cost 1.
fn rounds() -> u64 {
    std::env::var("SAMESTORY_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
}

/// Byte sequences that are names to break parsers.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"[[[[[[[[",
    b"}",
    b"\r",
    b"\n\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"&#x110000;",
    b"&",
    b"<",
    b"<![CDATA[",
    b"<table><td>",
    b"</",
    b"---\n",
    b"```",
    b"|",
    b"* ",
    b"2024-07-04 20:36 Last Updated At:22:47",
    b"Next Article",
    b"\xf0\x9f\x92\xa9",
    b"\xcc\x81\xcc\x81\xcc\x81",
    b"1e999",
    b"-9223372036854775808",
    b"\xe2\x80\xae",
];

fn mutate(seed: &[u8], random: &mut SplitMix64) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(6) {
        let (at, other) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
        let (low, high) = (at.min(other), at.max(other));
        match random.below(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = random.next_u64() as u8,
            3 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            4 => drop(bytes.drain(low..high.min(low + 64))),
            5 => {
                let part = bytes[low..high.min(low + 64)].to_vec();
                drop(bytes.splice(other..other, part));
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())].repeat(1 + random.below(300));
                drop(bytes.splice(at..at, piece));
            }
        }
    }
    bytes
}

fn check(reader: &Reader, bytes: &[u8], input: &str) {
    let outcome = std::panic::catch_unwind(|| (reader.read)(bytes));
    assert!(outcome.is_ok(), "{input} of {}: {:?}", reader.name, String::from_utf8_lossy(bytes));
}

/// Mutates the seeds of the readers whose numbers `filter` accepts. Several tests share the readers, to run in parallel.
fn check_mutations(filter: impl Fn(u64) -> bool) {
    for (number, reader) in (0..).zip(READERS).filter(|(number, _)| filter(*number)) {
        for (at, seed) in (0..).zip((reader.seeds)()) {
            check(reader, &seed, "a seed");
            for round in 0..(rounds() / reader.cost).max(1) {
                let mut random = SplitMix64::new(number << 48 | at << 40 | round);
                check(reader, &mutate(&seed, &mut random), &format!("round {round} on seed {at}"));
            }
        }
    }
}

#[test]
fn mutated_input_does_not_panic() {
    check_mutations(|number| number % 2 == 0);
}

#[test]
fn mutated_input_of_other_readers_does_not_panic() {
    check_mutations(|number| number % 2 == 1);
}

#[test]
fn findings_of_fuzzing_do_not_panic() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut names: BTreeSet<String> = BTreeSet::new();
    for reader in READERS {
        assert!(names.insert(reader.name.into()), "{} occurs twice", reader.name);
        assert!(
            root.join("fuzz/fuzz_targets").join(format!("{}.rs", reader.name)).is_file(),
            "{}",
            reader.name
        );
        for entry in fs::read_dir(root.join("tests/data/regressions").join(reader.name)).into_iter().flatten()
        {
            let path = entry.unwrap().path();
            check(reader, &fs::read(&path).unwrap(), &path.display().to_string());
        }
    }
    for folder in fs::read_dir(root.join("tests/data/regressions")).into_iter().flatten() {
        let name = folder.unwrap().file_name().to_string_lossy().into_owned();
        assert!(names.contains(&name), "there is no reader named {name}");
    }
}

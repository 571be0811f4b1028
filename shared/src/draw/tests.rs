//! Keyed draws: pinned for ever, even, and independent of each other.

use super::*;

/// The draws are part of the wire language: an injector of one release foretells a target of another. Whoever changes
/// these values changes what every recorded seed means. They were computed by a second implementation, in Python.
#[test]
fn draws_are_the_same_in_every_release() {
    for (seed, key, purpose, n, expected) in PINNED {
        let bits = (Draw::new(seed, key).u(purpose, n) * (1_u64 << 53) as f64) as u64;
        assert_eq!(bits, expected, "({seed}, {key:?}, {purpose:?}, {n})");
    }
}

const PINNED: [(u64, &str, &str, u64, u64); 4] = [
    (0, "", "status", 0, 7_252_974_626_855_043),
    (0, "ab12.7", "status", 0, 1_543_762_362_651_497),
    (42, "ab12.7", "delay", 1, 6_974_963_053_724_989),
    (u64::MAX, "x", "chunk_delay", 9, 6_389_139_879_947_229),
];

#[test]
fn arguments_do_not_run_into_each_other() {
    let draws = [u(1, "a", "bc"), u(1, "ab", "c"), u(1, "abc", ""), u(1, "", "abc"), u(2, "a", "bc")];
    for (i, a) in draws.iter().enumerate() {
        assert!(draws[i + 1..].iter().all(|b| a != b), "{draws:?}");
    }
}

/// Flipping any one input bit flips each output bit about half the time.
#[test]
fn every_input_bit_reaches_every_output_bit() {
    const N: u64 = 4_000;
    let flips = |change: &dyn Fn(u64) -> (u64, u64)| {
        let mut flipped = [0_u32; 64];
        for i in 0..N {
            let (a, b) = change(i);
            (0..64).for_each(|bit| flipped[bit] += ((a ^ b) >> bit & 1) as u32);
        }
        flipped
    };
    let key = |i: u64, bit: u32| {
        let mut bytes = format!("{i:08}").into_bytes();
        bytes[(bit / 4) as usize] ^= 1 << (bit % 4);
        String::from_utf8(bytes).unwrap()
    };
    let bits = |seed: u64, key: &str, n: u64| mix(mix(fold(Draw::new(seed, key).0, b"delay")) ^ mix(n));
    for bit in 0..64_u32 {
        let seeds = flips(&|i| (bits(i, "k", 0), bits(i ^ 1 << bit, "k", 0)));
        let numbers = flips(&|i| (bits(7, "k", i), bits(7, "k", i ^ 1 << bit)));
        let keys = flips(&|i| (bits(7, &format!("{i:08}"), 0), bits(7, &key(i, bit % 32), 0)));
        for flipped in seeds.iter().chain(&numbers).chain(&keys) {
            // Six standard deviations: 64 x 64 x 3 counts, fixed inputs.
            assert!(f64::from(*flipped).mul_add(2.0, -(N as f64)).abs() < 6.0 * (N as f64).sqrt(), "{bit}: {flipped}");
        }
    }
}

#[test]
fn consecutive_keys_and_numbers_are_uniform_and_uncorrelated() {
    const N: usize = 100_000;
    let by_key: Vec<f64> = (0..N).map(|i| u(7, &format!("ab12.{i}"), "delay")).collect();
    let by_number: Vec<f64> = (0..N as u64).map(|n| Draw::new(7, "ab12.1").u("chunk_delay", n)).collect();
    for draws in [by_key, by_number] {
        assert!(draws.iter().all(|u| (0.0..1.0).contains(u)));
        let mut counts = [0_u32; 100];
        draws.iter().for_each(|u| counts[(u * 100.0) as usize] += 1);
        let chi2: f64 = counts.iter().map(|&n| (f64::from(n) - 1_000.0).powi(2) / 1_000.0).sum();
        // 99 degrees of freedom: 0.999 quantile.
        assert!(chi2 < 148.2, "{chi2}");
        let product: f64 = draws.windows(2).map(|pair| (pair[0] - 0.5) * (pair[1] - 0.5)).sum();
        assert!((product * 12.0 / (N as f64).sqrt()).abs() < 4.0, "{product}");
    }
}

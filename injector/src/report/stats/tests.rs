//! Against published values, against sums done otherwise, and as properties.

use proptest::prelude::*;

use super::*;

#[test]
fn the_normal_distribution_is_that_of_the_tables() {
    let table =
        [(0.5, 0.0), (0.9, 1.281_551_566), (0.975, 1.959_963_985), (0.995, 2.575_829_304), (0.999_9, 3.719_016_485)];
    for (probability, z) in table {
        assert!((normal_quantile(probability) - z).abs() < 1e-8, "{probability}: {}", normal_quantile(probability));
        assert!((normal_quantile(1.0 - probability) + z).abs() < 1e-8);
    }
    // Where one formula gives way to the other.
    assert!((upper_tail(3.0 - 1e-9) / upper_tail(3.0) - 1.0).abs() < 1e-7);
}

#[test]
fn shares_and_their_difference_are_newcombes_examples() {
    // Newcombe 1998 (Statistics in Medicine 17), table II: 56/70 against 48/80, and 9/10 against 3/10, method 10.
    let of = |hits, count| share(hits, count, 0.05).unwrap();
    let near = |a: f64, b: f64| assert!((a - b).abs() < 5e-5, "{a} {b}");
    let both = difference(&of(48, 80), &of(56, 70), 1.0);
    near(both.value, 0.2);
    near(both.low, 0.0524);
    near(both.high, 0.3339);
    let both = difference(&of(3, 10), &of(9, 10), 1.0);
    near(both.low, 0.1705);
    near(both.high, 0.8090);
    // Nothing wrong of ten is no proof that nothing goes wrong.
    assert_eq!(of(10, 10).high, 1.0);
    near(of(10, 10).low, 0.7225);
    assert_eq!(share(0, 0, 0.05), None);
}

#[test]
fn ranks_are_those_of_the_tables() {
    // Known values for the median, 95 %: 2..9 of 10, 6..15 of 20, 40..61 of 100; of five there is none.
    assert_eq!(ranks(10, 0.5, 0.05), (Some(2), Some(9)));
    assert_eq!(ranks(20, 0.5, 0.05), (Some(6), Some(15)));
    assert_eq!(ranks(100, 0.5, 0.05), (Some(40), Some(61)));
    assert_eq!(ranks(5, 0.5, 0.05), (None, None));
    // The greatest of 100 is above the 99th percentile in 63 % of all samples only; 0.99^368 < 0.025 <= 0.99^367.
    assert_eq!(ranks(100, 0.99, 0.05).1, None);
    assert_eq!((ranks(367, 0.99, 0.05).1, ranks(368, 0.99, 0.05).1), (None, Some(368)));
}

#[test]
fn large_samples_are_as_the_exact_sum_says() {
    for q in [0.5, 0.9, 0.99, 0.999] {
        let count = 3_000_000;
        for tail in [0.025, 1e-4] {
            let (exact, fast) = (exact(count, q, tail), approximate(count, q, tail));
            assert!(fast.0 <= exact.0 && exact.0 - fast.0 <= 3, "{q}: {exact:?} {fast:?}");
            assert!(fast.1 >= exact.1 && fast.1 - exact.1 <= 3, "{q}: {exact:?} {fast:?}");
        }
    }
}

#[test]
fn a_quantile_of_a_histogram_is_the_value_of_that_rank() {
    let counted = [(10, 50), (20, 40), (30, 9), (1_000, 1)];
    let at = |q| quantile(&counted, q, 0.05).unwrap();
    assert_eq!(
        (at(0.5).value, at(0.51).value, at(0.9).value, at(0.99).value, at(1.0).value),
        (10.0, 20.0, 20.0, 30.0, 1e3)
    );
    assert_eq!((at(0.5).low, at(0.5).high, at(0.99).high), (10.0, 20.0, f64::INFINITY));
    assert_eq!(quantile(&[], 0.5, 0.05), None);
}

/// P(at most k of n), summed up by logarithms of factorials.
fn at_most(k: u64, n: u64, q: f64) -> f64 {
    let ln = |m: u64| (1..=m).map(|i| (i as f64).ln()).sum::<f64>();
    (0..=k).map(|i| (ln(n) - ln(i) - ln(n - i) + i as f64 * q.ln() + (n - i) as f64 * (1.0 - q).ln()).exp()).sum()
}

proptest! {
    #[test]
    fn ranks_keep_what_they_promise(count in 1_u64..300, q in 0.01..0.99_f64, alpha in 0.0001..0.2_f64) {
        let (low, high) = ranks(count, q, alpha);
        // The quantile is below the low-th value if fewer than `low` values are below it, and so on.
        let missed_low = low.map_or(0.0, |low| at_most(low - 1, count, q));
        let missed_high = high.map_or(0.0, |high| 1.0 - at_most(high - 1, count, q));
        prop_assert!(missed_low <= alpha / 2.0 + 1e-9 && missed_high <= alpha / 2.0 + 1e-9, "{missed_low} {missed_high}");
        // And no rank more than that needs.
        let wasted = low.unwrap_or(0) < count && at_most(low.unwrap_or(0), count, q) <= alpha / 2.0 - 1e-9;
        prop_assert!(!wasted);
    }

    #[test]
    fn an_interval_holds_what_was_counted(hits in 0_u64..1_000, more in 1_u64..1_000_000, alpha in 1e-6..0.5_f64) {
        let count = hits + more;
        let one = share(hits, count, alpha).unwrap();
        prop_assert!(0.0 <= one.low && one.low <= one.value && one.value <= one.high && one.high <= 1.0, "{one:?}");
        let surer = share(hits, count, alpha / 2.0).unwrap();
        prop_assert!(surer.low <= one.low && one.high <= surer.high);
    }

    #[test]
    fn a_difference_is_the_same_from_either_side(a in 0_u64..100, b in 0_u64..100) {
        let (a, b) = (share(a, 100, 0.05).unwrap(), share(b, 100, 0.05).unwrap());
        let (there, back) = (difference(&a, &b, 1.0), difference(&b, &a, 1.0));
        prop_assert!((there.low + back.high).abs() < 1e-12 && (there.high + back.low).abs() < 1e-12);
        prop_assert!(there.low <= there.value && there.value <= there.high);
    }
}

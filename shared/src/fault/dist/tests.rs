//! Every distribution against its own function (Kolmogorov-Smirnov), cut and uncut.

use super::*;
use crate::draw::Draw;
use crate::fault::token::Token;

const N: u64 = 20_000;

fn dist(text: &str, unit: Unit) -> Dist {
    Dist::parse(Token::new(text), unit).unwrap()
}

fn samples(dist: &Dist) -> Vec<u64> {
    let draw = Draw::new(3, "ks");
    let mut values: Vec<u64> = (0..N).map(|n| dist.sample(draw.u("delay", n), 0)).collect();
    values.sort_unstable();
    values
}

/// Kolmogorov and Smirnov's largest distance between the samples and the distribution function.
fn distance(values: &[u64], cdf: impl Fn(f64) -> f64) -> f64 {
    let n = values.len() as f64;
    let at = |(i, &value): (usize, &u64)| {
        let expected = cdf(value as f64);
        (expected - i as f64 / n).abs().max((expected - (i + 1) as f64 / n).abs())
    };
    values.iter().enumerate().map(at).fold(0.0, f64::max)
}

/// 0.999 quantile of the statistic for large n.
fn critical() -> f64 {
    1.95 / (N as f64).sqrt()
}

const MS: f64 = 1e6;

type Cdf = Box<dyn Fn(f64) -> f64>;

/// Φ by an independent route: Simpson's rule over the density.
fn phi(x: f64) -> f64 {
    let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (from, steps) = (-9.0, 400);
    if x <= from {
        return 0.0;
    }
    let h = (x - from) / f64::from(steps);
    let weight = |i: i32| if i == 0 || i == steps { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
    (0..=steps).map(|i| weight(i) * density(from + h * f64::from(i))).sum::<f64>() * h / 3.0
}

#[test]
fn each_distribution_is_the_one_it_says() {
    let table: [(&str, Cdf); 9] = [
        ("20ms..80ms", Box::new(|x| (x - 20.0 * MS) / (60.0 * MS))),
        ("uniform(20ms,80ms,max=50ms)", Box::new(|x| (x - 20.0 * MS) / (30.0 * MS))),
        ("jitter(50ms,20ms)", Box::new(|x| (x - 30.0 * MS) / (40.0 * MS))),
        ("normal(50ms,5ms)", Box::new(|x| phi((x - 50.0 * MS) / (5.0 * MS)))),
        ("exp(20ms)", Box::new(|x| 1.0 - (-x / (20.0 * MS)).exp())),
        ("lognormal(80ms,400ms)", Box::new(|x| phi((x / (80.0 * MS)).ln() * 2.326_347_874 / 5_f64.ln()))),
        ("lognormal(median=80ms,sigma=0.5)", Box::new(|x| phi((x / (80.0 * MS)).ln() / 0.5))),
        ("pareto(10ms,100ms)", Box::new(|x| 1.0 - (10.0 * MS / x).powi(2))),
        ("pareto(10ms,alpha=3)", Box::new(|x| 1.0 - (10.0 * MS / x).powi(3))),
    ];
    for (text, cdf) in table {
        let found = distance(&samples(&dist(text, Unit::Duration)), cdf);
        assert!(found < critical(), "{text}: {found}");
    }
}

#[test]
fn truncation_keeps_the_shape_inside_the_bounds() {
    let truncated = |cdf: Cdf, low: f64, high: f64| move |x: f64| (cdf(x) - cdf(low)) / (cdf(high) - cdf(low));
    let table: [(&str, Cdf, f64); 5] = [
        ("normal(10ms,20ms,max=30ms)", Box::new(|x| phi((x - 10.0 * MS) / (20.0 * MS))), 30.0),
        ("exp(20ms,max=10ms)", Box::new(|x| 1.0 - (-x / (20.0 * MS)).exp()), 10.0),
        (
            "lognormal(80ms,400ms,max=100ms)",
            Box::new(|x| phi((x / (80.0 * MS)).ln() * 2.326_347_874 / 5_f64.ln())),
            100.0,
        ),
        ("pareto(10ms,100ms,max=20ms)", Box::new(|x| (1.0 - (10.0 * MS / x).powi(2)).max(0.0)), 20.0),
        ("normal(50ms,5ms,max=50ms)", Box::new(|x| phi((x - 50.0 * MS) / (5.0 * MS))), 50.0),
    ];
    for (text, cdf, high_ms) in table {
        let values = samples(&dist(text, Unit::Duration));
        assert!(*values.last().unwrap() as f64 <= high_ms * MS, "{text}");
        let found = distance(&values, truncated(cdf, f64::MIN_POSITIVE, high_ms * MS));
        assert!(found < critical(), "{text}: {found}");
    }
}

#[test]
fn percentiles_come_out_as_written() {
    let values = samples(&dist("pct(50=20ms,90=80ms,99=400ms)", Unit::Duration));
    for (percent, ms) in [(50.0, 20.0), (90.0, 80.0), (99.0, 400.0)] {
        let below = values.iter().filter(|&&value| value as f64 <= ms * MS).count() as f64 / N as f64;
        // Four standard deviations of a proportion.
        let share: f64 = percent / 100.0;
        assert!((below - share).abs() < 4.0 * (share * (1.0 - share) / N as f64).sqrt(), "p{percent}: {below}");
    }
    let bounded = dist("pct(0=10ms,50=20ms,100=90ms)", Unit::Duration);
    assert!(bounded.is_bounded() && bounded.largest() == 90_000_000);
    let bounded = samples(&bounded);
    assert!(10_000_000 <= bounded[0] && *bounded.last().unwrap() <= 90_000_000);
    // Log-linear: halfway between two points in probability is their geometric mean.
    assert!((bounded[N as usize / 4] as f64 / MS - 200_f64.sqrt()).abs() < 0.3);
}

#[test]
fn quantile_inverts_cdf() {
    for text in [
        "normal(50ms,5ms)",
        "exp(20ms)",
        "lognormal(80ms,400ms)",
        "lognormal(median=80ms,sigma=2)",
        "pareto(10ms,100ms)",
        "pareto(10ms,alpha=0.5)",
        "pct(50=20ms,90=80ms,99=400ms)",
    ] {
        let dist = dist(text, Unit::Duration);
        for i in 1..100 {
            let p = f64::from(i) / 100.0;
            assert!((dist.shape.cdf(dist.shape.quantile(p)) - p).abs() < 1e-12, "{text} at {p}");
        }
    }
}

#[test]
fn lognormal_meets_the_worked_example() {
    // p50 80 ms and p99 400 ms: sigma 0.692, mean 101.6 ms.
    let values = samples(&dist("lognormal(80ms,400ms)", Unit::Duration));
    let mean_ms = values.iter().map(|&value| value as f64 / MS).sum::<f64>() / N as f64;
    assert!((mean_ms - 101.6).abs() < 2.5, "{mean_ms}");
}

#[test]
fn counts_include_both_ends_and_sizes_do_not() {
    let seen = |text: &str, unit: Unit| {
        let mut values = samples(&dist(text, unit));
        values.dedup();
        values
    };
    assert_eq!(seen("1..3", Unit::Count), [1, 2, 3]);
    assert_eq!(seen("1..3", Unit::Bytes), [1, 2]);
    assert_eq!(seen("1s..3s", Unit::Seconds), [1, 2, 3]);
    assert_eq!(seen("5..5", Unit::Bytes), [5]);
    assert_eq!(seen("0..18446744073709551615", Unit::Bytes).len(), N as usize);
    let values = samples(&dist("1..3", Unit::Count));
    let twos = values.iter().filter(|value| **value == 2).count() as f64;
    assert!((twos / N as f64 - 1.0 / 3.0).abs() < 0.015, "{twos}");
}

#[test]
fn no_value_leaves_its_bounds_whatever_the_draw() {
    let ends = [0.0, f64::MIN_POSITIVE, 0.5, 1.0 - f64::EPSILON / 2.0];
    for (text, unit, low, high) in [
        ("exp(1s)", Unit::Duration, 0, 60_000_000_000),
        ("normal(1ms,10s)", Unit::Duration, 0, 60_000_000_000),
        ("normal(10s,1s,max=9s)", Unit::Duration, 0, 9_000_000_000),
        ("pareto(1ms,alpha=0.01,max=2ms)", Unit::Duration, 1_000_000, 2_000_000),
        ("exp(2)", Unit::Rate, 1, 1 << 40),
        ("exp(2)", Unit::SomeBytes, 1, 1 << 20),
        ("exp(20ms)", Unit::CpuTime, 0, 1_000_000_000),
        ("pct(0=1ms,100=2h)", Unit::Duration, 1_000_000, 7_200_000_000_000),
        ("pct(10=1ms,20=2ms,max=1h)", Unit::Duration, 0, 3_600_000_000_000),
    ] {
        let dist = dist(text, unit);
        for u in ends {
            let value = dist.sample(u, 0);
            assert!((low..=high).contains(&value), "{text} at {u}: {value}");
        }
    }
}

#[test]
fn load_grows_with_the_requests_in_flight() {
    let dist = dist("load(10ms,2ms,max=15ms)", Unit::Duration);
    for (load, ms) in [(0, 10), (2, 14), (3, 15), (u64::MAX, 15)] {
        assert_eq!(dist.sample(0.3, load), ms * 1_000_000, "{load} in flight");
    }
}

//! The standard normal distribution, both ways.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Φ(x), to about 1e-15 absolute. G. Marsaglia, "Evaluating the Normal Distribution", J. Stat. Software 11(4), 2004:
/// a series of positive terms around 0; beyond 4 a continued fraction, which converges there in a few terms, where the
/// series would lose the digits of a small tail by cancellation.
pub(crate) fn cdf(x: f64) -> f64 {
    let density = (-0.5 * x * x).exp() * FRAC_1_SQRT_2 / PI.sqrt();
    if x.abs() > 4.0 {
        let fraction = (1..=24).rev().fold(0.0, |tail, k| f64::from(k) / (x.abs() + tail));
        let tail = density / (x.abs() + fraction);
        return if x < 0.0 { tail } else { 1.0 - tail };
    }
    let (mut sum, mut term, mut n) = (x, x, 3.0);
    while sum + term * x * x / n != sum {
        term *= x * x / n;
        sum += term;
        n += 2.0;
    }
    0.5 + density * sum
}

/// Φ⁻¹(p), to about 1e-16 relative: M. J. Wichura, algorithm AS 241 (PPND16), Applied Statistics 37(3), 1988.
/// Minus or plus infinity at 0 and 1.
pub(crate) fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&A, r) / polynomial(&B, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return q.signum() * f64::INFINITY;
    }
    let r = (-tail.ln()).sqrt();
    let x = if r <= 5.0 {
        polynomial(&C, r - 1.6) / polynomial(&D, r - 1.6)
    } else {
        polynomial(&E, r - 5.0) / polynomial(&F, r - 5.0)
    };
    q.signum() * x
}

fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

const A: [f64; 8] = [
    3.387_132_872_796_366_5,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_3e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const B: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_66e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_854e3,
];
const C: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const D: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const E: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    2.965_605_718_285_048_7e-1,
    2.653_218_952_657_612_4e-2,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const F: [f64; 8] = [
    1.0,
    5.998_322_065_558_88e-1,
    1.369_298_809_227_358e-1,
    1.487_536_129_085_061_5e-2,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::{cdf, quantile};

    #[test]
    fn matches_published_values() {
        for (p, x) in [
            (0.5, 0.0),
            (0.841_344_746_068_542_9, 1.0),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.999, 3.090_232_306_167_813_5),
            (1e-6, -4.753_424_308_822_899),
            (1e-10, -6.361_340_902_404_056),
        ] {
            assert!((quantile(p) - x).abs() < 1e-9, "quantile({p}) = {}", quantile(p));
            assert!((cdf(x) - p).abs() < 1e-12, "cdf({x}) = {}", cdf(x));
        }
    }

    #[test]
    fn inverts_over_the_whole_range() {
        for i in 1..10_000 {
            let p = f64::from(i) / 10_000.0;
            assert!((cdf(quantile(p)) - p).abs() < 1e-12, "{p}");
        }
        for exponent in 5..300 {
            let p = 10_f64.powi(-exponent);
            assert!((cdf(quantile(p)) / p - 1.0).abs() < 1e-9, "1e-{exponent}");
        }
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((cdf(f64::NEG_INFINITY), cdf(f64::INFINITY)), (0.0, 1.0));
    }
}

//! The distributions as mathematics: distribution function and quantile function, untruncated, over `f64`.
//!
//! Parameters were validated when read: means, medians and minima are above zero, points increase strictly.

use std::fmt;

use super::super::normal;
use crate::units::Decimal;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Exactly(u64),
    Uniform {
        low: u64,
        high: u64,
    },
    Normal {
        mean: u64,
        sd: u64,
    },
    Exp {
        mean: u64,
    },
    Lognormal {
        p50: u64,
        p99: u64,
    },
    LognormalSigma {
        median: u64,
        sigma: Micro,
    },
    Pareto {
        min: u64,
        p99: u64,
    },
    ParetoAlpha {
        min: u64,
        alpha: Micro,
    },
    /// Quantiles: (percent, value), log-linear between and beyond.
    Pct(Vec<(Micro, u64)>),
    /// Not random: grows with the requests in flight.
    Load {
        base: u64,
        per: u64,
    },
}

/// A plain number to six decimals, kept whole so that it prints as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Micro(pub(crate) u64);

impl Micro {
    pub(crate) const HUNDRED: Micro = Micro(100_000_000);

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Decimal::parse(text)?.times(1_000_000).map(Micro)
    }

    pub(crate) fn get(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.0 % 1_000_000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{}{point}{fraction}", self.0 / 1_000_000)
    }
}

/// Φ⁻¹(0.99).
const Z99: f64 = 2.326_347_874_040_841;

impl Shape {
    /// P(X ≤ x).
    pub(crate) fn cdf(&self, x: f64) -> f64 {
        if let Shape::Normal { mean, sd } = self {
            return normal::cdf((x - *mean as f64) / *sd as f64);
        }
        if x <= 0.0 {
            return 0.0;
        }
        match self {
            Shape::Exp { mean } => -(-x / *mean as f64).exp_m1(),
            Shape::Lognormal { .. } | Shape::LognormalSigma { .. } => {
                let (median, sigma) = self.lognormal();
                normal::cdf((x / median).ln() / sigma)
            }
            Shape::Pareto { .. } | Shape::ParetoAlpha { .. } => {
                let (min, alpha) = self.pareto();
                if x <= min { 0.0 } else { 1.0 - (min / x).powf(alpha) }
            }
            Shape::Pct(points) => {
                let [(p0, v0), (p1, v1)] = segment(points, |(_, value)| x < value);
                (p0 + (p1 - p0) * (x / v0).ln() / (v1 / v0).ln()).clamp(0.0, 1.0)
            }
            Shape::Normal { .. } | Shape::Exactly(_) | Shape::Uniform { .. } | Shape::Load { .. } => {
                // Sampled without inversion.
                f64::NAN
            }
        }
    }

    /// The x with P(X ≤ x) = p.
    pub(crate) fn quantile(&self, p: f64) -> f64 {
        match self {
            Shape::Normal { mean, sd } => *mean as f64 + *sd as f64 * normal::quantile(p),
            Shape::Exp { mean } => -(*mean as f64) * (-p).ln_1p(),
            Shape::Lognormal { .. } | Shape::LognormalSigma { .. } => {
                let (median, sigma) = self.lognormal();
                median * (sigma * normal::quantile(p)).exp()
            }
            Shape::Pareto { .. } | Shape::ParetoAlpha { .. } => {
                let (min, alpha) = self.pareto();
                min * (1.0 - p).powf(-1.0 / alpha)
            }
            Shape::Pct(points) => {
                let [(p0, v0), (p1, v1)] = segment(points, |(percent, _)| p < percent);
                v0 * ((v1 / v0).ln() * (p - p0) / (p1 - p0)).exp()
            }
            Shape::Exactly(_) | Shape::Uniform { .. } | Shape::Load { .. } => f64::NAN,
        }
    }

    fn lognormal(&self) -> (f64, f64) {
        match self {
            Shape::Lognormal { p50, p99 } => (*p50 as f64, (*p99 as f64 / *p50 as f64).ln() / Z99),
            Shape::LognormalSigma { median, sigma } => (*median as f64, sigma.get()),
            _ => (f64::NAN, f64::NAN),
        }
    }

    fn pareto(&self) -> (f64, f64) {
        match self {
            Shape::Pareto { min, p99 } => (*min as f64, 100_f64.ln() / (*p99 as f64 / *min as f64).ln()),
            Shape::ParetoAlpha { min, alpha } => (*min as f64, alpha.get()),
            _ => (f64::NAN, f64::NAN),
        }
    }
}

/// The two neighbouring points around the first that lies `beyond`, as (probability, value). Below the first and above
/// the last point the nearest segment is extended: the shape goes on as it was last seen, rather than stacking
/// everything outside onto the end points.
fn segment(points: &[(Micro, u64)], beyond: impl Fn((f64, f64)) -> bool) -> [(f64, f64); 2] {
    let point = |i: usize| (points[i].0.get() / 100.0, points[i].1 as f64);
    let upper = (0..points.len()).find(|&i| beyond(point(i))).unwrap_or(points.len());
    let upper = upper.clamp(1, points.len() - 1);
    [point(upper - 1), point(upper)]
}

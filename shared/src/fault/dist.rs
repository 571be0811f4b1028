//! An amount that may be left to chance: `20ms`, `20ms..80ms`, `lognormal(20ms,200ms,max=1s)`.
//!
//! One draw, one value. Truncation narrows the draw to [F(low), F(high)] before inverting F, so the shape inside the
//! bounds is exactly the conditional distribution; redrawing until the value fits would need an unknown number of draws,
//! and clamping would pile a spike onto the bound.

mod parse;
mod shape;
mod unit;

use std::fmt;

pub(crate) use shape::{Micro, Shape};
pub(crate) use unit::Unit;

/// A number of `unit`s with its distribution and its upper bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dist {
    pub(crate) unit: Unit,
    pub(crate) shape: Shape,
    /// The written `max=`; without one the unit's own bound applies.
    pub(crate) max: Option<u64>,
}

impl Dist {
    pub(crate) const fn exactly(unit: Unit, value: u64) -> Self {
        Self { unit, shape: Shape::Exactly(value), max: None }
    }

    /// The value for `u` in [0, 1), in the unit's raw measure (ns, bytes, seconds, pieces).
    pub(crate) fn sample(&self, u: f64, load: u64) -> u64 {
        let (low, high) = (self.unit.min(), self.high());
        match self.shape {
            Shape::Exactly(value) => value,
            Shape::Load { base, per } => base.saturating_add(per.saturating_mul(load)).min(high),
            Shape::Uniform { low, high } => {
                // Durations and byte counts are half open, things that are counted include both ends.
                let width = high - low + u64::from(self.unit.counts());
                low + ((u * width as f64) as u64).min(width.saturating_sub(1))
            }
            _ => {
                // Half a unit beyond each bound, so that rounding gives the bounds their full share too.
                let from = self.shape.cdf(low as f64 - 0.5);
                let to = self.shape.cdf(high as f64 + 0.5);
                let value = self.shape.quantile(from + u * (to - from)).round();
                // The cast saturates and takes NaN to 0; the clamp only ever meets the last ulp.
                (value as u64).clamp(low, high)
            }
        }
    }

    /// True if its upper end was written, or lies in its nature.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max.is_some() || matches!(self.shape, Shape::Exactly(_) | Shape::Uniform { .. }) || self.end().is_some()
    }

    /// The largest value that can come out.
    pub(crate) fn largest(&self) -> u64 {
        match self.shape {
            Shape::Exactly(value) => value,
            Shape::Uniform { high, .. } => high,
            _ => self.high(),
        }
    }

    /// The smallest value that can come out.
    pub(crate) fn smallest(&self) -> u64 {
        match self.shape {
            Shape::Exactly(value) => value,
            Shape::Uniform { low, .. } => low,
            Shape::Load { base, .. } => base,
            Shape::Pareto { min, .. } | Shape::ParetoAlpha { min, .. } => min,
            _ => self.unit.min(),
        }
    }

    /// A value that only one sample in a hundred exceeds: what a budget should reckon with.
    pub(crate) fn p99(&self) -> u64 {
        match self.shape {
            Shape::Load { base, .. } => base,
            Shape::Uniform { high, .. } => high,
            _ => self.sample(0.99, 0),
        }
    }

    /// How much of the untruncated distribution lies above `limit`, 0 ..= 1.
    pub(crate) fn tail_above(&self, limit: u64) -> f64 {
        match self.shape {
            Shape::Exactly(value) | Shape::Load { base: value, .. } => f64::from(u8::from(value > limit)),
            Shape::Uniform { high, .. } => f64::from(u8::from(high > limit)),
            _ => 1.0 - self.shape.cdf(limit as f64),
        }
    }

    /// The same amount with the load filled in.
    pub(crate) fn under_load(&self, load: u64) -> Self {
        match self.shape {
            Shape::Load { .. } => Self::exactly(self.unit, self.sample(0.0, load)),
            _ => self.clone(),
        }
    }

    fn high(&self) -> u64 {
        self.max.or_else(|| self.end()).unwrap_or_else(|| self.unit.max())
    }

    /// Where percentiles that name the hundredth end by themselves.
    fn end(&self) -> Option<u64> {
        match &self.shape {
            Shape::Pct(points) => {
                points.last().filter(|(percent, _)| *percent == Micro::HUNDRED).map(|(_, value)| *value)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Dist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |value: u64| self.unit.print(value);
        let max = self.max.map(|max| format!(",max={}", one(max))).unwrap_or_default();
        match &self.shape {
            Shape::Exactly(value) => f.write_str(&one(*value)),
            Shape::Uniform { low, high } => write!(f, "{}..{}", one(*low), one(*high)),
            Shape::Normal { mean, sd } => write!(f, "normal({},{}{max})", one(*mean), one(*sd)),
            Shape::Exp { mean } => write!(f, "exp({}{max})", one(*mean)),
            Shape::Lognormal { p50, p99 } => write!(f, "lognormal({},{}{max})", one(*p50), one(*p99)),
            Shape::LognormalSigma { median, sigma } => {
                write!(f, "lognormal(median={},sigma={sigma}{max})", one(*median))
            }
            Shape::Pareto { min, p99 } => write!(f, "pareto({},{}{max})", one(*min), one(*p99)),
            Shape::ParetoAlpha { min, alpha } => write!(f, "pareto({},alpha={alpha}{max})", one(*min)),
            Shape::Pct(points) => {
                let point = |(percent, value): &(Micro, u64)| format!("{percent}={}", one(*value));
                let points: Vec<String> = points.iter().map(point).collect();
                write!(f, "pct({}{max})", points.join(","))
            }
            Shape::Load { base, per } => write!(f, "load({},{}{max})", one(*base), one(*per)),
        }
    }
}

#[cfg(test)]
mod tests;

//! A condition as meant, and as printed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use shared::units::{Ppm, print_duration};

use super::{Filter, Key, Metric, Refused, parse};

/// What has to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is measured.
    pub metric: Metric,
    /// What of it.
    pub statistic: Statistic,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
    /// Of which requests; all must fit. In order.
    pub filters: Vec<Filter>,
    /// Of a window of this length; nothing: of the whole run.
    pub over: Option<Duration>,
    /// Least samples that a judgement needs; nothing: as many as the statistic needs to mean something.
    pub min_samples: Option<u64>,
}

/// What of a figure is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// The percentile, 0 to 100.
    Percentile(f64),
    /// The mean.
    Mean,
    /// The median.
    Median,
    /// The shortest.
    Min,
    /// The longest.
    Max,
    /// How many.
    Count,
    /// How many a second.
    PerSecond,
    /// Which share.
    Share,
    /// The present value.
    Value,
}

impl Statistic {
    /// Fewest samples that give it a meaning: one beyond the percentile, and one in any case.
    pub fn needs(self) -> u64 {
        match self {
            // A little less than exactly, so that 99.9 needs a thousand and not one more by a rounding error.
            Statistic::Percentile(p) if p < 100.0 => ((100.0 / (100.0 - p) - 1e-6).ceil() as u64).max(1),
            Statistic::Median => 2,
            _ => 1,
        }
    }
}

/// How two figures are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`, and k6's `===`, which is the same.
    Equal,
    /// `!=`
    Other,
}

impl Comparison {
    /// As written. What begins another is behind it.
    pub(super) const WRITTEN: [(&'static str, Comparison); 7] = [
        ("===", Comparison::Equal),
        ("==", Comparison::Equal),
        ("!=", Comparison::Other),
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("<", Comparison::Less),
        (">", Comparison::More),
    ];

    /// Whether it holds.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Comparison::Less => value < limit,
            Comparison::AtMost => value <= limit,
            Comparison::More => value > limit,
            Comparison::AtLeast => value >= limit,
            Comparison::Equal => value == limit,
            Comparison::Other => value != limit,
        }
    }

    /// Of two figures the one that is further from holding: the first, where there is no direction.
    pub(super) fn worse(self, a: f64, b: f64) -> f64 {
        match self {
            Comparison::Less | Comparison::AtMost => a.max(b),
            Comparison::More | Comparison::AtLeast => a.min(b),
            Comparison::Equal | Comparison::Other => b,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::More => ">",
            Comparison::AtLeast => ">=",
            Comparison::Equal => "==",
            Comparison::Other => "!=",
        }
    }
}

/// What a figure is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A duration.
    Time(Duration),
    /// A share of all.
    Share(Ppm),
    /// A number: how many, or, of k6's shares, from 0 to 1.
    Number(f64),
    /// So many a second.
    PerSecond(f64),
}

impl Limit {
    /// In seconds, as a share from 0 to 1, as a number, or a second: what the figure is measured in.
    pub fn value(self) -> f64 {
        match self {
            Limit::Time(duration) => duration.as_secs_f64(),
            Limit::Share(share) => share.fraction(),
            Limit::Number(number) | Limit::PerSecond(number) => number,
        }
    }
}

impl Condition {
    /// Fewest samples that it is judged by.
    pub fn needs(&self) -> u64 {
        self.min_samples.unwrap_or_else(|| self.statistic.needs())
    }
}

impl Condition {
    /// A figure as it stands in a condition, without comparison and limit, for who wants to know it: every value meets this.
    /// What needs no statistic in a condition is a share, or `count` behind it.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn figure(text: &str) -> Result<Condition, Refused> {
        parse::figure(text)
    }
}

impl FromStr for Condition {
    type Err = Refused;

    /// The same as for a threshold, but for `abort`.
    fn from_str(text: &str) -> Result<Condition, Refused> {
        parse::condition(text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_braces = |filter: &&Filter| self.metric.is_of_k6() && filter.fits_braces();
        match (self.metric, self.metric.is_of_k6()) {
            // The response time is what is meant if nothing is said.
            (Metric::Response, _) => {}
            (metric, false) => write!(f, "{} ", metric.name())?,
            (metric, true) => {
                f.write_str(metric.name())?;
                let tags: Vec<String> = self.filters.iter().filter(in_braces).map(Filter::in_braces).collect();
                if !tags.is_empty() {
                    write!(f, "{{{}}}", tags.join(","))?;
                }
                f.write_str(": ")?;
            }
        }
        let statistic = match self.statistic {
            Statistic::Percentile(p) => format!("p({p}) "),
            Statistic::Mean => "avg ".to_owned(),
            Statistic::Median => "med ".to_owned(),
            Statistic::Min => "min ".to_owned(),
            Statistic::Max => "max ".to_owned(),
            Statistic::Value => "value ".to_owned(),
            // Ours are told apart by the unit of the limit.
            _ if !self.metric.is_of_k6() => String::new(),
            Statistic::Count => "count ".to_owned(),
            Statistic::Share | Statistic::PerSecond => "rate ".to_owned(),
        };
        write!(f, "{statistic}{} ", self.comparison.as_str())?;
        match self.limit {
            Limit::Time(limit) if self.metric.is_of_k6() => write!(f, "{}", Milliseconds(limit))?,
            Limit::Time(limit) => f.write_str(&print_duration(limit))?,
            Limit::Share(share) => write!(f, "{share}%")?,
            Limit::Number(number) => write!(f, "{number}")?,
            Limit::PerSecond(number) => write!(f, "{number}/s")?,
        }
        if let Some(over) = self.over {
            write!(f, " over {}", print_duration(over))?;
        }
        let mut filters = self.filters.iter().filter(|filter| !in_braces(filter)).peekable();
        if filters.peek().is_some() {
            f.write_str(" where")?;
            filters.try_for_each(|filter| write!(f, " {filter}"))?;
        }
        self.min_samples.map_or(Ok(()), |least| write!(f, " min {least} samples"))
    }
}

impl Condition {
    /// Whether it compares shares of a whole.
    pub(crate) fn is_share(&self) -> bool {
        self.statistic == Statistic::Share
    }

    /// What answers must have been like: k6's `expected_response`; nothing: like anything.
    pub(super) fn expected(&self) -> Option<bool> {
        let filter = self.filters.iter().find(|filter| filter.key == Key::ExpectedResponse)?;
        Some(filter.values.iter().any(|value| value == "true") != filter.is_negated)
    }
}

/// As k6 writes durations: a number of milliseconds, exactly.
struct Milliseconds(Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.as_nanos() / 1_000_000, self.0.as_nanos() % 1_000_000);
        match rest {
            0 => write!(f, "{whole}"),
            _ => write!(f, "{whole}.{}", format!("{rest:06}").trim_end_matches('0')),
        }
    }
}

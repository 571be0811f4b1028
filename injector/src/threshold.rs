//! Conditions on what a run measures: `p(99) < 25ms over 5m where operation=web-ok`, and k6's `http_req_duration: p(95)<200`.
//!
//! Text goes to a [`Threshold`] (`parse`), which is held against a plan's operations once, before any traffic ([`Bound`]),
//! and then against accounts of a window or of a run (`measure`). A [`Watch`] does that while a run is under way, and at
//! its end.
//!
//! Invariants:
//! - No data never passes: what was not measured does not hold.
//! - `parse ∘ print` is the identity for every threshold.
//! - Pure, but for the metrics of [`Watch`].

mod bound;
mod condition;
mod filter;
mod measure;
mod metric;
mod metrics;
mod parse;
mod watch;
mod words;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use shared::units::print_duration;

pub use self::bound::{Bound, GATE_WINDOW};
pub use self::condition::{Comparison, Condition, Limit, Statistic};
pub use self::filter::{Filter, Key};
pub use self::measure::Compared;
pub(crate) use self::measure::{Judgement, Measured, Span, judge, measure};
pub use self::metric::{Kind, Metric};
pub use self::parse::Refused;
pub(crate) use self::watch::Standing;
pub use self::watch::{Outcome, Report, Watch};
pub(crate) use self::words::value_in_words;

/// Most thresholds of a run: each is a label value of four metrics.
pub const THRESHOLDS_MAX: usize = 64;

/// A condition that a run has to meet, and whether it ends when it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What has to hold.
    pub condition: Condition,
    /// End the run as soon as it does not hold, but not before so long after the first slot; nothing: go on.
    pub abort_after: Option<Duration>,
}

impl Threshold {
    /// Those of a text with `;` or line ends between; none if it is blank.
    ///
    /// # Errors
    /// Of the first that is none: the characters before it, its text, and what is wrong with it.
    pub fn several(text: &str) -> Result<Vec<Threshold>, (usize, &str, Refused)> {
        let read = |(before, one): (usize, &'_ str)| one.parse().map_err(|refused| (before, refused));
        parse::several(text)
            .into_iter()
            .map(|part| read(part).map_err(|(before, refused)| (before, part.1, refused)))
            .collect()
    }

    /// Of a metric of k6, which may have tags (`http_req_duration{operation:web}`), and an expression on it (`p(95)<200`).
    ///
    /// # Errors
    /// What is wrong with the expression; see [`Metric::tagged`] for the metric.
    pub fn of_metric(metric: (Metric, Vec<Filter>), expression: &str) -> Result<Threshold, Refused> {
        parse::expression(metric, expression)
    }
}

impl FromStr for Threshold {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Threshold, Refused> {
        parse::threshold(text)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)?;
        match self.abort_after {
            None => Ok(()),
            Some(Duration::ZERO) => f.write_str(" abort"),
            Some(after) => write!(f, " abort after {}", print_duration(after)),
        }
    }
}

#[cfg(test)]
mod tests;

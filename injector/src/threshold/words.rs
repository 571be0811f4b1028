//! Figures in words, in the unit of what they are compared with.

use std::time::Duration;

use shared::units::print_duration;

use super::{Condition, Kind, Limit, Statistic};
use crate::rounded::trimmed;

/// `31.2ms`, `99.12%`, `3`, `95.2/s`.
pub(crate) fn value_in_words(condition: &Condition, value: f64) -> String {
    match (condition.limit, condition.statistic) {
        (Limit::Time(_), _) => {
            // To a thousandth of a millisecond: beyond that it was not measured.
            let us = (value * 1e6).round().max(0.0);
            print_duration(Duration::from_micros(us as u64))
        }
        (Limit::Share(_), _) => format!("{}%", trimmed(value * 100.0, 4)),
        (_, Statistic::Share) if condition.metric.kind() == Kind::Rate => trimmed(value, 6),
        (Limit::PerSecond(_), _) | (_, Statistic::PerSecond) => format!("{}/s", trimmed(value, 2)),
        (Limit::Number(_), _) => trimmed(value, 2),
    }
}

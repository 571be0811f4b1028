//! Durations, sizes and percentages as people write them.
//!
//! Exact or refused: a number finer than the unit can hold (half a byte, a tenth of a nanosecond) is an error, never
//! rounded, so that parse and print are each other's inverse.

mod decimal;
mod duration;
mod percent;
mod size;

use std::fmt;

pub(crate) use decimal::Decimal;
pub use duration::{parse_duration, print_duration};
pub use percent::{Ppm, parse_percent};
pub use size::{parse_size, print_size};

/// Why a number was refused, without naming the parameter: the caller knows that and says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    /// A lowercase fragment naming the offending token.
    pub reason: String,
    /// What would have been accepted.
    pub expected: &'static str,
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; expected {}", self.reason, self.expected)
    }
}

impl std::error::Error for UnitError {}

/// `1 request`, `2 requests`: a noun that takes an s.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[test]
fn a_noun_follows_its_count() {
    assert_eq!([0, 1, 2].map(|count| counted(count, "request")), ["0 requests", "1 request", "2 requests"]);
}

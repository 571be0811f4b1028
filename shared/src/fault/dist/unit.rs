//! What an amount counts: how it is read, written and bounded. Raw values are `u64` in the smallest unit.

use std::time::Duration;

use crate::units::{UnitError, parse_duration, parse_size, print_duration, print_size};

/// The measure of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds.
    Duration,
    /// Nanoseconds of CPU time, which is dearer than waiting.
    CpuTime,
    /// Bytes of memory, of which there is more than of bandwidth.
    Memory,
    /// Whole seconds, where the wire has nothing finer.
    Seconds,
    /// Bytes.
    Bytes,
    /// At least one byte.
    SomeBytes,
    /// Bytes per second, at least one.
    Rate,
    /// Pieces.
    Count,
}

const SECOND_NS: u64 = 1_000_000_000;

impl Unit {
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Unit::Duration | Unit::CpuTime => "a duration such as 10ms, 1.5s, 20ms..80ms or lognormal(80ms,400ms)",
            Unit::Seconds => "whole seconds such as 1s, 2m or 1s..5s",
            Unit::Bytes | Unit::Memory => "a size such as 512, 64KiB, 1KiB..4KiB or lognormal(4KiB,1MiB)",
            Unit::SomeBytes => "a size of at least one byte such as 512 or 64KiB",
            Unit::Rate => "bytes per second such as 10kB, 64KiB/s or 10kB..50kB",
            Unit::Count => "a whole number such as 5 or 1..10",
        }
    }

    /// The smallest value that means anything.
    pub(crate) const fn min(self) -> u64 {
        match self {
            Unit::SomeBytes | Unit::Rate => 1,
            _ => 0,
        }
    }

    /// The bound of a distribution that names none. Part of the language, not a limit of one server: the injector can
    /// only foretell a truncated draw if both sides truncate at the same point.
    pub(crate) const fn max(self) -> u64 {
        match self {
            Unit::Duration => 60 * SECOND_NS,
            Unit::CpuTime => SECOND_NS,
            Unit::Memory => 64 << 20,
            Unit::Seconds => 3_600,
            Unit::Bytes => 16 << 20,
            Unit::SomeBytes => 1 << 20,
            Unit::Rate => 1 << 40,
            Unit::Count => 100_000,
        }
    }

    /// True if ranges include their upper end.
    pub(crate) const fn counts(self) -> bool {
        matches!(self, Unit::Count | Unit::Seconds)
    }

    pub(crate) fn parse(self, text: &str) -> Result<u64, UnitError> {
        let value = match self {
            Unit::Duration | Unit::CpuTime => nanoseconds(text)?,
            Unit::Seconds => match nanoseconds(text)? {
                ns if ns % SECOND_NS == 0 => ns / SECOND_NS,
                _ => return Err(self.refuse(format!("{text:?} is not whole seconds"))),
            },
            Unit::Bytes | Unit::SomeBytes | Unit::Memory => parse_size(text)?,
            Unit::Rate => parse_size(text.strip_suffix("/s").unwrap_or(text))?,
            Unit::Count => {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits);
                number.ok_or_else(|| self.refuse(format!("{text:?} is not a whole number")))?
            }
        };
        if value < self.min() { Err(self.refuse(format!("{text:?} is less than 1 byte"))) } else { Ok(value) }
    }

    pub(crate) fn print(self, value: u64) -> String {
        match self {
            Unit::Duration | Unit::CpuTime => print_duration(Duration::from_nanos(value)),
            Unit::Seconds => print_duration(Duration::from_secs(value)),
            Unit::Bytes | Unit::SomeBytes | Unit::Memory | Unit::Rate => print_size(value),
            Unit::Count => value.to_string(),
        }
    }

    fn refuse(self, reason: String) -> UnitError {
        UnitError { reason, expected: self.expected() }
    }
}

fn nanoseconds(text: &str) -> Result<u64, UnitError> {
    let duration = parse_duration(text)?;
    Ok(u64::try_from(duration.as_nanos()).expect("parse_duration counts in u64 nanoseconds"))
}

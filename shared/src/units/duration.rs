//! Durations in Go's spelling: `250ms`, `1.5s`, `1m30s`. Whole nanoseconds.

use std::time::Duration;

use super::{Decimal, UnitError};

const EXPECTED: &str = "a duration with a unit (ns us ms s m h) such as 10ms, 1.5s or 1m30s";

/// Longest first where one unit begins another; both code points that look like a micro sign, as in Go.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration. A bare number is an error unless it is `0`: seconds and milliseconds are too easy to mix up.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let refuse = |reason: String| UnitError { reason, expected: EXPECTED };
    let mut rest = text;
    let mut total_ns = 0_u64;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let Some(number) = Decimal::parse(number) else {
            return Err(refuse(format!("{text:?} is not a duration")));
        };
        if tail.is_empty() && number.is_zero() && rest.len() == text.len() {
            return Ok(Duration::ZERO);
        }
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let Some(&(_, unit_ns)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(refuse(match unit {
                "" => format!("{text:?} has no unit"),
                _ => format!("unknown unit {unit:?}"),
            }));
        };
        total_ns = number
            .times(unit_ns)
            .and_then(|ns| total_ns.checked_add(ns))
            .ok_or_else(|| refuse(format!("{text:?} is too long or finer than 1ns")))?;
        if tail.is_empty() {
            return Ok(Duration::from_nanos(total_ns));
        }
        rest = tail;
    }
}

/// Writes a duration so that [`parse_duration`] reads the same one back. Beyond `u64` nanoseconds (584 years), which
/// nothing here can parse, it saturates.
pub fn print_duration(duration: Duration) -> String {
    let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => decimal(ns, 1_000, "us"),
        1_000_000..1_000_000_000 => decimal(ns, 1_000_000, "ms"),
        _ => clock(ns),
    }
}

/// `1h2m3.5s`, leaving out what is zero.
fn clock(ns: u64) -> String {
    let (minutes, seconds_ns) = (ns / 60_000_000_000, ns % 60_000_000_000);
    let mut text = String::new();
    if minutes >= 60 {
        text += &format!("{}h", minutes / 60);
    }
    if minutes % 60 > 0 {
        text += &format!("{}m", minutes % 60);
    }
    if seconds_ns > 0 {
        text += &decimal(seconds_ns, 1_000_000_000, "s");
    }
    text
}

fn decimal(ns: u64, unit_ns: u64, unit: &str) -> String {
    let width = unit_ns.ilog10() as usize;
    let fraction = format!("{:0width$}", ns % unit_ns);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction}{unit}", ns / unit_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, ns) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("1m30s", 90_000_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            ("7us", 7_000),
            ("7\u{b5}s", 7_000),
            ("7\u{3bc}s", 7_000),
            ("3ns", 3),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, reason) in [
            ("5", "\"5\" has no unit"),
            ("1s5", "\"1s5\" has no unit"),
            ("10x", "unknown unit \"x\""),
            ("10 ms", "unknown unit \" ms\""),
            ("10MS", "unknown unit \"MS\""),
            ("-1s", "\"-1s\" is not a duration"),
            ("", "\"\" is not a duration"),
            (".5s", "\".5s\" is not a duration"),
            ("0.5ns", "\"0.5ns\" is too long or finer than 1ns"),
            ("9999999h", "\"9999999h\" is too long or finer than 1ns"),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().reason, reason, "{text}");
        }
    }

    #[test]
    fn prints_the_shortest_natural_form() {
        for (ns, text) in [
            (0, "0s"),
            (999, "999ns"),
            (1_500, "1.5us"),
            (203_114_000, "203.114ms"),
            (1_000_000_000, "1s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h"),
            (3_600_000_000_001, "1h0.000000001s"),
        ] {
            assert_eq!(print_duration(Duration::from_nanos(ns)), text);
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(ns: u64) {
            let duration = Duration::from_nanos(ns);
            prop_assert_eq!(parse_duration(&print_duration(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_a_value_or_an_error(text in ".{0,40}") {
            let _ = parse_duration(&text);
        }
    }
}

//! Figures in few characters. Pure.

use std::time::Duration;

use crate::table::ms;
use crate::ui::figures::{Counts, micros};

/// Five characters of milliseconds at most, and seconds where that is not enough.
pub(super) fn millis(duration: Option<Duration>) -> String {
    match duration {
        Some(long) if long >= Duration::from_secs(100) => format!("{}s", long.as_secs()),
        duration => ms(micros(duration)),
    }
}

/// Requests per second in five characters.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        0.0 => "0".to_owned(),
        ..10.0 => format!("{per_second:.2}"),
        ..1e3 => format!("{per_second:.1}"),
        ..1e5 => format!("{per_second:.0}"),
        _ => format!("{:.0}k", per_second / 1e3),
    }
}

/// A share in per cent that is 100 only if it is all: never more than there was.
pub(super) fn share(share: Option<f64>) -> String {
    match share {
        None => "-".to_owned(),
        Some(1.0) => "100%".to_owned(),
        Some(share) => format!("{:.2}%", (share * 1e4).floor() / 1e2),
    }
}

/// Bytes in the largest unit that leaves a digit before the point.
pub(super) fn bytes(count: u64) -> String {
    let (mut value, mut unit) = (count as f64, "B");
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1e3 {
            break;
        }
        (value, unit) = (value / 1e3, next);
    }
    if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") }
}

/// `reset 12, timeout 3`.
pub(super) fn troubles(counts: &Counts) -> String {
    let words: Vec<String> =
        counts.troubles().map(|(trouble, count)| format!("{} {count}", trouble.as_str())).collect();
    words.join(", ")
}

/// To exactly so many characters, from the left; what does not fit ends in a dot.
pub(super) fn fitted(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:width$}");
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_true() {
        for (value, text) in
            [(0.0, "0"), (0.5, "0.50"), (12.34, "12.3"), (999.9, "999.9"), (12_345.0, "12345"), (2e6, "2000k")]
        {
            assert_eq!(rate(value), text);
        }
        for (value, text) in [(None, "-"), (Some(1.0), "100%"), (Some(0.99999), "99.99%"), (Some(0.0), "0.00%")] {
            assert_eq!(share(value), text);
        }
        for (value, text) in [(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (5_000_000_000_000_000, "5000.0 TB")] {
            assert_eq!(bytes(value), text);
        }
        for (ms, text) in [(1, "1.000"), (99_999, "99999"), (123_456, "123s")] {
            assert_eq!(millis(Some(Duration::from_millis(ms))), text);
        }
        assert_eq!((fitted("abc", 5), fitted("abcdef", 5)), ("abc  ".to_owned(), "abcd.".to_owned()));
    }
}

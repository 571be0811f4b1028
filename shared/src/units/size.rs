//! Byte counts: bare, in powers of ten (`kB MB GB`) or of two (`KiB MiB GiB`).

use super::{Decimal, UnitError};

const EXPECTED: &str = "a size such as 512, 64KiB or 1.5MB";

const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// Reads a size in bytes; the unit's case does not matter. `64k` is an error: half the world means 64 000 by it.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let refuse = |reason: String| UnitError { reason, expected: EXPECTED };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = Decimal::parse(number).ok_or_else(|| refuse(format!("{text:?} is not a size")))?;
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name)) else {
        return Err(refuse(format!("unknown unit {unit:?}")));
    };
    number.times(*bytes).ok_or_else(|| refuse(format!("{text:?} is too large or not whole bytes")))
}

/// Writes a size in the largest unit that divides it, powers of two first; [`parse_size`] reads it back.
pub fn print_size(bytes: u64) -> String {
    const LARGEST_FIRST: [(&str, u64); 6] =
        [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let divides = |unit: u64| bytes > 0 && bytes.is_multiple_of(unit);
    match LARGEST_FIRST.iter().find(|(_, unit)| divides(*unit)) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_both_families_in_any_case() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("512B", 512),
            ("1kB", 1_000),
            ("1KB", 1_000),
            ("22KiB", 22_528),
            ("1.5kib", 1_536),
            ("16MiB", 16 << 20),
            ("1GiB", 1 << 30),
            ("2GB", 2_000_000_000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, reason) in [
            ("64k", "unknown unit \"k\""),
            ("1TiB", "unknown unit \"TiB\""),
            ("", "\"\" is not a size"),
            ("-1", "\"-1\" is not a size"),
            ("1.5", "\"1.5\" is too large or not whole bytes"),
            ("99999999999GiB", "\"99999999999GiB\" is too large or not whole bytes"),
        ] {
            assert_eq!(parse_size(text).unwrap_err().reason, reason, "{text}");
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(bytes: u64) {
            prop_assert_eq!(parse_size(&print_size(bytes)), Ok(bytes));
        }

        #[test]
        fn round_sizes_survive_too(n in 0_u64..5_000, shift in 0_u32..31) {
            prop_assert_eq!(parse_size(&print_size(n << shift)), Ok(n << shift));
        }
    }
}

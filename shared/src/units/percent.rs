//! Percentages to four decimals, which is one part per million.

use std::fmt;

use super::{Decimal, UnitError};

const EXPECTED: &str = "a percentage from 0 to 100 with at most 4 decimals";

/// A share of the whole in parts per million, 0 ..= 1 000 000. Integer, so that weights add up exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ppm(u32);

impl Ppm {
    /// Never.
    pub const ZERO: Ppm = Ppm(0);
    /// Always: 100 %.
    pub const ONE: Ppm = Ppm(1_000_000);

    /// `None` above 1 000 000.
    pub const fn new(ppm: u32) -> Option<Self> {
        if ppm <= Self::ONE.0 { Some(Self(ppm)) } else { None }
    }

    /// Parts per million.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// 0 ..= 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE.0)
    }
}

/// Percent without the sign: `0.5` for 5 000 ppm.
impl fmt::Display for Ppm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{rest:04}").trim_end_matches('0'))
    }
}

/// Reads a percentage; a `%` after it is allowed.
pub fn parse_percent(text: &str) -> Result<Ppm, UnitError> {
    let refuse = |reason: String| UnitError { reason, expected: EXPECTED };
    let number = text.strip_suffix('%').unwrap_or(text);
    let number = Decimal::parse(number).ok_or_else(|| refuse(format!("{text:?} is not a percentage")))?;
    let ppm = number.times(10_000).ok_or_else(|| refuse(format!("{text:?} has more than 4 decimals")))?;
    u32::try_from(ppm).ok().and_then(Ppm::new).ok_or_else(|| refuse(format!("{text:?} is over 100")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_to_one_part_per_million() {
        for (text, ppm) in [("0", 0), ("5", 50_000), ("0.0001", 1), ("12.5%", 125_000), ("100", 1_000_000)] {
            assert_eq!(parse_percent(text).map(Ppm::get), Ok(ppm), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, reason) in [
            ("0.00001", "\"0.00001\" has more than 4 decimals"),
            ("100.0001", "\"100.0001\" is over 100"),
            ("-1", "\"-1\" is not a percentage"),
            ("%", "\"%\" is not a percentage"),
            ("", "\"\" is not a percentage"),
        ] {
            assert_eq!(parse_percent(text).unwrap_err().reason, reason, "{text}");
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(ppm in 0_u32..=1_000_000) {
            let ppm = Ppm::new(ppm).unwrap();
            prop_assert_eq!(parse_percent(&ppm.to_string()), Ok(ppm));
        }
    }
}

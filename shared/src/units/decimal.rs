//! A decimal number kept as digits and scale, so that scaling it to a unit is exact or fails.

/// `digits / 10^scale`; at most 24 digits, so that multiplying by an hour of nanoseconds stays inside `u128`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: u128,
    scale: u32,
}

const DIGITS_MAX: usize = 24;

impl Decimal {
    /// Digits, optionally a point and more digits. No sign, no exponent, no bare point: each would be a second
    /// spelling of a number that already has one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() + fraction.len() > DIGITS_MAX {
            return None;
        }
        if !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digits = whole.bytes().chain(fraction.bytes());
        Some(Self {
            digits: digits.fold(0, |sum, byte| sum * 10 + u128::from(byte - b'0')),
            scale: u32::try_from(fraction.len()).expect("at most 24 digits"),
        })
    }

    /// This many `unit`s as a whole number: `None` if it does not come out even, or does not fit.
    pub(crate) fn times(self, unit: u64) -> Option<u64> {
        let product = self.digits.checked_mul(u128::from(unit))?;
        let scale = 10_u128.pow(self.scale);
        (product % scale == 0).then(|| u64::try_from(product / scale).ok())?
    }

    pub(crate) fn is_zero(self) -> bool {
        self.digits == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn scales_exactly_or_not_at_all() {
        for (text, unit, expected) in [
            ("1.5", 1000, Some(1500)),
            ("0.001", 1000, Some(1)),
            ("0.0001", 1000, None),
            ("1.50", 10, Some(15)),
            ("18446744073709551615", 1, Some(u64::MAX)),
            ("18446744073709551616", 1, None),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().times(unit), expected, "{text} x {unit}");
        }
    }

    #[test]
    fn has_one_spelling_per_number_shape() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1_000", "1.2.3", "0000000000000000000000001", "٣"] {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
    }
}

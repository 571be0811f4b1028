//! A rate of events, kept as an exact fraction.
//!
//! A rate is what the schedule divides by for months, so it is never a float: `10/s` shared 1 : 2 is `10/3s`, not
//! `3.333333/s`, and slot 10⁹ of it is due exactly where arithmetic says. [`Rate`] is always positive; "no traffic" is an
//! operation that is not in the plan.
//!
//! `parse ∘ print` is the identity for every rate, shared ones included.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// The fastest rate that can be written, in events per second.
///
/// Far beyond what one process can send. With three decimals and the bound on [`Weight`] it keeps both halves of every
/// share of a written rate inside 64 bits.
pub const MAX_PER_SECOND: u64 = 10_000_000;

/// Decimals a rate or a weight may be written with; more would be lost, so more is an error.
const DECIMALS: usize = 3;
const THOUSAND: u64 = 1_000;

/// Units of time a rate may be written in, and their seconds.
const UNITS: [(&str, u64); 3] = [("s", 1), ("m", 60), ("h", 3_600)];

/// Events per time, a positive fraction in lowest terms.
///
/// Written `10/s`, `600/m`, `1/h`, `2.5/s`, or with a count of units: `1/5s` is one event every five seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    events: NonZeroU64,
    seconds: NonZeroU64,
}

impl Rate {
    /// The fraction `events / seconds`; `None` when either is zero, or does not fit 64 bits in lowest terms.
    fn from_fraction(events: u128, seconds: u128) -> Option<Rate> {
        let divisor = gcd(events, seconds);
        let lowest = |term: u128| NonZeroU64::new(u64::try_from(term.checked_div(divisor)?).ok()?);
        Some(Rate { events: lowest(events)?, seconds: lowest(seconds)? })
    }

    /// Numerator: this many events happen in [`Rate::seconds`] seconds.
    pub fn events(self) -> NonZeroU64 {
        self.events
    }

    /// Denominator, in seconds.
    pub fn seconds(self) -> NonZeroU64 {
        self.seconds
    }

    /// Events per second, rounded to a float: for display and for sizing, never for the schedule.
    pub fn per_second(self) -> f64 {
        self.events.get() as f64 / self.seconds.get() as f64
    }

    /// So many events in such a time; `None` when either is zero, or it does not fit 64 bits in lowest terms.
    pub(crate) fn of(events: u64, length: Duration) -> Option<Rate> {
        Rate::from_fraction(u128::from(events) * 1_000_000_000, length.as_nanos())
    }

    /// Exactly `part / whole` of this rate.
    ///
    /// `None` when the fraction is zero, or does not fit 64 bits: impossible for a rate and weights as parsed here and at
    /// most 64 parts, possible for a share of a share.
    pub fn share(self, part: u64, whole: u64) -> Option<Rate> {
        Rate::from_fraction(
            u128::from(self.events.get()) * u128::from(part),
            u128::from(self.seconds.get()) * u128::from(whole),
        )
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Rate, RateError> {
        let wrong = |reason: &str| RateError { text: text.to_owned(), reason: reason.to_owned() };
        let Some((count, period)) = text.split_once('/') else {
            return Err(match thousandths(text) {
                Ok(_) => wrong(&format!("a rate needs a unit of time: write {text}/s")),
                Err(_) => wrong(EXPECTED_RATE),
            });
        };
        let events = thousandths(count).map_err(|reason| wrong(&format!("{count:?}: {reason}; {EXPECTED_RATE}")))?;
        if events == 0 {
            return Err(wrong("a rate must be above 0: leave the operation out to send nothing"));
        }
        let seconds = period_seconds(period).ok_or_else(|| {
            wrong(&format!(
                "{period:?} is not a period: s, m or h, with a whole number before it or none; {EXPECTED_RATE}"
            ))
        })?;
        let rate = Rate::from_fraction(events, seconds * u128::from(THOUSAND))
            .ok_or_else(|| wrong("more digits than 64 bits can keep exactly"))?;
        if u128::from(rate.events.get()) > u128::from(MAX_PER_SECOND) * u128::from(rate.seconds.get()) {
            return Err(wrong(&format!("over the limit of {MAX_PER_SECOND}/s")));
        }
        Ok(rate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, seconds) = (u128::from(self.events.get()), u128::from(self.seconds.get()));
        for (unit, unit_seconds) in UNITS {
            let scaled = events * u128::from(unit_seconds * THOUSAND);
            if scaled.is_multiple_of(seconds) {
                return write!(f, "{}/{unit}", Thousandths(scaled / seconds));
            }
        }
        write!(f, "{events}/{seconds}s")
    }
}

/// Why a text is not a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {reason}")]
pub struct RateError {
    text: String,
    reason: String,
}

const EXPECTED_RATE: &str = "expected a rate such as 10/s, 2.5/s, 600/m, 1/h or 1/5s";

/// The share of an operation among the weighted ones: positive, at most 10⁶, at most three decimals.
///
/// Only ratios count: 1 and 2 mean the same as 50 and 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    thousandths: NonZeroU64,
}

impl Weight {
    /// The largest weight that can be written.
    pub const MAX: u64 = 1_000_000;

    /// The weight in thousandths, 1 ..= 10⁹: what [`Rate::share`] takes as part and, summed, as whole.
    pub fn thousandths(self) -> u64 {
        self.thousandths.get()
    }
}

impl FromStr for Weight {
    type Err = WeightError;

    fn from_str(text: &str) -> Result<Weight, WeightError> {
        let wrong = |reason: &str| WeightError { text: text.to_owned(), reason: reason.to_owned() };
        let value =
            thousandths(text).map_err(|reason| wrong(&format!("{reason}; expected a number such as 60 or 2.5")))?;
        if value > u128::from(Weight::MAX * THOUSAND) {
            return Err(wrong(&format!("over the limit of {}; weights are relative", Weight::MAX)));
        }
        u64::try_from(value)
            .ok()
            .and_then(NonZeroU64::new)
            .map(|thousandths| Weight { thousandths })
            .ok_or_else(|| wrong("a weight must be above 0: leave the operation out to send nothing"))
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Thousandths(u128::from(self.thousandths.get())).fmt(f)
    }
}

/// Why a text is not a weight.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {reason}")]
pub struct WeightError {
    text: String,
    reason: String,
}

/// A decimal number as thousandths. Digits and one point only: no sign, exponent, `inf` or separators.
fn thousandths(text: &str) -> Result<u128, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if text.starts_with('-') {
        return Err("must not be negative".to_owned());
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err("not a decimal number".to_owned());
    }
    if fraction.len() > DECIMALS {
        return Err(format!("more than {DECIMALS} decimals"));
    }
    let too_large = || "too large".to_owned();
    // Padding to three digits makes "5" of "2.5" the 500 thousandths it stands for.
    let fraction: u128 = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| too_large())?;
    let whole: u128 = whole.parse().map_err(|_| too_large())?;
    whole.checked_mul(u128::from(THOUSAND)).and_then(|whole| whole.checked_add(fraction)).ok_or_else(too_large)
}

/// `s`, `5m`, `2h` in seconds.
fn period_seconds(text: &str) -> Option<u128> {
    let (unit, unit_seconds) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let count = match text.strip_suffix(unit)? {
        "" => 1,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<u64>().ok()?,
        _ => return None,
    };
    (count > 0).then_some(u128::from(count) * u128::from(unit_seconds))
}

/// Prints thousandths as the shortest decimal.
struct Thousandths(u128);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / u128::from(THOUSAND), self.0 % u128::from(THOUSAND));
        if rest == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{rest:0>DECIMALS$}").trim_end_matches('0'))
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests;

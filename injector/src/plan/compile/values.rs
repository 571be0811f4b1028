//! Single values: from text to a number within its bounds.

use std::num::NonZeroU32;
use std::time::Duration;

use shared::identity::Source;
use shared::units::{parse_duration, print_duration};

/// Longest timeout and lag: what the target may be asked to delay in all is a quarter of it.
const TIMEOUT_MAX: Duration = Duration::from_secs(3_600);
/// Most requests in flight that may be asked for.
const IN_FLIGHT_MAX: u32 = 1_000_000;

pub(in crate::plan) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string()).and_then(in_range)
}

pub(super) fn in_range(duration: Duration) -> Result<Duration, String> {
    if duration.is_zero() || duration > TIMEOUT_MAX {
        let (written, most) = (print_duration(duration), print_duration(TIMEOUT_MAX));
        return Err(format!("{written} is out of range; expected more than 0 and at most {most}"));
    }
    Ok(duration)
}

/// A switch. YAML's other words for it (`yes`, `on`) are texts here, and a slip.
pub(in crate::plan) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{text:?}; expected true or false")),
    }
}

/// A whole number in digits only: what `parse` lets in beyond that (a sign) is a slip here.
pub(in crate::plan) fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

pub(crate) fn in_flight(text: &str) -> Result<NonZeroU32, String> {
    digits(text)
        .and_then(|text| text.parse::<NonZeroU32>().ok())
        .filter(|n| n.get() <= IN_FLIGHT_MAX)
        .ok_or_else(|| format!("{text:?} is not a number of requests: 1 to {IN_FLIGHT_MAX}"))
}

pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let number = digits(text).and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("{text:?} is not a seed: a whole number from 0 to {}", u64::MAX))
}

pub(super) fn source(text: &str) -> Result<Source, String> {
    let expected = "expected <namespace>/<release>, such as local/injector";
    if text.matches('/').count() != 1 {
        return Err(format!("{text:?} is not a source; {expected}"));
    }
    text.parse::<Source>()
        .map_err(|_| format!("{text:?} is not a source: both names are 1 to 32 of a-z 0-9 _ -; {expected}"))
}

pub(super) fn default_source() -> Source {
    "local/injector".parse().expect("two valid names")
}

//! An absolute instant on the wall clock, as a coordinator says it to many injectors at once.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, de};

/// A start this much in the past is a start now: the message took its time, or two clocks differ. One further in the past is
/// a mistake, such as seconds for milliseconds.
const LATE_MAX: Duration = Duration::from_secs(10);
/// The furthest start: beyond a day somebody has mistaken something.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// RFC 3339 in UTC, or milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WallInstant(SystemTime);

impl WallInstant {
    /// Nothing behind the year 9999.
    fn of_ms(ms: u64) -> Option<WallInstant> {
        UNIX_EPOCH.checked_add(Duration::from_millis(ms)).filter(|_| ms < 253_402_300_800_000).map(WallInstant)
    }

    /// How long from now.
    ///
    /// # Errors
    /// In words, if nobody can mean that.
    pub(super) fn ahead(self, now: SystemTime) -> Result<Duration, String> {
        let shown = humantime::format_rfc3339_millis(self.0);
        match self.0.duration_since(now) {
            Ok(ahead) if ahead <= AHEAD_MAX => Ok(ahead),
            Ok(_) => Err(format!("{shown} is more than a day ahead")),
            Err(past) if past.duration() <= LATE_MAX => Ok(Duration::ZERO),
            Err(_) => Err(format!("{shown} is in the past")),
        }
    }
}

/// What would be accepted.
pub(super) const EXPECTED: &str =
    "an instant of the next 24 hours: RFC 3339 in UTC such as 2026-01-31T12:00:00Z, or milliseconds since 1970";

impl FromStr for WallInstant {
    type Err = String;

    fn from_str(text: &str) -> Result<WallInstant, String> {
        let ms = || text.parse().ok().and_then(WallInstant::of_ms);
        let at = humantime::parse_rfc3339(text).ok().map(WallInstant).or_else(ms);
        at.ok_or_else(|| format!("{text:?} is no instant; expected {EXPECTED}"))
    }
}

/// An instant as somebody wrote it on a command line, unchanged. Whether it is too far away is for the injector to say, whose
/// clock may be another.
///
/// # Errors
/// If it is none, and what would be one.
pub(crate) fn written(text: &str) -> Result<String, String> {
    text.parse::<WallInstant>().map(|_| text.to_owned())
}

impl<'de> Deserialize<'de> for WallInstant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WallInstant, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = WallInstant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_u64<E: de::Error>(self, ms: u64) -> Result<WallInstant, E> {
                WallInstant::of_ms(ms).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(ms), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WallInstant, E> {
                let at = humantime::parse_rfc3339(text);
                at.map(WallInstant).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_text_or_milliseconds_and_near() {
        let now = UNIX_EPOCH + Duration::from_secs(1_769_860_800);
        let ahead = |json: &str| {
            let read = serde_json::from_str::<WallInstant>(json).map_err(|error| error.to_string());
            read.and_then(|instant| instant.ahead(now))
        };
        assert_eq!(ahead("\"2026-01-31T12:00:05Z\""), Ok(Duration::from_secs(5)));
        assert_eq!(ahead("\"2026-01-31T12:00:00.250Z\""), Ok(Duration::from_millis(250)));
        assert_eq!(ahead("1769860801500"), Ok(Duration::from_millis(1_500)));
        assert_eq!(ahead("1769860795000"), Ok(Duration::ZERO), "a little late is now");
        for (json, words) in [
            ("1769860800", "1970-01-21T11:37:40.800Z is in the past"),
            ("\"2026-01-31T11:59:00Z\"", "is in the past"),
            ("\"2026-02-02T12:00:00Z\"", "more than a day ahead"),
            ("\"tomorrow\"", "RFC 3339"),
            ("\"2026-01-31 12:00\"", "RFC 3339"),
            ("-5", "RFC 3339"),
            ("1e3", "RFC 3339"),
            ("18446744073709551615", "RFC 3339"),
            ("null", "RFC 3339"),
        ] {
            let error = ahead(json).unwrap_err();
            assert!(error.contains(words), "{json}: {error}");
        }
        for (text, is_one) in [
            ("2026-01-31T12:00:00Z", true),
            ("1769860801500", true),
            ("2001-01-01T00:00:00Z", true),
            ("tomorrow", false),
            ("12:00", false),
            ("", false),
            ("-5", false),
            ("18446744073709551615", false),
        ] {
            assert_eq!(written(text).is_ok(), is_one, "{text}");
        }
    }
}

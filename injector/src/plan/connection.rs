//! Over which connections an operation sends.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use shared::units::{parse_duration, print_duration};

use super::compile::digits;
use crate::rate::Rate;

/// Most connections one operation may ask for. Above the descriptors of any ordinary process, so that the limit a user
/// meets is the machine's.
const CONNECTIONS_MAX: u32 = 100_000;

/// Connections of `pooled` and `rotating` without a number are at most this many.
const DEFAULT_CONNECTIONS_MAX: f64 = 64.0;

/// Most requests that a limit of `rotating` may allow: beyond, it is `pooled`.
const MAX_REQUESTS_MAX: u32 = 1_000_000_000;

/// Bounds of `max_age`: below, it is `fresh`; above, no run sees its end.
const MAX_AGE: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(30 * 24 * 3_600)];

/// A rotating connection's own limits are drawn from the last of so many parts of what is written.
pub(crate) const JITTER: u32 = 5;

/// How connections are made and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionPolicy {
    /// A new connection for each request: sees broken new flows, which keep-alive hides.
    Fresh,
    /// Kept connections, the least recently used first, so that each is exercised: sees dead old flows, which fresh
    /// connections hide.
    Pooled {
        /// How many, over all workers. A request that finds none free waits until `max_lag`, then is dropped.
        connections: NonZeroU32,
    },
    /// Kept likewise, and each retired after its own share, between two requests: sees both, and reaches servers that were
    /// added behind a name or a balancer.
    Rotating {
        /// As in [`ConnectionPolicy::Pooled`].
        connections: NonZeroU32,
        /// What none of them exceeds.
        limits: ConnectionLimits,
    },
}

/// What a rotating connection never exceeds; at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionLimits {
    max_requests: Option<NonZeroU32>,
    max_age: Option<Duration>,
}

impl ConnectionLimits {
    /// Nothing without either: that is `pooled`.
    pub(super) fn new(max_requests: Option<NonZeroU32>, max_age: Option<Duration>) -> Option<ConnectionLimits> {
        (max_requests.is_some() || max_age.is_some()).then_some(ConnectionLimits { max_requests, max_age })
    }

    /// Most requests that one connection carries.
    pub fn max_requests(self) -> Option<NonZeroU32> {
        self.max_requests
    }

    /// The longest that one connection is used.
    pub fn max_age(self) -> Option<Duration> {
        self.max_age
    }
}

impl ConnectionPolicy {
    /// Whether each request gets a connection of its own.
    pub fn is_fresh(self) -> bool {
        self == ConnectionPolicy::Fresh
    }

    /// Whether new connections are made all the time.
    pub(super) fn renews(self) -> bool {
        self.is_fresh() || self.limits().is_some()
    }

    /// How many connections are kept; nothing if none is.
    pub fn kept(self) -> Option<NonZeroU32> {
        match self {
            ConnectionPolicy::Fresh => None,
            ConnectionPolicy::Pooled { connections } | ConnectionPolicy::Rotating { connections, .. } => {
                Some(connections)
            }
        }
    }

    /// What kept connections are retired by; nothing if by nothing.
    pub fn limits(self) -> Option<ConnectionLimits> {
        match self {
            ConnectionPolicy::Fresh | ConnectionPolicy::Pooled { .. } => None,
            ConnectionPolicy::Rotating { limits, .. } => Some(limits),
        }
    }

    /// The same with so many kept connections: a worker's part of them.
    pub(crate) fn with_kept(self, connections: NonZeroU32) -> ConnectionPolicy {
        match self {
            ConnectionPolicy::Fresh => ConnectionPolicy::Fresh,
            ConnectionPolicy::Pooled { .. } => ConnectionPolicy::Pooled { connections },
            ConnectionPolicy::Rotating { limits, .. } => ConnectionPolicy::Rotating { connections, limits },
        }
    }
}

/// A policy as written: its number of connections may be left to the operation's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrittenPolicy {
    Fresh,
    Kept { connections: Option<NonZeroU32>, limits: Option<ConnectionLimits> },
}

impl WrittenPolicy {
    /// What holds without a word.
    pub(super) const DEFAULT: WrittenPolicy = WrittenPolicy::Kept { connections: None, limits: None };

    /// Reads `fresh`, `pooled`, `pooled(n)` or `rotating(max_requests=n, max_age=t, connections=n)`.
    pub(super) fn parse(text: &str) -> Result<WrittenPolicy, ConnectionError> {
        let wrong = |reason: String| ConnectionError { text: text.to_owned(), reason };
        let (word, argument) = match text.split_once('(') {
            None => (text, None),
            Some((word, rest)) => {
                let argument = rest.strip_suffix(')').ok_or_else(|| wrong("\"(\" without \")\"".to_owned()))?;
                (word, Some(argument))
            }
        };
        match (word, argument) {
            ("fresh", None) => Ok(WrittenPolicy::Fresh),
            ("pooled", None) => Ok(WrittenPolicy::DEFAULT),
            ("pooled", Some(number)) => {
                let connections = Some(connections(number).map_err(wrong)?);
                Ok(WrittenPolicy::Kept { connections, limits: None })
            }
            ("rotating", argument) => rotating(argument.unwrap_or_default()).map_err(wrong),
            ("hold", _) => Err(wrong(format!("hold is not supported by this version; {EXPECTED}"))),
            _ => Err(wrong(EXPECTED.to_owned())),
        }
    }

    /// As meant, where no number is written with as many kept connections as hold rate × timeout requests, at most 64.
    ///
    /// Against a target that hangs, requests then run into their timeout, as users' would, instead of waiting here for a
    /// connection.
    pub(super) fn sized_for(self, rate: Rate, timeout: Duration, streams: NonZeroU32) -> ConnectionPolicy {
        let WrittenPolicy::Kept { connections, limits } = self else { return ConnectionPolicy::Fresh };
        let connections = connections.unwrap_or_else(|| {
            let held = rate.per_second() * timeout.as_secs_f64() / f64::from(streams.get());
            let held = held.ceil().clamp(1.0, DEFAULT_CONNECTIONS_MAX);
            NonZeroU32::new(held as u32).expect("clamped to 1 and more")
        });
        match limits {
            None => ConnectionPolicy::Pooled { connections },
            Some(limits) => ConnectionPolicy::Rotating { connections, limits },
        }
    }
}

const EXPECTED: &str = "expected fresh, pooled, pooled(8) or rotating(max_requests=100, max_age=5m)";
const EXPECTED_ROTATING: &str = "rotating takes max_requests=100, max_age=5m (one of them or both) and connections=4";

/// What stands in the brackets of `rotating`.
fn rotating(argument: &str) -> Result<WrittenPolicy, String> {
    let (mut max_requests, mut max_age, mut kept) = (None, None, None);
    for part in argument.split(',').map(str::trim).filter(|_| !argument.trim().is_empty()) {
        let Some((key, value)) = part.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            return Err(format!("{part:?} is no limit; {EXPECTED_ROTATING}"));
        };
        let is_second = match key {
            "max_requests" => max_requests.replace(number(value, MAX_REQUESTS_MAX, "requests")?).is_some(),
            "max_age" => max_age.replace(age(value)?).is_some(),
            "connections" => kept.replace(connections(value)?).is_some(),
            _ => return Err(format!("{key:?} is not known; {EXPECTED_ROTATING}")),
        };
        if is_second {
            return Err(format!("{key:?} is written twice; {EXPECTED_ROTATING}"));
        }
    }
    let limits = ConnectionLimits::new(max_requests, max_age);
    let limits = limits.ok_or_else(|| format!("no limit; {EXPECTED_ROTATING}"))?;
    Ok(WrittenPolicy::Kept { connections: kept, limits: Some(limits) })
}

fn connections(text: &str) -> Result<NonZeroU32, String> {
    number(text, CONNECTIONS_MAX, "connections")
}

fn number(text: &str, most: u32, of: &str) -> Result<NonZeroU32, String> {
    let number = digits(text).and_then(|text| text.parse::<NonZeroU32>().ok()).filter(|n| n.get() <= most);
    number.ok_or_else(|| format!("{text:?} is not a number of {of}: 1 to {most}"))
}

fn age(text: &str) -> Result<Duration, String> {
    let age = parse_duration(text).map_err(|error| error.to_string())?;
    let [least, most] = MAX_AGE;
    if age < least || age > most {
        let (least, most) = (print_duration(least), print_duration(most));
        return Err(format!("max_age {text:?} is out of range; expected {least} to {most}"));
    }
    Ok(age)
}

impl fmt::Display for ConnectionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionPolicy::Fresh => f.write_str("fresh"),
            ConnectionPolicy::Pooled { connections } => write!(f, "pooled({connections})"),
            ConnectionPolicy::Rotating { connections, limits } => {
                f.write_str("rotating(")?;
                if let Some(most) = limits.max_requests {
                    write!(f, "max_requests={most}, ")?;
                }
                if let Some(most) = limits.max_age {
                    write!(f, "max_age={}, ", print_duration(most))?;
                }
                write!(f, "connections={connections})")
            }
        }
    }
}

/// Why a text is not a connection policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {reason}")]
pub struct ConnectionError {
    text: String,
    reason: String,
}

#[cfg(test)]
mod tests;

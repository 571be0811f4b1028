//! Over which connections an operation sends.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::rate::Rate;

/// Most connections one operation may ask for. Above the descriptors of any ordinary process, so that the limit a user
/// meets is the machine's.
const CONNECTIONS_MAX: u32 = 100_000;

/// Connections of `pooled` without a number are at most this many.
const DEFAULT_CONNECTIONS_MAX: f64 = 64.0;

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
}

impl ConnectionPolicy {
    /// Whether each request gets a connection of its own.
    pub fn is_fresh(self) -> bool {
        self == ConnectionPolicy::Fresh
    }

    /// Reads `fresh`, `pooled` or `pooled(n)`; `None` for `pooled` alone, whose size is [`ConnectionPolicy::pooled_for`]'s.
    pub(super) fn parse(text: &str) -> Result<Option<ConnectionPolicy>, ConnectionError> {
        let wrong = |reason: String| ConnectionError { text: text.to_owned(), reason };
        let (word, argument) = match text.split_once('(') {
            None => (text, None),
            Some((word, rest)) => {
                let argument = rest.strip_suffix(')').ok_or_else(|| wrong("\"(\" without \")\"".to_owned()))?;
                (word, Some(argument))
            }
        };
        match (word, argument) {
            ("fresh", None) => Ok(Some(ConnectionPolicy::Fresh)),
            ("pooled", None) => Ok(None),
            ("pooled", Some(digits)) => digits
                .parse::<NonZeroU32>()
                .ok()
                .filter(|n| n.get() <= CONNECTIONS_MAX && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .map(|connections| Some(ConnectionPolicy::Pooled { connections }))
                .ok_or_else(|| wrong(format!("{digits:?} is not a number of connections: 1 to {CONNECTIONS_MAX}"))),
            ("rotating" | "hold", _) => Err(wrong(format!("{word} is not supported by this version; {EXPECTED}"))),
            _ => Err(wrong(EXPECTED.to_owned())),
        }
    }

    /// The default: as many kept connections as hold rate × timeout requests, at most 64.
    ///
    /// Against a target that hangs, requests then run into their timeout, as users' would, instead of waiting here for a
    /// connection.
    pub(super) fn pooled_for(rate: Rate, timeout: Duration, streams: NonZeroU32) -> ConnectionPolicy {
        let held = (rate.per_second() * timeout.as_secs_f64() / f64::from(streams.get()))
            .ceil()
            .clamp(1.0, DEFAULT_CONNECTIONS_MAX);
        let connections = NonZeroU32::new(held as u32).expect("clamped to 1 and more");
        ConnectionPolicy::Pooled { connections }
    }
}

const EXPECTED: &str = "expected fresh, pooled or pooled(8)";

impl fmt::Display for ConnectionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionPolicy::Fresh => f.write_str("fresh"),
            ConnectionPolicy::Pooled { connections } => write!(f, "pooled({connections})"),
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

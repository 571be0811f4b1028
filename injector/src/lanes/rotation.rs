//! How much one connection of a rotating operation carries before it is retired.
//!
//! Connections that were opened together would otherwise be retired together, for ever: each time a gap, and a burst of
//! handshakes. So each draws limits of its own, evenly from the last fifth below what is written: of n connections one is
//! then renewed every n-th part of that fifth. A fifth is the width of gRPC's own jitter for its servers' maximum age (±10 %,
//! proposal A9); it lies below and not around, because a maximum that is exceeded is none. The draws are the operation's:
//! the same seed, worker and number of the connection always give the same limits.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::draw::Draw;
use shared::outcome::ConnectionEnd;
use tokio::time::Instant;

use crate::plan::{ConnectionLimits, JITTER};

/// The limits of all connections of one operation on one worker, drawn one after the other.
pub(crate) struct Shares {
    limits: ConnectionLimits,
    draw: Draw,
    /// How many were drawn.
    drawn: AtomicU64,
}

/// What one connection may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// At most so many requests.
    requests: u64,
    /// For at most so long.
    age: Option<Duration>,
}

/// A share in use: by one lane, or by all that are on the connection.
pub(crate) struct Spent {
    /// Requests that may still follow.
    left: Cell<u64>,
    /// When it is old enough.
    pub(crate) until: Option<Instant>,
}

impl Shares {
    /// For an operation with this seed on this worker: two workers do not draw alike.
    pub(crate) fn new(limits: ConnectionLimits, seed: u64, worker: u32) -> Shares {
        Shares { limits, draw: Draw::new(seed, &worker.to_string()), drawn: AtomicU64::new(0) }
    }

    /// The next connection's.
    pub(crate) fn next(&self) -> Share {
        let n = self.drawn.fetch_add(1, Ordering::Relaxed);
        let requests = self.limits.max_requests().map_or(u64::MAX, |most| {
            let most = u64::from(most.get());
            let choices = most / u64::from(JITTER) + 1;
            most - (self.draw.u("max_requests", n) * choices as f64) as u64
        });
        let age = self.limits.max_age().map(|most| most - (most / JITTER).mul_f64(self.draw.u("max_age", n)));
        Share { requests, age }
    }
}

#[cfg(test)]
impl Share {
    pub(super) fn requests(self) -> u64 {
        self.requests
    }
}

impl Spent {
    /// Of a connection that is now opened for its first request.
    pub(crate) fn first_of(share: Share, now: Instant) -> Spent {
        // Beyond what the clock can say is for ever.
        let until = share.age.and_then(|age| now.checked_add(age));
        Spent { left: Cell::new(share.requests.saturating_sub(1)), until }
    }

    /// Takes one request's place; the clock is only asked if there is an age.
    pub(crate) fn take(&self, now: impl FnOnce() -> Instant) -> Result<(), ConnectionEnd> {
        if let Some(end) = self.over(now) {
            return Err(end);
        }
        self.left.set(self.left.get() - 1);
        Ok(())
    }

    /// Why no request may follow.
    pub(crate) fn over(&self, now: impl FnOnce() -> Instant) -> Option<ConnectionEnd> {
        match self.until {
            _ if self.left.get() == 0 => Some(ConnectionEnd::MaxRequests),
            Some(until) if now() >= until => Some(ConnectionEnd::MaxAge),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

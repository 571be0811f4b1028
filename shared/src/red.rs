//! RED (rate, errors, duration), once for both sides: metric names, label keys, buckets, and the series that are counted
//! into.
//!
//! Invariants:
//! - A series is resolved once, by [`client::ClientRed`] or [`server::ServerRed`]; recording touches only atomics.
//! - Everything that can be known is exported at 0, so that `rate()` sees the first failure.
//! - `code` and `error` stand on counters only; histograms carry `result` and `injected` at most.
//! - No label value comes unchecked from the network: the types ([`Source`], [`Name`], [`crate::outcome::Code`]) are the check, and the
//!   number of series is bounded.
//! - Memory is O(operations), never O(requests).
//!
//! The `prometheus` crate does the exposition. Its own `CounterVec` and `HistogramVec` are not used: a look-up by labels
//! on every request hashes strings under a lock (several times the cost of the rest, worse with two threads), so our
//! [`prometheus::core::Collector`]s merge plain arrays when they are scraped.

pub mod client;
mod exposition;
mod histogram;
pub mod rules;
pub mod server;
mod tally;

use crate::identity::{Name, Source};
use crate::protocol::Protocol;

pub use exposition::BuildInfo;
pub use histogram::Histogram;
pub use tally::Tally;

/// Upper bounds of every duration histogram on both sides, in seconds. Service-level objectives are boundaries here.
pub const DURATION_BUCKETS_S: [f64; 21] = [
    0.0001, 0.00025, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25,
    0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Upper bounds of the phase histogram, in seconds. They isolate the kernel's signatures: one lost SYN is seen between
/// 0.95 and 1.25 s, two between 2.9 and 3.4 s, a lost DNS datagram behind conntrack at 5 s.
pub const PHASE_BUCKETS_S: [f64; 12] = [0.0005, 0.001, 0.005, 0.02, 0.05, 0.2, 0.95, 1.25, 2.9, 3.4, 5.2, 10.0];

/// Upper bounds of the duration histograms that podinfo and statsd_exporter have, and our copies of theirs, in seconds. All of
/// them are among [`DURATION_BUCKETS_S`].
pub const COMPATIBLE_BUCKETS_S: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Most sources that get series of their own; the rest is `other`.
pub const SOURCES_MAX: usize = 32;
/// Most operations of one source that get series of their own; the rest is `other`.
pub const OPERATIONS_MAX: usize = 64;

/// The labels that every series of an operation carries, alike on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels {
    /// Who injects.
    pub source: Source,
    /// The wire.
    pub protocol: Protocol,
    /// The mix entry.
    pub operation: Name,
    /// Whether the request asked for, or the answer declared, a fault.
    pub injected: bool,
}

/// A histogram per result.
#[derive(Debug)]
pub struct ByResult {
    success: Histogram,
    failure: Histogram,
}

impl Default for ByResult {
    fn default() -> ByResult {
        ByResult { success: Histogram::durations(), failure: Histogram::durations() }
    }
}

impl ByResult {
    /// The histogram of one result.
    pub fn of(&self, success: bool) -> &Histogram {
        if success { &self.success } else { &self.failure }
    }
}

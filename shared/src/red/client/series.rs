//! What one worker of the injector counts of one operation: atomics, and a branch where the label `injected` is not known
//! before the answer is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::NameSeries;
use crate::outcome::{Code, ConnectionEnd, DropReason, ErrorClass, Outcome, Phase};
use crate::red::tally::Tally;
use crate::red::{ByResult, Histogram};

/// What one worker counts of one operation.
#[derive(Debug)]
pub struct ClientSeries {
    /// By the label `injected`; made when somebody asks for such, or an answer declares it.
    results: [OnceLock<Box<Results>>; 2],
    pub(super) phases: [Histogram; Phase::ALL.len()],
    pub(super) schedule_delay: Histogram,
    pub(super) queue_delay: Histogram,
    pub(super) messages: Histogram,
    pub(super) scheduled: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) dropped: [AtomicU64; DropReason::ALL.len()],
    pub(super) interrupted: AtomicU64,
    pub(super) inflight: AtomicI64,
    pub(super) connections: Tally,
    pub(super) connections_open: AtomicI64,
    pub(super) retransmitted: AtomicU64,
    pub(super) connections_closed: [AtomicU64; ConnectionEnd::ALL.len()],
    pub(super) sent_bytes: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    /// What happens to the operation's name.
    pub names: NameSeries,
}

/// What the label `injected` tells apart.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) requests: Tally,
    pub(super) request_duration: ByResult,
    pub(super) response_duration: ByResult,
    pub(super) network_duration: ByResult,
}

impl Results {
    fn count(&self, outcome: Outcome<ErrorClass>, service: Duration, response: Duration, network: Option<Duration>) {
        let is_success = outcome.is_success();
        self.requests.count(outcome);
        self.request_duration.of(is_success).record(service);
        self.response_duration.of(is_success).record(response);
        if let Some(network) = network {
            self.network_duration.of(is_success).record(network);
        }
    }

    /// Whether there is nothing to show, not even a 0.
    pub(super) fn is_empty(&self) -> bool {
        let mut counts = Vec::new();
        self.requests.add_to(&mut counts);
        counts.is_empty()
    }
}

impl ClientSeries {
    /// Of an operation that expects these codes, and asks for a fault or not.
    pub(super) fn new(expected: &[Code], asks_for_fault: bool) -> ClientSeries {
        let connections = Tally::default();
        connections.expect::<ErrorClass>(Outcome::Success(Code::NONE));
        for error in ErrorClass::ALL.into_iter().filter(|error| error.is_before_sending()) {
            connections.expect(Outcome::Failure(Code::NONE, error));
        }
        let series = ClientSeries {
            results: Default::default(),
            phases: std::array::from_fn(|_| Histogram::phases()),
            schedule_delay: Histogram::durations(),
            queue_delay: Histogram::durations(),
            messages: Histogram::durations(),
            scheduled: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            dropped: Default::default(),
            interrupted: AtomicU64::new(0),
            inflight: AtomicI64::new(0),
            connections,
            connections_open: AtomicI64::new(0),
            retransmitted: AtomicU64::new(0),
            connections_closed: Default::default(),
            sent_bytes: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            names: NameSeries::default(),
        };
        series.expect(expected, asks_for_fault);
        series
    }

    /// From now on these codes are expected too, of requests that ask for a fault or not.
    pub(super) fn expect(&self, expected: &[Code], asks_for_fault: bool) {
        let requests = &self.results[usize::from(asks_for_fault)].get_or_init(Box::default).requests;
        for code in expected {
            requests.expect::<ErrorClass>(Outcome::Success(*code));
        }
        for error in ErrorClass::ALL {
            for code in failing_codes(error, expected) {
                requests.expect(Outcome::Failure(code, error));
            }
        }
    }

    /// A slot came due and was taken up; it is in flight until [`Self::finished`], [`Self::dropped`] or
    /// [`Self::interrupted`].
    pub fn scheduled(&self) {
        self.scheduled.fetch_add(1, Ordering::Relaxed);
        self.inflight.fetch_add(1, Ordering::Relaxed);
    }

    /// Its request begins: late by `lag` of our own, after waiting for a connection for `wait`.
    pub fn started(&self, lag: Duration, wait: Duration) {
        self.schedule_delay.record(lag);
        self.queue_delay.record(wait);
    }

    /// A slot that was taken up this late was given up before it was started.
    pub fn dropped(&self, reason: DropReason, lag: Duration) {
        self.schedule_delay.record(lag);
        self.dropped[reason.index()].fetch_add(1, Ordering::Relaxed);
        self.inflight.fetch_sub(1, Ordering::Relaxed);
    }

    /// A taken-up slot was cut off by the end of the run.
    pub fn interrupted(&self) {
        self.interrupted.fetch_add(1, Ordering::Relaxed);
        self.inflight.fetch_sub(1, Ordering::Relaxed);
    }

    /// The request reached an established connection.
    pub fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has its result; `is_injected` if it asked for a fault, or its answer declared one.
    pub fn finished(
        &self,
        outcome: Outcome<ErrorClass>,
        service: Duration,
        response: Duration,
        network: Option<Duration>,
        is_injected: bool,
    ) {
        let results = self.results[usize::from(is_injected)].get_or_init(Box::default);
        results.count(outcome, service, response, network);
        self.inflight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Of those under the label `injected` or of the others, if there may be any.
    pub(super) fn results(&self, is_injected: bool) -> Option<&Results> {
        self.results[usize::from(is_injected)].get().map(|results| &**results)
    }

    /// One part of a request's time.
    pub fn phase(&self, phase: Phase, duration: Duration) {
        self.phases[phase.index()].record(duration);
    }

    /// A connection was opened, or failed to open.
    pub fn connected(&self, result: Result<(), ErrorClass>) {
        match result {
            Ok(()) => {
                self.connections.count::<ErrorClass>(Outcome::Success(Code::NONE));
                self.connections_open.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.connections.count(Outcome::Failure(Code::NONE, error)),
        }
    }

    /// An open connection is gone.
    pub fn disconnected(&self, end: ConnectionEnd) {
        self.connections_closed[end.index()].fetch_add(1, Ordering::Relaxed);
        self.connections_open.fetch_sub(1, Ordering::Relaxed);
    }

    /// The kernel sent so many segments of a connection again.
    pub fn retransmitted(&self, segments: u64) {
        self.retransmitted.fetch_add(segments, Ordering::Relaxed);
    }

    /// A message of a stream came, this long after the one before it.
    pub fn message(&self, duration: Duration) {
        self.messages.record(duration);
    }

    /// Payload bytes of one request and its answer.
    pub fn bytes(&self, sent: u64, received: u64) {
        self.sent_bytes.fetch_add(sent, Ordering::Relaxed);
        self.received_bytes.fetch_add(received, Ordering::Relaxed);
    }
}

const HTTP_FAILURES: [u16; 4] = [500, 502, 503, 504];
/// DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE.
const GRPC_FAILURES: [u8; 4] = [4, 8, 13, 14];
/// SERVFAIL, NXDOMAIN, REFUSED.
const DNS_FAILURES: [u16; 3] = [2, 3, 5];

/// The codes with which an error is most likely to be seen first, so that its first time is visible to `rate()`: those of
/// overloaded and broken servers and proxies, and for an answer that is wrong in some other way the right codes.
pub(super) fn failing_codes(error: ErrorClass, expected: &[Code]) -> Vec<Code> {
    match error {
        ErrorClass::Status if expected.iter().any(|code| matches!(code, Code::Grpc(_))) => {
            GRPC_FAILURES.map(Code::Grpc).to_vec()
        }
        ErrorClass::Status if expected.iter().any(|code| matches!(code, Code::Rcode(_))) => {
            DNS_FAILURES.map(Code::Rcode).to_vec()
        }
        ErrorClass::Status => HTTP_FAILURES.map(Code::Http).to_vec(),
        ErrorClass::Validation => expected.iter().copied().filter(|code| *code != Code::NONE).collect(),
        _ => vec![Code::NONE],
    }
}

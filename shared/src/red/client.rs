//! What the injector exports: `continuous_load_client_*`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use super::exposition::{Described, counter, descs, gauge, histogram, label};
use super::histogram::Snapshot;
use super::tally::{self, Tally};
use super::{ByResult, Histogram, Labels};
use crate::outcome::{Code, DropReason, ErrorClass, FAILURE, Outcome, Phase, SUCCESS};
use crate::protocol::Protocol;

const REQUESTS: Described = Described::counter(
    "continuous_load_client_requests_total",
    "Finished requests, one per attempt; nothing is retried.",
);
const REQUEST_DURATION: Described = Described::histogram(
    "continuous_load_client_request_duration_seconds",
    "Service time: from the start of sending (or of the look-up, on a new connection) to the last byte or the failure.",
);
const RESPONSE_DURATION: Described = Described::histogram(
    "continuous_load_client_response_duration_seconds",
    "Response time: from the planned instant to the last byte or the failure; free of coordinated omission.",
);
const NETWORK_DURATION: Described = Described::histogram(
    "continuous_load_client_network_duration_seconds",
    "Latency of the path: first byte at the client minus the target's own time to it, asked delays included.",
);
const PHASE_DURATION: Described =
    Described::histogram("continuous_load_client_phase_duration_seconds", "Parts of the service time.");
const MESSAGE_DURATION: Described = Described::histogram(
    "continuous_load_client_message_duration_seconds",
    "Between the messages of a gRPC stream, the first after the request.",
);
const SCHEDULE_DELAY: Described = Described::histogram(
    "continuous_load_client_schedule_delay_seconds",
    "How late the injector itself was: from the planned instant to the release, and to its turn on the thread.",
);
const QUEUE_DELAY: Described = Described::histogram(
    "continuous_load_client_queue_delay_seconds",
    "From the release to a free connection: the target was slow, or a bound is too small.",
);
const SCHEDULED: Described =
    Described::counter("continuous_load_client_scheduled_total", "Requests that the schedule wanted so far.");
const SENT: Described =
    Described::counter("continuous_load_client_sent_total", "Requests handed to an established connection.");
const DROPPED: Described =
    Described::counter("continuous_load_client_dropped_total", "Planned requests that were never started.");
const INTERRUPTED: Described = Described::counter(
    "continuous_load_client_interrupted_total",
    "Requests still unfinished when the run was over, given up without a result.",
);
const INFLIGHT: Described = Described::gauge(
    "continuous_load_client_inflight_requests",
    "Planned requests without a result yet: waiting for a connection, or sent.",
);
const CONFIGURED_RATE: Described =
    Described::gauge("continuous_load_client_configured_rate", "Requests per second that the scenario asks for.");
const CONNECTIONS: Described =
    Described::counter("continuous_load_client_connections_total", "Attempts to open a connection.");
const CONNECTIONS_OPEN: Described =
    Described::gauge("continuous_load_client_connections_open", "Connections open now.");
const CONNECTIONS_LOST: Described = Described::counter(
    "continuous_load_client_connections_lost_total",
    "Pooled connections that the peer closed or reset while they were idle; no request was on them.",
);
const SENT_BYTES: Described =
    Described::counter("continuous_load_client_sent_bytes_total", "Payload bytes of requests handed to the kernel.");
const RECEIVED_BYTES: Described =
    Described::counter("continuous_load_client_received_bytes_total", "Payload bytes of answers received.");

/// What one worker counts of one operation.
#[derive(Debug)]
pub struct ClientSeries {
    requests: Tally,
    request_duration: ByResult,
    response_duration: ByResult,
    network_duration: ByResult,
    phases: [Histogram; Phase::ALL.len()],
    schedule_delay: Histogram,
    queue_delay: Histogram,
    messages: Histogram,
    scheduled: AtomicU64,
    sent: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
    interrupted: AtomicU64,
    inflight: AtomicI64,
    connections: Tally,
    connections_open: AtomicI64,
    connections_lost: AtomicU64,
    sent_bytes: AtomicU64,
    received_bytes: AtomicU64,
}

impl ClientSeries {
    fn new(expected: &[Code]) -> ClientSeries {
        let requests = Tally::default();
        for code in expected {
            requests.expect::<ErrorClass>(Outcome::Success(*code));
        }
        let connections = Tally::default();
        connections.expect::<ErrorClass>(Outcome::Success(Code::NONE));
        for error in ErrorClass::ALL {
            for code in failing_codes(error, expected) {
                requests.expect(Outcome::Failure(code, error));
            }
            if error.is_before_sending() {
                connections.expect(Outcome::Failure(Code::NONE, error));
            }
        }
        ClientSeries {
            requests,
            request_duration: ByResult::default(),
            response_duration: ByResult::default(),
            network_duration: ByResult::default(),
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
            connections_lost: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
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

    /// A request has its result.
    pub fn finished(&self, outcome: Outcome<ErrorClass>, service: Duration, response: Duration) {
        self.requests.count(outcome);
        self.request_duration.of(outcome.is_success()).record(service);
        self.response_duration.of(outcome.is_success()).record(response);
        self.inflight.fetch_sub(1, Ordering::Relaxed);
    }

    /// The path's share of an answered request.
    pub fn network(&self, success: bool, duration: Duration) {
        self.network_duration.of(success).record(duration);
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
    pub fn disconnected(&self) {
        self.connections_open.fetch_sub(1, Ordering::Relaxed);
    }

    /// The peer ended an idle connection.
    pub fn lost_while_idle(&self) {
        self.connections_lost.fetch_add(1, Ordering::Relaxed);
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
fn failing_codes(error: ErrorClass, expected: &[Code]) -> Vec<Code> {
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

/// One operation: its labels, its rate and one [`ClientSeries`] per worker.
#[derive(Debug)]
struct Operation {
    labels: Labels,
    rate_per_s: f64,
    shards: Vec<Arc<ClientSeries>>,
}

/// The injector's collector. Cloning shares the series.
#[derive(Clone, Debug)]
pub struct ClientRed {
    descs: Vec<Desc>,
    operations: Arc<Vec<Operation>>,
}

/// Which operation the injector will count, and what is known of it at start.
#[derive(Clone, Debug)]
pub struct ClientOperation {
    /// Its labels.
    pub labels: Labels,
    /// Its configured rate, per second.
    pub rate_per_s: f64,
    /// Codes it expects: exported at 0 from the start.
    pub expected: Vec<Code>,
}

impl ClientRed {
    /// Series for these operations, a shard of each for every worker.
    pub fn new(operations: &[ClientOperation], workers: usize) -> ClientRed {
        let operations = operations.iter().map(|operation| Operation {
            labels: operation.labels,
            rate_per_s: operation.rate_per_s,
            shards: (0..workers).map(|_| Arc::new(ClientSeries::new(&operation.expected))).collect(),
        });
        let mut red = ClientRed { descs: Vec::new(), operations: Arc::new(operations.collect()) };
        red.descs = descs(&red.collect());
        red
    }

    /// The series that one worker counts one operation into.
    pub fn series(&self, operation: usize, worker: usize) -> Arc<ClientSeries> {
        Arc::clone(&self.operations[operation].shards[worker])
    }
}

impl Operation {
    /// Only gRPC has streams; elsewhere the series would be noise.
    fn messages(&self) -> Vec<Metric> {
        let has_streams = self.labels.protocol == Protocol::Grpc;
        has_streams.then(|| histogram(self.labels.pairs([]), &self.merged(|s| &s.messages))).into_iter().collect()
    }

    fn sum(&self, pick: impl Fn(&ClientSeries) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| pick(shard).load(Ordering::Relaxed)).sum()
    }

    fn level(&self, pick: impl Fn(&ClientSeries) -> &AtomicI64) -> f64 {
        self.shards.iter().map(|shard| pick(shard).load(Ordering::Relaxed)).sum::<i64>() as f64
    }

    fn merged(&self, pick: impl Fn(&ClientSeries) -> &Histogram) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for shard in &self.shards {
            pick(shard).add_to(&mut snapshot);
        }
        snapshot
    }

    fn tallied(&self, pick: impl Fn(&ClientSeries) -> &Tally) -> Vec<(u32, u64)> {
        let mut counts = Vec::new();
        for shard in &self.shards {
            pick(shard).add_to(&mut counts);
        }
        counts
    }

    fn requests(&self) -> Vec<Metric> {
        let samples = self.tallied(|s| &s.requests).into_iter().map(|(key, count)| {
            let (code, result, error) = tally::words::<ErrorClass>(key);
            let more = [label("code", code), label("result", result), label("error", error), self.labels.injected()];
            counter(self.labels.pairs(more), count)
        });
        samples.collect()
    }

    fn connections(&self) -> Vec<Metric> {
        let samples = self.tallied(|s| &s.connections).into_iter().map(|(key, count)| {
            let (_, result, error) = tally::words::<ErrorClass>(key);
            counter(self.labels.pairs([label("result", result), label("error", error)]), count)
        });
        samples.collect()
    }

    fn by_result(&self, pick: impl Fn(&ClientSeries) -> &ByResult) -> Vec<Metric> {
        let sample = |success: bool, word| {
            let labels = self.labels.pairs([label("result", word), self.labels.injected()]);
            histogram(labels, &self.merged(|shard| pick(shard).of(success)))
        };
        vec![sample(true, SUCCESS), sample(false, FAILURE)]
    }

    fn phases(&self) -> Vec<Metric> {
        let sample = |phase: Phase| {
            let labels = self.labels.pairs([label("phase", phase.as_str())]);
            histogram(labels, &self.merged(|shard| &shard.phases[phase.index()]))
        };
        Phase::ALL.map(sample).into()
    }

    fn dropped(&self) -> Vec<Metric> {
        let sample = |reason: DropReason| {
            let labels = self.labels.pairs([label("reason", reason.as_str())]);
            counter(labels, self.sum(|shard| &shard.dropped[reason.index()]))
        };
        DropReason::ALL.map(sample).into()
    }
}

impl Collector for ClientRed {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let each =
            |samples: fn(&Operation) -> Vec<Metric>| self.operations.iter().flat_map(samples).collect::<Vec<_>>();
        let total = |pick: fn(&ClientSeries) -> &AtomicU64| {
            let sample = |operation: &Operation| counter(operation.labels.pairs([]), operation.sum(pick));
            self.operations.iter().map(sample).collect::<Vec<_>>()
        };
        let level = |pick: fn(&ClientSeries) -> &AtomicI64| {
            let sample = |operation: &Operation| gauge(operation.labels.pairs([]), operation.level(pick));
            self.operations.iter().map(sample).collect::<Vec<_>>()
        };
        vec![
            REQUESTS.family(each(Operation::requests)),
            REQUEST_DURATION.family(each(|o| o.by_result(|s| &s.request_duration))),
            RESPONSE_DURATION.family(each(|o| o.by_result(|s| &s.response_duration))),
            NETWORK_DURATION.family(each(|o| o.by_result(|s| &s.network_duration))),
            PHASE_DURATION.family(each(Operation::phases)),
            SCHEDULE_DELAY.family(each(|o| vec![histogram(o.labels.pairs([]), &o.merged(|s| &s.schedule_delay))])),
            QUEUE_DELAY.family(each(|o| vec![histogram(o.labels.pairs([]), &o.merged(|s| &s.queue_delay))])),
            MESSAGE_DURATION.family(each(Operation::messages)),
            SCHEDULED.family(total(|s| &s.scheduled)),
            SENT.family(total(|s| &s.sent)),
            DROPPED.family(each(Operation::dropped)),
            INTERRUPTED.family(total(|s| &s.interrupted)),
            INFLIGHT.family(level(|s| &s.inflight)),
            CONFIGURED_RATE.family(each(|o| vec![gauge(o.labels.pairs([]), o.rate_per_s)])),
            CONNECTIONS.family(each(Operation::connections)),
            CONNECTIONS_OPEN.family(level(|s| &s.connections_open)),
            CONNECTIONS_LOST.family(total(|s| &s.connections_lost)),
            SENT_BYTES.family(total(|s| &s.sent_bytes)),
            RECEIVED_BYTES.family(total(|s| &s.received_bytes)),
        ]
    }
}

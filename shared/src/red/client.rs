//! What the injector exports: `continuous_load_client_*`.

mod course;
pub mod k6;
mod names;
mod operations;
mod reload;
mod series;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use self::operations::Operations;
use self::series::Results;
use super::exposition::{Described, counter, descs, gauge, histogram, label};
use super::histogram::Snapshot;
use super::tally::{self, Tally};
use super::{ByResult, Histogram, Labels};
use crate::outcome::{Code, ConnectionEnd, DropReason, ErrorClass, FAILURE, Fate, Phase, SUCCESS};
use crate::protocol::Protocol;
use crate::receipt::Finding;

pub use self::course::CourseRed;
pub use self::names::NameSeries;
pub use self::reload::ReloadRed;
pub use self::series::ClientSeries;

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
    "Latency of the path: from sending to the first byte, minus the target's own time to it and minus asked delays.",
);
const PHASE_DURATION: Described = Described::histogram(
    "continuous_load_client_phase_duration_seconds",
    "Parts of the service time, which add up to it.",
);
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
const UNANSWERED: Described = Described::counter(
    "continuous_load_client_unanswered_total",
    "Sent requests without a complete answer, by what the target's receipts say of them, some seconds later.",
);
const UNEXPLAINED: Described = Described::gauge(
    "continuous_load_client_unexplained_difference",
    "Requests by which the target's account differs from this one for no known reason, when it was last asked.",
);
const FINDINGS: Described = Described::counter(
    "continuous_load_client_findings_total",
    "What the target's receipts showed beside the fates of unanswered requests.",
);
const BACKENDS_SEEN: Described = Described::gauge(
    "continuous_load_client_backends_seen",
    "Distinct servers that answered within the last five minutes, by the names they give themselves.",
);
const INFLIGHT: Described = Described::gauge(
    "continuous_load_client_inflight_requests",
    "Planned requests without a result yet: waiting for a connection, or sent.",
);
const CONFIGURED_RATE: Described = Described::gauge(
    "continuous_load_client_configured_rate",
    "Requests per second that are asked for now, by the scenario or by who changed it; 0 in a pause.",
);
const CONNECTIONS: Described =
    Described::counter("continuous_load_client_connections_total", "Attempts to open a connection.");
const CONNECTIONS_OPEN: Described =
    Described::gauge("continuous_load_client_connections_open", "Connections open now.");
const CONNECTIONS_CLOSED: Described = Described::counter(
    "continuous_load_client_connections_closed_total",
    "Connections that ended, each for one reason.",
);
const RETRANSMITTED: Described = Described::counter(
    "continuous_load_client_retransmitted_segments_total",
    "Segments that the kernel had to send again on connections over TCP, SYNs included.",
);
const SENT_BYTES: Described =
    Described::counter("continuous_load_client_sent_bytes_total", "Payload bytes of requests handed to the kernel.");
const RECEIVED_BYTES: Described =
    Described::counter("continuous_load_client_received_bytes_total", "Payload bytes of answers received.");

/// One operation: its labels, its rate and one [`ClientSeries`] per worker.
#[derive(Debug)]
struct Operation {
    labels: Labels,
    /// Bits of a float.
    configured_rate: AtomicU64,
    shards: Vec<Arc<ClientSeries>>,
    /// By [`Fate::index`]. Not a shard's: decided by the one that asks the target, long after the request.
    fates: [AtomicU64; Fate::ALL.len()],
    /// By [`Finding::index`]; likewise.
    findings: [AtomicU64; Finding::ALL.len()],
    unexplained: AtomicU64,
    backends_seen: AtomicU64,
    /// Not a shard's either.
    name: names::Name,
}

/// The injector's collector. Cloning shares the series.
#[derive(Clone, Debug)]
pub struct ClientRed {
    descs: Vec<Desc>,
    operations: Arc<Operations>,
    workers: usize,
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
        let mut red = ClientRed { descs: Vec::new(), operations: Arc::default(), workers };
        operations.iter().for_each(|operation| {
            red.admit(operation);
        });
        red.descs = descs(&red.collect());
        red
    }

    /// The series that one worker counts one operation into.
    pub fn series(&self, operation: usize, worker: usize) -> Arc<ClientSeries> {
        Arc::clone(&self.operations.of(operation).shards[worker])
    }

    /// This became of so many unanswered requests of an operation.
    pub fn fate(&self, operation: usize, fate: Fate, count: u64) {
        self.operations.of(operation).fates[fate.index()].fetch_add(count, Ordering::Relaxed);
    }

    /// How many requests of an operation were sent by now, and how many were answered, rightly or wrongly.
    pub fn progress(&self, operation: usize) -> (u64, u64) {
        let operation = self.operations.of(operation);
        let counts = |(_, results): (Labels, Vec<&Results>)| tallied(results.into_iter().map(|one| &one.requests));
        let answered = operation.results().into_iter().flat_map(counts).filter(|(key, _)| {
            let (code, ..) = tally::words::<ErrorClass>(*key);
            !code.is_empty()
        });
        (operation.sum(|shard| &shard.sent), answered.map(|(_, count)| count).sum())
    }

    /// The receipts showed this of so many requests of an operation.
    pub fn found(&self, operation: usize, finding: Finding, count: u64) {
        self.operations.of(operation).findings[finding.index()].fetch_add(count, Ordering::Relaxed);
    }

    /// So many servers answered an operation of late.
    pub fn backends_seen(&self, operation: usize, count: usize) {
        self.operations.of(operation).backends_seen.store(count as u64, Ordering::Relaxed);
    }

    /// So many requests per second of an operation are asked for from now on.
    pub fn configured_rate(&self, operation: usize, per_second: f64) {
        self.operations.of(operation).configured_rate.store(per_second.to_bits(), Ordering::Relaxed);
    }

    /// So many requests of an operation make a difference between the two sides that nothing explains.
    pub fn unexplained(&self, operation: usize, count: u64) {
        self.operations.of(operation).unexplained.store(count, Ordering::Relaxed);
    }
}

impl ClientRed {
    /// An operation goes to a name, and has its series from now on.
    pub fn has_name(&self, operation: usize) {
        self.operations.of(operation).name.exists();
    }

    /// The latest answer to an operation's name has so many addresses.
    pub fn name_addresses(&self, operation: usize, addresses: usize) {
        self.operations.of(operation).name.has(addresses);
    }
}

impl Operation {
    fn configured_rate(&self) -> f64 {
        f64::from_bits(self.configured_rate.load(Ordering::Relaxed))
    }

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
        merged(self.shards.iter().map(|shard| pick(shard)))
    }

    /// The results by the label `injected`, a part per worker: those of requests as they were asked for, and the others, whose
    /// answers declared a fault that nobody asked for, once there are any.
    fn results(&self) -> Vec<(Labels, Vec<&Results>)> {
        let of = |injected: bool| {
            let results = self.shards.iter().filter_map(move |shard| shard.results(injected));
            let results: Vec<&Results> = results.filter(|results| !results.is_empty()).collect();
            (!results.is_empty()).then_some((Labels { injected, ..self.labels }, results))
        };
        [false, true].into_iter().filter_map(of).collect()
    }

    fn requests(&self) -> Vec<Metric> {
        let samples = |(labels, results): (Labels, Vec<&Results>)| {
            let counts = tallied(results.into_iter().map(|results| &results.requests)).into_iter();
            counts.map(move |(key, count)| {
                let (code, result, error) = tally::words::<ErrorClass>(key);
                let more = [label("code", code), label("result", result), label("error", error), labels.injected()];
                counter(labels.pairs(more), count)
            })
        };
        self.results().into_iter().flat_map(samples).collect()
    }

    fn connections(&self) -> Vec<Metric> {
        let counts = tallied(self.shards.iter().map(|shard| &shard.connections)).into_iter();
        let samples = counts.map(|(key, count)| {
            let (_, result, error) = tally::words::<ErrorClass>(key);
            counter(self.labels.pairs([label("result", result), label("error", error)]), count)
        });
        samples.collect()
    }

    fn connections_closed(&self) -> Vec<Metric> {
        let sample = |end: ConnectionEnd| {
            let labels = self.labels.pairs([label("reason", end.as_str())]);
            counter(labels, self.sum(|shard| &shard.connections_closed[end.index()]))
        };
        ConnectionEnd::ALL.map(sample).into()
    }

    fn by_result(&self, pick: impl Fn(&Results) -> &ByResult) -> Vec<Metric> {
        let sample = |labels: &Labels, results: &[&Results], success: bool| {
            let word = if success { SUCCESS } else { FAILURE };
            let pairs = labels.pairs([label("result", word), labels.injected()]);
            histogram(pairs, &merged(results.iter().map(|results| pick(results).of(success))))
        };
        let both = |(labels, results): (Labels, Vec<&Results>)| [true, false].map(|is| sample(&labels, &results, is));
        self.results().into_iter().flat_map(both).collect()
    }

    /// Nothing where there is no TCP.
    fn retransmitted(&self) -> Vec<Metric> {
        // DNS over UDP may fall back to it.
        let has_tcp = self.labels.protocol != Protocol::Udp;
        has_tcp.then(|| counter(self.labels.pairs([]), self.sum(|s| &s.retransmitted))).into_iter().collect()
    }

    fn phases(&self) -> Vec<Metric> {
        let sample = |phase: Phase| {
            let labels = self.labels.pairs([label("phase", phase.as_str())]);
            histogram(labels, &self.merged(|shard| &shard.phases[phase.index()]))
        };
        Phase::ALL.into_iter().filter(|phase| phase.is_of(self.labels.protocol)).map(sample).collect()
    }

    fn dropped(&self) -> Vec<Metric> {
        let sample = |reason: DropReason| {
            let labels = self.labels.pairs([label("reason", reason.as_str())]);
            counter(labels, self.sum(|shard| &shard.dropped[reason.index()]))
        };
        DropReason::ALL.map(sample).into()
    }

    fn unanswered(&self) -> Vec<Metric> {
        let sample = |fate: Fate| {
            let count = self.fates[fate.index()].load(Ordering::Relaxed);
            counter(self.labels.pairs([label("fate", fate.as_str())]), count)
        };
        Fate::ALL.map(sample).into()
    }
}

fn findings(operation: &Operation) -> Vec<Metric> {
    let sample = |finding: Finding| {
        let count = operation.findings[finding.index()].load(Ordering::Relaxed);
        counter(operation.labels.pairs([label("finding", finding.as_str())]), count)
    };
    Finding::ALL.map(sample).into()
}

fn merged<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    histograms.for_each(|histogram| histogram.add_to(&mut snapshot));
    snapshot
}

fn tallied<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Vec<(u32, u64)> {
    let mut counts = Vec::new();
    tallies.for_each(|tally| tally.add_to(&mut counts));
    counts
}

impl Collector for ClientRed {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let operations = self.operations.all();
        let operations = || operations.iter().map(|operation| &**operation);
        let each = |samples: fn(&Operation) -> Vec<Metric>| operations().flat_map(samples).collect::<Vec<_>>();
        let total = |pick: fn(&ClientSeries) -> &AtomicU64| {
            let sample = |operation: &Operation| counter(operation.labels.pairs([]), operation.sum(pick));
            operations().map(sample).collect::<Vec<_>>()
        };
        let level = |pick: fn(&ClientSeries) -> &AtomicI64| {
            let sample = |operation: &Operation| gauge(operation.labels.pairs([]), operation.level(pick));
            operations().map(sample).collect::<Vec<_>>()
        };
        let mut families = vec![
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
            UNANSWERED.family(each(Operation::unanswered)),
            FINDINGS.family(each(findings)),
            UNEXPLAINED.family(each(|o| vec![gauge(o.labels.pairs([]), o.unexplained.load(Ordering::Relaxed) as f64)])),
            BACKENDS_SEEN
                .family(each(|o| vec![gauge(o.labels.pairs([]), o.backends_seen.load(Ordering::Relaxed) as f64)])),
            INFLIGHT.family(level(|s| &s.inflight)),
            CONFIGURED_RATE.family(each(|o| vec![gauge(o.labels.pairs([]), o.configured_rate())])),
            CONNECTIONS.family(each(Operation::connections)),
            CONNECTIONS_OPEN.family(level(|s| &s.connections_open)),
            RETRANSMITTED.family(each(Operation::retransmitted)),
            CONNECTIONS_CLOSED.family(each(Operation::connections_closed)),
            SENT_BYTES.family(total(|s| &s.sent_bytes)),
            RECEIVED_BYTES.family(total(|s| &s.received_bytes)),
        ];
        families.extend(names::families(&operations().collect::<Vec<_>>()));
        families
    }
}

#[cfg(test)]
mod tests;

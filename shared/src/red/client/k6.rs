//! What k6 exports by way of statsd_exporter, from what we observe: `k6_*`, for dashboards and alerts that were made for it.
//!
//! Invariants:
//! - Names, types, labels and buckets are those that k6 0.52 and statsd_exporter give, counters without `_total`.
//! - The same observations as `continuous_load_client_*`: the requests of both are the same requests. What those series
//!   hold already is read from them at a scrape; only what they do not tell apart is counted here: the parts of an HTTP
//!   request's time by outcome, and gRPC's by status.
//! - Opt-in, because the label `name` is a URL. It is one per operation, so the number of series is bounded all the same.
//! - Recording is atomics and a short scan, as in [`Tally`](super::Tally).

mod labels;
mod rows;

use std::array;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily};

use self::labels::{GROUP, error_code, error_word, grpc_status, http_status, scenario};
use self::rows::Rows;
use super::series::failing_codes;
use super::{ClientOperation, ClientRed, ClientSeries};
use crate::outcome::{Code, ErrorClass, Outcome};
use crate::red::exposition::{Described, counter, descs, gauge, label};
use crate::red::histogram::Snapshot;
use crate::red::tally::{self, Table};
use crate::red::{COMPATIBLE_BUCKETS_S, Histogram};

pub use self::labels::{Tag, TagError, TlsVersion};

const HTTP_REQS: Described = Described::counter("k6_http_reqs", "Finished HTTP requests.");
const HTTP_REQ_FAILED: Described =
    Described::counter("k6_http_req_failed", "HTTP requests that were not what the scenario expects.");
const ITERATIONS: Described = Described::counter("k6_iterations", "Finished requests of any protocol.");
const DROPPED_ITERATIONS: Described =
    Described::counter("k6_dropped_iterations", "Planned requests that were never started.");
const ITERATION_DURATION: Described =
    Described::histogram("k6_iteration_duration", "From the start of an attempt, connecting included, to its end.");
const GROUP_DURATION: Described =
    Described::histogram("k6_group_duration", "The same: an iteration is one group of one request.");
const DATA_SENT: Described = Described::counter("k6_data_sent", "Payload bytes of requests.");
const DATA_RECEIVED: Described = Described::counter("k6_data_received", "Payload bytes of answers.");
const VUS: Described = Described::gauge("k6_vus", "Planned requests without a result yet.");
const VUS_MAX: Described = Described::gauge("k6_vus_max", "Most requests in flight at once.");
const SCRIPT_ERRORS: Described =
    Described::counter("k6_script_errors", "Requests that failed by the injector's own fault.");
const GRPC_REQ_DURATION: Described =
    Described::histogram("k6_grpc_req_duration", "From the first byte of a gRPC call to its end.");

/// By the place in [`Trail::parts`].
const HTTP_PARTS: [Described; Trail::PARTS] = [
    Described::histogram("k6_http_req_duration", "Sending, waiting and receiving together."),
    Described::histogram(
        "k6_http_req_blocked",
        "From the release by the schedule to the first byte of the request: waiting for a connection, or making one.",
    ),
    Described::histogram("k6_http_req_connecting", "TCP handshake; 0 on a connection that stood."),
    Described::histogram("k6_http_req_tls_handshaking", "TLS handshake; 0 on a connection that stood."),
    Described::histogram("k6_http_req_sending", "First to last byte of the request."),
    Described::histogram("k6_http_req_waiting", "Last byte of the request to first byte of the answer."),
    Described::histogram("k6_http_req_receiving", "First to last byte of the answer."),
];

/// What an operation is in k6's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum K6Call {
    /// A request of `http.request()`.
    Http {
        /// Scheme, authority and path: the label `name`.
        url: String,
        /// As on the request line.
        method: &'static str,
        /// `HTTP/1.1` or `HTTP/2.0`.
        proto: &'static str,
        /// Whether it goes over TLS.
        is_secured: bool,
    },
    /// A call of `client.invoke()`.
    Grpc {
        /// Authority and full method: the label `name`.
        name: String,
        /// `package.Service`.
        service: String,
        /// The method's own name.
        method: String,
    },
    /// Nothing that k6 has metrics for: it counts as an iteration only.
    Other,
}

/// The parts of one request's time, each zero if the request did not have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// From the release to the first byte sent, or to the end if none was.
    pub blocked: Duration,
    /// TCP handshake.
    pub connecting: Duration,
    /// TLS handshake.
    pub tls_handshaking: Duration,
    /// First to last byte of the request.
    pub sending: Duration,
    /// To the first byte of the answer.
    pub waiting: Duration,
    /// To the last byte of the answer.
    pub receiving: Duration,
}

impl Trail {
    /// How many there are, their sum included.
    pub const PARTS: usize = 7;
    /// Those that a request has that was never sent, by the place in [`Trail::parts`].
    pub const BEFORE_SENDING: std::ops::Range<usize> = 1..4;

    /// Duration (sending, waiting and receiving together), blocked, connecting, TLS handshaking, sending, waiting, receiving.
    pub fn parts(&self) -> [Duration; Trail::PARTS] {
        let &Trail { blocked, connecting, tls_handshaking, sending, waiting, receiving } = self;
        [sending + waiting + receiving, blocked, connecting, tls_handshaking, sending, waiting, receiving]
    }
}

/// A histogram per part; made when an outcome occurs.
type Times = OnceLock<Box<[Histogram]>>;

/// What one worker counts of one operation, beyond its [`ClientSeries`].
#[derive(Debug)]
pub struct K6Series {
    /// How many of a [`Trail::parts`] are kept: all of HTTP, the first of gRPC, none else.
    parts: usize,
    /// By [`TlsVersion::index`]: of the last handshake. An operation goes to one server, whose answer to one client is the
    /// same every time, so this is the version of the others as well.
    tls: AtomicUsize,
    times: [Table<Times>; TlsVersion::ALL.len()],
}

impl K6Series {
    fn new(call: &K6Call, expected: &[Code]) -> K6Series {
        let (parts, tls) = match call {
            K6Call::Http { is_secured: true, .. } => (Trail::PARTS, TlsVersion::Tls13),
            K6Call::Http { is_secured: false, .. } => (Trail::PARTS, TlsVersion::None),
            K6Call::Grpc { .. } => (1, TlsVersion::None),
            K6Call::Other => (0, TlsVersion::None),
        };
        let times: [Table<Times>; _] = array::from_fn(|_| Table::default());
        if parts == Trail::PARTS {
            // As with our own series: `rate()` has to see the first failure.
            for code in expected.iter().filter(|code| **code != Code::NONE) {
                times[tls.index()].of::<ErrorClass>(Outcome::Success(*code));
            }
            for error in ErrorClass::ALL {
                for code in failing_codes(error, expected) {
                    times[tls.index()].of(Outcome::Failure(code, error));
                }
            }
        }
        K6Series { parts, tls: AtomicUsize::new(tls.index()), times }
    }

    /// A TLS handshake ended with this version.
    pub fn secured(&self, version: TlsVersion) {
        self.tls.store(version.index(), Ordering::Relaxed);
    }

    /// A request has its result.
    pub fn finished(&self, outcome: Outcome<ErrorClass>, trail: &Trail) {
        if self.parts == 0 {
            return;
        }
        let times = self.times[self.tls.load(Ordering::Relaxed)].of(outcome);
        let times = times.get_or_init(|| (0..self.parts).map(|_| Histogram::durations()).collect());
        for (histogram, duration) in times.iter().zip(trail.parts()) {
            histogram.record(duration);
        }
    }
}

/// The collector of `k6_*`. Cloning shares the series.
#[derive(Clone, Debug)]
pub struct K6Red {
    descs: Vec<Desc>,
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    red: ClientRed,
    rows: Rows,
    vus_max: u32,
    tags: Vec<Tag>,
}

impl K6Red {
    /// Beside `red`, which counts the same operations: what each is to k6, the bound on requests in flight, and what every
    /// series carries on top.
    pub fn new(red: ClientRed, operations: Vec<(K6Call, ClientOperation)>, vus_max: u32, tags: Vec<Tag>) -> K6Red {
        let held = Held { red, rows: Rows::default(), vus_max, tags };
        let mut k6 = K6Red { descs: Vec::new(), held: Arc::new(held) };
        for (number, (call, operation)) in operations.iter().enumerate() {
            k6.asks(number, call, &operation.expected);
        }
        k6.descs = descs(&k6.collect());
        k6
    }
}

/// The merged histograms of one outcome; none before it occurred.
type Merged = Vec<Snapshot>;

/// What all workers have of an operation, by TLS version and [`tally`]'s key.
fn merged(shards: &[Arc<K6Series>]) -> BTreeMap<(usize, u32), Merged> {
    let mut all: BTreeMap<(usize, u32), Merged> = BTreeMap::new();
    for shard in shards {
        for (version, table) in shard.times.iter().enumerate() {
            for (key, times) in table.each() {
                let times = times.get();
                if times.is_none() && tally::is_other(key) {
                    continue;
                }
                let sum = all.entry((version, key)).or_default();
                add(sum, times.into_iter().flatten());
            }
        }
    }
    all
}

fn add<'a>(sum: &mut Merged, times: impl Iterator<Item = &'a Histogram>) {
    for (n, histogram) in times.enumerate() {
        if sum.len() <= n {
            sum.push(Snapshot::default());
        }
        histogram.add_to(&mut sum[n]);
    }
}

fn histogram(labels: Vec<LabelPair>, snapshot: &Snapshot) -> Metric {
    let mut metric = Metric::from_label(labels);
    metric.set_histogram(snapshot.to_proto_at(&COMPATIBLE_BUCKETS_S));
    metric
}

/// The samples of the HTTP metrics.
#[derive(Default)]
struct HttpSamples {
    requests: Vec<Metric>,
    failed: Vec<Metric>,
    parts: [Vec<Metric>; Trail::PARTS],
}

impl Held {
    /// These labels and the tags.
    fn tagged(&self, labels: impl IntoIterator<Item = LabelPair>) -> Vec<LabelPair> {
        labels.into_iter().chain(self.tags.iter().map(|tag| label(tag.name(), tag.value()))).collect()
    }

    fn http(&self) -> HttpSamples {
        let mut samples = HttpSamples::default();
        for row in self.rows.all() {
            let K6Call::Http { url, method, proto, .. } = &row.call else { continue };
            let operation = self.red.operations.of(row.operation).labels.operation;
            for ((version, key), times) in merged(&row.shards) {
                let is_success = tally::is_success(key);
                let (code, error) = match tally::outcome(key) {
                    Some((code, error)) => (Some(code), error.map(|index| ErrorClass::ALL[index])),
                    None => (None, None),
                };
                let labels = self.tagged([
                    label("name", url),
                    label("method", *method),
                    label("status", http_status(code)),
                    label("proto", *proto),
                    label("group", GROUP),
                    scenario(operation),
                    label("expected_response", if is_success { "true" } else { "false" }),
                    label("error", error_word(error)),
                    label("error_code", error_code(code, error)),
                    label("tls_version", TlsVersion::ALL[version].as_str()),
                    label("type", operation.as_str()),
                ]);
                let count = times.first().map_or(0, Snapshot::count);
                samples.failed.push(counter(labels.clone(), if is_success { 0 } else { count }));
                for (part, times) in samples.parts.iter_mut().zip(&times) {
                    part.push(histogram(labels.clone(), times));
                }
                samples.requests.push(counter(labels, count));
            }
        }
        samples
    }

    fn grpc(&self) -> Vec<Metric> {
        let mut samples = Vec::new();
        for row in self.rows.all() {
            let K6Call::Grpc { name, service, method } = &row.call else { continue };
            let mut by_status: BTreeMap<String, Snapshot> = BTreeMap::new();
            for shard in &row.shards {
                for (key, times) in shard.times.iter().flat_map(Table::each) {
                    let Some(histogram) = times.get().and_then(|times| times.first()) else { continue };
                    histogram.add_to(by_status.entry(grpc_status(tally::outcome(key))).or_default());
                }
            }
            for (status, times) in by_status {
                let labels = self.tagged([
                    label("name", name),
                    label("method", method),
                    label("service", service),
                    label("status", status),
                    label("group", GROUP),
                    scenario(self.red.operations.of(row.operation).labels.operation),
                ]);
                samples.push(histogram(labels, &times));
            }
        }
        samples
    }

    /// A sample per operation, with the label `scenario` alone or the group as well.
    fn each(&self, has_group: bool, sample: impl Fn(&super::Operation, Vec<LabelPair>) -> Metric) -> Vec<Metric> {
        let one = |operation: &super::Operation| {
            let group = has_group.then(|| label("group", GROUP));
            sample(operation, self.tagged([scenario(operation.labels.operation)].into_iter().chain(group)))
        };
        self.red.operations.all().iter().map(|operation| one(operation)).collect()
    }

    fn durations(&self, has_group: bool) -> Vec<Metric> {
        self.each(has_group, |operation, labels| histogram(labels, &service_times(operation)))
    }

    fn vus(&self) -> f64 {
        self.red.operations.all().iter().map(|operation| operation.level(|s| &s.inflight)).sum()
    }
}

/// Of all results together.
fn service_times(operation: &super::Operation) -> Snapshot {
    let results = operation.shards.iter().flat_map(|shard| [true, false].map(|injected| shard.results(injected)));
    let histograms = results.flatten().flat_map(|results| [true, false].map(|is| results.request_duration.of(is)));
    super::merged(histograms)
}

/// Requests that failed for this reason.
fn failed(operation: &super::Operation, class: ErrorClass) -> u64 {
    let of_class = |key: u32| matches!(tally::outcome(key), Some((_, Some(index))) if index == class.index());
    let tallies = operation.results().into_iter().flat_map(|(_, results)| results).map(|results| &results.requests);
    super::tallied(tallies).into_iter().filter(|(key, _)| of_class(*key)).map(|(_, count)| count).sum()
}

impl Collector for K6Red {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let held = &*self.held;
        let HttpSamples { requests, failed: http_failed, parts } = held.http();
        let bytes = |pick: fn(&ClientSeries) -> &std::sync::atomic::AtomicU64| {
            held.each(true, |operation, labels| counter(labels, operation.sum(pick)))
        };
        let dropped = |operation: &super::Operation| -> u64 {
            (0..crate::outcome::DropReason::ALL.len()).map(|n| operation.sum(|shard| &shard.dropped[n])).sum()
        };
        let mut families = vec![HTTP_REQS.family(requests), HTTP_REQ_FAILED.family(http_failed)];
        families.extend(HTTP_PARTS.iter().zip(parts).map(|(described, samples)| described.family(samples)));
        families.extend([
            ITERATIONS.family(held.each(false, |o, labels| counter(labels, service_times(o).count()))),
            DROPPED_ITERATIONS.family(held.each(false, |o, labels| counter(labels, dropped(o)))),
            ITERATION_DURATION.family(held.durations(false)),
            GROUP_DURATION.family(held.durations(true)),
            DATA_SENT.family(bytes(|s| &s.sent_bytes)),
            DATA_RECEIVED.family(bytes(|s| &s.received_bytes)),
            VUS.family(vec![gauge(held.tagged([]), held.vus())]),
            VUS_MAX.family(vec![gauge(held.tagged([]), f64::from(held.vus_max))]),
            SCRIPT_ERRORS.family(held.each(false, |o, labels| counter(labels, failed(o, ErrorClass::Internal)))),
            GRPC_REQ_DURATION.family(held.grpc()),
        ]);
        families
    }
}

#[cfg(test)]
mod tests;

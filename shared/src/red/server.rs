//! What the target exports: `continuous_load_server_*`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use super::exposition::{Described, counter, descs, gauge, histogram, label};
use super::histogram::Snapshot;
use super::tally::{self, Tally};
use super::{ByResult, Labels, OPERATIONS_MAX, SOURCES_MAX};
use crate::identity::{Name, Source};
use crate::outcome::{Code, FAILURE, Outcome, SUCCESS, ServerError};
use crate::protocol::Protocol;
use crate::receipt::Event;

const REQUESTS: Described =
    Described::counter("continuous_load_server_requests_total", "Requests received, each counted once, when it ended.");
const REQUEST_DURATION: Described = Described::histogram(
    "continuous_load_server_request_duration_seconds",
    "From the request's head to the last byte of the answer handed to the kernel, asked delays included.",
);
const PROCESSING_DURATION: Described = Described::histogram(
    "continuous_load_server_processing_duration_seconds",
    "The same without asked delays: the target's own time.",
);
const RECEIVED: Described = Described::counter(
    "continuous_load_server_received_total",
    "Requests with a number whose receipt is kept, each counted once, when it arrived, by whether its number was new.",
);
const INFLIGHT: Described = Described::gauge("continuous_load_server_inflight_requests", "Requests being worked on.");
const CONNECTIONS_OPEN: Described =
    Described::gauge("continuous_load_server_connections_open", "Connections open now.");
const CONNECTIONS: Described = Described::counter("continuous_load_server_connections_total", "Connections accepted.");
const SENT_BYTES: Described =
    Described::counter("continuous_load_server_sent_bytes_total", "Bytes of answer bodies handed to the kernel.");
const RECEIVED_BYTES: Described =
    Described::counter("continuous_load_server_received_bytes_total", "Bytes of request bodies read.");
const FAULTS: Described =
    Described::counter("continuous_load_server_faults_total", "Injected effects by kind and by who asked for them.");
const FAULT_OVERFLOW: Described = Described::counter(
    "continuous_load_server_fault_overflow_total",
    "Faults that were asked for but not injected, because too many were active.",
);
const SPEC_ERRORS: Described =
    Described::counter("continuous_load_server_spec_errors_total", "Fault specs refused, by the parameter at fault.");

/// Who can ask for a fault: the request itself, a rule on the admin listener, a flag of the command line.
pub const FAULT_SOURCES: [&str; 3] = ["request", "rule", "flag"];

/// What is counted of one operation.
#[derive(Debug, Default)]
pub struct ServerSeries {
    requests: Tally,
    request_duration: ByResult,
    processing_duration: ByResult,
    received: [AtomicU64; Event::ALL.len()],
    inflight: AtomicI64,
    sent_bytes: AtomicU64,
    received_bytes: AtomicU64,
}

impl ServerSeries {
    fn new(protocol: Protocol) -> ServerSeries {
        let series = ServerSeries::default();
        series.requests.expect::<ServerError>(Outcome::Success(protocol.plain_code()));
        for error in ServerError::ALL {
            series.requests.expect(Outcome::Failure(Code::NONE, error));
        }
        series
    }

    /// A request's head arrived.
    pub fn started(&self) {
        self.inflight.fetch_add(1, Ordering::Relaxed);
    }

    /// Its number was noted.
    pub fn received(&self, event: Event) {
        self.received[event.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// It ended, after `duration`, of which `asked` was asked for.
    pub fn finished(&self, outcome: Outcome<ServerError>, duration: Duration, asked: Duration) {
        self.requests.count(outcome);
        self.request_duration.of(outcome.is_success()).record(duration);
        self.processing_duration.of(outcome.is_success()).record(duration.saturating_sub(asked));
        self.inflight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Body bytes that went through.
    pub fn bytes(&self, sent: u64, received: u64) {
        self.sent_bytes.fetch_add(sent, Ordering::Relaxed);
        self.received_bytes.fetch_add(received, Ordering::Relaxed);
    }
}

/// The target's collector, and the one place where labels become a series. Cloning shares the series.
#[derive(Clone, Debug)]
pub struct ServerRed {
    descs: Vec<Desc>,
    state: Arc<State>,
}

/// The operations of each source that have series of their own.
#[derive(Debug, Default)]
struct Names(BTreeMap<Source, BTreeSet<Name>>);

impl Names {
    /// The labels under which these are counted, and whether that needs room that was not taken before.
    fn fold(&self, mut labels: Labels) -> (Labels, bool) {
        if !self.0.contains_key(&labels.source) && self.0.len() >= SOURCES_MAX {
            labels.source = Source::other();
        }
        let Some(operations) = self.0.get(&labels.source) else { return (labels, true) };
        if !operations.contains(&labels.operation) && operations.len() >= OPERATIONS_MAX {
            labels.operation = Name::other();
        }
        (labels, !operations.contains(&labels.operation))
    }

    fn admit(&mut self, labels: Labels) -> Labels {
        let (labels, is_new) = self.fold(labels);
        if is_new {
            self.0.entry(labels.source).or_default().insert(labels.operation);
        }
        labels
    }
}

#[derive(Debug, Default)]
struct State {
    names: RwLock<Names>,
    series: RwLock<HashMap<Labels, Arc<ServerSeries>>>,
    /// By (effect, who asked). Both are closed lists of the program text.
    faults: RwLock<HashMap<(&'static str, &'static str), Arc<AtomicU64>>>,
    /// By parameter name; unknown parameters are `other`.
    spec_errors: RwLock<HashMap<&'static str, Arc<AtomicU64>>>,
    fault_overflow: AtomicU64,
    connections: [AtomicU64; Protocol::ALL.len()],
    connections_open: [AtomicI64; Protocol::ALL.len()],
}

impl ServerRed {
    /// With the series that every target has: strangers asking for an echo, and the given fault effects and spec
    /// parameters, all at 0.
    pub fn new(effects: &[&'static str], parameters: &[&'static str]) -> ServerRed {
        let mut red = ServerRed { descs: Vec::new(), state: Arc::default() };
        red.descs = descs(&red.collect());
        for protocol in Protocol::ALL {
            let operation = Name::from_static("echo");
            red.series(Labels { source: Source::external(), protocol, operation, injected: false });
        }
        for effect in effects {
            for source in FAULT_SOURCES {
                entry(&red.state.faults, (*effect, source));
            }
        }
        for parameter in parameters.iter().chain([&"other"]) {
            entry(&red.state.spec_errors, *parameter);
        }
        red
    }

    /// The series of these labels; beyond [`SOURCES_MAX`] sources or [`OPERATIONS_MAX`] operations of one source, the
    /// series of `other`. Worth keeping by the caller, since it takes locks: read locks only, unless the labels are new, so
    /// that a stranger with a new name in every request holds up nobody.
    pub fn series(&self, labels: Labels) -> Arc<ServerSeries> {
        if let Some(held) = read(&self.state.series).get(&labels) {
            return Arc::clone(held);
        }
        let (mut labels, is_new) = read(&self.state.names).fold(labels);
        if is_new {
            labels = write(&self.state.names).admit(labels);
        }
        if let Some(held) = read(&self.state.series).get(&labels) {
            return Arc::clone(held);
        }
        Arc::clone(
            write(&self.state.series).entry(labels).or_insert_with(|| Arc::new(ServerSeries::new(labels.protocol))),
        )
    }

    /// An effect of a fault was injected; `source` is who asked, one of [`FAULT_SOURCES`].
    pub fn fault(&self, effect: &'static str, source: &'static str) {
        entry(&self.state.faults, (effect, source)).fetch_add(1, Ordering::Relaxed);
    }

    /// A fault was asked for, but too many are active.
    pub fn fault_overflow(&self) {
        self.state.fault_overflow.fetch_add(1, Ordering::Relaxed);
    }

    /// A spec was refused because of this parameter.
    pub fn spec_error(&self, parameter: &str) {
        let held = read(&self.state.spec_errors);
        if let Some(count) = held.get(parameter).or_else(|| held.get("other")) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection was accepted.
    pub fn connected(&self, protocol: Protocol) {
        self.state.connections[protocol.index()].fetch_add(1, Ordering::Relaxed);
        self.state.connections_open[protocol.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// It is gone.
    pub fn disconnected(&self, protocol: Protocol) {
        self.state.connections_open[protocol.index()].fetch_sub(1, Ordering::Relaxed);
    }
}

/// A count is whole at every instant, so that a panic elsewhere spoils nothing.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The counter of a key, made on first use.
fn entry<K: Copy + Eq + std::hash::Hash>(map: &RwLock<HashMap<K, Arc<AtomicU64>>>, key: K) -> Arc<AtomicU64> {
    if let Some(held) = read(map).get(&key) {
        return Arc::clone(held);
    }
    Arc::clone(write(map).entry(key).or_default())
}

fn requests(labels: &Labels, series: &ServerSeries) -> Vec<Metric> {
    let mut counts = Vec::new();
    series.requests.add_to(&mut counts);
    let samples = counts.into_iter().map(|(key, count)| {
        let (code, result, error) = tally::words::<ServerError>(key);
        let more = [label("code", code), label("result", result), label("error", error), labels.injected()];
        counter(labels.pairs(more), count)
    });
    samples.collect()
}

/// Without the label `injected`, which says nothing of how a request arrived: what differs in it alone is one series.
fn received(series: &[(&Labels, &ServerSeries)]) -> Vec<Metric> {
    let mut sums: BTreeMap<Labels, [u64; Event::ALL.len()]> = BTreeMap::new();
    for (labels, series) in series {
        let sum = sums.entry(Labels { injected: false, ..**labels }).or_default();
        for (sum, count) in sum.iter_mut().zip(&series.received) {
            *sum += count.load(Ordering::Relaxed);
        }
    }
    let sample = |labels: &Labels, event: Event, sum: &[u64; Event::ALL.len()]| {
        counter(labels.pairs([label("event", event.as_str())]), sum[event.index()])
    };
    sums.iter().flat_map(|(labels, sum)| Event::ALL.map(|event| sample(labels, event, sum))).collect()
}

fn by_result(labels: &Labels, durations: &ByResult) -> Vec<Metric> {
    let sample = |success: bool, word| {
        let mut snapshot = Snapshot::default();
        durations.of(success).add_to(&mut snapshot);
        histogram(labels.pairs([label("result", word), labels.injected()]), &snapshot)
    };
    vec![sample(true, SUCCESS), sample(false, FAILURE)]
}

impl Collector for ServerRed {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let state = &*self.state;
        let held = read(&state.series);
        let mut series: Vec<(&Labels, &ServerSeries)> =
            held.iter().map(|(labels, series)| (labels, &**series)).collect();
        series.sort_unstable_by_key(|(labels, _)| **labels);
        let each = |samples: fn(&Labels, &ServerSeries) -> Vec<Metric>| {
            series.iter().flat_map(|(labels, series)| samples(labels, series)).collect::<Vec<_>>()
        };
        let by_protocol = |sample: &dyn Fn(Protocol) -> Metric| Protocol::ALL.map(sample).to_vec();
        let protocol_label = |protocol: Protocol| vec![label("protocol", protocol.as_str())];
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let level = |count: &AtomicI64| count.load(Ordering::Relaxed) as f64;
        let faults = read(&state.faults);
        let faults = faults
            .iter()
            .map(|((kind, source), count)| counter(vec![label("kind", *kind), label("source", *source)], load(count)));
        let spec_errors = read(&state.spec_errors);
        let spec_errors =
            spec_errors.iter().map(|(parameter, count)| counter(vec![label("parameter", *parameter)], load(count)));
        vec![
            REQUESTS.family(each(requests)),
            REQUEST_DURATION.family(each(|labels, s| by_result(labels, &s.request_duration))),
            PROCESSING_DURATION.family(each(|labels, s| by_result(labels, &s.processing_duration))),
            RECEIVED.family(received(&series)),
            INFLIGHT
                .family(each(|l, s| vec![gauge(l.pairs([l.injected()]), s.inflight.load(Ordering::Relaxed) as f64)])),
            CONNECTIONS_OPEN
                .family(by_protocol(&|p| gauge(protocol_label(p), level(&state.connections_open[p.index()])))),
            CONNECTIONS.family(by_protocol(&|p| counter(protocol_label(p), load(&state.connections[p.index()])))),
            SENT_BYTES
                .family(each(|l, s| vec![counter(l.pairs([l.injected()]), s.sent_bytes.load(Ordering::Relaxed))])),
            RECEIVED_BYTES
                .family(each(|l, s| vec![counter(l.pairs([l.injected()]), s.received_bytes.load(Ordering::Relaxed))])),
            FAULTS.family(faults.collect()),
            FAULT_OVERFLOW.family(vec![counter(Vec::new(), load(&state.fault_overflow))]),
            SPEC_ERRORS.family(spec_errors.collect()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(source: &str, operation: &str) -> Labels {
        Labels {
            source: source.parse().unwrap(),
            protocol: Protocol::Http,
            operation: operation.parse().unwrap(),
            injected: false,
        }
    }

    #[test]
    fn how_requests_arrived_is_one_series_whatever_they_asked_for() {
        let red = ServerRed::new(&[], &[]);
        for (injected, event) in [(false, Event::Unique), (true, Event::Unique), (true, Event::Duplicate)] {
            red.series(Labels { injected, ..labels("a/b", "web") }).received(event);
        }
        let families = red.collect();
        let family = families.iter().find(|family| family.name() == "continuous_load_server_received_total").unwrap();
        let of = |sample: &Metric, name: &str| {
            sample.get_label().iter().find(|pair| pair.name() == name).unwrap().value().to_owned()
        };
        let web = family.get_metric().iter().filter(|sample| of(sample, "operation") == "web");
        let counts: Vec<_> = web.map(|sample| (of(sample, "event"), sample.get_counter().get_value())).collect();
        let expected = [("unique", 2.0), ("duplicate", 1.0), ("late", 0.0)];
        assert_eq!(counts, expected.map(|(event, count)| (event.to_owned(), count)));
    }

    #[test]
    fn strangers_cannot_make_more_series_than_the_bounds() {
        let red = ServerRed::new(&[], &[]);
        let kept = red.series(labels("a/b", "kept"));
        for n in 0..1000 {
            red.series(labels("a/b", &format!("op-{n}"))).started();
            red.series(labels(&format!("x/{n}"), "one")).started();
        }
        assert!(Arc::ptr_eq(&kept, &red.series(labels("a/b", "kept"))), "what was there first stays");
        assert!(Arc::ptr_eq(&red.series(labels("a/b", "op-999")), &red.series(labels("a/b", "other"))));
        assert!(Arc::ptr_eq(&red.series(labels("x/999", "one")), &red.series(labels("other", "one"))));
        let series = read(&red.state.series);
        let operations = series.keys().filter(|held| held.source == labels("a/b", "x").source).count();
        assert_eq!(operations, OPERATIONS_MAX + 1, "the bound, and the rest as one");
        let mut sources: Vec<Source> = series.keys().map(|held| held.source).collect();
        sources.sort_unstable();
        sources.dedup();
        assert_eq!(sources.len(), SOURCES_MAX + 1);
        let counted: i64 = series.values().map(|one| one.inflight.load(Ordering::Relaxed)).sum();
        assert_eq!(counted, 2000, "nothing is lost");
    }
}

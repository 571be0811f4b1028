//! What the injector exports of the names of its targets. Only operations that go to a name have these series.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::proto::{Metric, MetricFamily};

use super::super::exposition::{Described, counter, gauge, histogram, label};
use super::{Operation, merged, tallied};
use crate::outcome::{Code, ErrorClass, Outcome};
use crate::red::Histogram;
use crate::red::tally::{self, Tally};

const LOOKUPS: Described = Described::counter(
    "continuous_load_client_lookups_total",
    "Look-ups of the target's name, by the name server's response code; empty where no answer came.",
);
const LOOKUP_DURATION: Described = Described::histogram(
    "continuous_load_client_lookup_duration_seconds",
    "How long look-ups took, those beside the requests included.",
);
const ADDRESSES: Described =
    Described::gauge("continuous_load_client_name_addresses", "Addresses in the latest answer to the target's name.");
const CHANGES: Described = Described::counter(
    "continuous_load_client_name_changes_total",
    "Answers with other addresses than the answer before.",
);
const STALE: Described = Described::counter(
    "continuous_load_client_stale_answers_total",
    "Connections opened to an address of an answer past its time, because look-ups failed.",
);
const DEPARTED: Described = Described::counter(
    "continuous_load_client_departed_requests_total",
    "Requests that went to an address that the latest answer does not have any more.",
);

/// The codes that are there from the start, so that their first time is visible to `rate()`.
const EXPECTED: [Code; 4] = [Code::NOERROR, Code::Rcode(2), Code::Rcode(3), Code::NONE];

/// What one worker counts of an operation's name.
#[derive(Debug)]
pub struct NameSeries {
    lookups: Tally,
    duration: Histogram,
    changes: AtomicU64,
    stale: AtomicU64,
    departed: AtomicU64,
}

impl Default for NameSeries {
    fn default() -> NameSeries {
        let lookups = Tally::default();
        EXPECTED.iter().for_each(|code| lookups.expect(of_code(*code)));
        let duration = Histogram::phases();
        NameSeries {
            lookups,
            duration,
            changes: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            departed: AtomicU64::new(0),
        }
    }
}

impl NameSeries {
    /// A look-up is over, answered with this code or not at all.
    pub fn looked_up(&self, code: Code, took: Duration) {
        self.lookups.count(of_code(code));
        self.duration.record(took);
    }

    /// An answer had other addresses than the one before.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was opened by an answer that is past its time.
    pub fn stale_answer(&self) {
        self.stale.fetch_add(1, Ordering::Relaxed);
    }

    /// A request went to an address that the latest answer does not have.
    pub fn departed_request(&self) {
        self.departed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A code as a key of a tally, whose other parts are of no interest here.
fn of_code(code: Code) -> Outcome<ErrorClass> {
    Outcome::Success(code)
}

/// What is known of an operation's name, over all workers.
#[derive(Debug, Default)]
pub(super) struct Name {
    /// 0: it goes to an address; 1: nothing is known yet; else the number of addresses and 2.
    state: AtomicU64,
}

impl Name {
    pub(super) fn exists(&self) {
        self.state.fetch_max(1, Ordering::Relaxed);
    }

    pub(super) fn has(&self, addresses: usize) {
        self.state.store(addresses as u64 + 2, Ordering::Relaxed);
    }
}

pub(super) fn families(operations: &[&Operation]) -> [MetricFamily; 6] {
    let named = || operations.iter().copied().filter(|operation| operation.name.state.load(Ordering::Relaxed) > 0);
    let each = |samples: fn(&Operation) -> Vec<Metric>| named().flat_map(samples).collect::<Vec<_>>();
    let total = |pick: fn(&NameSeries) -> &AtomicU64| {
        let sample = |operation: &Operation| counter(operation.labels.pairs([]), operation.sum(|s| pick(&s.names)));
        named().map(sample).collect::<Vec<_>>()
    };
    [
        LOOKUPS.family(each(lookups)),
        LOOKUP_DURATION
            .family(each(|o| vec![histogram(o.labels.pairs([]), &merged(o.shards.iter().map(|s| &s.names.duration)))])),
        ADDRESSES.family(each(addresses)),
        CHANGES.family(total(|names| &names.changes)),
        STALE.family(total(|names| &names.stale)),
        DEPARTED.family(total(|names| &names.departed)),
    ]
}

fn lookups(operation: &Operation) -> Vec<Metric> {
    let counts = tallied(operation.shards.iter().map(|shard| &shard.names.lookups)).into_iter();
    let samples = counts.map(|(key, count)| {
        let (code, ..) = tally::words::<ErrorClass>(key);
        counter(operation.labels.pairs([label("code", code)]), count)
    });
    samples.collect()
}

/// Nothing before the first answer: 0 would say that the name has no address.
fn addresses(operation: &Operation) -> Vec<Metric> {
    let known = operation.name.state.load(Ordering::Relaxed).checked_sub(2);
    known.map(|addresses| gauge(operation.labels.pairs([]), addresses as f64)).into_iter().collect()
}

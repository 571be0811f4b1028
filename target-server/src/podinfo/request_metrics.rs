//! podinfo's own metrics of its requests, by its names, labels and buckets, for dashboards that were built on it.
//!
//! Invariants:
//! - No label value comes unchecked from the network: methods are a closed list and `OTHER`, paths are of the program text,
//!   statuses numbers of three digits.
//! - [`Series::observe`] takes no lock once a status has been seen; the counter is summed up from the histograms when it is
//!   scraped, so that the two cannot disagree and a request pays for one.
//! - At most [`STATUSES_MAX`] combinations of the three labels, and one more status, `other`, per method and path.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use http::Method;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts};
use shared::red::COMPATIBLE_BUCKETS_S;

/// Combinations of method, path and status that have a series of their own: all a target is asked for in practice, and
/// some 3 MB of exposition when somebody asks for everything.
const STATUSES_MAX: usize = 2048;
/// The status of those that have none.
const OTHER_STATUS: &str = "other";
/// The method of those that HTTP does not define.
const OTHER_METHOD: &str = "OTHER";

/// `http_request_duration_seconds` and `http_requests_total`. Cloning shares the series.
#[derive(Clone)]
pub(crate) struct RequestMetrics(Arc<Shared>);

struct Shared {
    durations: HistogramVec,
    /// Never counted into: its description.
    requests: IntCounterVec,
    series: RwLock<HashMap<(&'static str, &'static str), Arc<Series>>>,
    room: Arc<AtomicUsize>,
}

/// What is counted of one method and path.
pub(crate) struct Series {
    method: &'static str,
    path: &'static str,
    durations: HistogramVec,
    /// Combinations that may still get a series of their own, of all.
    room: Arc<AtomicUsize>,
    /// By hundred, then by the rest of the status: a request finds its own without a lock, and a path that answers 200
    /// only does not pay for 900.
    statuses: [OnceLock<Box<Hundred>>; 9],
    other: OnceLock<Histogram>,
}

type Hundred = [OnceLock<Histogram>; 100];

impl RequestMetrics {
    pub(crate) fn new() -> RequestMetrics {
        let durations =
            HistogramOpts::new("http_request_duration_seconds", "How long requests took, by podinfo's names.")
                .buckets(COMPATIBLE_BUCKETS_S.to_vec());
        RequestMetrics(Arc::new(Shared {
            durations: HistogramVec::new(durations, &["method", "path", "status"])
                .expect("its name, labels and buckets are constants, and valid"),
            requests: requests(),
            series: RwLock::default(),
            room: Arc::new(AtomicUsize::new(STATUSES_MAX)),
        }))
    }

    /// Where requests with this method for this path are counted; nothing is exported before the first. Takes a read lock:
    /// worth keeping. A scrape is no request, so whoever routes leaves `/metrics` out.
    pub(crate) fn series(&self, method: &Method, path: &'static str) -> Arc<Series> {
        let Shared { durations, series, room, .. } = &*self.0;
        let method = known(method);
        if let Some(held) = series.read().unwrap_or_else(PoisonError::into_inner).get(&(method, path)) {
            return Arc::clone(held);
        }
        let new = || Series {
            method,
            path,
            durations: durations.clone(),
            room: Arc::clone(room),
            statuses: Default::default(),
            other: OnceLock::new(),
        };
        let mut series = series.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(series.entry((method, path)).or_insert_with(|| Arc::new(new())))
    }
}

impl Series {
    /// Counts one request that ended with this status after this time.
    pub(crate) fn observe(&self, status: u16, duration: Duration) {
        self.of(status).observe(duration.as_secs_f64());
    }

    fn of(&self, status: u16) -> &Histogram {
        let (hundred, rest) = (usize::from(status / 100), usize::from(status % 100));
        let Some(hundred) = hundred.checked_sub(1).and_then(|index| self.statuses.get(index)) else {
            return self.other();
        };
        let hundred = hundred.get_or_init(|| Box::new([const { OnceLock::new() }; 100]));
        hundred[rest].get_or_init(|| {
            let room = self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(1));
            // Another way to the same histogram, so that the next look-up ends here as well.
            if room.is_ok() { self.named(&status.to_string()) } else { self.other().clone() }
        })
    }

    fn other(&self) -> &Histogram {
        self.other.get_or_init(|| self.named(OTHER_STATUS))
    }

    fn named(&self, status: &str) -> Histogram {
        self.durations.with_label_values(&[self.method, self.path, status])
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Series({} {})", self.method, self.path)
    }
}

/// The method as a label.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => OTHER_METHOD,
    }
}

fn requests() -> IntCounterVec {
    let named = Opts::new("http_requests_total", "Requests by status, by podinfo's names.");
    IntCounterVec::new(named, &["status"]).expect("its name and label are constants, and valid")
}

impl Collector for RequestMetrics {
    fn desc(&self) -> Vec<&Desc> {
        let Shared { durations, requests, .. } = &*self.0;
        [durations.desc(), requests.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let durations = self.0.durations.collect();
        let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
        for metric in durations.iter().flat_map(MetricFamily::get_metric) {
            *by_status.entry(status_of(metric)).or_default() += metric.get_histogram().get_sample_count();
        }
        // One per scrape, so that two scrapes at once do not add up.
        let requests = requests();
        for (status, count) in by_status {
            requests.with_label_values(&[status]).inc_by(count);
        }
        let requests = requests.collect();
        [durations, requests].into_iter().flatten().collect()
    }
}

fn status_of(metric: &Metric) -> &str {
    metric.get_label().iter().find(|label| label.name() == "status").map_or(OTHER_STATUS, |label| label.value())
}

#[cfg(test)]
mod tests;

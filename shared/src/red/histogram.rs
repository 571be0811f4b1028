//! A classic histogram on atomics: fixed bounds, one relaxed addition per observation and one for the sum.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{DURATION_BUCKETS_S, PHASE_BUCKETS_S};

/// Room for the longest list of bounds and the bucket above it.
const SLOTS: usize = DURATION_BUCKETS_S.len() + 1;

const DURATION_BOUNDS_NS: [u64; DURATION_BUCKETS_S.len()] = in_ns(DURATION_BUCKETS_S);
const PHASE_BOUNDS_NS: [u64; PHASE_BUCKETS_S.len()] = in_ns(PHASE_BUCKETS_S);

/// Seconds to whole nanoseconds; every bound is a multiple of 50 µs, so rounding is exact.
const fn in_ns<const N: usize>(seconds: [f64; N]) -> [u64; N] {
    let mut ns = [0; N];
    let mut i = 0;
    while i < N {
        ns[i] = (seconds[i] * 1e9 + 0.5) as u64;
        i += 1;
    }
    ns
}

/// Counts of durations between fixed bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds_s: &'static [f64],
    bounds_ns: &'static [u64],
    counts: [AtomicU64; SLOTS],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// With [`DURATION_BUCKETS_S`].
    pub fn durations() -> Histogram {
        Histogram::new(&DURATION_BUCKETS_S, &DURATION_BOUNDS_NS)
    }

    /// With [`PHASE_BUCKETS_S`].
    pub fn phases() -> Histogram {
        Histogram::new(&PHASE_BUCKETS_S, &PHASE_BOUNDS_NS)
    }

    fn new(bounds_s: &'static [f64], bounds_ns: &'static [u64]) -> Histogram {
        Histogram { bounds_s, bounds_ns, counts: [const { AtomicU64::new(0) }; SLOTS], sum_ns: AtomicU64::new(0) }
    }

    /// Counts one duration. The sum wraps after 584 years of observed time.
    pub fn record(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let slot = self.bounds_ns.partition_point(|bound| *bound < ns);
        self.counts[slot].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// What was counted so far: in each bucket, the last of them above all bounds, and all together in nanoseconds.
    pub(crate) fn figures(&self) -> (Vec<u64>, u64) {
        let counts = &self.counts[..=self.bounds_ns.len()];
        let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
        (counts.collect(), self.sum_ns.load(Ordering::Relaxed))
    }

    /// Adds what was counted so far to `into`.
    pub(super) fn add_to(&self, into: &mut Snapshot) {
        into.bounds_s = self.bounds_s;
        for (count, total) in self.counts.iter().zip(&mut into.counts) {
            *total += count.load(Ordering::Relaxed);
        }
        into.sum_ns += u128::from(self.sum_ns.load(Ordering::Relaxed));
    }
}

/// One or more histograms of the same bounds, added up.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    bounds_s: &'static [f64],
    counts: [u64; SLOTS],
    sum_ns: u128,
}

impl Snapshot {
    /// Durations counted.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// In the form the exposition wants: cumulative counts per bound; the total is the bucket without bound.
    pub(super) fn to_proto(&self) -> prometheus::proto::Histogram {
        self.to_proto_at(self.bounds_s)
    }

    /// The same with fewer buckets: those up to `bounds_s`, which are among its own. Cumulative counts stay exact.
    pub(super) fn to_proto_at(&self, bounds_s: &[f64]) -> prometheus::proto::Histogram {
        let mut cumulative = 0;
        let buckets = self.bounds_s.iter().zip(&self.counts).filter_map(|(bound_s, count)| {
            cumulative += count;
            bounds_s.contains(bound_s).then(|| {
                let mut bucket = prometheus::proto::Bucket::default();
                bucket.set_upper_bound(*bound_s);
                bucket.set_cumulative_count(cumulative);
                bucket
            })
        });
        let mut histogram = prometheus::proto::Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(self.count());
        histogram.set_sample_sum(self.sum_ns as f64 / 1e9);
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cumulative(histogram: &Histogram) -> (Vec<u64>, u64, f64) {
        let mut snapshot = Snapshot::default();
        histogram.add_to(&mut snapshot);
        let proto = snapshot.to_proto();
        let buckets = proto.get_bucket().iter().map(|b| b.cumulative_count()).collect();
        (buckets, proto.get_sample_count(), proto.get_sample_sum())
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        for (i, bound) in DURATION_BOUNDS_NS.iter().enumerate() {
            let at = Histogram::durations();
            at.record(Duration::from_nanos(*bound));
            let above = Histogram::durations();
            above.record(Duration::from_nanos(bound + 1));
            let (buckets, _, _) = cumulative(&at);
            assert_eq!(buckets.iter().position(|c| *c == 1), Some(i), "le is inclusive at {bound} ns");
            let (buckets, count, _) = cumulative(&above);
            assert_eq!(buckets.iter().position(|c| *c == 1).unwrap_or(buckets.len()), i + 1);
            assert_eq!(count, 1, "the bucket without bound is the total");
        }
    }

    #[test]
    fn snapshots_of_shards_add_up() {
        let (a, b) = (Histogram::phases(), Histogram::phases());
        a.record(Duration::from_millis(1000));
        b.record(Duration::from_millis(3000));
        b.record(Duration::from_secs(60));
        let mut both = Snapshot::default();
        a.add_to(&mut both);
        b.add_to(&mut both);
        let proto = both.to_proto();
        assert_eq!(proto.get_sample_count(), 3);
        assert_eq!(proto.get_sample_sum(), 64.0);
        assert_eq!(proto.get_bucket().last().map(|b| b.cumulative_count()), Some(2));
    }
}

//! Durations, for reports: mergeable, and small whatever is recorded.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Significant decimal digits of every histogram.
const DIGITS: u8 = 3;
/// Longest duration told apart.
const LONGEST: Duration = Duration::from_secs(3600);

/// Durations in microseconds, three significant digits, growing with what it has seen.
#[derive(Clone, Debug)]
pub struct Durations(Histogram<u64>);

impl Default for Durations {
    fn default() -> Durations {
        Durations(Histogram::new(DIGITS).expect("three digits are a valid precision"))
    }
}

impl Durations {
    /// Counts one duration; more than an hour counts as an hour, which bounds the memory.
    pub fn record(&mut self, duration: Duration) {
        let us = duration.min(LONGEST).as_micros() as u64;
        self.0.record(us.max(1)).expect("it resizes by itself up to any value");
    }

    /// The duration that this share of all was not longer than; nothing if there were none.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_micros(self.0.value_at_quantile(quantile)))
    }

    /// The longest; nothing if there were none.
    pub fn max(&self) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_micros(self.0.max()))
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Every value that occurred, in microseconds, with how often: enough to merge and to compute any quantile.
    pub fn recorded_us(&self) -> Vec<(u64, u64)> {
        self.each_us().collect()
    }

    /// The same, without a list of them.
    pub(crate) fn each_us(&self) -> impl Iterator<Item = (u64, u64)> {
        // Most of a second's histograms are empty, and walking through one looks at every bucket.
        let held = (!self.0.is_empty()).then(|| self.0.iter_recorded());
        held.into_iter().flatten().map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// Counts so many of one duration, in microseconds.
    pub(crate) fn record_many_us(&mut self, us: u64, count: u64) {
        self.0.record_n(us.max(1), count).expect("it resizes by itself up to any value");
    }

    /// The mean; nothing if there were none.
    pub fn mean(&self) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_secs_f64(self.0.mean() / 1e6))
    }

    /// The shortest; nothing if there were none.
    pub fn min(&self) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_micros(self.0.min()))
    }

    /// Forgets all, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Durations) {
        if !other.0.is_empty() {
            self.0.add(&other.0).expect("both resize by themselves");
        }
    }
}
